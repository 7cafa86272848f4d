//! From what the kernel answered to what it means.

use crate::child::{Ended, in_child};
use crate::doors::Door;
use crate::trial::{Authority, Obstacle, Trial};
use crate::{Answer, Attempt, Scene, SeccompMode, Verdict};
use dropcap_capability::Capability;

/// Makes the one call of a capability's door, and judges it.
pub(crate) fn capability(
    door: &Door,
    capability: Capability,
    trial: Result<Trial, Obstacle>,
    scene: &Scene,
) -> Attempt {
    let permitted = scene.credentials.permitted;
    let held = permitted.contains(capability);
    let trial = match trial {
        Ok(trial) => trial,
        Err(Obstacle { text, reason, verdict }) => {
            return Attempt { verdict, ..Attempt::not_tried(door.name, held, text, &reason) };
        }
    };
    if let Some(reason) = scene.cannot_show(trial.authority) {
        return Attempt::not_tried(door.name, held, &trial.text, reason);
    }
    let answered = make(trial.call);
    if let Some(clean_up) = trial.clean_up {
        clean_up();
    }
    let answer = match answered {
        Ok(answer) => answer,
        Err(reason) => return Attempt::not_tried(door.name, held, &trial.text, &reason),
    };
    let stand_in = capability
        .stand_ins(scene.environment.kernel)
        .find(|stand_in| trial.stand_ins_count && permitted.contains(*stand_in));
    let counts = (held || stand_in.is_some()) && scene.has_authority(trial.authority);
    let allowed = trial.allowed.contains(&answer);
    // A filter answers before the kernel looks, most by EPERM, whatever the kernel would say.
    let filtered = scene.state.seccomp == Some(SeccompMode::Filter)
        && !allowed
        && answer == Answer::EPERM
        && !counts;
    let expected = match (counts && trial.blocked.is_none()) || trial.ungated.is_some() {
        true if allowed => answer,
        true => trial.allowed[0],
        false => trial.denied,
    };
    let facts = Facts {
        held,
        counts,
        answer,
        allowed,
        stand_in,
        authority: trial.authority,
        ungated: trial.ungated,
        blocked: trial.blocked,
        capability,
    };
    let (verdict, because) = facts.judge(scene);
    Attempt {
        door: door.name.to_owned(),
        verdict,
        held,
        attempt: trial.text,
        result: answer.to_string(),
        expected: (!filtered || expected == answer).then(|| expected.to_string()),
        because,
        gains: Vec::new(),
        witness: Vec::new(),
    }
}

/// Makes a call in a child.
pub(crate) fn make<A: Into<Answer>>(call: impl FnOnce() -> A) -> Result<Answer, String> {
    let answer = in_child(|| call().into().to_bytes().to_vec());
    match answer.map_err(|error| format!("no child could be made for it: {error}"))? {
        Ended::Answered(bytes) => {
            Answer::from_bytes(&bytes).ok_or_else(|| "the attempt's child said nothing".to_owned())
        }
        Ended::Killed(signal) => Ok(Answer::Signal(signal)),
        Ended::TimedOut => Err("the call did not come back in time".to_owned()),
    }
}

/// What is known after a call.
struct Facts {
    held: bool,
    counts: bool,
    answer: Answer,
    allowed: bool,
    stand_in: Option<Capability>,
    authority: Authority,
    ungated: Option<String>,
    blocked: Option<String>,
    capability: Capability,
}

impl Facts {
    fn judge(&self, scene: &Scene) -> (Verdict, String) {
        let name = self.capability;
        if self.allowed {
            return self.let_through();
        }
        if self.answer == Answer::ENOSYS {
            let reason = "the system call is not there: the kernel lacks it, or a filter hides it";
            return (Verdict::NotTried, reason.to_owned());
        }
        if !self.answer.is_refusal() {
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

    fn let_through(&self) -> (Verdict, String) {
        let name = self.capability;
        match (&self.ungated, self.held, self.stand_in) {
            (Some(reason), ..) => (Verdict::Ungated, format!("everybody may do this: {reason}")),
            (None, true, _) => {
                (Verdict::Open, format!("it holds {name}, and nothing stands in its way"))
            }
            (None, false, Some(stand_in)) => (
                Verdict::Open,
                format!("it does not hold {name}, but {stand_in}, which the kernel takes for it"),
            ),
            (None, false, None) => (
                Verdict::Ungated,
                format!("the kernel lets it through without {name}: nobody is asked for it"),
            ),
        }
    }

    /// What stands in the way of a capability that is held, as far as it can be told.
    fn blocked_by(&self, scene: &Scene) -> String {
        let name = self.capability;
        if !self.counts {
            let whose = self.authority.whose();
            return format!("it holds {name}, but only in its user namespace: {whose}");
        }
        if let Some(reason) = &self.blocked {
            return format!("it holds {name}, but {reason}");
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
