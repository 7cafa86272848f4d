//! The model against the running kernel.
//!
//! Draws a random thread and up to six operations, brings a process into that state by real system
//! calls, lets it do one after the other, and compares after each what the kernel made of it with what
//! [`dropcap_capability`] says: every id, every set, or the errno. The expected outcome never comes
//! from anything but the model under test.
//!
//! A case is a function of its seed and of the place that it runs in, so that one number repeats
//! it. [`run`] is the whole test; docs/differential.md tells how to read its report.
//!
//! # Limitations
//! Linux only, as root with the capabilities of [`place::NEEDED`]; what the host withholds from
//! root (its bounding set) is not drawn. Revision 1 file capabilities are not drawn in the initial
//! user namespace or any other: kernels since 4.14 refuse to write them.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

mod bytes;
mod case;
mod child;
mod compare;
mod draw;
mod judges;
mod namespace;
mod options;
mod order;
pub mod place;
mod random;
mod report;
mod run;
mod tally;
mod thread;
mod wire;
mod witness;
mod worker;

pub use case::{Case, Exec, File, Kind, Operation, View};
pub use judges::Mutation;
pub use options::Options;
pub use report::Verdict;
pub use run::{Failure, run};
pub use tally::Tally;
pub use witness::{ARGUMENT as WITNESS_ARGUMENT, testify};
pub use worker::work;
