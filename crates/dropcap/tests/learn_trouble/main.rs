//! `dropcap learn` where something goes wrong: each time a clear word, nothing lost, nothing left. Needs root,
//! busybox-static and docker.io.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bad_input;
mod killed;
mod scene;
#[path = "../scan/tree.rs"]
#[allow(dead_code, reason = "the scan's tests use the rest")]
mod tree;
