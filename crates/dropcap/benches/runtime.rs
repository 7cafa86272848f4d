//! What the OCI runtime costs: `runc run` and `runc exec`, with dropcap before them and without, in turns; and
//! the most memory that it takes.
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

    /// Medians without and with, of each command in turns.
    fn compare(&self, words: &dyn Fn(bool, usize) -> Vec<String>) -> [Duration; 2] {
        let mut times = [Vec::new(), Vec::new()];
        for round in 0..ROUNDS {
            for (with, times) in [false, true].into_iter().zip(&mut times) {
                let words = words(with, round);
                let words: Vec<&str> = words.iter().map(String::as_str).collect();
                let mut command = self.command(with, &words);
                let start = Instant::now();
                assert!(command.status().unwrap().success(), "{words:?}");
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
    let run = place
        .compare(&|with, round| vec!["run".to_owned(), format!("c{}-{round}", usize::from(with))]);

    place.configure(&["sleep", "1000"]);
    for (with, container) in [(false, "without"), (true, "with")] {
        let log = fs::File::create(place.path("log")).unwrap();
        let status = place.command(with, &["run", "--detach", container]).stderr(log).status();
        assert!(status.unwrap().success());
    }
    let container = |with| if with { "with" } else { "without" };
    let exec =
        place.compare(&|with, _| ["exec", container(with), "true"].map(str::to_owned).to_vec());
    let memory = memory(&place);

    let mut over = false;
    for (name, [without, with]) in [("run", run), ("exec", exec)] {
        let more = with.saturating_sub(without);
        println!(
            "runc {name:<5} {without:>10.1?}  with dropcap {with:>10.1?}  {more:>8.1?} more, target: at most {OVER_RUNC:.1?}"
        );
        over |= more > OVER_RUNC;
    }
    println!("memory before runc is executed: {memory} KiB, target: at most {MEMORY} KiB");
    ExitCode::from(u8::from(over || memory > MEMORY))
}

/// The most that dropcap has resident, in KiB: runc's place is taken by a program that does nothing, and
/// the peak of a process goes on over its execve (`ru_maxrss` of getrusage(2)).
fn memory(place: &Place) -> u64 {
    let below = place.path("below");
    fs::write(&below, "#!/bin/busybox true\n").unwrap();
    fs::set_permissions(&below, fs::Permissions::from_mode(0o755)).unwrap();
    let settings = place.path("etc/runtime.toml");
    let text = fs::read_to_string(&settings).unwrap();
    fs::write(&settings, format!("{text}below = \"{}\"\n", below.display())).unwrap();
    let runtime = place.command(true, &["create", "memory"]);
    let output = Command::new("/bin/busybox")
        .args(["time", "-f", "%M"])
        .arg(runtime.get_program())
        .args(runtime.get_args())
        .current_dir(place.path("bundle"))
        .output()
        .expect("needs busybox-static");
    fs::write(&settings, text).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    // busybox takes what the kernel gives in KiB for pages (`ptok` of its time.c).
    let pages: u64 = said.trim().parse().unwrap_or_else(|_| panic!("{output:?}"));
    pages / (PAGE_KIB)
}
