//! Many containers at once: each is right, none is stuck, nothing is left.

use crate::plain::Place;
use crate::world::{NET_BIND_SERVICE, World, eventually, holds_nothing, text};
use dropcap_testkit::status::Status;
use serde_json::Value;
use std::fs;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How many are there at the same time by runc.
const MANY: usize = 200;
/// How many by Docker, which takes half a second for each; `make soak` sets it to as many.
const BY_DOCKER: &str = "DROPCAP_CONTAINERS";
const FEW: usize = 24;
/// Longer than all of them take on a busy machine, and shorter than for ever.
const STUCK: Duration = Duration::from_secs(300);

/// Does something for each number, for all of them at the same time.
fn each(count: usize, act: impl Fn(usize) + Sync) {
    std::thread::scope(|scope| {
        for number in 0..count {
            let act = &act;
            scope.spawn(move || act(number));
        }
    });
}

#[test]
fn two_hundred_containers_are_there_at_once() {
    let place = Place::new("runc");
    place.configure(&["sleep", "1000"]);
    let name = |number: usize| format!("server{number}");
    let start = Instant::now();
    each(MANY, |number| {
        place.start(true, &["run", "--detach", &name(number)]);
        let status = place.status(true, &["--user=0"], &name(number));
        assert_eq!(status.permitted, NET_BIND_SERVICE);
    });
    let state = |number: usize| -> Value {
        serde_json::from_slice(&place.run(true, &["state", &name(number)]).stdout).unwrap()
    };
    let mut pids: Vec<u64> = Vec::new();
    for number in 0..MANY {
        let state = state(number);
        assert_eq!(state["status"], "running", "{state}");
        let pid = state["pid"].as_u64().unwrap();
        assert_eq!(Status::of(pid as u32).permitted, NET_BIND_SERVICE);
        pids.push(pid);
    }
    each(MANY, |number| {
        let killed = place.run(true, &["kill", &name(number), "KILL"]);
        assert!(killed.status.success(), "{}", text(&killed.stderr));
        eventually("it ends", || state(number)["status"] == "stopped");
        assert!(place.run(true, &["delete", &name(number)]).status.success());
    });
    assert!(start.elapsed() < STUCK, "{:?}", start.elapsed());
    // Whoever is their parent now takes them away when it gets to it.
    let gone = |pid: &u64| !fs::exists(format!("/proc/{pid}")).unwrap();
    eventually("no process is left", || pids.iter().all(gone));
    assert_eq!(fs::read_dir(place.path("run")).unwrap().count(), 0, "none is left");

    let record = fs::read_to_string(place.path("record/runtime.jsonl")).unwrap();
    let lines: Vec<Value> =
        record.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2 * MANY, "one for each, and one for what came in");
    assert!(lines.iter().all(|line| line["why"] == "workload `server`"));
}

#[test]
fn docker_starts_and_stops_many_at_once() {
    let world = World::shared();
    let count = std::env::var(BY_DOCKER).map_or(FEW, |count| count.parse().unwrap());
    let start = Instant::now();
    let there = Mutex::new(Vec::new());
    each(count, |_| {
        let container = world.sleeper("held", &["--stop-signal=KILL"]);
        assert!(holds_nothing(&container.exec_status(&[])));
        there.lock().unwrap().push(container);
    });
    let there = there.into_inner().unwrap();
    for container in &there {
        assert!(holds_nothing(&container.first()), "{}", container.name);
    }
    each(count, |number| {
        let container = &there[number];
        let stopped = world.docker.run(["stop", &container.name]);
        assert!(stopped.is_ok(), "{stopped:?}");
        assert_eq!(container.inspect("{{.State.Status}} {{.State.ExitCode}}"), "exited 137");
        let record = world.recorded(&container.id());
        let commands: Vec<&Value> = record.iter().map(|line| &line["command"]).collect();
        assert_eq!(commands, ["create", "exec"], "{record:?}");
    });
    each(count, |number| assert!(world.docker.run(["rm", &there[number].name]).is_ok()));
    assert!(start.elapsed() < STUCK, "{:?}", start.elapsed());
}
