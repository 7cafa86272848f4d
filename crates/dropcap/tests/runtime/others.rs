//! Podman and containerd, whose names for containers come by other ways.

use crate::world::{CHOWN, NET_BIND_SERVICE, TRUSTED, binary, holds_nothing, text, write_policy};
use dropcap_testkit::podman::Podman;
use dropcap_testkit::root;
use dropcap_testkit::status::Status;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

const POLICY: &str = r#"version = 1
[[workload]]
name = "held"
match = [{ name = "held*" }]
[[workload]]
name = "server"
allow = ["NET_BIND_SERVICE"]
setup = ["CHOWN"]
match = [{ image = "localhost/example/server:*" }, { annotation = "role=server" }]
"#;

/// A folder with a policy, a root directory, and the runtime as one file that engines can be given.
struct Place {
    directory: tempfile::TempDir,
    runtime: PathBuf,
    root: PathBuf,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir_in(TRUSTED).unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let etc = write_policy(directory.path(), POLICY, "drop-all");
        let name = directory.path().join("dropcap-runtime");
        std::os::unix::fs::symlink(binary(), &name).unwrap();
        // These engines pass no flag on.
        let runtime = directory.path().join("with-policy");
        let script = format!(
            "#!/bin/sh\nexec {} --dropcap-config={} \"$@\"\n",
            name.display(),
            etc.display()
        );
        fs::write(&runtime, script).unwrap();
        fs::set_permissions(&runtime, fs::Permissions::from_mode(0o755)).unwrap();
        let root = directory.path().join("root");
        root::busybox(&root, "root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n", "root:x:0:\n");
        Self { directory, runtime, root }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }
}

fn succeeded(output: &Output) -> String {
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    said.replace('\r', "")
}

#[test]
fn podman_is_held_on_every_way_in() {
    const IMAGE: &str = "localhost/example/busybox:1";
    let place = Place::new();
    let podman = Podman::new();
    for image in [IMAGE, "localhost/example/server:2"] {
        podman.import(&place.root, image);
    }
    let ours = |words: &[&str]| {
        let output = podman.command_on(&place.runtime).args(words).output();
        succeeded(&output.expect("Podman starts"))
    };
    let start = ["run", "--detach", "--network=none"];
    let command = ["sleep", "1000"];
    let run = |name: &str, options: &[&str], image: &str| {
        ours(&[&start[..], &["--name", name], options, &[image], &command].concat())
    };
    let status = |name: &str, options: &[&str]| {
        let line = [&["exec"], options, &[name, "cat", "/proc/self/status"]].concat();
        Status::parse(&ours(&line))
    };

    // Podman's own set is the door that is open without.
    let open = ["--name=open", "--cap-add=NET_RAW", IMAGE];
    podman.run([&start[..], &open, &command].concat()).expect("it starts");
    let status_bare = podman.run(["exec", "open", "cat", "/proc/self/status"]).expect("it runs");
    assert_eq!(Status::parse(&status_bare).effective.count_ones(), 12);
    run("held", &["--cap-add=NET_RAW"], IMAGE);
    for options in [&[][..], &["--user=0"], &["--user=1000"], &["--tty"], &["--privileged"]] {
        let status = status("held", options);
        assert!(holds_nothing(&status), "{options:?}: {status:?}");
    }
    // A user who would really hold what is added.
    run("other", &["--user=1000", "--cap-add=NET_RAW"], IMAGE);
    assert!(holds_nothing(&status("other", &[])));
    // By its image, which Podman's storage says.
    run("by-image", &[], "localhost/example/server:2");
    let first = Status::of(podman.first_pid("by-image").expect("it runs"));
    assert_eq!(first.permitted, CHOWN | NET_BIND_SERVICE);
    assert_eq!(status("by-image", &[]).permitted, NET_BIND_SERVICE);
    // Gone when it ends, which Podman keeps in a file of its own from 4.4 on.
    run("held-rm", &["--rm"], IMAGE);
    assert!(holds_nothing(&status("held-rm", &[])));
    ours(&["restart", "--time=0", "held"]);
    assert!(holds_nothing(&status("held", &[])));
    ours(&["stop", "--time=0", "held"]);
    ours(&["rm", "held"]);
}

