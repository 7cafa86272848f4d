//! The cases of `--init`.

use crate::Case;
use crate::bench::{Bench, State};
use crate::cases::assert_confined;
use crate::context::Context;
use dropcap_capability::CapabilitySet;
use dropcap_confine::sys::signals;
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

pub const ALL: &[Case] = &[
    ("init_confines_as_without_it", init_confines_as_without_it),
    ("init_ends_as_its_command_ends", init_ends_as_its_command_ends),
    ("init_hands_signals_on", init_hands_signals_on),
    ("init_reaps_orphans", init_reaps_orphans),
];

fn init_confines_as_without_it(bench: &Bench, context: Context) {
    let (state, _) = bench.state(context, &["--init"]);
    assert_confined(context, &state, CapabilitySet::EMPTY);
    // The parent is confined as well: it is what an attacker finds as pid 1.
    let script = "cat /proc/$PPID/status";
    let outcome = bench.run(context, &["--init", "--", "/bin/sh", "-c", script]);
    let parent = State::parse(&outcome.stdout);
    assert_eq!(parent.get("Name"), "dropcap");
    for field in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
        assert_eq!(parent.set(field), CapabilitySet::EMPTY, "{field}");
    }
    assert_eq!(parent.set("CapBnd"), state.set("CapBnd"));
    assert_eq!(parent.get("NoNewPrivs"), "1");
    assert_eq!(parent.get("Seccomp"), "2");
}

fn init_ends_as_its_command_ends(bench: &Bench, context: Context) {
    for (script, code) in [
        ("exit 0", 0),
        ("exit 7", 7),
        ("exit 255", 255),
        ("kill -KILL $$", 137),
        ("kill -TERM $$", 143),
    ] {
        let outcome = bench.run(context, &["--init", "--", "/bin/sh", "-c", script]);
        assert_eq!(outcome.code, code, "{script}: {outcome:?}");
    }
}

/// Each signal that can be caught, sent to dropcap, arrives at the command.
fn init_hands_signals_on(bench: &Bench, context: Context) {
    // Not KILL and STOP, which nobody catches, nor CHLD, which is dropcap's own news.
    const CAUGHT: [i32; 13] = [1, 2, 3, 6, 10, 12, 13, 14, 15, 18, 20, 23, 28];
    for signal in CAUGHT {
        // The shell says its parent's pid and that its trap is set.
        let script = format!(
            "trap 'echo caught; exit 42' {signal}; echo ready $PPID; while :; do sleep 0.02; done"
        );
        let dropcap = bench.text("dropcap");
        let begin = [dropcap.as_str(), "run", "-q", "--init"];
        let line = [&begin[..], &["--", "/bin/sh", "-c", &script]].concat();
        let mut child = bench.command(context, &line).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut ready = String::new();
        output.read_line(&mut ready).unwrap();
        let parent = ready.trim().strip_prefix("ready ").unwrap().parse().unwrap();
        signals::send(parent, signal).unwrap();
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "caught\n", "signal {signal}");
        assert_eq!(child.wait().unwrap().code(), Some(42), "signal {signal}");
    }
}

/// An orphan becomes dropcap's child, and no zombie of it stays.
fn init_reaps_orphans(bench: &Bench, context: Context) {
    // The inner shell ends at once, and leaves one behind that waits to be told to end.
    let script = "/bin/sh -c '(until [ -e \"$0.end\" ]; do sleep 0.02; done) & echo $!' \"$0\" > \"$0\"; \
        read orphan < \"$0\"; grep ^PPid /proc/$orphan/status; echo Parent: $PPID; \
        : > \"$0.end\"; tries=0; \
        while [ -e /proc/$orphan ] && [ $tries -lt 500 ]; do sleep 0.02; tries=$((tries + 1)); done; \
        [ -e /proc/$orphan ] || echo Orphan: gone";
    let mark = bench.path("marks").join(format!("orphan {context}"));
    let mark = mark.to_str().unwrap();
    let outcome = bench.run(context, &["--init", "--", "/bin/sh", "-c", script, mark]);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let said = State::parse(&outcome.stdout);
    assert_eq!(said.get("PPid"), said.get("Parent"), "dropcap adopts the orphan");
    assert_eq!(said.get("Orphan"), "gone", "dropcap reaps the orphan");
}
