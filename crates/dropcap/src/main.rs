//! dropcap gives every container exactly the Linux capabilities that it needs, and proves it.
//!
//! One file a verb; each is thin and asks the crates.

mod emit;
mod failure;
mod harden;
mod inspect;
mod prove;
mod run;
mod scan;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "dropcap", version, about, max_term_width = 100)]
struct CommandLine {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Scan(scan::Arguments),
    Emit(emit::Arguments),
    Run(run::Arguments),
    Prove(prove::Arguments),
    Inspect(inspect::Arguments),
    Harden(harden::Arguments),
}

fn main() -> ExitCode {
    if let Some(arguments) = run::quick() {
        return run::run(arguments).unwrap_or_else(|failure| failure.report());
    }
    let verb = match CommandLine::try_parse() {
        Ok(command_line) => command_line.verb,
        Err(error) => return failure::usage(&error),
    };
    let outcome = match verb {
        Verb::Scan(arguments) => scan::run(arguments),
        Verb::Emit(arguments) => emit::run(arguments),
        Verb::Run(arguments) => run::run(arguments),
        Verb::Prove(arguments) => prove::run(arguments),
        Verb::Inspect(arguments) => inspect::run(arguments),
        Verb::Harden(arguments) => harden::run(arguments),
    };
    outcome.unwrap_or_else(|failure| failure.report())
}
