//! What is found, proved and inspected, for people (text) and for programs (JSON, schema 1).
#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
pub mod inspect;
pub mod json;
#[cfg(target_os = "linux")]
pub mod prove;
pub mod text;

pub use json::FileError;
