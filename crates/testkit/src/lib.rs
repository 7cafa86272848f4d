//! What tests of several crates share. Nothing of it is part of dropcap.
//!
//! A test that needs something which is not there fails and says what to do; it never passes by
//! skipping.
#![forbid(unsafe_code)]

pub mod answers;
mod client;
pub mod docker;
pub mod podman;
pub mod random;
pub mod root;
pub mod status;
