//! What a container is made from, as engines write it and as runc's own example has it.

use dropcap_testkit::docker::Docker;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// Stands before runc: keeps the configuration that it is given.
const KEEP: &str = r#"#!/bin/sh
for word; do
    [ "$before" != --bundle ] || cp "$word/config.json" "${0%/*}/kept.json"
    before=$word
done
exec runc "$@"
"#;

/// A configuration, and where it is from.
pub struct Configuration {
    pub from: String,
    value: Value,
}

impl Configuration {
    /// What dockerd writes for `docker run`, with its seccomp profile, less what is another container's or the
    /// daemon's: the hook by which it sets up the network, the files that it mounts, the cgroup.
    pub fn of_docker(root: &Path) -> Self {
        let docker = Docker::start_in(&std::env::temp_dir(), |directory| {
            let keep = directory.join("keep");
            fs::write(&keep, KEEP).unwrap();
            fs::set_permissions(&keep, fs::Permissions::from_mode(0o755)).unwrap();
            serde_json::json!({"runtimes": {"keep": {"path": keep}}}).to_string()
        })
        .expect("needs root and docker.io");
        docker.import(root, "bench", &[]);
        docker.run(["run", "--rm", "--runtime=keep", "--network=none", "bench", "true"]).unwrap();
        let mut value = read(&docker.directory().join("kept.json"));
        assert!(value["linux"]["seccomp"].is_object(), "{value}");
        value.as_object_mut().unwrap().remove("hooks");
        value["linux"].as_object_mut().unwrap().remove("cgroupsPath");
        value["mounts"].as_array_mut().unwrap().retain(|mount| mount["type"] != "bind");
        Self { from: format!("Docker {}", docker.version()), value }
    }

    /// What `runc spec` writes, which has no seccomp profile, without its limits, which not every host may set.
    pub fn of_runc() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let made = Command::new("runc").arg("spec").current_dir(&directory).status();
        assert!(made.expect("needs runc").success());
        let mut value = read(&directory.path().join("config.json"));
        assert!(value["linux"]["seccomp"].is_null(), "{value}");
        value["process"].as_object_mut().unwrap().remove("rlimits");
        Self { from: "runc spec".to_owned(), value }
    }

    /// A configuration that starts this in `root`, without a terminal.
    pub fn write(&self, file: &Path, root: &Path, arguments: &[&str]) {
        let mut value = self.value.clone();
        value["root"]["path"] = root.to_str().unwrap().into();
        value["process"]["terminal"] = false.into();
        value["process"]["args"] = arguments.into();
        fs::write(file, value.to_string()).unwrap();
    }
}

fn read(file: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
}
