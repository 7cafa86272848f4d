//! A Docker Engine of the tests' own on which `dropcap runtime install docker --default` was run, and the
//! policy that it then holds.

use dropcap_testkit::docker::Docker;
use dropcap_testkit::root;
use dropcap_testkit::status::Status;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The binary under test; static, so that it runs in any image. A guest has it elsewhere.
pub fn binary() -> String {
    std::env::var(IN_GUEST).unwrap_or_else(|_| env!("CARGO_BIN_EXE_dropcap").to_owned())
}

/// Whether this runs in a guest of the kernel matrix, whose root holds every capability.
pub fn in_guest() -> bool {
    std::env::var_os(IN_GUEST).is_some()
}

/// Where dropcap is; set in guests alone.
const IN_GUEST: &str = "DROPCAP";
/// Where containers find it.
pub const INSIDE: &str = "/usr/local/bin/dropcap";
pub const IMAGE: &str = "example/busybox:1";
/// Docker's 14, as `/proc/PID/status` prints them.
pub const DEFAULTS: u64 = 0xa804_25fb;
pub const CHOWN: u64 = 1;
pub const NET_BIND_SERVICE: u64 = 1 << 10;
/// The runtime without dropcap.
pub const BARE: &str = "--runtime=runc";

/// `held` may hold nothing; `server` one capability, and another until it has set up.
const POLICY: &str = r#"version = 1
[[workload]]
name = "held"
match = [{ name = "held-*" }, { label = "role=agent" }, { compose = "shop/db" }]
[[workload]]
name = "server"
allow = ["NET_BIND_SERVICE"]
setup = ["CHOWN"]
match = [{ name = "server-*" }, { image = "example/server:*" }]
[[workload]]
name = "mended"
allow = ["CHOWN"]
match = [{ name = "mended-*" }]
[[workload]]
name = "trusted"
allow = ["NET_BIND_SERVICE"]
match = [{ label = "role=trusted" }, { compose = "trusted/*" }]
[[workload]]
name = "supervised"
setup = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID", "SETPCAP", "SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "SYSLOG"]
match = [{ name = "supervised-*" }]
"#;

#[derive(Debug)]
pub struct World {
    pub docker: Docker,
    /// Policy and settings.
    pub etc: PathBuf,
}

/// A folder of root's in which policies are trusted, as `/tmp` is not.
pub const TRUSTED: &str = "/var/lib";

/// Policy and settings as an administrator writes them, below `directory`.
pub fn write_policy(directory: &Path, policy: &str, without_match: &str) -> PathBuf {
    let etc = directory.join("etc");
    fs::create_dir_all(&etc).unwrap();
    let settings = format!(
        "version = 1\nwithout-match = \"{without_match}\"\nrecord = \"{0}/record/runtime.jsonl\"\nstate = \"{0}/state\"\n",
        directory.display()
    );
    fs::write(etc.join("runtime.toml"), settings).unwrap();
    fs::write(etc.join("dropcap.toml"), policy).unwrap();
    for file in [etc.as_path(), &etc.join("runtime.toml"), &etc.join("dropcap.toml")] {
        let mode = if file.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(file, fs::Permissions::from_mode(mode)).unwrap();
    }
    etc
}

/// An engine of a test's own whose default runtime is dropcap with this policy. It can make checkpoints, which Docker
/// calls experimental.
pub fn another_engine(directory: &Path, etc: &Path) -> Docker {
    let runtime = directory.join("dropcap-runtime");
    std::os::unix::fs::symlink(binary(), &runtime).unwrap();
    let configuration = serde_json::json!({"experimental": true, "default-runtime": "dropcap", "runtimes": {"dropcap":
        {"path": runtime, "runtimeArgs": [format!("--dropcap-config={}", etc.display())]}}});
    Docker::start_in(Path::new(TRUSTED), |_| configuration.to_string()).unwrap()
}

/// Runs dropcap on the host.
pub fn dropcap(arguments: &[&str]) -> Output {
    Command::new(binary()).args(arguments).output().unwrap()
}

