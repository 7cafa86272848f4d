//! The cases that need no parent.

use crate::Case;
use crate::bench::{Bench, Outcome, State};
use crate::context::{Context, USER};
use dropcap_capability::{Capability, CapabilitySet, FileCapabilities, Revision, Securebits};

pub const ALL: &[Case] = &[
    ("nothing_is_allowed_by_default", nothing_is_allowed_by_default),
    ("what_is_allowed_is_held", what_is_allowed_is_held),
    ("a_user_is_become", a_user_is_become),
    ("strict_refuses_what_stays", strict_refuses_what_stays),
    ("an_empty_bounding_set_is_worth_no_note", an_empty_bounding_set_is_worth_no_note),
    ("a_setuid_file_gains_nothing", a_setuid_file_gains_nothing),
    ("a_setuid_file_would_gain_without_dropcap", a_setuid_file_would_gain_without_dropcap),
    ("file_capabilities_gain_nothing", file_capabilities_gain_nothing),
    ("user_namespaces_are_closed", user_namespaces_are_closed),
    ("descriptors_are_closed_but_those_named", descriptors_are_closed_but_those_named),
    ("descriptors_of_listen_fds_are_passed", descriptors_of_listen_fds_are_passed),
    ("signals_stay_as_they_came", signals_stay_as_they_came),
    ("it_replaces_itself", it_replaces_itself),
    ("once_more_inside_itself", once_more_inside_itself),
];

pub const NOTHING: CapabilitySet = CapabilitySet::EMPTY;
pub const PORT: CapabilitySet = CapabilitySet::EMPTY.with(Capability::NET_BIND_SERVICE);

/// Everything that `run` promises about a state, in this context.
pub fn assert_confined(context: Context, state: &State, allow: CapabilitySet) {
    for field in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
        assert_eq!(state.set(field), allow, "{field}");
    }
    // Without CAP_SETPCAP the bounding set stays as it is, out of reach.
    let bounding = if context.has_setpcap() { allow } else { context.bounding() };
    assert_eq!(state.set("CapBnd"), bounding);
    assert_eq!(state.get("NoNewPrivs"), "1");
    assert_eq!(state.get("Seccomp"), "2");
    assert_eq!(state.get("SigBlk"), "0000000000000000");
    assert_eq!(state.get("Securebits"), format!("{:x}", securebits(context, allow).bits()));
}

fn securebits(context: Context, allow: CapabilitySet) -> Securebits {
    let flags = match (context.has_setpcap(), allow.is_empty()) {
        (false, _) => Securebits::EMPTY,
        (true, true) => Securebits::NOROOT.union(Securebits::NO_CAP_AMBIENT_RAISE),
        (true, false) => Securebits::NOROOT,
    };
    flags.union(flags.locks())
}

/// Silence where everything holds, a note where something stays.
fn assert_told(context: Context, outcome: &Outcome) {
    if context.has_setpcap() {
        assert_eq!(outcome.stderr, "");
    } else {
        assert!(outcome.stderr.contains("CAP_SETPCAP is missing"), "{outcome:?}");
        assert!(outcome.stderr.contains("bounding set keeps"), "{outcome:?}");
    }
}

fn nothing_is_allowed_by_default(bench: &Bench, context: Context) {
    for flags in [&[] as &[&str], &["--allow", "none"]] {
        let (state, outcome) = bench.state(context, flags);
        assert_confined(context, &state, NOTHING);
        assert_told(context, &outcome);
        let uid = context.uid();
        assert_eq!(state.get("Uid"), format!("{uid}\t{uid}\t{uid}\t{uid}"), "ids stay");
        assert_eq!(state.get("HOME"), "/before", "HOME stays");
    }
    let (_, quiet) = bench.state(context, &["--quiet"]);
    assert_eq!(quiet.stderr, "");
}

fn what_is_allowed_is_held(bench: &Bench, context: Context) {
    for spelling in ["NET_BIND_SERVICE", "cap_net_bind_service", "10"] {
        let flags = ["--allow", spelling];
        if context.is_privileged() {
            let (state, outcome) = bench.state(context, &flags);
            assert_confined(context, &state, PORT);
            assert_told(context, &outcome);
        } else {
            bench.refused(context, &flags, 125, "CAP_NET_BIND_SERVICE cannot be given");
        }
    }
}

