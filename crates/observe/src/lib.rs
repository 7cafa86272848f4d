//! Finding out what a workload needs by running it, and by running it without.
//!
//! [`minimise`] asks an oracle, which runs the workload with a set of capabilities and says whether
//! it worked, until it has a set from which nothing can be taken away.
//!
//! # Limitations
//! The answer is as good as the test: what the test does not do, nobody has seen to need nothing.
#![forbid(unsafe_code)]
#![cfg(target_os = "linux")]

pub mod command;
pub mod docker;
pub mod journal;
mod life;
mod minimise;
mod outcome;
mod said;
mod session;
pub mod trace;
mod trials;

pub use life::{Run, Usual, phase};
pub use minimise::{Minimum, Oracle, SearchError, Substitute, minimise};
pub use outcome::{Failure, Outcome};
pub use session::Session;
pub use trials::{Progress, Traceable, Trial, Trials};
