//! What an image brings that bears on privilege: its users, and its setuid, setgid and
//! file-capability files; and the packages that it says it was made of.
//!
//! # Limitations
//! Digests are taken as written. POSIX ACLs are not read: a directory counts as what its
//! mode says. Reading a root needs Linux (extended attributes, and no way out through a symbolic
//! link); [`Users`] works everywhere.
#![forbid(unsafe_code)]

mod archive;
mod budget;
mod capabilities;
mod error;
mod image;
#[cfg(target_os = "linux")]
mod linux;
mod local;
mod packages;
mod users;

use budget::Budget;
pub use error::{Fault, ImageError};
pub use image::{Configured, Image, read_archive, read_layout, read_path, read_rootfs};
pub use local::{LocalEngine, read_local};
pub use packages::Packages;
pub use users::{User, UserError, Users};
