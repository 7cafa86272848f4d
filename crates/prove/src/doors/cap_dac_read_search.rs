//! `CAP_DAC_READ_SEARCH`: reading any file, and leaving a container by file handles.
//!
//! # The attempt
//! `open_by_handle_at` of a memfd's mount with a handle of a type that does not exist.
//! `handle_to_path` asks `capable(CAP_DAC_READ_SEARCH)` before it reads the handle: EPERM without,
//! and ESTALE with it, since no filesystem decodes the handle. (A newer kernel's `may_decode_fh`
//! takes other capabilities, for `O_DIRECTORY` alone.)
//!
//! In a user namespace that never succeeds, and yet the files of the namespace's own users may be
//! read. There the attempt is to open a memfd of mode 0 for reading: `generic_permission` asks for
//! CAP_DAC_READ_SEARCH and then, for CAP_DAC_OVERRIDE, which stands in: EACCES without.
//!
//! # Why it is safe
//! A handle of no known type leads to no file. The memfd is anonymous memory that nobody else can
//! name, and is not read.

use super::{Door, Gain, Kind};
use crate::scene::memory_file;
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::fs::{Mode, fchmod};
use std::fs::OpenOptions;
use std::os::fd::{AsFd, AsRawFd};

const TEXT: &str = "open_by_handle_at(a handle of no known type)";

pub(super) const DOOR: Door = Door {
    name: "CAP_DAC_READ_SEARCH",
    gain: Gain::Files,
    lets: "read any file, also by handles from outside of the container",
    kind: Kind::Capability(Capability::DAC_READ_SEARCH, prepare),
};

fn prepare(scene: &Scene) -> Result<Trial, Obstacle> {
    let file = memory_file(TEXT)?;
    if scene.in_initial_namespace() {
        let by_handle = move || crate::untouched::open_impossible_handle(file.as_fd());
        let answers = (Answer::EPERM, Answer::Errno(libc::ESTALE));
        return Ok(Trial::new(TEXT, answers, Authority::Initial, by_handle).without_stand_ins());
    }
    if !scene.has_proc {
        let reason = "it needs /proc to open its own file a second time";
        return Err(Obstacle::new(TEXT, reason));
    }
    fchmod(&file, Mode::empty()).map_err(Obstacle::failed(TEXT, "fchmod"))?;
    let answers = (Answer::EACCES, Answer::Success);
    Ok(Trial::new("open(a file of mode 0, O_RDONLY)", answers, Authority::Own, move || {
        let path = format!("/proc/self/fd/{}", file.as_raw_fd());
        OpenOptions::new().read(true).open(path).map(drop)
    }))
}
