//! `dropcap learn`

#[cfg(target_os = "linux")]
mod alternatives;
#[cfg(target_os = "linux")]
mod command;
#[cfg(target_os = "linux")]
mod configured;
#[cfg(target_os = "linux")]
pub(crate) mod container;
#[cfg(target_os = "linux")]
mod explain;
#[cfg(target_os = "linux")]
pub(crate) mod linux;
#[cfg(target_os = "linux")]
mod mended;
#[cfg(target_os = "linux")]
pub(crate) mod place;
#[cfg(target_os = "linux")]
mod pod;
#[cfg(target_os = "linux")]
mod record;
#[cfg(target_os = "linux")]
mod running;
#[cfg(target_os = "linux")]
mod search;
#[cfg(target_os = "linux")]
pub(crate) mod supervise;

use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::Output;
use clap::Args;
use std::ffi::OsString;
use std::path::PathBuf;

/// Find the least set that works, by running
///
/// Runs the workload as it is, then with less and less, until nothing can be taken away; writes what it
/// found into dropcap.toml, and everything that it saw into dropcap.evidence.json beside it.
#[derive(Args)]
#[command(
    override_usage = "dropcap learn [OPTIONS] <TARGET>\n       dropcap learn [OPTIONS] -- <CMD>..."
)]
pub struct Arguments {
    /// A container that is written in a file, FILE#SUBJECT, or a copy of one that runs, container:NAME
    #[arg(value_name = "TARGET", conflicts_with = "command", required_unless_present = "command")]
    target: Option<String>,
    /// What tells whether it works, for `sh -c`; without, CMD ends and its exit status tells
    #[arg(long, value_name = "CMD")]
    test: Option<String>,
    /// The workload's name in the policy; without, that of the program or of the container
    #[arg(long)]
    name: Option<String>,
    /// The user that CMD becomes, by name or number
    #[arg(long, value_name = "USER[:GROUP]", requires = "command")]
    user: Option<String>,
    /// Only try: no trace tells which call it was
    #[arg(long, conflicts_with = "by_trace")]
    by_trial: bool,
    /// Only watch (not there yet)
    #[arg(long)]
    by_trace: bool,
    /// The most that a phase of a trial may take
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    patience: u64,
    /// Say what is new and what is gone since the policy was written, and write nothing
    #[arg(long)]
    compare: bool,
    /// Let CMD make user namespaces
    #[arg(long, requires = "command")]
    allow_user_namespaces: bool,
    /// The policy, instead of the dropcap.toml here or above
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
    /// The command and its arguments
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// Runs the verb.
pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    if arguments.by_trace {
        return Err(Failure::new("--by-trace is not there yet: sets are found by trial"));
    }
    #[cfg(target_os = "linux")]
    return linux::run(arguments);
    #[cfg(not(target_os = "linux"))]
    {
        let Arguments { target, test, name, user, .. } = arguments;
        drop((target, test, name, user));
        Err(Failure::new("capabilities are Linux's: learn where the workload runs"))
    }
}
