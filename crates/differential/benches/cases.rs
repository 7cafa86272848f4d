//! How many cases of the differential test are lived through in a second, each of up to six operations.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::process::{Command, ExitCode};
use std::time::Instant;

/// So many that starting up does not count.
const CASES: u32 = 20_000;
/// At least so many a second.
const PROMISED: f64 = 1_000.0;
/// The median of so many runs.
const RUNS: u64 = 3;

fn main() -> ExitCode {
    let mut rates: Vec<f64> = (1..=RUNS).map(rate).collect();
    rates.sort_by(f64::total_cmp);
    let median = rates[rates.len() / 2];
    println!("differential test: {median:.0} cases a second, promised {PROMISED:.0}");
    if median < PROMISED { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Cases a second in one run; what it finds is its own test's matter, that it runs to its end is ours.
fn rate(seed: u64) -> f64 {
    let started = Instant::now();
    let output = Command::new(env!("CARGO_BIN_EXE_dropcap-differential"))
        .args(["--cases", &CASES.to_string(), "--seed", &seed.to_string()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    f64::from(CASES) / started.elapsed().as_secs_f64()
}