/// Building, by the same runtime; and an annotation that an image brings along, which chooses no policy.
#[test]
fn what_podman_builds_is_held_and_claims_nothing() {
    const IMAGE: &str = "localhost/example/busybox:1";
    let place = Place::new();
    let podman = Podman::new();
    podman.import(&place.root, IMAGE);
    let context = place.directory.path().join("context");
    fs::create_dir(&context).unwrap();
    let file = format!("FROM {IMAGE}\nRUN cat /proc/self/status >/status\n");
    fs::write(context.join("Containerfile"), file).unwrap();
    let build = |with: bool, tag: &str| {
        let mut command = if with { podman.command_on(&place.runtime) } else { podman.command() };
        let line =
            ["build", "--network=none", "--no-cache", "--annotation=role=server", "--tag", tag];
        succeeded(&command.args(line).arg(&context).output().expect("Podman starts"));
        let shown = podman.run(["run", "--rm", "--network=none", tag, "cat", "/status"]);
        Status::parse(&shown.expect("it runs"))
    };
    let bare = build(false, "localhost/example/bare:1");
    assert!(bare.effective != 0 && !holds_nothing(&bare), "{bare:?}");
    let built = build(true, "localhost/example/claims:1");
    assert!(holds_nothing(&built), "{built:?}");

    let ours = |words: &[&str]| {
        succeeded(&podman.command_on(&place.runtime).args(words).output().expect("Podman starts"))
    };
    let start = |name: &str, options: &[&str], image: &str| {
        let line = ["run", "--detach", "--network=none", "--name", name];
        ours(&[&line[..], options, &[image, "sleep", "1000"]].concat());
        Status::of(podman.first_pid(name).expect("it runs")).permitted
    };
    assert_eq!(start("given", &["--annotation=role=server"], IMAGE), CHOWN | NET_BIND_SERVICE);
    assert_eq!(start("claims", &[], "localhost/example/claims:1"), 0);
    let brought = ours(&["inspect", "--format", "{{.Config.Annotations}}", "claims"]);
    // Podman hands it on up to 4.5; later ones do not, and there is nothing to claim by.
    assert!(brought.contains("role:server") || podman.version() >= "4.6", "{brought}");
}

/// Detached processes, signals, health checks, the end of a container, and what is open from inside: with
/// dropcap before the runtime as without, but for what is held.
#[test]
fn podmans_containers_live_as_before() {
    const IMAGE: &str = "localhost/example/busybox:1";
    let place = Place::new();
    let podman = Podman::new();
    podman.import(&place.root, IMAGE);
    let said = |with: bool, words: &[&str]| {
        let mut command = if with { podman.command_on(&place.runtime) } else { podman.command() };
        command.args(words).output().expect("Podman starts")
    };
    let script =
        "trap 'echo usr1 >/tmp/usr1' USR1; trap 'exit 7' TERM; while :; do sleep 0.1; done";
    let mount = format!("{}:/dropcap:ro", binary());
    let mut updates = Vec::new();
    for with in [true, false] {
        let name = if with { "held-life" } else { "open-life" };
        let must = |words: &[&str]| succeeded(&said(with, words));
        let into = |words: &[&str]| said(with, &[&["exec", name], words].concat());
        let written = |file: &str| {
            let read = || into(&["cat", file]);
            crate::world::eventually(file, || read().status.success());
            text(&read().stdout)
        };
        let holds = |status: &str| !holds_nothing(&Status::parse(status));
        let health = "--health-cmd=cat /proc/self/status >/tmp/health";
        let line = ["run", "--detach", "--network=none", "--volume", &mount, "--name", name];
        must(
            &[&line[..], &[health, "--health-interval=disable", IMAGE, "sh", "-c", script]]
                .concat(),
        );
        // A moment, until it has its traps.
        let write = "cat /proc/self/status >/tmp/new && mv /tmp/new /tmp/status";
        must(&["exec", "--detach", name, "sh", "-c", write]);
        assert_eq!(holds(&written("/tmp/status")), !with, "{name}: a detached process");
        must(&["healthcheck", "run", name]);
        assert_eq!(holds(&written("/tmp/health")), !with, "{name}: the health check");
        // Other limits, while it runs.
        let limited = said(with, &["update", "--memory=64m", "--memory-swap=64m", name]);
        let show =
            "cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes memory.max 2>/dev/null; true";
        updates.push((limited.status.code(), text(&into(&["sh", "-c", show]).stdout)));
        must(&["kill", "--signal=USR1", name]);
        assert_eq!(written("/tmp/usr1").trim(), "usr1", "{name}");
        // Everything that can be tried from inside.
        let allowed = if with { "none" } else { "all" };
        let proof = into(&["/dropcap", "prove", "--allow", allowed, "--format", "json"]);
        let proof: serde_json::Value = serde_json::from_slice(&proof.stdout).expect("its JSON");
        let open = proof["attempts"].as_array().unwrap().iter().filter(|one| one["held"] == true);
        assert_eq!(open.count() == 0, with, "{name}: {proof:#}");
        must(&["stop", "--time=10", name]);
        let code = must(&["inspect", "--format", "{{.State.ExitCode}}", name]);
        assert_eq!(code.trim(), "7", "{name}: its own trap of SIGTERM");
        must(&["start", name]);
        must(&["kill", name]);
        let code = || must(&["inspect", "--format", "{{.State.ExitCode}}", name]).trim().to_owned();
        crate::world::eventually("killed", || code() == "137");
        must(&["rm", name]);
    }
    assert_eq!(updates[0], updates[1], "as by the runtime alone");
    assert!(updates[0].0 == Some(0) && updates[0].1.trim() == "67108864", "{updates:?}");
}

/// A containerd of the test's own.
struct Containerd {
    place: Place,
    daemon: Child,
}

