//! `dropcap inspect`

use crate::failure::Failure;
use clap::Args;
use std::process::ExitCode;

/// Show the sets of a process and what it can reach
#[derive(Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_arguments: Arguments) -> Result<ExitCode, Failure> {
    Err(Failure::new("`dropcap inspect` is not there yet"))
}
