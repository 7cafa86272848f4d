//! An engine, a workload that is learned in it, and what is left of that.

use crate::tree::{DROPCAP, Ran, Tree};
use dropcap_testkit::docker::Docker;
use dropcap_testkit::root;
use std::fs;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

pub const COMPOSE: &str = "services:
  web:
    image: bad-input/box:1
    cap_drop: [ALL]
    cap_add: [CHOWN, KILL, NET_RAW]
    volumes: ['data:/data']
    command: [sh, -c, 'trap \"exit 0\" TERM; busybox touch /data/f; busybox chown 33 /data/f && echo up >/tmp/up; while :; do sleep 0.05; done']
volumes: {data: {}}
";
pub const TEST: &str = "test -e /tmp/up";

/// An engine with the image of [`COMPOSE`].
pub fn engine() -> Docker {
    let docker = Docker::start().unwrap_or_else(|why| panic!("needs root and docker.io: {why}"));
    let place = tempfile::tempdir().unwrap();
    root::busybox(place.path(), "root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
    docker.import(place.path(), "bad-input/box:1", &[]);
    docker
}

pub fn learn(docker: &Docker, tree: &Tree, arguments: &[&str]) -> Command {
    let mut command = Command::new(DROPCAP);
    command.arg("learn").args(arguments).current_dir(tree.root()).env("DOCKER_HOST", docker.host());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub fn learned(docker: &Docker, tree: &Tree, arguments: &[&str]) -> Ran {
    learn(docker, tree, arguments).output().unwrap().into()
}

pub fn nothing_is_left(docker: &Docker) {
    for list in [
        ["ps", "-aq"].as_slice(),
        &["volume", "ls", "-q"],
        &["network", "ls", "-q", "--filter", "label=dropcap.trial"],
    ] {
        assert_eq!(docker.run(list).unwrap(), "", "{list:?}");
    }
}

pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        sleep(Duration::from_millis(10));
    }
}

/// How many trials the search of `web` has made.
pub fn kept(tree: &Tree) -> usize {
    let journal = fs::read_to_string(tree.path(".dropcap.learn.web")).unwrap_or_default();
    journal.lines().count().saturating_sub(1)
}
