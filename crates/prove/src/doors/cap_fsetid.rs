//! `CAP_FSETID`: keeping setuid and setgid bits on a file that is written to.
//!
//! # The attempt
//! A memfd of its own gets the setuid bit, and one byte is written to it. `file_remove_privs` takes
//! the bit away unless `setattr_should_drop_suidgid` finds CAP_FSETID in the initial user namespace.
//! The call succeeds either way: what is looked at is the mode afterwards.
//!
//! # Why it is safe
//! The file is anonymous memory that nobody else can name or execute.

use super::{Door, Gain, Kind};
use crate::answer::before;
use crate::scene::memory_file;
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::fs::{Mode, fchmod, fstat};

const TEXT: &str = "write(its own setuid file, 1 byte)";

pub(super) const DOOR: Door = Door {
    name: "CAP_FSETID",
    gain: Gain::Files,
    lets: "change a setuid file that it may write to, and keep it setuid",
    kind: Kind::Capability(Capability::FSETID, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    let file = memory_file(TEXT)?;
    Ok(Trial::after_others(TEXT, (Answer::Cleared, Answer::Kept), Authority::Initial, move || {
        before(fchmod(&file, Mode::SUID | Mode::RWXU))?;
        before(rustix::io::write(&file, b"."))?;
        let mode = Mode::from_raw_mode(before(fstat(&file))?.st_mode);
        Ok(if mode.contains(Mode::SUID) { Answer::Kept } else { Answer::Cleared })
    }))
}
