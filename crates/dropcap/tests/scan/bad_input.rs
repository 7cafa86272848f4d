//! Files that nobody should have written: a clear error with a place, and everything else is scanned.

use crate::tree::{DROPCAP, Ran, Tree, each};
use serde_json::Value;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const GOOD: &str = "services:\n  good:\n    image: x\n";
/// Far more than any of it takes, far less than what a hang takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Scans a tree with one good file and one at `name`; the errors about the bad one.
fn errors_beside_a_good_file(tree: &Tree, name: &str) -> Vec<Value> {
    tree.write("good/compose.yaml", GOOD);
    let started = Instant::now();
    let document = tree.scan(&[]);
    assert!(started.elapsed() < PATIENCE, "{name}: {:?}", started.elapsed());
    let ids = each(&document["containers"], "id");
    assert!(ids.contains(&"good/compose.yaml#good"), "{name}: {document:#}");
    let errors = document["errors"].as_array().unwrap();
    let about = errors.iter().filter(|error| error["file"] == name).cloned().collect();
    for error in errors {
        assert!(error["line"].as_u64().unwrap() > 0 && error["column"].as_u64().unwrap() > 0);
        assert!(error["message"].as_str().unwrap().len() < 400, "{error}");
    }
    about
}

fn one_error(tree: &Tree, name: &str) -> (u64, String) {
    let errors = errors_beside_a_good_file(tree, name);
    assert_eq!(errors.len(), 1, "{name}: {errors:?}");
    (errors[0]["line"].as_u64().unwrap(), errors[0]["message"].as_str().unwrap().to_owned())
}

#[test]
fn bytes_that_are_no_text() {
    for name in ["compose.yaml", "Dockerfile", "run.sh", "README.md"] {
        let tree = Tree::new(&[]);
        tree.write(name, b"a: 1\nb: \xff\xfe\n");
        let (line, message) = one_error(&tree, name);
        assert_eq!(line, 2, "{name}: {message}");
        assert!(message.contains("UTF-8"), "{name}: {message}");
    }
}

