//! The command line.

use clap::Parser;

/// Compares dropcap's model of the kernel's credential rules with the running kernel.
///
/// Exit status: 0 nothing wrong, 1 a difference, a decision that was hardly taken, a mutation that
/// nothing noticed or too many skipped draws, 2 the test cannot run here.
#[derive(Debug, Clone, Parser)]
#[command(name = "dropcap-differential")]
pub struct Options {
    /// How many cases to draw
    #[arg(long, default_value_t = 24_000)]
    pub cases: u64,
    /// The first case's seed; the next ones follow it. Default: from the clock
    #[arg(long)]
    pub seed: Option<u64>,
    /// How many processes work side by side. Default: one a processor
    #[arg(long)]
    pub jobs: Option<u64>,
    /// Show every case, not only those that differ
    #[arg(long)]
    pub show: bool,
    /// Which of the processes this is; the test starts itself with it
    #[arg(long, hide = true)]
    pub worker: Option<u64>,
}
