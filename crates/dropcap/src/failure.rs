//! How dropcap says that it cannot go on: one readable chain, and the right exit code.

use crate::exit::ExitCode;
use crate::output::say;
use std::error::Error;

/// Usage, or a file that the user named cannot be read or parsed.
const USAGE: u8 = 2;
/// `run` refused or failed, its own usage included.
const REFUSED: u8 = 125;

/// What failed, on what, why, and what to do.
#[derive(Debug)]
pub struct Failure {
    what: String,
    source: Option<Box<dyn Error>>,
    help: Option<String>,
    code: u8,
}

impl Failure {
    /// A failure that ends in exit code 2.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), source: None, help: None, code: USAGE }
    }

    /// With the error that caused it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn Error>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// With what the person at the terminal can do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With another exit code.
    #[must_use]
    pub fn code(mut self, code: u8) -> Self {
        self.code = code;
        self
    }

    /// What failed and why, without the help.
    pub fn chain(&self) -> String {
        let mut text = self.what.clone();
        let mut cause = self.source.as_deref();
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        text
    }

    /// Prints it to standard error and gives its exit code.
    pub fn report(self) -> ExitCode {
        let mut text = format!("dropcap: error: {}", self.chain());
        if let Some(help) = &self.help {
            text.push_str(&format!("\n  help: {help}"));
        }
        say(&text);
        ExitCode::from(self.code)
    }
}

/// Prints what clap has to say: help and version to standard output with 0, else a usage error: 2,
/// or 125 where the verb is `run`, whose low exit codes are the child's.
pub fn usage(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    if !error.use_stderr() {
        return ExitCode::from(if printed.is_ok() { 0 } else { USAGE });
    }
    let run = std::env::args_os().nth(1).is_some_and(|verb| verb == "run");
    ExitCode::from(if run { REFUSED } else { USAGE })
}
