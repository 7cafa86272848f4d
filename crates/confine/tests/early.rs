//! What a program can do before the C library has started, by one that does; and the handing over.
#![cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::process::{Command, ExitStatus};

/// Runs `examples/early.rs`, which cargo builds beside the tests.
fn example(words: &[&str]) -> ExitStatus {
    let this = std::env::current_exe().unwrap();
    let program = this.parent().and_then(|deps| deps.parent()).unwrap().join("examples/early");
    assert!(program.exists(), "build it: cargo build -p dropcap-confine --example early");
    Command::new(program).args(words).env("EARLY", "a=b").status().unwrap()
}

#[test]
fn early_code_finds_what_it_can_rely_on() {
    let status = example(&["check", ""]);
    assert_eq!(
        status.code(),
        Some(0),
        "{status}: the line of examples/early.rs that does not hold"
    );
}

#[test]
fn what_is_handed_over_starts_as_if_nothing_had_been() {
    assert!(example(&["hand-over"]).success());
}

#[test]
fn a_claim_that_does_not_hold_is_seen() {
    assert_ne!(example(&["check", "", "one too many"]).code(), Some(0));
}
