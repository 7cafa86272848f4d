//! `dropcap harden`

use crate::failure::Failure;
use clap::Args;
use std::process::ExitCode;

/// Prove, fix and prove again
#[derive(Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_arguments: Arguments) -> Result<ExitCode, Failure> {
    Err(Failure::new("`dropcap harden` is not there yet"))
}
