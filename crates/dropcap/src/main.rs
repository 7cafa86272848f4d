//! dropcap gives every container exactly the Linux capabilities that it needs, and proves it.
//!
//! One file a verb; each is thin and asks the crates.
//!
//! `run` and the OCI runtime go before every start of a container, so they begin before the C library
//! where that costs time, and the C library calls `main` without the standard library's. See
//! `docs/decisions/entry-point.md`.
#![cfg_attr(not(test), no_main)]

mod emit;
mod exit;
mod failure;
mod harden;
mod inspect;
mod learn;
mod output;
mod prove;
mod run;
mod running;
#[cfg(target_os = "linux")]
mod runtime;
mod scan;

use clap::{Parser, Subcommand};
use exit::ExitCode;
#[cfg(not(test))]
use std::ffi::{c_char, c_int};

#[derive(Parser)]
#[command(name = "dropcap", version, about, max_term_width = 100)]
struct CommandLine {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Scan(scan::Arguments),
    Learn(learn::Arguments),
    Emit(emit::Arguments),
    Run(run::Arguments),
    #[cfg(target_os = "linux")]
    Runtime(runtime::Arguments),
    Prove(prove::Arguments),
    Inspect(inspect::Arguments),
    Harden(harden::Arguments),
}

/// The entry point, before the C library's; of the tests too, whose binary is linked alike.
#[cfg(starts_early)]
#[allow(unsafe_code, reason = "the code is that of `dropcap_confine::early`")]
mod early {
    use dropcap_confine::early::{EarlyMemory, Given};

    dropcap_confine::entry!(early);

    #[global_allocator]
    static MEMORY: EarlyMemory = EarlyMemory;

    /// As many bytes as the runtime needs for a policy of usual length.
    const USUAL: usize = 112 << 10;

    /// What stands before every start of a container, or of a process in one.
    fn early(given: Given) {
        match given.arguments.first() {
            Some(name) if dropcap_runtime::is_called(name) => {
                EarlyMemory::expect(USUAL);
                dropcap_runtime::run_early(&given.arguments, given.environment);
            }
            _ => crate::run::early::run(given),
        }
    }
}

/// What the C library starts. It has handed arguments and environment to the standard library
/// before, so `std::env` knows them.
#[cfg(not(test))]
#[allow(unsafe_code, reason = "an attribute: nothing else in the program is called `main`")]
#[unsafe(no_mangle)]
extern "C" fn main(_argc: c_int, _argv: *const *const c_char) -> c_int {
    dropcap().number()
}

#[cfg_attr(test, expect(dead_code, reason = "the tests have an entry point of their own"))]
fn dropcap() -> ExitCode {
    #[cfg(target_os = "linux")]
    {
        let arguments: Vec<_> = std::env::args_os().collect();
        if arguments.first().is_some_and(|name| dropcap_runtime::is_called(name)) {
            return dropcap_runtime::run(&arguments, std::env::vars_os().collect()).into();
        }
    }
    if let Some(arguments) = run::quick(std::env::args_os()) {
        return run::run(arguments).unwrap_or_else(|failure| failure.report());
    }
    let verb = match CommandLine::try_parse() {
        Ok(command_line) => command_line.verb,
        Err(error) => return failure::usage(&error),
    };
    let outcome = match verb {
        Verb::Scan(arguments) => scan::run(arguments),
        Verb::Learn(arguments) => learn::run(arguments),
        Verb::Emit(arguments) => emit::run(arguments),
        Verb::Run(arguments) => run::run(arguments),
        #[cfg(target_os = "linux")]
        Verb::Runtime(arguments) => runtime::run(arguments),
        Verb::Prove(arguments) => prove::run(arguments),
        Verb::Inspect(arguments) => inspect::run(arguments),
        Verb::Harden(arguments) => harden::run(arguments),
    };
    outcome.unwrap_or_else(|failure| failure.report())
}
