//! The oracle that really runs the workload.

use crate::command::{During, TrialError};
use crate::journal::Journal;
use crate::trace::Trace;
use crate::{Oracle, Outcome, Run, Usual};
use dropcap_capability::CapabilitySet;
use std::thread;

/// What can be run with a set.
pub trait Trial {
    /// One life with `set`, alike to those before.
    ///
    /// # Errors
    /// A life that says nothing about the set.
    fn live(&self, set: CapabilitySet, usual: &Usual) -> Result<Run, TrialError>;
}

/// What can be run with a set under strace(1).
pub trait Traceable {
    /// One life with `set`, and the calls of the workload itself; `None` where nothing can be traced here.
    ///
    /// # Errors
    /// A life that says nothing about the set.
    fn trace(&self, set: CapabilitySet, usual: &Usual) -> Result<Option<(Run, Trace)>, TrialError>;
}

/// Runs a trial for the search, keeps a journal of it, and says how far it is.
pub struct Trials<'a, T> {
    trial: &'a T,
    usual: Usual,
    journal: Journal,
    /// How many lives go on at a time.
    jobs: usize,
    progress: &'a mut dyn FnMut(Progress),
    done: usize,
    left: usize,
    /// Every run, in the order in which they were asked for.
    pub made: Vec<(CapabilitySet, Run)>,
}

/// How far a search is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Runs that were made.
    pub done: usize,
    /// How many are left, about.
    pub left: usize,
    /// What the next one is made with.
    pub set: CapabilitySet,
}

impl<'a, T: Trial + Sync> Trials<'a, T> {
    /// Trials of which `jobs` go on at a time.
    pub fn new(
        trial: &'a T,
        journal: Journal,
        jobs: usize,
        progress: &'a mut dyn FnMut(Progress),
    ) -> Self {
        let jobs = jobs.max(1);
        Self {
            trial,
            usual: Usual::default(),
            journal,
            jobs,
            progress,
            done: 0,
            left: 0,
            made: Vec::new(),
        }
    }

    /// What runs of this workload are like.
    pub fn usual(&self) -> &Usual {
        &self.usual
    }

    /// The journal, when the search is over.
    pub fn into_journal(self) -> Journal {
        self.journal
    }

    /// Makes up to `jobs` runs at a time; the first always alone, since the others are measured by it.
    fn some(&mut self, sets: &[CapabilitySet]) -> Result<Vec<Run>, TrialError> {
        let (trial, usual) = (self.trial, &self.usual);
        if let [set] = sets {
            return Ok(vec![trial.live(*set, usual)?]);
        }
        thread::scope(|scope| {
            let lives: Vec<_> =
                sets.iter().map(|set| scope.spawn(move || trial.live(*set, usual))).collect();
            let ended = lives.into_iter().map(|life| match life.join() {
                Ok(run) => run,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            ended.collect()
        })
    }
}

impl<T: Trial + Sync> Oracle for Trials<'_, T> {
    type Error = TrialError;

    fn run(&mut self, sets: &[CapabilitySet]) -> Result<Vec<Outcome>, TrialError> {
        let first = self.made.len();
        let mut rest = sets;
        while let Some(set) = rest.first() {
            (self.progress)(Progress { done: self.done, left: self.left, set: *set });
            let runs = match self.journal.take(*set) {
                Some(run) => vec![run],
                None => {
                    let most = if self.made.is_empty() { 1 } else { self.jobs };
                    self.some(&rest[..most.min(rest.len())])?
                }
            };
            let (these, later) = rest.split_at(runs.len());
            for (set, run) in these.iter().zip(runs) {
                self.usual.note(&run);
                self.journal.add(*set, &run).during("keeping the journal of the trials")?;
                self.made.push((*set, run));
                self.done += 1;
                self.left = self.left.saturating_sub(1);
            }
            rest = later;
        }
        Ok(self.made[first..].iter().map(|(_, run)| run.outcome.clone()).collect())
    }

    fn expect(&mut self, left: usize) {
        self.left = left;
    }
}
