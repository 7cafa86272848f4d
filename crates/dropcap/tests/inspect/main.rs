//! `dropcap inspect`, end to end.
#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test")]

mod compare;
mod containers;
mod files;
mod place;
mod processes;
mod written;
