//! What is wrong with a container, and the change that mends it: one rule a file.
//!
//! [`audit`] takes the containers of a tree and what is known around them, puts each into its
//! initial state ([`dropcap_engine`]), asks the model what it can reach ([`dropcap_capability`]),
//! and lets every rule of [`RULES`] look at the outcome. It reads and writes no file.
//!
//! # Limitations
//! - Where an image is not read it is assumed to hold one setuid-root executable, as most do, and to
//!   start as root where no user is written; each message that rests on it says so.
//! - A proof that a fix is safe speaks of the image and of what is mounted from the host, not of what
//!   somebody later copies into a running container.
#![forbid(unsafe_code)]

mod analysis;
mod audit;
mod catalogue;
mod draft;
mod edits;
mod finding;
mod fix;
mod input;
mod place;
mod proof;
mod rules;
mod script;
mod sets;
mod subject;
mod wording;

pub use analysis::{ASSUMED_EXECUTABLE, Analysis, States};
pub use audit::{Audited, AuditedContainer, audit};
pub use finding::{Finding, Level};
pub use fix::{
    Because, Change, DROPCAP_AT, FileEdit, Fix, FixTier, LOW_PORTS, Mend, Mounting, Plan,
    evidence_gap, merge, script_hash, started_with,
};
pub use input::{Input, Mounted, Options, ReadImage};
pub use place::PolicyPlace;
pub use rules::{RULES, Rule, rule};
