//! `dropcap run` end to end, with the real binary on the running kernel.
//!
//! Every case is made in each of four contexts ([`context::Context`]); where something cannot hold in
//! one, the case says what holds instead. The program that is started, and whatever brings it into
//! its context, is this same binary (`harness = false`): it is static and has one thread, so it runs
//! wherever dropcap does.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a test")]

mod bench;
mod cases;
mod context;
mod early;
mod init;
mod probe;
mod request;

use bench::Bench;
use context::Context;
use std::process::ExitCode;

/// A case, by its name.
type Case = (&'static str, fn(&Bench, Context));

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("probe") => probe::main(&arguments[1..]),
        Some("enter") => context::enter(&arguments[1..]),
        _ => run_all(&arguments),
    }
}

fn run_all(arguments: &[String]) -> ExitCode {
    let filters: Vec<&String> =
        arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let bench = Bench::new();
    let (mut passed, mut failed) = (0, 0);
    for (name, case) in cases::ALL.iter().chain(request::ALL).chain(early::ALL).chain(init::ALL) {
        for context in Context::ALL {
            let title = format!("{name} {context}");
            if !filters.is_empty() && !filters.iter().any(|filter| title.contains(*filter)) {
                continue;
            }
            let result = std::panic::catch_unwind(|| case(&bench, context));
            println!("test {title} ... {}", if result.is_ok() { "ok" } else { "FAILED" });
            if result.is_ok() {
                passed += 1;
            } else {
                failed += 1;
            }
        }
    }
    println!("test result: {passed} passed; {failed} failed");
    ExitCode::from(u8::from(failed > 0 || passed == 0))
}
