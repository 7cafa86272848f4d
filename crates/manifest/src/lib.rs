//! Readers and byte-preserving editors of what people write: one file a format.
#![forbid(unsafe_code)]

mod container;

pub use container::{Build, Container, Engine, Kind, Mount, Settings, Spanned, Starter};
