//! What is run, and how its outcome is judged.

use dropcap_testkit::status::Status;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, Output};

const DROPCAP: &str = env!("CARGO_BIN_EXE_dropcap");
/// What is allowed in every scene.
const ALLOWED: u64 = 1 << 10;
const ALLOWED_NAME: &str = "CAP_NET_BIND_SERVICE";
const USER: u32 = 1000;
/// SIGKILL of signal(7).
const KILLED: i32 = 9;

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Something was executed, with at most what is allowed.
    Within,
    /// Nothing was executed.
    Nothing,
    /// Nothing was executed, and no reason was given: it ended by a signal of its own making.
    Crashed(String),
    /// More was executed, or something is left that should not be.
    Beyond(String),
}

#[derive(Debug)]
enum Kind {
    /// `dropcap run`: the command prints its own status.
    Run(Vec<&'static str>),
    /// The runtime: what stands in for runc prints the document that it is given.
    Runtime(Vec<String>),
}

#[derive(Debug)]
pub struct Scene {
    pub name: &'static str,
    kind: Kind,
    directory: tempfile::TempDir,
}

/// What stands in for runc.
const BELOW: &str = r#"#!/bin/busybox sh
for word; do
    case "$word" in
        --bundle=*) exec cat "${word#--bundle=}/config.json" ;;
        --process=*) exec cat "${word#--process=}" ;;
    esac
done
echo '{}'
"#;

impl Scene {
    fn new(name: &'static str, kind: Kind) -> Self {
        // Where a policy can be trusted.
        let directory = tempfile::tempdir_in("/var/lib").expect("needs root");
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self { name, kind, directory }
    }

    /// The usual command line: it begins before the C library, and errors begin it anew.
    pub fn run_early() -> Self {
        Self::new("dropcap run, begun early", Kind::Run(vec!["--user", "1000:1000"]))
    }

    /// A flag that is left to the ordinary start.
    pub fn run_late() -> Self {
        let flags = vec!["--user", "1000:1000", "--keep-fd", "2"];
        Self::new("dropcap run, begun late", Kind::Run(flags))
    }

    /// A container's first process.
    pub fn create() -> Self {
        let words = ["--log", "LOG", "create", "--bundle", "BUNDLE", "server1"];
        Self::new("dropcap-runtime create", Kind::Runtime(words.map(str::to_owned).to_vec()))
            .prepared()
    }

    /// The same, begun after the C library: its record cannot be written, which has to be said first.
    pub fn create_late() -> Self {
        let words = ["--log", "LOG", "create", "--bundle", "BUNDLE", "server1"];
        let words = words.map(str::to_owned).to_vec();
        let scene =
            Self::new("dropcap-runtime create, begun late", Kind::Runtime(words)).prepared();
        fs::create_dir_all(scene.path("record/runtime.jsonl")).unwrap();
        scene
    }

    /// A process that comes in.
    pub fn exec() -> Self {
        let words = ["--log", "LOG", "exec", "--process", "PROCESS", "server1"];
        let scene =
            Self::new("dropcap-runtime exec", Kind::Runtime(words.map(str::to_owned).to_vec()));
        let scene = scene.prepared();
        // As it is after its container was made.
        let create: Vec<String> =
            scene.words(&["create", "--bundle", "BUNDLE", "server1"].map(str::to_owned));
        let made = Command::new(&create[0]).args(&create[1..]).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        let bundle = scene.bundles().join("server1");
        assert!(bundle.join("config.json").exists());
        let kept = scene.path("root/server1");
        fs::create_dir_all(&kept).unwrap();
        let state = json!({"config": {"labels": [format!("bundle={}", bundle.display())]}});
        fs::write(kept.join("state.json"), state.to_string()).unwrap();
        scene
    }

