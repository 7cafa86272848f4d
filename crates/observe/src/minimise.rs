//! From a set that is enough to one from which nothing can be taken away.
//!
//! Members are taken out from the riskiest to the least, in halves: as long as having more never
//! hurts, that gives the same answer as one by one, in about `2·k·log₂(n/k)` runs for *k* needed of *n*.
//! Whether having more hurts is not believed but tried: in the end each member that is left is taken
//! out alone, twice, and one that turns out not to be needed is gone and all of it is tried again.

use crate::{Failure, Outcome};
use dropcap_capability::{Capability, CapabilitySet};

/// How often the whole set has to pass before anything is taken away: a test that fails now and then
/// would make everything look needed.
const STEADY: usize = 3;
/// How often each claim of the answer is tried: that it is enough, and that less is not.
const CONFIRMED: usize = 2;

/// What runs the workload.
pub trait Oracle {
    /// Why a run could not be made at all; the search ends with it.
    type Error;

    /// Runs it once with each of `sets`; they do not depend on each other. Whatever is held is in the
    /// set; what came of each, in the same order.
    ///
    /// # Errors
    /// A run that says nothing about the set: the engine is gone, the disk is full.
    fn run(&mut self, sets: &[CapabilitySet]) -> Result<Vec<Outcome>, Self::Error>;

    /// Hears how many runs are left, as far as that can be known.
    fn expect(&mut self, left: usize) {
        let _ = left;
    }
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minimum {
    /// It is enough, and each member removed alone makes it fail; both twice.
    pub needed: CapabilitySet,
    /// For each member, the riskiest first, how it fails without.
    pub without: Vec<(Capability, Failure)>,
    /// Lesser capabilities, outside of the set that was begun with, that would do in place of a member.
    pub substitutes: Vec<Substitute>,
    /// How many runs it took.
    pub runs: usize,
}

/// A lesser capability that would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Substitute {
    /// In place of this one.
    pub instead_of: Capability,
    /// This one.
    pub with: Capability,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError<E> {
    /// It fails with everything, so its failing without something says nothing.
    #[error("it fails with all that it has now: {0}")]
    FailsWithAll(Failure),
    /// The same set passed and failed.
    #[error("it passed {passed} times and failed {failed} times with the same set: {failure}")]
    Flaky {
        /// The set.
        set: CapabilitySet,
        /// How often it passed.
        passed: usize,
        /// How often it failed.
        failed: usize,
        /// How it failed the last time.
        failure: Failure,
    },
    /// A run could not be made.
    #[error(transparent)]
    Run(E),
}

/// Finds a set within `start` that is enough and from which no member can be taken away.
///
/// # Errors
/// [`SearchError`]: nothing can be concluded then.
pub fn minimise<O: Oracle>(
    oracle: &mut O,
    start: CapabilitySet,
) -> Result<Minimum, SearchError<O::Error>> {
    let mut search = Search { oracle, known: Vec::new() };
    search.oracle.expect(STEADY + 1 + CONFIRMED);
    if !search.always(start, STEADY)? {
        let failure = search.failure_of(start);
        return Err(SearchError::FailsWithAll(failure));
    }
    let mut needed = search.thin_out(start)?;
    let without = loop {
        match search.confirm(needed)? {
            Confirmed::Minimal(without) => break without,
            Confirmed::Surplus(capability) => needed = needed.without(capability),
        }
    };
    let substitutes = search.substitutes(start, needed)?;
    let runs = search.known.len();
    Ok(Minimum { needed, without, substitutes, runs })
}

enum Confirmed {
    /// How it fails without each.
    Minimal(Vec<(Capability, Failure)>),
    /// This one is not needed after all.
    Surplus(Capability),
}

struct Search<'a, O> {
    oracle: &'a mut O,
    /// Every run so far: none is made twice for two questions.
    known: Vec<(CapabilitySet, Outcome)>,
}

