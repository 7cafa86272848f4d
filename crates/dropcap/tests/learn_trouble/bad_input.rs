//! Something is wrong from outside.

use crate::scene::{COMPOSE, TEST, engine, kept, learn, learned, nothing_is_left, wait_until};
use crate::tree::{DROPCAP, Ran, Tree};
use dropcap_testkit::root;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// Refused with these words, and nothing is written.
fn refused(ran: &Ran, tree: &Tree, words: &[&str]) {
    assert_eq!(ran.code, 2, "{}", ran.all());
    for words in words {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.all());
    }
    assert!(!tree.path("dropcap.toml").exists() && !tree.path("dropcap.evidence.json").exists());
}

#[test]
fn without_a_client_of_an_engine_it_says_so() {
    let tree = Tree::new(&[("compose.yaml", COMPOSE)]);
    let output = Command::new(DROPCAP)
        .args(["learn", "--test", TEST, "compose.yaml#web"])
        .current_dir(tree.root())
        .env("PATH", "/nowhere")
        .output()
        .unwrap();
    refused(
        &output.into(),
        &tree,
        &["no engine", "docker cannot be started", "help: start Docker"],
    );
}

#[test]
fn an_engine_that_goes_half_way_ends_the_search_which_goes_on_when_it_is_back() {
    let mut docker = engine();
    let tree = Tree::new(&[("compose.yaml", COMPOSE)]);
    let line = ["--test", TEST, "compose.yaml#web"];
    let child = learn(&docker, &tree, &line).spawn().unwrap();
    wait_until("no trial is made", || kept(&tree) >= 3);
    docker.stop_daemon();
    let ran = Ran::from(child.wait_with_output().unwrap());
    refused(&ran, &tree, &["the trials cannot go on: the engine", "give the same line again"]);
    let before = kept(&tree);
    assert!(before >= 3);

    docker.start_daemon();
    let ran = learned(&docker, &tree, &[&["--format", "json"], line.as_slice()].concat());
    assert_eq!(ran.code, 0, "{}", ran.all());
    let document = ran.json();
    assert_eq!(document["needed"], serde_json::json!(["CAP_CHOWN"]), "{document:#}");
    // A new daemon has no event of before.
    let created =
        ["events", "--since=1h", "--until=0s", "--filter=event=create", "--filter=type=container"];
    let lives = docker.run(created).unwrap().lines().count() / 2;
    let runs = document["runs"].as_u64().unwrap() as usize;
    assert!(
        lives > 0 && lives <= runs - before,
        "{lives} lives for {runs} runs, {before} of before"
    );
}

