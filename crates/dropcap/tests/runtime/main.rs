//! The OCI runtime on real engines. Needs root, docker.io, docker-compose,
//! podman, containerd and runc.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod builds;
mod checkpoint;
mod compose;
mod docker;
mod failures;
mod install;
mod many;
mod others;
mod plain;
mod races;
mod settings;
mod world;
