//! `examples/agent-compose` on a real Docker Engine, with nothing given by hand but the tests. Needs root
//! and docker.io, and Debian's packages to fetch nginx from.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "example/nginx.rs"]
mod nginx;
#[path = "scan/tree.rs"]
#[allow(dead_code, reason = "the scan's tests use the rest")]
mod tree;

use dropcap_testkit::docker::Docker;
use dropcap_testkit::status::Status;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};
use tree::{DROPCAP, Ran, Tree};

const AGENT: &str = "example/agent:latest";
const GATEWAY: &str = "nginx:1.27";
/// Fails while only a shell sleeps in the container.
const AGENT_TEST: &str = "grep -q infinity /proc/1/cmdline && touch /home/sandbox/works";
/// Nobody answers behind the gateway, and it says so.
const GATEWAY_TEST: &str = "exec 3<>/dev/tcp/127.0.0.1/80 && echo -e 'GET / HTTP/1.0\\r\\n\\r' >&3 && grep -q '502 Bad Gateway' <&3";

fn policy() -> String {
    let workload = |name: &str, test: &str, container: &str| {
        format!(
            "[[workload]]\nname = \"{name}\"\ntest = '''{test}'''\nmatch = [{{ container = \"{container}\" }}]\n"
        )
    };
    [
        "version = 1\n".to_owned(),
        workload("agent", AGENT_TEST, "agent-compose/compose.yaml#agent"),
        workload("guarded", AGENT_TEST, "agent-compose/compose.yaml#guarded"),
        workload("gateway", GATEWAY_TEST, "agent-compose/compose.yaml#gateway"),
        workload("by-script", AGENT_TEST, "agent-compose/run.sh#*"),
        workload("by-hand", AGENT_TEST, "agent-compose/README.md#*"),
    ]
    .join("\n")
}

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// The engine, with both images made of this machine's programs.
fn engine() -> Docker {
    let docker = Docker::start_in(&std::env::temp_dir(), |_| {
        r#"{"host-gateway-ip": "127.0.0.1"}"#.to_owned()
    })
    .unwrap();
    let root = docker.directory().join("agent-root");
    let made = Command::new(examples().join("agent/make-root")).arg(&root).output().unwrap();
    assert!(made.status.success(), "{made:?}");
    docker.import(&root, "example/agent-base:latest", &[]);
    let built = docker
        .command()
        .env("DOCKER_BUILDKIT", "0")
        .args(["build", "--network", "none", "--tag", AGENT])
        .arg(examples().join("agent"))
        .output()
        .unwrap();
    assert!(built.status.success(), "{built:?}");
    nginx::import(&docker, &root, GATEWAY);
    docker
}

fn dropcap(docker: &Docker, tree: &Tree, arguments: &[&str]) -> Ran {
    let output = Command::new(DROPCAP)
        .args(arguments)
        .current_dir(tree.root())
        .env("DOCKER_HOST", docker.host())
        .output()
        .unwrap();
    output.into()
}

/// The tiers of the fixes of a container, each with its rule.
fn tiers(scanned: &Ran, container: &str) -> Vec<(String, String)> {
    let findings = scanned.json()["findings"].as_array().unwrap().clone();
    let of_it = findings.iter().filter(|finding| finding["container"] == container);
    let tier = |finding: &serde_json::Value| {
        let tier = finding["fix"]["tier"].as_str()?.to_owned();
        Some((finding["rule"].as_str()?.to_owned(), tier))
    };
    of_it.filter_map(tier).collect()
}

/// A running Compose project; it goes with the test.
struct Project<'a> {
    docker: &'a Docker,
    folder: PathBuf,
}

