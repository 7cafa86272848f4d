//! Guests with other kernels, for the tests.
//!
//! A [`Guest`] is a stock Debian kernel ([`kernel`]) in QEMU with software emulation, an initramfs
//! that holds the files it is given, and a list of commands that run one after another. What each
//! wrote and how it ended comes back in a [`Report`]:
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use dropcap_vm::{Command, Guest, kernel};
//! # let cache = std::path::Path::new("target/kernels");
//! let kernel = kernel::SOURCES[0].fetch(cache)?;
//! let report = Guest::new(&kernel)
//!     .file("/etc/passwd", 0o644, "root:x:0:0::/:/bin/sh\n")
//!     .program("/usr/bin/id")?
//!     .run(&[Command::new(["/usr/bin/id", "-u"])])?;
//! assert_eq!(report.outcomes[0].stdout, "0\n");
//! # Ok(()) }
//! ```
//!
//! # The two sides
//! - **Host**: [`Guest`] builds the initramfs ([`cpio`]), starts QEMU ([`qemu`]) and reads what the
//!   guest reports.
//! - **Guest**: the same binary as the host's, as pid 1 ([`init`]). A program that starts guests begins
//!   its `main` with [`init::is_asked_for`].
//!
//! Between them runs one serial line with a JSON document a line ([`protocol`]); the kernel's console is
//! another one, whose end is shown where a guest fails.
//!
//! # Limits
//! x86_64 only. No network but loopback, no disk. A guest has the kernel's modules only where they are
//! asked for by name ([`Guest::module`]).
#![forbid(unsafe_code)]

pub mod cpio;
pub mod guest;
pub mod init;
pub mod kernel;
pub mod protocol;
pub mod qemu;

pub use guest::{Error, Guest, Outcome, Report};
pub use protocol::Command;
