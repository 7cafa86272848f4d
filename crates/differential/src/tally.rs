//! What a run counts, and how workers hand it over: lines of text.

use crate::case::Kind;
use crate::judges::Mutation;
use dropcap_capability::branch::Branch;
use std::collections::BTreeMap;

/// How many differences are kept in words; the others are counted only.
const SHOWN: usize = 10;

/// The counts of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many cases were drawn.
    pub drawn: u64,
    /// How many operations were compared.
    pub operations: u64,
    /// How many cases could not be brought about, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// How often each operation ended in each way.
    pub outcomes: BTreeMap<(String, String), u64>,
    /// How often each decision fell no, and yes.
    pub decisions: BTreeMap<String, [u64; 2]>,
    /// How many cases contradict each mutation.
    pub noticed: BTreeMap<String, u64>,
    /// How many cases differ.
    pub different: u64,
    /// The first of them, in words.
    pub differences: Vec<String>,
    /// The cases that are shown though they do not differ.
    pub shown: Vec<String>,
}

impl Tally {
    /// Counts a case that could not be brought about.
    pub(crate) fn skip(&mut self, reason: String) {
        *self.skipped.entry(reason).or_default() += 1;
    }

    /// Counts a case that came about.
    pub(crate) fn outcome(&mut self, kind: Kind, outcome: &str) {
        *self.outcomes.entry((kind.name().to_owned(), outcome.to_owned())).or_default() += 1;
    }

    /// Counts a case in which a decision fell this way, once however often it fell.
    pub(crate) fn decision(&mut self, branch: Branch, yes: bool) {
        self.decisions.entry(branch.name().to_owned()).or_default()[usize::from(yes)] += 1;
    }

    /// Counts a case that contradicts a mutation.
    pub(crate) fn notice(&mut self, mutation: Mutation) {
        *self.noticed.entry(mutation.name()).or_default() += 1;
    }

    /// Keeps a difference.
    pub(crate) fn differ(&mut self, words: String) {
        self.different += 1;
        if self.differences.len() < SHOWN {
            self.differences.push(words);
        }
    }

    /// All skipped draws.
    pub fn skips(&self) -> u64 {
        self.skipped.values().sum()
    }

    /// Both together.
    pub fn merge(&mut self, other: Self) {
        fn add<K: Ord>(to: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
            for (key, count) in from {
                *to.entry(key).or_default() += count;
            }
        }
        self.drawn += other.drawn;
        self.operations += other.operations;
        self.different += other.different;
        add(&mut self.skipped, other.skipped);
        add(&mut self.outcomes, other.outcomes);
        add(&mut self.noticed, other.noticed);
        for (name, [no, yes]) in other.decisions {
            let counts = self.decisions.entry(name).or_default();
            *counts = [counts[0] + no, counts[1] + yes];
        }
        self.differences.extend(other.differences);
        self.differences.truncate(SHOWN);
        self.shown.extend(other.shown);
    }

    /// As lines of fields that tabs part.
    pub(crate) fn to_lines(&self) -> String {
        let mut lines =
            vec![format!("drawn\t{}", self.drawn), format!("operations\t{}", self.operations)];
        let count = |what: &str, key: &str, count: u64| format!("{what}\t{count}\t{key}");
        lines.extend(self.skipped.iter().map(|(key, n)| count("skipped", key, *n)));
        lines.extend(
            self.outcomes
                .iter()
                .map(|((kind, outcome), n)| format!("outcome\t{n}\t{kind}\t{outcome}")),
        );
        lines.extend(
            self.decisions.iter().map(|(key, [no, yes])| format!("decision\t{no}\t{yes}\t{key}")),
        );
        lines.extend(self.noticed.iter().map(|(key, n)| count("noticed", key, *n)));
        lines.push(format!("different\t{}", self.different));
        let text = |what: &str, words: &str| format!("{what}\t{}", words.replace('\n', "\t"));
        lines.extend(self.differences.iter().map(|words| text("difference", words)));
        lines.extend(self.shown.iter().map(|words| text("shown", words)));
        // What says that nothing is missing.
        lines.push("end".to_owned());
        lines.join("\n") + "\n"
    }

    /// What [`Self::to_lines`] wrote; `None` if it is not whole.
    pub(crate) fn from_lines(text: &str) -> Option<Self> {
        let mut tally = Self::default();
        for line in text.lines() {
            let fields: Vec<&str> = line.split('\t').collect();
            let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
            let word = |index: usize| fields.get(index).map(|word| (*word).to_owned());
            match *fields.first()? {
                "drawn" => tally.drawn = number(1)?,
                "operations" => tally.operations = number(1)?,
                "skipped" => drop(tally.skipped.insert(word(2)?, number(1)?)),
                "outcome" => drop(tally.outcomes.insert((word(2)?, word(3)?), number(1)?)),
                "decision" => drop(tally.decisions.insert(word(3)?, [number(1)?, number(2)?])),
                "noticed" => drop(tally.noticed.insert(word(2)?, number(1)?)),
                "different" => tally.different = number(1)?,
                "difference" => tally.differences.push(fields[1..].join("\n")),
                "shown" => tally.shown.push(fields[1..].join("\n")),
                "end" => return Some(tally),
                _ => return None,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    fn sample() -> Tally {
        let mut tally = Tally { drawn: 5, operations: 17, ..Tally::default() };
        tally.skip("setns: 1".to_owned());
        tally.outcome(Kind::Capset, "EPERM");
        tally.decision(Branch::FileSetuid, true);
        tally.decision(Branch::FileSetuid, false);
        tally.notice(Mutation::Inverted(Branch::FileSetuid));
        tally.differ("one line\n  and another".to_owned());
        tally
    }

    #[test]
    fn lines_carry_everything() {
        let lines = sample().to_lines();
        assert_eq!(Tally::from_lines(&lines).unwrap(), sample());
        assert_eq!(Tally::from_lines(lines.trim_end_matches("end\n")), None);
    }

    #[test]
    fn two_add_up() {
        let mut tally = sample();
        tally.merge(sample());
        assert_eq!((tally.drawn, tally.different, tally.skips()), (10, 2, 2));
        assert_eq!(tally.decisions[Branch::FileSetuid.name()], [2, 2]);
        assert_eq!(tally.noticed[Branch::FileSetuid.name()], 2);
    }
}
