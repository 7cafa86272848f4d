//! The whole test: several workers, one report.

use crate::Options;
use crate::place;
use crate::report::Verdict;
use crate::tally::Tally;
use std::io;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use thiserror::Error;

/// Why the test cannot run.
#[derive(Debug, Error)]
pub enum Failure {
    /// It needs a root that may do everything.
    #[error("the differential test cannot run here: {0}")]
    NotHere(String),
    /// A worker gave up; what it said stands above.
    #[error("worker {number} ended with {status} and no report")]
    Worker {
        /// Which.
        number: u64,
        /// How.
        status: std::process::ExitStatus,
    },
    /// A worker could not be started or read from.
    #[error("worker processes: {0}")]
    Processes(#[from] io::Error),
}

/// Draws the cases, compares, and judges the whole.
///
/// # Errors
/// What keeps the test from running; everything that it finds is in the verdict.
pub fn run(options: &Options) -> Result<Verdict, Failure> {
    place::check().map_err(Failure::NotHere)?;
    let seed = options.seed.unwrap_or_else(seed_from_clock);
    let processors = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let jobs = options.jobs.unwrap_or(processors).clamp(1, options.cases.max(1));
    let started = Instant::now();
    let workers = (0..jobs)
        .map(|number| start(options, number, jobs, seed))
        .collect::<io::Result<Vec<_>>>()?;
    let mut tally = Tally::default();
    for (number, worker) in (0..).zip(workers) {
        let Output { status, stdout, .. } = worker.wait_with_output()?;
        let told = Tally::from_lines(&String::from_utf8_lossy(&stdout));
        tally.merge(told.ok_or(Failure::Worker { number, status })?);
    }
    let kernel = dropcap_confine::sys::kernel();
    Ok(Verdict { tally, seed, cases: options.cases, elapsed: started.elapsed(), kernel })
}

fn start(options: &Options, number: u64, jobs: u64, seed: u64) -> io::Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    let numbers =
        [("--worker", number), ("--jobs", jobs), ("--seed", seed), ("--cases", options.cases)];
    for (flag, number) in numbers {
        command.arg(flag).arg(number.to_string());
    }
    if options.show {
        command.arg("--show");
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()
}

/// Another one for each run; it is printed.
fn seed_from_clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.as_nanos() as u64 / 1000
}
