//! The search itself, whatever it is that is tried.

use super::place::Place;
use crate::failure::Failure;
use crate::output::{number, say};
use dropcap_capability::CapabilitySet;
use dropcap_observe::command::TrialError;
use dropcap_observe::journal::Journal;
use dropcap_observe::{Minimum, Progress, Run, SearchError, Trial, Trials, Usual, minimise};
use std::io::{IsTerminal, Write};

/// What to do where the trials stop before their end.
pub const AGAIN: &str =
    "mend that, then give the same line again: it goes on from the trials that were made";

/// What a search found, with every run that it made.
pub struct Found {
    pub minimum: Minimum,
    pub made: Vec<(CapabilitySet, Run)>,
    pub usual: Usual,
    /// To be finished when all of it is written.
    pub journal: Journal,
}

/// Searches, and says on a terminal how far it is.
pub fn search<T: Trial + Sync>(
    trial: &T,
    start: CapabilitySet,
    jobs: usize,
    journal: Journal,
    quiet: bool,
) -> Result<Found, Failure> {
    let show = !quiet && std::io::stderr().is_terminal();
    let mut progress = |now: Progress| {
        if show {
            let _ = write!(
                std::io::stderr(),
                "\r\x1b[Kdropcap: run {}, about {} left, now with {}",
                now.done + 1,
                now.left,
                few(now.set)
            );
        }
    };
    let mut trials = Trials::new(trial, journal, jobs, &mut progress);
    let minimum = minimise(&mut trials, start);
    if show {
        let _ = write!(std::io::stderr(), "\r\x1b[K");
    }
    let minimum = match minimum {
        Ok(minimum) => minimum,
        // It is for going on. What was seen before something is mended says nothing of what is seen after.
        Err(error @ (SearchError::FailsWithAll(_) | SearchError::Flaky { .. })) => {
            trials
                .into_journal()
                .finish()
                .map_err(|error| Failure::new("cannot remove the journal").because(error))?;
            return Err(failed(error));
        }
        Err(error) => return Err(failed(error)),
    };
    let made = std::mem::take(&mut trials.made);
    let usual = trials.usual().clone();
    Ok(Found { minimum, made, usual, journal: trials.into_journal() })
}

/// Opens the journal of a search that is named by everything that bears on it and that dropcap knows; says where it
/// goes on from one, since files may have changed meanwhile.
pub fn journal(
    place: &Place,
    workload: &str,
    key: &[String],
    quiet: bool,
) -> Result<Journal, Failure> {
    let path = place.journal(workload);
    let key = dropcap_policy::command_hash(key);
    let journal = Journal::open(&path, &key).map_err(|error| {
        Failure::new(format!("cannot keep the journal {}", path.display()))
            .because(error)
            .help("it lies beside the policy; --policy FILE puts both elsewhere")
    })?;
    let left = journal.left();
    if left > 0 && !quiet {
        say(&format!(
            "dropcap: goes on from {} of an earlier learn; to begin anew remove {}",
            number(left, "run"),
            path.display()
        ));
    }
    Ok(journal)
}

/// A set as a line of progress has room for it.
fn few(set: CapabilitySet) -> String {
    match set.len() {
        0..=4 => set.to_string(),
        many => format!("{many} capabilities"),
    }
}

fn failed(error: SearchError<TrialError>) -> Failure {
    match error {
        SearchError::FailsWithAll(failure) => {
            let mut help = "make it pass as it is first: then its failing with less says something";
            let said = failure.output.join("\n  | ");
            if said.to_lowercase().contains("address already in use") {
                help = "a port that it listens on is taken: end what holds it, then learn";
            }
            let mut what =
                format!("it fails with all that it has now: {}: {}", failure.phase, failure.how);
            if !said.is_empty() {
                what.push_str(&format!("\n  | {said}"));
            }
            Failure::new(what).help(help)
        }
        SearchError::Flaky { set, passed, failed, failure } => Failure::new(format!(
            "its test is not to be relied on: with {} it passed {passed} times and failed {failed} \
             times, in {failure}",
            few(set)
        ))
        .help("nothing can be concluded from it: wait in the test for what it needs, then learn"),
        SearchError::Run(error) => {
            Failure::new("the trials cannot go on").because(error).help(AGAIN)
        }
    }
}
