//! What decides a door beside the capability that it is named after: sysctls, namespaces, mounts,
//! no_new_privs. That each door is seen open and seen closed is the program `doors` beside this.
//!
//! Expected verdicts come from what the test set up. Root is needed; without it these tests fail.
#![allow(missing_docs, reason = "a test")]

mod capabilities;
mod descriptors;
mod executables;
mod mounts;
mod namespaces;
#[path = "../support/mod.rs"]
mod support;

use dropcap_prove::Scene;

fn same(scene: Scene) -> Scene {
    scene
}
