//! `user-namespace`: a user namespace of one's own, in which every capability is held.
//!
//! # The attempt
//! `unshare(CLONE_NEWUSER | CLONE_NEWUTS)`, then `sethostname(NULL, -1)` inside it.
//! `create_user_ns` asks for no capability: it counts namespaces (`max_user_namespaces`), refuses in
//! a chroot (`current_chrooted`) and asks the security modules. Ubuntu's AppArmor lets it happen and
//! denies the capabilities inside, which the second call shows: EINVAL where CAP_SYS_ADMIN counts,
//! EPERM where not.
//!
//! EPERM alone does not tell that: Podman's seccomp filter refuses sethostname to whoever was not
//! given CAP_SYS_ADMIN outside, and lets unshare and mount through. So a third call asks for another
//! capability, by one that no filter of an engine looks at: `prctl(PR_CAPBSET_DROP, 63)`, as the door
//! of CAP_SETPCAP does. A security module that denies capabilities inside denies this one too.
//!
//! # Why it is safe
//! The namespaces are the child's own and end with it. A capability in there counts over nothing
//! outside, the host name is not set, since a length of -1 is never accepted, and there is no
//! capability 63.

use super::{Door, Gain, Kind};
use crate::inspection::namespace_gate;
use crate::judge::make;
use crate::untouched::{drop_no_capability, set_impossible_hostname};
use crate::{Answer, Attempt, Scene, SeccompMode, Verdict};
use dropcap_capability::{Nested, nested};
use dropcap_confine::sys::{Linux, System};
use std::io::{Error, Result};

const TEXT: &str = "unshare(CLONE_NEWUSER | CLONE_NEWUTS), sethostname(NULL, -1)";
/// The same, where sethostname was refused.
const FURTHER: &str =
    "unshare(CLONE_NEWUSER | CLONE_NEWUTS), sethostname(NULL, -1), prctl(PR_CAPBSET_DROP, 63)";
/// That the second call was refused, and the third was not; unshare has no such errno.
const FILTERED_INSIDE: i32 = libc::ENOTRECOVERABLE;
/// That both were refused; unshare has no such errno.
const DENIED_INSIDE: i32 = libc::EOWNERDEAD;

pub(super) const DOOR: Door = Door {
    name: "user-namespace",
    gain: Gain::WayBack,
    lets: "make a user namespace in which it holds every capability",
    kind: Kind::Own(attempt),
};

fn attempt(door: &Door, scene: &Scene) -> Attempt {
    let answer = match make(unshare_and_use) {
        Ok(answer) => answer,
        Err(reason) => return Attempt::not_tried(door.name, false, TEXT, &reason),
    };
    let text = match answer {
        Answer::Errno(FILTERED_INSIDE | DENIED_INSIDE) => FURTHER,
        _ => TEXT,
    };
    let (verdict, result, because) = match answer {
        Answer::Success | Answer::Errno(FILTERED_INSIDE) => (
            Verdict::Open,
            "0".to_owned(),
            "it can make a user namespace, and in it use what only root of the machine should: \
             mounts, the firewall code, and the kernel bugs behind them",
        ),
        Answer::Errno(DENIED_INSIDE) => (
            Verdict::Closed,
            "EPERM inside".to_owned(),
            "a user namespace can be made, but a security module or a filter denies the \
             capabilities inside",
        ),
        Answer::ENOSYS => {
            (Verdict::Closed, answer.to_string(), "a filter hides the call, or the kernel lacks it")
        }
        Answer::Errno(libc::ENOSPC) => (
            Verdict::Closed,
            answer.to_string(),
            "the sysctl user.max_user_namespaces leaves no room for one",
        ),
        refusal => {
            (Verdict::Closed, refusal.to_string(), "the kernel or a filter refuses to make one")
        }
    };
    Attempt {
        door: door.name.to_owned(),
        verdict,
        held: false,
        attempt: text.to_owned(),
        result,
        expected: expected(scene),
        because: because.to_owned(),
        gains: Vec::new(),
        witness: Vec::new(),
    }
}

fn unshare_and_use() -> Result<()> {
    Linux.unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWUTS)?;
    if counts(set_impossible_hostname()) {
        Ok(())
    } else if counts(drop_no_capability()) {
        Err(Error::from_raw_os_error(FILTERED_INSIDE))
    } else {
        Err(Error::from_raw_os_error(DENIED_INSIDE))
    }
}

/// Whether a call with impossible arguments came past the question for its capability.
fn counts(answer: Result<()>) -> bool {
    answer.err().is_none_or(|error| error.raw_os_error() == Some(libc::EINVAL))
}

/// What the model says, where everything that it asks about can be seen. What a seccomp filter
/// holds cannot, unless it was told.
fn expected(scene: &Scene) -> Option<String> {
    let told = scene.namespace_gate;
    let seccomp_allows = match (told, scene.state.seccomp) {
        (Some(gate), _) => gate.seccomp_allows,
        (None, Some(SeccompMode::Disabled)) => true,
        _ => return None,
    };
    let gate = namespace_gate(seccomp_allows);
    let answer = match nested(gate, scene.credentials.permitted) {
        Nested::Open => "0",
        Nested::Closed if gate.lsm_denies_inside && gate.seccomp_allows => "EPERM inside",
        Nested::Closed if gate.limit_is_zero && gate.seccomp_allows => "ENOSPC",
        Nested::Closed => "EPERM",
    };
    Some(answer.to_owned())
}
