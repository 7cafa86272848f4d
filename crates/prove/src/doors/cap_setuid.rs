//! `CAP_SETUID`: becoming another user.
//!
//! # The attempt
//! `setresuid` to an id that is mapped in the user namespace and is none of the process's own.
//! `__sys_setresuid` answers EINVAL to an unmapped id, then asks `ns_capable_setid(CAP_SETUID)` in
//! the process's own user namespace: EPERM without.
//!
//! # Why it is safe
//! The child alone becomes that user, and ends at once.

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use dropcap_confine::sys::{Linux, System};

pub(super) const DOOR: Door = Door {
    name: "CAP_SETUID",
    gain: Gain::Others,
    lets: "become any user, root included",
    kind: Kind::Capability(Capability::SETUID, prepare),
};

fn prepare(scene: &Scene) -> Result<Trial, Obstacle> {
    let Some(other) = scene.other_uid() else {
        let reason = "no other user id is mapped into this user namespace";
        return Err(Obstacle::new("setresuid(another user)", reason));
    };
    Ok(Trial::new(
        format!("setresuid({other}, {other}, {other})"),
        (Answer::EPERM, Answer::Success),
        Authority::Own,
        move || Linux.set_user_ids([Some(other); 3]),
    ))
}
