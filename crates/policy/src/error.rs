//! What can be wrong with a policy.

use std::path::PathBuf;
use thiserror::Error;

/// A policy's text that does not say a policy.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// What is wrong there.
    pub message: String,
}

impl ParseError {
    /// An error about the byte `offset` of `text`.
    pub(crate) fn at(text: &str, offset: usize, message: impl Into<String>) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.into(),
        }
    }
}

/// A policy that cannot be had.
#[derive(Debug, Error)]
pub enum PolicyError {
    /// The file cannot be read.
    #[error("cannot read the policy {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file was read and is no policy.
    #[error("{}:{}:{}: {}", path.display(), error.line, error.column, error.message)]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        error: ParseError,
    },
    /// Somebody other than root can have written the file.
    #[error("the policy {} is not trusted: {why}", path.display())]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// Which file or folder, and who may write to it.
        why: String,
    },
    /// No workload of this name.
    #[error("no workload `{name}` in {}; it has {known}", path.display())]
    NoWorkload {
        /// The file.
        path: PathBuf,
        /// The name asked for.
        name: String,
        /// The names that are there.
        known: String,
    },
}
