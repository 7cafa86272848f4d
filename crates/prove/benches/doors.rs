//! What trying every door takes: as whoever runs this, with every privileged file of this machine
//! executed as far as its credentials. The search for those files is measured apart: it takes what the
//! number of files makes it take, and has a limit of its own.
#![cfg(target_os = "linux")]
#![allow(clippy::print_stdout, reason = "a benchmark")]

use dropcap_capability::CapabilitySet;
use dropcap_prove::{Scene, SearchLimits, Verdict, prove};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How often; the first warms up.
const ROUNDS: usize = 21;
/// At most this long, in the middle of all rounds.
const TARGET: Duration = Duration::from_millis(150);

fn main() -> ExitCode {
    let start = Instant::now();
    let scene = match Scene::here(&SearchLimits::default()) {
        Ok(scene) => scene,
        Err(error) => {
            println!("the kernel does not tell what this process holds: {error}");
            return ExitCode::FAILURE;
        }
    };
    let searching = start.elapsed();
    let mut times: Vec<Duration> = Vec::new();
    let mut proof = None;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        proof = Some(prove("self", CapabilitySet::EMPTY, &scene));
        times.push(start.elapsed());
    }
    let Some(proof) = proof else { return ExitCode::FAILURE };
    times.remove(0);
    times.sort();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    let tried = proof.attempts.iter().filter(|one| one.verdict != Verdict::NotTried).count();
    println!(
        "search for privileged files {searching:>10.1?}  ({} found among {}; not counted below)",
        scene.executables.found.len(),
        scene.executables.entries
    );
    println!(
        "all doors tried             {median:>10.1?}  (median of {}; worst {worst:.1?}; {tried} of {} \
         doors, {} files executed)",
        times.len(),
        proof.attempts.len(),
        scene.executables.found.len()
    );
    println!("                            target: at most {TARGET:.0?}");
    ExitCode::from(u8::from(median > TARGET))
}
