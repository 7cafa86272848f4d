//! `CAP_DAC_OVERRIDE`: passing a file's permissions.
//!
//! # The attempt
//! A memfd of its own gets mode 0 and is opened again for writing, through /proc. The owner's bits
//! say no, so `generic_permission` comes to `capable_wrt_inode_uidgid(CAP_DAC_OVERRIDE)`: EACCES
//! without. CAP_DAC_READ_SEARCH is asked for reads only and cannot stand in.
//!
//! # Why it is safe
//! The file is anonymous memory that nobody else can name; nothing is written.

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::fs::{Mode, fchmod};
use std::fs::OpenOptions;
use std::os::fd::AsRawFd;

const TEXT: &str = "open(a file of mode 0, O_WRONLY)";

pub(super) const DOOR: Door = Door {
    name: "CAP_DAC_OVERRIDE",
    gain: Gain::Files,
    lets: "read and change any file",
    kind: Kind::Capability(Capability::DAC_OVERRIDE, prepare),
};

fn prepare(scene: &Scene) -> Result<Trial, Obstacle> {
    if !scene.has_proc {
        let reason = "it needs /proc to open its own file a second time";
        return Err(Obstacle::new(TEXT, reason));
    }
    let file = crate::scene::memory_file(TEXT)?;
    fchmod(&file, Mode::empty()).map_err(Obstacle::failed(TEXT, "fchmod"))?;
    Ok(Trial::new(TEXT, (Answer::EACCES, Answer::Success), Authority::Own, move || {
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        OpenOptions::new().write(true).open(path).map(drop)
    }))
}
