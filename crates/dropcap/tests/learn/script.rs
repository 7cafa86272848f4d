//! A container whose entrypoint's script a fix would mend: it is tried as it would be then, and as it is
//! written where that alone works. Needs root, docker.io and busybox-static.

use crate::engine::{dropcap, learn};
use crate::tree::{DROPCAP, Ran, Tree};
use dropcap_policy::{Policy, text_hash};
use dropcap_testkit::docker::Docker;
use dropcap_testkit::root;
use serde_json::json;
use std::sync::OnceLock;

const SERVICE: &str = "services:
  box:
    image: script/box:1
    user: root
    cap_drop: [ALL]
    cap_add: [CHOWN, KILL]
    network_mode: none
    entrypoint: [/e.sh]
    volumes: ['./e.sh:/e.sh:ro']
";
const SERVE: &str = "trap 'exit 0' TERM; echo up >/tmp/up; while :; do sleep 0.05; done";
/// The image has no setpriv: as it is written, nothing starts.
const WORKS_MENDED: &str = "#!/bin/sh\nset -e\nexec setpriv --bounding-set=-kill sh /serve\n";
/// It has no capsh and no bash either: mended, nothing starts; as it is written, it goes on.
const WORKS_AS_WRITTEN: &str = "#!/bin/sh
capsh --drop=cap_kill -- -c 'sh /serve' || echo going on
chown 33 /tmp && exec sh /serve
";
const WORKS_NEVER: &str = "#!/bin/sh\nset -e\nexec capsh --drop=cap_kill -- -c 'sh /serve'\n";

/// An engine with the image, and a tree with a service of it.
fn scene(script: &str) -> (&'static Docker, Tree) {
    static IMPORTED: OnceLock<()> = OnceLock::new();
    let docker = Docker::shared();
    // Once: another import is another image.
    IMPORTED.get_or_init(|| {
        let place = tempfile::tempdir().unwrap();
        root::busybox(place.path(), "root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
        std::fs::write(place.path().join("serve"), SERVE).unwrap();
        docker.import(place.path(), "script/box:1", &[]);
    });
    let tree = Tree::new(&[("compose.yaml", SERVICE), ("e.sh", script)]);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(tree.path("e.sh"), mode).unwrap();
    (docker, tree)
}

fn learned_with(tree: &Tree) -> Option<String> {
    let policy = Policy::parse(&tree.text("dropcap.toml")).unwrap();
    let from = policy.workload("box")?.provenance.as_ref()?;
    assert_eq!(from.script.as_deref(), Some("e.sh"));
    from.script_hash.clone()
}

/// The tiers of the fixes of a rule.
fn tiers(ran: &Ran, rule: &str) -> Vec<String> {
    let findings = ran.json()["findings"].as_array().unwrap().clone();
    let of_it = findings.into_iter().filter(|finding| finding["rule"] == rule);
    of_it.filter_map(|finding| Some(finding["fix"]["tier"].as_str()?.to_owned())).collect()
}

#[test]
fn a_script_that_does_not_start_is_learned_as_its_fix_makes_it() {
    let (docker, tree) = scene(WORKS_MENDED);
    let ran = learn(docker, &tree, "compose.yaml#box");
    assert_eq!((ran.code, &ran.json()["needed"]), (0, &json!([])), "{}", ran.all());
    let mended = "#!/bin/sh\nset -e\nexec dropcap run -- sh /serve\n";
    assert_eq!(learned_with(&tree), Some(text_hash(mended.as_bytes())));
    assert_eq!(tree.text("e.sh"), WORKS_MENDED, "nothing is written but the policy");

    let scanned = dropcap(docker, &tree, &["scan", "--format", "json"]);
    assert_eq!(tiers(&scanned, "new-privileges-allowed"), ["safe"], "{}", scanned.all());
    let fixed = dropcap(docker, &tree, &["scan", "--fix"]);
    assert_eq!(tree.text("e.sh"), mended, "{}", fixed.all());
    let mount = format!("'./e.sh:/e.sh:ro', {DROPCAP}:/usr/local/bin/dropcap:ro]");
    assert!(tree.text("compose.yaml").contains(&mount), "{}", fixed.all());
}

#[test]
fn a_script_that_works_only_as_it_is_written_is_learned_so() {
    let (docker, tree) = scene(WORKS_AS_WRITTEN);
    let ran = learn(docker, &tree, "compose.yaml#box");
    assert_eq!((ran.code, &ran.json()["needed"]), (0, &json!(["CAP_CHOWN"])), "{}", ran.all());
    let notes = ran.json()["notes"].to_string();
    assert!(
        notes.contains("e.sh was tried as it is written: mended, it fails with all"),
        "{notes}"
    );
    assert_eq!(learned_with(&tree), Some(text_hash(WORKS_AS_WRITTEN.as_bytes())));
    let scanned = dropcap(docker, &tree, &["scan", "--format", "json"]);
    assert_eq!(tiers(&scanned, "drop-not-verified"), ["unsafe"], "{}", scanned.all());
    assert_eq!(tiers(&scanned, "new-privileges-allowed"), ["safe"], "{}", scanned.all());
}

#[test]
fn where_neither_works_both_are_named() {
    let (docker, tree) = scene(WORKS_NEVER);
    let ran = learn(docker, &tree, "compose.yaml#box");
    assert_eq!(ran.code, 2, "{}", ran.all());
    assert!(
        ran.stderr.contains("with e.sh as it is written, and as its fix would make it"),
        "{}",
        ran.all()
    );
    assert!(!tree.path("dropcap.toml").exists());
}
