//! `dropcap harden`: plan, proof of before, changes, proof of after. Needs root and docker.io.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "scan/tree.rs"]
#[allow(dead_code, reason = "the scan's tests use the rest")]
mod tree;

use dropcap_testkit::docker::Docker;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tree::{DROPCAP, Ran, Tree, each};

const COMPOSE: &str = "services:\n  agent:\n    image: example/agent:latest\n    user: sandbox\n    network_mode: none\n";

/// A tree with a Compose file, and the example's root directory in `root`, with its setuid-root file.
fn tree() -> Tree {
    let tree = Tree::new(&[("compose.yaml", COMPOSE)]);
    let copied = Command::new("cp").arg("-a").arg(example_root()).arg(tree.path("root")).status();
    assert!(copied.unwrap().success());
    tree
}

/// Made once, and taken away by whoever clears the temporary folder of cargo.
fn example_root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let place = tempfile::Builder::new()
            .prefix("harden-root-")
            .tempdir_in(env!("CARGO_TARGET_TMPDIR"))
            .unwrap()
            .keep();
        let make = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/agent/make-root");
        let made = Command::new(make).arg(place.join("root")).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        place.join("root")
    })
}

fn harden(tree: &Tree, arguments: &[&str]) -> Ran {
    let mut all = vec!["harden", "--rootfs", "root"];
    all.extend(arguments);
    tree.dropcap(&all)
}

fn json(tree: &Tree, arguments: &[&str]) -> (Value, i32) {
    let mut all = vec!["--format", "json"];
    all.extend(arguments);
    let ran = harden(tree, &all);
    (ran.json(), ran.code)
}

/// The open doors of a proof beyond what is kept.
fn open(proof: &Value) -> Vec<&str> {
    proof["open_beyond_allowed"]
        .as_array()
        .unwrap()
        .iter()
        .map(|door| door.as_str().unwrap())
        .collect()
}

#[test]
fn without_fix_it_proves_both_and_writes_nothing() {
    let tree = tree();
    let (report, code) = json(&tree, &["--no-engine"]);
    let agent = &report["containers"][0];
    assert_eq!(agent["id"], "compose.yaml#agent");
    assert_eq!(open(&agent["before"]), ["setuid-exec"]);
    assert_eq!(open(&agent["after"]), [""; 0]);
    assert!(report["diff"].as_str().unwrap().contains("+    cap_drop:"), "{report:#}");
    assert_eq!(report["written"], Value::Array(Vec::new()));
    assert_eq!(tree.text("compose.yaml"), COMPOSE);
    assert_eq!(code, 1, "the file still says what is open");
}

