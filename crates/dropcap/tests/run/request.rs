//! The cases of what is asked for: by a policy, wrongly, and of a command that is none.

use crate::Case;
use crate::bench::{Bench, State};
use crate::cases::{NOTHING, PORT, as_somebody, assert_confined};
use crate::context::Context;

const POLICY: &str = "version = 1\n\
    [[workload]]\nname = \"web\"\nallow = [\"NET_BIND_SERVICE\"]\n\
    [[workload]]\nname = \"browser\"\nuser-namespaces = true\n";

pub const ALL: &[Case] = &[
    ("a_policy_says_what_is_allowed", a_policy_says_what_is_allowed),
    ("a_policy_may_leave_no_new_privs_off", a_policy_may_leave_no_new_privs_off),
    ("a_policy_is_never_looked_for", a_policy_is_never_looked_for),
    ("what_holds_is_told_when_asked_for", what_holds_is_told_when_asked_for),
    ("bad_input_executes_nothing", bad_input_executes_nothing),
    ("a_command_that_cannot_be_executed", a_command_that_cannot_be_executed),
];

fn a_policy_says_what_is_allowed(bench: &Bench, context: Context) {
    let policy = bench.text("policy.toml");
    std::fs::write(&policy, POLICY).unwrap();
    let web = ["--policy", &policy, "--workload", "web"];
    if context.is_privileged() {
        let (state, _) = bench.state(context, &web);
        assert_confined(context, &state, PORT);
    } else {
        bench.refused(context, &web, 125, "CAP_NET_BIND_SERVICE cannot be given");
    }
    let browser = ["--policy", &policy, "--workload", "browser"];
    assert_eq!(bench.probe(context, &browser, &["unshare"]).stdout, "made\n");

    bench.refused(context, &["--policy", &policy, "--workload", "mail"], 125, "no workload `mail`");
    bench.refused(
        context,
        &["--policy", "/nowhere.toml", "--workload", "web"],
        125,
        "/nowhere.toml",
    );
    bench.refused(context, &["--policy", &policy], 125, "--workload");
    bench.refused(context, &["--allow", "KILL", "--workload", "web"], 125, "cannot be used with");
    let broken = bench.text("broken.toml");
    std::fs::write(&broken, "version = 1\n[[workload]]\nname = \"web\"\nalow = []\n").unwrap();
    bench.refused(context, &["--policy", &broken, "--workload", "web"], 125, "broken.toml:4");
}

/// Then a setuid file changes ids, and still gains no capability.
fn a_policy_may_leave_no_new_privs_off(bench: &Bench, context: Context) {
    let policy = bench.text("old.toml");
    let text = "version = 1\n[[workload]]\nname = \"old\"\nno-new-privileges = false\n";
    std::fs::write(&policy, text).unwrap();
    let flags = ["--policy", &policy, "--workload", "old"];
    if !context.has_setpcap() {
        // As a user, the kernel takes no filter without no_new_privs; without CAP_SETPCAP the
        // bounding set stays, and a setuid file would reach it.
        let what = if context.is_privileged() { "could still be held" } else { "no_new_privs" };
        return bench.refused(context, &flags, 125, what);
    }
    let flags = [as_somebody(context), &flags].concat();
    let helper = bench.setuid_helper(context);
    let words = ["exec", helper.to_str().unwrap(), "probe", "state"];
    let outcome = bench.probe(context, &flags, &words);
    let state = State::parse(&outcome.stdout);
    assert_eq!(state.get("NoNewPrivs"), "0", "{outcome:?}");
    assert_eq!(state.get("Uid"), "1234\t0\t0\t0");
    for field in ["CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd"] {
        assert_eq!(state.set(field), NOTHING, "{field}");
    }
    assert_eq!(bench.probe(context, &flags, &["unshare"]).stdout, "errno 1\n");
}

/// An agent can write into the directory that it works in.
fn a_policy_is_never_looked_for(bench: &Bench, context: Context) {
    let planted = "version = 1\n[[workload]]\nname = \"planted-here\"\nallow = [\"NET_RAW\"]\n";
    std::fs::write(bench.path("dropcap.toml"), planted).unwrap();
    bench.refused(context, &["--workload", "planted-here"], 125, "planted-here");
    let (state, _) = bench.state(context, &[]);
    assert_confined(context, &state, NOTHING);
}