impl<O: Oracle> Search<'_, O> {
    /// Takes the members of `start` out, the riskiest first.
    fn thin_out(&mut self, start: CapabilitySet) -> Result<CapabilitySet, SearchError<O::Error>> {
        let order = start.riskiest_first();
        let mut kept = start;
        // The blocks that are left, the next one last; with whether one is known to hold a needed one.
        let mut blocks = vec![(order.as_slice(), false)];
        while let Some((block, holds_needed)) = blocks.pop() {
            let pending: usize = blocks.iter().map(|(block, _)| block.len()).sum();
            self.oracle.expect(block.len() + pending + CONFIRMED * (1 + kept.len() - pending));
            let gone = kept - block.iter().copied().collect();
            if block.is_empty() {
                continue;
            }
            if !holds_needed && self.passes(gone)? {
                kept = gone;
                continue;
            }
            if let [_needed] = block {
                continue;
            }
            let (first, rest) = block.split_at(block.len() / 2);
            let before = kept;
            // The first half is looked at to its end before the rest, which is only then known to hold
            // a needed one if all of the first half could go.
            let all_gone = kept - first.iter().copied().collect();
            if self.passes(all_gone)? {
                kept = all_gone;
                blocks.push((rest, true));
            } else {
                blocks.push((rest, false));
                if first.len() > 1 {
                    blocks.push((first, true));
                }
            }
            debug_assert!(kept.is_subset(before));
        }
        Ok(kept)
    }

    /// Tries every claim of the answer as often as it takes.
    fn confirm(&mut self, needed: CapabilitySet) -> Result<Confirmed, SearchError<O::Error>> {
        let order = needed.riskiest_first();
        let mut claims = vec![needed];
        claims.extend(order.iter().map(|capability| needed.without(*capability)));
        self.all_known(&claims, CONFIRMED)?;
        // It passed when its last member went, so failing now is being flaky.
        if !self.always(needed, CONFIRMED)? {
            return Err(self.flaky(needed));
        }
        let mut without = Vec::new();
        for capability in order {
            let less = needed.without(capability);
            if self.always(less, CONFIRMED)? {
                return Ok(Confirmed::Surplus(capability));
            }
            without.push((capability, self.failure_of(less)));
        }
        Ok(Confirmed::Minimal(without))
    }

    /// Tries lesser capabilities, of which there was none at the beginning, in place of a member.
    fn substitutes(
        &mut self,
        start: CapabilitySet,
        needed: CapabilitySet,
    ) -> Result<Vec<Substitute>, SearchError<O::Error>> {
        let mut found = Vec::new();
        for instead_of in needed.riskiest_first() {
            for with in (instead_of.stands_in_for() - start).iter() {
                let set = needed.without(instead_of).with(with);
                if self.passes(set)? && self.always(set, CONFIRMED)? {
                    found.push(Substitute { instead_of, with });
                }
            }
        }
        Ok(found)
    }

    /// Whether it passes with `set`, tried once at least.
    fn passes(&mut self, set: CapabilitySet) -> Result<bool, SearchError<O::Error>> {
        self.always(set, 1)
    }

    /// Whether it passes with `set`, tried so many times at least; both is an error.
    fn always(&mut self, set: CapabilitySet, times: usize) -> Result<bool, SearchError<O::Error>> {
        self.all_known(&[set], times)?;
        let outcomes = || self.outcomes(set);
        match (outcomes().all(Outcome::passed), outcomes().any(Outcome::passed)) {
            (true, _) => Ok(true),
            (false, false) => Ok(false),
            (false, true) => Err(self.flaky(set)),
        }
    }

    /// Runs what is missing until each of `sets` has been run so many times.
    fn all_known(
        &mut self,
        sets: &[CapabilitySet],
        times: usize,
    ) -> Result<(), SearchError<O::Error>> {
        let missing: Vec<CapabilitySet> = sets
            .iter()
            .flat_map(|set| {
                let known = self.outcomes(*set).count();
                std::iter::repeat_n(*set, times.saturating_sub(known))
            })
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let outcomes = self.oracle.run(&missing).map_err(SearchError::Run)?;
        self.known.extend(missing.into_iter().zip(outcomes));
        Ok(())
    }

    fn outcomes(&self, set: CapabilitySet) -> impl Iterator<Item = &Outcome> {
        self.known.iter().filter(move |(known, _)| *known == set).map(|(_, outcome)| outcome)
    }

    /// The first failure with `set`, whose runs are known to have failed.
    fn failure_of(&self, set: CapabilitySet) -> Failure {
        self.outcomes(set).find_map(Outcome::failure).cloned().unwrap_or_default()
    }

    fn flaky(&self, set: CapabilitySet) -> SearchError<O::Error> {
        SearchError::Flaky {
            set,
            passed: self.outcomes(set).filter(|outcome| outcome.passed()).count(),
            failed: self.outcomes(set).filter(|outcome| !outcome.passed()).count(),
            failure: self.failure_of(set),
        }
    }
}
