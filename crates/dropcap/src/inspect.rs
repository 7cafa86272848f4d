//! `dropcap inspect`

use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::{Format, Output, print, print_json};
use clap::Args;
use dropcap_prove::{Inspection, SearchLimits, inspect_pid, inspect_self};
use dropcap_report::inspect::text;

/// Show the sets of a process and what it can reach
#[derive(Args)]
pub struct Arguments {
    /// What to look at: `self` or `pid:N`; several make a table
    #[arg(default_value = "self", value_name = "TARGET")]
    targets: Vec<String>,

    #[command(flatten)]
    output: Output,
}

/// Runs the verb.
pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    arguments.output.settle_color();
    let inspections: Vec<Inspection> =
        arguments.targets.iter().map(|target| inspect(target)).collect::<Result<_, _>>()?;
    match (arguments.output.format, inspections.as_slice()) {
        (Format::Json, [one]) => print_json(one)?,
        (Format::Json, many) => print_json(&many)?,
        (Format::Text, many) => print(&text(many, arguments.output.detail())),
    }
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
