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
const KILL: u64 = 1 << 5;
const USER: u32 = 1000;
/// The container that is restored: its policy asks for nothing that criu does not bring back.
const RESTORED: &str = "restored1";
/// A container of Docker's, whose name its own file says; without that it matches nothing.
const DOCKERS: &str = "c0ffee";
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
    /// The runtime, with what it has to refuse: nothing is to be executed at all.
    Refused(Vec<String>),
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
        let words = ["--log", "LOG", "create", "--bundle", "BUNDLE", DOCKERS];
        Self::new("dropcap-runtime create", Kind::Runtime(words.map(str::to_owned).to_vec()))
            .prepared()
    }

    /// The same, begun after the C library: its record cannot be written, which has to be said first.
    pub fn create_late() -> Self {
        let words = ["--log", "LOG", "create", "--bundle", "BUNDLE", DOCKERS];
        let words = words.map(str::to_owned).to_vec();
        let scene =
            Self::new("dropcap-runtime create, begun late", Kind::Runtime(words)).prepared();
        fs::create_dir_all(scene.path("record/runtime.jsonl")).unwrap();
        scene
    }

    /// A process that comes in.
    pub fn exec() -> Self {
        let words = ["--log", "LOG", "exec", "--process", "PROCESS", DOCKERS];
        let scene =
            Self::new("dropcap-runtime exec", Kind::Runtime(words.map(str::to_owned).to_vec()));
        let scene = scene.prepared();
        // As it is after its container was made.
        let create: Vec<String> =
            scene.words(&["create", "--bundle", "BUNDLE", DOCKERS].map(str::to_owned));
        let made = Command::new(&create[0]).args(&create[1..]).output().unwrap();
        assert!(made.status.success(), "{made:?}");
        let bundle = scene.bundles().join(DOCKERS);
        assert!(bundle.join("config.json").exists());
        let kept = scene.path("root").join(DOCKERS);
        fs::create_dir_all(&kept).unwrap();
        let state = json!({"config": {"labels": [format!("bundle={}", bundle.display())]}});
        fs::write(kept.join("state.json"), state.to_string()).unwrap();
        scene
    }

    /// A checkpoint whose tasks hold what is allowed.
    pub fn restore() -> Self {
        Self::new("dropcap-runtime restore", Kind::Runtime(restoring())).with_images(&[ALLOWED; 2])
    }

    /// One of whose tasks one holds more.
    pub fn restore_of_more() -> Self {
        Self::new("dropcap-runtime restore, refused", Kind::Refused(restoring()))
            .with_images(&[ALLOWED, ALLOWED | KILL])
    }

    fn with_images(self, held: &[u64]) -> Self {
        let scene = self.prepared();
        let images = scene.path("images");
        fs::create_dir(&images).unwrap();
        fs::set_permissions(&images, fs::Permissions::from_mode(0o700)).unwrap();
        for (number, held) in held.iter().enumerate() {
            fs::write(images.join(format!("core-{number}.img")), image(*held)).unwrap();
        }
        scene
    }

    fn is_restored(&self) -> bool {
        self.line().last().is_some_and(|word| word == RESTORED)
    }

    /// Whether nothing is to be executed even where no call is disturbed.
    pub fn is_refused(&self) -> bool {
        matches!(self.kind, Kind::Refused(_))
    }

    fn prepared(self) -> Self {
        let etc = self.path("etc");
        fs::create_dir(&etc).unwrap();
        let directory = self.directory.path().display();
        let settings = format!(
            "version = 1\nwithout-match = \"observe-only\"\nbelow = \"{directory}/below\"\nrecord = \"{directory}/record/runtime.jsonl\"\nstate = \"{directory}/state\"\n"
        );
        let policy = format!(
            "version = 1\n[[workload]]\nname = \"server\"\nallow = [\"{ALLOWED_NAME}\"]\nmatch = [{{ label = \"role=server\" }}]\n\
             [[workload]]\nname = \"restored\"\nallow = [\"{ALLOWED_NAME}\"]\nno-new-privileges = false\nuser-namespaces = true\nmatch = [{{ name = \"{RESTORED}\" }}]\n"
        );
        fs::write(etc.join("runtime.toml"), settings).unwrap();
        fs::write(etc.join("dropcap.toml"), policy).unwrap();
        fs::write(self.path("below"), BELOW).unwrap();
        fs::set_permissions(self.path("below"), fs::Permissions::from_mode(0o755)).unwrap();
        symlink(DROPCAP, self.path("dropcap-runtime")).unwrap();
        let set = json!(["CAP_KILL", "CAP_SYS_ADMIN", ALLOWED_NAME]);
        let process = json!({"args": ["sh"], "capabilities": {"bounding": set, "effective": set,
            "permitted": set, "inheritable": set, "ambient": set}});
        let kept = self.path("docker/containers").join(DOCKERS);
        let image = self.path("docker/image/overlay2/imagedb/content/sha256");
        fs::create_dir_all(&kept).unwrap();
        fs::create_dir_all(&image).unwrap();
        let docker = json!({"ID": DOCKERS, "Name": "/a", "Driver": "overlay2", "Image": "sha256:1",
            "Config": {"Image": "box", "Labels": {"role": "server"}}});
        fs::write(kept.join("config.v2.json"), docker.to_string()).unwrap();
        fs::write(image.join("1"), r#"{"config": {"Labels": {"a": "b"}}}"#).unwrap();
        let hosts = json!({"destination": "/etc/hosts", "source": kept.join("hosts"), "type": "bind",
            "options": ["rbind"]});
        let config = json!({"process": process, "root": {"path": "rootfs"}, "mounts": [hosts]});
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
            Kind::Runtime(words) | Kind::Refused(words) => self.words(words),
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
            "IMAGES" => text(self.path("images")),
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
            Kind::Runtime(_) => document_beyond(self, &said).or_else(|| self.left()),
            Kind::Refused(_) => Some(format!("executed: {said}")),
        };
        beyond.map_or(Outcome::Within, Outcome::Beyond)
    }

    /// What is left that should not be: a bundle under a container's name that is not whole.
    fn left(&self) -> Option<String> {
        let entries = fs::read_dir(self.bundles()).into_iter().flatten().flatten();
        entries.filter(|entry| !entry.file_name().to_string_lossy().starts_with('.')).find_map(
            |entry| {
                let text = fs::read_to_string(entry.path().join("config.json"));
                document_beyond(self, &text.unwrap_or_default())
                    .map(|why| format!("{} is left: {why}", entry.path().display()))
            },
        )
    }
}