/// On standard error, since standard output is the command's.
fn what_holds_is_told_when_asked_for(bench: &Bench, context: Context) {
    let uid = context.uid();
    let outcome = bench.probe(context, &["-v", "--color", "never"], &["unshare"]);
    let said =
        format!("dropcap: user {uid}, group {uid} holds nothing, and can come to hold no more");
    assert!(outcome.stderr.contains(&said), "{outcome:?}");
    assert_eq!(outcome.stdout, "errno 1\n");

    let outcome = bench.probe(context, &["--format", "json"], &["unshare"]);
    let json: serde_json::Value = serde_json::from_str(&outcome.stderr).unwrap();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["state"]["permitted"], serde_json::json!([]));
    assert_eq!(json["state"]["seccomp"], "filter");
    assert_eq!(json["state"]["uid"], uid);
    let remains = json["remains"].as_array().unwrap();
    assert_eq!(remains.is_empty(), context.has_setpcap(), "{json}");
    if context.is_privileged() {
        let outcome = bench.probe(context, &["--format", "json", "--allow", "KILL"], &["unshare"]);
        let json: serde_json::Value = serde_json::from_str(&outcome.stderr).unwrap();
        assert_eq!(json["allowed"], serde_json::json!(["CAP_KILL"]));
    }
    let outcome = bench.probe(context, &["-q", "--format", "json"], &["unshare"]);
    assert_eq!((outcome.stdout.as_str(), outcome.stderr.as_str()), ("errno 1\n", ""));
}

fn bad_input_executes_nothing(bench: &Bench, context: Context) {
    for (flags, what) in [
        (&["--allow", "NET_RAWW"] as &[&str], "CAP_NET_RAW"),
        (&["--allow", "NET_RAW,,KILL"], "unknown capability"),
        (&["--allow", "64"], "unknown capability"),
        (&["--allow", ""], "unknown capability"),
        (&["--allow"], "--allow"),
        (&["--allow", "63"], "63 cannot be given"),
        (&["--user", "no-such-user"], "no user `no-such-user`"),
        (&["--user", ""], "no user ``"),
        (&["--user", "nobody:no-such-group"], "no group `no-such-group`"),
        (&["--user", "54321"], "54321:54321"),
        (&["--user", "4294967295:0"], "no user"),
        (&["--init-groups"], "--user"),
        (&["--no-such-flag"], "--no-such-flag"),
    ] {
        bench.refused(context, flags, 125, what);
    }
    let outcome = bench.run(context, &["--allow", "none"]);
    assert_eq!(outcome.code, 125, "no command: {outcome:?}");
    let outcome = bench.run(context, &["--allow", "none", "--"]);
    assert_eq!(outcome.code, 125, "no command: {outcome:?}");
}

fn a_command_that_cannot_be_executed(bench: &Bench, context: Context) {
    let text = bench.text("text");
    std::fs::write(&text, "neither a program nor a script\n").unwrap();
    bench.mode(text.as_ref(), 0o755);
    let private = bench.text("private");
    std::fs::write(&private, "#!/bin/sh\n").unwrap();
    bench.mode(private.as_ref(), 0o644);
    let orphaned = bench.text("orphaned");
    std::fs::write(&orphaned, "#!/no/such/interpreter\n").unwrap();
    bench.mode(orphaned.as_ref(), 0o755);
    for (command, code, what) in [
        ("no-such-command", 127, "no-such-command"),
        ("/no/such/command", 127, "/no/such/command"),
        ("", 127, "``"),
        ("/etc", 126, "/etc"),
        (text.as_str(), 126, "#!"),
        (private.as_str(), 126, "may execute"),
        (orphaned.as_str(), 126, "interpreter"),
    ] {
        for flags in [&[] as &[&str], &["--init"]] {
            let outcome = bench.run(context, &[flags, &["--", command]].concat());
            assert_eq!(outcome.code, code, "{command}: {outcome:?}");
            assert!(outcome.stderr.contains(what), "{command}: {outcome:?}");
        }
    }
}
