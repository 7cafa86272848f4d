//! `CAP_FOWNER`: acting as the owner of any file.
//!
//! # The attempt
//! `open(O_NOATIME)` of a directory of /proc that belongs to another user. `may_open` grants the
//! flag to the owner, else `inode_owner_or_capable` asks for CAP_FOWNER in the process's own user
//! namespace, over a file whose owner has an id there: EPERM without.
//!
//! # Why it is safe
//! The directory is opened for reading, and not read; the flag keeps even its time of access.

use super::{Door, Gain, Kind};
use crate::scene::NOTHING_FOREIGN;
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::fs::{Mode, OFlags, open};

const TEXT: &str = "open(a directory of another user, O_NOATIME)";

pub(super) const DOOR: Door = Door {
    name: "CAP_FOWNER",
    gain: Gain::Files,
    lets: "change the mode of any file, to setuid too",
    kind: Kind::Capability(Capability::FOWNER, prepare),
};

fn prepare(scene: &Scene) -> Result<Trial, Obstacle> {
    let directory =
        scene.foreign_directory().ok_or_else(|| Obstacle::new(TEXT, NOTHING_FOREIGN))?;
    let text = format!("open({}, O_NOATIME)", directory.display());
    Ok(Trial::new(text, (Answer::EPERM, Answer::Success), Authority::Own, move || {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOATIME | OFlags::CLOEXEC;
        open(&directory, flags, Mode::empty()).map(drop)
    }))
}
