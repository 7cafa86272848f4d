//! What is found, proved and inspected, for people (text) and for programs (JSON, schema 1).
#![forbid(unsafe_code)]

pub mod json;
pub mod text;

pub use json::FileError;
