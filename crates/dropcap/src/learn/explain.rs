//! What broke, and what was refused in silence, by traces of single runs.

use super::record::{Broken, Record, Refused};
use super::search::Found;
use crate::failure::Failure;
use dropcap_capability::CapabilitySet;
use dropcap_observe::command::TrialError;
use dropcap_observe::trace::Trace;
use dropcap_observe::{Oracle, Outcome, Run, Traceable, Usual, minimise};

/// So many calls that were refused while it passed are traced back to a capability.
const EXPLAINED: usize = 6;

/// Where nothing could be traced.
const UNTRACED: &str = "no strace(1) here that can trace it: which call it is for is not shown, and nobody \
    has looked for what was refused while it passed";
/// Where tracing changes what comes of it.
const UNLIKE: &str = "it passes, but not while it is traced: which call it is for is not shown, and nobody \
    has looked for what was refused while it passed";

/// Shows, by a trace of one run without each capability, which call it is for; and which calls were
/// refused although all passed.
pub fn explain<T: Traceable>(
    trial: &T,
    start: CapabilitySet,
    found: &Found,
    record: &mut Record,
) -> Result<(), Failure> {
    let needed = found.minimum.needed;
    let trace = |set| {
        trial
            .trace(set, &found.usual)
            .map_err(|error| Failure::new("a run cannot be traced").because(error))
    };
    let Some(with) = trace(needed)? else {
        record.notes.push(UNTRACED.to_owned());
        return Ok(());
    };
    let Some(with) = passed(with) else {
        record.notes.push(UNLIKE.to_owned());
        return Ok(());
    };
    for broken in &mut record.without {
        let without = trace(needed.without(broken.capability))?;
        broken.call = without.as_ref().and_then(|(_, without)| {
            without.refused_but_allowed_in(&with).first().map(|call| (*call).to_owned())
        });
    }
    let Some(everything) = trace(start)?.and_then(passed) else { return Ok(()) };
    let lost = with.refused_but_allowed_in(&everything);
    for call in lost.iter().take(EXPLAINED) {
        let mut asked =
            Attribution { trial, usual: &found.usual, needed, everything: &everything, call };
        // Where it comes and goes by itself, it is not for want of a capability.
        if let Ok(because) = minimise(&mut asked, start - needed) {
            for capability in because.needed.iter() {
                record.refused.push(Refused { capability, call: (*call).to_owned() });
            }
        }
    }
    record.refused.sort_by_key(|one| one.capability);
    record.refused.dedup_by_key(|one| one.capability);
    if lost.len() > EXPLAINED {
        let more = lost.len() - EXPLAINED;
        record.notes.push(format!("{more} more calls were refused while it passed"));
    }
    Ok(())
}

/// The trace of a run that passed.
fn passed((run, trace): (Run, Trace)) -> Option<Trace> {
    run.outcome.passed().then_some(trace)
}

/// Asks for which capability a call is let through that was refused while everything passed.
struct Attribution<'a, T> {
    trial: &'a T,
    usual: &'a Usual,
    needed: CapabilitySet,
    everything: &'a Trace,
    call: &'a str,
}

impl<T: Traceable> Oracle for Attribution<'_, T> {
    type Error = TrialError;

    fn run(&mut self, sets: &[CapabilitySet]) -> Result<Vec<Outcome>, TrialError> {
        let one = |set: &CapabilitySet| {
            let traced = self.trial.trace(self.needed | *set, self.usual)?;
            let refused = traced.is_none_or(|(_, trace)| {
                trace.refused_but_allowed_in(self.everything).contains(&self.call)
            });
            Ok(if refused { Outcome::Failed(Default::default()) } else { Outcome::Passed })
        };
        sets.iter().map(one).collect()
    }
}

impl Broken {
    /// As the policy says it: the call where it is known, else how the run failed.
    pub fn because(&self) -> String {
        match &self.call {
            Some(call) => call.clone(),
            None => self.failure.to_string(),
        }
    }
}
