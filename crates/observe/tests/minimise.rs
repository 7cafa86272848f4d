//! The minimiser against oracles that are made up.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use dropcap_capability::{Capability, CapabilitySet};
use dropcap_observe::{Failure, Minimum, Oracle, Outcome, SearchError, Substitute, minimise};
use proptest::prelude::*;
use std::convert::Infallible;

/// Passes as a function says, which is also told how many runs there were before.
struct MadeUp<F> {
    passes: F,
    runs: usize,
    /// What was said to be left, when it was said.
    expected: Vec<usize>,
}

impl<F: FnMut(CapabilitySet, usize) -> bool> Oracle for MadeUp<F> {
    type Error = Infallible;

    fn run(&mut self, sets: &[CapabilitySet]) -> Result<Vec<Outcome>, Infallible> {
        let one = |set: &CapabilitySet| {
            self.runs += 1;
            match (self.passes)(*set, self.runs - 1) {
                true => Outcome::Passed,
                false => {
                    Outcome::Failed(Failure { how: format!("with {set}"), ..Default::default() })
                }
            }
        };
        Ok(sets.iter().map(one).collect())
    }

    fn expect(&mut self, left: usize) {
        self.expected.push(left);
    }
}

fn search(
    start: CapabilitySet,
    passes: impl FnMut(CapabilitySet, usize) -> bool,
) -> Result<Minimum, SearchError<Infallible>> {
    minimise(&mut MadeUp { passes, runs: 0, expected: Vec::new() }, start)
}

fn set(names: &str) -> CapabilitySet {
    names.parse().unwrap()
}

fn any_set() -> impl Strategy<Value = CapabilitySet> {
    any::<u64>().prop_map(|bits| CapabilitySet::from_bits(bits) & CapabilitySet::KNOWN)
}

/// A few of all.
fn few() -> impl Strategy<Value = CapabilitySet> {
    prop::collection::vec(0..41_u8, 0..5)
        .prop_map(|numbers| numbers.into_iter().filter_map(Capability::from_number).collect())
}

proptest! {
    /// What is needed is found, none extra, none missing, in a bounded number of runs.
    #[test]
    fn a_needed_set_is_found_exactly(needed in few(), more in any_set()) {
        let start = needed | more;
        let minimum = search(start, |given, _| needed.is_subset(given)).unwrap();
        prop_assert_eq!(minimum.needed, needed);
        let members: Vec<Capability> = minimum.without.iter().map(|(one, _)| *one).collect();
        prop_assert_eq!(members, needed.riskiest_first());
        let (k, n) = (needed.len(), start.len());
        let halvings = (usize::BITS - n.leading_zeros()) as usize;
        // 3 to be steady, 1 for nothing at all, the halvings for each, and every claim twice.
        let most = 3 + 1 + 2 * k * halvings + 2 * (k + 1);
        prop_assert!(minimum.runs <= most, "{} runs for {k} of {n}, at most {most}", minimum.runs);
    }

    /// Where several sets are enough, the one that is left has the least risk.
    #[test]
    fn of_alternatives_the_lesser_stays(one in few(), other in few(), more in any_set()) {
        let enough = |given: CapabilitySet| one.is_subset(given) || other.is_subset(given);
        let minimum = search(one | other | more, |given, _| enough(given)).unwrap();
        prop_assert!(enough(minimum.needed));
        for capability in minimum.needed.iter() {
            prop_assert!(!enough(minimum.needed.without(capability)));
        }
        // One by one, from the riskiest, is what it has to be like.
        let mut kept = one | other | more;
        for capability in kept.riskiest_first() {
            if enough(kept.without(capability)) {
                kept = kept.without(capability);
            }
        }
        prop_assert_eq!(minimum.needed, kept);
    }

    /// Even where having more hurts, what is claimed holds.
    #[test]
    fn what_is_claimed_holds_for_any_oracle(seed in any::<u64>(), start in any_set()) {
        let passes = |given: CapabilitySet| {
            given == start || (given.bits() ^ seed).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 62 == 0
        };
        let minimum = search(start, |given, _| passes(given)).unwrap();
        prop_assert!(minimum.needed.is_subset(start) && passes(minimum.needed));
        for capability in minimum.needed.iter() {
            prop_assert!(!passes(minimum.needed.without(capability)));
        }
        let n = start.len();
        prop_assert!(minimum.runs <= 3 + 2 * n + (n + 1) * (2 * n + 2) + 2 * n);
    }
}

/// Chance can make any two runs fail. It is refused nearly always, and a wrong answer stays rare.
#[test]
fn a_test_that_fails_by_chance_is_nearly_always_refused() {
    const SEARCHES: u64 = 2000;
    let needed = set("SETUID,NET_RAW");
    let (mut refused, mut wrong) = (0, 0);
    for seed in 0..SEARCHES {
        let mut state = seed;
        let mut one_in_four = move || {
            // SplitMix64.
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            (mixed ^ mixed >> 31).is_multiple_of(4)
        };
        let start = CapabilitySet::KNOWN;
        match search(start, |given, _| needed.is_subset(given) && !one_in_four()) {
            Ok(minimum) if minimum.needed == needed => {}
            Ok(_) => wrong += 1,
            Err(_) => refused += 1,
        }
    }
    assert!(refused > SEARCHES * 3 / 4, "{refused} refused");
    assert!(wrong < SEARCHES / 50, "{wrong} wrong, {refused} refused");
}

#[test]
fn a_flaky_test_is_found_out_before_anything_is_taken_away() {
    let mut asked = Vec::new();
    let start = set("CHOWN,KILL");
    let error = search(start, |given, run| {
        asked.push(given);
        run != 1
    });
    let Err(SearchError::Flaky { set: with, passed: 2, failed: 1, .. }) = error else {
        panic!("{error:?}");
    };
    assert_eq!((with, asked), (start, vec![start; 3]));
}

#[test]
fn what_fails_with_everything_is_no_reason_to_keep_anything() {
    let error = search(set("CHOWN"), |_, _| false);
    assert!(matches!(error, Err(SearchError::FailsWithAll(_))), "{error:?}");
}

#[test]
fn a_read_alone_needs_the_lesser_of_two() {
    let reads = |given: CapabilitySet| {
        given.contains(Capability::DAC_OVERRIDE) || given.contains(Capability::DAC_READ_SEARCH)
    };
    let both = search(set("DAC_OVERRIDE,DAC_READ_SEARCH,CHOWN"), |given, _| reads(given)).unwrap();
    assert_eq!(both.needed, set("DAC_READ_SEARCH"));
    assert!(both.substitutes.is_empty());
    // Docker's defaults have only the greater: what would do is said apart.
    let one = search(set("DAC_OVERRIDE,CHOWN"), |given, _| reads(given)).unwrap();
    assert_eq!(one.needed, set("DAC_OVERRIDE"));
    let substitute =
        Substitute { instead_of: Capability::DAC_OVERRIDE, with: Capability::DAC_READ_SEARCH };
    assert_eq!(one.substitutes, [substitute]);
}

#[test]
fn nothing_needed_takes_few_runs() {
    let minimum = search(CapabilitySet::KNOWN, |_, _| true).unwrap();
    assert_eq!((minimum.needed, minimum.runs), (CapabilitySet::EMPTY, 5));
}
