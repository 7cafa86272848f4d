//! The cases of where `run` begins: before the C library, for the usual flags, or after it. A flag
//! that is left to the whole command line makes it begin after, so the two can be compared. (That the
//! usual ones do begin early is tested in `tests/starts_early.rs`.)

use crate::Case;
use crate::bench::{Bench, Outcome};
use crate::context::Context;

pub const ALL: &[Case] = &[
    ("early_and_late_confine_alike", early_and_late_confine_alike),
    ("early_and_late_pass_strings_alike", early_and_late_pass_strings_alike),
    ("early_and_late_refuse_alike", early_and_late_refuse_alike),
];

/// Changes nothing, and is none of the flags that are read early.
const LATE: &[&str] = &["--keep-fd", "2"];

/// What the usual flags give, begun early and late.
fn both(bench: &Bench, context: Context, flags: &[&str], words: &[&str]) -> [Outcome; 2] {
    [bench.probe(context, flags, words), bench.probe(context, &[LATE, flags].concat(), words)]
}

fn early_and_late_confine_alike(bench: &Bench, context: Context) {
    for flags in [
        &[] as &[&str],
        &["--quiet"],
        &["--strict"],
        &["--allow", "NET_BIND_SERVICE"],
        &["--user", "nobody"],
        &["--user", "nobody", "--init-groups", "--allow", "KILL"],
        &["--user", "1:2"],
        &["--allow-user-namespaces"],
    ] {
        let [early, late] = both(bench, context, flags, &["state"]);
        // What differs from process to process; SigQ counts the signals of all of the user's.
        let lasting = |outcome: &Outcome| -> Vec<String> {
            let varies = [
                "Pid:", "Tgid:", "NStgid:", "NSpid:", "NSpgid:", "SigQ:", "Vm", "Rss", "ctxt",
                "Cpus",
            ];
            let lines = outcome.stdout.lines().map(str::to_owned);
            lines.filter(|line| !varies.iter().any(|word| line.contains(word))).collect()
        };
        assert_eq!(lasting(&early), lasting(&late), "{flags:?}");
        assert_eq!((early.code, early.stderr), (late.code, late.stderr), "{flags:?}");
    }
}

fn early_and_late_pass_strings_alike(bench: &Bench, context: Context) {
    let long = "x".repeat(100_000);
    let many: Vec<String> = (0..3_000).map(|number| number.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for words in [&["strings"] as &[&str], &["strings", "", " ", "ä\n", &long], &many_after(&many)]
    {
        let [early, late] = both(bench, context, &["--quiet"], words);
        assert_eq!(early.stdout, late.stdout);
        assert_eq!((early.code, late.code), (0, 0));
        assert!(words.iter().all(|word| early.stdout.contains(&format!("{word:?}"))));
    }
    // More than 1 MiB of environment, the odd ones among it.
    let strings = |late: &[&str]| {
        let dropcap = bench.text("dropcap");
        let probe = bench.text("probe");
        let begin = [dropcap.as_str(), "run", "--quiet"];
        let end = ["--", probe.as_str(), "probe", "strings"];
        let line: Vec<&str> = begin.iter().chain(late).chain(&end).copied().collect();
        let mut command = bench.command(context, &line);
        command.envs((0..12).map(|number| (format!("LONG{number}"), long.as_str())));
        command.envs([("EMPTY", ""), ("SIGN", "=="), ("LISTEN_FDS", "x"), ("ä", "ß")]);
        command.output().unwrap()
    };
    let (early, late) = (strings(&[]), strings(LATE));
    assert!(early.status.success() && early.stdout.len() > 1 << 20, "{:?}", early.status);
    assert!(early.stdout == late.stdout, "they differ");
}

fn many_after<'a>(many: &[&'a str]) -> Vec<&'a str> {
    ["strings"].into_iter().chain(many.iter().copied()).collect()
}

fn early_and_late_refuse_alike(bench: &Bench, context: Context) {
    for (flags, command) in [
        (&["--allow", "63"] as &[&str], "true"),
        (&["--user", "no-such-user"], "true"),
        (&["--user", "54321"], "true"),
        (&[], "no-such-command"),
        (&["--user", "nobody"], "no-such-command"),
        (&["--allow", "KILL"], "/no/such/command"),
        (&["--strict"], "/etc"),
        (&[], ""),
    ] {
        let early = bench.run(context, &[flags, &["--", command]].concat());
        let late = bench.run(context, &[LATE, flags, &["--", command]].concat());
        assert!([125, 126, 127].contains(&early.code), "{flags:?} {command}: {early:?}");
        assert_eq!((early.code, early.stderr), (late.code, late.stderr), "{flags:?} {command}");
    }
}
