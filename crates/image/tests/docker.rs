//! What is read of an image, against what find(1) and getcap(8) see in a container of it. Needs root
//! and docker.io.
//!
//! Both run on the host over `/proc/PID/root`, which is the container's own root as the kernel merges
//! it; inside, there is no getcap to run.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![allow(clippy::print_stderr, reason = "the seed and the counts go to whoever runs the test")]

mod generated;
mod support;

use dropcap_image::{Image, LocalEngine, read_archive, read_layout};
use dropcap_testkit::docker::Docker;
use dropcap_testkit::random::{Random, SEED, seed};
use dropcap_testkit::root;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

const PASSWD: &str = "root:x:0:0::/:/bin/sh\nsandbox:x:1001:1002::/:/bin/sh\n";

/// `PATH` to `MODE UID GID CAPABILITIES`.
type Privileged = BTreeMap<String, String>;

fn of_image(image: &Image) -> Privileged {
    let one = |file: &dropcap_capability::Executable| {
        let capabilities = file.file_capabilities.map_or(String::new(), |capabilities| {
            format!("{} effective {}", capabilities.permitted, capabilities.effective)
        });
        let (uid, gid) = (file.uid.unwrap(), file.gid.unwrap());
        (file.path.clone(), format!("{:o} {uid} {gid} {capabilities}", file.mode))
    };
    image.executables.iter().map(one).collect()
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Starts `image` and looks into it.
fn of_container(docker: &Docker, image: &str) -> Privileged {
    let id = docker
        .run([
            "run",
            "-d",
            "--network",
            "none",
            "--user",
            "0",
            "--entrypoint",
            "/bin/busybox",
            image,
            "sleep",
            "600",
        ])
        .unwrap();
    let id = id.trim();
    // With the dot: it is a link, and getcap takes a slash at the end away.
    let root = format!("/proc/{}/root/.", docker.first_pid(id).unwrap());
    let mut capabilities = BTreeMap::new();
    for line in output(Command::new("getcap").args(["-r", &root])).lines() {
        let (path, text) = line.split_once(' ').unwrap();
        let Some(path) = path.strip_prefix(&root) else { panic!("{line}") };
        let path = format!("/{}", path.trim_start_matches('/'));
        let (names, flags) = text.split_once('=').unwrap();
        let names = names.to_uppercase();
        let effective = flags.contains('e');
        capabilities.insert(path, format!("{names} effective {effective}"));
    }
    // What the engine mounts into every container is no part of the image.
    let mut find = Command::new("find");
    find.args([&root, "-xdev", "-type", "f", "-printf", "%m %U %G /%P\n"]);
    let mut found = Privileged::new();
    for line in output(&mut find).lines() {
        let [mode, uid, gid, path] = line.splitn(4, ' ').collect::<Vec<_>>()[..] else { panic!() };
        let capabilities = capabilities.remove(path);
        if capabilities.is_some() || u32::from_str_radix(mode, 8).unwrap() & 0o6000 != 0 {
            let capabilities = capabilities.unwrap_or_default();
            found.insert(path.to_owned(), format!("{mode} {uid} {gid} {capabilities}"));
        }
    }
    assert!(capabilities.is_empty(), "{capabilities:?}");
    docker.run(["rm", "-f", id]).unwrap();
    found
}

fn privileged_root(place: &Path) {
    root::busybox(place, PASSWD, "root:x:0:\nwheel:x:10:sandbox\n");
    let program = place.join("bin/busybox");
    for (path, mode) in [
        ("usr/bin/su", 0o4755),
        ("usr/bin/mount", 0o4711),
        ("usr/bin/mail", 0o2755),
        ("usr/bin/gone", 0o6755),
        ("opt/tool/one", 0o4755),
        ("opt/tool/two", 0o2755),
        ("opt/other/three", 0o4755),
        ("usr/bin/ping", 0o755),
        ("usr/bin/web", 0o755),
        ("usr/bin/plain", 0o755),
    ] {
        root::program(place, &program, path, mode);
    }
    setcap(place, "cap_net_raw=ep", "usr/bin/ping");
    // Its attribute holds the byte of a newline.
    setcap(place, "cap_dac_override,cap_fowner=ep", "usr/bin/web");
    fs::hard_link(place.join("usr/bin/su"), place.join("usr/bin/su-too")).unwrap();
    fs::hard_link(place.join("usr/bin/ping"), place.join("usr/bin/ping-too")).unwrap();
}

fn setcap(root: &Path, capabilities: &str, path: &str) {
    output(Command::new("setcap").arg(capabilities).arg(root.join(path)));
}

/// Layers as people make them: a Dockerfile, and a container that was committed.
#[test]
fn a_built_image_is_read_as_its_container_is() {
    let docker = Docker::shared();
    let place = tempfile::tempdir().unwrap();
    let base = place.path().join("root");
    fs::create_dir(&base).unwrap();
    privileged_root(&base);
    docker.import(&base, "base", &[]);
    let dockerfile = "FROM base\n\
        RUN rm /usr/bin/gone && chmod u-s /usr/bin/mount && chmod 4750 /usr/bin/plain\n\
        RUN cp /usr/bin/mail /tmp/m && rm /usr/bin/mail && cp /tmp/m /usr/bin/mail && rm /tmp/m\n\
        RUN rm -r /opt/tool && busybox mkdir -p /opt/tool && cp /usr/bin/su /opt/tool/new && chmod 6711 /opt/tool/new\n\
        RUN chmod 0700 /opt/other && busybox chown 1001:1002 /opt/other\n\
        RUN busybox ln /usr/bin/su /usr/bin/su-three && busybox mv /usr/bin/ping /usr/bin/ping2\n\
        USER sandbox\n\
        ENTRYPOINT [\"/bin/sh\", \"-c\"]\n\
        CMD [\"id\"]\n";
    let context = place.path().join("context");
    fs::create_dir(&context).unwrap();
    fs::write(context.join("Dockerfile"), dockerfile).unwrap();
    let mut build = docker.command();
    build.env("DOCKER_BUILDKIT", "0").args(["build", "--network", "none", "-t", "built"]);
    output(build.arg(&context));

    // A layer that gives capabilities, which nothing in the image could.
    let id = docker
        .run([
            "run",
            "-d",
            "--network",
            "none",
            "--user",
            "0",
            "--entrypoint",
            "/bin/busybox",
            "built",
            "sleep",
            "600",
        ])
        .unwrap();
    let root = format!("/proc/{}/root", docker.first_pid(id.trim()).unwrap());
    setcap(Path::new(&root), "cap_net_admin,cap_sys_admin=p", "usr/bin/plain");
    let restore = [
        "--change",
        "USER sandbox",
        "--change",
        "ENTRYPOINT [\"/bin/sh\", \"-c\"]",
        "--change",
        "CMD [\"id\"]",
    ];
    let mut commit = vec!["commit"];
    commit.extend(restore);
    docker.run([&commit[..], &[id.trim(), "committed:1"]].concat()).unwrap();
    docker.run(["rm", "-f", id.trim()]).unwrap();

    let engine = LocalEngine::at(docker.host().strip_prefix("unix://").unwrap());
    for name in ["base", "built", "committed:1"] {
        let seen = of_container(docker, name);
        let image = engine.read(name).unwrap().unwrap();
        assert_eq!(image.warnings, Vec::<String>::new());
        assert_eq!(of_image(&image), seen, "{name}");
        assert!(seen.len() >= 8, "{seen:?}");
        let saved = place.path().join("saved.tar");
        docker.run(["save", "-o", saved.to_str().unwrap(), name]).unwrap();
        let again = read_archive(&saved, None).unwrap();
        assert_eq!((&again.executables, &again.users), (&image.executables, &image.users));
        assert_eq!(again.digest, image.digest);
    }
    let image = engine.read("committed:1").unwrap().unwrap();
    assert_eq!(image.configured.as_ref().unwrap().user.as_deref(), Some("sandbox"));
    assert_eq!(image.configured.as_ref().unwrap().entrypoint, ["/bin/sh", "-c"]);
    assert_eq!(image.configured.as_ref().unwrap().command, ["id"]);
    assert_eq!(image.users.resolve("sandbox").unwrap().groups, [10]);
    let three = image.executables.iter().find(|file| file.path == "/opt/other/three").unwrap();
    let way: Vec<_> = three.restricted_directories.iter().map(|it| (it.mode, it.uid)).collect();
    assert_eq!(way, [(0o700, Some(1001))]);

    // Both at once, and one that is not there.
    let saved = place.path().join("both.tar");
    docker.run(["save", "-o", saved.to_str().unwrap(), "base", "committed:1"]).unwrap();
    assert_eq!(read_archive(&saved, Some("committed:1")).unwrap().executables, image.executables);
    assert!(read_archive(&saved, None).is_err());
    assert_eq!(engine.read("nothing/like:it").unwrap(), None);
}

/// Layers as no tool makes them, drawn at random: Docker unpacks them, and what it makes of them is
/// right.
#[test]
fn random_layers_are_read_as_the_engine_unpacks_them() {
    const IMAGES: usize = 10;
    let docker = Docker::shared();
    let seed = seed();
    eprintln!("{SEED}={seed}");
    let mut random = Random::new(seed);
    let place = tempfile::tempdir().unwrap();
    let (mut same, mut warned, mut refused) = (0, 0, 0);
    for number in 0..IMAGES {
        let name = format!("random:{number}");
        let layers = generated::layers(&mut random);
        let archive = place.path().join("random.tar");
        fs::write(&archive, generated::loadable(&name, &layers)).unwrap();
        let image = match read_archive(&archive, None) {
            Ok(image) => image,
            Err(error) => panic!("{SEED}={seed}, image {number}: {error}"),
        };
        let mut load = docker.command();
        let loaded = load.args(["load", "-i"]).arg(&archive).output().unwrap();
        if !loaded.status.success() {
            refused += 1;
            eprintln!("refused: {}", String::from_utf8_lossy(&loaded.stderr).trim());
            continue;
        }
        let (seen, read) = (of_container(docker, &name), of_image(&image));
        let story = || format!("{SEED}={seed}, image {number}:\n{}", generated::story(&layers));
        if image.warnings.is_empty() {
            assert_eq!(read, seen, "{}", story());
            same += 1;
        } else {
            let missed = seen.iter().find(|(path, _)| !read.contains_key(*path));
            assert_eq!(missed, None, "{:?}\n{}", image.warnings, story());
            warned += 1;
        }
        let layout = place.path().join(format!("layout{number}"));
        let bytes: Vec<_> = layers.iter().map(|layer| support::gzip(&layer.bytes())).collect();
        support::oci_layout(&layout, "{}", &bytes);
        assert_eq!(read_layout(&layout, None).unwrap().executables, image.executables);
    }
    eprintln!("{same} images were the same, {warned} with a warning, {refused} Docker refused");
    assert!(same >= IMAGES / 2, "too few images that say anything");
}