impl Project<'_> {
    fn compose(&self, words: &[&str]) -> Output {
        let answers = |program: &[&str]| {
            let version = Command::new(program[0]).args(&program[1..]).arg("version").output();
            version.is_ok_and(|output| output.status.success())
        };
        let programs = [vec!["docker-compose"], vec!["docker", "compose"]];
        let program = programs.into_iter().find(|program| answers(program));
        let program = program.expect("needs docker-compose: `make setup`");
        let mut command = Command::new(program[0]);
        command.args(&program[1..]).args(["--project-name", "example"]).args(words);
        command.current_dir(&self.folder).env("DOCKER_HOST", self.docker.host());
        command.stdin(Stdio::null()).output().unwrap()
    }

    /// Starts services, and gives the state of the first process of each when its test passes.
    fn healthy(&self, services: &[(&str, &str)]) -> Vec<Status> {
        let names = services.iter().map(|(name, _)| *name);
        let words: Vec<&str> = ["up", "--detach", "--no-build"].into_iter().chain(names).collect();
        let up = self.compose(&words);
        assert!(up.status.success(), "{up:?}");
        services.iter().map(|(name, test)| self.first(name, test)).collect()
    }

    fn first(&self, service: &str, test: &str) -> Status {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let tested = self.compose(&["exec", "-T", service, "sh", "-c", test]);
            if tested.status.success() {
                break;
            }
            let logs = || (self.compose(&["logs", service]), self.docker.run(["ps", "-a"]));
            assert!(Instant::now() < deadline, "{service}: {tested:?}\n{:?}", logs());
            std::thread::sleep(Duration::from_millis(200));
        }
        let id = String::from_utf8(self.compose(&["ps", "-q", service]).stdout).unwrap();
        let format = "{{.State.Running}} {{.RestartCount}}";
        let state = self.docker.run(["inspect", "--format", format, id.trim()]).unwrap();
        assert_eq!(state.trim(), "true 0", "{service} does not stay up");
        Status::of(self.docker.first_pid(id.trim()).unwrap())
    }
}

impl Drop for Project<'_> {
    fn drop(&mut self) {
        let _ = self.compose(&["down", "--volumes"]);
    }
}

/// CHOWN, SETGID and SETUID: nginx gives its folders to its workers' user, and they become it.
const GATEWAY_NEEDS: u64 = 1 << 0 | 1 << 6 | 1 << 7;

/// What the services say in the end.
const AGENT_AFTER: &str = "    restart: unless-stopped
    cap_drop:
      - ALL
    security_opt:
      - no-new-privileges:true
";
const GATEWAY_AFTER: &str = "      - host.docker.internal:host-gateway
    cap_drop:
      - ALL
    cap_add:
      - CHOWN
      - SETGID
      - SETUID
    security_opt:
      - no-new-privileges:true
";