fn restoring() -> Vec<String> {
    let words = ["--log", "LOG", "restore", "--bundle", "BUNDLE", "--image-path", "IMAGES"];
    words.into_iter().chain([RESTORED]).map(str::to_owned).collect()
}

/// An image of a task that has these capabilities in all of its sets, as criu writes it (`images/core.proto`,
/// `images/creds.proto`).
fn image(held: u64) -> Vec<u8> {
    let message = |field: u8, content: Vec<u8>| {
        [vec![field << 3 | 2, u8::try_from(content.len()).unwrap()], content].concat()
    };
    // A number has seven bits in each byte; the second word of each set is empty.
    let low = [0x80 | (held & 0x7f) as u8, u8::try_from(held >> 7).unwrap()];
    let set = |field: u8| [field << 3, low[0], low[1], field << 3, 0];
    let credentials = [9, 10, 11, 12].map(set).concat();
    let entry = message(5, message(10, credentials));
    let length = u32::try_from(entry.len()).unwrap();
    let numbers = [0x5456_4319, 0x5505_3847, length].map(u32::to_le_bytes).concat();
    [numbers, entry].concat()
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
fn document_beyond(scene: &Scene, text: &str) -> Option<String> {
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
    // What is restored has to do without: its policy says so. Of a process the filter is the container's.
    let rules = document["linux"]["seccomp"]["syscalls"].as_array();
    let closed = document["process"].is_null()
        || rules.is_some_and(|rules| {
            let closes = |call: &str| rules.iter().any(|rule| rule["names"] == json!([call]));
            ["clone", "unshare", "setns", "clone3"].into_iter().all(closes)
        });
    let right = within && (scene.is_restored() || process["noNewPrivileges"] == true && closed);
    (!right).then(|| text.to_owned())
}
