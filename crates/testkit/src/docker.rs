//! A Docker daemon of the test's own: private data root, exec root and socket, no bridge, no
//! firewall rules, no registry.

use crate::client::{answer, pack};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long a daemon may take to answer; it takes about one second, more on a busy machine, and much more where
/// the processor is emulated.
const PATIENCE: Duration = Duration::from_secs(240);

/// What starts the daemon, does what it is told until its standard input ends, and clears everything away.
///
/// The test holds the other end of that pipe, so however the test ends (a panic, a kill), the
/// kernel closes the pipe and the daemon goes. Containers are removed first, since the daemon would
/// give each of them ten seconds to stop.
const KEEPER: &str = r#"
dir=$1; docker=$2; storage=$3
start() {
    (trap - INT HUP TERM
    exec dockerd --config-file "$dir/daemon.json" --data-root "$dir/data" --exec-root "$dir/exec" \
        --pidfile "$dir/pid" --host "unix://$dir/socket" --storage-driver "$storage" \
        --bridge none --iptables=false --ip6tables=false --ip-forward=false \
        </dev/null >>"$dir/log" 2>&1) &
    daemon=$!
    echo "$daemon" >"$dir/daemon"
}
start
trap '' INT HUP TERM
while read -r word; do
    case $word in
    start) start ;;
    stop) kill -TERM "$daemon"; wait "$daemon" ;;
    esac
done
for container in $("$docker" -H "unix://$dir/socket" ps -aq 2>/dev/null); do
    "$docker" -H "unix://$dir/socket" rm -f "$container" >/dev/null 2>&1
done
kill -TERM "$daemon" 2>/dev/null
wait "$daemon"
cut -d' ' -f5 /proc/self/mountinfo | grep "^$dir/" | sort -r | while read -r mount; do
    umount -l "$mount"
done
rm -rf "$dir"
"#;

/// A running daemon; dropping it ends it.
#[derive(Debug)]
pub struct Docker {
    directory: PathBuf,
    client: PathBuf,
    keeper: Child,
    version: String,
}

