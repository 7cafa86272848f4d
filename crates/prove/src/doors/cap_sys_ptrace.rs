//! `CAP_SYS_PTRACE`: reading and steering any process in sight.
//!
//! # The attempt
//! dropcap makes itself undumpable, as `su` or an ssh agent is, and the child asks `get_robust_list`
//! of it. `__ptrace_may_access` finds the same ids, but `task_still_dumpable` then wants
//! CAP_SYS_PTRACE in the user namespace in which the memory was made, which is that of the last
//! execve: EPERM without. Yama has no say in reading (`PTRACE_MODE_READ`).
//!
//! # Why it is safe
//! What the call gives is one address of dropcap's own memory. dropcap is as dumpable as before
//! right after.

use super::{Door, Gain, Kind};
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Scene};
use dropcap_capability::Capability;
use rustix::process::{DumpableBehavior, dumpable_behavior, getpid, set_dumpable_behavior};

const TEXT: &str = "get_robust_list(an undumpable process)";

pub(super) const DOOR: Door = Door {
    name: "CAP_SYS_PTRACE",
    gain: Gain::Others,
    lets: "read and steer any process in sight",
    kind: Kind::Capability(Capability::SYS_PTRACE, prepare),
};

fn prepare(_: &Scene) -> Result<Trial, Obstacle> {
    let was = dumpable_behavior().map_err(Obstacle::failed(TEXT, "prctl(PR_GET_DUMPABLE)"))?;
    // What is not dumpable already has no need to become so; and 2 could not be set again.
    let changed = was == DumpableBehavior::Dumpable;
    if changed {
        set_dumpable_behavior(DumpableBehavior::NotDumpable)
            .map_err(Obstacle::failed(TEXT, "prctl(PR_SET_DUMPABLE)"))?;
    }
    let own = getpid().as_raw_nonzero().get();
    let answers = (Answer::EPERM, Answer::Success);
    let call = move || crate::untouched::robust_list(own);
    Ok(Trial::new(TEXT, answers, Authority::Memory, call).cleaned_by(move || {
        if changed {
            // It was so before, and may always be.
            let _ = set_dumpable_behavior(was);
        }
    }))
}
