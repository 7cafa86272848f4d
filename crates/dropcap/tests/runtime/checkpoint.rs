//! criu below runc below dropcap: what comes back from a checkpoint.

use crate::plain::Place;
use crate::world::{
    DEFAULTS, IMAGE, NET_BIND_SERVICE, TRUSTED, another_engine, text, write_policy,
};
use dropcap_testkit::docker::Docker;
use dropcap_testkit::root;
use dropcap_testkit::status::Status;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

const KILL: u64 = 1 << 5;
/// How long containerd may take to tidy up, on an emulated processor.
const PATIENCE: Duration = Duration::from_secs(120);

/// `free` asks for nothing that criu does not bring back, `closed` for what it does not.
const POLICY: &str = r#"version = 1
[[workload]]
name = "free"
allow = ["NET_BIND_SERVICE"]
no-new-privileges = false
user-namespaces = true
match = [{ name = "free*" }]
[[workload]]
name = "closed"
allow = ["NET_BIND_SERVICE"]
match = [{ name = "closed*" }]
"#;

impl Place {
    /// criu takes no open file along that lies outside of the container.
    fn silently(&self, with: bool, words: &[&str]) -> bool {
        let line = self.line(with, words);
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).current_dir(self.path("bundle"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().unwrap().success()
    }

    /// As [`Place::configure`], in the network that is there: criu would hold back another's packets by iptables.
    fn configure_for_criu(&self) -> Value {
        let mut config = self.configure(&["sleep", "1000"]);
        let namespaces = config["linux"]["namespaces"].as_array_mut().unwrap();
        namespaces.retain(|namespace| namespace["type"] != "network");
        self.write(&config);
        config
    }

    /// Starts a container, and makes a checkpoint of it, after which it is gone.
    fn checkpoint(&self, with: bool, container: &str) {
        assert!(self.silently(with, &["run", "--detach", container]), "{container}");
        let images = self.images(container);
        let output = self.run(with, &["checkpoint", "--image-path", &images, container]);
        let log = fs::read_to_string(self.path(&format!("{container}.images/dump.log")));
        assert!(output.status.success(), "{}\n{log:?}", text(&output.stderr));
    }

    fn restore<'a>(&self, images: &'a str, container: &'a str) -> [&'a str; 5] {
        assert!(!self.run(false, &["state", container]).status.success(), "{container} runs");
        ["restore", "--detach", "--image-path", images, container]
    }

    fn images(&self, container: &str) -> String {
        self.path(&format!("{container}.images")).display().to_string()
    }

    /// What criu wrote: runc restores in the bundle's folder.
    fn log(&self, container: &str) -> String {
        let images = self.path(&format!("{container}.images/restore.log"));
        fs::read_to_string(images).unwrap_or_default()
    }

    fn first(&self, container: &str) -> Status {
        let state = self.run(false, &["state", container]);
        let state: Value = serde_json::from_slice(&state.stdout).unwrap();
        Status::of(state["pid"].as_u64().unwrap().try_into().unwrap())
    }
}

/// What can be told without criu is: nothing is restored.
#[test]
fn images_that_are_none_and_options_of_ones_own_are_refused() {
    let place = Place::new("runc");
    fs::write(place.path("etc/dropcap.toml"), POLICY).unwrap();
    let mut config = place.configure(&["true"]);
    let images = place.images("free2");
    fs::create_dir(&images).unwrap();
    fs::set_permissions(&images, fs::Permissions::from_mode(0o700)).unwrap();
    let refused = |why: &str| {
        let output = place.run(true, &place.restore(&images, "free2"));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(125), "{said}");
        assert!(said.contains(why), "{said}");
    };
    refused("has no image of a task");
    fs::write(place.path("free2.images/core-1.img"), "x").unwrap();
    refused("is no image of a task's");
    config["annotations"] = json!({"org.criu.config": "/tmp/options"});
    place.write(&config);
    refused("options of its own");
}

