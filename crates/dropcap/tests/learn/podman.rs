//! `dropcap learn` in Podman. Needs root, podman, runc and busybox-static.

use crate::tree::{DROPCAP, Ran, Tree};
use dropcap_testkit::podman::Podman;
use dropcap_testkit::root;
use serde_json::json;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const SERVE: &str = "sh -c 'trap \"exit 0\" TERM; busybox touch /data/f; busybox chown 33 /data/f && echo up >/tmp/up; while :; do sleep 0.05; done'";

fn podman() -> Podman {
    let podman = Podman::new();
    let place = tempfile::tempdir().unwrap();
    root::busybox(
        place.path(),
        "root:x:0:0::/:/bin/sh\nwww:x:33:33::/:/bin/sh\n",
        "root:x:0:\nwww:x:33:\n",
    );
    podman.import(place.path(), "localhost/box:1");
    podman
}

/// dropcap where `podman` is this one, and there is no Docker unless `docker` says where.
fn with(podman: &Podman, docker: &str, tree: &Tree, arguments: &[&str]) -> Ran {
    let path =
        format!("{}:/usr/local/bin:/usr/bin:/bin", podman.client().parent().unwrap().display());
    let mut command = Command::new(DROPCAP);
    command.args(arguments).current_dir(tree.root()).env("PATH", path).env("DOCKER_HOST", docker);
    command.output().unwrap().into()
}

fn nothing_is_left(podman: &Podman) {
    for list in [["ps", "-aq"].as_slice(), &["volume", "ls", "-q"]] {
        assert_eq!(podman.run(list).unwrap(), "", "{list:?}");
    }
    assert!(!podman.run(["network", "ls"]).unwrap().contains("dropcap"));
}

const NOWHERE: &str = "unix:///nowhere/docker.sock";

#[test]
fn a_podman_run_line_is_learned_in_podman() {
    let podman = podman();
    let script = format!(
        "podman run --cap-drop=ALL --cap-add=CHOWN --cap-add=KILL --network=none -v data:/data localhost/box:1 {SERVE}\n\
         podman run --cap-drop=ALL --cap-add=NET_BIND_SERVICE --user=33 --network=none localhost/box:1 busybox httpd -f\n"
    );
    let tree = Tree::new(&[("start.sh", &script)]);
    let learn = ["learn", "--format", "json", "--name", "root", "--test", "test -e /tmp/up"];
    let ran = with(&podman, NOWHERE, &tree, &[learn.as_slice(), &["start.sh#1"]].concat());
    assert_eq!(ran.code, 0, "{}", ran.all());
    let document = ran.json();
    assert_eq!(document["needed"], json!(["CAP_CHOWN"]), "{document:#}");
    let engine = document["engine"].as_str().unwrap();
    assert_eq!(engine, format!("podman {}", podman.version()));
    let call = document["without"][0]["call"].as_str().unwrap_or_default();
    assert!(call.contains("chown") && call.ends_with("EPERM"), "{document:#}");
    nothing_is_left(&podman);

    // What is added, a user other than root holds; in Docker it would not.
    let test = "busybox wget -q -O - http://127.0.0.1:80/ 2>&1 | busybox grep 404";
    let learn = ["learn", "--format", "json", "--name", "low-port", "--test", test, "start.sh#2"];
    let ran = with(&podman, NOWHERE, &tree, &learn);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let document = ran.json();
    assert_eq!(document["needed"], json!(["CAP_NET_BIND_SERVICE"]), "{document:#}");
    let change = document["alternatives"][0]["change"].as_str().unwrap();
    assert!(change.contains("ip_unprivileged_port_start"), "{document:#}");
    nothing_is_left(&podman);
}

#[test]
fn a_compose_service_is_learned_where_docker_talks_to_podman() {
    let podman = podman();
    let limits = podman.directory().join("containers.conf");
    std::fs::write(
        &limits,
        "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=1024:1024\"]\n",
    )
    .unwrap();
    let socket = podman.directory().join("podman.sock");
    let host = format!("unix://{}", socket.display());
    let mut service = podman.command();
    service.args(["system", "service", "--time=0", &host]).env("CONTAINERS_CONF", &limits);
    let mut service = service.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while std::os::unix::net::UnixStream::connect(&socket).is_err() {
        assert!(Instant::now() < deadline, "podman's service does not answer");
        std::thread::sleep(Duration::from_millis(50));
    }
    let compose = format!(
        "services:\n  web:\n    image: localhost/box:1\n    cap_drop: [ALL]\n    cap_add: [CHOWN, KILL]\n    \
         network_mode: none\n    volumes: ['data:/data']\n    command: {}\nvolumes: {{data: {{}}}}\n",
        SERVE.replace("sh -c ", "[sh, -c, ") + "]"
    );
    let tree = Tree::new(&[("compose.yaml", &compose)]);
    let learn = ["learn", "--format", "json", "--test", "test -e /tmp/up", "compose.yaml#web"];
    let ran = with(&podman, &host, &tree, &learn);
    service.kill().unwrap();
    service.wait().unwrap();
    assert_eq!(ran.code, 0, "{}", ran.all());
    let document = ran.json();
    assert_eq!(document["needed"], json!(["CAP_CHOWN"]), "{document:#}");
    assert_eq!(document["engine"], format!("podman {}", podman.version()));
    assert!(document["notes"].to_string().contains("`docker` talks to podman"), "{document:#}");
    nothing_is_left(&podman);
}
