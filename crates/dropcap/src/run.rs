//! `dropcap run`

use crate::failure::Failure;
use clap::Args;
use std::process::ExitCode;

/// Run a command with only the allowed capabilities
#[derive(Args)]
pub struct Arguments {}

/// Runs the verb.
pub fn run(_arguments: Arguments) -> Result<ExitCode, Failure> {
    Err(Failure::new("`dropcap run` is not there yet"))
}
