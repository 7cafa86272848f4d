//! How long commands take, and what the difference is worth.

use std::fmt::{self, Display, Formatter};
use std::process::Command;
use std::time::{Duration, Instant};

/// In which order commands are started.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// One after the other: what comes before one leaves it the same caches each time.
    Fixed,
    /// Every second time from the last to the first: what a container leaves to be cleared away takes from
    /// whatever comes next, which must not be always the same.
    Alternating,
}

/// How long each command takes, started in turns; the first tenth warms up.
pub fn times<const N: usize>(
    rounds: usize,
    order: Order,
    commands: [&dyn Fn(usize) -> Command; N],
) -> [Vec<Duration>; N] {
    let mut times = [const { Vec::new() }; N];
    for round in 0..rounds {
        for turn in 0..N {
            let turned = order == Order::Alternating && round % 2 == 1;
            let which = if turned { N - 1 - turn } else { turn };
            let mut command = commands[which](round);
            let start = Instant::now();
            assert!(command.status().unwrap().success(), "{command:?}");
            if round >= rounds / 10 {
                times[which].push(start.elapsed());
            }
        }
    }
    times
}

/// A difference in milliseconds, and half the width of the interval in which its mean lies in 95 of 100 runs
/// like this one.
pub struct Difference {
    pub mean: f64,
    pub uncertainty: f64,
}

impl Display for Difference {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.2} ± {:.2} ms", self.mean, self.uncertainty)
    }
}

/// What an undisturbed start takes: the longest of the fastest tenth.
///
/// Where a machine is shared, its speed changes by a factor of two within seconds, and what is more of a millisecond then
/// is its neighbours' part. Those disturb by taking time, never by giving any, so the fastest starts say
/// what the program takes (Chen and Revels, "Robust benchmarking in noisy environments", 2016).
pub fn undisturbed(times: &[Duration]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    milliseconds(sorted[sorted.len() / 10])
}

/// How much longer the one takes than the other where undisturbed: in each of ten parts of the run, and the mean of them.
pub fn more_undisturbed(without: &[Duration], with: &[Duration]) -> Difference {
    const PARTS: usize = 10;
    let part = (without.len() / PARTS).max(1);
    let parts = without.chunks_exact(part).zip(with.chunks_exact(part));
    let all: Vec<f64> =
        parts.map(|(without, with)| undisturbed(with) - undisturbed(without)).collect();
    let count = all.len() as f64;
    let mean = all.iter().sum::<f64>() / count;
    let squares = all.iter().map(|one| (one - mean).powi(2)).sum::<f64>();
    // Student's t of nine degrees of freedom.
    Difference { mean, uncertainty: 2.26 * (squares / (count - 1.0) / count).sqrt() }
}

/// In milliseconds.
pub fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// How much longer the one takes than the other right beside it, whatever disturbs them. The mean of the differences
/// without the fifth of them at either end, and its standard error by the winsorized variance (Tukey and
/// McLaughlin, 1963).
pub fn more(without: &[Duration], with: &[Duration]) -> Difference {
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
    Difference { mean, uncertainty: 1.96 * error }
}
