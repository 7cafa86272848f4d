//! `dropcap runtime install`, `status` and `uninstall`, on files as they are found.

use crate::world::{TRUSTED, World, binary, dropcap, eventually, text};
use dropcap_testkit::docker::Docker;
use dropcap_testkit::root;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir_in(TRUSTED).unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn run(&self, words: &[&str]) -> Output {
        let (config, etc, link) =
            (self.path("engine/daemon.json"), self.path("etc"), self.path("dropcap-runtime"));
        let places = ["--config", &config, "--policy-directory", &etc, "--link", &link];
        dropcap(&[&["runtime"], words, &places].concat())
    }

    fn ok(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }
}

#[test]
fn uninstalling_brings_back_every_byte_and_leaves_nothing() {
    // As written, with odd spaces; and none at all.
    for before in
        [Some("{ \"log-opts\" :{\"max-size\":\"1m\"},\n\n \"default-runtime\": \"runc\"}"), None]
    {
        let place = Place::new();
        let file = place.0.path().join("engine/daemon.json");
        fs::create_dir(file.parent().unwrap()).unwrap();
        if let Some(text) = before {
            fs::write(&file, text).unwrap();
        }
        let shown = place.ok(&["install", "docker", "--default", "--dry-run"]);
        assert!(shown.contains("+    \"default-runtime\": \"dropcap\""), "{shown}");
        assert_eq!(fs::read_to_string(&file).ok().as_deref(), before, "a dry run changes nothing");
        assert!(!place.0.path().join("etc").exists());

        let said = place.ok(&["install", "docker"]);
        assert!(
            said.contains("OBSERVE-ONLY") && said.contains("systemctl reload docker"),
            "{said}"
        );
        assert!(said.contains("--runtime dropcap"), "{said}");
        place.ok(&["install", "docker", "--default"]);
        let after: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(after["default-runtime"], "dropcap");
        assert_eq!(after["runtimes"]["dropcap"]["path"], place.path("dropcap-runtime"));
        let status = place.ok(&["status", "docker"]);
        assert!(status.contains("OBSERVE-ONLY") && status.contains("registered, the default"));

        place.ok(&["uninstall", "docker"]);
        assert_eq!(fs::read_to_string(&file).ok().as_deref(), before);
        let left: Vec<_> =
            fs::read_dir(place.0.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
        assert_eq!(left, ["engine"]);
    }
}

#[test]
fn what_somebody_wrote_since_stays() {
    let place = Place::new();
    place.ok(&["install", "docker"]);
    let file = place.path("engine/daemon.json");
    let changed = fs::read_to_string(&file).unwrap().replacen('{', "{\n    \"debug\": true,", 1);
    fs::write(&file, changed).unwrap();
    fs::write(place.path("etc/dropcap.toml"), "version = 1\n# mine\n").unwrap();
    let said = place.ok(&["uninstall", "docker"]);
    assert!(said.contains("was changed, and stays"), "{said}");
    let left: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(left, serde_json::json!({"debug": true}));
    assert!(Path::new(&place.path("etc/dropcap.toml")).exists());
}

#[test]
fn what_cannot_be_read_is_left_alone() {
    let place = Place::new();
    fs::create_dir(place.0.path().join("engine")).unwrap();
    fs::write(place.path("engine/daemon.json"), "{ \"a\": }").unwrap();
    let output = place.run(&["install", "docker"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("not the JSON"), "{}", text(&output.stderr));
    assert_eq!(fs::read_to_string(place.path("engine/daemon.json")).unwrap(), "{ \"a\": }");
    assert!(!place.0.path().join("etc").exists());
    let output = place.run(&["install", "kvm"]);
    assert_eq!(output.status.code(), Some(2));
}

/// A dockerd that runs takes it up, and forgets it again: at a reload it keeps what its file leaves out.
#[test]
fn a_daemon_that_runs_is_told_and_forgets() {
    let place = Place::new();
    for before in [
        "{\"debug\": false}",
        "{\"default-runtime\": \"other\", \"runtimes\": {\"other\": {\"path\": \"/bin/true\"}}}",
    ] {
        let docker = Docker::start_in(place.0.path(), |_| before.to_owned()).unwrap();
        let config = docker.directory().join("daemon.json");
        let known = || {
            let format = "{{.DefaultRuntime}}{{range $name, $_ := .Runtimes}} {{$name}}{{end}}";
            let known = docker.run(["info", "--format", format]).unwrap();
            known
                .trim()
                .replace(" io.containerd.runc.v2", "")
                .replace(" io.containerd.runtime.v1.linux", "")
        };
        let stock = known();
        let root = docker.directory().join("root");
        root::busybox(&root, "root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
        docker.import(&root, "box:1", &[]);
        let run = |words: &[&str]| {
            let places = [
                "--policy-directory",
                &place.path("etc"),
                "--link",
                &place.path("dropcap-runtime"),
            ];
            let line =
                [&["runtime"], words, &["--config", config.to_str().unwrap()], &places].concat();
            let output = Command::new(binary())
                .args(line)
                .env("DOCKER_HOST", docker.host())
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", text(&output.stderr));
            text(&output.stdout)
        };
        let said = run(&["install", "docker", "--default"]);
        assert!(said.contains("dockerd has read it"), "{said}");
        let expected = format!("dropcap dropcap {}", stock.split_once(' ').unwrap().1);
        eventually("it is the default", || known() == expected);
        docker
            .run(["run", "-d", "--name=left", "--network=none", "box:1", "sleep", "1000"])
            .unwrap();
        let said = run(&["uninstall", "docker"]);
        // What runs by it is ended by it, and has to be able to.
        assert!(said.contains("stays, since these run and are ended by it: left"), "{said}");
        let first = |known: &str| known.split(' ').next().map(str::to_owned);
        eventually("it is no default", || first(&known()) == first(&stock));
        assert_eq!(fs::read_to_string(&config).unwrap(), before);
        docker.run(["rm", "--force", "left"]).unwrap();
        let log = fs::read_to_string(docker.directory().join("log")).unwrap();
        assert!(!log.contains("failed to exit"), "{log}");
        run(&["uninstall", "docker"]);
        eventually("it is forgotten", || known() == stock);
        assert_eq!(fs::read_to_string(&config).unwrap(), before);
        let left = ["etc", "dropcap-runtime"].map(|name| place.0.path().join(name).exists());
        assert_eq!(left, [false, false]);
    }
}

/// Which containers run past it, as the engine says.
#[test]
fn status_names_the_containers_that_are_not_under_it() {
    let world = World::shared();
    let bare = world.sleeper("bare", &[crate::world::BARE]);
    let held = world.sleeper("held", &[]);
    let etc = world.etc.to_str().unwrap();
    let config = world.docker.directory().join("daemon.json");
    let line = ["runtime", "status", "docker", "--config", config.to_str().unwrap()];
    let line = [&line[..], &["--policy-directory", etc, "--format", "json"]].concat();
    let output = world.dropcap(&line);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["policy"]["without_match"], "observe-only");
    assert_eq!(report["policy"]["workloads"], serde_json::json!(["held", "server", "supervised"]));
    let docker = &report["engines"][0];
    assert_eq!((&docker["registered"], &docker["default"]), (&true.into(), &true.into()));
    let names: Vec<&str> = docker["not_under_it"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&bare.name.as_str()) && !names.contains(&held.name.as_str()),
        "{names:?}"
    );
}
