//! Starts cases on a real containerd, by crictl, and looks at what it made of them.

use super::{Case, GROUP, IMAGE_USERS, PASSWD, PORT_START, Record, Seen};
use dropcap_testkit::root;
use dropcap_testkit::status::Status;
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;

/// What an exec prints of itself; the shell's `read` is built in, so it is the first program's own.
const PROBE: &str = "while read -r line; do echo \"$line\"; done </proc/self/status; \
    cd /proc/sys/net/ipv4; \
    echo port $(cat ip_unprivileged_port_start); \
    echo ping $(cat ping_group_range); \
    unshare -U true 2>/dev/null && echo nested open || echo nested closed";

/// A containerd, and the way to ask it.
pub struct Bench {
    crictl: OsString,
    socket: OsString,
    folder: tempfile::TempDir,
}

impl Bench {
    /// Puts the images there.
    pub fn new(crictl: OsString, socket: OsString) -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let bench = Self { crictl, socket, folder };
        let root = bench.path("root");
        fs::create_dir(&root).expect("making the root");
        root::busybox(Path::new(&root), PASSWD, GROUP);
        run(Command::new("tar").args(["-C", &root, "-cf", &bench.path("layer.tar"), "."]))
            .expect("tar");
        let digest = run(Command::new("sha256sum").arg(bench.path("layer.tar"))).expect("a digest");
        let digest = digest.split_whitespace().next().expect("a digest");
        for (number, user) in IMAGE_USERS.iter().enumerate() {
            bench.import(number, user, digest);
        }
        bench
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("a path in UTF-8").to_owned()
    }

    fn import(&self, number: usize, user: &str, layer: &str) {
        let config = format!(
            r#"{{"architecture":"amd64","os":"linux","config":{{"User":"{user}",
            "Entrypoint":["/bin/sleep","100000"]}},
            "rootfs":{{"type":"layers","diff_ids":["sha256:{layer}"]}}}}"#
        );
        let manifest = format!(
            r#"[{{"Config":"config.json","RepoTags":["{}"],"Layers":["layer.tar"]}}]"#,
            name(number)
        );
        fs::write(self.path("config.json"), config).expect("the configuration");
        fs::write(self.path("manifest.json"), manifest).expect("the manifest");
        let archive = self.path("image.tar");
        let members = ["config.json", "layer.tar", "manifest.json"];
        let folder = self.path("");
        run(Command::new("tar").args(["-C", &folder, "-cf", &archive]).args(members)).expect("tar");
        let ctr = ["--namespace", "k8s.io", "images", "import", "--no-unpack", &archive];
        run(Command::new("ctr").arg("--address").arg(&self.socket).args(ctr)).expect("ctr");
    }

    /// Runs crictl: its standard output, or what it said when it failed.
    fn crictl(&self, arguments: &[&str]) -> Result<String, String> {
        let mut endpoint = OsString::from("unix://");
        endpoint.push(&self.socket);
        run(Command::new(&self.crictl)
            .arg("--runtime-endpoint")
            .arg(&endpoint)
            .arg("--image-endpoint")
            .arg(&endpoint)
            .args(arguments))
    }

    /// Starts each case, and writes down what it became.
    pub fn record(&self, cases: impl Iterator<Item = Case>) -> Record {
        let version = self.crictl(&["version"]).expect("crictl version");
        let version = version.lines().find_map(|line| line.strip_prefix("RuntimeVersion:"));
        let version = version.expect("its version").trim().trim_start_matches('v');
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").expect("a kernel");
        let cases = cases.enumerate().map(|(number, case)| {
            let seen = self.look(number, &case);
            (case, seen)
        });
        Record {
            version: version.split(['~', '+', '-']).next().expect("a version").to_owned(),
            kernel: release.trim().split('-').next().expect("a release").to_owned(),
            bounding: Status::of(std::process::id()).bounding,
            cases: cases.collect(),
        }
    }

    fn look(&self, number: usize, case: &Case) -> Option<Seen> {
        fs::write(self.path("pod.json"), pod(case, number)).expect("the pod");
        fs::write(self.path("container.json"), container(case)).expect("the container");
        let pod = self.crictl(&["runp", &self.path("pod.json")]).expect("a pod");
        let seen = self.container(pod.trim());
        self.crictl(&["stopp", pod.trim()]).expect("stopping the pod");
        self.crictl(&["rmp", "--force", pod.trim()]).expect("removing the pod");
        seen
    }

    /// The container in a pod, if it starts.
    fn container(&self, pod: &str) -> Option<Seen> {
        let files = [self.path("container.json"), self.path("pod.json")];
        let id = self.crictl(&["create", pod, &files[0], &files[1]]).ok()?;
        let id = id.trim();
        self.crictl(&["start", id]).ok()?;
        let inspected = self
            .crictl(&["inspect", "--output", "go-template", "--template", "{{.info.pid}}", id])
            .expect("its process");
        let first = Status::of(inspected.trim().parse().expect("a process id"));
        let text = self.crictl(&["exec", id, "/bin/sh", "-c", PROBE]).expect("an exec");
        let after = |word: &str| {
            let mut lines = text.lines();
            let rest = lines.find_map(|line| line.strip_prefix(word)).expect("the probe's line");
            rest.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        let later = Status::parse(&text);
        assert_eq!(first, later, "an exec is the first process in everything but its words");
        Some(Seen {
            uid: first.uid[1],
            gid: first.gid[1],
            groups: first.groups,
            sets: [
                first.inheritable,
                first.permitted,
                first.effective,
                first.bounding,
                first.ambient,
            ],
            no_new_privs: first.no_new_privs,
            seccomp: first.seccomp,
            nested: after("nested "),
            port_start: after("port "),
            ping_range: after("ping "),
        })
    }
}