#[test]
fn what_is_not_proved_needs_to_be_asked_for_by_name() {
    let tree = tree();
    let ran = harden(&tree, &["--fix", "--no-engine", "compose.yaml#agent"]);
    assert_eq!(tree.text("compose.yaml"), COMPOSE);
    assert_eq!(ran.code, 1, "{}", ran.all());

    let ran = harden(&tree, &["--fix", "--unsafe-fixes", "--no-engine"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    // A kernel without modules cannot be asked to load one.
    let shown = ran.stdout.replace("(5 could not be tried)", "(4 could not be tried)");
    insta::assert_snapshot!(shown);
    let fixed = tree.text("compose.yaml");
    assert!(fixed.contains("cap_drop") && fixed.contains("no-new-privileges:true"), "{fixed}");

    let again = harden(&tree, &["--fix", "--unsafe-fixes", "--no-engine"]);
    assert_eq!((again.code, tree.text("compose.yaml")), (0, fixed));
    // Proved by the other verb, from the file as it is now.
    let proof =
        tree.dropcap(&["prove", "compose.yaml#agent", "--rootfs", "root", "--format", "json"]);
    assert_eq!((proof.code, open(&proof.json()).len()), (0, 0), "{}", proof.all());
}

#[test]
fn what_is_proved_is_written_by_fix_alone() {
    use std::os::unix::fs::PermissionsExt;
    let tree = tree();
    let su = tree.path("root/usr/bin/su");
    std::fs::set_permissions(su, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (report, code) = json(&tree, &["--fix", "--no-engine"]);
    assert_eq!(code, 0, "{report:#}");
    assert!(each(&report["containers"][0]["changes"], "tier").iter().all(|tier| *tier == "safe"));
    assert!(tree.text("compose.yaml").contains("cap_drop"));
}

#[test]
fn a_container_that_cannot_start_is_named_and_the_others_are_proved() {
    let tree = tree();
    let other = "  broken:\n    image: example/agent:latest\n    cap_add: [SYS_ADMINN]\n";
    tree.write("compose.yaml", format!("{COMPOSE}{other}"));
    let (report, code) = json(&tree, &["--no-engine"]);
    assert_eq!(code, 1);
    assert_eq!(each(&report["containers"], "id"), ["compose.yaml#agent", "compose.yaml#broken"]);
    let broken = &report["containers"][1];
    assert!(broken["before"].is_null());
    assert!(broken["unproved"].to_string().contains("SYS_ADMINN"), "{broken:#}");
    assert_eq!(open(&report["containers"][0]["after"]), [""; 0]);
}

#[test]
fn a_dockerfile_is_proved_and_its_start_left_to_the_reader() {
    let tree = tree();
    std::fs::remove_file(tree.path("compose.yaml")).unwrap();
    tree.write("Dockerfile", "FROM example/agent-base\nUSER sandbox\n");
    let (report, code) = json(&tree, &["--no-engine", "--fix", "--unsafe-fixes"]);
    assert_eq!(code, 1);
    let image = &report["containers"][0];
    assert_eq!(
        (&image["id"], open(&image["before"])),
        (&"Dockerfile#final".into(), vec!["setuid-exec"])
    );
    assert!(image["by_hand"].to_string().contains("docker run --cap-drop ALL"), "{image:#}");
    assert_eq!(report["written"], Value::Array(Vec::new()));
}

#[test]
fn usage_and_missing_files_end_in_two() {
    let tree = tree();
    assert_eq!(harden(&tree, &["missing"]).code, 2);
    assert_eq!(harden(&tree, &["compose.yaml#nobody"]).code, 2);
    assert_eq!(tree.dropcap(&["harden", "--engine", "lxc"]).code, 2);
}

/// The real engine: the image is imported, and each workload's own test is run in it.
mod with_docker {
    use super::*;

    const IMAGE: &str = "example/agent:latest";

    fn docker() -> &'static Docker {
        static IMPORTED: OnceLock<()> = OnceLock::new();
        let docker = Docker::shared();
        IMPORTED.get_or_init(|| {
            docker.import(example_root(), IMAGE, &[]);
        });
        docker
    }

    /// Hardens a tree whose one service is `user` and whose policy has this test.
    fn tried(user: &str, test: &str, seconds: u32) -> (Tree, Value, i32) {
        let docker = docker();
        let tree = Tree::new(&[(
            "compose.yaml",
            &format!(
                "services:\n  agent:\n    image: {IMAGE}\n    user: {user}\n    network_mode: none\n    \
                 command: [sleep, \"{seconds}\"]\n"
            ),
        )]);
        tree.write(
            "dropcap.toml",
            format!(
                "version = 1\n[[workload]]\nname = \"agent\"\ntest = \"{test}\"\nmatch = [{{ container = \
                 \"compose.yaml#agent\" }}]\n"
            ),
        );
        let path = std::env::var("PATH").unwrap_or_default();
        let client = docker.client().parent().unwrap().display();
        let output = Command::new(DROPCAP)
            .args(["harden", "--fix", "--unsafe-fixes", "--patience", "10", "--format", "json"])
            .current_dir(tree.root())
            .env("DOCKER_HOST", docker.host())
            .env("PATH", format!("{client}:{path}"))
            .output()
            .unwrap();
        let ran = Ran::from(output);
        // Whatever came of it, what was started is gone.
        let left = docker.run(["ps", "--all", "--no-trunc", "--format", "{{.Command}}"]).unwrap();
        assert!(!left.contains(&format!("sleep {seconds}")), "{left}");
        (tree, ran.json(), ran.code)
    }

    #[test]
    fn a_change_stays_where_the_test_still_passes() {
        let (tree, report, code) = tried("sandbox", "touch /tmp/it-works", 61);
        assert_eq!(report["containers"][0]["trial"]["outcome"], "passed", "{report:#}");
        assert_eq!(code, 0);
        assert!(tree.text("compose.yaml").contains("cap_drop"));
    }

    #[test]
    fn a_change_goes_where_it_breaks_the_test() {
        let (tree, report, code) = tried("root", "touch /tmp/it && chown 1000 /tmp/it", 62);
        assert_eq!(report["containers"][0]["trial"]["outcome"], "broken", "{report:#}");
        assert_eq!(code, 1, "it is as open as before");
        assert!(!tree.text("compose.yaml").contains("cap_drop"));
    }

    #[test]
    fn a_test_that_fails_already_tells_nothing() {
        let (_, report, _) = tried("sandbox", "exit 3", 63);
        // The container lives on, so the test is tried until its time is up.
        assert_eq!(report["containers"][0]["trial"]["outcome"], "fails-before", "{report:#}");
    }
}
