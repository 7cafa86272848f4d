//! What came of one run.

use crate::said;
use std::fmt;

/// What came of one run of the workload with one set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Every phase passed.
    Passed,
    /// One did not.
    Failed(Failure),
}

impl Outcome {
    /// Whether every phase passed.
    pub const fn passed(&self) -> bool {
        matches!(self, Self::Passed)
    }

    /// What failed.
    pub const fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Passed => None,
            Self::Failed(failure) => Some(failure),
        }
    }
}

/// How a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Failure {
    /// In which phase of its life, such as `restart on the same volumes`.
    pub phase: String,
    /// How, as the end of a sentence: `ended with status 1`.
    pub how: String,
    /// The first lines that it said, and of those further down what speaks of a refusal.
    pub output: Vec<String>,
}

impl Failure {
    /// The line of what it said that tells best why it failed.
    pub fn telling(&self) -> Option<&str> {
        said::telling(&self.output).map(String::as_str)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.phase, self.how)?;
        match self.telling() {
            Some(line) => write!(f, " ({line})"),
            None => Ok(()),
        }
    }
}
