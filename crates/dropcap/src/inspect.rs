//! `dropcap inspect`

mod target;
mod written;

use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::{Format, Output, print, print_json};
use crate::scan::project::Selection;
use clap::Args;
use dropcap_engine::EngineVersion;
use dropcap_prove::{Inspection, difference};
use dropcap_report::inspect::{self as report, Inspected};

/// The two that were compared are not the same.
const DIFFERENT: u8 = 1;

/// Show the sets of a process, container, image or file, and what it can reach
#[derive(Args)]
pub struct Arguments {
    /// What to look at: `self`, `pid:N`, `processes:`, `container:NAME`, `containers:`, `FILE#SUBJECT`,
    /// `image:REF`, `rootfs:DIR`, or an executable file; several make a table
    #[arg(default_value = "self", value_name = "TARGET")]
    targets: Vec<String>,

    /// Show only what this one has and TARGET has not, and the other way round; ends with 1 if there is
    /// any
    #[arg(long, value_name = "TARGET")]
    compare: Option<String>,

    /// The engine that would start a container of a file, such as docker@20.10
    #[arg(long, value_name = "NAME[@VERSION]")]
    engine: Option<EngineVersion>,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    output: Output,
}

/// Runs the verb.
pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    arguments.output.settle_color();
    if let Some(other) = &arguments.compare {
        return compare(&arguments, other);
    }
    let mut inspected = Vec::new();
    let mut code = ExitCode::SUCCESS;
    for target in &arguments.targets {
        // What cannot be inspected hides nothing of the others.
        match target::inspect(target, &arguments) {
            Ok(found) => inspected.extend(found),
            Err(failure) => code = failure.report(),
        }
    }
    let one_asked_for = match arguments.targets.as_slice() {
        [one] => !target::is_plural(one),
        _ => false,
    };
    match (arguments.output.format, inspected.as_slice()) {
        (Format::Json, []) if one_asked_for => {}
        (Format::Json, [one]) if one_asked_for => print_json(one)?,
        (Format::Json, many) => print_json(&many)?,
        (Format::Text, many) => print(&report::text(many, arguments.output.detail())),
    }
    Ok(code)
}

/// Shows what tells the target and `other` apart.
fn compare(arguments: &Arguments, other: &str) -> Result<ExitCode, Failure> {
    let [target] = arguments.targets.as_slice() else {
        return Err(Failure::new("--compare takes one target beside its own")
            .help("dropcap inspect TARGET --compare TARGET"));
    };
    let first = process(target, arguments)?;
    let second = process(other, arguments)?;
    let difference = difference(&first, &second);
    match arguments.output.format {
        Format::Json => print_json(&difference)?,
        Format::Text => print(&report::difference(&difference)),
    }
    Ok(if difference.differs { ExitCode::from(DIFFERENT) } else { ExitCode::SUCCESS })
}

/// One process, or what would be one.
fn process(target: &str, arguments: &Arguments) -> Result<Inspection, Failure> {
    if target::is_plural(target) {
        return Err(Failure::new(format!("`{target}` is more than one, and cannot be compared"))
            .help("name one of them, such as pid:N or container:NAME"));
    }
    match target::inspect(target, arguments)?.pop() {
        Some(Inspected::Process(process)) => Ok(*process),
        _ => Err(Failure::new(format!("`{target}` holds nothing that could be compared"))
            .help("compare processes, containers and images")),
    }
}
