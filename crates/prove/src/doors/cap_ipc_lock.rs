//! `CAP_IPC_LOCK`: locking memory without limit.
//!
//! # The attempt
//! With a soft `RLIMIT_MEMLOCK` of 0, `mlock` of one page of its own. `do_mlock` begins with
//! `can_do_mlock`, which a limit of 0 leaves to `capable(CAP_IPC_LOCK)`: EPERM without.
//!
//! # Why it is safe
//! The limit and the lock are the child's own and end with it. A soft limit may always be lowered.

use super::{Door, Gain, Kind};
use crate::answer::before;
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

pub(super) const DOOR: Door = Door {
    name: "CAP_IPC_LOCK",
    gain: Gain::Machine,
    lets: "lock memory without limit",
    kind: Kind::Capability(Capability::IPC_LOCK, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    let text = "mlock(1 page) under RLIMIT_MEMLOCK 0";
    Ok(Trial::after_others(text, (Answer::EPERM, Answer::Success), Authority::Initial, || {
        let limit = getrlimit(Resource::Memlock);
        before(setrlimit(Resource::Memlock, Rlimit { current: Some(0), ..limit }))?;
        Ok(Answer::from(crate::untouched::lock_own_memory()))
    }))
}
