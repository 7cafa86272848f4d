//! What a scan says, word for word, and its exit code.

use crate::tree::{Tree, each, of};
use std::fs;

const AGENT: &str = "services:\n  agent:\n    image: example/agent:1\n    user: sandbox\n";
const CLEAN: &str = "services:\n  agent:\n    image: example/agent:1\n    user: \"1000\"\n    \
                     cap_drop: [ALL]\n    security_opt: [no-new-privileges:true]\n";

/// A tree in the shape of the field: a Compose file that builds, an entrypoint that drops by itself, a
/// line in a script and one in a README.
fn field() -> Tree {
    Tree::new(&[
        (
            "compose.yaml",
            "services:\n  agent:\n    build: ./image\n    user: sandbox\n    cap_add: [NET_RAW]\n  \
             tools:\n    image: example/tools:1\n    privileged: true\n    volumes:\n      - \
             /var/run/docker.sock:/var/run/docker.sock\n",
        ),
        (
            "image/Dockerfile",
            "FROM debian:12 AS build\nRUN true\n\nFROM debian:12\nCOPY entrypoint.sh /entrypoint.sh\n\
             USER sandbox\nENTRYPOINT [\"/entrypoint.sh\"]\n",
        ),
        (
            "image/entrypoint.sh",
            "#!/bin/sh\nset -e\nexec capsh --drop=cap_setpcap,cap_net_raw -- -c 'exec agent'\n",
        ),
        ("run.sh", "#!/bin/sh\ndocker run --rm --cap-drop NET_RAW -u 0 example/tools:1 sh\n"),
        ("README.md", "# Tools\n\n```sh\ndocker run --cap-add SYS_ADMINN example/tools:1\n```\n"),
    ])
}

#[test]
fn text_shows_the_source_under_each_finding() {
    insta::assert_snapshot!(field().dropcap(&["scan"]).all());
}

#[test]
fn json_has_the_fields_of_the_schema() {
    let document = field().scan(&["--engine", "docker@20.10"]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&document).unwrap());
}

#[test]
fn a_dockerfile_alone_is_told_how_to_be_started() {
    let tree =
        Tree::new(&[("Dockerfile", "FROM debian:12\nUSER sandbox\nENTRYPOINT [\"/bin/bash\"]\n")]);
    insta::assert_snapshot!(tree.dropcap(&["scan"]).all());
    for arguments in [&["scan", "--fix"][..], &["scan", "--unsafe-fixes"]] {
        let before = tree.text("Dockerfile");
        tree.dropcap(arguments);
        assert_eq!(tree.text("Dockerfile"), before);
    }
}

#[test]
fn openshell_lines_start_as_root_with_four_more() {
    let line = "#!/bin/sh\nopenshell sandbox create --from Dockerfile\n";
    let tree = Tree::new(&[("start.sh", line), ("Dockerfile", "FROM debian:12\nUSER sandbox\n")]);
    let document = tree.scan(&[]);
    let container = &document["containers"][0];
    assert_eq!(container["engine"], "openshell", "{document:#}");
    let permitted = container["initial"]["permitted"].to_string();
    for added in ["CAP_SYS_ADMIN", "CAP_NET_ADMIN", "CAP_SYS_PTRACE", "CAP_SYSLOG"] {
        assert!(permitted.contains(added), "{permitted}");
    }
    assert_eq!(tree.dropcap(&["scan", "--unsafe-fixes"]).code, 1);
    assert_eq!(tree.text("start.sh"), line);
}

