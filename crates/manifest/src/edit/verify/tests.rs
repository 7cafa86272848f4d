use super::{Source, Wanted, verify};
use crate::{Format, read_as};

/// What would be said of an edit that makes `new` of `old` to drop ALL from the first container.
fn verified(format: Format, old: &str, new: &str) -> Result<(), String> {
    let wanted = Wanted { cap_drop: Some(vec!["ALL".to_owned()]), ..Wanted::default() };
    let before = read_as(format, "file", old.as_bytes());
    let before = Source::of(before, old.as_bytes()).map_err(|error| error.to_string())?;
    verify(&before, new.as_bytes(), &[(0, &wanted)])
}

#[test]
fn a_compose_file_may_change_in_the_key_alone() {
    let old = "x: &x {k: v}\nservices:\n  a: {image: x, ports: [1]}\n  b: {image: y, labels: *x}\nvolumes: {}\n";
    let good = old.replace("ports: [1]", "ports: [1], cap_drop: [ALL]");
    assert_eq!(verified(Format::Compose, old, &good), Ok(()));
    assert!(verified(Format::Compose, old, old).is_err(), "nothing was done");
    for (from, to) in [
        ("ports: [1]", "ports: [2]"),
        ("ports: [1]", "ports: ['1']"),
        ("image: x", "image: z"),
        ("image: y", "image: z"),
        ("labels: *x", "labels: {k: v}"),
        ("k: v", "k: w"),
        ("volumes: {}", "volumes: []"),
        ("  b: {image: y, labels: *x}\n", ""),
        ("volumes: {}\n", "volumes: {}\n---\na: b\n"),
        ("services", "["),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good);
        assert!(verified(Format::Compose, old, &bad).is_err(), "{bad}");
    }
}

#[test]
fn a_script_may_change_in_the_flag_alone() {
    let old = "echo one\ndocker run --name n x y\necho two # three\n";
    let good = old.replace("run ", "run --cap-drop ALL ");
    assert_eq!(verified(Format::Shell, old, &good), Ok(()));
    for (from, to) in [
        ("echo one", "echo 1"),
        ("echo two", "docker run z"),
        ("--name n", "--name m"),
        ("--name n", ""),
        ("x y", "x z"),
        ("x y", "x\ny"),
        ("--cap-drop ALL", "--cap-drop ALL --privileged"),
        ("--cap-drop ALL", "--cap-drop ALL --cap-drop KILL"),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good);
        assert!(verified(Format::Shell, old, &bad).is_err(), "{bad}");
    }
}

#[test]
fn a_manifest_may_change_in_the_security_context_alone() {
    let old = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, labels: {a: b}}\nspec:\n  containers:\n  - \
               {name: c, image: x, resources: {}, securityContext: {seLinuxOptions: {}, capabilities: {why: \
               1}}}\n  - {name: d, image: y}\n";
    let good = old.replace("why: 1", "why: 1, drop: [ALL]");
    assert_eq!(verified(Format::Kubernetes, old, &good), Ok(()));
    assert!(verified(Format::Kubernetes, old, old).is_err(), "nothing was done");
    for (from, to) in [
        ("a: b", "a: c"),
        ("resources: {}", "resources: {a: b}"),
        ("seLinuxOptions: {}", "seLinuxOptions: {a: b}"),
        ("seLinuxOptions: {}, ", ""),
        ("why: 1", "why: 2"),
        ("why: 1, ", ""),
        ("drop: [ALL]", "drop: [ALL], add: [KILL]"),
        ("image: y", "image: y, securityContext: {capabilities: {drop: [ALL]}}"),
        ("image: y", "image: y, stdin: true"),
        ("image: x", "image: x, securityContext: {}"),
        ("kind: Pod", "kind: Deployment"),
    ] {
        let bad = good.replace(from, to);
        assert_ne!(bad, good);
        assert!(verified(Format::Kubernetes, old, &bad).is_err(), "{bad}");
    }
    let bare = old.replace(", securityContext: {seLinuxOptions: {}, capabilities: {why: 1}}", "");
    let given =
        bare.replace("image: x", "image: x, securityContext: {capabilities: {drop: [ALL]}}");
    assert_eq!(verified(Format::Kubernetes, &bare, &given), Ok(()));
}

#[test]
fn the_text_around_a_code_block_may_not_change() {
    let old = "a\n\n```\ndocker run x\n```\n";
    let good = old.replace("run ", "run --cap-drop ALL ");
    assert_eq!(verified(Format::Markdown, old, &good), Ok(()));
    let bad = good.replace("```\n", "```\ndocker run --cap-drop ALL y\n");
    assert!(verified(Format::Markdown, old, &bad).is_err());
}
