//! It is killed, so that it cannot tidy up.

use crate::scene::{COMPOSE, TEST, engine, kept, learn, learned, wait_until};
use crate::tree::{DROPCAP, Ran, Tree};
use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

#[test]
fn the_next_one_takes_away_what_is_dropcaps_own_and_goes_on() {
    let docker = engine();
    let tree = Tree::new(&[("compose.yaml", COMPOSE), ("own/mine", "mine")]);
    tree.write("compose.yaml", COMPOSE.replace("'data:/data'", "'data:/data', './own:/own'"));
    let line = ["--test", TEST, "compose.yaml#web"];
    // The user's: without the label, and with one of another meaning.
    let mine = docker.run(["create", "bad-input/box:1", "sh"]).unwrap();
    let other =
        docker.run(["create", "--label=dropcap.trial=mine", "bad-input/box:1", "sh"]).unwrap();
    docker.run(["volume", "create", "mine"]).unwrap();

    let mut child = learn(&docker, &tree, &line).stderr(Stdio::null()).spawn().unwrap();
    let runs = || !docker.run(["ps", "-q"]).unwrap().is_empty();
    wait_until("no trial is made", || kept(&tree) >= 3 && runs());
    child.kill().unwrap();
    child.wait().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    let before = kept(&tree);
    assert!(runs(), "nothing is left that could be taken away");
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(kept(&tree), before, "it goes on although it was killed");

    let ran = learned(&docker, &tree, &[&["--format", "json"], line.as_slice()].concat());
    assert_eq!(ran.code, 0, "{}", ran.all());
    let said = "taken away what a killed learn left: 1 container, 1 volume";
    assert!(ran.stderr.contains(said) && ran.stderr.contains("1 folder"), "{}", ran.all());
    let left = docker.run(["ps", "-aq", "--no-trunc"]).unwrap();
    let mut left: Vec<_> = left.lines().collect();
    let mut users = [mine.trim(), other.trim()];
    left.sort_unstable();
    users.sort_unstable();
    assert_eq!(left, users);
    assert_eq!(docker.run(["volume", "ls", "-q"]).unwrap().trim(), "mine");
    let networks = docker.run(["network", "ls", "--format", "{{.Name}}"]).unwrap();
    assert!(!networks.contains("dropcap"), "{networks}");
}

#[test]
fn a_learn_that_goes_on_keeps_what_is_its_own() {
    let docker = engine();
    let [first, second] = [(); 2].map(|()| Tree::new(&[("compose.yaml", COMPOSE)]));
    let line = ["--test", TEST, "compose.yaml#web"];
    let child = learn(&docker, &first, &line).spawn().unwrap();
    wait_until("no trial is made", || kept(&first) >= 1);
    let ran = learned(&docker, &second, &line);
    assert!(ran.code == 0 && !ran.stderr.contains("taken away"), "{}", ran.all());
    let ran = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.all());
}

/// Processes of this very line.
fn still(line: &[u8]) -> usize {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|one| fs::read(one.path().join("cmdline")).ok());
    lines.filter(|one| one == line).count()
}

#[test]
fn the_processes_of_a_command_are_ended_by_the_next_one() {
    let tree = Tree::new(&[]);
    let learn = ["learn", "--by-trial", "--name", "it", "--", "sh", "-c"];
    let line = "echo x >> count; sleep 66.375; true";
    let mut child = Command::new(DROPCAP)
        .args(learn)
        .arg(line)
        .current_dir(tree.root())
        .env("TMPDIR", tree.root())
        .spawn()
        .unwrap();
    wait_until("it does not run", || still(b"sleep\x0066.375\0") == 1);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(still(b"sleep\x0066.375\0"), 1, "nothing is left that could be ended");
    let folders = || {
        let names = fs::read_dir(tree.root()).unwrap().map(|one| one.unwrap().file_name());
        names.filter(|name| name.to_string_lossy().starts_with("dropcap-trial-")).count()
    };
    assert_eq!(folders(), 1);
    let ran = Command::new(DROPCAP)
        .args(learn)
        .arg("true")
        .current_dir(tree.root())
        .env("TMPDIR", tree.root())
        .output()
        .unwrap();
    let ran = Ran::from(ran);
    // The shell and what it waits for.
    let said = "taken away what a killed learn left: 2 processes, 1 folder";
    assert!(ran.code == 0 && ran.stderr.contains(said), "{}", ran.all());
    assert_eq!((still(b"sleep\x0066.375\0"), folders()), (0, 0));
}
