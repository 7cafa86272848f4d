//! `CAP_WAKE_ALARM`: setting timers that wake the machine.
//!
//! # The attempt
//! `timerfd_create(CLOCK_BOOTTIME_ALARM)`. After the flags and the clock are found valid, the call
//! asks `capable(CAP_WAKE_ALARM)`: EPERM without.
//!
//! # Why it is safe
//! The timer is never armed, and is gone with the child.

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::time::{TimerfdClockId, TimerfdFlags, timerfd_create};

pub(super) const DOOR: Door = Door {
    name: "CAP_WAKE_ALARM",
    gain: Gain::Machine,
    lets: "wake the machine from sleep",
    kind: Kind::Capability(Capability::WAKE_ALARM, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    let answers = (Answer::EPERM, Answer::Success);
    let text = "timerfd_create(CLOCK_BOOTTIME_ALARM)";
    Ok(Trial::new(text, answers, Authority::Initial, || {
        timerfd_create(TimerfdClockId::BoottimeAlarm, TimerfdFlags::CLOEXEC).map(drop)
    }))
}
