//! What the OCI runtime costs: `runc run` and `runc exec`, with dropcap before them and without, in turns; what
//! of it is dropcap's own and what is runc's, which compiles a stronger filter; and the most memory that
//! dropcap takes.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

/// How often each is started; the first tenth warms up. A start by runc varies by several milliseconds, so
/// it takes many for what is a fraction of one; what is dropcap's alone takes fewer.
const ROUNDS: usize = 2_000;
const ROUNDS_OF_PARTS: usize = 200;
/// At most this much more than runc alone.
const OVER_RUNC: Duration = Duration::from_micros(1_500);
/// At most this many KiB resident, in what dropcap does before it executes runc.
const MEMORY: u64 = 10 << 10;
/// A page in KiB on the machines that this is measured on.
const PAGE_KIB: u64 = 4;

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir_in("/var/lib").expect("needs root"));
        fs::set_permissions(place.0.path(), fs::Permissions::from_mode(0o755)).unwrap();
        // Where runc and dropcap keep what ends with the machine: /run, which is in memory (file-hierarchy(7)).
        let run = place.path("run");
        fs::create_dir(&run).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "tmpfs"]).arg(&run).status();
        assert!(mounted.unwrap().success(), "needs root, and to mount");
        let etc = place.path("etc");
        fs::create_dir(&etc).unwrap();
        let settings = format!(
            "version = 1\nwithout-match = \"drop-all\"\nrecord = \"{0}/record/runtime.jsonl\"\nstate = \"{0}/run/dropcap\"\n",
            place.0.path().display()
        );
        fs::write(etc.join("runtime.toml"), settings).unwrap();
        // As long as policies are.
        let mut policy = "version = 1\n".to_owned();
        for number in 0..20 {
            policy.push_str(&format!(
                "[[workload]]\nname = \"w{number}\"\nallow = [\"NET_BIND_SERVICE\"]\nmatch = [{{ image = \"example/w{number}:*\" }}]\n"
            ));
        }
        fs::write(etc.join("dropcap.toml"), policy).unwrap();
        // Written as who installs it writes it: the linker's file was written through a mapping, and lies in memory
        // in single pages, each of which is mapped for itself.
        fs::copy(env!("CARGO_BIN_EXE_dropcap"), place.path("dropcap")).unwrap();
        symlink("dropcap", place.path("dropcap-runtime")).unwrap();
        let root = place.path("bundle/rootfs");
        dropcap_testkit::root::busybox(&root, "root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
        place.configure(&["true"]);
        place
    }

    /// runc's own specification, without a terminal and without its limits, which not every host may set.
    fn configure(&self, arguments: &[&str]) {
        let bundle = self.path("bundle");
        let _ = fs::remove_file(bundle.join("config.json"));
        let made = Command::new("runc").arg("spec").current_dir(&bundle).status();
        assert!(made.expect("needs runc").success());
        let text = fs::read_to_string(bundle.join("config.json")).unwrap();
        let mut config: serde_json::Value = serde_json::from_str(&text).unwrap();
        config["process"]["terminal"] = false.into();
        config["process"]["args"] = arguments.into();
        config["process"].as_object_mut().unwrap().remove("rlimits");
        fs::write(bundle.join("config.json"), config.to_string()).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, with: bool, words: &[&str]) -> Command {
        let mut command = if with {
            let mut command = Command::new(self.path("dropcap-runtime"));
            command.arg(format!("--dropcap-config={}", self.path("etc").display()));
            command
        } else {
            Command::new("runc")
        };
        command.arg("--root").arg(self.path("run/runc")).args(words);
        command.current_dir(self.path("bundle")).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// Settings by which a program that does nothing stands for runc.
    fn with_nothing_below(&self) -> PathBuf {
        let below = self.path("below");
        fs::write(&below, "#!/bin/busybox true\n").unwrap();
        fs::set_permissions(&below, fs::Permissions::from_mode(0o755)).unwrap();
        let etc = self.path("etc-nothing");
        fs::create_dir(&etc).unwrap();
        fs::copy(self.path("etc/dropcap.toml"), etc.join("dropcap.toml")).unwrap();
        let text = fs::read_to_string(self.path("etc/runtime.toml")).unwrap();
        let text = format!("{text}below = \"{}\"\n", below.display());
        fs::write(etc.join("runtime.toml"), text).unwrap();
        etc
    }
}

