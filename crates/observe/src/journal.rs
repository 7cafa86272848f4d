//! Every run as it is made, so that a search that is interrupted goes on where it was.
//!
//! The search asks the same questions in the same order each time, so the answers to the first of them
//! are all that has to be kept: a line each, in a file beside the evidence, which goes at the end.

use crate::{Failure, Outcome, Run};
use dropcap_capability::CapabilitySet;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The runs of one search.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// What an interrupted search left, the next first.
    left: Vec<(CapabilitySet, Run)>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    set: u64,
    passed: bool,
    phase: String,
    how: String,
    output: Vec<String>,
    stopped: Vec<u8>,
    milliseconds: u64,
}

impl Journal {
    /// Opens the journal of the search that `key` names, at `path`; one of another search is begun
    /// anew.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn open(path: &Path, key: &str) -> io::Result<Self> {
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            read => read?,
        };
        let mut lines = text.lines();
        let same = lines.next() == Some(key);
        // A line that was cut off in the middle, and what follows, is run again.
        let left = match same {
            true => lines.map_while(|line| serde_json::from_str(line).ok().map(read)).collect(),
            false => Vec::new(),
        };
        let mut journal = Self {
            path: path.to_owned(),
            file: OpenOptions::new().create(true).write(true).truncate(true).open(path)?,
            left,
        };
        writeln!(journal.file, "{key}")?;
        for (set, run) in &journal.left {
            writeln!(journal.file, "{}", serde_json::to_string(&line(*set, run))?)?;
        }
        Ok(journal)
    }

    /// How many runs it has from before.
    pub fn left(&self) -> usize {
        self.left.len()
    }

    /// The next run from before, if it is with `set`.
    pub fn take(&mut self, set: CapabilitySet) -> Option<Run> {
        let at = self.left.iter().position(|(known, _)| *known == set)?;
        Some(self.left.remove(at).1)
    }

    /// Keeps a run.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn add(&mut self, set: CapabilitySet, run: &Run) -> io::Result<()> {
        // Not synced: it is for an interrupted search, and a lost machine only costs runs.
        writeln!(self.file, "{}", serde_json::to_string(&line(set, run))?)
    }

    /// Takes the file away: the search is over.
    ///
    /// # Errors
    /// What the system answers.
    pub fn finish(self) -> io::Result<()> {
        std::fs::remove_file(self.path)
    }
}

fn line(set: CapabilitySet, run: &Run) -> Line {
    let failure = run.outcome.failure().cloned().unwrap_or_default();
    Line {
        set: set.bits(),
        passed: run.outcome.passed(),
        phase: failure.phase,
        how: failure.how,
        output: failure.output,
        stopped: run.stopped.clone(),
        milliseconds: u64::try_from(run.longest.as_millis()).unwrap_or(u64::MAX),
    }
}

fn read(line: Line) -> (CapabilitySet, Run) {
    let failure = Failure { phase: line.phase, how: line.how, output: line.output };
    let outcome = if line.passed { Outcome::Passed } else { Outcome::Failed(failure) };
    let longest = Duration::from_millis(line.milliseconds);
    (CapabilitySet::from_bits(line.set), Run { outcome, stopped: line.stopped, longest })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(how: &str) -> Run {
        let failure = Failure { how: how.to_owned(), ..Failure::default() };
        let outcome = if how.is_empty() { Outcome::Passed } else { Outcome::Failed(failure) };
        Run { outcome, stopped: vec![0, 143], longest: Duration::from_millis(7) }
    }

    #[test]
    fn an_interrupted_search_finds_its_runs_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("journal");
        let one = CapabilitySet::from_bits(1);
        let mut journal = Journal::open(&path, "key").expect("a new one");
        journal.add(one, &run("")).expect("written");
        journal.add(CapabilitySet::EMPTY, &run("it failed")).expect("written");
        // The last line was being written.
        write!(journal.file, "{{\"set\":1,\"pass").expect("written");
        drop(journal);
        let mut again = Journal::open(&path, "key").expect("the same");
        assert_eq!(again.left(), 2);
        assert_eq!(again.take(CapabilitySet::EMPTY), Some(run("it failed")));
        assert_eq!(again.take(one), Some(run("")));
        assert_eq!(again.take(one), None);
        drop(again);
        assert_eq!(Journal::open(&path, "key").expect("once more").left(), 2);
        assert_eq!(Journal::open(&path, "another").expect("another").left(), 0);
        assert_eq!(Journal::open(&path, "key").expect("too late").left(), 0);
    }
}
