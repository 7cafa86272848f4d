//! `CAP_PERFMON`: observing every process by performance events.
//!
//! # The attempt
//! `perf_event_open` of an event that counts nothing, for every process on processor 0. Debian's
//! kernels answer EACCES to all but CAP_SYS_ADMIN where the sysctl `kernel.perf_event_paranoid` is
//! above 2; then `perf_allow_cpu` asks for CAP_PERFMON, or CAP_SYS_ADMIN, where it is above 0:
//! EACCES without. The event leaves the kernel out, so that nothing more is asked.
//!
//! # Why it is safe
//! The event is a dummy, is never enabled, and is gone at once.

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial, number};
use crate::{Answer, Scene};
use dropcap_capability::Capability;

pub(super) const DOOR: Door = Door {
    name: "CAP_PERFMON",
    gain: Gain::Others,
    lets: "watch what every process does",
    kind: Kind::Capability(Capability::PERFMON, prepare),
};

fn prepare(scene: &Scene) -> Result<Trial, Obstacle> {
    const SYSCTL: &str = "the sysctl kernel.perf_event_paranoid is";
    /// Above it, CAP_PERFMON is of no use in Debian's kernels (`perf_paranoid_any`).
    const DEBIAN: i64 = 2;
    let answers = (Answer::EACCES, Answer::Success);
    let paranoid = number("/proc/sys/kernel/perf_event_paranoid");
    let ungated = paranoid.filter(|level| *level <= 0);
    let blocked = paranoid.filter(|level| {
        *level > DEBIAN && !scene.credentials.permitted.contains(Capability::SYS_ADMIN)
    });
    let call = crate::untouched::open_idle_event;
    let text = "perf_event_open(every process, processor 0)";
    let trial = Trial::new(text, answers, Authority::Initial, call);
    Ok(trial
        .ungated(ungated.map(|level| format!("{SYSCTL} {level} here")))
        .blocked(blocked.map(|level| format!("{SYSCTL} {level} here"))))
}