fn a_user_is_become(bench: &Bench, context: Context) {
    let allowed = ["--allow", "NET_BIND_SERVICE", "--user", "1234:4321"];
    let nothing = ["--user", "1234:4321"];
    for (flags, allow) in [(&allowed as &[&str], PORT), (&nothing, NOTHING)] {
        if !context.is_privileged() {
            let what =
                if allow.is_empty() { "CAP_SETUID and CAP_SETGID" } else { "cannot be given" };
            bench.refused(context, flags, 125, what);
            continue;
        }
        let (state, _) = bench.state(context, flags);
        assert_confined(context, &state, allow);
        assert_eq!(state.get("Uid"), "1234\t1234\t1234\t1234");
        assert_eq!(state.get("Gid"), "4321\t4321\t4321\t4321");
        assert_eq!(state.get("Groups"), "");
        assert_eq!(state.get("HOME"), "/");
    }
    // By name, from the passwd file here: nobody is in every one.
    if context.is_privileged() {
        let (state, _) = bench.state(context, &["--user", "nobody"]);
        assert_confined(context, &state, NOTHING);
        assert!(state.get("Uid").starts_with("65534\t"), "{state:?}");
        let passwd = std::fs::read_to_string("/etc/passwd").unwrap();
        let home = passwd.lines().find_map(|line| line.strip_prefix("nobody:")).unwrap();
        assert_eq!(state.get("HOME"), home.split(':').nth(4).unwrap());
    } else {
        bench.refused(context, &["--user", "nobody"], 125, "CAP_SETUID and CAP_SETGID");
        // Its own ids can be had; its groups cannot be cleared, so it fails all the same.
        let own = format!("{USER}:{USER}");
        bench.refused(context, &["--user", &own], 125, "supplementary groups");
    }
}

fn strict_refuses_what_stays(bench: &Bench, context: Context) {
    if context.has_setpcap() {
        let (state, outcome) = bench.state(context, &["--strict"]);
        assert_confined(context, &state, NOTHING);
        assert_eq!(outcome.stderr, "");
    } else {
        bench.refused(context, &["--strict"], 125, "CAP_SETPCAP is missing");
    }
}

/// A container that was started well: a user, ALL dropped. Securebits cannot be set there, and would
/// protect nothing.
fn an_empty_bounding_set_is_worth_no_note(bench: &Bench, context: Context) {
    let setpriv = ["/usr/bin/setpriv", "--bounding-set=-all", "--reuid", "1234", "--regid", "4321"];
    let setpriv = [&setpriv[..], &["--clear-groups", "--inh-caps=-all"]].concat();
    let (dropcap, probe) = (bench.text("dropcap"), bench.text("probe"));
    let line = |flags: &[&str]| {
        let run = [&[dropcap.as_str(), "run"], flags, &["--", &probe, "probe", "state"]].concat();
        bench.outcome(context, &[&setpriv[..], &run].concat())
    };
    let outcome = line(&[]);
    match context {
        Context::User => {
            return assert_eq!(outcome.code, 127, "setpriv cannot become another user");
        }
        // setpriv goes on without a word where it cannot empty the bounding set; dropcap does not.
        Context::WithoutSetpcap => return assert_told(context, &outcome),
        Context::Root | Context::UserNamespace => {}
    }
    assert_eq!((outcome.code, outcome.stderr.as_str()), (0, ""), "{outcome:?}");
    let state = State::parse(&outcome.stdout);
    for field in ["CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd"] {
        assert_eq!(state.set(field), NOTHING, "{field}");
    }
    assert_eq!(state.get("Securebits"), "0");
    let strict = line(&["--strict"]);
    assert_eq!(strict.code, 125, "{strict:?}");
    assert!(strict.stderr.contains("the securebits stay"), "{strict:?}");
}

/// As a user who is not the file's owner, so that it could gain something.
pub fn as_somebody(context: Context) -> &'static [&'static str] {
    if context.is_privileged() { &["--user", "1234:4321"] } else { &[] }
}

fn a_setuid_file_gains_nothing(bench: &Bench, context: Context) {
    let helper = bench.setuid_helper(context);
    let words = ["exec", helper.to_str().unwrap(), "probe", "state"];
    for allow in [NOTHING, PORT] {
        if !allow.is_empty() && !context.is_privileged() {
            bench.refused(context, &["--allow", "NET_BIND_SERVICE"], 125, "cannot be given");
            continue;
        }
        let text = allow.to_string();
        let flags = [as_somebody(context), &["--allow", &text]].concat();
        let outcome = bench.probe(context, &flags, &words);
        assert_eq!(outcome.code, 0, "{outcome:?}");
        let state = State::parse(&outcome.stdout);
        assert_confined(context, &state, allow);
        let uid = if context.is_privileged() { 1234 } else { USER };
        assert_eq!(state.get("Uid"), format!("{uid}\t{uid}\t{uid}\t{uid}"));
    }
}

