//! `dropcap learn`, from outside: of a command, in Docker, in Podman, of a pod, of what runs, and of the example.
//! Needs root, strace, docker.io, podman, runc and busybox-static, and Debian's packages to fetch nginx from.
//!
//! In one program, since each mostly waits for an engine. Those that look that nothing is left have an engine of
//! their own.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod agent_compose;
mod alternatives;
mod command;
mod engine;
mod kubernetes;
mod nginx;
mod podman;
mod running;
mod script;
mod traced;
#[path = "../scan/tree.rs"]
#[allow(dead_code, reason = "the scan's tests use the rest")]
mod tree;
mod volumes;
