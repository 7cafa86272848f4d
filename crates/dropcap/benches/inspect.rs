//! What `dropcap inspect processes:` costs on a machine with many processes: beside reading the status
//! of each, in turns.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::fs;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// How many sleeping processes are started.
const PROCESSES: usize = 2_000;
/// How often each is measured; the first warms up.
const ROUNDS: usize = 21;
/// At most this many times what reading their status takes.
const OF_READING: f64 = 3.0;

/// The argument with which this program is one of the processes.
const SLEEP: &str = "sleep";

/// Processes that sleep until this one ends them.
struct Sleepers(Vec<Child>);

impl Sleepers {
    fn start() -> Self {
        let this = std::env::current_exe().unwrap();
        let start = |_| {
            Command::new(&this)
                .arg(SLEEP)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn()
                .unwrap()
        };
        Self((0..PROCESSES).map(start).collect())
    }
}

impl Drop for Sleepers {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(SLEEP) {
        std::thread::sleep(Duration::from_secs(600));
        return ExitCode::SUCCESS;
    }
    let sleepers = Sleepers::start();
    assert_shown(&sleepers);
    let (mut reading, mut inspecting) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let read = read_status();
        reading.push(start.elapsed());
        assert!(read >= PROCESSES, "{read} processes only");

        let start = Instant::now();
        let status = inspect().stdout(Stdio::null()).status().unwrap();
        inspecting.push(start.elapsed());
        assert!(status.success());
    }
    let (reading, inspecting) = (median(&mut reading[1..]), median(&mut inspecting[1..]));
    let ratio = inspecting.as_secs_f64() / reading.as_secs_f64();
    println!(
        "reading /proc/PID/status of {PROCESSES} processes  {reading:>9.1?}  (median of {})",
        ROUNDS - 1
    );
    println!("dropcap inspect processes:                   {inspecting:>9.1?}");
    println!("dropcap is {ratio:.2} of reading                   target: at most {OF_READING}");
    ExitCode::from(u8::from(ratio > OF_READING))
}

/// Lists /proc and reads the status of each process: how many there are.
fn read_status() -> usize {
    let pids = fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(|name| name.parse::<u32>().is_ok()));
    pids.filter_map(|entry| fs::read(entry.path().join("status")).ok())
        .filter(|status| !std::hint::black_box(status).is_empty())
        .count()
}

fn inspect() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dropcap"));
    command.args(["inspect", "processes:"]).stdin(Stdio::null()).stderr(Stdio::null());
    command
}

/// It shows each of them.
fn assert_shown(sleepers: &Sleepers) {
    let output = inspect().output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let shown = |child: &Child| text.contains(&format!("\npid:{} ", child.id()));
    assert!(sleepers.0.iter().all(shown), "not all of them are shown");
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
