//! One line of a proof.

use crate::Verdict;
use serde::{Deserialize, Serialize};

/// One try of one door, with what it showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The door: a capability's name, or the door's own.
    pub door: String,
    /// What it showed.
    pub verdict: Verdict,
    /// Whether the process holds what the door asks for, in its permitted set.
    pub held: bool,
    /// What was done, as a system call.
    pub attempt: String,
    /// What the kernel answered; empty where nothing was tried.
    pub result: String,
    /// What the model says the kernel answers here; `None` where the model cannot know.
    pub expected: Option<String>,
    /// What it means, in one sentence.
    pub because: String,
    /// For a door that gives capabilities: which, by their names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gains: Vec<String>,
    /// For a door that takes several steps: each of them, with what it gave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witness: Vec<String>,
}

impl Attempt {
    /// A door that could not be tried.
    pub(crate) fn not_tried(door: &str, held: bool, attempt: &str, reason: &str) -> Self {
        Self {
            door: door.to_owned(),
            verdict: Verdict::NotTried,
            held,
            attempt: attempt.to_owned(),
            result: String::new(),
            expected: None,
            because: reason.to_owned(),
            gains: Vec::new(),
            witness: Vec::new(),
        }
    }

    /// Whether the kernel answered what the model says; true where the model says nothing.
    pub fn as_expected(&self) -> bool {
        self.verdict == Verdict::NotTried
            || self.expected.as_ref().is_none_or(|expected| *expected == self.result)
    }
}
