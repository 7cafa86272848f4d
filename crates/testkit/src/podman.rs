//! Podman with a storage of the test's own, and with what it needs on a host that has no systemd and may
//! not raise limits.

use crate::client::{answer, pack};
use crate::docker::is_root;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Names the OCI runtime to the wrapper; without, runc.
const RUNTIME: &str = "DROPCAP_TEST_OCI_RUNTIME";

/// A Podman of the test's own. There is no daemon; dropping it removes its containers and images.
#[derive(Debug)]
pub struct Podman {
    directory: tempfile::TempDir,
    client: PathBuf,
    version: String,
}

impl Podman {
    /// A storage below the temporary directory.
    ///
    /// # Panics
    /// With what is missing and what to do.
    pub fn new() -> Self {
        Self::new_in(&std::env::temp_dir())
    }

    /// A storage whose folder is made in `parent`.
    ///
    /// # Panics
    /// With what is missing and what to do.
    pub fn new_in(parent: &Path) -> Self {
        assert!(is_root(), "This test does not run as root.");
        let directory = tempfile::Builder::new()
            .prefix("dropcap-podman-")
            .permissions(fs::Permissions::from_mode(0o755))
            .tempdir_in(parent)
            .expect("a temporary directory");
        let client = directory.path().join("bin/podman");
        fs::create_dir(directory.path().join("bin")).expect("a folder");
        fs::write(&client, wrapper(directory.path())).expect("a wrapper");
        fs::set_permissions(&client, fs::Permissions::from_mode(0o755)).expect("a mode");
        let mut podman = Self { directory, client, version: String::new() };
        let version = loop {
            match podman.run(["version", "--format", "{{.Client.Version}}"]) {
                // Another thread forked while the wrapper was written, and has not executed yet.
                Err(why) if why.contains("Text file busy") => {
                    std::thread::sleep(std::time::Duration::from_millis(10));
                }
                version => break version,
            }
        };
        let version = version.unwrap_or_else(|why| panic!("needs podman: run `make setup`. {why}"));
        podman.version = version.trim().to_owned();
        podman
    }

    /// The version, such as `4.3.1`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Where all that is this Podman's lies; it goes with it, and what tests put there too.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The program `podman`, told where the storage is.
    pub fn client(&self) -> &Path {
        &self.client
    }

    /// The program, ready for arguments.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.client);
        command.env_remove(RUNTIME).stdin(Stdio::null());
        command
    }

    /// The same with another OCI runtime below.
    pub fn command_on(&self, runtime: &Path) -> Command {
        let mut command = self.command();
        command.env(RUNTIME, runtime);
        command
    }

    /// Runs it: its standard output, or what it said when it failed.
    ///
    /// # Errors
    /// Standard error, where it fails.
    pub fn run<I, S>(&self, arguments: I) -> Result<String, String>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        answer(self.command().args(arguments))
    }

    /// Makes an image of a root directory.
    ///
    /// # Panics
    /// Where Podman refuses.
    pub fn import(&self, root: &Path, name: &str) {
        pack(root, self.command().args(["import", "--quiet", "-", name]));
    }

    /// The process id, seen from the host, of a container's first process.
    ///
    /// # Errors
    /// What Podman says where there is no such container.
    pub fn first_pid(&self, container: &str) -> Result<u32, String> {
        let pid = self.run(["inspect", "--format", "{{.State.Pid}}", container])?;
        pid.trim().parse().map_err(|_| format!("{container} does not run"))
    }
}

impl Default for Podman {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        let _ = self.run(["rm", "--all", "--force", "--time=0"]);
        let _ = self.run(["system", "reset", "--force"]);
    }
}

/// `run` and `create` get limits that this host may set: Podman would raise them.
fn wrapper(directory: &Path) -> String {
    format!(
        "#!/bin/sh\n\
         verb=$1; shift\n\
         case $verb in run|create) set -- --ulimit=nofile=1024:1024 --ulimit=nproc=1024:1024 \"$@\";; esac\n\
         exec /usr/bin/podman --root '{0}/storage' --runroot '{0}/run' --tmpdir '{0}/tmp' --storage-driver=vfs \\\n\
         --cgroup-manager=cgroupfs --events-backend=file --runtime \"${{{RUNTIME}:-runc}}\" \"$verb\" \"$@\"\n",
        directory.display()
    )
}
