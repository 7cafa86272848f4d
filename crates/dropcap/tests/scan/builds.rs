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

#[test]
fn a_detour_in_a_path_hides_nothing() {
    let compose = "services:\n  agent:\n    image: x\n    entrypoint: [/entrypoint.sh]\n    \
        volumes: [./entrypoint.sh:/entrypoint.sh:ro]\n";
    let script = "#!/bin/sh\nexec capsh --drop=cap_net_raw -- -c agent\n";
    let tree = Tree::new(&[
        ("up/compose.yaml", compose),
        ("up/entrypoint.sh", script),
        ("other/deep/README.md", ""),
    ]);
    for target in ["up", "other/../up", "./other/deep/../../up", "other/../up/compose.yaml#agent"] {
        let found = tree.dropcap(&["scan", "--format", "json", target]).json();
        let containers: Vec<&str> = found["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|finding| finding["rule"] == "entrypoint-only-drop")
            .map(|finding| finding["container"].as_str().unwrap())
            .collect();
        assert!(!containers.is_empty(), "{target}: {found}");
        assert!(containers.iter().all(|it| *it == "up/compose.yaml#agent"), "{containers:?}");
    }
    // `..` behind a link leads to the parent of where the link leads.
    std::os::unix::fs::symlink("other/deep", tree.path("link")).unwrap();
    tree.write("other/compose.yaml", "services:\n  elsewhere:\n    image: y\n");
    let found = tree.dropcap(&["scan", "--format", "json", "link/../compose.yaml"]).json();
    assert_eq!(found["containers"][0]["id"], "link/../compose.yaml#elsewhere");
}

/// A Dockerfile without `USER` has that of the image that it begins with, and one that is not there
/// says nothing.
#[test]
fn root_is_certain_only_where_somebody_wrote_it_or_nothing_lies_below() {
    let build = "services:\n  it:\n    build: .\n";
    let message = |files: &[(&str, &str)]| {
        let found = Tree::new(files).dropcap(&["scan", "--format", "json"]).json();
        let findings = found["findings"].as_array().unwrap();
        let of_root = findings.iter().find(|one| one["rule"] == "runs-as-root").unwrap();
        let text = |field: &str| of_root[field].as_str().unwrap().to_owned();
        (text("level"), text("message"))
    };
    for (dockerfile, level, words) in [
        ("FROM example/app\n", "note", "if `example/app` sets no USER"),
        ("FROM example/app AS a\nFROM a\n", "note", "if `example/app` sets no USER"),
        ("FROM scratch\n", "warning", "starts as root: no USER is set"),
        ("FROM example/app\nUSER 0\n", "warning", "starts as root (`0`)"),
    ] {
        for files in [
            &[("Dockerfile", dockerfile)][..],
            &[("compose.yaml", build), ("Dockerfile", dockerfile)],
        ] {
            let (found, said) = message(files);
            assert!(found == level && said.contains(words), "{dockerfile}: {found}: {said}");
        }
    }
    let (level, said) = message(&[("compose.yaml", build)]);
    assert!(level == "note" && said.contains("if its image sets no USER"), "{level}: {said}");
}
