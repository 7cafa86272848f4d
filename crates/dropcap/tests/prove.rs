//! `dropcap prove` and `dropcap inspect`, end to end: as root, as another user, inside a user
//! namespace with many ids.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test")]

use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const COMPOSE: &str = r#"services:
  agent:
    image: example/agent
    user: "1000"
  fixed:
    image: example/agent
    user: "1000"
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
  root:
    image: example/agent
    user: "0"
"#;

/// A folder with the Compose file and the program, open to every user.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        assert!(rustix::process::geteuid().is_root(), "these tests need root: run them as root");
        let folder = tempfile::Builder::new().prefix("prove").tempdir().expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("its mode");
        fs::write(folder.path().join("compose.yaml"), COMPOSE).expect("the Compose file");
        let program = folder.path().join("dropcap");
        dropcap_testkit::root::copy(env!("CARGO_BIN_EXE_dropcap"), &program);
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).expect("its mode");
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// A root directory with one setuid file of root's.
    fn image(&self) -> PathBuf {
        let root = self.path().join("root");
        for directory in ["bin", "etc", "tmp", "proc", "dev"] {
            fs::create_dir_all(root.join(directory)).expect("a directory");
        }
        fs::write(root.join("etc/passwd"), "root:x:0:0::/:/\nsandbox:x:1000:1000::/:/\n").unwrap();
        dropcap_testkit::root::copy(env!("CARGO_BIN_EXE_dropcap"), root.join("bin/su"));
        fs::set_permissions(root.join("bin/su"), fs::Permissions::from_mode(0o4755)).unwrap();
        root
    }

    /// Runs a shell command line there, with `$D` as the program.
    fn shell(&self, line: &str) -> Output {
        Command::new("sh")
            .args(["-c", line])
            .env("D", self.path().join("dropcap"))
            .current_dir(self.path())
            .output()
            .expect("a shell")
    }

    fn json(&self, line: &str) -> (Value, Option<i32>) {
        let output = self.shell(line);
        let json = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
        (json, output.status.code())
    }
}

fn attempt<'a>(proof: &'a Value, door: &str) -> &'a Value {
    let attempts = proof["attempts"].as_array().expect("attempts");
    attempts.iter().find(|one| one["door"] == door).unwrap_or_else(|| panic!("no door {door}"))
}

fn verdict<'a>(proof: &'a Value, door: &str) -> &'a str {
    attempt(proof, door)["verdict"].as_str().expect("a verdict")
}

const USER: &str = "setpriv --reuid 1 --regid 1 --clear-groups";

/// The names and their order are what other programs rest on.
#[test]
fn the_json_is_as_it_was_fixed() {
    let place = Place::new();
    let text = place.shell(&format!("{USER} $D prove compose.yaml#fixed --format json")).stdout;
    let text = String::from_utf8(text).expect("text");
    let mut at = 0;
    let keys = [
        "schema",
        "target",
        "allowed",
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
        "seccomp",
        "user_namespace",
        "attempts",
        "door",
        "verdict",
        "held",
        "attempt",
        "result",
        "expected",
        "because",
        "open_beyond_allowed",
    ];
    for key in keys {
        let found = text[at..].find(&format!("\"{key}\":"));
        at += found.unwrap_or_else(|| panic!("{key} is not where it should be:\n{text}"));
    }
    let proof: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(proof["schema"], 1);
    assert_eq!(proof["attempts"].as_array().expect("attempts").len(), 50);
}

/// What is mounted here, but for what engines mount that start or end meanwhile: each in the place
/// where it keeps its images.
fn mounts() -> Vec<String> {
    let of_engine = ["/dropcap-docker-", "/containers/storage/", "/docker/", "/containerd/"];
    let text = fs::read_to_string("/proc/self/mounts").expect("mounts");
    let lines = text.lines().filter(|line| !of_engine.iter().any(|place| line.contains(place)));
    lines.map(str::to_owned).collect()
}

#[test]
fn a_container_that_drops_nothing_is_open_by_one_setuid_file_and_closed_once_fixed() {
    let place = Place::new();
    let root = place.image();
    let before = fs::metadata(root.join("tmp")).expect("it is there").modified().expect("a time");
    let mounts = mounts();
    let rootfs = format!("--rootfs {}", root.display());

    let (open, code) = place.json(&format!("$D prove compose.yaml#agent {rootfs} --format json"));
    assert_eq!(code, Some(1), "{open}");
    assert_eq!(open["state"]["effective"], Value::Array(vec![]));
    assert_eq!(verdict(&open, "setuid-exec"), "open", "{open}");
    assert_eq!(attempt(&open, "setuid-exec")["attempt"], "execve(/bin/su)");
    assert_eq!(attempt(&open, "setuid-exec")["gains"].as_array().map(Vec::len), Some(14));
    assert_eq!(open["open_beyond_allowed"], serde_json::json!(["setuid-exec"]));

    let (fixed, code) = place.json(&format!("$D prove compose.yaml#fixed {rootfs} --format json"));
    assert_eq!(code, Some(0), "{fixed}");
    for one in fixed["attempts"].as_array().expect("attempts") {
        let verdict = one["verdict"].as_str().expect("a verdict");
        assert!(["closed", "ungated", "inert", "not-tried"].contains(&verdict), "{one}");
    }
    // What is mounted into the container, and who else runs there, is not here to be tried.
    for door in ["setuid-plant", "engine-socket", "ptrace-neighbour", "devices"] {
        assert_eq!(verdict(&fixed, door), "not-tried", "{}", attempt(&fixed, door));
    }
    // Every answer of the kernel is what the model says.
    let attempts = [&open, &fixed].map(|proof| proof["attempts"].as_array().expect("attempts"));
    for one in attempts.into_iter().flatten().filter(|one| one["verdict"] != "not-tried") {
        assert!(one["expected"].is_null() || one["result"] == one["expected"], "{one}");
    }
    // Nothing stays behind.
    assert_eq!(self::mounts(), mounts);
    assert_eq!(fs::metadata(root.join("tmp")).unwrap().modified().unwrap(), before);
    assert_eq!(fs::read_dir(root.join("tmp")).expect("it is there").count(), 0);
}

