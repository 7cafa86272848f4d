//! `dropcap runtime install`, `status` and `uninstall`, on files as they are found.

use crate::world::{TRUSTED, World, binary, dropcap, eventually, holds_nothing, text};
use dropcap_testkit::docker::Docker;
use dropcap_testkit::root;
use dropcap_testkit::status::Status;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir_in(TRUSTED).unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    fn run(&self, words: &[&str]) -> Output {
        let (config, etc, link) =
            (self.path("engine/daemon.json"), self.path("etc"), self.path("dropcap-runtime"));
        let places = ["--config", &config, "--policy-directory", &etc, "--link", &link];
        dropcap(&[&["runtime"], words, &places].concat())
    }

    fn ok(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }
}

#[test]
fn uninstalling_brings_back_every_byte_and_leaves_nothing() {
    // As written, with odd spaces; and none at all.
    for before in
        [Some("{ \"log-opts\" :{\"max-size\":\"1m\"},\n\n \"default-runtime\": \"runc\"}"), None]
    {
        let place = Place::new();
        let file = place.0.path().join("engine/daemon.json");
        fs::create_dir(file.parent().unwrap()).unwrap();
        if let Some(text) = before {
            fs::write(&file, text).unwrap();
        }
        let shown = place.ok(&["install", "docker", "--default", "--dry-run"]);
        assert!(shown.contains("+    \"default-runtime\": \"dropcap\""), "{shown}");
        assert_eq!(fs::read_to_string(&file).ok().as_deref(), before, "a dry run changes nothing");
        assert!(!place.0.path().join("etc").exists());

        let shown = place.ok(&["install", "docker", "--dry-run", "--format", "json"]);
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        assert_eq!((&shown["schema"], &shown["dry_run"]), (&1.into(), &true.into()));
        assert_eq!(shown["changes"][0]["engine"], "docker");
        let said = place.ok(&["install", "docker"]);
        assert!(
            said.contains("OBSERVE-ONLY") && said.contains("systemctl reload docker"),
            "{said}"
        );
        assert!(said.contains("--runtime dropcap"), "{said}");
        place.ok(&["install", "docker", "--default"]);
        let after: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        assert_eq!(after["default-runtime"], "dropcap");
        assert_eq!(after["runtimes"]["dropcap"]["path"], place.path("dropcap-runtime"));
        let status = place.ok(&["status", "docker"]);
        assert!(status.contains("OBSERVE-ONLY") && status.contains("registered, the default"));

        place.ok(&["uninstall", "docker"]);
        assert_eq!(fs::read_to_string(&file).ok().as_deref(), before);
        let left: Vec<_> =
            fs::read_dir(place.0.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
        assert_eq!(left, ["engine"]);
    }
}

#[test]
fn what_somebody_wrote_since_stays() {
    let place = Place::new();
    place.ok(&["install", "docker"]);
    let file = place.path("engine/daemon.json");
    let changed = fs::read_to_string(&file).unwrap().replacen('{', "{\n    \"debug\": true,", 1);
    fs::write(&file, changed).unwrap();
    fs::write(place.path("etc/dropcap.toml"), "version = 1\n# mine\n").unwrap();
    let said = place.ok(&["uninstall", "docker"]);
    assert!(said.contains("was changed, and stays"), "{said}");
    let left: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    assert_eq!(left, serde_json::json!({"debug": true}));
    assert!(Path::new(&place.path("etc/dropcap.toml")).exists());
}

/// Nobody who installs it twice and writes something in between keeps it for ever.
#[test]
fn what_somebody_wrote_between_two_installations_stays_and_the_runtime_goes() {
    let place = Place::new();
    let file = place.path("engine/daemon.json");
    fs::create_dir(place.0.path().join("engine")).unwrap();
    fs::write(
        &file,
        r#"{"default-runtime": "other", "runtimes": {"other": {"path": "/bin/true"}}}"#,
    )
    .unwrap();
    let add = |key: &str| {
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replacen('{', &format!("{{\n    \"{key}\": true,"), 1)).unwrap();
    };
    place.ok(&["install", "docker"]);
    add("debug");
    place.ok(&["install", "docker", "--default"]);
    // Once as the second installation left it, once changed since.
    for changed in [false, true] {
        if changed {
            place.ok(&["install", "docker", "--default"]);
            add("live-restore");
        }
        place.ok(&["uninstall", "docker"]);
        let left: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let mut expected = serde_json::json!({"debug": true, "default-runtime": "other",
            "runtimes": {"other": {"path": "/bin/true"}}});
        if changed {
            expected["live-restore"] = true.into();
        }
        assert_eq!(left, expected);
        assert!(!place.0.path().join("dropcap-runtime").exists());
    }
}

