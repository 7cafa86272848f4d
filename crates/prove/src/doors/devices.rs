//! `devices`: a disk of the machine's, to be read past every file's permissions.
//!
//! # The attempt
//! `open(O_RDONLY | O_NONBLOCK)` of every block device in /dev that the kernel lists with its size in
//! `/proc/partitions`. `inode_permission` looks at the node's mode, and for a device at the rules of
//! the cgroup (`devcgroup_inode_permission`): EACCES or EPERM without.
//!
//! # Why it is safe
//! A listed device has its driver, so that no module is loaded in search of one; O_NONBLOCK keeps a
//! drive from waiting for a medium, and nothing is read. Character devices are never opened: opening
//! some of them acts (a watchdog arms).

use super::{Door, Gain, Kind};
use crate::judge::make;
use crate::trial::{Part, missing};
use crate::{Answer, Attempt, Scene, Verdict};
use rustix::fs::{Mode, OFlags, major, minor, open};
use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

const TEXT: &str = "open(a block device, O_RDONLY)";

pub(super) const DOOR: Door = Door {
    name: "devices",
    gain: Gain::WayBack,
    lets: "read the machine's disks",
    kind: Kind::Own(attempt),
};

fn attempt(door: &Door, scene: &Scene) -> Attempt {
    if let Some(reason) = missing(scene, Part::Devices) {
        return Attempt::not_tried(door.name, false, TEXT, reason);
    }
    let Ok(listed) = fs::read_to_string("/proc/partitions") else {
        let reason = "/proc, which tells what disks there are, is not there";
        return Attempt::not_tried(door.name, false, TEXT, reason);
    };
    let nodes = nodes(&partitions(&listed));
    let mut closed = Attempt {
        verdict: Verdict::Closed,
        result: "nothing".to_owned(),
        ..Attempt::not_tried(door.name, false, TEXT, "no disk of the machine has a node in /dev")
    };
    let mut opened = Vec::new();
    for path in &nodes {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        match make(|| open(path, flags, Mode::empty()).map(drop)) {
            Ok(Answer::Success) => opened.push(path),
            Ok(answer) => {
                let because = format!("it may not open {}", path.display());
                let attempt = format!("open({}, O_RDONLY)", path.display());
                closed = Attempt { because, attempt, result: answer.to_string(), ..closed };
            }
            Err(reason) => return Attempt::not_tried(door.name, false, TEXT, &reason),
        }
    }
    let Some(first) = opened.first() else { return closed };
    let more = match opened.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Attempt {
        verdict: Verdict::Open,
        attempt: format!("open({}, O_RDONLY)", first.display()),
        result: Answer::Success.to_string(),
        because: format!(
            "it may read {}{more}, past the permissions of every file",
            first.display()
        ),
        ..closed
    }
}

/// The numbers of the disks and partitions that have a size.
fn partitions(listed: &str) -> HashSet<(u32, u32)> {
    let numbers = |line: &str| {
        let mut fields = line.split_whitespace().map(str::parse);
        Some((fields.next()?.ok()?, fields.next()?.ok()?))
    };
    listed.lines().filter_map(numbers).collect()
}

/// The block devices of /dev, and of the directories in it, that are among these.
fn nodes(known: &HashSet<(u32, u32)>) -> Vec<PathBuf> {
    let entries = |directory: &Path| {
        fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path())
    };
    let mut found = Vec::new();
    for path in entries(Path::new("/dev")) {
        let is_directory = fs::symlink_metadata(&path).is_ok_and(|it| it.is_dir());
        if is_directory { found.extend(entries(&path)) } else { found.push(path) }
    }
    found.retain(|path| {
        fs::symlink_metadata(path).is_ok_and(|it| {
            it.file_type().is_block_device()
                && known.contains(&(major(it.rdev()), minor(it.rdev())))
        })
    });
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_partitions_is_read_past_its_heading() {
        let listed = "major minor  #blocks  name\n\n 254        0  268435456 vda\n   8 1 5 sda1\n";
        assert_eq!(partitions(listed), HashSet::from([(254, 0), (8, 1)]));
    }
}
