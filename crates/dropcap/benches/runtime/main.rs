//! What the OCI runtime costs: `runc run` and `runc exec` of the container that dropcap makes of a configuration, with
//! dropcap before them and without, in turns; beside it the container as it was configured, by runc alone; and
//! the most memory that dropcap takes. With the configuration that Docker writes, and with one that has no seccomp
//! profile: there runc has a filter to make, where it had none.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

mod bundle;
mod place;
mod times;

use bundle::Configuration;
use place::{By, Place, WITH, WITHOUT};
use std::process::{Command, ExitCode};
use std::time::Duration;
use times::{Order, milliseconds, times, undisturbed};

/// How often each is started. A start by runc varies by several milliseconds, so it takes many for what is a
/// fraction of one; what is dropcap's alone takes fewer.
const ROUNDS: usize = 1_200;
const ROUNDS_OF_PARTS: usize = 200;
/// At most this much more than runc alone.
const OVER_RUNC: Duration = Duration::from_micros(1_500);
/// At most this many KiB resident, in what dropcap does before it executes runc.
const MEMORY: u64 = 10 << 10;
/// A page in KiB on the machines that this is measured on.
const PAGE_KIB: u64 = 4;

fn main() -> ExitCode {
    let place = Place::new();
    let mut over = false;
    for configuration in [Configuration::of_docker(&place.root()), Configuration::of_runc()] {
        println!("configured by {}", configuration.from);
        over |= run(&place, &configuration);
        over |= exec(&place, &configuration);
        let memory = memory(&place.command(By::DropcapAlone, &["create", "memory"]));
        println!("  memory before runc is executed: {memory} KiB, target: at most {MEMORY}");
        over |= memory > MEMORY;
    }
    ExitCode::from(u8::from(over))
}

/// Whether it takes too long.
fn run(place: &Place, configuration: &Configuration) -> bool {
    place.configure(configuration, &["true"]);
    let stronger = place.stronger();
    let stronger = stronger.to_str().unwrap();
    let runc = |round| place.command(By::Runc, &["run", &format!("a{round}")]);
    let dropcap = |round| place.command(By::Dropcap, &["run", &format!("b{round}")]);
    let same =
        |round| place.command(By::Runc, &["run", "--bundle", stronger, &format!("c{round}")]);
    let alone = |round| place.command(By::DropcapAlone, &["run", &format!("d{round}")]);
    report("run", place, [&runc, &same, &dropcap, &alone])
}

/// Whether it takes too long.
fn exec(place: &Place, configuration: &Configuration) -> bool {
    place.configure(configuration, &["sleep", "10000"]);
    place.keep(By::Runc, WITHOUT);
    place.keep(By::Dropcap, WITH);
    let runc = |_| place.command(By::Runc, &["exec", WITHOUT, "true"]);
    let dropcap = |_| place.command(By::Dropcap, &["exec", WITH, "true"]);
    let same = |_| place.command(By::Runc, &["exec", WITH, "true"]);
    let alone = |_| place.command(By::DropcapAlone, &["exec", WITH, "true"]);
    let over = report("exec", place, [&runc, &same, &dropcap, &alone]);
    place.delete_kept();
    over
}

/// Measures runc, runc with what dropcap gives it, dropcap and then runc, and dropcap with nothing behind it. Whether it
/// takes too long for certain: machines are noisy. What counts is what dropcap takes before the same container; what
/// runc takes for a stronger one is shown beside it.
fn report(name: &str, place: &Place, commands: [&dyn Fn(usize) -> Command; 4]) -> bool {
    let [runc, stronger, dropcap, alone] = commands;
    let [as_given, same, with] = times(ROUNDS, Order::Alternating, [runc, stronger, dropcap]);
    // The small ones right after runc, which leaves the caches cold.
    let [_, bare, alone] = times(ROUNDS_OF_PARTS, Order::Fixed, [runc, &|_| place.bare(), alone]);
    let target = milliseconds(OVER_RUNC);
    let (runc, more) = (undisturbed(&same), times::more_undisturbed(&same, &with));
    let over = more.mean - more.uncertainty > target;
    let verdict = match more.mean > target {
        true if over => ": missed",
        true => ": missed by less than the uncertainty",
        false => "",
    };
    println!(
        "  runc {name:<4} {runc:>5.2} ms, with dropcap {more} more ({:.3} times), target: at most {target:.1}{verdict}",
        1.0 + more.mean / runc,
    );
    println!("    of any start, disturbed or not: {} more", times::more(&same, &with));
    println!("    dropcap alone: {}", times::more(&bare, &alone));
    println!(
        "    than runc for the container as it was configured: {} more, of any start {}",
        times::more_undisturbed(&as_given, &with),
        times::more(&as_given, &with)
    );
    over
}

/// The most that dropcap has resident, in KiB: runc's place is taken by a program that does nothing, and
/// the peak of a process goes on over its execve (`ru_maxrss` of getrusage(2)).
fn memory(runtime: &Command) -> u64 {
    let output = Command::new("/bin/busybox")
        .args(["time", "-f", "%M"])
        .arg(runtime.get_program())
        .args(runtime.get_args())
        .current_dir(runtime.get_current_dir().unwrap())
        .output()
        .expect("needs busybox-static");
    let said = String::from_utf8_lossy(&output.stderr);
    // busybox takes what the kernel gives in KiB for pages (`ptok` of its time.c).
    let pages: u64 = said.trim().parse().unwrap_or_else(|_| panic!("{output:?}"));
    pages / PAGE_KIB
}
