//! A guest does what it is asked to, and says how it went.
#![allow(missing_docs, reason = "a test")]
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use dropcap_vm::kernel::{Kernel, SOURCES};
use dropcap_vm::protocol::End;
use dropcap_vm::{Command, Error, Guest, init};
use std::path::Path;
use std::time::Duration;

/// Where `make vm` keeps them too.
const CACHE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/kernels");

fn main() {
    if init::is_asked_for() {
        init::main();
    }
    for source in SOURCES.iter().filter(|source| source.required) {
        let kernel = source.fetch(Path::new(CACHE)).unwrap();
        each_command_is_reported(&kernel);
        println!("test each_command_is_reported on {} ... ok", kernel.release);
        a_panic_is_reported(&kernel);
        println!("test a_panic_is_reported on {} ... ok", kernel.release);
    }
}

fn shell(script: &str) -> Command {
    Command::new(["/bin/sh", "-c", script])
}

fn each_command_is_reported(kernel: &Kernel) {
    let limit = Duration::from_secs(3);
    let report = Guest::new(kernel)
        .program("/bin/sh")
        .and_then(|guest| guest.program("/bin/sleep"))
        .and_then(|guest| guest.program("/bin/cat"))
        .and_then(|guest| guest.module("overlay"))
        .unwrap()
        .file("/etc/greeting", 0o640, "hello\n")
        .run(&[
            shell("cat /etc/greeting; echo $COLOUR >&2; printf 'no end'").environment("COLOUR", "red"),
            shell("exit 7"),
            shell("kill -KILL $$"),
            Command::new(["/no/such/program"]),
            shell("echo before; sleep 600; echo after").limit(limit),
            // Its child outlives it, holds its pipes open, and must not live on.
            shell("sleep 600 & echo $! >/tmp/orphan"),
            shell("[ ! -e /proc/$(cat /tmp/orphan) ] && echo gone"),
            shell("while read -r kind; do case $kind in *overlay) echo $kind;; esac; done </proc/filesystems"),
            shell("cat /sys/class/net/lo/flags /proc/self/cgroup; while read -r l v; do \
                case $l in Cap[PEB]*) echo $v;; esac; done </proc/self/status"),
        ])
        .unwrap();

    assert_eq!(report.release, kernel.release);
    let outcome = |number: usize| {
        let outcome = &report.outcomes[number];
        (&outcome.end, outcome.stdout.as_str(), outcome.stderr.as_str())
    };
    let exited = End::Exited(0);
    assert_eq!(outcome(0), (&exited, "hello\nno end", "red\n"));
    assert_eq!(outcome(1), (&End::Exited(7), "", ""));
    assert_eq!(outcome(2), (&End::Signaled(9), "", ""));
    assert!(matches!(outcome(3).0, End::NotStarted(why) if why.contains("No such file")));
    assert_eq!(outcome(4), (&End::TimedOut, "before\n", ""));
    assert!(report.outcomes[4].took >= limit && report.outcomes[4].took < limit * 10);
    assert_eq!(outcome(5).0, &exited);
    assert!(report.outcomes[5].took < limit * 10, "{:?}", report.outcomes[5]);
    assert_eq!(outcome(6), (&exited, "gone\n", ""));
    assert_eq!(outcome(7), (&exited, "nodev overlay\n", ""), "the module is loaded");
    let all = format!("{:016x}\n", (1_u64 << 41) - 1).repeat(3);
    // Up and a loopback; a cgroup of its own, of version 2 alone; every capability.
    assert_eq!(outcome(8), (&exited, &*format!("0x9\n0::/command-8\n{all}"), ""));
    assert_eq!(report.outcomes.len(), 9);
}

fn a_panic_is_reported(kernel: &Kernel) {
    let guest = Guest::new(kernel).program("/bin/sh").unwrap();
    let error = guest.run(&[shell("exit 0"), shell("echo c >/proc/sysrq-trigger")]).unwrap_err();
    let Error::Broken { how, console, .. } = &error else { panic!("{error}") };
    assert_eq!(how, "ended after 1 commands");
    assert!(console.contains("sysrq triggered crash"), "{error}");
}
