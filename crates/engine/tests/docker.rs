//! Random configurations, started on the real Docker Engine: what it makes of them must be what
//! the crate says. Needs root and docker.io.
#![allow(clippy::print_stderr, reason = "the seed and the counts go to whoever runs the test")]

mod random;

use dropcap_manifest::Engine;
use dropcap_testkit::docker::Docker;
use random::bench::{RealEngine, random_configurations_start_as_predicted};
use std::path::Path;

impl RealEngine for Docker {
    fn version(&self) -> (Engine, String) {
        (Engine::Docker, self.version().to_owned())
    }

    fn import(&self, root: &Path, name: &str) {
        self.import(root, name, &[]);
    }

    fn remove(&self, container: &str) {
        let _ = self.run(["rm", "--force", container]);
    }

    fn run(&self, arguments: &[String]) -> Result<String, String> {
        self.run(arguments)
    }
}

#[test]
fn random_configurations_start_on_docker_as_predicted() {
    random_configurations_start_as_predicted(Docker::shared(), "dropcap-random:1", 230..460);
}
