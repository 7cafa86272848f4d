//! The differential test, as a program: see docs/differential.md.

use clap::Parser;
use dropcap_differential::{Options, WITNESS_ARGUMENT, run, testify, work};
use std::io::{self, Write};
use std::process::ExitCode;

/// Nothing wrong.
const PASSED: u8 = 0;
/// A difference, or a run that proves too little.
const FAILED: u8 = 1;
/// The test could not run.
const IMPOSSIBLE: u8 = 2;

fn main() -> ExitCode {
    // First of all: it is executed for every other case.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == WITNESS_ARGUMENT) {
        testify();
    }
    let options = Options::parse();
    ExitCode::from(match (options.worker, options.jobs, options.seed) {
        (Some(number), Some(jobs), Some(seed)) => match work(&options, number, jobs, seed) {
            Ok(()) => PASSED,
            Err(error) => fail(&error.to_string()),
        },
        _ => compare(&options),
    })
}

fn compare(options: &Options) -> u8 {
    let verdict = match run(options) {
        Ok(verdict) => verdict,
        Err(failure) => return fail(&failure.to_string()),
    };
    let complaints = verdict.complaints();
    let mut text = verdict.to_string();
    for complaint in &complaints {
        text += &format!("failed: {complaint}\n");
    }
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) if complaints.is_empty() => PASSED,
        Ok(()) => FAILED,
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(message: &str) -> u8 {
    // Where the standard error is closed there is nobody to tell.
    let _ = writeln!(io::stderr(), "dropcap-differential: error: {message}");
    IMPOSSIBLE
}
