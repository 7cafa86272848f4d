//! `CAP_SYS_TTY_CONFIG`: hanging up and configuring terminals.
//!
//! # The attempt
//! The child starts a session of its own and calls `vhangup`, which asks
//! `capable(CAP_SYS_TTY_CONFIG)` and then hangs up the caller's controlling terminal: EPERM without.
//!
//! # Why it is safe
//! A new session has no controlling terminal (`tty_vhangup_self` finds none). Where `setsid` fails,
//! `vhangup` is not called.

use super::{Door, Gain, Kind};
use crate::answer::before;
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::process::setsid;

pub(super) const DOOR: Door = Door {
    name: "CAP_SYS_TTY_CONFIG",
    gain: Gain::Machine,
    lets: "hang up terminals",
    kind: Kind::Capability(Capability::SYS_TTY_CONFIG, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    let answers = (Answer::EPERM, Answer::Success);
    Ok(Trial::after_others("setsid(), vhangup()", answers, Authority::Initial, || {
        before(setsid())?;
        Ok(Answer::from(crate::untouched::hang_up_own_terminal()))
    }))
}
