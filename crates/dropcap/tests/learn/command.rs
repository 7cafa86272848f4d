//! Of a command, and of a service in Docker.

use crate::engine::{dropcap, nothing_is_left};
use crate::tree::{DROPCAP, Ran, Tree};
use dropcap_testkit::docker::Docker;
use dropcap_testkit::root;
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn learn(tree: &Tree, arguments: &[&str]) -> Ran {
    tree.dropcap(&[&["learn"], arguments].concat())
}

fn found(tree: &Tree, arguments: &[&str]) -> Value {
    let ran = learn(tree, &[&["--format", "json"], arguments].concat());
    assert_eq!(ran.code, 0, "{}", ran.all());
    ran.json()
}

const CHOWNS: &str = "rm -f x; touch x && chown 33 x";

#[test]
fn a_command_is_learned_and_the_policy_says_so() {
    let tree = Tree::new(&[("dropcap.toml", "version = 1 # ours\n")]);
    let document = found(&tree, &["--name", "it", "--", "sh", "-c", CHOWNS]);
    assert_eq!(document["needed"], json!(["CAP_CHOWN"]));
    let call = document["without"][0]["call"].as_str().unwrap();
    assert!(call.contains("chown") && call.ends_with("EPERM"), "{document:#}");
    let policy = tree.text("dropcap.toml");
    assert!(
        policy.starts_with("version = 1 # ours\n") && policy.contains("allow = [\"CHOWN\"]"),
        "{policy}"
    );
    let evidence: Value = serde_json::from_str(&tree.text("dropcap.evidence.json")).unwrap();
    assert_eq!(evidence["workloads"]["it"][0]["needed"], json!(["CAP_CHOWN"]));

    // What was learned is what `run` gives it, and nothing less works.
    let line = ["--", "sh", "-c", CHOWNS];
    let run = |head: &[&str]| tree.dropcap(&[head, &line].concat()).code;
    assert_eq!(run(&["run", "--policy", "dropcap.toml", "--workload", "it"]), 0);
    assert_ne!(run(&["run"]), 0);

    let same = learn(&tree, &["--compare", "--name", "it", "--", "sh", "-c", CHOWNS]);
    assert_eq!(same.code, 0, "{}", same.all());
    let other = learn(&tree, &["--compare", "--name", "it", "--", "true"]);
    assert_eq!(other.code, 1, "{}", other.all());
    assert!(other.stdout.contains("gone") && other.stdout.contains("CAP_CHOWN"), "{}", other.all());
    assert_eq!(tree.text("dropcap.toml"), policy, "comparing writes nothing");
    let left: Vec<_> = std::fs::read_dir(tree.root()).unwrap().collect();
    assert_eq!(left.len(), 3, "the policy, the evidence, and what the command made: {left:?}");
}

#[test]
fn what_is_refused_while_it_passes_is_told() {
    let tree = Tree::new(&[]);
    let quiet = "rm -f x; touch x; chown 33 x 2>/dev/null; true";
    let document = found(&tree, &["--name", "it", "--", "sh", "-c", quiet]);
    assert_eq!(document["needed"], json!([]));
    assert_eq!(document["refused_but_passed"][0]["capability"], "CAP_CHOWN", "{document:#}");
    assert!(tree.text("dropcap.toml").contains("refused-but-passed"));
    let document = found(&tree, &["--by-trial", "--name", "other", "--", "sh", "-c", quiet]);
    assert_eq!(document["refused_but_passed"], json!([]));
}

/// Serves until SIGTERM, and needs CHOWN to start again.
const SERVER: &str = "cd $DROPCAP_STATE; if [ -e data ]; then chown 33 data || exit 1; fi; touch data; \
    trap 'rm ready; exit 0' TERM; touch ready; while :; do sleep 0.02; done";

#[test]
fn a_server_is_started_twice() {
    let tree = Tree::new(&[]);
    let line = ["--name", "it", "--test", "test -e $DROPCAP_STATE/ready", "--", "sh", "-c", SERVER];
    let document = found(&tree, &line);
    assert_eq!(document["needed"], json!(["CAP_CHOWN"]));
    assert_eq!(document["without"][0]["phase"], "restart on the same state");
    assert_eq!(document["not_covered"], json!(["exec"]));
}