#[test]
fn an_image_without_a_shell_cannot_be_tested() {
    let docker = engine();
    let place = tempfile::tempdir().unwrap();
    root::busybox(place.path(), "root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
    fs::remove_file(place.path().join("bin/sh")).unwrap();
    docker.import(place.path(), "bad-input/bare:1", &[]);
    let compose =
        "services: {bare: {image: 'bad-input/bare:1', command: [busybox, sleep, '99']}}\n";
    let tree = Tree::new(&[("compose.yaml", compose)]);
    let ran = learned(&docker, &tree, &["--test", TEST, "compose.yaml#bare"]);
    refused(&ran, &tree, &["compose.yaml#bare cannot be tried: its image has no `sh`", "help: "]);
    nothing_is_left(&docker);
}

#[test]
fn a_test_in_a_container_that_never_ends_has_the_time_of_a_phase() {
    let docker = engine();
    let tree = Tree::new(&[("compose.yaml", COMPOSE)]);
    let since = Instant::now();
    let line = ["--patience", "2", "--test", "sleep 999", "compose.yaml#web"];
    let ran = learned(&docker, &tree, &line);
    refused(
        &ran,
        &tree,
        &["it fails with all that it has now: fresh start: the test did not end in 2"],
    );
    assert!(since.elapsed() < Duration::from_secs(40), "{:?}", since.elapsed());
    nothing_is_left(&docker);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let tree = Tree::new(&[]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ask = format!("busybox wget -q -O - http://{address}/");
    let serve = ["learn", "--patience", "2", "--test", &ask, "--"];
    let serve = [serve.as_slice(), &["busybox", "httpd", "-f", "-p", &address]].concat();
    // Who holds it does not answer.
    let ran = tree.dropcap(&serve);
    let words = ["Address already in use", "help: a port that it listens on is taken"];
    refused(&ran, &tree, &words);
    // Who holds it answers in the workload's place.
    std::thread::spawn(move || {
        for stream in taken.incoming().flatten() {
            let _ = (&stream).read(&mut [0; 512]);
            let _ = (&stream).write_all(b"HTTP/1.0 200 OK\r\n\r\nup");
        }
    });
    let ran = tree.dropcap(&serve);
    refused(&ran, &tree, &["it proves nothing", "something else answers in its place"]);
}

/// A filesystem that is soon full; it goes with the test.
struct Small<'a>(&'a Path);

impl<'a> Small<'a> {
    fn mount(place: &'a Path, options: &str) -> Self {
        let line = ["-t", "tmpfs", "-o", options, "tmpfs"];
        assert!(Command::new("mount").args(line).arg(place).status().unwrap().success());
        Self(place)
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

#[test]
fn a_disk_that_is_full_at_the_end_costs_no_trial() {
    let tree = Tree::new(&[("count", "")]);
    let place = tree.path("small");
    fs::create_dir(&place).unwrap();
    let small = Small::mount(&place, "size=96k");
    let policy = "version = 1 # ours\n";
    // Beside it the journal has room, and a second one of its size has not.
    let evidence =
        format!("{{\"schema\":1,\"workloads\":{{}},\"ours\":\"{}\"}}\n", "x".repeat(50_000));
    fs::write(place.join("dropcap.toml"), policy).unwrap();
    fs::write(place.join("dropcap.evidence.json"), &evidence).unwrap();
    let runs = || tree.text("count").lines().count();
    let line = "echo x >> ../count; rm -f /tmp/$$; touch /tmp/$$ && chown 33 /tmp/$$; r=$?; rm -f /tmp/$$; exit $r";
    let learn = || {
        let learn = ["learn", "--by-trial", "--name", "it", "--", "sh", "-c", line];
        Ran::from(Command::new(DROPCAP).args(learn).current_dir(&place).output().unwrap())
    };
    let ran = learn();
    assert_eq!(ran.code, 2, "{}", ran.all());
    for words in [
        "cannot be written into",
        "dropcap.evidence.json",
        "No space left",
        "help: nothing is lost",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.all());
    }
    assert_eq!(fs::read_to_string(place.join("dropcap.toml")).unwrap(), policy);
    assert_eq!(fs::read_to_string(place.join("dropcap.evidence.json")).unwrap(), evidence);
    let mut left: Vec<_> =
        fs::read_dir(&place).unwrap().map(|one| one.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, [".dropcap.learn.it", "dropcap.evidence.json", "dropcap.toml"]);

    let before = runs();
    let larger =
        Command::new("mount").args(["-o", "remount,size=1m"]).arg(&place).status().unwrap();
    assert!(larger.success());
    let ran = learn();
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert_eq!(runs(), before, "trials are made again");
    let written = fs::read_to_string(place.join("dropcap.toml")).unwrap();
    assert!(written.starts_with(policy) && written.contains("allow = [\"CHOWN\"]"), "{written}");
    assert!(!place.join(".dropcap.learn.it").exists());
    drop(small);
}

#[test]
fn a_disk_that_is_full_from_the_start_is_said_before_anything_runs() {
    let tree = Tree::new(&[]);
    let place = tree.path("small");
    fs::create_dir(&place).unwrap();
    let small = Small::mount(&place, "size=4k");
    // The last page goes to a file, and the inodes of the journal have no page left for a line.
    fs::write(place.join("full"), "x".repeat(4096)).unwrap();
    symlink(tree.path("ran"), place.join("ran")).unwrap();
    let line = ["learn", "--by-trial", "--name", "it", "--", "sh", "-c", "touch ran"];
    let ran = Ran::from(Command::new(DROPCAP).args(line).current_dir(&place).output().unwrap());
    assert_eq!(ran.code, 2, "{}", ran.all());
    assert!(ran.stderr.contains("cannot keep the journal"), "{}", ran.all());
    assert!(!tree.path("ran").exists());
    drop(small);
}