/// What criu restores holds what its images say: within the policy by dropcap, or nothing is restored.
#[test]
#[ignore = "needs a kernel that criu knows: `make vm` runs it in a guest"]
fn what_is_restored_holds_what_the_policy_allows() {
    let place = Place::new("runc");
    fs::write(place.path("etc/dropcap.toml"), POLICY).unwrap();
    let mut config = place.configure_for_criu();
    config["process"]["noNewPrivileges"] = json!(true);
    place.write(&config);

    // Without dropcap the door is open: the configuration has nothing to say.
    place.checkpoint(false, "bare1");
    config["process"]["capabilities"] = json!({});
    place.write(&config);
    let images = place.images("bare1");
    assert!(place.silently(false, &place.restore(&images, "bare1")));
    let status = place.first("bare1");
    assert_eq!(status.permitted, KILL | NET_BIND_SERVICE);
    assert!(!status.no_new_privs, "this criu brings it back: a policy may ask for it then");
    let refused = |images: &str, container: &str, why: &str| {
        let output = place.run(true, &place.restore(images, container));
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(125), "{container}: {said}");
        assert!(said.contains(why), "{container}: {said}");
        assert!(!place.run(false, &["state", container]).status.success(), "{container} runs");
    };
    refused(&images, "free1", "CAP_KILL beyond what is allowed");

    // One that was made under the policy comes back, and is held as before.
    place.configure_for_criu();
    place.checkpoint(true, "free1");
    let own = place.images("free1");
    fs::set_permissions(&own, fs::Permissions::from_mode(0o777)).unwrap();
    refused(&own, "free1", "writable by others");
    fs::set_permissions(&own, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(place.silently(true, &place.restore(&own, "free1")), "{}", place.log("free1"));
    let status = place.first("free1");
    assert_eq!((status.permitted, status.bounding), (NET_BIND_SERVICE, NET_BIND_SERVICE));
    let status = place.status(true, &["--cap", "CAP_KILL"], "free1");
    assert_eq!((status.permitted, status.bounding), (NET_BIND_SERVICE, NET_BIND_SERVICE));

    // What criu does not bring back cannot be asked for.
    place.checkpoint(true, "closed1");
    refused(&place.images("closed1"), "closed1", "no_new_privs");
}

/// The same by Docker, where a container that was only observed comes under a policy by its new name.
#[test]
#[ignore = "needs a kernel that criu knows: `make vm` runs it in a guest"]
fn what_docker_restores_holds_what_the_policy_allows() {
    let directory = tempfile::tempdir_in(TRUSTED).unwrap();
    let etc = write_policy(directory.path(), POLICY, "observe-only");
    let docker = another_engine(directory.path(), &etc);
    let image = directory.path().join("root");
    root::busybox(&image, "root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
    docker.import(&image, IMAGE, &[]);
    let run = |line: &[&str]| docker.run(line).unwrap_or_else(|why| panic!("{line:?}: {why}"));
    let first = |name| Status::of(docker.first_pid(name).unwrap());
    let start = ["run", "--detach", "--network=host", "--name"];
    run(&[&start[..], &["free", IMAGE, "sleep", "1000"]].concat());
    run(&["checkpoint", "create", "free", "one"]);
    restart(&docker, "free").unwrap();
    let status = first("free");
    assert_eq!((status.permitted, status.bounding), (NET_BIND_SERVICE, NET_BIND_SERVICE));
    let exec = ["exec", "--privileged", "free", "cat", "/proc/self/status"];
    assert_eq!(Status::parse(&run(&exec)).bounding, NET_BIND_SERVICE);

    run(&[&start[..], &["other", IMAGE, "sleep", "1000"]].concat());
    assert_eq!(first("other").permitted, DEFAULTS);
    run(&["checkpoint", "create", "other", "one"]);
    run(&["rename", "other", "free-too"]);
    let why = restart(&docker, "free-too").unwrap_err();
    assert!(why.contains("beyond what is allowed"), "{why}");
    assert_eq!(run(&["ps", "--quiet", "--filter=name=free-too"]), "");
}

/// Starts a container from its checkpoint. What `checkpoint create` put into containerd's store is removed from
/// there a while later, and until then dockerd cannot put it there again (moby issue 42900).
fn restart(docker: &Docker, container: &str) -> Result<String, String> {
    let begun = Instant::now();
    loop {
        match docker.run(["start", "--checkpoint=one", container]) {
            Err(why) if why.contains("already exists") && begun.elapsed() < PATIENCE => {
                thread::sleep(Duration::from_secs(1));
            }
            ended => return ended,
        }
    }
}