#[test]
fn what_cannot_be_concluded_is_refused_with_a_reason() {
    let tree = Tree::new(&[("flaky", "")]);
    let refused = |arguments: &[&str], words: &str| {
        let ran = learn(&tree, arguments);
        assert_eq!(ran.code, 2, "{}", ran.all());
        assert!(ran.stderr.contains(words), "{words}: {}", ran.all());
        assert!(!tree.path("dropcap.toml").exists());
    };
    refused(&["--", "sh", "-c", "echo so it is; exit 3"], "it ended with status 3\n  | so it is");
    refused(&["--", "sh", "-c", "exit 125"], "it ended with status 125");
    refused(&["--test", "true", "--", "sleep", "9"], "it proves nothing");
    refused(&["--patience", "1", "--", "sleep", "99"], "it did not end in 1.0 s");
    let test_that_hangs = ["--patience", "1", "--test", "sleep 99", "--", "sleep", "99"];
    refused(&test_that_hangs, "the test did not pass");
    refused(
        &["--", "sh", "-c", "echo x >> flaky; [ $(wc -l < flaky) != 2 ]"],
        "not to be relied on",
    );
    refused(&["--", "./nowhere"], "127");
    refused(&["compose.yaml#web"], "cannot read");
    refused(&["--by-trace", "--", "true"], "not there yet");
    refused(&["--user", "nobody-here", "--", "true"], "no user");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let says = "echo 'bind: Address already in use'; exit 1";
    refused(&["--test", "false", "--", "sh", "-c", says], "a port that it listens on is taken");
    drop(taken);
}

#[test]
fn what_is_mended_is_tried_anew() {
    let tree = Tree::new(&[]);
    let learn = ["learn", "--by-trial", "--", "test", "-e", "mended"];
    let ran = tree.dropcap(&learn);
    assert_eq!(ran.code, 2, "{}", ran.all());
    assert!(ran.stderr.contains("make it pass as it is first"), "{}", ran.all());
    assert_eq!(std::fs::read_dir(tree.root()).unwrap().count(), 0, "nothing is left of it");
    tree.write("mended", "");
    assert_eq!(tree.dropcap(&learn).code, 0);
}