#[test]
fn exit_codes_follow_the_levels() {
    let clean = Tree::new(&[("compose.yaml", CLEAN)]);
    assert_eq!(clean.dropcap(&["scan"]).code, 0);
    let agent = Tree::new(&[("compose.yaml", AGENT)]);
    for (level, code) in [("error", 1), ("warning", 1), ("note", 1), ("never", 0)] {
        assert_eq!(agent.dropcap(&["scan", "--fail-on", level]).code, code, "{level}");
    }
    // Nothing in it reaches what stays in its bounding set: a warning.
    let warning = AGENT.to_owned() + "    security_opt: [no-new-privileges:true]\n";
    let warning = Tree::new(&[("compose.yaml", &warning)]);
    for (level, code) in [("error", 0), ("warning", 1), ("note", 1)] {
        assert_eq!(warning.dropcap(&["scan", "--fail-on", level]).code, code, "{level}");
    }
    assert_eq!(Tree::new(&[]).dropcap(&["scan"]).code, 0);
}

#[test]
fn two_wins_over_one_where_a_named_file_is_broken() {
    let tree = Tree::new(&[("compose.yaml", AGENT), ("sub/compose.yaml", "services: [\n")]);
    assert_eq!(tree.dropcap(&["scan"]).code, 1);
    assert_eq!(tree.dropcap(&["scan", "--strict-collection"]).code, 2);
    assert_eq!(tree.dropcap(&["scan", "compose.yaml", "sub/compose.yaml"]).code, 2);
    assert_eq!(tree.dropcap(&["scan", "missing.yaml"]).code, 2);
    assert_eq!(tree.dropcap(&["scan", "--engine", "lxc"]).code, 2);
    let other = Tree::new(&[("notes.txt", "x")]);
    assert_eq!(other.dropcap(&["scan", "notes.txt"]).code, 2);
}

#[test]
fn a_baseline_leaves_out_what_is_known() {
    let tree = Tree::new(&[("compose.yaml", AGENT)]);
    let known = tree.dropcap(&["scan", "--format", "json"]).stdout;
    tree.write("known.json", &known);
    assert_eq!(tree.dropcap(&["scan", "--baseline", "known.json"]).code, 0);
    // The same finding two lines further down is still known, another service's is not.
    tree.write("compose.yaml", format!("# moved\n\n{AGENT}  other:\n    image: x\n    user: y\n"));
    let document = tree.scan(&["--baseline", "known.json"]);
    assert!(each(&document["findings"], "container").iter().all(|id| *id == "compose.yaml#other"));
    assert!(!of(&document, "caps-not-dropped").is_empty());
    tree.write("known.json", "{}");
    assert_eq!(tree.dropcap(&["scan", "--baseline", "known.json"]).code, 2);
}

#[test]
fn standard_input_is_read_as_the_file_that_it_is_said_to_be() {
    let tree = Tree::new(&[]);
    let ran = tree.dropcap_with(
        &["scan", "-", "--stdin-filename", "x/compose.yaml", "--format", "json"],
        AGENT,
    );
    assert_eq!(ran.code, 1);
    assert_eq!(ran.json()["containers"][0]["id"], "x/compose.yaml#agent");
    let script = "docker run --privileged alpine\n";
    let ran =
        tree.dropcap_with(&["scan", "-", "--stdin-filename", "run.sh", "--format", "json"], script);
    assert_eq!(of(&ran.json(), "privileged").len(), 1);
    assert_eq!(tree.dropcap_with(&["scan", "-"], "services: [\n").code, 2);
    assert_eq!(tree.dropcap_with(&["scan", "-", "--fix"], AGENT).code, 2);
}

