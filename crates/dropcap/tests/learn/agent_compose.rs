//! `examples/agent-compose` on a real Docker Engine, with nothing given by hand but the tests. Needs root
//! and docker.io, and Debian's packages to fetch nginx from.

use crate::engine::dropcap;
use crate::tree::{DROPCAP, Ran, Tree};
use dropcap_testkit::docker::Docker;
use dropcap_testkit::status::Status;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const COMPOSE: &str = "agent-compose/compose.yaml";
const AGENT: &str = "example/agent:latest";
const GATEWAY: &str = "nginx:1.27";
/// Fails while only a shell sleeps in the container.
const AGENT_TEST: &str = "grep -q infinity /proc/1/cmdline && touch /home/sandbox/works";
/// The agent is what the container is for, and nobody's but its user's.
const GUARDED_TEST: &str =
    "grep -q infinity /proc/1/cmdline && grep -q '^Uid:.1000' /proc/1/status";
/// This one stays root.
const LENIENT_TEST: &str = "grep -q infinity /proc/1/cmdline";
/// Nobody answers behind the gateway, and it says so.
const GATEWAY_TEST: &str = "exec 3<>/dev/tcp/127.0.0.1/80 && echo -e 'GET / HTTP/1.0\\r\\n\\r' >&3 && grep -q '502 Bad Gateway' <&3";

/// The files of the example that are mended.
fn texts(tree: &Tree) -> Vec<(String, String)> {
    let files = ["compose.yaml", "entrypoint.sh", "entrypoint-lenient.sh"];
    let text = |file: &str| {
        let file = format!("agent-compose/{file}");
        let text = tree.text(&file);
        (file, text)
    };
    files.map(text).into()
}

fn policy() -> String {
    let workload = |name: &str, test: &str, container: &str| {
        format!(
            "[[workload]]\nname = \"{name}\"\ntest = '''{test}'''\nmatch = [{{ container = \"{container}\" }}]\n"
        )
    };
    [
        "version = 1\n".to_owned(),
        workload("agent", AGENT_TEST, "agent-compose/compose.yaml#agent"),
        workload("guarded", GUARDED_TEST, "agent-compose/compose.yaml#guarded"),
        workload("lenient", LENIENT_TEST, "agent-compose/compose.yaml#lenient"),
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
    crate::nginx::import(&docker, &root, GATEWAY);
    docker
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

    /// Starts services, and gives of each, when its test passes, the states of its first process and of one
    /// that the engine starts later.
    fn healthy(&self, services: &[Service]) -> Vec<(Status, Status)> {
        let names = services.iter().map(|service| service.name);
        let words: Vec<&str> = ["up", "--detach", "--no-build"].into_iter().chain(names).collect();
        let up = self.compose(&words);
        assert!(up.status.success(), "{up:?}");
        services.iter().map(|service| self.states(service.name, service.test)).collect()
    }

    fn states(&self, service: &str, test: &str) -> (Status, Status) {
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
        let later = self.compose(&["exec", "-T", service, "cat", "/proc/self/status"]);
        let later = Status::parse(&String::from_utf8(later.stdout).unwrap());
        (Status::of(self.docker.first_pid(id.trim()).unwrap()), later)
    }
}

impl Drop for Project<'_> {
    fn drop(&mut self) {
        let _ = self.compose(&["down", "--volumes"]);
    }
}

/// A service of the example, and how it is to end.
struct Service {
    name: &'static str,
    test: &'static str,
    /// What it is given, and an exec with it.
    given: u64,
    /// What is left of that in its first process, when that has stepped down.
    kept: u64,
    user: u32,
}

