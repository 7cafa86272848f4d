//! `dropcap run`

#[cfg(target_os = "linux")]
mod descriptors;
#[cfg(starts_early)]
pub mod early;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
mod message;
mod quick;
#[cfg(target_os = "linux")]
pub(crate) mod user;

use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::Output;
use clap::Args;
use dropcap_capability::CapabilitySet;
use std::ffi::OsString;
use std::path::PathBuf;

pub use quick::parse_line as quick;

/// `run` refused or failed; other exit codes are the command's.
const REFUSED: u8 = 125;

/// Run a command with only the allowed capabilities
///
/// Takes everything else away, for good: from all five sets, for the command and whatever it
/// starts. Without --allow or --workload nothing is allowed. Exit codes: the command's own; 125
/// dropcap refused or failed, 126 the command cannot be executed, 127 it was not found.
#[derive(Args, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// What the command may hold: a comma list such as NET_BIND_SERVICE,KILL, or none
    #[arg(long, value_name = "CAPS", conflicts_with = "workload")]
    allow: Option<CapabilitySet>,
    /// What the command may hold, as the policy says for this workload
    #[arg(long, value_name = "NAME")]
    workload: Option<String>,
    /// The policy; without it /etc/dropcap/dropcap.toml, if only root can write there
    #[arg(long, value_name = "FILE", requires = "workload")]
    policy: Option<PathBuf>,
    /// Become this user first, by name or number; supplementary groups are cleared, HOME is set
    #[arg(long, value_name = "USER[:GROUP]")]
    user: Option<String>,
    /// Take the user's supplementary groups from /etc/group instead of clearing them
    #[arg(long, requires = "user")]
    init_groups: bool,
    /// Stay as the parent: reap orphans, hand signals on
    #[arg(long)]
    init: bool,
    /// Refuse where CAP_SETPCAP is missing, even if what stays cannot be reached
    #[arg(long)]
    strict: bool,
    /// Leave this file descriptor open; those of LISTEN_FDS stay open without it
    #[arg(long = "keep-fd", value_name = "N", value_delimiter = ',')]
    keep: Vec<u32>,
    /// Let the command make user namespaces: for sandboxes built on bwrap, and Chromium's
    #[arg(long)]
    allow_user_namespaces: bool,
    #[command(flatten)]
    output: Output,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "CMD")]
    command: Vec<OsString>,
}

/// Runs the verb. It returns only if it fails, or stays as the parent.
pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    #[cfg(target_os = "linux")]
    return linux::run(arguments);
    #[cfg(not(target_os = "linux"))]
    {
        let Arguments { command, .. } = arguments;
        let command = command.join(" ".as_ref());
        let help = format!("run it in the container: dropcap run -- {}", command.display());
        Err(refused("capabilities are Linux's: there is nothing to drop here").help(help))
    }
}

/// A failure that ends in 125.
fn refused(what: impl Into<String>) -> Failure {
    Failure::new(what).code(REFUSED)
}
