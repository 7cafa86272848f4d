//! What an image brings that bears on privilege: its users, and its setuid, setgid and
//! file-capability files.
//!
//! # Limitations
//! Root directories only, no archive yet. POSIX ACLs are not read: a directory counts as what its
//! mode says. Reading a root needs Linux (extended attributes, and no way out through a symbolic
//! link); [`Users`] works everywhere.
#![forbid(unsafe_code)]

mod error;
mod image;
#[cfg(target_os = "linux")]
mod linux;
mod users;

pub use error::ImageError;
pub use image::{Configured, Image, read_rootfs};
pub use users::{User, UserError, Users};