const SERVICES: [Service; 4] = [
    Service { name: "agent", test: AGENT_TEST, given: 0, kept: 0, user: 1000 },
    // SETGID, SETUID and SETPCAP: its first step needs them for the second, which becomes the user.
    Service {
        name: "guarded",
        test: GUARDED_TEST,
        given: 1 << 6 | 1 << 7 | 1 << 8,
        kept: 0,
        user: 1000,
    },
    Service { name: "lenient", test: LENIENT_TEST, given: 0, kept: 0, user: 0 },
    // CHOWN, SETGID and SETUID: nginx gives its folders to its workers' user, and they become it.
    Service {
        name: "gateway",
        test: GATEWAY_TEST,
        given: 1 << 0 | 1 << 6 | 1 << 7,
        kept: 1 << 0 | 1 << 6 | 1 << 7,
        user: 0,
    },
];

/// The rules whose fixes nothing proves, and those of them that find fault with each script.
const KINDS: [&str; 2] = ["caps-not-dropped", "new-privileges-allowed"];
const GUARDED_KINDS: [&str; 3] =
    ["drop-order-fails", "entrypoint-only-drop", "entrypoint-only-drop"];
const LENIENT_KINDS: [&str; 2] = ["drop-not-verified", "entrypoint-only-drop"];

/// What the services say in the end.
const GUARDED_AFTER: &str = "    cap_drop: [ALL]
    cap_add: [SETGID, SETUID, SETPCAP]
    security_opt: [no-new-privileges:true]
";
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
    // A port of this machine that nobody else has.
    tree.write(COMPOSE, tree.text(COMPOSE).replace("127.0.0.1:8080:80", "127.0.0.1::80"));
    let before = texts(&tree);
    // Nothing but its files: what is there to be read says too little.
    let found = dropcap(&docker, &tree, &["scan", "--no-local-images", "--format", "json"]);
    for service in &SERVICES {
        let tiers = tiers(&found, &format!("{COMPOSE}#{}", service.name));
        assert!(!tiers.is_empty() && tiers.iter().all(|(_, tier)| tier == "unsafe"), "{tiers:?}");
    }

    let ran = dropcap(&docker, &tree, &["harden", "--fix", "agent-compose"]);
    let fixed = tree.text(COMPOSE);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(!ran.stdout.contains("unsafe:"), "what is not safe was taken: {}", ran.all());

    let lenient = "/entrypoint-lenient.sh:ro\n";
    let mount = format!("      - {DROPCAP}:/usr/local/bin/dropcap:ro\n");
    for part in [
        AGENT_AFTER,
        GATEWAY_AFTER,
        &format!("/entrypoint.sh:ro\n{mount}{GUARDED_AFTER}"),
        &format!(
            "{lenient}{mount}    cap_drop: [ALL]\n    security_opt: [no-new-privileges:true]\n"
        ),
    ] {
        assert!(fixed.contains(part), "{part}\n{fixed}\n{}", ran.all());
    }
    let line = "docker run --cap-drop ALL --security-opt no-new-privileges:true -d --name agent";
    assert!(tree.text("agent-compose/README.md").contains(line), "{}", ran.all());
    let script = tree.text("agent-compose/run.sh");
    assert!(script.contains("--cap-drop ALL \\\n") && !script.contains("cap-add"), "{script}");
    for script in ["entrypoint.sh", "entrypoint-lenient.sh"] {
        assert!(!tree.text(&format!("agent-compose/{script}")).contains("exec capsh"));
    }
    assert_eq!(docker.run(["ps", "-aq"]).unwrap(), "", "a trial left something");

    let project = Project { docker: &docker, folder: tree.path("agent-compose") };
    let states = project.healthy(&SERVICES);
    for ((first, later), service) in states.iter().zip(&SERVICES) {
        let Service { name, given, kept, user, .. } = service;
        assert_eq!(later.bounding, *given, "{name}: {later:?}\n{fixed}");
        assert_eq!((first.bounding, first.uid[0]), (*kept, *user), "{name}: {first:?}");
        assert_eq!(first.permitted & !kept, 0, "{name}: {first:?}");
        assert!(first.no_new_privs && later.no_new_privs, "{name}: {first:?} {later:?}");
    }
    drop(project);
    let again = dropcap(&docker, &tree, &["scan", "--fix", "agent-compose"]);
    assert_eq!(tree.text(COMPOSE), fixed, "{}", again.all());

    evidence_holds_until_something_is_another(&docker, &tree, &before);
}

