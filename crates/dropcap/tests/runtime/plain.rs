//! runc and crun called by hand: what engines do not do.

use crate::world::{
    NET_BIND_SERVICE, TRUSTED, binary, holds_nothing, in_guest, text, write_policy,
};
use dropcap_capability::CapabilitySet;
use dropcap_testkit::root;
use dropcap_testkit::status::Status;
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub const KILL: u64 = 1 << 5;

const POLICY: &str = r#"version = 1
[[workload]]
name = "server"
allow = ["NET_BIND_SERVICE"]
match = [{ name = "server*" }]
"#;

/// A folder with a policy, a runtime's own root, and a bundle.
pub struct Place {
    directory: tempfile::TempDir,
    /// What has to stand before runc for it to run here.
    below: &'static [&'static str],
}

/// crun refuses a hybrid cgroup tree, unless it does not see the v2 one.
const CRUN: [&str; 6] = [
    "unshare",
    "--mount",
    "sh",
    "-c",
    "umount /sys/fs/cgroup/unified 2>/dev/null; exec \"$0\" \"$@\"",
    "",
];

impl Place {
    pub fn new(runtime: &str) -> Self {
        let directory = tempfile::tempdir_in(TRUSTED).unwrap();
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let etc = write_policy(directory.path(), POLICY, "drop-all");
        let settings = etc.join("runtime.toml");
        let mut text = fs::read_to_string(&settings).unwrap();
        let found =
            ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].map(|place| Path::new(place).join(runtime));
        let below =
            found.iter().find(|file| file.exists()).expect("needs runc and crun: `make setup`");
        text.push_str(&format!("below = \"{}\"\n", below.display()));
        fs::write(&settings, text).unwrap();
        std::os::unix::fs::symlink(binary(), directory.path().join("dropcap-runtime")).unwrap();
        let bundle = directory.path().join("bundle");
        let root = bundle.join("rootfs");
        root::busybox(&root, "root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
        let below: &[&str] = if runtime == "crun" { &CRUN[..5] } else { &[] };
        Self { directory, below }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes the bundle's configuration: KILL and NET_BIND_SERVICE in every set.
    pub fn configure(&self, arguments: &[&str]) -> Value {
        let set = json!(["CAP_KILL", "CAP_NET_BIND_SERVICE"]);
        let namespaces =
            ["pid", "ipc", "uts", "mount", "network"].map(|kind| json!({"type": kind}));
        let config = json!({"ociVersion": "1.0.2", "hostname": "x",
            "process": {"args": arguments, "cwd": "/", "env": ["PATH=/bin", "A=1"], "user": {"uid": 0, "gid": 0},
                "capabilities": {"bounding": set, "effective": set, "permitted": set,
                    "inheritable": set, "ambient": set}},
            "root": {"path": "rootfs"},
            "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
                {"destination": "/mnt", "type": "bind", "source": "rootfs/etc", "options": ["rbind", "ro"]}],
            "linux": {"namespaces": namespaces, "future": {"kept": true}}});
        self.write(&config);
        config
    }

    pub fn write(&self, config: &Value) {
        fs::write(self.path("bundle/config.json"), config.to_string()).unwrap();
    }

    /// The command line of the runtime, with dropcap before it or without.
    pub fn line(&self, with: bool, words: &[&str]) -> Vec<String> {
        let mut line: Vec<String> = self.below.iter().map(|word| (*word).to_owned()).collect();
        if with {
            line.push(self.path("dropcap-runtime").display().to_string());
            line.push(format!("--dropcap-config={}", self.path("etc").display()));
        } else {
            line.push(if self.below.is_empty() { "runc" } else { "crun" }.to_owned());
        }
        line.extend(["--root".to_owned(), self.path("run").display().to_string()]);
        line.extend(words.iter().map(|word| (*word).to_owned()));
        line
    }

    pub fn run(&self, with: bool, words: &[&str]) -> Output {
        let line = self.line(with, words);
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).current_dir(self.path("bundle")).stdin(Stdio::null());
        command.output().unwrap()
    }

    /// Starts in the background: its output is nobody's, or it would be waited for. A container's cgroup has its name, and
    /// whoever deletes it ends what is in there: no two tests may use one name.
    pub fn start(&self, with: bool, words: &[&str]) {
        let line = self.line(with, words);
        let log = fs::File::create(self.path("start.log")).unwrap();
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).current_dir(self.path("bundle")).stdin(Stdio::null());
        let status = command.stdout(Stdio::null()).stderr(log).status().unwrap();
        assert!(
            status.success(),
            "{line:?}: {}",
            fs::read_to_string(self.path("start.log")).unwrap()
        );
    }

    pub fn status(&self, with: bool, options: &[&str], container: &str) -> Status {
        let line = [&["exec"], options, &[container, "cat", "/proc/self/status"]].concat();
        let output = self.run(with, &line);
        let said = text(&output.stdout);
        assert!(output.status.success(), "{line:?}: {said}{}", text(&output.stderr));
        Status::parse(&said)
    }
}