/// The calibration of the one above.
fn a_setuid_file_would_gain_without_dropcap(bench: &Bench, context: Context) {
    let helper = bench.setuid_helper(context);
    let helper = helper.to_str().unwrap();
    let setpriv =
        ["/usr/bin/setpriv", "--reuid", "1234", "--regid", "4321", "--clear-groups", helper];
    let line = if context.is_privileged() { &setpriv[..] } else { &[helper] };
    let line: Vec<&str> = line.iter().copied().chain(["probe", "state"]).collect();
    let outcome = bench.outcome(context, &line);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    let state = State::parse(&outcome.stdout);
    assert_eq!(state.set("CapEff"), context.bounding());
    assert_eq!(state.get("Uid").split('\t').nth(1), Some("0"));
}

/// A file that forces NET_RAW: it is not executed where NET_RAW is gone from the bounding set, and
/// gains nothing where it had to stay.
fn file_capabilities_gain_nothing(bench: &Bench, context: Context) {
    let name = format!("forced-{context}").replace(' ', "-");
    let file = bench.copy(&bench.path("probe"), &name);
    let file = file.to_str().unwrap();
    let revision = if context == Context::UserNamespace {
        Revision::Three { root_id: context.root() }
    } else {
        Revision::Two
    };
    let forced = FileCapabilities {
        permitted: CapabilitySet::from(Capability::NET_RAW),
        inheritable: NOTHING,
        effective: true,
        revision,
    };
    let value = forced.encode().unwrap();
    let flags = rustix::fs::XattrFlags::empty();
    rustix::fs::setxattr(file, "security.capability", &value, flags).unwrap();

    let flags = [as_somebody(context), &["--", file, "probe", "state"]].concat();
    let outcome = bench.run(context, &flags);
    if context.has_setpcap() {
        assert_eq!(outcome.code, 126, "{outcome:?}");
        assert!(outcome.stderr.contains("force CAP_NET_RAW"), "{outcome:?}");
    } else {
        assert_eq!(outcome.code, 0, "{outcome:?}");
        assert_confined(context, &State::parse(&outcome.stdout), NOTHING);
    }
    // Without dropcap it does gain.
    let outcome = bench.outcome(context, &[file, "probe", "state"]);
    let state = State::parse(&outcome.stdout);
    assert!(state.set("CapEff").contains(Capability::NET_RAW), "{outcome:?}");
}

fn user_namespaces_are_closed(bench: &Bench, context: Context) {
    let outcome = bench.probe(context, &[], &["unshare"]);
    assert_eq!(outcome.stdout, "errno 1\n", "{outcome:?}");
    // And open where that is asked for: the filter is what closes them.
    let outcome = bench.probe(context, &["--allow-user-namespaces"], &["unshare"]);
    assert_eq!(outcome.stdout, "made\n", "{outcome:?}");
    let (state, _) = bench.state(context, &["--allow-user-namespaces"]);
    assert_eq!(state.get("Seccomp"), "0");
    assert_eq!(state.set("CapEff"), NOTHING);
}

/// A shell line that opens descriptors 3, 5 and 9, and then becomes dropcap.
fn with_descriptors(bench: &Bench, context: Context, assignments: &str, flags: &str) -> Outcome {
    let (dropcap, probe) = (bench.text("dropcap"), bench.text("probe"));
    let script = format!(
        "exec 3</dev/null 5</dev/null 9</dev/null; {assignments} exec {dropcap} run {flags} -- {probe} probe state"
    );
    bench.outcome(context, &["/bin/sh", "-c", &script])
}

fn descriptors_are_closed_but_those_named(bench: &Bench, context: Context) {
    for (flags, open) in [
        ("", "0 1 2"),
        ("--keep-fd 5", "0 1 2 5"),
        ("--keep-fd 9,3", "0 1 2 3 9"),
        ("--keep-fd 1 --keep-fd 5 --keep-fd 5", "0 1 2 5"),
        ("--init --keep-fd 5", "0 1 2 5"),
    ] {
        let outcome = with_descriptors(bench, context, "", flags);
        assert_eq!(outcome.code, 0, "{outcome:?}");
        assert_eq!(State::parse(&outcome.stdout).get("Descriptors"), open, "{flags}");
    }
    bench.refused(context, &["--keep-fd", "77"], 125, "descriptor");
    bench.refused(context, &["--keep-fd", "seven"], 125, "seven");
}

