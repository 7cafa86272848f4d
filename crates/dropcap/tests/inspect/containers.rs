//! Running containers, on a real Docker Engine.

use dropcap_testkit::docker::Docker;
use dropcap_testkit::root;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn inspect(docker: &Docker, arguments: &[&str]) -> Output {
    let mut path = docker.client().parent().expect("a folder").as_os_str().to_owned();
    path.push(":/usr/bin:/bin");
    Command::new(env!("CARGO_BIN_EXE_dropcap"))
        .arg("inspect")
        .args(arguments)
        .env("DOCKER_HOST", docker.host())
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
