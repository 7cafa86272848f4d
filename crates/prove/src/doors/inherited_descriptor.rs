//! `inherited-descriptor`: an open file that carries somebody else's privilege.
//!
//! # The attempt
//! Every descriptor that came through execve is looked at: whether it is a packet or raw socket, a
//! block device, another process's memory, a namespace, a BPF or perf object, an io_uring, a kernel
//! file open for writing, or a directory from which `..` leads out of the root directory. The kernel
//! checked its permission when it was opened; whoever has it now is not asked again.
//!
//! # Why it is safe
//! `getsockopt`, `fstat`, `fcntl` and `readlink` change nothing; of directories the parents are
//! opened as places only (`O_PATH`). Nothing is read from or written to a descriptor.

use super::{Door, Gain, Kind};
use crate::{Attempt, Scene, Verdict};
use rustix::fs::{FileType, Mode, OFlags, Stat, fcntl_getfl, fstat, openat, stat};
use rustix::io::{FdFlags, fcntl_getfd};
use rustix::net::sockopt::{socket_domain, socket_type};
use rustix::net::{AddressFamily, SocketType};
use std::fs;
use std::os::fd::{AsFd, BorrowedFd};

const TEXT: &str = "fstat and getsockopt of every inherited descriptor";
/// How deep a directory may lie; `..` ends at a root before that.
const DEEPEST: usize = 256;

pub(super) const DOOR: Door = Door {
    name: "inherited-descriptor",
    gain: Gain::WayBack,
    lets: "use what somebody else has opened",
    kind: Kind::Own(attempt),
};

fn attempt(door: &Door, _: &Scene) -> Attempt {
    let mut looked_at = 0;
    let mut found = Vec::new();
    for number in crate::untouched::open_descriptors() {
        let descriptor = crate::untouched::borrow(number);
        // What dropcap opened itself closes at execve; what came through execve does not.
        let Ok(flags) = fcntl_getfd(descriptor) else { continue };
        if flags.contains(FdFlags::CLOEXEC) {
            continue;
        }
        looked_at += 1;
        if let Some(what) = privilege_of(descriptor, number) {
            found.push(format!("descriptor {number} is {what}"));
        }
    }
    let open = !found.is_empty();
    let count = match looked_at {
        1 => "1 descriptor was inherited, and it carries".to_owned(),
        count => format!("{count} descriptors were inherited, and they carry"),
    };
    Attempt {
        door: door.name.to_owned(),
        verdict: if open { Verdict::Open } else { Verdict::Closed },
        held: false,
        attempt: TEXT.to_owned(),
        result: if open { found.join("; ") } else { "nothing".to_owned() },
        expected: None,
        because: if open {
            format!("{}: it was opened with more privilege than is left", found.join("; "))
        } else {
            format!("{count} no privilege")
        },
        gains: Vec::new(),
        witness: Vec::new(),
    }
}

/// What of somebody else's a descriptor is, if it is.
fn privilege_of(descriptor: BorrowedFd<'_>, number: i32) -> Option<String> {
    let status = fstat(descriptor).ok()?;
    let link = fs::read_link(format!("/proc/self/fd/{number}"))
        .map(|link| link.to_string_lossy().into_owned())
        .unwrap_or_default();
    match FileType::from_raw_mode(status.st_mode) {
        FileType::Socket => socket(descriptor),
        FileType::BlockDevice => Some(format!("a block device ({link})")),
        FileType::Directory => outside(descriptor).then(|| format!("a directory outside ({link})")),
        _ => by_name(&link, descriptor),
    }
}

fn socket(descriptor: BorrowedFd<'_>) -> Option<String> {
    if socket_domain(descriptor).ok()? == AddressFamily::PACKET {
        return Some("a packet socket".to_owned());
    }
    let internet =
        matches!(socket_domain(descriptor).ok()?, AddressFamily::INET | AddressFamily::INET6);
    (internet && socket_type(descriptor).ok()? == SocketType::RAW)
        .then(|| "a raw socket".to_owned())
}

/// Files whose name in /proc tells what they are (`d_path` of their own filesystem).
fn by_name(link: &str, descriptor: BorrowedFd<'_>) -> Option<String> {
    const KINDS: [(&str, &str); 5] = [
        ("anon_inode:bpf", "a BPF object"),
        ("anon_inode:[perf_event]", "a perf event"),
        ("anon_inode:[io_uring]", "an io_uring, which may act with its maker's credentials"),
        ("anon_inode:[fscontext]", "a filesystem about to be mounted"),
        ("/dev/mem", "the machine's memory"),
    ];
    if let Some((_, what)) = KINDS.iter().find(|(prefix, _)| link.starts_with(prefix)) {
        return Some((*what).to_owned());
    }
    let mut parts = link.split(':');
    let namespaces = ["mnt", "user", "net", "pid", "ipc", "uts", "cgroup", "time"];
    if namespaces.contains(&parts.next()?) && parts.next().is_some_and(|id| id.starts_with('[')) {
        return Some(format!("a namespace ({link})"));
    }
    let writable = fcntl_getfl(descriptor).is_ok_and(|flags| {
        flags.intersects(OFlags::WRONLY | OFlags::RDWR) && !flags.contains(OFlags::PATH)
    });
    let own = format!("/proc/{}/", std::process::id());
    if link.starts_with("/proc/") && link.ends_with("/mem") && !link.starts_with(&own) {
        return Some(format!("another process's memory ({link})"));
    }
    let kernel = link.starts_with("/proc/sys") || link.starts_with("/sys/");
    (writable && kernel).then(|| format!("a kernel file open for writing ({link})"))
}

/// Whether `..` from a directory leads to another root than ours.
fn outside(directory: BorrowedFd<'_>) -> bool {
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let above = |from: BorrowedFd<'_>| openat(from, "..", flags, Mode::empty());
    let Ok(root) = stat("/") else { return false };
    let Ok(mut place) = openat(directory, ".", flags, Mode::empty()) else { return false };
    for _ in 0..DEEPEST {
        let Ok(here) = fstat(&place) else { return false };
        if same(&here, &root) {
            return false;
        }
        let Ok(parent) = above(place.as_fd()) else { return false };
        let Ok(there) = fstat(&parent) else { return false };
        if same(&here, &there) {
            // A root, and not ours.
            return true;
        }
        place = parent;
    }
    false
}

fn same(one: &Stat, other: &Stat) -> bool {
    one.st_dev == other.st_dev && one.st_ino == other.st_ino
}