#[test]
fn the_example_ends_healthy_with_the_least_set() {
    let docker = engine();
    let tree = Tree::new(&[("dropcap.toml", &policy())]);
    for folder in ["agent", "agent-compose"] {
        let from = examples().join(folder);
        let copied = Command::new("cp").arg("-r").arg(from).arg(tree.root()).status();
        assert!(copied.unwrap().success());
    }
    let compose = "agent-compose/compose.yaml";
    // A port of this machine that nobody else has.
    tree.write(compose, tree.text(compose).replace("127.0.0.1:8080:80", "127.0.0.1::80"));
    let services = ["agent", "gateway"].map(|service| (service, format!("{compose}#{service}")));
    // Nothing but its files: what is there to be read says too little.
    let before = dropcap(&docker, &tree, &["scan", "--no-local-images", "--format", "json"]);
    for (_, id) in &services {
        let tiers = tiers(&before, id);
        assert!(!tiers.is_empty() && tiers.iter().all(|(_, tier)| tier == "unsafe"), "{tiers:?}");
    }

    let ran = dropcap(&docker, &tree, &["harden", "--fix", "agent-compose"]);
    let fixed = tree.text(compose);
    // `guarded` does not start, which is what it is an example of: nothing can be learned of it.
    assert_eq!(ran.code, 1, "{}", ran.all());
    let not_learned = format!("{compose}#guarded: not learned: it fails with all that it has now");
    assert!(ran.stdout.contains(&not_learned), "{}", ran.all());
    assert!(!ran.stdout.contains("unsafe:"), "what is not safe was taken: {}", ran.all());

    for part in [AGENT_AFTER, GATEWAY_AFTER] {
        assert!(fixed.contains(part), "{fixed}\n{}", ran.all());
    }
    let line = "docker run --cap-drop ALL --security-opt no-new-privileges:true -d --name agent";
    assert!(tree.text("agent-compose/README.md").contains(line), "{}", ran.all());
    let script = tree.text("agent-compose/run.sh");
    assert!(script.contains("--cap-drop ALL \\\n") && !script.contains("cap-add"), "{script}");
    assert_eq!(docker.run(["ps", "-aq"]).unwrap(), "", "a trial left something");

    let project = Project { docker: &docker, folder: tree.path("agent-compose") };
    let states = project.healthy(&[("agent", AGENT_TEST), ("gateway", GATEWAY_TEST)]);
    for (state, (name, needs)) in states.iter().zip([("agent", 0), ("gateway", GATEWAY_NEEDS)]) {
        assert_eq!(state.bounding, needs, "{name}: {state:?}\n{fixed}");
        assert_eq!(state.permitted & !needs, 0, "{name}: {state:?}");
        assert!(state.no_new_privs, "{name}: {state:?}");
    }
    drop(project);

    evidence_holds_until_something_is_another(&docker, &tree, &fixed);
}

/// What was learned makes the fixes of the file as it was safe, without another trial; and no longer
/// where another image has the name, or it is started with something else, or by another engine.
fn evidence_holds_until_something_is_another(docker: &Docker, tree: &Tree, fixed: &str) {
    const KINDS: [&str; 2] = ["caps-not-dropped", "new-privileges-allowed"];
    let compose = "agent-compose/compose.yaml";
    let tiers = |container: &str| {
        let scanned = dropcap(docker, tree, &["scan", "--format", "json"]);
        let tiers = tiers(&scanned, &format!("{compose}#{container}"));
        assert_eq!(tiers.iter().map(|(rule, _)| rule.as_str()).collect::<Vec<_>>(), KINDS);
        tiers.into_iter().map(|(_, tier)| tier).collect::<Vec<_>>()
    };
    let text = before_text(fixed);
    tree.write(compose, &text);
    assert_eq!(tiers("agent"), ["safe", "safe"]);
    assert_eq!(tiers("gateway"), ["safe", "safe"]);

    tree.write(
        compose,
        text.replace("    user: sandbox\n", "    user: sandbox\n    command: [-c, id]\n"),
    );
    assert_eq!(tiers("agent"), ["unsafe", "unsafe"], "another command");
    assert_eq!(tiers("gateway"), ["safe", "safe"]);
    tree.write(compose, &text);
    assert_eq!(tiers("agent"), ["safe", "safe"]);

    let scanned = dropcap(docker, tree, &["scan", "--engine", "podman", "--format", "json"]);
    let podman = crate::tiers(&scanned, &format!("{compose}#gateway"));
    assert!(podman.iter().all(|(_, tier)| tier == "unsafe"), "another engine: {podman:?}");
    assert_eq!(podman.len(), KINDS.len());

    docker.run(["tag", AGENT, GATEWAY]).unwrap();
    assert_eq!(tiers("gateway"), ["unsafe", "unsafe"], "another image");
    assert_eq!(tiers("agent"), ["safe", "safe"]);
}

/// The example as it is written, with the port of the test.
fn before_text(fixed: &str) -> String {
    let written = std::fs::read_to_string(examples().join("agent-compose/compose.yaml")).unwrap();
    let text = written.replace("127.0.0.1:8080:80", "127.0.0.1::80");
    assert_ne!(text, fixed, "nothing was mended");
    text
}
