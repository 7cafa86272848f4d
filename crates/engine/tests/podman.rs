//! Random configurations, started on the real Podman: what it makes of them must be what
//! the crate says. Needs root and podman.
#![allow(clippy::print_stderr, reason = "the seed and the counts go to whoever runs the test")]

mod random;

use dropcap_manifest::Engine;
use dropcap_testkit::podman::Podman;
use random::bench::{RealEngine, random_configurations_start_as_predicted};
use std::path::Path;

impl RealEngine for Podman {
    fn version(&self) -> (Engine, String) {
        (Engine::Podman, self.version().to_owned())
    }

    fn import(&self, root: &Path, name: &str) {
        self.import(root, name);
    }

    fn remove(&self, container: &str) {
        let _ = self.run(["rm", "--force", "--time=0", container]);
    }

    fn run(&self, arguments: &[String]) -> Result<String, String> {
        self.run(arguments)
    }
}

#[test]
fn random_configurations_start_on_podman_as_predicted() {
    random_configurations_start_as_predicted(&Podman::new(), "localhost/dropcap/random:1", 60..240);
}
