//! The volumes of a trial of a container are as those of the container. Needs root, docker.io and busybox-static.

use crate::engine::{learn, nothing_is_left};
use crate::tree::Tree;
use dropcap_testkit::docker::Docker;
use dropcap_testkit::root;
use serde_json::json;

/// The second start has to read what the first has given away; it may not write to what it only reads.
const SERVE: &str = "trap 'exit 0' TERM
if [ -e /data/mine ]; then
    cat /data/mine || exit 1
else
    >/data/mine; busybox chmod 0 /data/mine && busybox chown 33 /data/mine || exit 2
fi
! echo more >/read/mine || exit 3
echo up >/tmp/up; while :; do busybox sleep 0.05; done
";

/// `/data` is nobody's word but the image's, as with most databases.
#[test]
fn an_images_own_volumes_are_kept_for_the_second_start_and_what_is_only_read_is_so() {
    let docker = &Docker::start().unwrap();
    let place = tempfile::tempdir().unwrap();
    root::busybox(place.path(), "root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
    std::fs::write(place.path().join("serve"), SERVE).unwrap();
    let words = ["CMD [\"sh\", \"/serve\"]", "VOLUME /data", "VOLUME /read"];
    docker.import(place.path(), "volumes/box:1", &words);
    let compose = "services:\n  db:\n    image: volumes/box:1\n    volumes: [\"read:/read/:ro\"]\n    \
                   cap_drop: [ALL]\n    cap_add: [CHOWN, DAC_READ_SEARCH, KILL]\nvolumes:\n  read:\n";
    let tree = Tree::new(&[("compose.yaml", compose)]);
    let ran = learn(docker, &tree, "compose.yaml#db");
    assert_eq!(ran.code, 0, "{}", ran.all());
    let document = ran.json();
    assert_eq!(document["needed"], json!(["CAP_CHOWN", "CAP_DAC_READ_SEARCH"]), "{document:#}");
    let broke = document["without"].as_array().unwrap();
    let read = broke.iter().find(|one| one["capability"] == "CAP_DAC_READ_SEARCH").unwrap();
    assert_eq!(read["phase"], "restart on the same volumes", "{document:#}");
    nothing_is_left(docker);
}
