//! `CAP_KILL`: signalling processes of other users.
//!
//! # The attempt
//! `kill(PID, 0)` of a process whose real and saved user ids are none of ours. `kill_ok_by_cred`
//! says no, so `check_kill_permission` comes to CAP_KILL in that process's user namespace: EPERM
//! without.
//!
//! # Why it is safe
//! Signal 0 is checked like any other and never delivered. The process is one that dropcap made, or
//! one that is found in /proc, the first of the container where it belongs to another user.

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::process::{Pid, test_kill_process};

const TEXT: &str = "kill(a process of another user, 0)";

pub(super) const DOOR: Door = Door {
    name: "CAP_KILL",
    gain: Gain::Others,
    lets: "kill any process in sight",
    kind: Kind::Capability(Capability::KILL, prepare),
};

fn prepare(scene: &Scene) -> Result<Trial, Obstacle> {
    let Some(pid) = scene.foreign_process().and_then(Pid::from_raw) else {
        let reason = "there is no process of another user in sight to try it on";
        return Err(Obstacle::new(TEXT, reason));
    };
    Ok(Trial::new(
        format!("kill({}, 0)", pid.as_raw_nonzero()),
        (Answer::EPERM, Answer::Success),
        Authority::Own,
        move || test_kill_process(pid),
    ))
}
