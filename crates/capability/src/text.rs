//! Texts: how people, libcap and the kernel write capabilities down, and how that is read.

mod hex;
mod iab;
mod libcap;
mod names;
mod number;
mod securebits;
mod status;

pub use hex::HexMaskError;
pub use iab::Iab;
pub use libcap::{CapabilityState, LibcapTextError};
pub use names::{CapabilityTextError, parse_capabilities, parse_capability};
pub use securebits::SecurebitsTextError;
pub use status::{ProcStatus, StatusError};
