//! What a run found, in words and as a table.

use crate::judges::Mutation;
use crate::tally::Tally;
use dropcap_capability::branch::Branch;
use dropcap_capability::{Change, Kernel};
use std::fmt;
use std::time::Duration;

/// From this many cases on a rare decision is a defect of the generator, not of luck.
const ENOUGH_CASES: u64 = 20_000;
/// Each way that a decision can fall has to be taken in so many cases.
const CASES_A_DECISION: u64 = 100;
/// The most draws that may be lost, in percent.
const SKIPS_ALLOWED: u64 = 5;

/// The counts of a run and what they come to.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// What was counted.
    pub tally: Tally,
    /// The seed of the first case.
    pub seed: u64,
    /// How many cases were asked for.
    pub cases: u64,
    /// How long it took.
    pub elapsed: Duration,
    /// Whose rules were compared with.
    pub kernel: Kernel,
}

/// The change that brought what lets a decision fall yes; before it, it always falls no.
const NEEDS: [(Branch, Change); 3] = [
    (Branch::SecurebitsUnprivileged, Change::UNPRIVILEGED_SECUREBITS),
    (Branch::UidUnchanged, Change::SETRES_RETURNS_EARLY),
    (Branch::GidUnchanged, Change::SETRES_RETURNS_EARLY),
];

impl Verdict {
    /// What is wrong; nothing is what it should be.
    pub fn complaints(&self) -> Vec<String> {
        let tally = &self.tally;
        let mut complaints = Vec::new();
        if tally.different > 0 {
            complaints.push(format!("{} cases differ", tally.different));
        }
        if tally.drawn != self.cases {
            complaints.push(format!("{} of {} cases were drawn", tally.drawn, self.cases));
        }
        if tally.skips() * 100 > tally.drawn * SKIPS_ALLOWED {
            complaints.push(format!(
                "{} of {} draws were skipped, more than {SKIPS_ALLOWED} %",
                tally.skips(),
                tally.drawn
            ));
        }
        if self.cases >= ENOUGH_CASES {
            complaints.extend(self.rare());
            complaints.extend(self.unnoticed());
        }
        complaints
    }

    /// Decisions that hardly fell one way.
    fn rare(&self) -> impl Iterator<Item = String> {
        Branch::ALL.iter().flat_map(|branch| {
            let counts = self.decision(*branch);
            [("no", counts[0]), ("yes", counts[1])].into_iter().filter_map(|(way, count)| {
                let name = branch.name();
                let never = way == "yes" && !self.can_fall_yes(*branch);
                (count < CASES_A_DECISION && !never).then(|| {
                    format!("{name} fell {way} in {count} cases, fewer than {CASES_A_DECISION}")
                })
            })
        })
    }

    fn can_fall_yes(&self, branch: Branch) -> bool {
        NEEDS.iter().all(|(needs, change)| *needs != branch || self.kernel.has(*change))
    }

    /// Mutations of the model that no case contradicted.
    fn unnoticed(&self) -> impl Iterator<Item = String> {
        Mutation::all()
            .into_iter()
            .filter(|mutation| self.noticed(*mutation) == 0)
            .map(|mutation| format!("a model with this mistake passes: {}", mutation.name()))
    }

    fn decision(&self, branch: Branch) -> [u64; 2] {
        self.tally.decisions.get(branch.name()).copied().unwrap_or_default()
    }

