//! What tells two apart.

use crate::place::Place;

#[test]
fn a_difference_is_shown_and_ends_with_1() {
    let place = Place::new();
    let rootfs = ["--rootfs", "root"];
    let compare = |first: &str, second: &str| {
        place.text(&[&[first, "--compare", second], &rootfs[..]].concat())
    };
    insta::assert_snapshot!(
        [
            compare("compose.yaml#agent", "compose.yaml#fixed"),
            compare("compose.yaml#fixed", "compose.yaml#agent"),
            compare("compose.yaml#agent", "compose.yaml#agent"),
        ]
        .join("\n")
    );
    let json = place.json(&["compose.yaml#agent", "--compare", "compose.yaml#fixed"]);
    assert_eq!((&json["schema"], &json["differs"]), (&1.into(), &true.into()));
    assert_eq!(json["sets"]["bounding"]["lost"].as_array().map(Vec::len), Some(14), "{json}");
    assert_eq!(json["sets"]["bounding"]["gained"], serde_json::json!([]));
    assert_eq!(json["changed"]["no_new_privs"], serde_json::json!([false, true]));
}

#[test]
fn what_cannot_be_compared_ends_with_2() {
    let place = Place::new();
    insta::assert_snapshot!(
        [
            place.text(&["self", "--compare", "processes:"]),
            place.text(&["rootfs:root", "--compare", "self"]),
            place.text(&["self", "pid:1", "--compare", "self"]),
        ]
        .join("\n")
    );
}
