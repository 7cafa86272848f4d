//! Running containers, on a real Docker Engine and on Podman.

use dropcap_testkit::docker::Docker;
use dropcap_testkit::podman::Podman;
use dropcap_testkit::root;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn inspect(docker: &Docker, arguments: &[&str]) -> Output {
    inspect_by(docker.client(), &docker.host(), arguments)
}

fn inspect_by(client: &Path, docker_host: &str, arguments: &[&str]) -> Output {
    let mut path = client.parent().expect("a folder").as_os_str().to_owned();
    path.push(":/usr/bin:/bin");
    Command::new(env!("CARGO_BIN_EXE_dropcap"))
        .arg("inspect")
        .args(arguments)
        .env("DOCKER_HOST", docker_host)
        .env("PATH", path)
        .output()
        .expect("dropcap starts")
}

/// One engine for all of it: each test of its own would start another.
#[test]
fn running_containers_are_found_and_shown() {
    let docker = Docker::shared();
    let folder = docker.directory().join("inspect-root");
    root::busybox(&folder, "root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
    root::program(&folder, Path::new("/bin/busybox"), "/bin/su-setuid", 0o4755);
    docker.import(&folder, "inspect-root", &[]);
    let run = |name: &str, options: &[&str]| {
        let start = ["run", "-d", "--name", name, "--network", "none", "-u", "1000"];
        let command = ["inspect-root", "sleep", "600"];
        docker.run([&start[..], options, &command].concat()).expect("it starts");
    };
    run("open", &[]);
    run("closed", &["--cap-drop", "ALL", "--security-opt", "no-new-privileges"]);

    let output = inspect(docker, &["container:open", "--format", "json"]);
    let open: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(open["target"], "container:open");
    assert_eq!(open["state"]["uid"], 1000);
    assert_eq!(open["reachable"].as_array().map(Vec::len), Some(14), "{open}");
    assert_eq!(open["doors"][0]["path"], "/bin/su-setuid");

    let output = inspect(docker, &["containers:"]);
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{table}");
    let line = |name: &str| {
        let line = table.lines().find(|line| line.starts_with(&format!("container:{name} ")));
        line.unwrap_or_else(|| panic!("no {name}: {table}")).to_owned()
    };
    assert!(line("open").ends_with("off           14 capabilities"), "{table}");
    assert!(line("closed").ends_with("set           none"), "{table}");

    let output = inspect(docker, &["container:open", "--compare", "container:closed"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no_new_privs    false → true"), "{said}");
    assert!(said.contains("door            -/bin/su-setuid (setuid-root)"), "{said}");

    let output = inspect(docker, &["image:inspect-root", "--format", "json"]);
    let image: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(image["state"]["uid"], 0, "its configuration names no user");
    assert_eq!(image["state"]["permitted"].as_array().map(Vec::len), Some(14), "{image}");
    let output = inspect(docker, &["image:none-such"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("image:none-such cannot be read"), "{said}");

    for name in ["open", "closed"] {
        docker.run(["rm", "-f", name]).expect("it goes");
    }
}

#[test]
fn podmans_containers_are_found_too() {
    let podman = Podman::new();
    let folder = podman.directory().join("root");
    root::busybox(&folder, "root:x:0:0::/:/bin/sh\n", "root:x:0:\n");
    podman.import(&folder, "localhost/example/inspect:1");
    let run = |name: &str, options: &[&str]| {
        let start = ["run", "--detach", "--name", name, "--network=none", "--user=1000"];
        let command = ["localhost/example/inspect:1", "sleep", "600"];
        podman.run([&start[..], options, &command].concat()).expect("it starts");
    };
    run("holding", &["--cap-add=NET_RAW"]);
    run("dropped", &["--cap-drop=ALL", "--security-opt=no-new-privileges"]);
    // No Docker Engine answers there: its containers cannot be told, and Podman's are.
    let inspect = |arguments: &[&str]| {
        let nobody = podman.directory().join("no-docker");
        inspect_by(podman.client(), &format!("unix://{}", nobody.display()), arguments)
    };

    let output = inspect(&["container:holding", "--format", "json"]);
    let holding: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    // What Docker would leave in the bounding set alone.
    let added = serde_json::json!(["CAP_NET_RAW"]);
    assert_eq!(holding["state"]["effective"], added, "{holding}");
    assert_eq!(holding["state"]["ambient"], added, "{holding}");
    assert_eq!(holding["state"]["bounding"].as_array().map(Vec::len), Some(12), "{holding}");

    let output = inspect(&["containers:"]);
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    for name in ["holding", "dropped"] {
        let line = format!("container:{name} ");
        assert!(table.lines().any(|row| row.starts_with(&line)), "no {name}: {table}");
    }
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("docker: "), "it says that Docker does not answer: {said}");
}
