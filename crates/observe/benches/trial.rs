//! What a trial of a container adds to what the engine itself takes: its client's own commands for the same life
//! (volume, create, start, test, exec, stop, remove; twice on the same volume), in turns with the trial. Needs
//! root and docker.io.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a benchmark")]

use dropcap_capability::CapabilitySet;
use dropcap_observe::docker::{Client, Configured, ContainerTrial, Docker};
use dropcap_observe::{Session, Trial, Usual};
use dropcap_testkit::docker::Docker as Daemon;
use dropcap_testkit::root;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// Lives of each; the first warms up.
const ROUNDS: usize = 16;
/// At most this part more.
const MORE: f64 = 0.10;
/// Where the daemon is; it is told to this program by itself.
const HOST: &str = "DOCKER_HOST";
const IMAGE: &str = "trial/box:1";
const SERVE: &str = "trap 'exit 0' TERM; >/tmp/up; while :; do busybox sleep 0.01; done";
const TEST: &str = "test -e /tmp/up";

fn main() -> ExitCode {
    if std::env::var_os(HOST).is_none() {
        let daemon =
            Daemon::start().unwrap_or_else(|why| panic!("needs root and docker.io: {why}"));
        let place = tempfile::tempdir().unwrap();
        root::busybox(place.path(), "root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
        daemon.import(place.path(), IMAGE, &[]);
        let own = std::env::current_exe().unwrap();
        let status = Command::new(own).env(HOST, daemon.host()).status().unwrap();
        return ExitCode::from(u8::from(!status.success()));
    }
    let docker = Docker::find_by(Client::Docker).unwrap();
    let (image, _) = docker.image(IMAGE).unwrap();
    let container = Configured {
        image,
        alias: "served".to_owned(),
        volumes: vec![(String::new(), "/data".to_owned(), false)],
        words: ["sh", "-c", SERVE].map(str::to_owned).to_vec(),
        ..Configured::default()
    };
    let trial = ContainerTrial::new(docker, container, TEST, &Session::own().unwrap());
    let mut usual = Usual::default();
    let (mut alone, mut with) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let first = time(|| by_hand(&format!("by-hand-{round}")));
        let second = time(|| {
            let run = trial.live(CapabilitySet::EMPTY, &usual).unwrap();
            assert!(run.outcome.passed(), "{run:?}");
            usual.note(&run);
        });
        if round > 0 {
            alone.push(first);
            with.push(second);
        }
    }
    let (alone, with) = (median(alone), median(with));
    let more = with.as_secs_f64() / alone.as_secs_f64() - 1.0;
    println!(
        "a life by the engine's own client {alone:.1?}, as a trial {with:.1?}: {:.1} % more, target: at most {:.0} %",
        more * 100.0,
        MORE * 100.0
    );
    ExitCode::from(u8::from(more > MORE))
}

/// The same life by the client alone.
fn by_hand(name: &str) {
    docker(&["volume", "create", name]);
    let mount = format!("--mount=type=volume,source={name},target=/data");
    for _ in 0..2 {
        let flags = ["--cap-drop=ALL", "--security-opt=no-new-privileges", &mount, IMAGE];
        let line = [&["create", "--name", name], &flags[..], &["sh", "-c", SERVE]].concat();
        docker(&line);
        docker(&["start", name]);
        while !run(&["exec", name, "sh", "-c", TEST]) {}
        docker(&["exec", name, "sh", "-c", ":"]);
        docker(&["stop", name]);
        docker(&["rm", "--force", "--volumes", name]);
    }
    docker(&["volume", "rm", name]);
}

fn docker(words: &[&str]) {
    assert!(run(words), "{words:?}");
}

fn run(words: &[&str]) -> bool {
    Command::new("docker").args(words).output().unwrap().status.success()
}

fn time(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