fn descriptors_of_listen_fds_are_passed(bench: &Bench, context: Context) {
    let ours = "LISTEN_PID=$$ LISTEN_FDS=1";
    for (assignments, flags, open) in [
        (ours, "", "0 1 2 3"),
        (ours, "--keep-fd 9", "0 1 2 3 9"),
        ("LISTEN_PID=1 LISTEN_FDS=1", "", "0 1 2"),
        ("LISTEN_FDS=1", "", "0 1 2"),
    ] {
        let outcome = with_descriptors(bench, context, assignments, flags);
        assert_eq!(outcome.code, 0, "{outcome:?}");
        let state = State::parse(&outcome.stdout);
        assert_eq!(state.get("Descriptors"), open, "{assignments}");
        if assignments == ours {
            assert_eq!(state.get("LISTEN_PID"), state.get("Pid"), "{assignments}");
        }
    }
    let outcome = with_descriptors(bench, context, ours, "--init");
    let state = State::parse(&outcome.stdout);
    assert_eq!(state.get("Descriptors"), "0 1 2 3");
    assert_eq!(state.get("LISTEN_PID"), state.get("Pid"), "the child's, not its parent's");
    for bad in ["-1", "many", "99999999999", "4294967295", ""] {
        let outcome =
            with_descriptors(bench, context, &format!("LISTEN_PID=$$ LISTEN_FDS='{bad}'"), "");
        assert_eq!((outcome.code, outcome.stdout.as_str()), (125, ""), "{bad}: {outcome:?}");
    }
}

/// What is ignored stays so over execve. A Rust program ignores SIGPIPE where nothing is done about it,
/// and a shell's pipelines would no longer end: `run` leaves each signal as its parent gave it.
fn signals_stay_as_they_came(bench: &Bench, context: Context) {
    const PIPE: u64 = 1 << 12;
    let ignored = |line: &[&str]| {
        let outcome = bench.outcome(context, line);
        let state = State::parse(&outcome.stdout);
        assert_eq!(state.get("SigBlk"), "0000000000000000");
        state.set("SigIgn").bits()
    };
    let cat = ["/bin/cat", "/proc/self/status"];
    let with_pipe = ["/bin/sh", "-c", "trap - PIPE; exec \"$@\"", "sh"];
    let without_pipe = ["/bin/sh", "-c", "trap '' PIPE; exec \"$@\"", "sh"];
    for (shell, pipe_is_ignored) in [(with_pipe, false), (without_pipe, true)] {
        let before = ignored(&[&shell as &[&str], &cat].concat());
        for flags in [&["--"] as &[&str], &["--init", "--"]] {
            let dropcap = bench.text("dropcap");
            let line = [&shell, &[dropcap.as_str(), "run"] as &[&str], flags, &cat].concat();
            assert_eq!(ignored(&line), before, "{flags:?}");
        }
        if pipe_is_ignored {
            assert_ne!(before & PIPE, 0, "the shell was told to ignore it");
        }
    }
}

fn it_replaces_itself(bench: &Bench, context: Context) {
    let dropcap = bench.text("dropcap");
    let script = format!("echo $$; exec {dropcap} run -- /bin/sh -c 'echo $$; exit 7'");
    let outcome = bench.outcome(context, &["/bin/sh", "-c", &script]);
    assert_eq!(outcome.code, 7, "{outcome:?}");
    let pids: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!((pids.len(), pids[0]), (2, pids[1]));
    // A name without a slash is looked for in PATH.
    let outcome = bench.run(context, &["--", "sh", "-c", "kill -TERM $$"]);
    assert_eq!(outcome.code, 128 + 15, "{outcome:?}");
}

fn once_more_inside_itself(bench: &Bench, context: Context) {
    let (dropcap, probe) = (bench.text("dropcap"), bench.text("probe"));
    let inner = ["--", &dropcap, "run", "--", &probe, "probe", "state"];
    let outcome = bench.run(context, &inner);
    assert_eq!(outcome.code, 0, "{outcome:?}");
    assert_confined(context, &State::parse(&outcome.stdout), NOTHING);
    assert_told(context, &outcome);
    if context.is_privileged() {
        let outer = ["--allow", "NET_BIND_SERVICE,KILL", "--", &dropcap, "run"];
        let inner = ["--allow", "NET_BIND_SERVICE", "--", &probe, "probe", "state"];
        let outcome = bench.run(context, &[&outer as &[&str], &inner].concat());
        assert_eq!(outcome.code, 0, "{outcome:?}");
        let state = State::parse(&outcome.stdout);
        for field in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
            assert_eq!(state.set(field), PORT, "{field}");
        }
        let told = outcome.stderr.matches("CAP_SETPCAP is missing").count();
        assert_eq!(told, if context.has_setpcap() { 1 } else { 2 }, "{outcome:?}");
    } else {
        let outcome = bench.run(context, &["--", &dropcap, "run", "--strict", "--", "true"]);
        assert_eq!(outcome.code, 125, "{outcome:?}");
    }
}
