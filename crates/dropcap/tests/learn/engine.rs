//! dropcap where Docker is a given engine, and what is left there.

use crate::tree::{DROPCAP, Ran, Tree};
use dropcap_testkit::docker::Docker;
use std::process::Command;

/// What dropcap says in this tree, with this engine.
pub fn dropcap(docker: &Docker, tree: &Tree, arguments: &[&str]) -> Ran {
    let mut command = Command::new(DROPCAP);
    command.args(arguments).current_dir(tree.root()).env("DOCKER_HOST", docker.host());
    command.output().unwrap().into()
}

/// Learns, by trials alone, a container that is up where `/tmp/up` is there.
pub fn learn(docker: &Docker, tree: &Tree, container: &str) -> Ran {
    let words = ["learn", "--by-trial", "--format", "json", "--test", "test -e /tmp/up"];
    dropcap(docker, tree, &[&words[..], &[container]].concat())
}

pub fn nothing_is_left(docker: &Docker) {
    for list in [["ps", "-aq"].as_slice(), &["volume", "ls", "-q"]] {
        assert_eq!(docker.run(list).unwrap(), "", "{list:?}");
    }
    let networks = docker.run(["network", "ls", "--format", "{{.Name}}"]).unwrap();
    assert!(!networks.contains("dropcap"), "{networks}");
}
