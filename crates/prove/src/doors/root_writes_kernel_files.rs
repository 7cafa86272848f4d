//! `root-writes-kernel-files`: user 0 writes what the kernel reads, without any capability.
//!
//! # The attempt
//! `open(O_WRONLY)` of files by which the kernel is told what to execute. `test_perm` of
//! `fs/proc/proc_sysctl.c` gives the owner's bits to user 0 of the machine and asks for no
//! capability; kernfs compares owners as any filesystem does. A read-only mount, which engines put
//! over /proc/sys and /sys, answers EROFS after that (`may_open` comes before `do_dentry_open`, which
//! asks for write access to the mount).
//!
//! # Why it is safe
//! Nothing is written, and opening these files for writing does nothing: a sysctl acts on write, and
//! `O_TRUNC` is not asked for.

use super::{Door, Gain, Kind};
use crate::judge::make;
use crate::{Answer, Attempt, Scene, Verdict};
use dropcap_capability::Capability;
use rustix::fs::{StatVfsMountFlags, statvfs};
use std::fs::OpenOptions;
use std::path::Path;

/// What the kernel executes by, in the order of what each is worth.
const FILES: &[&str] = &[
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/modprobe",
    "/sys/kernel/uevent_helper",
    "/proc/sys/fs/binfmt_misc/register",
    "/proc/sys/kernel/usermodehelper/bset",
    "/proc/sysrq-trigger",
];

const TEXT: &str = "open(core_pattern and the like, O_WRONLY)";

pub(super) const DOOR: Door = Door {
    name: "root-writes-kernel-files",
    gain: Gain::WayBack,
    lets: "have the kernel execute a program of its choice",
    kind: Kind::Own(attempt),
};

fn attempt(door: &Door, scene: &Scene) -> Attempt {
    let there: Vec<&str> = FILES.iter().copied().filter(|path| Path::new(path).exists()).collect();
    if there.is_empty() {
        let reason = "there is no such file here: neither /proc nor /sys is mounted";
        return Attempt::not_tried(door.name, false, TEXT, reason);
    }
    if let Some(reason) = scene.cannot_show(crate::trial::Authority::Initial) {
        return Attempt::not_tried(door.name, false, TEXT, reason);
    }
    let mut opened = Vec::new();
    let mut refusal = None;
    for path in &there {
        match make(|| OpenOptions::new().write(true).open(path).map(drop)) {
            Ok(Answer::Success) => opened.push(*path),
            Ok(answer) => {
                refusal.get_or_insert(answer);
            }
            Err(reason) => return Attempt::not_tried(door.name, false, TEXT, &reason),
        }
    }
    let root = scene.credentials.uid.effective == 0;
    let (verdict, result, because) = match (opened.first(), refusal) {
        (Some(first), _) => (
            Verdict::Open,
            "0".to_owned(),
            format!("it may write to {}: {first} needs user 0, and no capability", list(&opened)),
        ),
        (None, Some(Answer::Errno(libc::EROFS))) => (
            Verdict::Closed,
            Answer::Errno(libc::EROFS).to_string(),
            "the files of the kernel are mounted read-only".to_owned(),
        ),
        (None, refusal) => (
            Verdict::Closed,
            refusal.map_or_else(String::new, |answer| answer.to_string()),
            if root {
                "it is user 0, but not of the machine, or something else refuses it".to_owned()
            } else {
                "these files are root's, and it is not user 0".to_owned()
            },
        ),
    };
    Attempt {
        door: door.name.to_owned(),
        verdict,
        held: false,
        attempt: format!("open({}, O_WRONLY)", opened.first().unwrap_or(&there[0])),
        result,
        expected: Some(expected(scene, &there)),
        because,
        gains: Vec::new(),
        witness: Vec::new(),
    }
}

fn list(paths: &[&str]) -> String {
    match paths {
        [one] => (*one).to_owned(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        [] => String::new(),
    }
}

/// What the owner's bits and the mounts say.
fn expected(scene: &Scene, there: &[&str]) -> String {
    let of_the_machine = scene.state.user_namespace.as_ref().is_none_or(|own| own.initial);
    let writable = |path: &&&str| {
        statvfs(**path)
            .is_ok_and(|filesystem| !filesystem.f_flag.contains(StatVfsMountFlags::RDONLY))
    };
    let overrides = |path: &&str| {
        // Files of sysctl(8) know user 0 alone; those of sysfs are files like any other.
        path.starts_with("/sys/") && scene.credentials.permitted.contains(Capability::DAC_OVERRIDE)
    };
    let permitted =
        |path: &&str| of_the_machine && (scene.credentials.uid.effective == 0 || overrides(path));
    let answer = if there.iter().any(|path| permitted(path) && writable(&path)) {
        Answer::Success
    } else if there.first().is_some_and(|first| permitted(first) && !writable(&first)) {
        Answer::Errno(libc::EROFS)
    } else {
        Answer::EACCES
    };
    answer.to_string()
}
