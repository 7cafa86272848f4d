//! `dropcap prove`

mod entering;
mod running;
pub(crate) mod written;

use crate::exit::ExitCode;
use crate::failure::Failure;
use crate::output::{Format, Output, print, print_json};
use crate::scan::project::Selection;
use clap::Args;
use dropcap_capability::CapabilitySet;
use dropcap_engine::EngineVersion;
use dropcap_prove::{Proof, Scene, SearchLimits, prove};
use dropcap_report::prove::text;

/// An open door beyond what is allowed.
const OPEN: u8 = 1;

/// Try every door from inside and report which are open
#[derive(Args)]
pub struct Arguments {
    /// What to prove: `self`, `container:NAME`, or `FILE#SUBJECT`
    #[arg(default_value = "self")]
    target: String,

    /// The capabilities that may be held: a comma list, `none` or `all`
    #[arg(long, value_name = "CAPS", default_value = "none")]
    allow: CapabilitySet,

    /// Try from where an exec into the container stands, as this user
    #[arg(long, value_name = "USER")]
    exec_user: Option<String>,

    /// The engine that would start a container of a file, such as docker@20.10
    #[arg(long, value_name = "NAME[@VERSION]")]
    engine: Option<EngineVersion>,

    /// Take dropcap's own file away before anything is tried: it was put there for this alone
    #[arg(long, hide = true)]
    remove_own_file: bool,

    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    output: Output,
}

/// Runs the verb.
pub fn run(arguments: Arguments) -> Result<ExitCode, Failure> {
    arguments.output.settle_color();
    let proof = proof(&arguments)?;
    match arguments.output.format {
        Format::Text => print(&text(&proof, arguments.output.detail())),
        Format::Json => print_json(&proof)?,
    }
    let closed = proof.open_beyond_allowed.is_empty();
    Ok(if closed { ExitCode::SUCCESS } else { ExitCode::from(OPEN) })
}

fn proof(arguments: &Arguments) -> Result<Proof, Failure> {
    match arguments.target.as_str() {
        "self" => {
            if arguments.remove_own_file {
                let removed = std::env::current_exe().and_then(std::fs::remove_file);
                removed.map_err(|error| {
                    Failure::new("dropcap's own file cannot be removed").because(error)
                })?;
            }
            let scene = Scene::here(&SearchLimits::default()).map_err(|error| {
                Failure::new("the kernel does not tell what this process holds").because(error)
            })?;
            Ok(prove("self", arguments.allow, &scene))
        }
        target => match target.split_once(':') {
            Some(("container", name)) => running::proof(arguments, name),
            _ if target.contains('#') => written::proof(arguments),
            _ => Err(Failure::new(format!("`{target}` is no target that can be proved"))
                .help("use self, container:NAME or FILE#SUBJECT")),
        },
    }
}
