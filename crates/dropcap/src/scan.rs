//! `dropcap scan`

use crate::failure::Failure;
use clap::Args;
use std::process::ExitCode;

/// Find every container and what it can reach
#[derive(Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_arguments: Arguments) -> Result<ExitCode, Failure> {
    Err(Failure::new("`dropcap scan` is not there yet"))
}