#[test]
fn root_of_a_container_has_the_doors_of_docker_s_defaults_open_and_they_can_be_allowed() {
    let place = Place::new();
    let (proof, code) = place.json("$D prove compose.yaml#root --format json");
    assert_eq!(code, Some(1), "{proof}");
    let open = proof["open_beyond_allowed"].as_array().expect("names");
    // All of Docker's 14 but NET_BIND_SERVICE, which its sysctl asks of nobody.
    assert_eq!(open.len(), 13, "{open:?}");
    let all = place.shell("$D prove compose.yaml#root --allow all");
    assert_eq!(all.status.code(), Some(0), "{}", String::from_utf8_lossy(&all.stdout));
    let some = place.json("$D prove compose.yaml#root --allow net_raw,CHOWN --format json").0;
    assert_eq!(some["open_beyond_allowed"].as_array().map(Vec::len), Some(11), "{some}");
}

/// What one user id cannot show is not tried, and never called closed.
#[test]
fn without_root_and_without_more_ids_what_cannot_be_shown_is_not_tried() {
    let place = Place::new();
    let (proof, code) = place.json(&format!("{USER} $D prove compose.yaml#agent --format json"));
    assert_eq!(code, Some(0), "{proof}");
    let not_tried = [
        "setuid-exec",
        "file-capability-exec",
        "root-writes-kernel-files",
        "CAP_MKNOD",
        "CAP_CHOWN",
        "CAP_SETUID",
        "CAP_SETGID",
        "CAP_KILL",
    ];
    for door in not_tried {
        assert_eq!(verdict(&proof, door), "not-tried", "{}", attempt(&proof, door));
        assert_ne!(attempt(&proof, door)["because"], "", "{door}");
    }
    assert_eq!(verdict(&proof, "CAP_NET_RAW"), "closed");
    assert_eq!(proof["state"]["uid"], 1000);
    assert_eq!(proof["state"]["bounding"].as_array().map(Vec::len), Some(14));
}

/// With ids in /etc/subuid the setuid door can be shown: inside a user namespace that has a root.
#[test]
fn without_root_but_with_more_ids_the_setuid_door_is_shown() {
    let place = Place::new();
    fs::write(place.path().join("ids"), "daemon:200000:65536\n").expect("ids");
    let inside = |line: &str| {
        place.json(&format!(
            "unshare -m sh -c 'mount --make-rprivate / && touch /etc/subuid /etc/subgid && mount \
             --bind ids /etc/subuid && mount --bind ids /etc/subgid && {USER} $D prove {line} \
             --format json'"
        ))
    };
    let (open, code) = inside("compose.yaml#agent");
    assert_eq!((verdict(&open, "setuid-exec"), code), ("open", Some(1)), "{open}");
    let gains = &attempt(&open, "setuid-exec")["gains"];
    assert_eq!(gains.as_array().map(Vec::len), Some(14), "{open}");
    assert_eq!(verdict(&open, "CAP_KILL"), "closed", "{open}");
    assert_eq!(verdict(&open, "CAP_MKNOD"), "not-tried", "{open}");
    let (fixed, code) = inside("compose.yaml#fixed");
    assert_eq!((verdict(&fixed, "setuid-exec"), code), ("closed", Some(0)), "{fixed}");
}

#[test]
fn a_target_that_is_none_ends_in_2_and_says_what_to_do() {
    let place = Place::new();
    for (target, said) in [
        ("nonsense", "is no target"),
        ("compose.yaml#nobody", "there is no container"),
        ("missing.yaml#agent", "missing.yaml"),
        ("container:dropcap-no-such-container", "there is no container"),
    ] {
        let output = place.shell(&format!("$D prove '{target}'"));
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(said) && error.contains("help:"), "{target}: {error}");
    }
}

#[test]
fn inspect_sees_another_process_from_outside() {
    let place = Place::new();
    let line = "setpriv --reuid 1000 --regid 1000 --clear-groups --bounding-set -all,+chown,+kill \
                sleep 20 & pid=$!; sleep 0.3; $D inspect pid:$pid --format json; kill $pid";
    let (one, _) = place.json(line);
    assert_eq!(one["schema"], 1);
    assert_eq!(one["state"]["uid"], 1000);
    assert_eq!(one["state"]["bounding"], serde_json::json!(["CAP_CHOWN", "CAP_KILL"]));
    assert_eq!(one["state"]["securebits"], Value::Null);
    // This machine has setuid-root files.
    assert_eq!(one["reachable"], serde_json::json!(["CAP_CHOWN", "CAP_KILL"]), "{one}");
    assert!(!one["doors"].as_array().expect("doors").is_empty(), "{one}");

    let several = place.shell("$D inspect self pid:1");
    let table = String::from_utf8_lossy(&several.stdout).into_owned();
    assert_eq!(table.lines().count(), 3, "{table}");
    let none = place.shell("$D inspect pid:2000000000");
    assert_eq!(none.status.code(), Some(2));
}