    fn prepared(self) -> Self {
        let etc = self.path("etc");
        fs::create_dir(&etc).unwrap();
        let directory = self.directory.path().display();
        let settings = format!(
            "version = 1\nwithout-match = \"drop-all\"\nbelow = \"{directory}/below\"\nrecord = \"{directory}/record/runtime.jsonl\"\nstate = \"{directory}/state\"\n"
        );
        let policy = format!(
            "version = 1\n[[workload]]\nname = \"server\"\nallow = [\"{ALLOWED_NAME}\"]\nmatch = [{{ name = \"server*\" }}]\n"
        );
        fs::write(etc.join("runtime.toml"), settings).unwrap();
        fs::write(etc.join("dropcap.toml"), policy).unwrap();
        fs::write(self.path("below"), BELOW).unwrap();
        fs::set_permissions(self.path("below"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink(DROPCAP, self.path("dropcap-runtime")).unwrap();
        let set = json!(["CAP_KILL", "CAP_SYS_ADMIN", ALLOWED_NAME]);
        let process = json!({"args": ["sh"], "capabilities": {"bounding": set, "effective": set,
            "permitted": set, "inheritable": set, "ambient": set}});
        let config = json!({"process": process, "root": {"path": "rootfs"}});
        fs::create_dir(self.path("bundle")).unwrap();
        fs::write(self.path("bundle/config.json"), config.to_string()).unwrap();
        fs::write(self.path("process.json"), process.to_string()).unwrap();
        self
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Where strace writes.
    pub fn trace(&self) -> PathBuf {
        self.path("trace")
    }

    /// Where the runtime's bundles lie.
    fn bundles(&self) -> PathBuf {
        let root = self.path("root");
        self.path("state/bundles").join(root.strip_prefix("/").unwrap())
    }

    /// The command line under test.
    pub fn line(&self) -> Vec<String> {
        match &self.kind {
            Kind::Run(flags) => {
                let command = ["--", "/bin/busybox", "cat", "/proc/self/status"];
                let words = ["run", "--allow", ALLOWED_NAME].iter().chain(flags).chain(&command);
                std::iter::once(DROPCAP.to_owned())
                    .chain(words.map(|one| (*one).to_owned()))
                    .collect()
            }
            Kind::Runtime(words) => self.words(words),
        }
    }

    fn words(&self, words: &[String]) -> Vec<String> {
        let text = |path: PathBuf| path.to_str().unwrap().to_owned();
        let mut line = vec![
            text(self.path("dropcap-runtime")),
            format!("--dropcap-config={}", text(self.path("etc"))),
            "--root".to_owned(),
            text(self.path("root")),
        ];
        line.extend(words.iter().map(|word| match word.as_str() {
            "LOG" => text(self.path("log.json")),
            "BUNDLE" => text(self.path("bundle")),
            "PROCESS" => text(self.path("process.json")),
            word => word.to_owned(),
        }));
        line
    }

    /// How a run ended.
    pub fn judge(&self, output: &Output) -> Outcome {
        // strace ends as what it traces does: by our SIGKILL, never by a fault of the program's own.
        if output.status.signal().is_some_and(|signal| signal != KILLED) {
            return Outcome::Crashed(format!("{output:?}"));
        }
        let said = String::from_utf8_lossy(&output.stdout);
        if said.is_empty() {
            // The command that is executed always says something.
            if output.status.success() {
                return Outcome::Beyond(format!("success, and nothing was said: {output:?}"));
            }
            return self.left().map_or(Outcome::Nothing, Outcome::Beyond);
        }
        let beyond = match &self.kind {
            Kind::Run(_) => status_beyond(&said),
            Kind::Runtime(_) => document_beyond(&said).or_else(|| self.left()),
        };
        beyond.map_or(Outcome::Within, Outcome::Beyond)
    }

    /// What is left that should not be: a bundle under a container's name that is not whole.
    fn left(&self) -> Option<String> {
        let entries = fs::read_dir(self.bundles()).into_iter().flatten().flatten();
        entries.filter(|entry| !entry.file_name().to_string_lossy().starts_with('.')).find_map(
            |entry| {
                let text = fs::read_to_string(entry.path().join("config.json"));
                document_beyond(&text.unwrap_or_default())
                    .map(|why| format!("{} is left: {why}", entry.path().display()))
            },
        )
    }
}

/// What a process holds beyond what is allowed. Under no_new_privs and without user namespaces
/// what is in the bounding set alone cannot be reached.
fn status_beyond(text: &str) -> Option<String> {
    let status = Status::parse(text);
    let held = status.permitted | status.effective | status.inheritable | status.ambient;
    let right = held & !ALLOWED == 0
        && status.no_new_privs
        && status.seccomp == 2
        && status.uid == [USER; 4]
        && status.gid == [USER; 4]
        && status.groups.is_empty();
    (!right).then(|| format!("{status:?}"))
}

/// What a document asks for beyond what is allowed.
fn document_beyond(text: &str) -> Option<String> {
    let Ok(document) = serde_json::from_str::<Value>(text) else {
        return Some(format!("half a document: {text}"));
    };
    let process = if document["process"].is_null() { &document } else { &document["process"] };
    let sets = process["capabilities"].as_object();
    let within = sets.is_some_and(|sets| {
        sets.len() == 5
            && sets.values().all(|set| {
                set.as_array().is_some_and(|set| set.iter().all(|name| name == ALLOWED_NAME))
            })
    });
    let right = within && process["noNewPrivileges"] == true;
    (!right).then(|| text.to_owned())
}
