//! Model and kernel side by side, one operation after the other.

use crate::case::{Case, Kind, Operation, fields};
use crate::judges::{Inverter, Mutation, Recorder};
use crate::namespace::Namespace;
use crate::tally::Tally;
use crate::thread::Thread;
use dropcap_capability::branch::{Branch, Faithful};
use dropcap_capability::{Change, Credentials, Errno, Kernel};
use std::collections::BTreeSet;

/// What the kernel made of an operation.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) errno: i32,
    /// As the thread sees itself.
    pub(crate) credentials: Credentials,
}

/// What the model makes of it.
type Prediction = Result<Thread, Errno>;

/// What is found in one case. Whatever happens in it more than once counts once.
pub(crate) struct Comparison<'a> {
    case: &'a Case,
    namespaces: &'a [Namespace],
    show: bool,
    operations: u64,
    outcomes: Vec<(Kind, String)>,
    decisions: BTreeSet<(Branch, bool)>,
    noticed: BTreeSet<Mutation>,
    /// What is shown of it, as far as it went.
    words: Vec<String>,
    differs: bool,
}

impl<'a> Comparison<'a> {
    pub(crate) fn new(case: &'a Case, namespaces: &'a [Namespace], show: bool) -> Self {
        Self {
            case,
            namespaces,
            show,
            operations: 0,
            outcomes: Vec::new(),
            decisions: BTreeSet::new(),
            noticed: BTreeSet::new(),
            words: Vec::new(),
            differs: false,
        }
    }

    /// Compares from `thread` on, to the first difference.
    pub(crate) fn follow(
        &mut self,
        mut thread: Thread,
        mut outcomes: impl Iterator<Item = Outcome>,
        ended: &str,
    ) {
        for operation in &self.case.operations {
            let Some(outcome) = outcomes.next() else {
                self.differs = true;
                self.words.push(format!("  {operation}: no outcome, the process ended as {ended}"));
                return;
            };
            let mut recorder = Recorder::default();
            let prediction = thread.after(operation, self.namespaces, &mut recorder);
            self.note(operation, &thread, &outcome, recorder);
            self.differs = !agrees(&prediction, &thread, &outcome);
            if self.differs && !self.show {
                self.words.extend(self.so_far());
            }
            if self.differs || self.show {
                self.words.extend(describe(operation, &thread, &prediction, &outcome));
            }
            if self.differs {
                return;
            }
            thread = prediction.unwrap_or(thread);
        }
    }

    /// What the thread did before the last operation, and how that ended.
    fn so_far(&self) -> Vec<String> {
        let done = self.case.operations.iter().zip(&self.outcomes);
        let before = self.outcomes.len().saturating_sub(1);
        let line = |(operation, (_, outcome)): (&Operation, &(Kind, String))| {
            format!("  before       {operation}: {outcome}")
        };
        done.take(before).map(line).collect()
    }

    /// Notes the outcome, each decision that the model took, and each mutation that the kernel
    /// contradicts. A decision that was not asked for cannot be missed: its inversion is not tried.
    fn note(&mut self, operation: &Operation, thread: &Thread, outcome: &Outcome, asked: Recorder) {
        self.operations += 1;
        self.outcomes.push((operation.kind(), errno_name(outcome.errno)));
        let branches: BTreeSet<Branch> = asked.0.iter().map(|(branch, _)| *branch).collect();
        self.decisions.extend(asked.0);
        let inverted = branches.into_iter().map(Mutation::Inverted);
        let others = [Mutation::WithoutEffect(operation.kind()), Mutation::OtherKernel];
        for mutation in inverted.chain(others) {
            if !self.noticed.contains(&mutation)
                && !agrees(&self.mutated(mutation, operation, thread), thread, outcome)
            {
                self.noticed.insert(mutation);
            }
        }
    }

    /// What the model would say with this mistake in it.
    fn mutated(&self, mutation: Mutation, operation: &Operation, thread: &Thread) -> Prediction {
        match mutation {
            Mutation::Inverted(branch) => {
                thread.after(operation, self.namespaces, &mut Inverter(branch))
            }
            Mutation::WithoutEffect(_) => Ok(thread.clone()),
            Mutation::OtherKernel => {
                let newer = thread.environment.kernel.has(Change::EXEC_COMPARES_EFFECTIVE_IDS);
                let kernel = if newer { Kernel::COMPARED[0] } else { Kernel::NEWEST };
                let mut there = thread.clone();
                there.environment.kernel = kernel;
                there.after(operation, self.namespaces, &mut Faithful)
            }
        }
    }

    /// Adds what was found to the counts.
    pub(crate) fn count(self, tally: &mut Tally) {
        tally.operations += self.operations;
        for (kind, outcome) in &self.outcomes {
            tally.outcome(*kind, outcome);
        }
        for (branch, yes) in &self.decisions {
            tally.decision(*branch, *yes);
        }
        for mutation in &self.noticed {
            tally.notice(*mutation);
        }
        if !self.differs && !self.show {
            return;
        }
        let Case { seed, namespace, shares_directories, .. } = self.case;
        let shares = if *shares_directories { ", directories shared" } else { "" };
        let name = self.namespaces[*namespace].name;
        let mut words = vec![format!("seed {seed}, user namespace: {name}{shares}")];
        words.extend(self.words);
        words.push(format!("  repeat with  scripts/differential --show --seed {seed} --cases 1"));
        let words = words.join("\n");
        if self.differs { tally.differ(words) } else { tally.shown.push(words) }
    }
}

/// A failed call must have changed nothing.
fn agrees(prediction: &Prediction, before: &Thread, outcome: &Outcome) -> bool {
    let (errno, credentials) = match prediction {
        Ok(after) => (0, after.shown()),
        Err(errno) => (errno.number(), before.shown()),
    };
    outcome.errno == errno && outcome.credentials == credentials
}

fn errno_name(errno: i32) -> String {
    use Errno::*;
    let known = [EPERM, EACCES, EINVAL, ENOSPC, ENOSYS, EAGAIN, ELOOP];
    match known.into_iter().find(|known| known.number() == errno) {
        Some(known) => known.to_string(),
        None if errno == 0 => "ok".to_owned(),
        None => format!("errno {errno}"),
    }
}

/// The operation with both answers: what was, what came of it, and where model and kernel differ.
fn describe(
    operation: &Operation,
    before: &Thread,
    prediction: &Prediction,
    outcome: &Outcome,
) -> Vec<String> {
    let (model, said) = match prediction {
        Ok(after) => (after.shown(), "ok".to_owned()),
        Err(errno) => (before.shown(), errno.to_string()),
    };
    let mut lines = vec![
        format!("  operation    {operation}"),
        format!("  model says   {said}"),
        format!("  kernel says  {}", errno_name(outcome.errno)),
    ];
    let rows = fields(&before.shown()).into_iter().zip(fields(&model));
    for (((name, start), (_, model)), (_, kernel)) in rows.zip(fields(&outcome.credentials)) {
        lines.push(match () {
            () if model != kernel => {
                format!("  {name:12} {start} -> model {model}, kernel {kernel}   <-- differs")
            }
            () if model == start => format!("  {name:12} {start}"),
            () => format!("  {name:12} {start} -> {model}"),
        });
    }
    lines
}
