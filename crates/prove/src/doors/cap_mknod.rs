//! `CAP_MKNOD`: making device nodes.
//!
//! # The attempt
//! `mknod` of character device 0:1 in a directory that may be written to. `may_mknod` and
//! `may_create` pass; then `vfs_mknod` asks for CAP_MKNOD in the initial user namespace: EPERM
//! without. (0:0 is overlayfs's whiteout, which everybody may make.) After it come the filesystem,
//! the device cgroup and the security modules, each of which may still say no.
//!
//! # Why it is safe
//! Major 0 belongs to no driver: such a node opens nothing. It is made under a name of dropcap's own
//! and unlinked at once, by the parent again should the child have been killed in between.

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::fs::{Access, CWD, FileType, Mode, access, makedev, mknodat, statvfs};
use std::io;
use std::path::{Path, PathBuf};

const TEXT: &str = "mknod(character device 0:1)";

pub(super) const DOOR: Door = Door {
    name: "CAP_MKNOD",
    gain: Gain::Files,
    lets: "make device nodes",
    kind: Kind::Capability(Capability::MKNOD, prepare),
};

fn prepare(scene: &Scene) -> Result<Trial, Obstacle> {
    let Some(directory) = writable_directory() else {
        let reason = "it needs a directory that may be written to, and there is none";
        return Err(Obstacle::new(TEXT, reason));
    };
    let path = directory.join(format!(".dropcap-{}-{}", std::process::id(), scene.unique()));
    let leftover = path.clone();
    Ok(Trial::new(
        format!("mknod({}/…, character device 0:1)", directory.display()),
        (Answer::EPERM, Answer::Success),
        Authority::Initial,
        move || -> io::Result<()> {
            mknodat(CWD, &path, FileType::CharacterDevice, Mode::empty(), makedev(0, 1))?;
            std::fs::remove_file(&path)
        },
    )
    .cleaned_by(move || {
        // Normally gone already.
        let _ = std::fs::remove_file(leftover);
    }))
}

/// A directory in which this process may make files.
fn writable_directory() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let usual = ["/dev/shm", "/tmp", "/run", "/var/tmp", "."].into_iter().map(PathBuf::from);
    usual.chain(home).find(|directory| may_write(directory))
}

fn may_write(directory: &Path) -> bool {
    let writable = statvfs(directory)
        .is_ok_and(|filesystem| !filesystem.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY));
    writable && directory.is_dir() && access(directory, Access::WRITE_OK | Access::EXEC_OK).is_ok()
}