/// Runs a script in a mount namespace of its own, whose /etc takes changes that the machine's does not see.
fn in_other_etc(place: &Place, script: &str, environment: &[(&str, &Path)]) -> (String, String) {
    const BEGIN: &str = r#"set -eu
mkdir "$PLACE/over" && mount -t tmpfs over "$PLACE/over" && mkdir "$PLACE/over/upper" "$PLACE/over/work"
mount -t overlay -o "lowerdir=/etc,upperdir=$PLACE/over/upper,workdir=$PLACE/over/work" etc /etc
runtime() { verb=$1; shift; "$DROPCAP" runtime "$verb" "$@" --link "$PLACE/dropcap-runtime"; }
"#;
    let output = Command::new("unshare")
        .args(["--mount", "--propagation=private", "sh", "-c", &[BEGIN, script].concat()])
        .env("PLACE", place.0.path())
        .env("DROPCAP", binary())
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let (said, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}{errors}");
    (said, errors)
}

/// Podman reads what is written for it, and is held; and forgets it again.
#[test]
fn podman_takes_what_is_installed() {
    let place = Place::new();
    let root = place.0.path().join("root");
    root::busybox(&root, "root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
    let podman = dropcap_testkit::podman::Podman::new_in(Path::new(TRUSTED));
    podman.import(&root, "localhost/example/busybox:1");
    let script = r#"
conf=/etc/containers/containers.conf
mkdir -p /etc/containers
printf '# ours\n[engine]\nruntime = "runc"\n' >$conf && cp $conf "$PLACE/before"
export DROPCAP_TEST_OCI_RUNTIME=dropcap
PATH="${PODMAN%/*}:$PATH"
runtime install podman --default >&2
printf 'version = 1\nwithout-match = "drop-all"\nrecord = "%s"\nstate = "%s"\n' \
    "$PLACE/record" "$PLACE/state" >/etc/dropcap/runtime.toml
run="podman run --network=none"
$run --rm localhost/example/busybox:1 cat /proc/self/status
/usr/bin/podman --root "$PLACE/x" --runroot "$PLACE/y" --storage-driver=vfs \
    info --format 'default: {{.Host.OCIRuntime.Name}}'
runtime status podman
$run --detach --name=left localhost/example/busybox:1 sleep 1000 >&2
if runtime uninstall podman >&2; then echo "uninstalled under a container" >&2; exit 1; fi
podman rm --force --time=0 left >&2
runtime uninstall podman >&2
cmp $conf "$PLACE/before"
[ ! -L "$PLACE/dropcap-runtime" ]
"#;
    let (said, errors) = in_other_etc(&place, script, &[("PODMAN", podman.client())]);
    assert!(holds_nothing(&Status::parse(&said)), "{said}");
    assert!(said.contains("default: dropcap"), "{said}");
    assert!(said.contains("registered, the default"), "{said}");
    assert!(errors.contains("under this one run left"), "{errors}");
}

/// containerd reads what is written for it.
#[test]
fn containerd_takes_what_is_installed() {
    let place = Place::new();
    let script = r#"
conf=/etc/containerd/config.toml
mkdir -p /etc/containerd
printf 'version = 2 # ours\n' >$conf && cp $conf "$PLACE/before"
runtime install containerd --default >&2
containerd --config $conf config dump
runtime uninstall containerd >&2
cmp $conf "$PLACE/before"
"#;
    let (said, _) = in_other_etc(&place, script, &[]);
    let table = r#"[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.dropcap.options]"#;
    let (_, ours) = said.split_once(table).expect(&said);
    let binary = format!("BinaryName = \"{}\"", place.path("dropcap-runtime"));
    assert!(ours.split('[').next().unwrap().contains(&binary), "{said}");
    assert!(said.contains("default_runtime_name = \"dropcap\""), "{said}");
}

#[test]
fn what_cannot_be_read_is_left_alone() {
    let place = Place::new();
    fs::create_dir(place.0.path().join("engine")).unwrap();
    fs::write(place.path("engine/daemon.json"), "{ \"a\": }").unwrap();
    let output = place.run(&["install", "docker"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("not the JSON"), "{}", text(&output.stderr));
    assert_eq!(fs::read_to_string(place.path("engine/daemon.json")).unwrap(), "{ \"a\": }");
    assert!(!place.0.path().join("etc").exists());
    let output = place.run(&["install", "kvm"]);
    assert_eq!(output.status.code(), Some(2));
}

/// A dockerd that runs takes it up, and forgets it again: at a reload it keeps what its file leaves out.
#[test]
fn a_daemon_that_runs_is_told_and_forgets() {
    let place = Place::new();
    for before in [
        "{\"debug\": false}",
        "{\"default-runtime\": \"other\", \"runtimes\": {\"other\": {\"path\": \"/bin/true\"}}}",
    ] {
        let docker = Docker::start_in(place.0.path(), |_| before.to_owned()).unwrap();
        let config = docker.directory().join("daemon.json");
        let known = || {
            let format = "{{.DefaultRuntime}}{{range $name, $_ := .Runtimes}} {{$name}}{{end}}";
            let known = docker.run(["info", "--format", format]).unwrap();
            known
                .trim()
                .replace(" io.containerd.runc.v2", "")
                .replace(" io.containerd.runtime.v1.linux", "")
        };
        let stock = known();
        let root = docker.directory().join("root");
        root::busybox(&root, "root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
        docker.import(&root, "box:1", &[]);
        let run = |words: &[&str]| {
            let places = [
                "--policy-directory",
                &place.path("etc"),
                "--link",
                &place.path("dropcap-runtime"),
            ];
            let line =
                [&["runtime"], words, &["--config", config.to_str().unwrap()], &places].concat();
            let output = Command::new(binary())
                .args(line)
                .env("DOCKER_HOST", docker.host())
                .output()
                .unwrap();
            assert!(output.status.success(), "{}", text(&output.stderr));
            text(&output.stdout)
        };
        let said = run(&["install", "docker", "--default"]);
        assert!(said.contains("dockerd has read it"), "{said}");
        let expected = format!("dropcap dropcap {}", stock.split_once(' ').unwrap().1);
        eventually("it is the default", || known() == expected);
        docker
            .run(["run", "-d", "--name=left", "--network=none", "box:1", "sleep", "1000"])
            .unwrap();
        let said = run(&["uninstall", "docker"]);
        // What runs by it is ended by it, and has to be able to.
        assert!(said.contains("stays, since these run and are ended by it: left"), "{said}");
        let first = |known: &str| known.split(' ').next().map(str::to_owned);
        eventually("it is no default", || first(&known()) == first(&stock));
        assert_eq!(fs::read_to_string(&config).unwrap(), before);
        docker.run(["rm", "--force", "left"]).unwrap();
        let log = fs::read_to_string(docker.directory().join("log")).unwrap();
        assert!(!log.contains("failed to exit"), "{log}");
        run(&["uninstall", "docker"]);
        eventually("it is forgotten", || known() == stock);
        assert_eq!(fs::read_to_string(&config).unwrap(), before);
        let left = ["etc", "dropcap-runtime"].map(|name| place.0.path().join(name).exists());
        assert_eq!(left, [false, false]);
    }
}

/// Which containers run past it, as the engine says.
#[test]
fn status_names_the_containers_that_are_not_under_it() {
    let world = World::shared();
    let bare = world.sleeper("bare", &[crate::world::BARE]);
    let held = world.sleeper("held", &[]);
    let etc = world.etc.to_str().unwrap();
    let config = world.docker.directory().join("daemon.json");
    let line = ["runtime", "status", "docker", "--config", config.to_str().unwrap()];
    let line = [&line[..], &["--policy-directory", etc, "--format", "json"]].concat();
    let output = world.dropcap(&line);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["policy"]["without_match"], "observe-only");
    assert_eq!(
        report["policy"]["workloads"],
        serde_json::json!(["held", "server", "mended", "trusted", "supervised"])
    );
    let docker = &report["engines"][0];
    assert_eq!((&docker["registered"], &docker["default"]), (&true.into(), &true.into()));
    let names: Vec<&str> = docker["not_under_it"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert!(
        names.contains(&bare.name.as_str()) && !names.contains(&held.name.as_str()),
        "{names:?}"
    );
}