/// How long each command takes, started in turns.
fn times<const N: usize>(
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
fn median(times: &[Duration]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    milliseconds(sorted[sorted.len() / 2])
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// How much longer the one takes than the other right before it, in milliseconds, and half the width of the interval
/// in which that lies in 95 of 100 runs like this one. The mean of the differences without the fifth of them at
/// either end, and its standard error by the winsorized variance (Tukey and McLaughlin, 1963): a start by runc that
/// was disturbed says nothing, and the median leaves half of what the others say unused.
fn more(without: &[Duration], with: &[Duration]) -> (f64, f64) {
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

impl Drop for Place {
    fn drop(&mut self) {
        for container in ["with", "without"] {
            let _ = self.command(false, &["delete", "--force", container]).status();
        }
        let _ = Command::new("umount").arg(self.path("run")).status();
    }
}

fn main() -> ExitCode {
    let place = Place::new();
    let nothing = place.with_nothing_below();
    let below = place.path("below");
    let own = |words: &[&str]| {
        let mut command = Command::new(place.path("dropcap-runtime"));
        command.arg(format!("--dropcap-config={}", nothing.display()));
        command.arg("--root").arg(place.path("run/runc")).args(words);
        command.current_dir(place.path("bundle")).stdin(Stdio::null()).stdout(Stdio::null());
        command
    };
    let bare = || {
        let mut command = Command::new(&below);
        // As the others: without it, the standard library starts a program in another way.
        command.current_dir(place.path("bundle")).stdin(Stdio::null()).stdout(Stdio::null());
        command
    };
    let memory = memory(&own(&["create", "memory"]));

    // What runc gets from dropcap, for runc alone.
    assert!(own(&["create", "stronger"]).status().unwrap().success());
    let bundles = place.path("run/dropcap/bundles");
    let root = place.path("run/runc");
    let written = bundles.join(root.strip_prefix("/").unwrap()).join("stronger");
    let stronger = place.path("stronger");
    // Elsewhere: dropcap removes bundles of containers that are gone.
    fs::create_dir(&stronger).unwrap();
    fs::copy(written.join("config.json"), stronger.join("config.json")).unwrap();
    let stronger = stronger.to_str().unwrap();
    let run = times(
        ROUNDS,
        [&|round| place.command(false, &["run", &format!("a{round}")]), &|round| {
            place.command(true, &["run", &format!("b{round}")])
        }],
    );
    // dropcap alone, and what it is compared with, each right after runc, which leaves the caches cold.
    let of_run = times(
        ROUNDS_OF_PARTS,
        [
            &|round| place.command(false, &["run", &format!("a{round}")]),
            &|_| bare(),
            &|round| place.command(false, &["run", "--bundle", stronger, &format!("c{round}")]),
            &|round| own(&["run", &format!("d{round}")]),
        ],
    );

    place.configure(&["sleep", "1000"]);
    for (with, container) in [(false, "without"), (true, "with")] {
        let log = fs::File::create(place.path("log")).unwrap();
        let status = place.command(with, &["run", "--detach", container]).stderr(log).status();
        assert!(status.unwrap().success());
    }
    let exec = times(
        ROUNDS,
        [&|_| place.command(false, &["exec", "without", "true"]), &|_| {
            place.command(true, &["exec", "with", "true"])
        }],
    );
    let of_exec = times(
        ROUNDS_OF_PARTS,
        [
            &|_| place.command(false, &["exec", "without", "true"]),
            &|_| bare(),
            &|_| place.command(false, &["exec", "with", "true"]),
            &|_| own(&["exec", "with", "true"]),
        ],
    );

    let mut over = false;
    for (name, [without, with], parts) in [("run", run, of_run), ("exec", exec, of_exec)] {
        let (more, uncertainty) = more(&without, &with);
        println!(
            "runc {name:<5} {:>6.2} ms  with dropcap {more:>5.2} ± {uncertainty:.2} ms more ({:.3} times), target: at most {:.1}",
            median(&without),
            1.0 + more / median(&without),
            milliseconds(OVER_RUNC),
        );
        let [without, bare, filtered, own] = parts.map(|times| median(&times));
        println!(
            "  of it dropcap itself {:>5.2} ms, runc's own for what it is given {:>5.2}",
            own - bare,
            filtered - without
        );
        over |= more > milliseconds(OVER_RUNC);
    }
    println!("memory before runc is executed: {memory} KiB, target: at most {MEMORY} KiB");
    ExitCode::from(u8::from(over || memory > MEMORY))
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
