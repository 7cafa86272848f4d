//! `CAP_SYS_RAWIO`: reaching I/O ports and the raw blocks of filesystems.
//!
//! # The attempt
//! `ioctl(FIBMAP)` of block -1 of a memfd of its own. `ioctl_fibmap` asks `capable(CAP_SYS_RAWIO)`
//! first: EPERM without; then a number below zero is EINVAL. (`ioperm` may not be there at all, and
//! `iopl` would act.)
//!
//! # Why it is safe
//! No file has a block -1, and the file is anonymous memory.

use super::{Door, Gain, Kind};
use crate::scene::memory_file;
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use std::os::fd::AsFd;

const TEXT: &str = "ioctl(FIBMAP, its own file, block -1)";

pub(super) const DOOR: Door = Door {
    name: "CAP_SYS_RAWIO",
    gain: Gain::Confinement,
    lets: "reach I/O ports and raw memory",
    kind: Kind::Capability(Capability::SYS_RAWIO, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    let file = memory_file(TEXT)?;
    Ok(Trial::new(TEXT, (Answer::EPERM, Answer::EINVAL), Authority::Initial, move || {
        crate::untouched::map_impossible_block(file.as_fd())
    }))
}