impl Containerd {
    fn new() -> Self {
        let place = Place::new();
        root::program(&place.root, Path::new(&binary()), "/dropcap", 0o755);
        let config = format!(
            "version = 2\nroot = \"{0}/data\"\nstate = \"{0}/state\"\ndisabled_plugins = [\"io.containerd.grpc.v1.cri\"]\n\
             [grpc]\naddress = \"{0}/socket\"\n[ttrpc]\naddress = \"{0}/ttrpc\"\n",
            place.directory.path().display()
        );
        fs::write(place.path("config.toml"), config).unwrap();
        let log = fs::File::create(place.path("containerd.log")).unwrap();
        let daemon = Command::new("containerd")
            .args(["--config", &place.path("config.toml")])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("needs containerd: run `make setup`");
        let this = Self { place, daemon };
        crate::world::eventually("containerd answers", || this.ctr(&["version"]).status.success());
        this
    }

    fn ctr(&self, words: &[&str]) -> Output {
        let socket = self.place.path("socket");
        let line = ["--address", &socket, "--namespace", "test"];
        Command::new("ctr").args(line).args(words).stdin(Stdio::null()).output().unwrap()
    }

    fn run(&self, runtime: Option<&Path>, name: &str, options: &[&str]) -> Output {
        let runtime = runtime.map(|path| path.to_str().unwrap());
        let binary: Vec<&str> = runtime.iter().flat_map(|path| ["--runc-binary", path]).collect();
        let root = self.place.root.to_str().unwrap();
        let line = ["run", "--detach", "--rootfs"];
        self.ctr(&[&line[..], &binary, options, &[root, name, "/bin/sleep", "1000"]].concat())
    }

    /// The first process of a container, and how it is.
    fn task(&self, name: &str) -> (u32, String) {
        let tasks = succeeded(&self.ctr(&["task", "ls"]));
        let mut lines = tasks.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        let task = lines.find(|words| words.first() == Some(&name)).expect(&tasks);
        (task[1].parse().unwrap(), task[2].to_owned())
    }

    fn first(&self, name: &str) -> Status {
        Status::of(self.task(name).0)
    }

    /// The doors that are open from inside.
    fn open_doors(&self, name: &str) -> Vec<String> {
        let allowed = if name == "open" { "all" } else { "none" };
        let line = ["task", "exec", "--exec-id", "doors", name, "/dropcap", "prove"];
        let output = self.ctr(&[&line[..], &["--allow", allowed, "--format", "json"]].concat());
        let proof: serde_json::Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
        let attempts = proof["attempts"].as_array().unwrap().iter();
        let open = attempts.filter(|one| one["held"] == true);
        open.map(|one| one["door"].to_string()).collect()
    }

    fn status(&self, name: &str, options: &[&str]) -> Status {
        let line = ["task", "exec", "--exec-id", "one"];
        let line = [&line[..], options, &[name, "/bin/cat", "/proc/self/status"]].concat();
        Status::parse(&succeeded(&self.ctr(&line)))
    }
}

impl Drop for Containerd {
    fn drop(&mut self) {
        for name in ["open", "held", "server", "refused"] {
            let _ = self.ctr(&["task", "kill", "--signal=KILL", name]);
            let _ = self.ctr(&["task", "rm", "--force", name]);
            let _ = self.ctr(&["container", "rm", name]);
        }
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

#[test]
fn containerd_is_held_on_every_way_in() {
    let containerd = Containerd::new();
    let ours = containerd.place.runtime.clone();
    succeeded(&containerd.run(None, "open", &[]));
    assert_eq!(containerd.status("open", &[]).effective.count_ones(), 14);
    assert_eq!(containerd.first("open").effective.count_ones(), 14);
    assert!(!containerd.open_doors("open").is_empty());
    succeeded(&containerd.run(Some(&ours), "held", &[]));
    for options in [&[][..], &["--user=1000"]] {
        assert!(holds_nothing(&containerd.status("held", options)), "{options:?}");
    }
    assert!(holds_nothing(&containerd.first("held")));
    // By this `runtime status` and `uninstall` know whose it is.
    let kept = "state/io.containerd.runtime.v2.task/test";
    let called =
        |name| fs::read_to_string(containerd.place.path(&format!("{kept}/{name}/runtime")));
    assert_eq!(called("held").unwrap(), ours.to_str().unwrap());
    assert_eq!(called("open").unwrap(), "");
    assert_eq!(containerd.open_doors("held"), [""; 0]);
    succeeded(&containerd.run(Some(&ours), "server", &["--annotation=role=server"]));
    assert_eq!(containerd.status("server", &[]).permitted, NET_BIND_SERVICE);
    let first = containerd.first("server");
    assert_eq!(
        (first.permitted, first.bounding),
        (CHOWN | NET_BIND_SERVICE, CHOWN | NET_BIND_SERVICE)
    );
    succeeded(&containerd.ctr(&["task", "kill", "--signal=KILL", "held"]));
    crate::world::eventually("it ends", || containerd.task("held").1 == "STOPPED");
    // It shows why nothing was started.
    let policy = containerd.place.directory.path().join("etc/dropcap.toml");
    fs::write(&policy, "version = 1\n[[workload]]\nnam = \"a\"\n").unwrap();
    let refused = containerd.run(Some(&ours), "refused", &[]);
    let said = text(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("dropcap: ") && said.contains("nam"),
        "{said}"
    );
}
