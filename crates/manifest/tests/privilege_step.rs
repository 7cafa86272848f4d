//! What is read of entrypoint scripts.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use dropcap_manifest::{Document, PrivilegeStep, Tool, read};

fn entrypoint(text: &str) -> Document {
    let document = read("entrypoint", text.as_bytes());
    assert_eq!(document.errors, [], "{text}");
    document
}

fn one(text: &str) -> PrivilegeStep {
    let mut document = entrypoint(text);
    assert_eq!(document.steps.len(), 1, "{text}\n{document:#?}");
    document.steps.remove(0)
}

fn drops(step: &PrivilegeStep) -> Vec<&str> {
    step.drops.iter().map(|drop| drop.value.as_str()).collect()
}

#[test]
fn a_deny_list_in_its_order() {
    let text = "#!/usr/bin/env bash\nset -euo pipefail\nexec capsh --drop=cap_net_raw,cap_setpcap,cap_kill -- -c 'exec \"$0\"' \"$@\"\n";
    let step = one(text);
    assert_eq!(
        (step.tool, step.exec, step.failure_ignored, step.conditional),
        (Tool::Capsh, true, false, false)
    );
    assert_eq!(drops(&step), ["cap_net_raw", "cap_setpcap", "cap_kill"]);
    for drop in &step.drops {
        assert_eq!(&text[drop.span.clone()], drop.value);
    }
    assert!(text[step.span.clone()].starts_with("exec capsh"));
    let step = one("#!/bin/sh\nDROP=cap_kill,cap_chown\nexec capsh --drop=\"$DROP\" -- -c id\n");
    assert_eq!(drops(&step), ["cap_kill", "cap_chown"]);
}

#[test]
fn failures_that_nobody_sees() {
    for (text, ignored, conditional) in [
        ("#!/bin/sh\nset -e\ncapsh --drop=all -- -c id || true\nrun", true, false),
        ("#!/bin/sh\nset -e\ncapsh --drop=all -- -c id || echo 'warn: no drop'\nrun", true, false),
        ("#!/bin/sh\nset -e\ncapsh --drop=all -- -c id || exit 1\nrun", false, false),
        ("#!/bin/sh\nset -e\ncapsh --drop=all -- -c id || { echo no; exit 1; }\nrun", false, false),
        ("#!/bin/sh\nset -e\ncapsh --drop=all -- -c id\nrun", false, false),
        ("#!/bin/sh -e\ncapsh --drop=all -- -c id\nrun", false, false),
        ("#!/bin/bash\nset -o errexit\ncapsh --drop=all -- -c id\nrun", false, false),
        ("#!/bin/sh\ncapsh --drop=all -- -c id\nrun", true, false),
        ("#!/bin/sh\ncapsh --drop=all -- -c id", false, false),
        ("#!/bin/sh\nset -e\nif capsh --drop=all -- -c id; then echo ok; fi\nrun", true, false),
        ("#!/bin/sh\nset -e\nif ! capsh --drop=all -- -c id; then exit 1; fi\nrun", false, false),
        (
            "#!/bin/sh\nset -e\nif [ -n \"$X\" ]; then exec capsh --drop=all -- -c id; else echo no; fi\nrun",
            false,
            true,
        ),
        ("#!/bin/sh\nset -e\nhas_setpcap && capsh --drop=all -- -c id\nrun", false, true),
        ("#!/bin/sh\nset -e\ncase x in y) capsh --drop=all ;; esac\nrun", false, true),
    ] {
        let step = one(text);
        assert_eq!((step.failure_ignored, step.conditional), (ignored, conditional), "{text}");
    }
}

#[test]
fn setpriv_and_the_user_switchers() {
    let text = "#!/bin/bash\nexec setpriv --reuid=app --init-groups --bounding-set=-net_raw,-chown --inh-caps -all --no-new-privs -- run\n";
    let step = one(text);
    assert_eq!(step.tool, Tool::Setpriv);
    assert_eq!(drops(&step), ["net_raw", "chown"]);
    assert!(step.no_new_privs);
    for drop in &step.drops {
        assert_eq!(&text[drop.span.clone()], drop.value);
    }
    let step = one("#!/bin/sh\nexec setpriv --bounding-set -all run");
    assert_eq!((drops(&step), step.no_new_privs), (vec!["all"], false));

    let document = entrypoint(
        "#!/bin/sh\nset -e\nchown -R app /data || true\nif [ \"$(id -u)\" = 0 ]; then\n  exec gosu app \"$0\" \"$@\"\nfi\nexec su-exec app run\nexec dropcap run --user app -- run\n",
    );
    let tools: Vec<_> = document
        .steps
        .iter()
        .map(|step| (step.tool, step.failure_ignored, step.conditional))
        .collect();
    assert_eq!(
        tools,
        [
            (Tool::Chown, true, false),
            (Tool::Gosu, false, true),
            (Tool::SuExec, false, false),
            (Tool::Dropcap, false, false),
        ]
    );
    assert_eq!(document.steps[1].arguments, ["gosu", "app", "$0", "$@"]);
}

#[test]
fn a_script_without_a_step_has_none() {
    assert_eq!(
        entrypoint("#!/bin/sh\n# capsh --drop=all\necho capsh --drop=all; dropcap scan\n").steps,
        []
    );
}