/// What was learned makes the fixes of the files as they were safe, without another trial; and no longer
/// where another image has the name, it is started with something else, or by another engine, or its script
/// is another one.
fn evidence_holds_until_something_is_another(
    docker: &Docker,
    tree: &Tree,
    before: &[(String, String)],
) {
    let text = &before.iter().find(|(file, _)| file == COMPOSE).unwrap().1;
    let scanned =
        |words: &[&str]| dropcap(docker, tree, &[&["scan", "--format", "json"], words].concat());
    let of = |container: &str, scanned: &Ran| tiers(scanned, &format!("{COMPOSE}#{container}"));
    // Each has every kind of fix that is expected, and all of them have this tier.
    let all_are = |container: &str, tier: &str| {
        let found = of(container, &scanned(&[]));
        let more: &[&str] = match container {
            "guarded" => &GUARDED_KINDS,
            "lenient" => &LENIENT_KINDS,
            _ => &[],
        };
        for kind in KINDS.iter().chain(more) {
            assert!(
                found.iter().any(|(rule, _)| rule == kind),
                "{container}: no {kind}: {found:?}"
            );
        }
        assert!(found.iter().all(|(_, one)| one == tier), "{container} is not {tier}: {found:?}");
    };
    for (file, text) in before {
        tree.write(file, text);
    }
    for service in &SERVICES {
        all_are(service.name, "safe");
    }

    tree.write(
        COMPOSE,
        text.replace("    user: sandbox\n", "    user: sandbox\n    command: [-c, id]\n"),
    );
    all_are("agent", "unsafe");
    all_are("gateway", "safe");
    tree.write(COMPOSE, text);

    let podman = of("gateway", &scanned(&["--engine", "podman"]));
    assert!(podman.iter().all(|(_, tier)| tier == "unsafe"), "another engine: {podman:?}");
    assert_eq!(podman.len(), KINDS.len());

    another_script_was_not_learned(docker, tree, before, &all_are);

    docker.run(["tag", AGENT, GATEWAY]).unwrap();
    all_are("gateway", "unsafe");
    all_are("guarded", "safe");
}

fn another_script_was_not_learned(
    docker: &Docker,
    tree: &Tree,
    before: &[(String, String)],
    all_are: &dyn Fn(&str, &str),
) {
    let script = "agent-compose/entrypoint-lenient.sh";
    let text = &before.iter().find(|(file, _)| file == script).unwrap().1;
    tree.write(script, text.replace("exec agent'", "id; exec agent'"));
    all_are("lenient", "unsafe");
    all_are("guarded", "safe");
    let said = dropcap(docker, tree, &["scan"]).stdout;
    assert!(said.contains("was learned with another text of agent-compose/entrypoint-lenient.sh"));
    tree.write(script, text);
    all_are("lenient", "safe");

    // Its mend is what was learned: where a waiver leaves the script as it is, nothing is.
    let policy = tree.text("dropcap.toml");
    let waiver = |rule: &str| {
        format!("\n[[waiver]]\nrule = \"{rule}\"\ncontainer = \"*#lenient\"\nreason = \"x\"\n")
    };
    tree.write("dropcap.toml", format!("{policy}{}", waiver("drop-not-verified")));
    let scanned = dropcap(docker, tree, &["scan", "--format", "json"]);
    let left = tiers(&scanned, &format!("{COMPOSE}#lenient"));
    assert!(left.iter().all(|(_, tier)| tier == "unsafe"), "{left:?}");
    tree.write("dropcap.toml", policy);
}