impl Docker {
    /// The daemon that all tests of one binary share; it ends when the binary does.
    ///
    /// # Panics
    /// With what is missing and what to do.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Result<Docker, String>> = OnceLock::new();
        match SHARED.get_or_init(Self::start) {
            Ok(docker) => docker,
            Err(why) => panic!("needs root and docker.io: run `make setup`. {why}"),
        }
    }

    /// Starts a daemon and waits until it answers.
    ///
    /// # Errors
    /// What is missing, or what the daemon wrote before it ended.
    pub fn start() -> Result<Self, String> {
        Self::start_in(&std::env::temp_dir(), |_| "{}".to_owned())
    }

    /// Starts a daemon whose folder is made in `parent`, with the `daemon.json` that `configure` writes
    /// when the folder is there.
    ///
    /// # Errors
    /// As [`Docker::start`].
    pub fn start_in(parent: &Path, configure: impl Fn(&Path) -> String) -> Result<Self, String> {
        let client = client()?;
        // overlay2 is quick; where the temporary directory is itself an overlay, only vfs works.
        let first = Self::start_with(&client, "overlay2", parent, &configure);
        first.or_else(|why| {
            Self::start_with(&client, "vfs", parent, &configure)
                .map_err(|again| format!("{why}\n{again}"))
        })
    }

    fn start_with(
        client: &Path,
        storage: &str,
        parent: &Path,
        configure: &dyn Fn(&Path) -> String,
    ) -> Result<Self, String> {
        let directory = tempfile::Builder::new()
            .prefix("dropcap-docker-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir_in(parent);
        let directory = directory.map_err(|error| format!("temporary directory: {error}"))?.keep();
        let configuration = configure(&directory);
        fs::write(directory.join("daemon.json"), configuration)
            .map_err(|error| error.to_string())?;
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "dropcap-docker"])
            .args([&directory, client, Path::new(storage)])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("sh: {error}"))?;
        let mut docker =
            Self { directory, client: client.to_owned(), keeper, version: String::new() };
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            // Before there is a socket, the client only takes time that the daemon needs.
            if docker.directory.join("socket").exists()
                && let Ok(version) = docker.run(["version", "--format", "{{.Server.Version}}"])
            {
                docker.version = version.trim().to_owned();
                return Ok(docker);
            }
            if docker.daemon_ended()
                || docker.keeper.try_wait().is_ok_and(|status| status.is_some())
            {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = fs::read_to_string(docker.directory.join("log")).unwrap_or_default();
        let tail: Vec<&str> = log.lines().rev().take(5).collect();
        Err(format!("dockerd with {storage} did not answer:\n{}", tail.join("\n")))
    }

    /// Whether the daemon was started and runs no more.
    fn daemon_ended(&self) -> bool {
        let pid = fs::read_to_string(self.directory.join("daemon")).unwrap_or_default();
        let pid = pid.trim_end();
        // Until its parent looks after it, what has ended is a process without a program.
        !pid.is_empty() && fs::read_link(format!("/proc/{pid}/exe")).is_err()
    }

    /// Ends the daemon, as an update of it does: what it has lies still there.
    ///
    /// # Panics
    /// Where it does not end.
    pub fn stop_daemon(&mut self) {
        self.tell("stop");
        let gone = || self.run(["version"]).is_err() && !self.directory.join("pid").exists();
        self.until("the daemon does not end", gone);
    }

    /// Starts it again.
    ///
    /// # Panics
    /// Where it does not answer.
    pub fn start_daemon(&mut self) {
        self.tell("start");
        self.until("the daemon does not answer", || self.run(["version"]).is_ok());
    }

    fn tell(&mut self, word: &str) {
        let pipe = self.keeper.stdin.as_mut().expect("the keeper listens");
        writeln!(pipe, "{word}").expect("the keeper listens");
    }

    fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let start = Instant::now();
        while !holds() {
            assert!(start.elapsed() < PATIENCE, "{what}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The daemon's version, such as `20.10.24+dfsg1`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What `DOCKER_HOST` has to be to reach it.
    pub fn host(&self) -> String {
        format!("unix://{}", self.directory.join("socket").display())
    }

    /// Where all that is the daemon's lies; it goes with it, and what tests put there too.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The client program.
    pub fn client(&self) -> &Path {
        &self.client
    }

    /// The client, told where the daemon is.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.client);
        command.env("DOCKER_HOST", self.host()).env_remove("DOCKER_CONTEXT").stdin(Stdio::null());
        command
    }

    /// Runs the client: its standard output, or what it said when it failed.
    ///
    /// # Errors
    /// Standard error, where the client fails.
    pub fn run<I, S>(&self, arguments: I) -> Result<String, String>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        answer(self.command().args(arguments))
    }

    /// Makes an image of a root directory; `changes` are Dockerfile lines such as `USER sandbox`.
    ///
    /// # Panics
    /// Where the daemon refuses.
    pub fn import(&self, root: &Path, name: &str, changes: &[&str]) {
        let mut import = self.command();
        import.arg("import");
        for change in changes {
            import.args(["--change", change]);
        }
        pack(root, import.args(["-", name]));
    }

    /// The process id, seen from the host, of a container's first process.
    ///
    /// # Errors
    /// What the daemon says where there is no such container.
    pub fn first_pid(&self, container: &str) -> Result<u32, String> {
        let pid = self.run(["inspect", "--format", "{{.State.Pid}}", container])?;
        pid.trim().parse().map_err(|_| format!("{container} does not run"))
    }
}

impl Drop for Docker {
    fn drop(&mut self) {
        // Closing the pipe is what ends the keeper; waiting lets the next test find nothing left.
        if let Some(mut pipe) = self.keeper.stdin.take() {
            let _ = pipe.flush();
        }
        let _ = self.keeper.wait();
    }
}

/// The docker client; the distribution's, where there are several.
fn client() -> Result<PathBuf, String> {
    if !is_root() {
        return Err("This test does not run as root.".to_owned());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = vec![PathBuf::from("/usr/bin"), PathBuf::from("/usr/sbin")];
    places.extend(std::env::split_paths(&path));
    let find = |name: &str| places.iter().map(|place| place.join(name)).find(|file| file.exists());
    find("dockerd").ok_or("There is no dockerd.")?;
    find("docker").ok_or_else(|| "There is no docker client.".to_owned())
}

pub(crate) fn is_root() -> bool {
    crate::status::Status::of(std::process::id()).uid[1] == 0
}
