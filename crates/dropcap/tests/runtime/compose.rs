//! Docker Compose with dropcap as the engine's default runtime: a service is held on every way in, and its
//! twin on bare runc shows each of them open.

use crate::world::{
    Container, DEFAULTS, IMAGE, INSIDE, World, binary, eventually, holds_nothing, text,
};
use dropcap_testkit::status::Status;
use std::fs;
use std::process::{Command, Output};

/// A project of that name has a workload for its service `db`.
struct Project<'a> {
    world: &'a World,
    directory: tempfile::TempDir,
    program: Vec<&'static str>,
}

impl<'a> Project<'a> {
    fn new(world: &'a World) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let service = format!(
            "image: {IMAGE}
    command: [sleep, '1000']
    network_mode: none
    tty: true
    stop_grace_period: 1s
    volumes: ['{}:{INSIDE}:ro']
    healthcheck:
      test: cat /proc/self/status > /tmp/health.new; mv /tmp/health.new /tmp/health
      interval: 1s",
            binary()
        );
        let file = format!(
            "version: '2.3'\nservices:\n  db:\n    {service}\n  open:\n    runtime: runc\n    {service}\n"
        );
        fs::write(directory.path().join("compose.yaml"), file).unwrap();
        let answers = |program: &[&str]| {
            let version = Command::new(program[0]).args(&program[1..]).arg("version").output();
            version.is_ok_and(|output| output.status.success())
        };
        let programs = [vec!["docker-compose"], vec!["docker", "compose"]];
        let program = programs.into_iter().find(|program| answers(program));
        Self { world, directory, program: program.expect("needs docker-compose: `make setup`") }
    }

    fn command(&self, words: &[&str]) -> Output {
        let mut command = Command::new(self.program[0]);
        command.args(&self.program[1..]).args(["--project-name", "shop", "--file", "compose.yaml"]);
        command.current_dir(self.directory.path()).env("DOCKER_HOST", self.world.docker.host());
        command.args(words).stdin(std::process::Stdio::null()).output().unwrap()
    }

    fn run(&self, words: &[&str]) -> String {
        let output = self.command(words);
        assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
        text(&output.stdout).replace('\r', "")
    }

    fn service(&self, name: &str) -> Container<'a> {
        self.world.container(self.run(&["ps", "-q", name]).trim())
    }

    /// The doors that are open from inside, for a process that Compose lets in.
    fn open(&self, service: &str) -> Vec<String> {
        let line = ["exec", "-T", "--user", "0", service, INSIDE, "prove", "--format", "json"];
        let said = text(&self.command(&line).stdout);
        let json: serde_json::Value =
            serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"));
        serde_json::from_value(json["open_beyond_allowed"].clone()).unwrap()
    }
}

impl Drop for Project<'_> {
    fn drop(&mut self) {
        let _ = self.command(&["down", "--volumes"]);
    }
}

#[test]
fn a_service_is_held_on_every_way_in() {
    const SHOW: [&str; 2] = ["cat", "/proc/self/status"];
    let world = World::shared();
    let project = Project::new(world);
    project.run(&["up", "--detach"]);
    let (held, bare) = (project.service("db"), project.service("open"));
    assert_eq!(held.inspect("{{.HostConfig.Runtime}}"), "dropcap");
    assert_eq!(bare.inspect("{{.HostConfig.Runtime}}"), "runc");
    assert_eq!(world.recorded(&held.id())[0]["why"], "workload `held`");
    assert!(holds_nothing(&held.first()), "{:?}", held.first());
    assert_eq!(bare.first().effective, DEFAULTS);

    let exec = |service, options: &[&str]| {
        let line = [&["exec", "-T"], options, &[service], &SHOW].concat();
        Status::parse(&project.run(&line))
    };
    for options in [&[][..], &["--user", "0"], &["--user", "1000"]] {
        assert!(holds_nothing(&exec("db", options)), "{options:?}");
        assert_eq!(exec("open", options).bounding, DEFAULTS, "{options:?}");
    }
    assert!(holds_nothing(&exec("db", &["--privileged"])));
    assert_eq!(project.open("db"), Vec::<String>::new());
    assert!(project.open("open").iter().any(|door| door == "CAP_NET_RAW"));

    // Another container of the service.
    let once = |service| {
        let line = [&["run", "--rm", "-T", service][..], &SHOW].concat();
        Status::parse(&project.run(&line))
    };
    assert!(holds_nothing(&once("db")));
    assert_eq!(once("open").effective, DEFAULTS);

    for (container, nothing) in [(&held, true), (&bare, false)] {
        eventually("healthy", || container.inspect("{{.State.Health.Status}}") == "healthy");
        let status = Status::parse(&text(&container.exec(&[], &["cat", "/tmp/health"]).stdout));
        assert_eq!(holds_nothing(&status), nothing, "its health check: {status:?}");
    }

    let before = world.docker.first_pid(&held.name);
    project.run(&["restart"]);
    assert_ne!(world.docker.first_pid(&held.name), before);
    assert!(holds_nothing(&held.first()) && holds_nothing(&exec("db", &[])));
    assert_eq!(exec("open", &[]).effective, DEFAULTS);
    project.run(&["pause"]);
    assert_eq!(held.inspect("{{.State.Status}}"), "paused");
    project.run(&["unpause"]);
    project.run(&["kill", "-s", "KILL"]);
    eventually("killed", || held.inspect("{{.State.ExitCode}}") == "137");
    project.run(&["up", "--detach", "--force-recreate"]);
    assert!(holds_nothing(&project.service("db").first()), "made anew");
    project.run(&["stop"]);
    project.run(&["down"]);
    assert_eq!(project.run(&["ps", "-q"]).trim(), "");
}
