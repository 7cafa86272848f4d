//! `dropcap scan` as people run it: the real binary on real trees.
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod bad_input;
mod builds;
mod catalogue;
mod fixes;
mod images;
mod kubernetes;
mod policy;
mod reports;
mod tree;
