//! What `dropcap learn` proposes in place of a capability. Needs root, docker.io and busybox-static.

use crate::engine::{learn, nothing_is_left};
use crate::tree::Tree;
use dropcap_testkit::docker::Docker;
use dropcap_testkit::root;
use serde_json::json;

/// As many images start: what is not its user's is given to it, and it becomes that user.
const STEPS_DOWN: &str = "#!/bin/sh
set -e
if [ $(id -u) = 0 ]; then
    busybox find /data /own ! -user 33 -exec busybox chown 33:33 {} +
    exec su -s /bin/sh www -c 'exec sh /serve'
fi
exec sh /serve
";
/// Whoever it is, both have to be its own.
const SERVE: &str = "trap 'exit 0' TERM
echo more >>/data/mine; echo more >>/own/mine; >/tmp/up
while :; do busybox sleep 0.05; done
";

#[test]
fn places_that_were_prepared_are_proposed_in_place_of_chown() {
    let docker = &Docker::start().unwrap();
    let place = tempfile::tempdir().unwrap();
    root::busybox(
        place.path(),
        "root:x:0:0::/:/bin/sh\nwww:x:33:33::/:/bin/sh\n",
        "root:x:0:\nwww:x:33:\n",
    );
    for (name, text) in [("entry", STEPS_DOWN), ("serve", SERVE)] {
        std::fs::write(place.path().join(name), text).unwrap();
    }
    std::os::unix::fs::symlink("busybox", place.path().join("bin/stat")).unwrap();
    std::os::unix::fs::symlink("busybox", place.path().join("bin/chown")).unwrap();
    docker.import(place.path(), "steps/down:1", &["ENTRYPOINT [\"sh\", \"/entry\"]"]);
    let compose = "services:\n  db:\n    image: steps/down:1\n    volumes: [\"data:/data\", \"./own:/own\"]\n\
                   volumes:\n  data:\n";
    let tree = Tree::new(&[("compose.yaml", compose), ("own/mine", "mine\n")]);
    let ran = learn(docker, &tree, "compose.yaml#db");
    assert_eq!(ran.code, 0, "{}", ran.all());
    let document = ran.json();
    assert_eq!(
        document["needed"],
        json!(["CAP_CHOWN", "CAP_SETGID", "CAP_SETUID"]),
        "{document:#}"
    );
    let prepared = "before it starts, /data belongs to 33:33, /own to 33:33";
    let expected = json!([
        { "instead_of": ["CAP_CHOWN"], "change": format!("it works where, {prepared}") },
        { "instead_of": ["CAP_CHOWN", "CAP_SETGID", "CAP_SETUID"],
          "change": format!("it works as whom it becomes: `user: \"33:33\"`, where, {prepared}") },
    ]);
    assert_eq!(document["alternatives"], expected, "{document:#}");
    assert_eq!(tree.text("own/mine"), "mine\n", "the user's own is read");
    nothing_is_left(docker);
}
