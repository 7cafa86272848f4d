//! `CAP_SYS_RESOURCE`: passing resource limits and quotas.
//!
//! # The attempt
//! The child lowers its hard `RLIMIT_CORE` to 0 and raises it to 1. `do_prlimit` leaves the raising
//! of a hard limit to `capable(CAP_SYS_RESOURCE)`, in the initial user namespace whoever asks: EPERM
//! without.
//!
//! # Why it is safe
//! The limit is the child's own, and ends with it.

use super::{Door, Gain, Kind};
use crate::answer::before;
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::process::{Resource, Rlimit, setrlimit};

pub(super) const DOOR: Door = Door {
    name: "CAP_SYS_RESOURCE",
    gain: Gain::Machine,
    lets: "pass resource limits",
    kind: Kind::Capability(Capability::SYS_RESOURCE, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    let text = "setrlimit(RLIMIT_CORE, hard 0, then 1)";
    let to =
        |most: u64| setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(most) });
    Ok(Trial::after_others(text, (Answer::EPERM, Answer::Success), Authority::Initial, move || {
        before(to(0))?;
        Ok(Answer::from(to(1)))
    }))
}
