//! Why an image cannot be read.

use std::io;
use std::path::PathBuf;
use thiserror::Error;

/// Why an image cannot be read.
#[derive(Debug, Error)]
pub enum ImageError {
    /// The root directory itself, or a file that has to be known, cannot be read.
    #[error("{path}: {source}", path = path.display())]
    Unreadable {
        /// What could not be read.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Extended attributes and mounts are read as Linux has them.
    #[error("reading an image's root directory works on Linux only: run dropcap in a container")]
    LinuxOnly,
}
