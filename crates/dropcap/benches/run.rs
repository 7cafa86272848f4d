//! What `dropcap run` costs: beside setpriv emptying the same five sets, and beside a bare exec, each
//! of the same static program, in turns.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// How often each is started; the first tenth warms up.
const ROUNDS: usize = 2_000;
/// At most this part of setpriv's time.
const OF_SETPRIV: f64 = 0.6;
/// At most this much more than a bare exec.
const OVER_BARE: Duration = Duration::from_micros(400);

/// The argument with which this program is what is executed: it does nothing.
const NOTHING: &str = "do-nothing";

const SETPRIV: [&str; 5] =
    ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs"];

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(NOTHING) {
        return ExitCode::SUCCESS;
    }
    let this = std::env::current_exe().unwrap();
    let this = this.to_str().unwrap();
    let dropcap = [env!("CARGO_BIN_EXE_dropcap"), "run", "--"];
    let starters: [(&str, &[&str]); 3] =
        [("bare", &[]), ("setpriv", &SETPRIV), ("dropcap", &dropcap)];
    for (name, starter) in &starters[1..] {
        assert_drops(name, starter);
    }

    let mut times = [const { Vec::new() }; 3];
    for round in 0..ROUNDS {
        for ((_, starter), times) in starters.iter().zip(&mut times) {
            let line = [*starter, &[this, NOTHING]].concat();
            let mut command = Command::new(line[0]);
            command.args(&line[1..]).stdin(Stdio::null());
            let start = Instant::now();
            assert!(command.status().unwrap().success(), "{line:?}");
            if round >= ROUNDS / 10 {
                times.push(start.elapsed());
            }
        }
    }
    let [bare, setpriv, dropcap] = times.map(median);
    let ratio = dropcap.as_secs_f64() / setpriv.as_secs_f64();
    let over = dropcap.saturating_sub(bare);
    println!("bare exec      {bare:>10.1?}  (median of {})", ROUNDS - ROUNDS / 10);
    println!("setpriv        {setpriv:>10.1?}");
    println!("dropcap run    {dropcap:>10.1?}");
    println!("dropcap run is {ratio:.2} of setpriv     target: at most {OF_SETPRIV}");
    println!("           and {over:.1?} over bare exec  target: at most {OVER_BARE:.0?}");
    ExitCode::from(u8::from(ratio > OF_SETPRIV || over > OVER_BARE))
}

/// Both must do the same: all five sets empty, no_new_privs set.
fn assert_drops(name: &str, starter: &[&str]) {
    let line = [starter, &["cat", "/proc/self/status"]].concat();
    let output = Command::new(line[0]).args(&line[1..]).output().unwrap();
    let status = String::from_utf8(output.stdout).unwrap();
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert!(
            status.contains(&format!("{set}:\t0000000000000000\n")),
            "{name}, as root? {status}"
        );
    }
    assert!(status.contains("NoNewPrivs:\t1\n"), "{name}: {status}");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
