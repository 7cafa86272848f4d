//! What a trial goes through, and how much time it has.

use crate::{Failure, Outcome};
use std::time::{Duration, Instant};

/// A workload that works without a capability fails as quickly as it passes; a run that hangs is
/// given so many times what the whole set took.
const SLOWER: u32 = 5;
/// And never less than this: a busy machine must not look like a refusal.
const LEAST: Duration = Duration::from_secs(3);

/// How a stop ends that nobody heeded: 128 and SIGKILL.
pub(crate) const KILLED: u8 = 137;

/// The phases of a trial, in the words of the policy.
pub mod phase {
    /// A command that ends by itself.
    pub const RUN: &str = "run";
    /// From nothing until the test passes for the first time.
    pub const START: &str = "fresh start";
    /// The test.
    pub const TEST: &str = "test";
    /// A command in the running container, as somebody who looks after it would.
    pub const EXEC: &str = "exec";
    /// SIGTERM, and its end in good time.
    pub const STOP: &str = "stop";
    /// The second start, of a command.
    pub const RESTART: &str = "restart on the same state";
    /// The second start, of a container.
    pub const RESTART_VOLUMES: &str = "restart on the same volumes";
}

/// One run, with what is worth keeping of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What came of it.
    pub outcome: Outcome,
    /// How each stop ended, as a shell shows it.
    pub stopped: Vec<u8>,
    /// The longest phase; of a container, the longest that its test was waited for.
    pub longest: Duration,
}

/// What the runs with the whole set were like, against which the others are measured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Usual {
    stopped: Option<Vec<u8>>,
    longest: Option<Duration>,
}

impl Usual {
    /// Takes a run into account; the first that passes is what the others have to be like.
    pub fn note(&mut self, run: &Run) {
        if run.outcome.passed() {
            self.longest = Some(self.longest.unwrap_or_default().max(run.longest));
            self.stopped.get_or_insert_with(|| run.stopped.clone());
        }
    }

    /// Whether it never ends when it is asked to, and has to be killed.
    pub fn is_killed(&self) -> bool {
        self.stopped.as_ref().is_some_and(|codes| codes.iter().all(|code| *code == KILLED))
    }

    /// How long a phase may take where `limit` is the most.
    pub fn patience(&self, limit: Duration) -> Duration {
        self.longest.map_or(limit, |longest| (longest * SLOWER).max(LEAST).min(limit))
    }

    /// Judges a run that passed all its phases: a stop that ends otherwise than it used to is a
    /// failure too.
    #[must_use]
    pub fn judge(&self, run: Run) -> Run {
        let Some(usual) = &self.stopped else { return run };
        if !run.outcome.passed() || *usual == run.stopped {
            return run;
        }
        let words =
            |codes: &[u8]| codes.iter().map(u8::to_string).collect::<Vec<_>>().join(", then ");
        let how = format!(
            "it ends with status {} where it used to end with {}",
            words(&run.stopped),
            words(usual)
        );
        let failure = Failure { phase: phase::STOP.to_owned(), how, output: Vec::new() };
        Run { outcome: Outcome::Failed(failure), ..run }
    }
}

/// Measures phases.
#[derive(Debug)]
pub(crate) struct Clock {
    since: Instant,
    longest: Duration,
}

impl Clock {
    pub fn new() -> Self {
        Self { since: Instant::now(), longest: Duration::ZERO }
    }

    /// Ends a phase.
    pub fn lap(&mut self) {
        self.longest = self.longest.max(self.since.elapsed());
        self.since = Instant::now();
    }

    pub fn longest(&mut self) -> Duration {
        self.lap();
        self.longest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(stopped: &[u8]) -> Run {
        Run {
            outcome: Outcome::Passed,
            stopped: stopped.to_vec(),
            longest: Duration::from_millis(500),
        }
    }

    fn usual(stopped: &[u8]) -> Usual {
        let mut usual = Usual::default();
        usual.note(&run(stopped));
        usual
    }

    #[test]
    fn killed_is_who_never_heeds_the_signal() {
        assert!(!Usual::default().is_killed(), "nothing is known yet");
        assert!(usual(&[137, 137]).is_killed());
        assert!(!usual(&[0, 137]).is_killed());
        assert!(!usual(&[143, 143]).is_killed(), "ended by SIGTERM itself");
    }

    #[test]
    fn a_stop_that_ends_otherwise_than_it_used_to_is_a_failure() {
        let usual = usual(&[0, 0]);
        assert!(usual.judge(run(&[0, 0])).outcome.passed());
        assert!(!usual.judge(run(&[0, 137])).outcome.passed());
    }
}
