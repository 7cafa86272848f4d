//! `dropcap learn container:NAME`: a copy is tried, and the running one is left alone. Needs root, docker.io and
//! busybox-static.

use crate::engine::dropcap;
use crate::tree::Tree;
use dropcap_testkit::docker::Docker;
use dropcap_testkit::root;
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;

/// It needs CHOWN, and whatever it is started with: each is looked for.
const SERVE: &str = "trap 'exit 0' TERM
    [ \"$GREETING\" = 'hello, you' ] && [ $PWD = /data ] && [ $(busybox hostname) = its-name ] || exit 3
    busybox grep -q mine /own/mine && ! busybox touch /only-read 2>/dev/null || exit 4
    [ $(busybox id -u) = 0 ] && echo more >>/own/mine && busybox rm -f f && busybox touch f && busybox chown 33 f || exit 5
    echo up >/tmp/up; while :; do sleep 0.05; done";

#[test]
fn a_copy_is_tried_and_the_running_one_is_left_alone() {
    let docker = &Docker::start().unwrap();
    let tree = Tree::new(&[("own/mine", "mine")]);
    let place = tempfile::tempdir().unwrap();
    root::busybox(place.path(), "root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
    docker.import(place.path(), "running/box:1", &["ENTRYPOINT [\"sh\"]"]);
    let own = format!("--volume={}:/own", tree.path("own").display());
    let line = [
        "run",
        "--detach",
        "--name=mine",
        "--cap-drop=ALL",
        "--cap-add=CHOWN",
        "--cap-add=KILL",
        "--read-only",
        "--tmpfs=/tmp",
        "--volume=its-data:/data",
        &own,
        "--env=GREETING=hello, you",
        "--workdir=/data",
        "--hostname=its-name",
        "--entrypoint=busybox",
        "running/box:1",
        "sh",
        "-c",
        SERVE,
    ];
    docker.run(line).unwrap();
    // It writes until then.
    while docker.run(["exec", "mine", "test", "-e", "/tmp/up"]).is_err() {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    docker.run(["exec", "mine", "sh", "-c", "echo precious > /data/precious"]).unwrap();
    // The image's name is another one's by now.
    let other = tempfile::tempdir().unwrap();
    root::busybox(other.path(), "root:x:0:0:other:/:/bin/sh\n", "root:x:0:\n");
    docker.import(other.path(), "running/box:1", &[]);
    fs::write(tree.path("own/mine"), "mine").unwrap();
    let state = || {
        let format = "{{.State.StartedAt}} {{.State.Pid}} {{.State.Running}} {{.RestartCount}}";
        let state = docker.run(["inspect", "--format", format, "mine"]).unwrap();
        let look = "busybox find /data /own /tmp -exec busybox stat -c '%n %Y %Z' {} +; cat /data/precious /own/mine";
        let data = docker.run(["exec", "mine", "sh", "-c", look]).unwrap();
        // In no order of their own.
        let diff: BTreeSet<_> =
            docker.run(["diff", "mine"]).unwrap().lines().map(str::to_owned).collect();
        (state, diff, data)
    };
    let before = state();

    let learn = ["learn", "--format", "json", "container:mine", "--test", "test -e /tmp/up"];
    let ran = dropcap(docker, &tree, &learn);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let document = ran.json();
    assert_eq!(document["needed"], json!(["CAP_CHOWN"]), "{document:#}");
    assert_eq!(document["start"], json!(["CAP_CHOWN", "CAP_KILL"]), "{document:#}");
    assert!(document["notes"].to_string().contains("a copy of it was tried"), "{document:#}");
    let image = docker.run(["inspect", "--format", "{{.Image}}", "mine"]).unwrap();
    assert_eq!(document["image_digest"].as_str().unwrap(), image.trim());
    assert_eq!(state(), before, "the running one is not as it was");
    assert_eq!(docker.run(["ps", "-aq"]).unwrap().lines().count(), 1);
    assert_eq!(docker.run(["volume", "ls", "-q"]).unwrap().trim(), "its-data");
    let policy = tree.text("dropcap.toml");
    assert!(policy.contains("match = [{ name = \"mine\" }]"), "{policy}");

    // It is known again by its name, and brings its test along.
    tree.write(
        "dropcap.toml",
        policy.replace("name = \"mine\"\nallow", "name = \"called-so\"\nallow"),
    );
    let ran = dropcap(docker, &tree, &["learn", "--compare", "container:mine"]);
    assert!(ran.code == 0 && ran.stdout.contains("called-so: needs CAP_CHOWN"), "{}", ran.all());

    let ran = dropcap(docker, &tree, &["learn", "--test", "true", "container:nobody"]);
    assert!(ran.code == 2 && ran.stderr.contains("there is no container nobody"), "{}", ran.all());
}
