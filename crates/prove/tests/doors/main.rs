//! Each door both ways on the running kernel: open to a process that holds exactly what it asks for,
//! closed to one that holds everything else.
//!
//! A program of its own, so that it runs where there is no cargo too, in a guest with another kernel:
//!
//! ```text
//! doors                 every door is right, and docs/doors-by-kernel.md says the same of this kernel
//! doors --write         every door is right; this kernel's column of docs/doors-by-kernel.md is renewed
//! doors --table         prints `kernel VERSION`, then a line `DOOR held|lacking VERDICT` for each
//! doors --merge FILE    takes what --table printed on another kernel into docs/doors-by-kernel.md
//! doors --compare FILE  the same must stand there already
//! ```
//!
//! It ends with 1 where a verdict is wrong. Root is needed.
#![allow(missing_docs, reason = "a test")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program")]

mod document;
mod other;
mod row;
#[path = "../support/mod.rs"]
mod support;

use document::Document;
use dropcap_capability::{Capability, CapabilitySet, Kernel};
use dropcap_confine::sys;
use dropcap_prove::{DOORS, Door, Verdict};
use row::{Polarity, Row, Table};
use std::process::ExitCode;

/// How many doors there may be that none of several kernels shows both ways. One machine alone lacks
/// more.
const UNSHOWN: usize = 5;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let file = |option: &str| {
        let mut rest = arguments.iter().skip_while(|argument| *argument != option);
        rest.next()?;
        rest.next().cloned()
    };
    let told = match (file("--merge"), file("--compare")) {
        (Some(path), _) => with_document(|document| document.merge(&Table::read(&path)?)),
        (_, Some(path)) => with_document(|document| document.compare(&Table::read(&path)?)),
        _ => here(&arguments),
    };
    match told {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Tries every door on this kernel.
fn here(arguments: &[String]) -> Result<(), String> {
    support::must_be_root();
    let has = |option: &str| arguments.iter().any(|argument| argument == option);
    let table = Table { kernel: sys::kernel(), rows: rows() };
    if has("--table") {
        print!("{table}");
    }
    let wrong: Vec<&Row> = table.rows.iter().filter(|row| row.is_wrong()).collect();
    for row in table.rows.iter().filter(|row| row.is_wrong() || !row.shows()) {
        eprintln!("{} {}: {} ({})", row.door, row.polarity, row.verdict, row.because);
    }
    if !wrong.is_empty() {
        return Err(format!("{} of {} verdicts are wrong", wrong.len(), table.rows.len()));
    }
    match (has("--table"), has("--write")) {
        (true, _) => Ok(()),
        (false, true) => with_document(|document| document.merge(&table)),
        (false, false) => with_document(|document| {
            document.compare(&table)?;
            match document.unshown() {
                unshown if document.kernels() > 1 && unshown.len() > UNSHOWN => {
                    Err(format!("no kernel shows {}", unshown.join(", ")))
                }
                _ => Ok(()),
            }
        }),
    }
}

fn with_document(work: impl FnOnce(&mut Document) -> Result<(), String>) -> Result<(), String> {
    let mut document = Document::read()?;
    let before = document.to_string();
    work(&mut document)?;
    let after = document.to_string();
    if before == after { Ok(()) } else { document.write() }
}

/// Every door, with what it asks for and without.
fn rows() -> Vec<Row> {
    let perf_events = PerfEvents::restrict();
    let rows = DOORS
        .iter()
        .flat_map(|door| {
            [Polarity::Held, Polarity::Lacking].map(|polarity| match door.capability() {
                Some(capability) => of_capability(door, capability, polarity),
                None => other::row(door.name, polarity),
            })
        })
        .collect();
    drop(perf_events);
    rows
}

/// A capability's door, to a user with only it, and to one with everything but it and what stands in
/// for it.
fn of_capability(door: &Door, capability: Capability, polarity: Polarity) -> Row {
    let kernel: Kernel = sys::kernel();
    let own = support::everything();
    let held = match polarity {
        Polarity::Held if !own.contains(capability) => {
            let because = "root of this machine does not hold it itself";
            return Row::not_shown(door.name, polarity, because);
        }
        Polarity::Held => CapabilitySet::from(capability),
        Polarity::Lacking => {
            capability.stand_ins(kernel).fold(own.without(capability), CapabilitySet::without)
        }
    };
    let attempt = support::attempt(
        door.name,
        &support::holding(held),
        || {
            if capability == Capability::NET_BIND_SERVICE {
                // A new network has the sysctl at which low ports are gated.
                use sys::System;
                sys::Linux.unshare(libc::CLONE_NEWNET).expect("a network namespace");
            }
        },
        |scene| scene,
    );
    Row::of(&attempt, polarity)
}

/// The sysctl `kernel.perf_event_paranoid` at a value where CAP_PERFMON counts; as before when dropped.
struct PerfEvents(Option<String>);

impl PerfEvents {
    const SYSCTL: &str = "/proc/sys/kernel/perf_event_paranoid";

    fn restrict() -> Self {
        const GATED: &str = "2";
        let before = std::fs::read_to_string(Self::SYSCTL).ok();
        let before = before.filter(|value| value.trim() != GATED);
        if before.is_some() {
            std::fs::write(Self::SYSCTL, GATED).expect("root writes sysctls");
        }
        Self(before)
    }
}

impl Drop for PerfEvents {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            std::fs::write(Self::SYSCTL, before).expect("root writes sysctls");
        }
    }
}

/// What a verdict should be.
const fn right(polarity: Polarity) -> Verdict {
    match polarity {
        Polarity::Held => Verdict::Open,
        Polarity::Lacking => Verdict::Closed,
    }
}
