//! Whether `run` and the OCI runtime begin before the C library: what does never asks for the pages that
//! the library's allocator lives on.
#![cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;

/// Whether a command line calls brk(2) before it executes `last`.
fn calls_brk(line: &[&str], last: &str) -> bool {
    let output = Command::new("strace")
        .args(["-qq", "-s", "4096", "-e", "trace=brk,execve"])
        .args(line)
        .output()
        .expect("this test needs strace");
    assert!(output.status.success(), "{output:?}");
    let trace = String::from_utf8(output.stderr).unwrap();
    let (before, _) = trace.split_once(&format!("execve(\"{last}\"")).expect(&trace);
    before.contains("brk(")
}

fn asks_for_pages(flags: &[&str]) -> bool {
    let begin = [env!("CARGO_BIN_EXE_dropcap"), "run", "--quiet"];
    calls_brk(&[&begin, flags, &["--", "/bin/true"]].concat(), "/bin/true")
}

#[test]
fn with_the_usual_flags_it_does() {
    for flags in [&[] as &[&str], &["--strict"], &["--allow", "NET_BIND_SERVICE"]] {
        assert!(!asks_for_pages(flags), "{flags:?}");
    }
    assert!(!asks_for_pages(&["--user", "nobody", "--init-groups"]));
}

#[test]
fn with_the_others_it_does_not() {
    assert!(asks_for_pages(&["--keep-fd", "2"]));
}

/// A runtime's place: what is below it does nothing, and succeeds.
fn place(record: &str) -> tempfile::TempDir {
    let place = tempfile::tempdir_in("/var/lib").expect("needs root");
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let path = place.path().display();
    let settings = format!(
        "version = 1\nwithout-match = \"drop-all\"\nbelow = \"/bin/true\"\nrecord = \"{path}/{record}\"\nstate = \"{path}/state\"\n"
    );
    let policy = "version = 1\n[[workload]]\nname = \"a\"\nmatch = [{ name = \"a*\" }]\n";
    for (name, text) in [
        ("runtime.toml", settings.as_str()),
        ("dropcap.toml", policy),
        ("config.json", r#"{"process":{"args":["sh"]},"root":{"path":"rootfs"}}"#),
    ] {
        fs::write(place.path().join(name), text).unwrap();
    }
    fs::create_dir(place.path().join("rootfs")).unwrap();
    symlink(env!("CARGO_BIN_EXE_dropcap"), place.path().join("dropcap-runtime")).unwrap();
    place
}

fn runtime_asks_for_pages(place: &Path, words: &[&str]) -> bool {
    let text = |name: &str| place.join(name).to_str().unwrap().to_owned();
    let (runtime, config) = (text("dropcap-runtime"), format!("--dropcap-config={}", text("")));
    calls_brk(&[&[runtime.as_str(), &config], words].concat(), "/bin/true")
}

#[test]
fn the_runtime_does() {
    let place = place("record.jsonl");
    let bundle = place.path().to_str().unwrap();
    let create = ["create", "--bundle", bundle];
    for words in [&[&create[..], &["b"]].concat()[..], &["--version"], &["kill", "a", "KILL"]] {
        assert!(!runtime_asks_for_pages(place.path(), words), "{words:?}");
    }
    // What is left of an earlier container of this name is in the way, and goes.
    assert!(!runtime_asks_for_pages(place.path(), &[&create[..], &["b"]].concat()));
    let lines = fs::read_to_string(place.path().join("record.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 2, "each once: {lines}");
}

#[test]
fn where_something_has_to_be_said_it_does_not() {
    // The record is a folder.
    let place = place("rootfs");
    let bundle = place.path().to_str().unwrap();
    let log = place.path().join("log");
    let words = ["--log", log.to_str().unwrap(), "create", "--bundle", bundle, "a"];
    assert!(runtime_asks_for_pages(place.path(), &words));
    assert!(fs::read_to_string(log).unwrap().contains("cannot record what was done"));
}
