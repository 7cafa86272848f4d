//! How long commands take, and what the difference is worth.

use std::process::Command;
use std::time::{Duration, Instant};

/// How long each command takes, started in turns; the first tenth warms up.
pub fn times<const N: usize>(
    rounds: usize,
    commands: [&dyn Fn(usize) -> Command; N],
) -> [Vec<Duration>; N] {
    let mut times = [const { Vec::new() }; N];
    for round in 0..rounds {
        for (command, times) in commands.iter().zip(&mut times) {
            let mut command = command(round);
            let start = Instant::now();
            assert!(command.status().unwrap().success(), "{command:?}");
            if round >= rounds / 10 {
                times.push(start.elapsed());
            }
        }
    }
    times
}

/// In milliseconds.
pub fn median(times: &[Duration]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    milliseconds(sorted[sorted.len() / 2])
}

pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// How much longer the one takes than the other right before it, in milliseconds, and half the width of the interval
/// in which that lies in 95 of 100 runs like this one. The mean of the differences without the fifth of them at
/// either end, and its standard error by the winsorized variance (Tukey and McLaughlin, 1963): a start by runc that
/// was disturbed says nothing, and the median leaves half of what the others say unused.
pub fn more(without: &[Duration], with: &[Duration]) -> (f64, f64) {
    let difference =
        |(without, with): (&Duration, &Duration)| milliseconds(*with) - milliseconds(*without);
    let mut all: Vec<f64> = without.iter().zip(with).map(difference).collect();
    all.sort_unstable_by(f64::total_cmp);
    let count = all.len();
    let (first, last) = (count / 5, count - count / 5 - 1);
    let kept = &all[first..=last];
    let mean = kept.iter().sum::<f64>() / kept.len() as f64;
    let winsorized: Vec<f64> = all.iter().map(|one| one.clamp(all[first], all[last])).collect();
    let middle = winsorized.iter().sum::<f64>() / count as f64;
    let squares = winsorized.iter().map(|one| (one - middle).powi(2)).sum::<f64>();
    let error =
        (squares / (count - 1) as f64 / count as f64).sqrt() / (kept.len() as f64 / count as f64);
    (mean, 1.96 * error)
}
