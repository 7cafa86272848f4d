//! All processes of the machine.

use crate::place::Place;
use dropcap_testkit::status::Status;
use serde_json::Value;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// A process that sleeps, confined by setpriv; it ends with the test.
struct Sleeper(Child);

impl Sleeper {
    fn start(options: &[&str]) -> Self {
        let child = Command::new("setpriv").args(options).args(["sleep", "60"]).spawn();
        let sleeper = Self(child.expect("setpriv"));
        let started = Instant::now();
        let program = format!("/proc/{}/comm", sleeper.0.id());
        while std::fs::read_to_string(&program).expect("its name") != "sleep\n" {
            assert!(started.elapsed() < Duration::from_secs(20), "it does not sleep");
            std::thread::sleep(Duration::from_millis(5));
        }
        sleeper
    }

    fn target(&self) -> String {
        format!("pid:{}", self.0.id())
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

const USER: [&str; 4] =
    ["--reuid=1000", "--regid=1000", "--clear-groups", "--bounding-set=-all,+chown,+kill"];

#[test]
fn every_process_has_its_line() {
    let place = Place::new();
    let open = Sleeper::start(&USER);
    let closed = Sleeper::start(&[&USER[..], &["--no-new-privs"]].concat());
    let text = place.text(&["processes:"]);
    let line = |sleeper: &Sleeper| -> Vec<String> {
        let target = format!("{} ", sleeper.target());
        let line = text.lines().find(|line| line.starts_with(&target)).expect("its line");
        line.split_whitespace().map(str::to_owned).collect()
    };
    let sets = "CAP_CHOWN,CAP_KILL";
    assert_eq!(line(&open)[1..], ["sleep", "1000", "none", sets, "off", sets]);
    assert_eq!(line(&closed)[1..], ["sleep", "1000", "none", sets, "set", "none"]);
    assert!(text.contains("REACHABLE AT MOST"), "{text}");

    let json = place.json(&["processes:"]);
    let all = json.as_array().expect("an array");
    let one = |sleeper: &Sleeper| -> &Value {
        all.iter().find(|one| one["target"] == sleeper.target().as_str()).expect("it")
    };
    assert_eq!(one(&open)["reachable_at_most"], true);
    assert_eq!(one(&open)["state"]["uid"], 1000);
    assert_eq!(one(&closed)["reachable"], serde_json::json!([]));
    // Nothing that is listed is hidden, nothing that is hidden is listed.
    let pids: Vec<u32> = all
        .iter()
        .map(|one| one["target"].as_str().unwrap()["pid:".len()..].parse().unwrap())
        .collect();
    assert!(pids.is_sorted());
    assert!(pids.contains(&std::process::id()));
    let own = all.iter().find(|one| one["target"] == format!("pid:{}", std::process::id()));
    let bounding = own.expect("it")["state"]["bounding"].as_array().expect("a set").len();
    assert_eq!(bounding, Status::of(std::process::id()).bounding.count_ones() as usize);
}

#[test]
fn the_most_that_is_reachable_is_no_less_than_what_is() {
    let place = Place::new();
    let sleeper = Sleeper::start(&USER);
    let alone = place.json(&[&sleeper.target()]);
    let json = place.json(&["processes:"]);
    let listed = json.as_array().unwrap().iter().find(|one| one["target"] == alone["target"]);
    // This machine has setuid-root files.
    assert_eq!(listed.expect("it")["reachable"], alone["reachable"]);
    assert_eq!(listed.expect("it")["state"], alone["state"]);
}
