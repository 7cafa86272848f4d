//! `CAP_BLOCK_SUSPEND`: keeping the machine from suspending.
//!
//! # The attempt
//! `epoll_ctl` with `EPOLLWAKEUP`. `ep_take_care_of_epollwakeup` takes the flag away in silence from
//! whoever lacks CAP_BLOCK_SUSPEND in the initial user namespace; what is left is read in the
//! descriptor's `fdinfo`. A kernel that cannot suspend takes it away from everybody: the capability
//! is inert there, as `/sys/power` shows.
//!
//! # Why it is safe
//! The flag keeps the machine awake only while an event waits, and the descriptor that is watched
//! never has one.

use super::{Door, Gain, Kind};
use crate::answer::before;
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};
use std::fs;
use std::os::fd::AsRawFd;
use std::path::Path;

const TEXT: &str = "epoll_ctl(EPOLLWAKEUP)";

pub(super) const DOOR: Door = Door {
    name: "CAP_BLOCK_SUSPEND",
    gain: Gain::Machine,
    lets: "keep the machine from suspending",
    kind: Kind::Capability(Capability::BLOCK_SUSPEND, prepare),
};

fn prepare(scene: &Scene) -> Result<Trial, Obstacle> {
    if !scene.has_proc {
        return Err(Obstacle::new(TEXT, "it needs /proc to read back what the kernel made of it"));
    }
    // The second file is there with CONFIG_PM_SLEEP alone (`kernel/power/main.c`).
    if Path::new("/sys/power").exists() && !Path::new("/sys/power/wakeup_count").exists() {
        return Err(Obstacle::inert(TEXT, "this kernel cannot suspend"));
    }
    Ok(Trial::after_others(TEXT, (Answer::Cleared, Answer::Kept), Authority::Initial, || {
        let watched = before(eventfd(0, EventfdFlags::CLOEXEC))?;
        let watching = before(epoll::create(epoll::CreateFlags::CLOEXEC))?;
        let wanted = EventFlags::IN | EventFlags::WAKEUP;
        before(epoll::add(&watching, &watched, EventData::new_u64(0), wanted))?;
        let path = format!("/proc/self/fdinfo/{}", watching.as_raw_fd());
        let shown = before(fs::read_to_string(path))?;
        Ok(if is_kept(&shown) { Answer::Kept } else { Answer::Cleared })
    }))
}

/// Whether `EPOLLWAKEUP` is among the events of the line `tfd: 4 events: 20000019 data: …`
/// (`ep_show_fdinfo`).
fn is_kept(shown: &str) -> bool {
    let events = shown.split("events:").nth(1).and_then(|rest| rest.split_whitespace().next());
    let events = events.and_then(|events| u32::from_str_radix(events, 16).ok());
    events.is_some_and(|events| EventFlags::from_bits_retain(events).contains(EventFlags::WAKEUP))
}
