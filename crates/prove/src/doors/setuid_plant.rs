//! `setuid-plant`: user 0 leaves a setuid file on a mount of the machine's, for its users to execute.
//!
//! # The attempt
//! In each directory that is mounted from the machine, writable and not nosuid, `open(O_TMPFILE)`
//! makes a file without a name, which gets the setuid bit. What user 0 makes belongs to root of the
//! machine, with no capability at all; whoever has an account there executes it as root. The root
//! directory of a container does not count, nor do the engine's volumes: they lie where the machine's
//! users cannot go.
//!
//! # Why it is safe
//! A file without a name cannot be opened by anybody else, is empty, may be executed by nobody, and is
//! gone when it is closed. On a filesystem without such files nothing is made.

use super::{Door, Gain, Kind};
use crate::judge::make;
use crate::mounts::{Mount, mounts};
use crate::trial::{Authority, Part, missing_from_proc};
use crate::{Answer, Attempt, Scene, Verdict};
use rustix::fs::{Mode, OFlags, StatVfsMountFlags, fchmod, fstat, open, statvfs};
use std::io;
use std::path::Path;

const TEXT: &str = "open(a mount of the machine's, O_TMPFILE), fchmod(setuid)";

/// Filesystems whose files are none that a user of the machine executes.
const WITHOUT_PROGRAMS: &[&str] = &[
    "autofs",
    "binfmt_misc",
    "bpf",
    "cgroup",
    "cgroup2",
    "configfs",
    "debugfs",
    "devpts",
    "devtmpfs",
    "efivarfs",
    "fusectl",
    "hugetlbfs",
    "mqueue",
    "nsfs",
    "proc",
    "pstore",
    "rpc_pipefs",
    "securityfs",
    "selinuxfs",
    "sysfs",
    "tracefs",
];

/// Where engines keep volumes, which only root of the machine may enter.
const VOLUMES: &[&str] = &["/docker/volumes/", "/containers/storage/", "/kubelet/pods/"];

pub(super) const DOOR: Door = Door {
    name: "setuid-plant",
    gain: Gain::WayBack,
    lets: "leave a setuid file of root's on the machine",
    kind: Kind::Own(attempt),
};

fn attempt(door: &Door, scene: &Scene) -> Attempt {
    if let Some(reason) = missing_from_proc(scene, Part::Mounts) {
        return Attempt::not_tried(door.name, false, TEXT, reason);
    }
    if let Some(reason) = scene.cannot_show(Authority::Initial) {
        return Attempt::not_tried(door.name, false, TEXT, reason);
    }
    let closed = |because: &str| Attempt {
        verdict: Verdict::Closed,
        result: "nothing".to_owned(),
        ..Attempt::not_tried(door.name, false, TEXT, because)
    };
    let of_the_machine = scene.in_initial_namespace();
    if !of_the_machine || scene.credentials.uid.filesystem != 0 {
        return closed("what it makes does not belong to root of the machine");
    }
    let mounted: Vec<Mount> = mounts().into_iter().filter(holds_programs).collect();
    let suid: Vec<&Mount> = mounted.iter().filter(|mount| !is_barred(&mount.point)).collect();
    let mut refusal = None;
    for mount in &suid {
        match make(|| plant(&mount.point)) {
            Ok(Answer::Success) => {
                let because = format!(
                    "{} is the machine's, and not mounted nosuid: a setuid file that user 0 leaves \
                     there makes a user of the machine root",
                    mount.point.display()
                );
                return Attempt {
                    verdict: Verdict::Open,
                    attempt: format!("open({}, O_TMPFILE), fchmod(setuid)", mount.point.display()),
                    result: Answer::Success.to_string(),
                    because,
                    ..closed("")
                };
            }
            Ok(answer) => refusal = Some((mount, answer)),
            Err(reason) => return Attempt::not_tried(door.name, false, TEXT, &reason),
        }
    }
    match refusal {
        // There it has no files without a name; with one, somebody might come across it.
        Some((mount, Answer::Errno(libc::EOPNOTSUPP | libc::EISDIR))) => {
            let reason = format!(
                "{} has no files without a name, and no other is made there",
                mount.point.display()
            );
            Attempt::not_tried(door.name, false, TEXT, &reason)
        }
        Some((mount, answer)) => Attempt {
            result: answer.to_string(),
            ..closed(&format!("it may not write to {}", mount.point.display()))
        },
        None if mounted.is_empty() => closed("nothing of the machine's is mounted here"),
        None => closed("what is mounted of the machine's is read-only or nosuid"),
    }
}

/// Whether it may be a directory of the machine's own, with files that its users execute.
fn holds_programs(mount: &Mount) -> bool {
    let whole = mount.root == Path::new("/");
    // A container's own root directory, or memory that was mounted for it.
    let own = match mount.kind.as_str() {
        "overlay" => mount.point == Path::new("/"),
        "tmpfs" | "ramfs" => whole,
        _ => false,
    };
    let root = mount.root.to_string_lossy();
    let volume = VOLUMES.iter().any(|place| root.contains(place));
    !own && !volume && !WITHOUT_PROGRAMS.contains(&mount.kind.as_str()) && mount.point.is_dir()
}

/// Whether nothing may be written there, or nothing there gives a privilege.
fn is_barred(place: &Path) -> bool {
    statvfs(place).is_ok_and(|filesystem| {
        filesystem.f_flag.intersects(StatVfsMountFlags::RDONLY | StatVfsMountFlags::NOSUID)
    })
}

/// Makes a setuid file without a name, and lets it go.
fn plant(directory: &Path) -> io::Result<()> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let file = open(directory, flags, Mode::empty())?;
    fchmod(&file, Mode::SUID)?;
    let made = fstat(&file)?;
    let is_setuid_root = made.st_uid == 0 && Mode::from_raw_mode(made.st_mode).contains(Mode::SUID);
    if is_setuid_root { Ok(()) } else { Err(io::Error::from_raw_os_error(libc::EPERM)) }
}
