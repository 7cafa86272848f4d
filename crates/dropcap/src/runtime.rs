//! `dropcap runtime`

mod files;
mod install;
mod reload;
mod report;
mod status;
mod uninstall;

use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::Output;
use clap::{Args, Subcommand};
use dropcap_runtime::install::Engine;
use report::Report;
use std::path::PathBuf;

/// Register dropcap as an OCI runtime, so that the policy holds for every exec too
#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    Install(Install),
    Uninstall(Uninstall),
    Status(Status),
}

/// Put the runtime into an engine's configuration; nothing is restarted
#[derive(Args)]
struct Install {
    /// docker, podman, containerd or crio
    engine: Engine,
    /// Make it the runtime of every container that names none
    #[arg(long)]
    default: bool,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    places: Places,
    #[command(flatten)]
    output: Output,
}

/// Bring an engine's configuration back as it was; without an engine, that of all
#[derive(Args)]
struct Uninstall {
    /// docker, podman, containerd or crio
    engine: Option<Engine>,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    places: Places,
    #[command(flatten)]
    output: Output,
}

/// Show where the runtime is registered, which policy holds, and which containers are not under it
#[derive(Args)]
struct Status {
    /// docker, podman, containerd or crio
    engine: Option<Engine>,
    #[command(flatten)]
    places: Places,
    #[command(flatten)]
    output: Output,
}

/// Where things lie
#[derive(Args)]
struct Places {
    /// The engine's configuration, if it is not where it usually is
    #[arg(long, value_name = "FILE", requires = "engine")]
    config: Option<PathBuf>,
    /// The folder of the policy and of the runtime's settings; only Docker can be told another
    #[arg(long, value_name = "DIR", default_value = dropcap_runtime::settings::DIRECTORY)]
    policy_directory: PathBuf,
    /// Where the runtime's name is made for this binary
    #[arg(long, value_name = "FILE", default_value = "/usr/local/bin/dropcap-runtime")]
    link: PathBuf,
}

/// Runs the verb.
pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    match arguments.what {
        What::Install(arguments) => {
            let mut report = Report::new(arguments.dry_run);
            let done = install::run(&arguments, &mut report);
            report.print(&arguments.output)?;
            done
        }
        What::Uninstall(arguments) => {
            let mut report = Report::new(arguments.dry_run);
            let done = uninstall::run(&arguments, &mut report);
            report.print(&arguments.output)?;
            done
        }
        What::Status(arguments) => status::run(&arguments),
    }
}

impl Places {
    fn configuration(&self, engine: Engine) -> PathBuf {
        self.config.clone().unwrap_or_else(|| engine.configuration().to_owned())
    }

    /// What has to be there again for an engine to be as it was.
    fn journal(&self, engine: Engine) -> PathBuf {
        self.policy_directory.join("installed").join(format!("{}.json", engine.name()))
    }
}
