//! What the catalogue learnt counts for the same packages, started in the same way, and for nothing else.

use crate::images::tar;
use crate::tree::{Tree, of};
use dropcap_testkit::answers::{ok, serve};
use serde_json::Value;
use std::fs;

/// What the catalogue has of a program, with the version that is Debian's today.
fn entry(ran: &'static str) -> (&'static str, &'static str, &'static str) {
    let line =
        |key: &str| ran.lines().find_map(|line| line.strip_prefix(key)).expect("a line of it");
    let packages = line("packages = [\"").trim_end_matches("\"]");
    let (package, version) = packages.split_once('=').expect("one package with its version");
    (package, version, line("command = "))
}

fn memcached() -> (&'static str, &'static str, &'static str) {
    entry(include_str!("../../../../catalogue/memcached/ran.toml"))
}

/// A package as dpkg lists it.
fn installed(package: &str, version: &str) -> String {
    format!("Package: {package}\nStatus: install ok installed\nVersion: {version}\n\n")
}

/// The packages that an entry was learnt on.
fn all_installed(ran: &str) -> String {
    let line = ran.lines().find_map(|line| line.strip_prefix("packages = [")).expect("packages");
    let packages = line.trim_end_matches(']').split(", ").map(|one| one.trim_matches('"'));
    let packages = packages.filter_map(|one| one.split_once('='));
    packages.map(|(name, version)| installed(name, version)).collect()
}

/// A tree with an image that has this list of packages and this configuration, as `docker save` writes it.
fn tree(compose: &str, status: &str, config: &str) -> Tree {
    let tree = Tree::new(&[
        ("compose.yaml", compose),
        ("root/etc/passwd", "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n"),
        ("root/var/lib/dpkg/status", status),
        ("image/config.json", config),
        (
            "image/manifest.json",
            r#"[{"Config":"config.json","RepoTags":["example/one:1"],"Layers":["layer.tar"]}]"#,
        ),
    ]);
    tree.write("image/layer.tar", tar(&tree.path("root"), &[]));
    tree.write("image.tar", tar(&tree.path("image"), &[]));
    tree
}

/// The fix of `caps-not-dropped`, which every tree here has.
fn fix(document: &Value) -> &Value {
    &of(document, "caps-not-dropped")[0]["fix"]
}

fn compose(more: &str) -> String {
    format!("services:\n  cache:\n    image: example/one:1\n{more}")
}

const NO_CONFIG: &str = r#"{"config":{}}"#;