impl World {
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<World> = OnceLock::new();
        SHARED.get_or_init(Self::build)
    }

    fn build() -> Self {
        let docker = Docker::start_in(Path::new(TRUSTED), |directory| {
            let etc = write_policy(directory, POLICY, "observe-only");
            let file = directory.join("engine.json");
            let path = |path: &Path| path.to_str().unwrap().to_owned();
            let installed = dropcap(&[
                "runtime",
                "install",
                "docker",
                "--default",
                "--config",
                &path(&file),
                "--policy-directory",
                &path(&etc),
                "--link",
                &path(&directory.join("dropcap-runtime")),
            ]);
            assert!(installed.status.success(), "{}", text(&installed.stderr));
            fs::read_to_string(file).unwrap()
        });
        let docker = docker.unwrap_or_else(|why| panic!("needs root and docker.io: {why}"));
        let root = docker.directory().join("root");
        root::busybox(&root, "root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n", "root:x:0:\n");
        root::program(&root, Path::new("/bin/busybox"), "/bin/su-root", 0o4755);
        docker.import(&root, IMAGE, &[]);
        Self { etc: docker.directory().join("etc"), docker }
    }

    /// Starts a container in the background whose name begins with `kind`.
    pub fn start(&self, kind: &str, options: &[&str], command: &[&str]) -> Container<'_> {
        self.try_start(kind, options, IMAGE, command).unwrap_or_else(|why| panic!("{kind}: {why}"))
    }

    pub fn try_start(
        &self,
        kind: &str,
        options: &[&str],
        image: &str,
        command: &[&str],
    ) -> Result<Container<'_>, String> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("{kind}-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mount = format!("{}:{INSIDE}:ro", binary());
        let line = ["run", "--detach", "--network=none", "--name", &name, "--volume", &mount];
        let container = Container { world: self, name: name.clone() };
        self.docker.run([&line[..], options, &[image], command].concat())?;
        Ok(container)
    }

    /// Starts one that sleeps.
    pub fn sleeper(&self, kind: &str, options: &[&str]) -> Container<'_> {
        self.start(kind, options, &["sleep", "1000"])
    }

    /// A container that something else has started.
    pub fn container(&self, name: &str) -> Container<'_> {
        Container { world: self, name: name.to_owned() }
    }

    /// The lines of the record that speak of a container, newest last.
    pub fn recorded(&self, id: &str) -> Vec<serde_json::Value> {
        let record = self.docker.directory().join("record/runtime.jsonl");
        let lines = fs::read_to_string(record).unwrap_or_default();
        let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.filter(|line: &serde_json::Value| line["container"] == id).collect()
    }

    /// Runs dropcap on the host with this engine as the one that is asked.
    pub fn dropcap(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(binary());
        command.args(arguments).env("DOCKER_HOST", self.docker.host());
        let search = self.docker.client().parent().unwrap().to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = std::iter::once(search).chain(std::env::split_paths(&path));
        command.env("PATH", std::env::join_paths(places).unwrap()).output().unwrap()
    }
}

/// A container; dropping it removes it.
#[derive(Debug)]
pub struct Container<'a> {
    world: &'a World,
    pub name: String,
}

impl Container<'_> {
    pub fn id(&self) -> String {
        self.inspect("{{.Id}}")
    }

    /// The engine's own answer.
    pub fn inspect(&self, format: &str) -> String {
        let answer = self.world.docker.run(["inspect", "--format", format, &self.name]);
        answer.unwrap().trim().to_owned()
    }

    /// What the first process holds, seen from the host.
    pub fn first(&self) -> Status {
        Status::of(self.world.docker.first_pid(&self.name).unwrap())
    }

    /// Runs a command in it by the engine's exec.
    pub fn exec(&self, options: &[&str], words: &[&str]) -> Output {
        let mut command = self.world.docker.command();
        command.arg("exec").args(options).arg(&self.name).args(words).output().unwrap()
    }

    /// What a process holds that comes in by exec.
    pub fn exec_status(&self, options: &[&str]) -> Status {
        let output = self.exec(options, &["cat", "/proc/self/status"]);
        let said = text(&output.stdout);
        assert!(output.status.success(), "exec {options:?}: {said}{}", text(&output.stderr));
        Status::parse(&said.replace('\r', ""))
    }

    /// The doors that `dropcap prove` finds open from inside.
    pub fn open(&self, options: &[&str]) -> Vec<String> {
        let line = [INSIDE, "prove", "self", "--format", "json"];
        let output = self.exec(options, &line);
        let json: serde_json::Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", text(&output.stderr)));
        serde_json::from_value(json["open_beyond_allowed"].clone()).unwrap()
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        let _ = self.world.docker.run(["rm", "--force", "--volumes", &self.name]);
    }
}

/// Whether a process holds nothing and cannot come to hold anything by its sets.
pub fn holds_nothing(status: &Status) -> bool {
    let Status { inheritable, permitted, effective, bounding, ambient, .. } = status;
    inheritable | permitted | effective | bounding | ambient == 0 && status.no_new_privs
}

/// Waits until something holds.
pub fn eventually(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("never: {what}");
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
