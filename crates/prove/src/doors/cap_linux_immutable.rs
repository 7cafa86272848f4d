//! `CAP_LINUX_IMMUTABLE`: making files immutable or append-only, and undoing it.
//!
//! # The attempt
//! `ioctl(FS_IOC_SETFLAGS)` with the append-only flag on a memfd of its own. `vfs_fileattr_set`
//! passes the owner; then `fileattr_set_prepare` asks `capable(CAP_LINUX_IMMUTABLE)`: EPERM without.
//! tmpfs, on which memfds are, has such flags since Linux 6.0; before that the call answers ENOTTY,
//! which tells nothing.
//!
//! # Why it is safe
//! The file is anonymous memory that nobody else can name, and is gone with the child.

use super::{Door, Gain, Kind};
use crate::scene::memory_file;
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::fs::{IFlags, ioctl_setflags};

const TEXT: &str = "ioctl(FS_IOC_SETFLAGS, its own file, append-only)";

pub(super) const DOOR: Door = Door {
    name: "CAP_LINUX_IMMUTABLE",
    gain: Gain::Files,
    lets: "make files immutable, and immutable ones writable",
    kind: Kind::Capability(Capability::LINUX_IMMUTABLE, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    let file = memory_file(TEXT)?;
    Ok(Trial::new(TEXT, (Answer::EPERM, Answer::Success), Authority::Initial, move || {
        ioctl_setflags(&file, IFlags::APPEND)
    }))
}
