//! Build steps with dropcap as the engine's default runtime.

use crate::world::{
    DEFAULTS, IMAGE, TRUSTED, World, another_engine, holds_nothing, text, write_policy,
};
use dropcap_testkit::docker::Docker;
use dropcap_testkit::status::Status;
use std::fs;
use std::process::Output;

/// Builds an image whose second step is `step`.
fn build(docker: &Docker, step: &str) -> Output {
    let context = tempfile::tempdir().unwrap();
    let dockerfile =
        format!("FROM {IMAGE}\nRUN cat /proc/self/status\nRUN {step}\nUSER app\nRUN id\n");
    fs::write(context.path().join("Dockerfile"), dockerfile).unwrap();
    let mut command = docker.command();
    // BuildKit calls runc itself.
    command.env("DOCKER_BUILDKIT", "0").args(["build", "--network=none", "--no-cache"]);
    command.arg(context.path()).output().unwrap()
}

/// What the first step held.
fn held(built: &Output) -> Status {
    Status::parse(&text(&built.stdout))
}

/// A build's steps are containers that no workload matches: observed, they hold what they did.
#[test]
fn what_is_observed_builds_as_before() {
    let world = World::shared();
    let built = build(&world.docker, "touch /tmp/x && chown 1000 /tmp/x");
    let said = text(&built.stdout) + &text(&built.stderr);
    assert!(built.status.success() && said.contains("uid=1000"), "{said}");
    assert_eq!(held(&built).effective, DEFAULTS);
}

/// With `drop-all` each step holds nothing: one that needs nothing is built, one that does is not.
#[test]
fn with_drop_all_a_step_holds_nothing() {
    let directory = tempfile::tempdir_in(TRUSTED).unwrap();
    let etc = write_policy(directory.path(), "version = 1\n", "drop-all");
    let docker = another_engine(directory.path(), &etc);
    docker.import(&World::shared().docker.directory().join("root"), IMAGE, &[]);
    let built = build(&docker, "echo built > /tmp/x");
    assert!(built.status.success(), "{built:?}");
    assert!(holds_nothing(&held(&built)), "{:?}", held(&built));
    let refused = build(&docker, "touch /tmp/x && chown 1000 /tmp/x");
    let said = text(&refused.stdout) + &text(&refused.stderr);
    assert!(!refused.status.success() && said.contains("not permitted"), "{said}");
    assert!(holds_nothing(&held(&refused)));
}
