//! `CAP_SETPCAP`: changing the bounding set and the securebits, and passing capabilities on.
//!
//! # The attempt
//! `prctl(PR_CAPBSET_DROP, 63)`. `cap_prctl_drop` asks for CAP_SETPCAP in the process's own user
//! namespace first, and only then whether there is a capability 63: EPERM without, EINVAL with it.
//!
//! # Why it is safe
//! There is no capability 63 on any kernel so far; on one that had it, the child alone would lose it.

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial};
use crate::untouched::{NO_CAPABILITY, drop_no_capability};
use crate::{Answer, Scene};
use dropcap_capability::Capability;

pub(super) const DOOR: Door = Door {
    name: "CAP_SETPCAP",
    gain: Gain::Others,
    lets: "pass on any capability of the bounding set",
    kind: Kind::Capability(Capability::SETPCAP, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    Ok(Trial::new(
        format!("prctl(PR_CAPBSET_DROP, {NO_CAPABILITY})"),
        (Answer::EPERM, Answer::EINVAL),
        Authority::Own,
        drop_no_capability,
    ))
}
