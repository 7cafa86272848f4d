//! A Compose file alone, whose Dockerfile lies elsewhere.

use crate::tree::Tree;

#[test]
fn a_dockerfile_is_read_wherever_the_compose_file_that_was_named_has_it() {
    let tree = Tree::new(&[
        ("up/compose.yaml", "services:\n  agent:\n    build: ../image\n"),
        ("image/Dockerfile", "FROM debian:12\nUSER sandbox\n"),
    ]);
    for target in ["up/compose.yaml", "up/compose.yaml#agent", "up"] {
        let found = tree.dropcap(&["scan", "--format", "json", target]).json();
        let containers = found["containers"].as_array().unwrap();
        assert_eq!(containers.len(), 1, "{target}: the Dockerfile is no container of its own");
        assert_eq!(containers[0]["user"], "sandbox", "{target}");
    }
}

#[test]
fn no_file_of_another_name_is_opened_because_a_compose_file_points_at_it() {
    let build = "services:\n  agent:\n    build: {context: .., dockerfile: secret}\n";
    let tree = Tree::new(&[("up/compose.yaml", build), ("secret", "#!/bin/sh\nFROM x\n")]);
    let found = tree.dropcap(&["scan", "--format", "json", "up"]).json();
    assert_eq!(found["errors"].as_array().unwrap().len(), 0, "{found}");
    assert_eq!(found["containers"][0]["user"].as_str(), None, "{found}");
}
