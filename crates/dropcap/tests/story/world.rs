//! What the story happens in: a Docker Engine of its own, and the example's image on it.

use dropcap_testkit::docker::Docker;
use dropcap_testkit::status::Status;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The binary under test; static, so that it runs in any image.
pub const DROPCAP: &str = env!("CARGO_BIN_EXE_dropcap");
/// Where containers find it.
pub const INSIDE: &str = "/usr/local/bin/dropcap";
/// The example's image.
pub const IMAGE: &str = "example/agent:latest";

/// The engine with the example's image on it, and that image's root directory.
#[derive(Debug)]
pub struct World {
    pub docker: &'static Docker,
    /// The root that the image was made from, without the layers of its Dockerfile.
    pub root: PathBuf,
}

/// The folder `examples/` of the repository.
pub fn examples() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    path.canonicalize().expect("the examples")
}

impl World {
    /// The one that all tests share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<World> = OnceLock::new();
        SHARED.get_or_init(Self::build)
    }

    fn build() -> Self {
        let docker = Docker::shared();
        // Beside what the engine keeps, so that it goes when the engine does.
        let root = docker.directory().join("agent-root");
        let made = Command::new(examples().join("agent/make-root")).arg(&root).output();
        let made = made.expect("starting make-root");
        assert!(made.status.success(), "make-root: {}", text(&made.stderr));
        docker.import(&root, "example/agent-base:latest", &[]);
        let built = docker
            .command()
            .env("DOCKER_BUILDKIT", "0")
            .args(["build", "--network", "none", "--tag", IMAGE])
            .arg(examples().join("agent"))
            .output()
            .expect("starting docker build");
        assert!(built.status.success(), "{}{}", text(&built.stdout), text(&built.stderr));
        Self { docker, root }
    }

    /// Starts a container in the background with these words behind `docker run`, options first.
    /// Without a network: the engine of the test has no bridge.
    pub fn start(&self, options: &[&str], command: &[&str]) -> Container<'_> {
        self.start_image(IMAGE, options, command)
    }

    /// The same with another image.
    pub fn start_image(&self, image: &str, options: &[&str], command: &[&str]) -> Container<'_> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let name = format!("agent-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mount = format!("{DROPCAP}:{INSIDE}:ro");
        let line = ["run", "--detach", "--network=none", "--name", &name, "--volume", &mount];
        let line = [&line[..], options, &[image], command].concat();
        self.docker.run(line).unwrap_or_else(|why| panic!("docker run {options:?}: {why}"));
        Container { world: self, name }
    }

    /// Runs dropcap on the host, with this engine as the one that is asked.
    pub fn dropcap(&self, arguments: &[&str]) -> Output {
        let search = self.docker.client().parent().expect("a directory").to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let places = std::iter::once(search).chain(std::env::split_paths(&path));
        Command::new(DROPCAP)
            .args(arguments)
            .env("DOCKER_HOST", self.docker.host())
            .env("PATH", std::env::join_paths(places).expect("a PATH"))
            .output()
            .expect("starting dropcap")
    }
}

/// A container; dropping it removes it.
#[derive(Debug)]
pub struct Container<'a> {
    world: &'a World,
    pub name: String,
}

impl Container<'_> {
    /// What the first process holds, seen from the host.
    pub fn first(&self) -> Status {
        Status::of(self.world.docker.first_pid(&self.name).expect("it runs"))
    }

    /// Its exit status, and all that it wrote; waits until it ends.
    pub fn ended(&self) -> (i32, String) {
        let status = self.world.docker.run(["wait", &self.name]).expect("docker wait");
        let logs = self.world.docker.command().args(["logs", &self.name]).output();
        let logs = logs.expect("docker logs");
        (status.trim().parse().expect("an exit status"), text(&logs.stdout) + &text(&logs.stderr))
    }

    /// Runs a command in it by the engine's exec.
    pub fn exec(&self, options: &[&str], words: &[&str]) -> Output {
        let mut command = self.world.docker.command();
        command.arg("exec").args(options).arg(&self.name).args(words).output().expect("docker exec")
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        let _ = self.world.docker.run(["rm", "--force", "--volumes", &self.name]);
    }
}

/// Output as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
