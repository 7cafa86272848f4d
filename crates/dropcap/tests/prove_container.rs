//! `dropcap prove container:NAME` on a real Docker Engine and on Podman.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test")]

use dropcap_testkit::docker::Docker;
use dropcap_testkit::podman::Podman;
use dropcap_testkit::root;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const PASSWD: &str = "root:x:0:0::/:/bin/sh\nsandbox:x:1000:1000::/:/bin/sh\n";
const GROUP: &str = "root:x:0:\nsandbox:x:1000:\n";
const DROPCAP: &str = env!("CARGO_BIN_EXE_dropcap");

fn prove(docker: &Docker, arguments: &[&str]) -> Output {
    prove_by(docker.client(), &docker.host(), arguments)
}

fn prove_by(client: &Path, docker_host: &str, arguments: &[&str]) -> Output {
    let mut path = client.parent().expect("a folder").as_os_str().to_owned();
    path.push(":/usr/bin:/bin");
    Command::new(DROPCAP)
        .arg("prove")
        .args(arguments)
        .args(["--format", "json"])
        .env("DOCKER_HOST", docker_host)
        .env("PATH", path)
        .output()
        .expect("dropcap starts")
}

fn json(docker: &Docker, arguments: &[&str]) -> (Value, Option<i32>) {
    parse(&prove(docker, arguments))
}

fn parse(output: &Output) -> (Value, Option<i32>) {
    let json = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (json, output.status.code())
}

fn verdict<'a>(proof: &'a Value, door: &str) -> &'a str {
    let attempts = proof["attempts"].as_array().expect("attempts");
    let one = attempts.iter().find(|one| one["door"] == door).expect("the door");
    one["verdict"].as_str().expect("a verdict")
}

fn notes(proof: &Value) -> String {
    proof["notes"].to_string()
}

/// One engine for all of it: each test of its own would start another.
#[test]
fn running_containers_are_proved_from_where_an_exec_stands() {
    let docker = Docker::shared();
    let full = docker.directory().join("prove-full");
    root::busybox(&full, PASSWD, GROUP);
    root::program(&full, Path::new("/bin/busybox"), "/bin/su-setuid", 0o4755);
    docker.import(&full, "prove-full", &[]);
    // A single program: no shell, and nothing to write to.
    let bare = docker.directory().join("prove-bare");
    fs::create_dir_all(bare.join("etc")).expect("a directory");
    fs::write(bare.join("etc/passwd"), PASSWD).expect("passwd");
    root::program(&bare, Path::new("/bin/busybox"), "/busybox", 0o755);
    docker.import(&bare, "prove-bare", &[]);
    let run = |name: &str, options: &[&str], image: &str, command: &[&str]| {
        let start = ["run", "-d", "--name", name, "--network", "none"];
        docker
            .run(start.iter().chain(options).copied().chain([image]).chain(command.iter().copied()))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
    };

    run("plain", &["-u", "1000"], "prove-full", &["/bin/sleep", "600"]);
    let (plain, code) = json(docker, &["container:plain"]);
    assert_eq!(code, Some(1), "{plain}");
    assert_eq!(plain["target"], "container:plain");
    assert_eq!(plain["state"]["uid"], 1000);
    assert_eq!(plain["state"]["permitted"], Value::Array(vec![]));
    assert_eq!(plain["open_beyond_allowed"], serde_json::json!(["setuid-exec"]), "{plain}");
    assert!(notes(&plain).contains("its first process"), "{plain}");
    let left = docker.run(["diff", "plain"]).expect("a diff");
    assert!(!left.contains("dropcap"), "left behind: {left}");

    let (root, _) = json(docker, &["container:plain", "--exec-user", "0"]);
    assert_eq!(root["state"]["uid"], 0, "{root}");
    assert_eq!(verdict(&root, "CAP_NET_RAW"), "open", "{root}");
    assert_eq!(verdict(&root, "CAP_SYS_ADMIN"), "closed", "{root}");

    let drop = ["-u", "1000", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"];
    run("fixed", &drop, "prove-full", &["/bin/sleep", "600"]);
    let (fixed, code) = json(docker, &["container:fixed"]);
    assert_eq!((code, verdict(&fixed, "setuid-exec")), (Some(0), "closed"), "{fixed}");
    let (fixed_root, code) = json(docker, &["container:fixed", "--exec-user", "0"]);
    assert_eq!(code, Some(0), "{fixed_root}");

    // No shell and no place: from memory, and it says so.
    run(
        "bare",
        &["--read-only", "--cap-drop", "CHOWN"],
        "prove-bare",
        &["/busybox", "sleep", "600"],
    );
    let (bare, code) = json(docker, &["container:bare"]);
    assert_eq!(code, Some(1), "{bare}");
    assert!(notes(&bare).contains("from memory"), "{bare}");
    assert_eq!(verdict(&bare, "CAP_NET_RAW"), "open", "{bare}");
    assert_eq!(verdict(&bare, "CAP_CHOWN"), "closed", "{bare}");
    assert_eq!(verdict(&bare, "root-writes-kernel-files"), "closed", "{bare}");
    // What was entered as is what the engine's own exec gives.
    let status =
        docker.run(["exec", "bare", "/busybox", "cat", "/proc/self/status"]).expect("exec");
    let bounding = status.lines().find_map(|line| line.strip_prefix("CapBnd:\t")).expect("a line");
    let count = u64::from_str_radix(bounding, 16).expect("a number").count_ones();
    assert_eq!(bare["state"]["bounding"].as_array().map(Vec::len), Some(count as usize), "{bare}");

    let output = prove(docker, &["container:none-such"]);
    assert_eq!(output.status.code(), Some(2));
    for name in ["plain", "fixed", "bare"] {
        docker.run(["rm", "-f", name]).expect("it goes");
    }
}

#[test]
fn podmans_containers_are_proved_too() {
    let podman = Podman::new();
    let folder = podman.directory().join("root");
    root::busybox(&folder, PASSWD, GROUP);
    podman.import(&folder, "localhost/example/prove:1");
    let run = |name: &str, options: &[&str]| {
        let start = ["run", "--detach", "--name", name, "--network=none", "--user=1000"];
        let command = ["localhost/example/prove:1", "sleep", "600"];
        podman.run([&start[..], options, &command].concat()).expect("it starts");
    };
    let json = |arguments: &[&str]| parse(&prove_by(podman.client(), "unix:///nowhere", arguments));
    // A user's own: Podman gives what is added to a non-root user too, and lets namespaces through.
    run("holding", &["--cap-add=NET_RAW"]);
    let (holding, code) = json(&["container:holding"]);
    assert_eq!(code, Some(1), "{holding}");
    assert_eq!(verdict(&holding, "CAP_NET_RAW"), "open", "{holding}");
    assert_eq!(verdict(&holding, "CAP_CHOWN"), "closed", "{holding}");
    assert_eq!(verdict(&holding, "user-namespace"), "open", "{holding}");
    let (root, _) = json(&["container:holding", "--exec-user", "0"]);
    assert_eq!(verdict(&root, "CAP_CHOWN"), "open", "{root}");

    run("dropped", &["--cap-drop=ALL", "--security-opt=no-new-privileges"]);
    let (dropped, _) = json(&["container:dropped", "--exec-user", "0"]);
    assert_eq!(verdict(&dropped, "CAP_NET_RAW"), "closed", "{dropped}");
    assert_eq!(dropped["state"]["bounding"], Value::Array(vec![]), "{dropped}");
}
