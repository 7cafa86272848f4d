//! `dropcap inspect`

use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::prove::{Color, Format, detail, json, print};
use clap::Args;
use dropcap_prove::{Inspection, SearchLimits, inspect_pid, inspect_self};
use dropcap_report::inspect::text;

/// Show the sets of a process and what it can reach
#[derive(Args)]
pub struct Arguments {
    /// What to look at: `self` or `pid:N`; several make a table
    #[arg(default_value = "self", value_name = "TARGET")]
    targets: Vec<String>,

    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,

    /// Print the target's name and what it can reach alone
    #[arg(short, long, conflicts_with = "verbose")]
    quiet: bool,

    /// Print every name, and the chain to each reachable capability
    #[arg(short, long)]
    verbose: bool,

    /// When to use colour
    #[arg(long, value_enum, default_value_t)]
    color: Color,
}

/// Runs the verb.
pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    arguments.color.apply();
    let inspections: Vec<Inspection> =
        arguments.targets.iter().map(|target| inspect(target)).collect::<Result<_, _>>()?;
    print(&match (arguments.format, inspections.as_slice()) {
        (Format::Json, [one]) => json(one)?,
        (Format::Json, many) => json(&many)?,
        (Format::Text, many) => text(many, detail(arguments.quiet, arguments.verbose)),
    });
    Ok(ExitCode::SUCCESS)
}

fn inspect(target: &str) -> Result<Inspection, Failure> {
    let limits = SearchLimits::default();
    let failed = |error| Failure::new("the target cannot be inspected").because(error);
    if target == "self" {
        return inspect_self(&limits).map_err(failed);
    }
    match target.strip_prefix("pid:").map(str::parse) {
        Some(Ok(pid)) if pid > 0 => inspect_pid(pid).map_err(failed),
        Some(_) => Err(Failure::new(format!("`{target}` names no process"))
            .help("use pid: and a number, such as pid:1")),
        None => Err(Failure::new(format!("`{target}` is no target that can be inspected"))
            .help("use self or pid:N")),
    }
}