fn name(number: usize) -> String {
    format!("docker.io/library/dropcap-recorded-{number}:1")
}

fn quoted(words: &[String]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(",")
}

/// The mode of the network namespace in the CRI: the node's or the pod's.
fn network(case: &Case) -> u8 {
    if case.host_network { 2 } else { 0 }
}

/// `PodSandboxConfig`, as the kubelet makes it.
fn pod(case: &Case, number: usize) -> String {
    let sysctls = case.port.as_ref().map(|port| format!("\"{PORT_START}\":\"{port}\""));
    format!(
        r#"{{"metadata":{{"name":"p{number}","namespace":"default","uid":"u{number}"}},
        "linux":{{"sysctls":{{{}}},"security_context":{{"privileged":{},
        "namespace_options":{{"network":{}}}}}}}}}"#,
        sysctls.unwrap_or_default(),
        case.privileged,
        network(case)
    )
}

/// `ContainerConfig`, as the kubelet makes it: without `runAsUser` the image's user, of which the part
/// before the colon counts, as a number or a name; none is 0.
fn container(case: &Case) -> String {
    let of_image = case.image_user.split(':').next().unwrap_or_default();
    let number = case.user.as_deref().unwrap_or(if of_image.is_empty() { "0" } else { of_image });
    let mut context = match number.parse::<u32>() {
        Ok(uid) => format!(r#""run_as_user":{{"value":{uid}}}"#),
        Err(_) => format!(r#""run_as_username":"{number}""#),
    };
    if let Some(group) = &case.group {
        context += &format!(r#","run_as_group":{{"value":{group}}}"#);
    }
    // No profile is Unconfined, unless the kubelet has seccompDefault.
    let profile = u8::from(case.seccomp.as_deref() != Some("RuntimeDefault"));
    let image = IMAGE_USERS.iter().position(|user| *user == case.image_user).expect("an image");
    format!(
        r#"{{"metadata":{{"name":"c"}},"image":{{"image":"{}"}},
        "linux":{{"security_context":{{{context},"privileged":{},"no_new_privs":{},
        "supplemental_groups":[{}],"seccomp":{{"profile_type":{profile}}},
        "capabilities":{{"add_capabilities":[{}],"drop_capabilities":[{}]}},
        "namespace_options":{{"network":{},"pid":1}}}}}}}}"#,
        name(image),
        case.privileged,
        case.escalation == Some(false),
        case.groups.join(","),
        quoted(&case.add),
        quoted(&case.drop),
        network(case)
    )
}

fn run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}
