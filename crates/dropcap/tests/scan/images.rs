//! Containers joined with their images.

use crate::tree::{Tree, each, of};
use dropcap_testkit::answers::{ok, serve};
use std::fs;
use std::process::Command;

/// It does not say who it runs as: its image does.
const COMPOSE: &str = "services:\n  agent:\n    image: example/agent:1\n";

const CONFIG: &str = r#"{"config":{"User":"sandbox","Entrypoint":["/bin/agent"]}}"#;

pub fn tar(directory: &std::path::Path, more: &[&str]) -> Vec<u8> {
    let mut tar = Command::new("tar");
    tar.args(["--create", "--xattrs", "--xattrs-include=*", "--owner=0", "--group=0"]).args(more);
    let output = tar.arg("--directory").arg(directory).arg(".").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// A tree with what `docker save` would write as `agent.tar`: an image with these privileged files.
fn tree(setuid: &[&str], capable: &[&str]) -> Tree {
    let tree = Tree::new(&[
        ("compose.yaml", COMPOSE),
        ("root/etc/passwd", "root:x:0:0::/root:/bin/sh\nsandbox:x:1000:1000::/:/bin/sh\n"),
        ("root/etc/group", "root:x:0:\nsandbox:x:1000:\n"),
        ("image/config.json", CONFIG),
        (
            "image/manifest.json",
            r#"[{"Config":"config.json","RepoTags":["example/agent:1"],"Layers":["layer.tar"]}]"#,
        ),
    ]);
    for (files, how) in [(setuid, "chmod 4755"), (capable, "setcap cap_net_raw=ep")] {
        for file in files {
            tree.write(&format!("root/{file}"), "");
            let path = tree.path(&format!("root/{file}"));
            let mut words = how.split(' ');
            Command::new("chmod").arg("755").arg(&path).status().unwrap();
            let status = Command::new(words.next().unwrap()).args(words).arg(&path).status();
            assert!(status.unwrap().success(), "{how} {file}");
        }
    }
    tree.write("image/layer.tar", tar(&tree.path("root"), &["--format=posix"]));
    tree.write("agent.tar", tar(&tree.path("image"), &[]));
    fs::remove_dir_all(tree.path("root")).unwrap();
    fs::remove_dir_all(tree.path("image")).unwrap();
    tree
}

#[test]
fn an_archive_says_who_it_runs_as_and_makes_a_fix_safe() {
    let tree = tree(&[], &[]);
    let assumed = tree.scan(&[]);
    assert_eq!(assumed["containers"][0]["image"]["state"], "assumed");
    assert_eq!(of(&assumed, "runs-as-root").len(), 1);
    for image in ["agent.tar", "example/agent:1=agent.tar"] {
        let document = tree.scan(&["--image", image]);
        assert_eq!(document["containers"][0]["image"]["state"], "read");
        assert_eq!(of(&document, "runs-as-root").len(), 0);
        let fix = &of(&document, "caps-not-dropped")[0]["fix"];
        assert_eq!((&fix["tier"], &fix["because"]), (&"safe".into(), &"proof".into()));
    }
    let ran = tree.dropcap(&["scan", "--fix", "--image", "agent.tar"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert!(tree.text("compose.yaml").contains("cap_drop"), "{}", ran.all());
    let other = tree.scan(&["--image", "other:1=agent.tar"]);
    assert_eq!(other["containers"][0]["image"]["state"], "assumed");
}

#[test]
fn privileged_files_of_an_archive_are_named_and_keep_a_fix_unsafe() {
    let tree = tree(&["usr/bin/su"], &["usr/bin/ping"]);
    let document = tree.scan(&["--image", "agent.tar"]);
    let message = |rule| of(&document, rule)[0]["message"].as_str().unwrap().to_owned();
    assert!(message("regain-by-setuid").ends_with("by executing /usr/bin/su"));
    assert!(message("regain-by-file-caps").ends_with("CAP_NET_RAW by executing /usr/bin/ping"));
    assert_eq!(of(&document, "exec-breaks-under-drop").len(), 0);
    assert_eq!(of(&document, "caps-not-dropped")[0]["fix"]["tier"], "unsafe");

    let ran = tree.dropcap(&["scan", "--unsafe-fixes", "--image", "agent.tar"]);
    let said = "/usr/bin/ping can no longer be executed (EPERM): it forces CAP_NET_RAW";
    assert!(ran.stdout.contains(said), "{}", ran.all());
    let document = tree.scan(&["--image", "agent.tar"]);
    assert_eq!(each(&document["findings"], "rule"), ["exec-breaks-under-drop"]);
    assert_eq!(document["findings"][0]["level"], "note");
    assert_eq!(document["containers"][0]["reachable"], serde_json::json!([]));
}

/// What is added for a user other than root is of use to it by the files that force it.
#[test]
fn what_a_file_forces_is_kept_where_the_policy_lets_it() {
    let policy = |privileges: bool| {
        format!(
            "version = 1\n[[workload]]\nname = \"agent\"\nallow = [\"NET_RAW\"]\n\
             no-new-privileges = {privileges}\nmatch = [{{ container = \"compose.yaml#agent\" }}]\n"
        )
    };
    for (privileges, kept) in [(false, true), (true, false)] {
        let tree = tree(&[], &["usr/bin/ping"]);
        tree.write("dropcap.toml", policy(privileges));
        tree.dropcap(&["scan", "--unsafe-fixes", "--image", "agent.tar"]);
        let fixed = tree.text("compose.yaml");
        assert!(fixed.contains("ALL"), "{fixed}");
        assert_eq!(fixed.contains("NET_RAW"), kept, "{fixed}");
    }
}

#[test]
fn what_a_local_engine_has_is_read_unless_it_is_told_not_to() {
    let tree = tree(&["usr/bin/su"], &[]);
    let archive = fs::read(tree.path("agent.tar")).unwrap();
    let name = "/images/example/agent:1";
    serve(
        &tree.path("engine.sock"),
        vec![
            (format!("{name}/json"), ok(br#"{"Id":"sha256:1"}"#)),
            (format!("{name}/get"), ok(&archive)),
        ],
    );
    let document = tree.scan(&[]);
    assert_eq!(document["containers"][0]["image"]["state"], "read");
    assert_eq!(document["containers"][0]["user"], serde_json::Value::Null);
    assert_eq!(of(&document, "regain-by-setuid").len(), 1);
    assert_eq!(document["errors"], serde_json::json!([]));
    let document = tree.scan(&["--no-local-images"]);
    assert_eq!(document["containers"][0]["image"]["state"], "assumed");
    assert_eq!(
        tree.scan(&["--image", "image:example/agent:1"])["containers"][0]["image"]["state"],
        "read"
    );
    let ran = tree.dropcap(&["scan", "--image", "image:other"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("engine.sock: there is no image `other`"), "{}", ran.all());
    // What is built here is not what the engine has under its name.
    tree.write("compose.yaml", COMPOSE.replace("image:", "build: .\n    image:"));
    tree.write("Dockerfile", "FROM scratch\nUSER 1000\n");
    let document = tree.scan(&[]);
    assert_eq!(document["containers"][0]["image"]["state"], "assumed", "{document}");
}

#[test]
fn an_image_that_the_engine_cannot_give_is_an_error_beside_the_others() {
    let tree = tree(&[], &[]);
    let name = "/images/example/agent:1";
    serve(
        &tree.path("engine.sock"),
        vec![
            (format!("{name}/json"), ok(br#"{"Id":"sha256:1"}"#)),
            (format!("{name}/get"), ok(b"x")),
        ],
    );
    let document = tree.scan(&[]);
    assert_eq!(document["containers"][0]["image"]["state"], "assumed");
    assert_eq!(document["errors"][0]["file"], "image:example/agent:1");
    let ran = tree.dropcap(&["scan", "--image", "agent.tar", "--fail-on", "never"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    for missing in ["missing.tar", "compose.yaml"] {
        let ran = tree.dropcap(&["scan", "--image", missing]);
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(&format!("cannot read the image {missing}")), "{}", ran.all());
    }
}
