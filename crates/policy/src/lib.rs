//! `dropcap.toml`: what each workload may hold, on what evidence, and what is waived.
//!
//! ```
//! use dropcap_policy::Policy;
//! let policy = Policy::parse(r#"
//!     version = 1
//!     [[workload]]
//!     name = "agent"
//!     allow = ["NET_BIND_SERVICE"]
//!     match = [{ container = "compose.yaml#agent" }]
//! "#)?;
//! let agent = policy.workload_for("compose.yaml#agent", None).unwrap();
//! assert_eq!(agent.allow.to_string(), "CAP_NET_BIND_SERVICE");
//! assert!(agent.no_new_privileges && !agent.user_namespaces);
//! # Ok::<(), dropcap_policy::ParseError>(())
//! ```
//!
//! # Limitations
//! A policy is text that somebody wrote: it is trusted as far as its place is. [`Policy::find_upwards`]
//! takes one from a workspace, which an agent may write to, so only verbs that report use it;
//! [`Policy::load_trusted`] asks for a file that nobody but root can have written.
#![forbid(unsafe_code)]

mod catalogue;
mod date;
mod document;
mod error;
mod evidence;
mod gap;
mod hash;
mod learned;
mod matching;
mod place;
mod policy;
mod reader;
#[cfg(unix)]
mod trust;

pub use catalogue::{Entry, Package, catalogue, image_name};
pub use date::Date;
pub use error::{ParseError, PolicyError};
pub use evidence::{EVIDENCE_NAME, EvidenceError, add_record};
pub use gap::EvidenceGap;
pub use hash::{command_hash, text_hash};
pub use learned::{Comparison, Learned, merge};
pub use matching::{Match, Running};
pub use place::{FILE_NAME, TRUSTED};
pub use policy::{Evidence, Policy, Provenance, STANDS_FOR, Verdict, Waiver, Workload};
#[cfg(unix)]
pub use trust::{read_trusted, trusted_folder};
