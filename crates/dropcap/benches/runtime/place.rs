//! Where containers are started, and how.

use crate::bundle::Configuration;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What starts a container.
#[derive(Clone, Copy)]
pub enum By {
    /// runc alone.
    Runc,
    /// dropcap and then runc.
    Dropcap,
    /// dropcap, with a program that does nothing in runc's place.
    DropcapAlone,
}

/// The containers that stay for a while.
pub const WITHOUT: &str = "without";
pub const WITH: &str = "with";

pub struct Place(tempfile::TempDir);

impl Place {
    pub fn new() -> Self {
        let place = Self(tempfile::tempdir_in("/var/lib").expect("needs root"));
        fs::set_permissions(place.0.path(), fs::Permissions::from_mode(0o755)).unwrap();
        // Where runc and dropcap keep what ends with the machine: /run, which is in memory (file-hierarchy(7)).
        let run = place.path("run");
        fs::create_dir(&run).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "tmpfs"]).arg(&run).status();
        assert!(mounted.unwrap().success(), "needs root, and to mount");
        fs::write(place.nothing(), "#!/bin/busybox true\n").unwrap();
        fs::set_permissions(place.nothing(), fs::Permissions::from_mode(0o755)).unwrap();
        let settings = format!(
            "version = 1\nwithout-match = \"drop-all\"\nrecord = \"{0}/record/runtime.jsonl\"\nstate = \"{0}/run/dropcap\"\n",
            place.0.path().display()
        );
        place.policy("etc", &settings);
        place
            .policy("etc-alone", &format!("{settings}below = \"{}\"\n", place.nothing().display()));
        // Written as who installs it writes it: the linker's file was written through a mapping, and lies in memory
        // in single pages, each of which is mapped for itself.
        fs::copy(env!("CARGO_BIN_EXE_dropcap"), place.path("dropcap")).unwrap();
        symlink("dropcap", place.path("dropcap-runtime")).unwrap();
        fs::create_dir(place.path("bundle")).unwrap();
        dropcap_testkit::root::busybox(&place.root(), "root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
        place
    }

    /// A policy that is as long as policies are.
    fn policy(&self, name: &str, settings: &str) {
        let folder = self.path(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("runtime.toml"), settings).unwrap();
        let mut policy = "version = 1\n".to_owned();
        for number in 0..20 {
            policy.push_str(&format!(
                "[[workload]]\nname = \"w{number}\"\nallow = [\"NET_BIND_SERVICE\"]\nmatch = [{{ image = \"example/w{number}:*\" }}]\n"
            ));
        }
        fs::write(folder.join("dropcap.toml"), policy).unwrap();
    }

    /// The bundle starts this from now on.
    pub fn configure(&self, configuration: &Configuration, arguments: &[&str]) {
        configuration.write(&self.path("bundle/config.json"), &self.root(), arguments);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn root(&self) -> PathBuf {
        self.path("root")
    }

    /// A program that does nothing.
    fn nothing(&self) -> PathBuf {
        self.path("nothing")
    }

    pub fn command(&self, by: By, words: &[&str]) -> Command {
        let folder = match by {
            By::Runc => None,
            By::Dropcap => Some("etc"),
            By::DropcapAlone => Some("etc-alone"),
        };
        let mut command = Command::new("runc");
        if let Some(folder) = folder {
            command = Command::new(self.path("dropcap-runtime"));
            command.arg(format!("--dropcap-config={}", self.path(folder).display()));
        }
        command.arg("--root").arg(self.path("run/runc")).args(words);
        self.quiet(command)
    }

    /// What dropcap alone is compared with.
    pub fn bare(&self) -> Command {
        self.quiet(Command::new(self.nothing()))
    }

    fn quiet(&self, mut command: Command) -> Command {
        // All of them in that folder: without one, the standard library starts a program in another way.
        command.current_dir(self.path("bundle")).stdin(Stdio::null()).stdout(Stdio::null());
        command
    }

    /// A bundle with what runc gets from dropcap.
    pub fn stronger(&self) -> PathBuf {
        let made = self.command(By::DropcapAlone, &["create", "stronger"]).status();
        assert!(made.unwrap().success());
        let (bundles, root) = (self.path("run/dropcap/bundles"), self.path("run/runc"));
        let written = bundles.join(root.strip_prefix("/").unwrap()).join("stronger/config.json");
        // Elsewhere: dropcap removes bundles of containers that are gone.
        let stronger = self.path("stronger");
        fs::create_dir_all(&stronger).unwrap();
        fs::copy(written, stronger.join("config.json")).unwrap();
        stronger
    }

    /// A container that stays.
    pub fn keep(&self, by: By, container: &str) {
        let log = fs::File::create(self.path("log")).unwrap();
        let status = self.command(by, &["run", "--detach", container]).stderr(log).status();
        assert!(status.unwrap().success());
    }

    pub fn delete_kept(&self) {
        for container in [WITHOUT, WITH] {
            let _ = self.command(By::Runc, &["delete", "--force", container]).output();
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Where something has stopped the benchmark.
        self.delete_kept();
        let _ = Command::new("umount").arg(self.path("run")).status();
    }
}