#[test]
fn evidence_that_cannot_be_added_to_is_said_before_anything_runs() {
    let tree = Tree::new(&[("dropcap.evidence.json", "{ \"schema\": 1,")]);
    let ran = tree.dropcap(&["learn", "--by-trial", "--", "touch", "it-ran"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
    assert!(
        ran.stderr.contains("nothing can be added to ./dropcap.evidence.json"),
        "{}",
        ran.all()
    );
    assert!(!tree.path("it-ran").exists());
}

#[test]
fn a_phase_has_a_second_at_least_and_a_day_at_most() {
    let tree = Tree::new(&[]);
    for wrong in ["0", "86401", "99999999999999999999"] {
        let ran = tree.dropcap(&["learn", "--patience", wrong, "--", "true"]);
        assert_eq!(ran.code, 2, "{}", ran.all());
        assert!(ran.stderr.contains("--patience"), "{}", ran.all());
    }
}

#[test]
fn an_interrupted_search_leaves_nothing_and_goes_on() {
    let tree = Tree::new(&[]);
    let line = "echo x >> count; sleep 0.2; sleep 77.125 & rm -f x; touch x && chown 33 x";
    let arguments = ["learn", "--by-trial", "--name", "it", "--", "sh", "-c", line];
    let mut child = Command::new(DROPCAP)
        .args(arguments)
        .current_dir(tree.root())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let runs = || tree.path("count").exists().then(|| tree.text("count").lines().count());
    let deadline = Instant::now() + Duration::from_secs(60);
    while runs().is_none_or(|runs| runs < 6) {
        assert!(Instant::now() < deadline, "it does not run");
        std::thread::sleep(Duration::from_millis(10));
    }
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let still = || {
        let processes = std::fs::read_dir("/proc").unwrap().flatten();
        let mut lines = processes.filter_map(|one| std::fs::read(one.path().join("cmdline")).ok());
        lines.any(|line| line == b"sleep\x0077.125\0")
    };
    assert!(!still(), "what it started goes on");
    let before = runs().unwrap();
    let ran = tree.dropcap(&arguments);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(ran.stderr.contains(".dropcap.learn.it"), "it says that it goes on: {}", ran.all());
    let evidence: Value = serde_json::from_str(&tree.text("dropcap.evidence.json")).unwrap();
    let all = evidence["workloads"]["it"][0]["runs"].as_u64().unwrap();
    let again = (runs().unwrap() - before) as u64;
    assert!(again < all && all - again >= 4, "{again} of {all} were made again");
    assert!(!still());
}

const COMPOSE: &str = "services:
  web:
    image: learn/box:1
    depends_on: [db]
    volumes: ['data:/data', './own:/own']
    environment: {GREETING: hello}
    command: [sh, -c, 'trap \"exit 0\" TERM; echo $$GREETING > /own/said; [ -e /data/f ] || touch /data/f; chown 33 /data/f && touch /tmp/up; while :; do sleep 0.05; done']
  db:
    image: learn/box:1
    command: [sh, -c, 'trap \"exit 0\" TERM; while :; do sleep 0.05; done']
volumes: {data: {}}
";
const POLICY: &str = "version = 1\n[[workload]]\nname = \"web\"\ntest = \"test -e /tmp/up\"\n\
    match = [{ container = \"compose.yaml#web\" }]\n";

/// The real engine: learned, mended with nothing given by hand but the test, and drift afterwards.
#[test]
fn a_service_is_learned_in_an_engine_and_harden_takes_it_up() {
    let docker = &Docker::start().unwrap();
    let tree =
        Tree::new(&[("compose.yaml", COMPOSE), ("dropcap.toml", POLICY), ("own/mine", "mine")]);
    let place = tree.path("root");
    root::busybox(&place, "root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
    for applet in ["touch", "chown"] {
        std::os::unix::fs::symlink("busybox", place.join("bin").join(applet)).unwrap();
    }
    docker.import(&place, "learn/box:1", &[]);
    std::fs::remove_dir_all(&place).unwrap();

    let nothing = dropcap(docker, &tree, &["learn", "--test", "true", "compose.yaml#web"]);
    assert!(nothing.code == 2 && nothing.stderr.contains("proves nothing"), "{}", nothing.all());

    let ran = dropcap(docker, &tree, &["harden", "--fix", "compose.yaml#web"]);
    let fixed = tree.text("compose.yaml");
    assert!(fixed.contains("cap_add: [CHOWN]"), "{fixed}\n{}", ran.all());
    assert!(ran.stdout.contains("safe, by evidence"), "{}", ran.all());
    assert!(!ran.stdout.contains("not tested"), "what was learned was tested: {}", ran.all());
    let policy = tree.text("dropcap.toml");
    assert!(
        policy.starts_with(POLICY.trim_end()) || policy.contains("allow = [\"CHOWN\"]"),
        "{policy}"
    );
    assert_eq!(
        std::fs::read_dir(tree.path("own")).unwrap().count(),
        1,
        "the user's data is written to"
    );
    nothing_is_left(docker);

    // Another image of the same name: the evidence is not of it.
    docker.run(["rmi", "learn/box:1"]).unwrap();
    let other = tempfile::tempdir().unwrap();
    root::busybox(other.path(), "root:x:0:0:other:/:/bin/sh\n", "root:x:0:\n");
    docker.import(other.path(), "learn/box:1", &[]);
    tree.write("compose.yaml", COMPOSE);
    let scanned = dropcap(docker, &tree, &["scan"]);
    assert!(scanned.stdout.contains("policy-drift"), "{}", scanned.all());
    assert!(!scanned.stdout.contains("by evidence"), "{}", scanned.all());
}

/// SYS_ADMIN stands in for PERFMON, which is tried in its place; an older engine does not know that name.
#[test]
fn a_capability_that_the_engine_does_not_know_does_not_end_the_search() {
    const MOUNTS: &str = "services:
  mounter:
    image: learn/mounter:1
    cap_drop: [ALL]
    cap_add: [SYS_ADMIN]
    command: [sh, -c, 'trap \"exit 0\" TERM; busybox mount -t tmpfs tmpfs /tmp || exit 1; echo up >/tmp/up; while :; do sleep 0.05; done']
";
    let docker = Docker::start().unwrap();
    let tree = Tree::new(&[("compose.yaml", MOUNTS)]);
    let place = tempfile::tempdir().unwrap();
    root::busybox(place.path(), "root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
    docker.import(place.path(), "learn/mounter:1", &[]);
    let ran =
        dropcap(&docker, &tree, &["learn", "--test", "test -e /tmp/up", "compose.yaml#mounter"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(tree.text("dropcap.toml").contains("allow = [\"SYS_ADMIN\"]"), "{}", ran.all());
}

/// The test passes without CHOWN; the image's own health check does not.
#[test]
fn the_images_health_check_has_to_hold_too_and_extra_hosts_are_there() {
    const SERVICE: &str = "services:
  web:
    image: learn/healthy:1
    cap_drop: [ALL]
    cap_add: [CHOWN, KILL]
    extra_hosts: ['model:10.9.8.7']
    command: [sh, -c, 'trap \"exit 0\" TERM; busybox grep -q 10.9.8.7 /etc/hosts || exit 9; touch /tmp/up; chown 33 /tmp/up; while :; do sleep 0.05; done']
";
    let docker = Docker::start().unwrap();
    let tree = Tree::new(&[("compose.yaml", SERVICE)]);
    let place = tempfile::tempdir().unwrap();
    root::busybox(place.path(), "root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
    for applet in ["touch", "chown", "stat"] {
        std::os::unix::fs::symlink("busybox", place.path().join("bin").join(applet)).unwrap();
    }
    let check = "HEALTHCHECK CMD test $(stat -c %u /tmp/up) = 33";
    docker.import(place.path(), "learn/healthy:1", &[check]);
    let learn = |file: &str| {
        let target = format!("{file}#web");
        let test = ["--test", "test -e /tmp/up", "--format", "json", target.as_str()];
        let ran = dropcap(&docker, &tree, &[&["learn"], test.as_slice()].concat());
        assert_eq!(ran.code, 0, "{}", ran.all());
        ran.json()
    };
    let document = learn("compose.yaml");
    assert_eq!(document["needed"], json!(["CAP_CHOWN"]), "{document:#}");
    let how = document["without"][0]["how"].as_str().unwrap();
    assert!(how.contains("health check says"), "{how}");

    // One that stands in the file is in place of the image's, which is not asked then.
    tree.write("compose.yaml", format!("{SERVICE}    healthcheck: {{test: 'true'}}\n"));
    let document = learn(&tree.path("compose.yaml").to_string_lossy());
    assert_eq!(document["needed"], json!([]), "{document:#}");
    assert!(document["notes"].to_string().contains("`healthcheck` is left out"), "{document:#}");
    // However the file is named, the policy names it from its own folder.
    let policy = tree.text("dropcap.toml");
    let matches = policy.lines().filter(|line| line.starts_with("match")).collect::<Vec<_>>();
    assert_eq!(matches, ["match = [{ container = \"compose.yaml#web\" }]"], "{policy}");
}

#[test]
fn without_an_engine_it_says_so() {
    let tree = Tree::new(&[("compose.yaml", COMPOSE)]);
    // A policy that is named need not be there yet.
    for place in [[].as_slice(), &["--policy", "new.toml"]] {
        let output = Command::new(DROPCAP)
            .args(["learn", "--test", "true", "compose.yaml#web"])
            .args(place)
            .current_dir(tree.root())
            .env("DOCKER_HOST", "unix:///nowhere/docker.sock")
            .output()
            .unwrap();
        let ran = Ran::from(output);
        assert!(ran.code == 2 && ran.stderr.contains("no engine"), "{}", ran.all());
    }
}
