//! What broke and what was lost in silence, in a container: by strace(1) from the host. Needs root, strace,
//! docker.io and busybox-static.

use crate::engine::{dropcap, nothing_is_left};
use crate::tree::Tree;
use dropcap_testkit::docker::Docker;
use dropcap_testkit::root;
use serde_json::{Value, json};

/// The first takes its program from its image; the second has another, and goes on with other users' right.
const COMPOSE: &str = "services:
  plain:
    image: traced/box:1
    cap_drop: [ALL]
    cap_add: [CHOWN, KILL]
    network_mode: none
  silent:
    image: traced/box:1
    cap_drop: [ALL]
    cap_add: [CHOWN, MKNOD, KILL]
    network_mode: none
    read_only: true
    tmpfs: [/tmp]
    entrypoint: [sh, -c, 'busybox mknod /tmp/null c 1 3 2>/dev/null; exec busybox sh /serve']
";
const SERVE: &str = "trap 'exit 0' TERM
    [ \"$1\" != other ] && busybox touch /tmp/f && busybox chown 33 /tmp/f || exit 1
    echo up >/tmp/up; while :; do sleep 0.05; done";

fn learn(docker: &Docker, tree: &Tree, arguments: &[&str]) -> Value {
    let words = ["learn", "--format", "json", "--test", "test -e /tmp/up"];
    let ran = dropcap(docker, tree, &[&words[..], arguments].concat());
    assert_eq!(ran.code, 0, "{}", ran.all());
    ran.json()
}

#[test]
fn the_call_that_was_refused_is_shown_and_what_was_lost_in_silence_is_told() {
    let docker = &Docker::start().unwrap();
    let tree = Tree::new(&[("compose.yaml", COMPOSE)]);
    let place = tempfile::tempdir().unwrap();
    root::busybox(place.path(), "root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
    std::fs::write(place.path().join("serve"), SERVE).unwrap();
    let words = ["ENTRYPOINT [\"busybox\", \"sh\"]", "CMD [\"/serve\", \"it\"]"];
    docker.import(place.path(), "traced/box:1", &words);

    let document = learn(docker, &tree, &["compose.yaml#plain"]);
    assert_eq!(document["needed"], json!(["CAP_CHOWN"]), "{document:#}");
    let call = document["without"][0]["call"].as_str().unwrap_or_default();
    assert!(
        call.contains("chown") && call.contains("/tmp/f") && call.ends_with("EPERM"),
        "{document:#}"
    );
    assert_eq!(document["refused_but_passed"], json!([]), "{document:#}");
    assert!(!document["notes"].to_string().contains("trace"), "{document:#}");
    assert!(
        tree.text("dropcap.toml").contains("because = 'chown"),
        "{}",
        tree.text("dropcap.toml")
    );

    let document = learn(docker, &tree, &["compose.yaml#silent"]);
    assert_eq!(document["needed"], json!(["CAP_CHOWN"]), "{document:#}");
    let lost = &document["refused_but_passed"];
    assert_eq!(lost.as_array().unwrap().len(), 1, "{document:#}");
    assert_eq!(lost[0]["capability"], "CAP_MKNOD");
    assert!(lost[0]["call"].as_str().unwrap().contains("mknod"), "{document:#}");
    assert!(tree.text("dropcap.toml").contains("verdict = \"refused-but-passed\""));

    let other = ["--by-trial", "--name", "other", "compose.yaml#silent"];
    let document = learn(docker, &tree, &other);
    assert_eq!(document["refused_but_passed"], json!([]), "{document:#}");
    assert_eq!(document["without"][0]["call"], Value::Null, "{document:#}");
    nothing_is_left(docker);
}
