//! Whether `run` begins before the C library: what does never asks for the pages that the library's
//! allocator lives on.
#![cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::process::Command;

/// Whether dropcap calls brk(2) before it executes the command.
fn asks_for_pages(flags: &[&str]) -> bool {
    let output = Command::new("strace")
        .args(["-qq", "-e", "trace=brk,execve", env!("CARGO_BIN_EXE_dropcap"), "run", "--quiet"])
        .args(flags)
        .args(["--", "/bin/true"])
        .output()
        .expect("this test needs strace");
    assert!(output.status.success(), "{output:?}");
    let trace = String::from_utf8(output.stderr).unwrap();
    let (before, _) = trace.split_once("execve(\"/bin/true\"").expect(&trace);
    before.contains("brk(")
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
