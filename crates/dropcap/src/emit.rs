//! `dropcap emit`

use crate::failure::Failure;
use clap::Args;
use std::process::ExitCode;

/// Print the settings for a workload
#[derive(Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_arguments: Arguments) -> Result<ExitCode, Failure> {
    Err(Failure::new("`dropcap emit` is not there yet"))
}
