//! `dropcap learn` of a container of a pod: its nearest equivalent is tried in Docker. Needs root, docker.io and
//! busybox-static.

use crate::engine::{dropcap, learn, nothing_is_left};
use crate::tree::{Tree, of};
use dropcap_testkit::docker::Docker;
use dropcap_testkit::root;
use serde_json::json;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// Needs CHOWN, and whatever a pod is started with: each is looked for.
const SERVE: &str = "trap 'exit 0' TERM
    fail() { echo \"not as in a pod: $1\"; exit 3; }
    [ \"$GREETING\" = 'hello, you' ] && [ $PWD = /data ] || fail environment
    [ \"$(cat /data/prepared)\" = 'by 33' ] || fail init
    i=0; until [ -e /data/network ] || [ $i = 100 ]; do sleep 0.05; i=$((i + 1)); done
    [ \"$(cat /data/network)\" = \"$(busybox readlink /proc/self/ns/net)\" ] || fail network
    [ \"$(busybox stat -c %a:%u:%g /data)\" = 2777:0:4000 ] || fail volume
    [ \"$(busybox id -G)\" = '0 10 4000' ] || fail groups
    busybox grep -q '^Seccomp:.*0' /proc/self/status || fail seccomp
    [ $(cat /proc/sys/net/ipv4/ip_unprivileged_port_start) = 1024 ] || fail sysctl
    ! busybox touch /only-read 2>/dev/null || fail root
    busybox rm -f f && busybox touch f && busybox chown 33 f || exit 5
    echo up >/tmp/up; while :; do sleep 0.05; done";

/// Runs to its end; one that is a service would not.
const PREPARE: &str =
    "[ -z \"$(busybox ls /data)\" ] || exit 4; sleep 0.5; echo by $(busybox id -u) >/data/prepared";

/// Goes on running beside it.
const SIDECAR: &str = "trap 'exit 0' TERM; [ -e /data/prepared ] || exit 6
    busybox readlink /proc/self/ns/net >/data/network; while :; do sleep 0.05; done";

fn manifest(security: &str, more: &str, prepare: &str, serve: &str) -> String {
    let text = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"template": {"spec": {
            "securityContext": {"fsGroup": 4000},
            "volumes": [{"name": "data", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}],
            "initContainers": [
                {"name": "prepare", "image": "pod/box:1", "args": ["sh", "-c", prepare],
                 "securityContext": {"runAsUser": 33},
                 "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
                {"name": "beside", "image": "pod/box:1", "command": ["sh", "-c", SIDECAR],
                 "restartPolicy": "Always",
                 "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
            ],
            "containers": [{
                "name": "web", "image": "pod/box:1", "command": ["sh"], "args": ["-c", serve],
                "env": [{"name": "GREETING", "value": "hello, you"}], "workingDir": "/data",
                "readinessProbe": {"exec": {"command": ["sh", "-c", "test -e '/tmp/up'"]}},
                "livenessProbe": {"httpGet": {"port": 80}},
                "volumeMounts": [{"name": "data", "mountPath": "/data"},
                                 {"name": "tmp", "mountPath": "/tmp"}],
                "securityContext": {}, "more": {},
            }],
        }}},
    });
    let text = text.to_string().replace("\"securityContext\":{}", security);
    text.replace("\"more\":{}", more)
}

const SECURITY: &str = "\"securityContext\":{\"readOnlyRootFilesystem\":true,\
    \"capabilities\":{\"drop\":[\"ALL\"],\"add\":[\"CHOWN\",\"KILL\"]}}";

/// Nothing that bears on it.
const MORE: &str = "\"ports\":[]";

/// A tree with that file, and an engine that has the image: for one test at a time, so that what one leaves
/// behind is seen.
fn pod(text: &str) -> (MutexGuard<'static, ()>, &'static Docker, Tree) {
    static ALONE: Mutex<()> = Mutex::new(());
    static ENGINE: OnceLock<Docker> = OnceLock::new();
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let docker = ENGINE.get_or_init(|| Docker::start().unwrap());
    let place = tempfile::tempdir().unwrap();
    let group = "root:x:0:\nwheel:x:10:root\n";
    root::busybox(place.path(), "root:x:0:0::/:/bin/sh\ndata:x:33:33::/:/bin/sh\n", group);
    docker.import(place.path(), "pod/box:1", &["ENTRYPOINT [\"busybox\"]"]);
    (alone, docker, Tree::new(&[("web.json", text)]))
}

const SUBJECT: &str = "web.json#default/Deployment/web/web";

#[test]
fn what_a_container_of_a_pod_needs_is_learned_as_it_would_start_there() {
    let (_alone, docker, tree) = pod(&manifest(SECURITY, MORE, PREPARE, SERVE));
    let ran = learn(docker, &tree, SUBJECT);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let document = ran.json();
    assert_eq!(document["needed"], json!(["CAP_CHOWN"]), "{document:#}");
    assert_eq!(document["start"], json!(["CAP_CHOWN", "CAP_KILL"]), "{document:#}");
    assert_eq!(document["workload"], "web");
    let engine = document["engine"].as_str().unwrap();
    assert_eq!(engine, format!("docker {} as containerd", docker.version()));
    let notes = document["notes"].to_string();
    assert!(notes.contains("stood for containerd"), "{notes}");
    assert!(notes.contains("`livenessProbe` is left out"), "{notes}");
    nothing_is_left(docker);

    // It is evidence for the pod, and for no container in Docker.
    let drift = |tree: &Tree| {
        let document = dropcap(docker, tree, &["scan", "--format", "json", "web.json"]).json();
        of(&document, "policy-drift").len()
    };
    let policy = tree.text("dropcap.toml");
    assert!(
        policy.contains("match = [{ container = \"web.json#default/Deployment/web/web\" }]"),
        "{policy}"
    );
    assert_eq!(drift(&tree), 0, "{policy}");
    // With nothing dropped, the fix that leaves it CHOWN alone is safe, by this evidence.
    let open = "\"securityContext\":{\"readOnlyRootFilesystem\":true}";
    tree.write("web.json", manifest(open, MORE, PREPARE, SERVE));
    let fix = |tree: &Tree| {
        let document = dropcap(docker, tree, &["scan", "--format", "json", "web.json"]).json();
        let findings = of(&document, "caps-not-dropped");
        let of_web = findings.iter().find(|one| one["container"] == SUBJECT).expect("a finding");
        of_web["fix"].clone()
    };
    let by_evidence = fix(&tree);
    assert_eq!(by_evidence["tier"], "safe", "{by_evidence:#}");
    assert_eq!(by_evidence["because"], "evidence", "{by_evidence:#}");
    tree.write("dropcap.toml", policy.replace(" as containerd", ""));
    assert_eq!(drift(&tree), 1, "what Docker gives is not what the pod is given");
    assert_eq!(fix(&tree)["tier"], "unsafe");
    tree.write("dropcap.toml", policy);
    let ran = dropcap(docker, &tree, &["scan", "--fix", "web.json"]);
    let fixed = tree.text("web.json");
    let security = fixed.matches("CHOWN").count();
    assert_eq!(security, 1, "{}\n{fixed}", ran.all());
}

#[test]
fn a_low_port_is_closed_as_on_any_node_and_its_sysctl_proposed() {
    let serve = "trap 'exit 0' TERM; busybox nc -l -p 80 & sleep 0.2; kill -0 $! || exit 3
        echo up >/tmp/up; while :; do sleep 0.05; done";
    let security = "\"securityContext\":{\"capabilities\":{\"drop\":[\"ALL\"],\"add\":[\"NET_BIND_SERVICE\"]}}";
    let (_alone, docker, tree) = pod(&manifest(security, MORE, PREPARE, serve));
    let ran = learn(docker, &tree, SUBJECT);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let document = ran.json();
    assert_eq!(document["needed"], json!(["CAP_NET_BIND_SERVICE"]), "{document:#}");
    let change = document["alternatives"][0]["change"].as_str().unwrap();
    assert!(change.contains("containerd sets itself from 2.0 on"), "{change}");
}

#[test]
fn what_cannot_be_as_in_the_cluster_makes_nothing_safe() {
    let more = "\"envFrom\":[{\"secretRef\":{\"name\":\"keys\"}}]";
    let text = manifest(SECURITY, more, PREPARE, SERVE);
    let group = "\"securityContext\":{\"fsGroup\":4000}";
    let text = text.replace(group, &format!("{group},\"runtimeClassName\":\"gvisor\""));
    let (_alone, docker, tree) = pod(&text);
    let ran = learn(docker, &tree, SUBJECT);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let document = ran.json();
    assert_eq!(document["engine"], format!("docker {}", docker.version()), "{document:#}");
    let notes = document["notes"].to_string();
    let gaps = "left out: the runtime of its RuntimeClass gvisor; envFrom";
    assert!(notes.contains(&format!("makes no fix of the pod safe: {gaps}")), "{notes}");
}

#[test]
fn a_pod_that_does_not_come_up_is_said_to_be_one() {
    let (_alone, docker, tree) = pod(&manifest(SECURITY, MORE, "echo no database; exit 7", SERVE));
    let ran = learn(docker, &tree, SUBJECT);
    assert_eq!(ran.code, 2, "{}", ran.all());
    let said = "the init container prepare ends with 7: no database";
    assert!(ran.stderr.contains(said), "{}", ran.all());
    nothing_is_left(docker);
    assert!(!tree.root().join("dropcap.toml").exists());
}
