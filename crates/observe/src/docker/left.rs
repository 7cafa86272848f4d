//! What trials make in an engine, and how it is found again and taken away.

use super::{Answer, Docker};
use crate::Session;
use crate::command::TrialError;

/// The label of everything that trials make; its value is the session.
pub(super) const LABEL: &str = "dropcap.trial";
/// How a container is taken away, with the volumes that have no name.
const REMOVE: &[&str] = &["rm", "--force", "--volumes"];
/// What trials make: how it is listed, how its label is read, and how it is taken away.
const MADE: [[&[&str]; 3]; 3] = [
    [
        &["ps", "-aq"],
        &["inspect", "--format", "{{index .Config.Labels \"dropcap.trial\"}}"],
        REMOVE,
    ],
    [
        &["volume", "ls", "-q"],
        &["volume", "inspect", "--format", "{{index .Labels \"dropcap.trial\"}}"],
        &["volume", "rm", "--force"],
    ],
    [
        &["network", "ls", "-q"],
        &["network", "inspect", "--format", "{{index .Labels \"dropcap.trial\"}}"],
        &["network", "rm"],
    ],
];

impl Docker {
    /// Takes a container away.
    ///
    /// # Errors
    /// No engine answers.
    pub(super) fn remove_container(&self, id: &str) -> Result<Answer, TrialError> {
        self.remove(REMOVE, id)
    }

    fn remove(&self, words: &[&str], one: &str) -> Result<Answer, TrialError> {
        if self.is_podman() && words == REMOVE {
            // Podman would first give it ten seconds to end. One that has ended is no error.
            self.ask(&["kill", one])?;
        }
        self.ask(&[words, &[one]].concat())
    }

    /// Takes away whatever trials of `session` left.
    ///
    /// # Errors
    /// The engine fails.
    pub fn clean_up(&self, session: &Session) -> Result<(), TrialError> {
        let filter = format!("label={LABEL}={session}");
        for [list, _, remove] in MADE {
            for one in self.must(&[list, &["--filter", &filter]].concat())?.split_whitespace() {
                // Another process of this session may just have taken it away.
                self.remove(remove, one)?;
            }
        }
        Ok(())
    }

    /// Takes away what sessions left that were killed: how many containers, volumes and networks.
    ///
    /// # Errors
    /// The engine fails.
    pub fn clean_up_left(&self, own: &Session) -> Result<[usize; 3], TrialError> {
        let mut removed = [0; 3];
        let filter = format!("label={LABEL}");
        for ([list, label, remove], removed) in MADE.into_iter().zip(&mut removed) {
            for one in self.must(&[list, &["--filter", &filter]].concat())?.split_whitespace() {
                let session = self.ask(&[label, &[one]].concat())?.text();
                if Session::parse(&session).is_some_and(|session| session.is_over(own))
                    && self.remove(remove, one)?.success()
                {
                    *removed += 1;
                }
            }
        }
        Ok(removed)
    }
}
