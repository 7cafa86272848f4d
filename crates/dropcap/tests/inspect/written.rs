//! Containers of files, and roots.

use crate::place::Place;

#[test]
fn a_container_of_a_file_is_shown_in_its_initial_state() {
    let place = Place::new();
    insta::assert_snapshot!(
        [
            place.text(&["compose.yaml#agent", "--rootfs", "root"]),
            place.text(&["compose.yaml#agent"]),
            place.text(&["compose.yaml#agent", "compose.yaml#fixed", "--rootfs", "root"]),
        ]
        .join("\n")
    );
}

/// The names and their order are what other programs rest on.
#[test]
fn the_json_is_as_it_was_fixed() {
    let place = Place::new();
    let arguments = ["compose.yaml#agent", "--rootfs", "root", "--format", "json"];
    let text = String::from_utf8(place.inspect(&arguments).stdout).expect("text");
    let keys = [
        "schema",
        "target",
        "state",
        "effective",
        "permitted",
        "inheritable",
        "bounding",
        "ambient",
        "securebits",
        "no_new_privs",
        "uid",
        "gid",
        "groups",
        "seccomp",
        "user_namespace",
        "reachable",
        "nested",
        "doors",
        "kind",
        "path",
        "gains",
        "witnesses",
        "notes",
    ];
    let mut at = 0;
    for key in keys {
        let found = text[at..].find(&format!("\"{key}\":"));
        at += found.unwrap_or_else(|| panic!("no {key} after byte {at} of {text}"));
    }
    let json = place.json(&arguments[..3]);
    assert_eq!(json["target"], "compose.yaml#agent");
    assert_eq!(json["state"]["bounding"].as_array().map(Vec::len), Some(14), "{json}");
    assert_eq!(json["reachable"], json["state"]["bounding"], "by su");
    let closed = place.json(&["compose.yaml#fixed", "--rootfs", "root"]);
    assert_eq!(closed["reachable"], serde_json::json!([]));
    assert_eq!(closed["nested"], "closed");
}

#[test]
fn a_root_is_its_users_and_its_privileged_files() {
    let place = Place::new();
    insta::assert_snapshot!(place.text(&["rootfs:root"]));
    let json = place.json(&["rootfs:root"]);
    let paths: Vec<&str> = json["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["/bin/ping", "/bin/su", "/bin/write"]);
}

#[test]
fn what_cannot_be_inspected_hides_nothing_of_the_others() {
    let place = Place::new();
    insta::assert_snapshot!(place.text(&[
        "nothing-of-the-kind",
        "bin/nothing-of-the-kind",
        "rootfs:root",
        "pid:none",
        "compose.yaml#none",
        "root",
        "rootfs:none",
    ]));
}
