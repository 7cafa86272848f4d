//! From what the kernel answered to what it means.

use crate::child::{Ended, in_child};
use crate::doors::{Authority, Door, Obstacle, Trial};
use crate::{Answer, Attempt, Scene, SeccompMode, Verdict};
use dropcap_capability::Capability;
use std::io;

/// Makes the one call of a capability's door, and judges it.
pub(crate) fn capability(
    door: &Door,
    capability: Capability,
    trial: Result<Trial, Obstacle>,
    scene: &Scene,
) -> Attempt {
    let held = scene.credentials.permitted.contains(capability);
    let Trial { text, denied, allowed, authority, ungated, call, clean_up } = match trial {
        Ok(trial) => trial,
        Err(Obstacle { text, reason }) => {
            return Attempt::not_tried(door.name, held, text, &reason);
        }
    };
    if let Some(reason) = scene.cannot_show(authority) {
        return Attempt::not_tried(door.name, held, &text, reason);
    }
    let answered = make(call);
    if let Some(clean_up) = clean_up {
        clean_up();
    }
    let answer = match answered {
        Ok(answer) => answer,
        Err(reason) => return Attempt::not_tried(door.name, held, &text, &reason),
    };
    let counts = held && scene.has_authority(authority);
    let expected = if counts || ungated.is_some() { allowed } else { denied };
    let facts = Facts { held, counts, answer, allowed, authority, ungated, capability };
    let (verdict, because) = facts.judge(scene);
    Attempt {
        door: door.name.to_owned(),
        verdict,
        held,
        attempt: text,
        result: answer.to_string(),
        expected: Some(expected.to_string()),
        because,
        gains: Vec::new(),
        witness: Vec::new(),
    }
}

/// Makes a call in a child.
pub(crate) fn make(call: impl FnOnce() -> io::Result<()>) -> Result<Answer, String> {
    let answer = in_child(|| {
        let errno = match Answer::of(&call()) {
            Answer::Errno(errno) => errno,
            Answer::Success | Answer::Signal(_) => 0,
        };
        errno.to_le_bytes().to_vec()
    });
    match answer.map_err(|error| format!("no child could be made for it: {error}"))? {
        Ended::Answered(bytes) => match <[u8; 4]>::try_from(bytes).map(i32::from_le_bytes) {
            Ok(0) => Ok(Answer::Success),
            Ok(errno) => Ok(Answer::Errno(errno)),
            Err(_) => Err("the attempt's child said nothing".to_owned()),
        },
        Ended::Killed(signal) => Ok(Answer::Signal(signal)),
        Ended::TimedOut => Err("the call did not come back in time".to_owned()),
    }
}

/// What is known after a call.
struct Facts {
    held: bool,
    counts: bool,
    answer: Answer,
    allowed: Answer,
    authority: Authority,
    ungated: Option<String>,
    capability: Capability,
}

impl Facts {
    fn judge(&self, scene: &Scene) -> (Verdict, String) {
        let name = self.capability;
        let refused =
            matches!(self.answer, Answer::EPERM | Answer::EACCES | Answer::Signal(libc::SIGSYS));
        if self.answer == self.allowed {
            return match &self.ungated {
                Some(reason) => (Verdict::Ungated, format!("everybody may do this: {reason}")),
                None if self.held => {
                    (Verdict::Open, format!("it holds {name}, and nothing stands in its way"))
                }
                None => (
                    Verdict::Ungated,
                    format!("the kernel lets it through without {name}: nobody is asked for it"),
                ),
            };
        }
        if self.answer == Answer::ENOSYS {
            let reason = "the system call is not there: the kernel lacks it, or a filter hides it";
            return (Verdict::NotTried, reason.to_owned());
        }
        if !refused {
            return (
                Verdict::NotTried,
                format!("the kernel answered {}, which tells nothing about {name}", self.answer),
            );
        }
        if self.held {
            return (Verdict::HeldButBlocked, self.blocked_by(scene));
        }
        (Verdict::Closed, format!("it does not hold {name}, and the kernel refused"))
    }

    /// What stands in the way of a capability that is held, as far as it can be told.
    fn blocked_by(&self, scene: &Scene) -> String {
        let name = self.capability;
        if !self.counts {
            let whose = match self.authority {
                Authority::Network => "the network belongs to another user namespace",
                Authority::Uts => "the host name belongs to another user namespace",
                Authority::Own | Authority::Initial => {
                    "the kernel asks for it in the machine's own user namespace"
                }
            };
            return format!("it holds {name}, but only in its user namespace: {whose}");
        }
        let filtered = scene.state.seccomp == Some(SeccompMode::Filter);
        let by = if self.answer == Answer::Signal(libc::SIGSYS) || filtered {
            "a seccomp filter, or a security module,"
        } else {
            "a security module or the engine's device rules"
        };
        format!("it holds {name}, but {by} refuses the call")
    }
}