    fn noticed(&self, mutation: Mutation) -> u64 {
        self.tally.noticed.get(&mutation.name()).copied().unwrap_or_default()
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tally = &self.tally;
        for case in &tally.shown {
            writeln!(f, "{case}\n")?;
        }
        writeln!(f, "{:26} {:>9}  cases by outcome", "operation", "")?;
        for ((kind, outcome), count) in &tally.outcomes {
            writeln!(f, "{kind:26} {count:>9}  {outcome}")?;
        }
        writeln!(f, "\n{:26} {:>9} {:>9} {:>9}", "decision", "no", "yes", "inverted")?;
        for branch in Branch::ALL {
            let [no, yes] = self.decision(*branch);
            let noticed = self.noticed(Mutation::Inverted(*branch));
            writeln!(f, "{:26} {no:>9} {yes:>9} {noticed:>9}", branch.name())?;
        }
        writeln!(f, "\n{:46} {:>9}", "other mutation", "noticed")?;
        let others = Mutation::all();
        let others = others.iter().filter(|mutation| !matches!(mutation, Mutation::Inverted(_)));
        for mutation in others {
            writeln!(f, "{:46} {:>9}", mutation.name(), self.noticed(*mutation))?;
        }
        writeln!(f)?;
        for (reason, count) in &tally.skipped {
            writeln!(f, "skipped {count}: {reason}")?;
        }
        for difference in &tally.differences {
            writeln!(f, "difference: {difference}\n")?;
        }
        let seconds = self.elapsed.as_secs_f64();
        writeln!(f, "Linux {}: {}", self.kernel, self.kernel.rules())?;
        let a_second = |count: u64| count as f64 / seconds;
        writeln!(
            f,
            "{} operations, {:.0} a second, in cases of which there were {:.0} a second",
            tally.operations,
            a_second(tally.operations),
            a_second(tally.drawn)
        )?;
        writeln!(
            f,
            "{} cases from seed {} in {seconds:.1} s: {} differences, {} skipped",
            tally.drawn,
            self.seed,
            tally.different,
            tally.skips()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(cases: u64) -> Verdict {
        let mut tally = Tally { drawn: cases, ..Tally::default() };
        for branch in Branch::ALL {
            tally.decisions.insert(branch.name().to_owned(), [100, 100]);
        }
        for mutation in Mutation::all() {
            tally.notice(mutation);
        }
        Verdict { tally, seed: 1, cases, elapsed: Duration::from_secs(1), kernel: Kernel::NEWEST }
    }

    fn complaint(change: impl FnOnce(&mut Tally)) -> String {
        let mut verdict = verdict(ENOUGH_CASES);
        assert_eq!(verdict.complaints(), Vec::<String>::new());
        change(&mut verdict.tally);
        verdict.complaints().join("; ")
    }

    #[test]
    fn each_defect_is_complained_of() {
        assert_eq!(complaint(|tally| tally.differ("x".to_owned())), "1 cases differ");
        let lost = complaint(|tally| tally.skipped.extend([("x".to_owned(), 1001)]));
        assert!(lost.contains("1001 of 20000 draws were skipped"), "{lost}");
        let rare = complaint(|tally| {
            tally.decisions.insert(Branch::FileSetuid.name().to_owned(), [99, 100]);
        });
        assert_eq!(rare, "FileSetuid fell no in 99 cases, fewer than 100");
        let unnoticed = complaint(|tally| tally.noticed.retain(|name, _| name != "FileSetuid"));
        assert_eq!(unnoticed, "a model with this mistake passes: FileSetuid");
        let missing = complaint(|tally| tally.drawn -= 1);
        assert_eq!(missing, "19999 of 20000 cases were drawn");
    }

    #[test]
    fn what_a_kernel_does_not_have_cannot_be_rare() {
        let mut verdict = verdict(ENOUGH_CASES);
        verdict.tally.decisions.insert(Branch::SecurebitsUnprivileged.name().to_owned(), [100, 0]);
        assert_eq!(verdict.complaints().len(), 1);
        verdict.kernel = Kernel::new(6, 12);
        assert_eq!(verdict.complaints(), Vec::<String>::new());
    }

    #[test]
    fn a_short_run_says_nothing_of_rare_decisions() {
        let verdict = Verdict { tally: Tally { drawn: 1, ..Tally::default() }, ..verdict(1) };
        assert_eq!(verdict.complaints(), Vec::<String>::new());
    }
}