#[test]
fn a_binary_file() {
    let tree = Tree::new(&[]);
    let bytes: Vec<u8> =
        (0..100_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    tree.write("compose.yaml", &bytes);
    one_error(&tree, "compose.yaml");
    tree.write("tool", &bytes);
    tree.write("compose.yaml", GOOD);
    assert!(
        errors_beside_a_good_file(&tree, "tool").is_empty(),
        "no name says that it is a script"
    );
}

#[test]
fn a_hundred_megabytes() {
    let tree = Tree::new(&[]);
    File::create(tree.path("compose.yaml")).unwrap().set_len(100 << 20).unwrap();
    let (line, message) = one_error(&tree, "compose.yaml");
    assert_eq!(line, 1);
    assert!(message.contains("larger than 16 MiB (100 MiB)"), "{message}");
}

#[test]
fn ten_thousand_levels_of_yaml() {
    let flow = format!("services:\n  a:\n    x: {}{}\n", "[".repeat(10_000), "]".repeat(10_000));
    let block: String =
        (0..10_000).map(|depth| format!("{}a:\n", " ".repeat(depth % 2_000))).collect();
    let nested: String = (0..3_000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    for text in [flow, block, nested] {
        let tree = Tree::new(&[("compose.yaml", &text)]);
        let errors = errors_beside_a_good_file(&tree, "compose.yaml");
        assert_eq!(errors.len(), 1, "{errors:?}");
    }
}

#[test]
fn an_alias_bomb() {
    let mut text = "x-0: &a0 [ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL, ALL]\n".to_owned();
    for level in 1..12 {
        let below = vec![format!("*a{}", level - 1); 9].join(", ");
        text.push_str(&format!("x-{level}: &a{level} [{below}]\n"));
    }
    text.push_str("services:\n  a:\n    image: x\n    cap_drop: *a11\n");
    let tree = Tree::new(&[("compose.yaml", &text)]);
    let (line, message) = one_error(&tree, "compose.yaml");
    assert!(line > 1, "{message}");
    assert!(message.contains("alias"), "{message}");
}

#[test]
fn links_that_lead_in_a_circle() {
    let tree = Tree::new(&[]);
    symlink("compose.yaml", tree.path("compose.yaml")).unwrap();
    fs::create_dir(tree.path("loop")).unwrap();
    symlink("..", tree.path("loop/up")).unwrap();
    let (_, message) = one_error(&tree, "compose.yaml");
    assert!(message.contains("cannot read it"), "{message}");
    let document = tree.scan(&[]);
    assert_eq!(
        each(&document["containers"], "id"),
        ["good/compose.yaml#good"],
        "once, not for ever"
    );
}

#[test]
fn a_link_that_leads_nowhere() {
    let tree = Tree::new(&[]);
    symlink("gone.yaml", tree.path("compose.yaml")).unwrap();
    one_error(&tree, "compose.yaml");
}

#[test]
fn a_pipe_and_a_folder_that_are_called_like_a_file() {
    let tree = Tree::new(&[]);
    fs::create_dir(tree.path("Dockerfile")).unwrap();
    let made = Command::new("mkfifo").arg(tree.path("compose.yaml")).status().unwrap();
    assert!(made.success());
    let (_, message) = one_error(&tree, "compose.yaml");
    assert!(message.contains("no regular file"), "{message}");
}

#[test]
fn a_file_that_may_not_be_read() {
    let tree = Tree::new(&[
        ("compose.yaml", GOOD),
        ("closed/compose.yaml", GOOD),
        ("good/compose.yaml", GOOD),
    ]);
    crate::reports::set_mode(&tree, ".", 0o755);
    crate::reports::set_mode(&tree, "compose.yaml", 0o000);
    crate::reports::set_mode(&tree, "closed", 0o000);
    // Root may read everything, so the scan is somebody else's, with a binary that may be executed.
    let binary = tree.path("dropcap");
    dropcap_testkit::root::copy(DROPCAP, &binary);
    let mut command = Command::new(&binary);
    command.args(["scan", "--format", "json"]).current_dir(tree.root());
    if rustix_is_root() {
        command.uid(65534).gid(65534);
    }
    let ran = Ran::from(command.output().unwrap());
    let document = ran.json();
    assert_eq!(each(&document["containers"], "id"), ["good/compose.yaml#good"]);
    assert_eq!(each(&document["errors"], "file"), ["closed", "compose.yaml"], "{document:#}");
    crate::reports::set_mode(&tree, "closed", 0o755);
}

fn rustix_is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").unwrap().uid() == 0
}

#[test]
fn files_that_vanish_while_they_are_looked_at() {
    let tree = Tree::new(&[("good/compose.yaml", GOOD)]);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                for number in 0..50 {
                    tree.write(&format!("gone/{number}/compose.yaml"), GOOD);
                }
                let _ = fs::remove_dir_all(tree.path("gone"));
            }
        });
        for _ in 0..20 {
            let document = tree.scan(&[]);
            let ids = each(&document["containers"], "id");
            assert!(ids.contains(&"good/compose.yaml#good"), "{document:#}");
        }
        stop.store(true, Ordering::Relaxed);
    });
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let tree = Tree::new(&[(
        "compose.yaml",
        "services:\n  \"a\\e[31m\":\n    image: \"x\\e]0;title\\a\"\n    cap_add: [\"\\e[2J\"]\n  \
         \"b\\e[31m\":\n    image: x\n",
    )]);
    for arguments in
        [&["scan"][..], &["scan", "-v"], &["scan", "--fix"], &["harden", "--no-engine"]]
    {
        let ran = tree.dropcap(arguments);
        assert!(ran.stdout.contains("compose.yaml"), "{}", ran.all());
        assert!(!ran.stdout.contains(['\x1b', '\x07']), "{arguments:?}: {:?}", ran.stdout);
    }
}
