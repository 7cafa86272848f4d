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

/// How often each is started; the first tenth warms up.
const ROUNDS: usize = 200;
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
        let etc = place.path("etc");
        fs::create_dir(&etc).unwrap();
        let settings = format!(
            "version = 1\nwithout-match = \"drop-all\"\nrecord = \"{0}/record/runtime.jsonl\"\nstate = \"{0}/state\"\n",
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
        symlink(env!("CARGO_BIN_EXE_dropcap"), place.path("dropcap-runtime")).unwrap();
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
        command.arg("--root").arg(self.path("run")).args(words);
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

/// The median of each command, started in turns.
fn medians<const N: usize>(commands: [&dyn Fn(usize) -> Command; N]) -> [Duration; N] {
    let mut times = [const { Vec::new() }; N];
    for round in 0..ROUNDS {
        for (command, times) in commands.iter().zip(&mut times) {
            let mut command = command(round);
            let start = Instant::now();
            assert!(command.status().unwrap().success(), "{command:?}");
            if round >= ROUNDS / 10 {
                times.push(start.elapsed());
            }
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    })
}

impl Drop for Place {
    fn drop(&mut self) {
        for container in ["with", "without"] {
            let _ = self.command(false, &["delete", "--force", container]).status();
        }
    }
}

fn main() -> ExitCode {
    let place = Place::new();
    let nothing = place.with_nothing_below();
    let below = place.path("below");
    let own = |words: &[&str]| {
        let mut command = Command::new(place.path("dropcap-runtime"));
        command.arg(format!("--dropcap-config={}", nothing.display()));
        command.arg("--root").arg(place.path("run")).args(words);
        command.current_dir(place.path("bundle")).stdin(Stdio::null()).stdout(Stdio::null());
        command
    };
    let bare = || {
        let mut command = Command::new(&below);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command
    };
    let memory = memory(&own(&["create", "memory"]));

    // What runc gets from dropcap, for runc alone.
    assert!(own(&["create", "stronger"]).status().unwrap().success());
    let bundles = place.path("state/bundles");
    let root = place.path("run");
    let stronger = bundles.join(root.strip_prefix("/").unwrap()).join("stronger");
    let stronger = stronger.to_str().unwrap();
    let run = medians([
        &|round| place.command(false, &["run", &format!("a{round}")]),
        &|round| place.command(true, &["run", &format!("b{round}")]),
        &|round| place.command(false, &["run", "--bundle", stronger, &format!("c{round}")]),
        &|_| bare(),
        &|round| own(&["run", &format!("d{round}")]),
    ]);

    place.configure(&["sleep", "1000"]);
    for (with, container) in [(false, "without"), (true, "with")] {
        let log = fs::File::create(place.path("log")).unwrap();
        let status = place.command(with, &["run", "--detach", container]).stderr(log).status();
        assert!(status.unwrap().success());
    }
    let exec = medians([
        &|_| place.command(false, &["exec", "without", "true"]),
        &|_| place.command(true, &["exec", "with", "true"]),
        &|_| place.command(false, &["exec", "with", "true"]),
        &|_| bare(),
        &|_| own(&["exec", "with", "true"]),
    ]);

    let mut over = false;
    for (name, [without, with, filtered, bare, own]) in [("run", run), ("exec", exec)] {
        let more = with.saturating_sub(without);
        println!(
            "runc {name:<5} {without:>10.1?}  with dropcap {with:>10.1?} ({:.2} times)  {more:>8.1?} more, target: at most {OVER_RUNC:.1?}",
            with.as_secs_f64() / without.as_secs_f64(),
        );
        println!(
            "  of it dropcap itself {:>8.1?}, runc's own for what it is given {:>8.1?}",
            own.saturating_sub(bare),
            filtered.saturating_sub(without),
        );
        over |= more > OVER_RUNC;
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
