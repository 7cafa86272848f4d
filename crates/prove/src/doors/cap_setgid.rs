//! `CAP_SETGID`: becoming another group.
//!
//! # The attempt
//! `setresgid` to an id that is mapped in the user namespace and is none of the process's own.
//! `__sys_setresgid` answers EINVAL to an unmapped id, then asks `ns_capable_setid(CAP_SETGID)` in
//! the process's own user namespace: EPERM without.
//!
//! # Why it is safe
//! The child alone changes its group, and ends at once.

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use dropcap_confine::sys::{Linux, System};

pub(super) const DOOR: Door = Door {
    name: "CAP_SETGID",
    gain: Gain::Others,
    lets: "become any group",
    kind: Kind::Capability(Capability::SETGID, prepare),
};

fn prepare(scene: &Scene) -> Result<Trial, Obstacle> {
    let Some(other) = scene.other_gid() else {
        let reason = "no other group id is mapped into this user namespace";
        return Err(Obstacle::new("setresgid(another group)", reason));
    };
    Ok(Trial::new(
        format!("setresgid({other}, {other}, {other})"),
        (Answer::EPERM, Answer::Success),
        Authority::Own,
        move || Linux.set_group_ids([Some(other); 3]),
    ))
}