#[test]
fn one_container_can_be_asked_for() {
    let tree = field();
    let document = tree.scan(&["compose.yaml#tools"]);
    assert_eq!(each(&document["containers"], "id"), ["compose.yaml#tools"]);
    assert!(of(&document, "privileged").len() == 1 && of(&document, "unknown-cap").is_empty());
    let ran = tree.dropcap(&["scan", "compose.yaml#tool"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("compose.yaml#tools"), "{}", ran.stderr);
}

#[test]
fn a_rule_explains_itself() {
    let tree = Tree::new(&[]);
    let ran = tree.dropcap(&["scan", "--explain", "caps-not-dropped"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.starts_with("# caps-not-dropped\n"));
    let page = fs::read_to_string(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/rules/caps-not-dropped.md"
    ));
    assert_eq!(ran.stdout, page.unwrap());
    let wrong = tree.dropcap(&["scan", "--explain", "caps"]);
    assert_eq!(wrong.code, 2);
    assert!(wrong.stderr.contains("caps-not-dropped"));
    let all = tree.dropcap(&["scan", "--explain", "all"]).stdout;
    assert!(all.lines().count() >= 13 && all.contains("engine-socket-mounted"), "{all}");
}

#[test]
fn quiet_says_how_many_and_no_more() {
    let ran = field().dropcap(&["scan", "-q"]);
    assert_eq!(ran.stdout.lines().count(), 2, "{}", ran.stdout);
}

#[test]
fn colour_is_for_terminals_or_for_those_who_ask() {
    let tree = Tree::new(&[("compose.yaml", AGENT)]);
    assert!(!tree.dropcap(&["scan"]).stdout.contains('\x1b'));
    assert!(tree.dropcap(&["scan", "--color", "always"]).stdout.contains('\x1b'));
}

#[test]
fn what_version_control_ignores_is_left_out_unless_asked_for() {
    let tree =
        Tree::new(&[(".gitignore", "vendor/\n"), ("vendor/compose.yaml", AGENT), (".git/x", "")]);
    assert_eq!(each(&tree.scan(&[])["containers"], "id"), [""; 0]);
    assert_eq!(
        each(&tree.scan(&["--no-ignore"])["containers"], "id"),
        ["vendor/compose.yaml#agent"]
    );
}

#[test]
fn an_image_that_is_read_names_its_doors() {
    let tree = Tree::new(&[
        ("compose.yaml", AGENT),
        ("root/etc/passwd", "root:x:0:0::/root:/bin/sh\nsandbox:x:1000:1000::/:/bin/sh\n"),
        ("root/usr/bin/su", ""),
    ]);
    set_mode(&tree, "root/usr/bin/su", 0o4755);
    for (rootfs, state) in
        [("root", "read"), ("example/agent:1=root", "read"), ("other:1=root", "assumed")]
    {
        let document = tree.scan(&["--rootfs", rootfs]);
        assert_eq!(document["containers"][0]["image"]["state"], state);
        let door = &document["containers"][0]["doors"][0];
        let path =
            if state == "read" { "/usr/bin/su" } else { "(assumed) a setuid-root executable" };
        assert_eq!(door["path"], path);
        assert_eq!(door["gains"].as_array().unwrap().len(), 14);
        assert_eq!(of(&document, "regain-by-setuid").len(), usize::from(state == "read"));
    }
    assert_eq!(tree.dropcap(&["scan", "--rootfs", "missing"]).code, 2);
}

pub fn set_mode(tree: &Tree, name: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(tree.path(name), fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn containerd_counts_for_an_image_and_not_for_a_compose_file() {
    let tree = Tree::new(&[("compose.yaml", AGENT), ("Dockerfile", "FROM debian:12\nUSER 1000\n")]);
    let document = tree.scan(&["--engine", "containerd@1.7"]);
    let engines: Vec<(&str, &str)> = each(&document["containers"], "kind")
        .into_iter()
        .zip(each(&document["containers"], "engine"))
        .collect();
    assert!(engines.contains(&("compose", "docker")), "{engines:?}");
    assert!(engines.contains(&("dockerfile", "containerd")), "{engines:?}");
    let findings = of(&document, "caps-not-dropped");
    let of_image = findings.iter().find(|one| one["file"] == "Dockerfile").expect("a finding");
    let help = of_image["help"].as_str().expect("a help");
    assert!(
        help.contains("capabilities: {drop: [ALL]}, allowPrivilegeEscalation: false"),
        "{help}"
    );
}
