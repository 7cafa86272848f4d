//! `CAP_SYS_TIME`: setting the machine's clock.
//!
//! # The attempt
//! `adjtimex` that sets a tick of 0. `timekeeping_validate_timex` asks `capable(CAP_SYS_TIME)` as
//! soon as anything is to be set: EPERM without; then a tick that is off by more than a tenth is
//! EINVAL. (`clock_settime` of a bad time is EINVAL to everybody.)
//!
//! # Why it is safe
//! No kernel accepts a tick of 0, and nothing is set before the whole request is looked at.

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;

pub(super) const DOOR: Door = Door {
    name: "CAP_SYS_TIME",
    gain: Gain::Machine,
    lets: "set the machine's clock",
    kind: Kind::Capability(Capability::SYS_TIME, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    let answers = (Answer::EPERM, Answer::EINVAL);
    let call = crate::untouched::set_impossible_tick;
    Ok(Trial::new("adjtimex(ADJ_TICK, 0)", answers, Authority::Initial, call))
}
