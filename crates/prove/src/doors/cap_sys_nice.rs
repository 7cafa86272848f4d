//! `CAP_SYS_NICE`: raising the priority of any process.
//!
//! # The attempt
//! With a soft `RLIMIT_NICE` of 0 the child makes itself nicer by one and goes back. `set_one_prio`
//! knows it as its own process; then `can_nice` leaves a nicer value than the limit allows to
//! `capable(CAP_SYS_NICE)`: EACCES without.
//!
//! # Why it is safe
//! The priority is the child's own, and no higher than that of dropcap.

use super::{Door, Gain, Kind};
use crate::answer::before;
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::process::{
    Resource, Rlimit, getpriority_process, getrlimit, setpriority_process, setrlimit,
};

/// The last of the nice values (`MAX_NICE`).
const NICEST: i32 = 19;

pub(super) const DOOR: Door = Door {
    name: "CAP_SYS_NICE",
    gain: Gain::Others,
    lets: "take processor time from others",
    kind: Kind::Capability(Capability::SYS_NICE, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    let text = "setpriority(one nicer, and back) under RLIMIT_NICE 0";
    Ok(Trial::after_others(text, (Answer::EACCES, Answer::Success), Authority::Initial, || {
        let limit = getrlimit(Resource::Nice);
        before(setrlimit(Resource::Nice, Rlimit { current: Some(0), ..limit }))?;
        let own = before(getpriority_process(None))?;
        let nicer = (own + 1).min(NICEST);
        before(setpriority_process(None, nicer))?;
        Ok(Answer::from(setpriority_process(None, nicer - 1)))
    }))
}
