//! Taking capabilities away, and finding out that they are gone.
//!
//! # Limitations
//! Linux on x86_64 and aarch64 only. Everything here acts on the calling thread, as the kernel
//! does; a process that has started threads must not use it to confine itself.
#![cfg(target_os = "linux")]

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("dropcap knows the system calls of x86_64 and aarch64 only");

mod command;
mod confinement;
mod descriptors;
#[cfg(all(target_arch = "x86_64", target_env = "gnu"))]
pub mod early;
pub mod init;
mod launch;
pub mod sys;
pub mod user_namespaces;
mod verify;

pub use command::{Command, ExecError};
pub use confinement::{ConfineError, Confinement, Identity, confine};
pub use launch::{LaunchError, launch, prepare};
pub use verify::{Confined, Remains, stays_within};
