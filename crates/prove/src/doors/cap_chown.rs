//! `CAP_CHOWN`: giving a file away, or taking one.
//!
//! # The attempt
//! `fchown` of a memfd of its own to another id that is mapped in the user namespace. `chown_common`
//! answers EINVAL to an unmapped id; then `chown_ok` asks for CAP_CHOWN over the file: EPERM without.
//!
//! # Why it is safe
//! The file is anonymous memory that nobody else can name.

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::fs::{Uid, fchown};

const TEXT: &str = "fchown(its own file, another user)";

pub(super) const DOOR: Door = Door {
    name: "CAP_CHOWN",
    gain: Gain::Files,
    lets: "give any file to any user",
    kind: Kind::Capability(Capability::CHOWN, prepare),
};

fn prepare(scene: &Scene) -> Result<Trial, Obstacle> {
    let Some(other) = scene.other_uid() else {
        let reason = "no other user id is mapped into this user namespace";
        return Err(Obstacle::new(TEXT, reason));
    };
    let file = crate::scene::memory_file(TEXT)?;
    Ok(Trial::new(
        format!("fchown(its own file, {other}, -1)"),
        (Answer::EPERM, Answer::Success),
        Authority::Own,
        move || fchown(&file, Some(Uid::from_raw(other)), None),
    ))
}