#[test]
fn the_same_package_started_in_the_same_way_is_safe_by_evidence() {
    let (package, version, command) = memcached();
    let status = installed("libc6", "2") + &installed(package, version);
    // The command in the container's file, or in the image; words of an entrypoint count as well.
    let (first, rest) = command.trim_matches(['[', ']']).split_once(", ").expect("two words");
    for (more, config) in [
        (format!("    command: {command}\n"), NO_CONFIG.to_owned()),
        (String::new(), format!(r#"{{"config":{{"Cmd":{command}}}}}"#)),
        (String::new(), format!(r#"{{"config":{{"Entrypoint":[{first}],"Cmd":[{rest}]}}}}"#)),
        (
            format!("    user: root\n    entrypoint: {command}\n"),
            r#"{"config":{"Cmd":["x"]}}"#.to_owned(),
        ),
    ] {
        let tree = tree(&compose(&more), &status, &config);
        let document = tree.scan(&["--image", "image.tar"]);
        let fix = fix(&document);
        assert_eq!(
            (&fix["tier"], &fix["because"]),
            (&"safe".into(), &"evidence".into()),
            "{more}{fix:#}"
        );
        let notes = fix["notes"].to_string();
        assert!(notes.contains("`memcached` of the catalogue: CAP_SETGID,CAP_SETUID"), "{notes}");
        assert!(notes.contains(&format!("learnt on {package} {version}")), "{notes}");
        let ran = tree.dropcap(&["scan", "--fix", "--image", "image.tar"]);
        let fixed = tree.text("compose.yaml");
        for word in ["ALL", "SETGID", "SETUID", "no-new-privileges:true"] {
            assert!(fixed.contains(word), "{fixed}{}", ran.all());
        }
        assert!(!fixed.contains("CHOWN"), "{fixed}");
        let added = tree.scan(&["--image", "image.tar"]);
        let added = of(&added, "root-equivalent-cap")[0];
        assert_eq!(added["level"], "note", "{added}");
        assert!(added["message"].to_string().contains("(the catalogue learnt that it needs it)"));
        // A second run has nothing to do.
        tree.dropcap(&["scan", "--fix", "--image", "image.tar"]);
        assert_eq!(tree.text("compose.yaml"), fixed);
    }
}

#[test]
fn a_root_directory_and_a_local_engine_are_read_for_it_too() {
    let (package, version, command) = memcached();
    let started = compose(&format!("    entrypoint: {command}\n"));
    let tree = tree(&started, &installed(package, version), NO_CONFIG);
    assert_eq!(fix(&tree.scan(&["--rootfs", "root"]))["because"], "evidence");
    assert_eq!(fix(&tree.scan(&[]))["tier"], "unsafe");
    let name = "/images/example/one:1";
    let archive = fs::read(tree.path("image.tar")).unwrap();
    serve(
        &tree.path("engine.sock"),
        vec![
            (format!("{name}/json"), ok(br#"{"Id":"sha256:1"}"#)),
            (format!("{name}/get"), ok(&archive)),
        ],
    );
    assert_eq!(fix(&tree.scan(&[]))["because"], "evidence");
    // A root directory does not say what its entrypoint is.
    tree.write("compose.yaml", compose(&format!("    command: {command}\n")));
    assert_eq!(fix(&tree.scan(&["--rootfs", "root"]))["tier"], "unsafe");
}

#[test]
fn whatever_differs_leaves_a_pointer_and_an_unsafe_fix() {
    let (package, version, command) = memcached();
    let same = installed(package, version);
    let started = format!("    command: {command}\n");
    let gone = same.replace("install ok installed", "deinstall ok config-files");
    let started_with = |more: &str| format!("{started}{more}");
    for (status, more, why) in [
        (installed(package, &format!("{version}+1")), started.clone(), "other versions"),
        (gone, started.clone(), "its image has no list of Debian packages"),
        (same.clone(), String::new(), "another command"),
        (
            same.clone(),
            started.replace("memcache\"", "memcache\", \"-m\", \"64\""),
            "another command",
        ),
        (same.clone(), started_with("    entrypoint: [sh, -c]\n"), "another command"),
        (same.clone(), started_with("    user: \"0:65534\"\n"), "another user"),
        (same.clone(), started_with("    network_mode: host\n"), "ports below 1024"),
        (
            same.clone(),
            started_with("    volumes: [\"./etc:/etc/memcached\"]\n"),
            "what is mounted",
        ),
        (same.clone(), started_with("    volumes: [\"data:/data\"]\n"), "what is mounted"),
        (same.clone(), started_with("    pid: host\n"), "other namespaces"),
        (same.clone(), started_with("    cap_add: [SETGID, NET_ADMIN]\n"), "it asks for more"),
    ] {
        let text = compose(&more).replace("example/one:1", "example/memcached:1");
        let tree = tree(&text, &status, NO_CONFIG);
        let document = tree.scan(&["--image", "image.tar"]);
        let fix = fix(&document);
        let notes = fix["notes"].to_string();
        assert_eq!(fix["tier"], "unsafe", "{why}: {fix:#}");
        assert!(
            notes.contains("docs/catalogue.md#memcached") && notes.contains(why),
            "{why}: {notes}"
        );
        tree.dropcap(&["scan", "--fix", "--image", "image.tar"]);
        assert_eq!(tree.text("compose.yaml"), text, "{why}");
    }
    let tree = tree(&compose(&started), &same, NO_CONFIG);
    let document = tree.scan(&["--image", "image.tar", "--engine", "podman"]);
    assert_eq!(fix(&document)["tier"], "unsafe");
}

/// Debian's PostgreSQL was learnt with an entrypoint that the catalogue wrote itself: whatever else is called so is
/// somebody else's, even where the packages and every word of the command are the same.
#[test]
fn a_name_is_a_pointer_and_nothing_more() {
    let ran = include_str!("../../../../catalogue/postgresql/ran.toml");
    let status = all_installed(ran);
    assert!(status.contains("postgresql"));
    let command = ran.lines().find(|line| line.starts_with("command = ")).expect("a command");
    let command = command.replace("command = ", "    command: ");
    for image in ["postgres", "docker.io/library/postgres:16", "example/postgresql"] {
        let text = compose(&format!("{command}\n")).replace("example/one:1", image);
        let tree = tree(&text, &status, NO_CONFIG);
        for arguments in [&[][..], &["--image", "image.tar"], &["--rootfs", "root"]] {
            let document = tree.scan(arguments);
            let fix = fix(&document);
            assert_eq!(fix["tier"], "unsafe", "{image}: {fix:#}");
            let notes = fix["notes"].to_string();
            // Of two entries the one that is started as root too.
            assert!(notes.contains("docs/catalogue.md#postgresql)"), "{image}: {notes}");
        }
        tree.dropcap(&["scan", "--fix", "--image", "image.tar"]);
        assert_eq!(tree.text("compose.yaml"), text);
    }
    // What has no such name gets no pointer.
    let other = tree(&compose(""), &status, NO_CONFIG).scan(&["--image", "image.tar"]);
    assert!(!fix(&other)["notes"].to_string().contains("catalogue"), "{other}");
}

/// A fix never gives what the container does not have.
#[test]
fn what_has_less_than_was_learnt_gets_nothing_back() {
    let (package, version, command) = memcached();
    for (dropped, tier) in [("NET_RAW", "safe"), ("SETUID", "unsafe")] {
        let text = compose(&format!("    command: {command}\n    cap_drop: [{dropped}]\n"));
        let tree = tree(&text, &installed(package, version), NO_CONFIG);
        let document = tree.scan(&["--image", "image.tar"]);
        let fix = &of(&document, "caps-partly-dropped")[0]["fix"];
        assert_eq!(fix["tier"], tier, "{fix:#}");
        tree.dropcap(&["scan", "--unsafe-fixes", "--image", "image.tar"]);
        assert_eq!(tree.text("compose.yaml").contains("SETUID"), tier == "safe");
    }
}

/// What was learnt where low ports are reserved counts there too, and nothing else does.
#[test]
fn reserved_ports_are_left_to_what_was_learnt_with_them() {
    let python = include_str!("../../../../catalogue/python/ran.toml");
    let (package, version, command) = memcached();
    let http_server = python.lines().find_map(|line| line.strip_prefix("command = "));
    for (status, command, tier) in [
        (all_installed(python), http_server.expect("a command"), "safe"),
        (installed(package, version), command, "unsafe"),
    ] {
        let text = compose(&format!(
            "    command: {command}\n    sysctls: {{net.ipv4.ip_unprivileged_port_start: 1024}}\n"
        ));
        let tree = tree(&text, &status, NO_CONFIG);
        assert_eq!(fix(&tree.scan(&["--image", "image.tar"]))["tier"], tier, "{command}");
    }
}

/// Exim becomes root by its setuid bit: what it needs is safe to keep, and no-new-privileges would break it.
#[test]
fn what_was_learnt_without_no_new_privileges_is_not_given_it() {
    let (package, version, command) = entry(include_str!("../../../../catalogue/exim4/ran.toml"));
    let text = compose(&format!("    command: {command}\n"));
    let tree = tree(&text, &installed(package, version), NO_CONFIG);
    let document = tree.scan(&["--image", "image.tar"]);
    assert_eq!(fix(&document)["because"], "evidence");
    assert_eq!(of(&document, "new-privileges-allowed")[0]["fix"]["tier"], "unsafe");
    tree.dropcap(&["scan", "--fix", "--image", "image.tar"]);
    let fixed = tree.text("compose.yaml");
    assert!(fixed.contains("FOWNER") && !fixed.contains("no-new-privileges"), "{fixed}");
}

/// The policy is what somebody has decided: the catalogue does not speak beside it.
#[test]
fn a_workload_of_the_policy_goes_before_the_catalogue() {
    let (package, version, command) = memcached();
    let text = compose(&format!("    command: {command}\n"));
    let tree = tree(&text, &installed(package, version), NO_CONFIG);
    tree.write(
        "dropcap.toml",
        "version = 1\n[[workload]]\nname = \"cache\"\nallow = []\nmatch = [{ container = \"compose.yaml#cache\" }]\n",
    );
    let document = tree.scan(&["--image", "image.tar"]);
    assert_eq!(fix(&document)["tier"], "unsafe");
    assert!(!fix(&document)["notes"].to_string().contains("catalogue"));
}