impl Place {
    /// `exec` of a document that comes by a pipe.
    fn piped(&self, document: &str, container: &str) -> Output {
        let line = self.line(true, &["exec", "--process", "/dev/stdin", container]);
        let mut command = Command::new(&line[0]);
        command.args(&line[1..]).current_dir(self.path("bundle"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // Who refuses it does not read it to its end.
        let _ = stdin.write_all(document.as_bytes());
        drop(stdin);
        child.wait_with_output().unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let containers = fs::read_dir(self.path("run")).into_iter().flatten().flatten();
        for container in containers {
            let _ =
                self.run(false, &["delete", "--force", &container.file_name().to_string_lossy()]);
        }
    }
}

/// The document that dockerd writes for `exec --privileged` (`daemon/exec_linux.go`): every capability of the kernel. A machine
/// whose root lacks one of them cannot open the door; a guest's can.
#[test]
fn exec_privileged_is_held() {
    let last = fs::read_to_string("/proc/sys/kernel/cap_last_cap").unwrap();
    let mask = (1 << (last.trim().parse::<u64>().unwrap() + 1)) - 1;
    let every: Vec<String> =
        CapabilitySet::from_bits(mask).iter().map(|capability| capability.to_string()).collect();
    let can_be_open = Status::of(std::process::id()).permitted == mask;
    assert!(can_be_open || !in_guest(), "a guest's root holds every capability");
    for runtime in ["runc", "crun"] {
        let place = Place::new(runtime);
        place.configure(&["sleep", "1000"]);
        for (with, container) in [(true, "server3"), (false, "bare3")] {
            place.start(with, &["run", "--detach", container]);
        }
        let document = json!({"args": ["cat", "/proc/self/status"], "cwd": "/", "env": ["PATH=/bin"],
            "user": {"uid": 0, "gid": 0},
            "capabilities": {"bounding": every, "permitted": every, "effective": every}});
        let path = place.path("process.json");
        fs::write(&path, document.to_string()).unwrap();
        let exec = |with, container| {
            place.run(with, &["exec", "--process", path.to_str().unwrap(), container])
        };
        let held = exec(true, "server3");
        let said = text(&held.stdout);
        assert!(held.status.success(), "{runtime}: {said}{}", text(&held.stderr));
        let status = Status::parse(&said);
        assert_eq!(
            (status.bounding, status.permitted),
            (NET_BIND_SERVICE, NET_BIND_SERVICE),
            "{runtime}"
        );
        let bare = exec(false, "bare3");
        let said = text(&bare.stdout);
        if can_be_open {
            let status = Status::parse(&said);
            assert_eq!((status.bounding, status.effective), (mask, mask), "{runtime}: {said}");
        } else {
            assert!(!bare.status.success(), "{runtime} gave what the machine has not: {said}");
        }
    }
}

/// Where nothing is taken away the runtime below still gets what only dropcap could read.
#[test]
fn a_document_by_a_pipe_is_handed_on_where_it_is_only_observed() {
    for runtime in ["runc", "crun"] {
        let place = Place::new(runtime);
        let settings = place.path("etc/runtime.toml");
        let observing = fs::read_to_string(&settings).unwrap().replace("drop-all", "observe-only");
        fs::write(&settings, observing).unwrap();
        place.configure(&["sleep", "1000"]);
        place.start(false, &["run", "--detach", "bare2"]);
        let set = json!(["CAP_KILL"]);
        let document = json!({"args": ["cat", "/proc/self/status"], "cwd": "/", "env": ["PATH=/bin"],
            "user": {"uid": 0, "gid": 0},
            "capabilities": {"bounding": set, "permitted": set, "effective": set}});
        let output = place.piped(&document.to_string(), "bare2");
        let said = text(&output.stdout);
        assert!(output.status.success(), "{runtime}: {said}{}", text(&output.stderr));
        let status = Status::parse(&said);
        assert_eq!((status.bounding, status.permitted), (KILL, KILL), "{runtime}");
    }
}

/// Every way that exec has, without an engine: flags of its own, a document, as runc and crun would have
/// built it.
#[test]
fn exec_by_flags_and_by_document_means_what_the_runtime_means_and_is_held() {
    for runtime in ["runc", "crun"] {
        let place = Place::new(runtime);
        place.configure(&["sleep", "1000"]);
        place.start(true, &["run", "--detach", "server1"]);
        place.start(false, &["run", "--detach", "bare1"]);
        let all = KILL | NET_BIND_SERVICE;
        for options in [
            &[][..],
            &["--cap", "CAP_KILL"],
            &["--cap", "CAP_OF_TOMORROW"],
            &["--cap=CAP_KILL", "--cap=CAP_NET_BIND_SERVICE", "--user", "1000:5"],
            &["--cwd", "/etc", "--env", "B=2", "--env=A=3", "--env=PATH=/bin"],
            &["--no-new-privs"],
        ] {
            let (held, bare) =
                (place.status(true, options, "server1"), place.status(false, options, "bare1"));
            assert_eq!(held.permitted & !NET_BIND_SERVICE, 0, "{runtime} {options:?}");
            assert_eq!(held.bounding & !NET_BIND_SERVICE, 0, "{runtime} {options:?}");
            assert_eq!(held.permitted, bare.permitted & NET_BIND_SERVICE, "{runtime} {options:?}");
            assert_eq!(held.ambient, bare.ambient & NET_BIND_SERVICE, "{runtime} {options:?}");
            // crun takes what `--cap` names in place of what the container has.
            let has_some = bare.bounding & all != 0 || options.contains(&"CAP_OF_TOMORROW");
            assert!(has_some && held.no_new_privs, "{runtime} {options:?}");
            assert_eq!((held.uid, held.gid, &held.groups), (bare.uid, bare.gid, &bare.groups));
            let rest = ["sh", "-c", "echo $A $B $PWD $HOME; ls /proc/self/fd"];
            let said = |with, container| {
                let output = place.run(with, &[&["exec"], options, &[container], &rest].concat());
                text(&output.stdout)
            };
            assert_eq!(said(true, "server1"), said(false, "bare1"), "{runtime} {options:?}");
        }
        let document = json!({"args": ["cat", "/proc/self/status"], "cwd": "/", "env": ["PATH=/bin"],
            "user": {"uid": 0, "gid": 0}, "noNewPrivileges": false,
            "capabilities": {"bounding": ["cap_kill", "CAP_NET_BIND_SERVICE"], "permitted": ["CAP_KILL"]}});
        let path = place.path("process.json");
        fs::write(&path, document.to_string()).unwrap();
        let output = place.run(true, &["exec", "--process", path.to_str().unwrap(), "server1"]);
        let said = text(&output.stdout);
        assert!(output.status.success(), "{runtime}: {said}{}", text(&output.stderr));
        let status = Status::parse(&said);
        assert_eq!((status.bounding, status.permitted), (NET_BIND_SERVICE, 0), "{runtime}");
        assert!(status.no_new_privs);
        // Without capabilities of its own a runtime would take the container's.
        let bare = json!({"args": ["cat", "/proc/self/status"], "cwd": "/", "env": ["PATH=/bin"],
            "user": {"uid": 0, "gid": 0}});
        fs::write(&path, bare.to_string()).unwrap();
        let output = place.run(true, &["exec", "-p", path.to_str().unwrap(), "server1"]);
        let said = text(&output.stdout);
        assert!(output.status.success(), "{runtime}: {said}{}", text(&output.stderr));
        assert!(holds_nothing(&Status::parse(&said)), "{runtime}");
        // It may come by a pipe.
        let output = place.piped(&document.to_string(), "server1");
        let said = text(&output.stdout);
        assert!(output.status.success(), "{runtime}: {said}{}", text(&output.stderr));
        assert_eq!(Status::parse(&said).bounding, NET_BIND_SERVICE, "{runtime}");
        let output = place.piped(&" ".repeat(17 << 20), "server1");
        assert_eq!(output.status.code(), Some(125), "{runtime}");
        let said = text(&output.stderr);
        assert!(said.contains("is larger than any configuration"), "{runtime}: {said}");
        // A mount and the root that were relative to the bundle are where they were.
        assert!(
            text(&place.run(true, &["exec", "server1", "cat", "/mnt/passwd"]).stdout)
                .contains("root")
        );
        // Whatever is refused is executed by nobody.
        let output = place.run(true, &["exec", "--new-flag", "server1", "echo", "ran"]);
        assert_eq!(output.status.code(), Some(125), "{runtime}");
        assert!(!text(&output.stdout).contains("ran"));
        // There is nothing to refuse, so the code is the runtime's own.
        let [with, without] =
            [true, false].map(|with| place.run(with, &["exec", "gone", "echo", "ran"]));
        assert_eq!(with.status.code(), without.status.code(), "{runtime}");
        assert!(!with.status.success() && text(&with.stderr).contains("does not exist"));
        // Made without dropcap, its user namespaces are open: nobody comes in under a policy.
        let output = place.run(true, &["exec", "bare1", "true"]);
        assert!(text(&output.stderr).contains("user namespaces"), "{}", text(&output.stderr));
        assert_eq!(output.status.code(), Some(125));
        let output = place.run(true, &["restore", "--image-path", "/x", "server2"]);
        assert!(text(&output.stderr).contains("checkpoint"), "{}", text(&output.stderr));
        for words in [&["state", "server1"][..], &["kill", "server1", "KILL"], &["--version"]] {
            assert!(place.run(true, words).status.success(), "{runtime} {words:?}");
        }
        // The bundle that it was given is as it was.
        let config = fs::read_to_string(place.path("bundle/config.json")).unwrap();
        assert!(config.contains("CAP_KILL") && !config.contains("dropcap"));
    }
}

/// Additional groups, and descriptors that are to be passed on: as the runtime does it.
#[test]
fn groups_and_descriptors_are_passed_on() {
    for runtime in ["runc", "crun"] {
        let place = Place::new(runtime);
        place.configure(&["sleep", "1000"]);
        place.start(true, &["run", "--detach", "server5"]);
        place.start(false, &["run", "--detach", "bare5"]);
        let passed = place.path("passed");
        fs::write(&passed, "by descriptor").unwrap();
        let read = |with, container| {
            let line = place.line(
                with,
                &[
                    "exec",
                    "--preserve-fds",
                    "1",
                    container,
                    "sh",
                    "-c",
                    "cat <&3; ls /proc/self/fd",
                ],
            );
            let script = format!("exec \"$0\" \"$@\" 3<{}", passed.display());
            let output = Command::new("sh").args(["-c", &script]).args(line).output().unwrap();
            assert!(output.status.success(), "{runtime}: {}", text(&output.stderr));
            text(&output.stdout)
        };
        let held = read(true, "server5");
        assert!(held.starts_with("by descriptor"), "{runtime}: {held}");
        assert_eq!(held, read(false, "bare5"), "{runtime}");
        // crun has no such flag before 1.21.
        if runtime == "runc" {
            let groups = ["--user=1000:5", "--additional-gids=7", "--additional-gids", "8"];
            let (held, bare) =
                (place.status(true, &groups, "server5"), place.status(false, &groups, "bare5"));
            assert_eq!(held.groups, bare.groups);
            assert!([7, 8].iter().all(|group| held.groups.contains(group)), "{held:?}");
        }
    }
}

/// A console's socket is named from the bundle's folder, which is another one with dropcap.
#[test]
fn a_console_comes_by_its_socket() {
    for runtime in ["runc", "crun"] {
        let place = Place::new(runtime);
        let mut config = place.configure(&["sh", "-c", "tty >/dev/tty; exec sleep 1000"]);
        config["process"]["terminal"] = true.into();
        let pts = json!({"destination": "/dev/pts", "type": "devpts", "source": "devpts",
            "options": ["newinstance", "ptmxmode=0666"]});
        config["mounts"].as_array_mut().unwrap().push(pts);
        place.write(&config);
        for (with, container) in [(true, "server6"), (false, "bare6")] {
            let name = format!("{container}.sock");
            let socket = UnixListener::bind(place.path("bundle").join(&name)).unwrap();
            let line =
                ["run", "--detach", "--bundle", "bundle", "--console-socket", &name, container];
            let line = place.line(with, &line);
            let log = fs::File::create(place.path("start.log")).unwrap();
            let mut command = Command::new(&line[0]);
            command.args(&line[1..]).current_dir(place.path("")).stdin(Stdio::null());
            let status = command.stdout(Stdio::null()).stderr(log).status().unwrap();
            let said = fs::read_to_string(place.path("start.log")).unwrap();
            assert!(status.success(), "{runtime} {container}: {said}");
            socket.set_nonblocking(true).unwrap();
            socket.accept().unwrap_or_else(|why| panic!("{runtime} {container}: {why}"));
        }
    }
}
