//! The kernel's rules for capabilities, as one pure model.
//!
//! # What it is for
//! Whoever asks "what can this process do?" asks this crate: what a thread's credentials become
//! after [`execve`], after a [`prctl`] or a [`setuid`]-family call, and what it can reach by any
//! chain of them ([`reachable`]).
//!
//! # Limitations
//! The model speaks of one thread acting alone in its own user namespace. Left out, since they need
//! company or another subsystem: ptrace, LSMs other than commoncap, POSIX ACLs, binfmt_misc's `C`
//! flag, `CLONE_FS` sharing at execve, RLIMIT_NPROC, filesystems mounted with idmaps.
//!
//! There is no I/O here and nothing of Linux: the crate builds on every platform. The differential
//! test compares each rule with the running kernel.
#![forbid(unsafe_code)]

pub mod branch;
mod capability;
mod capset;
mod chain;
mod credentials;
mod environment;
mod errno;
mod escalation;
pub mod execve;
mod file_capabilities;
mod kernel;
mod nested;
mod permission;
pub mod prctl;
mod raise;
pub mod reachable;
mod search;
mod securebits;
mod set;
pub mod setuid;
mod text;
mod user_namespace;

pub use capability::{Capability, Tier};
pub use capset::{CapsetRequest, capset, capset_judged};
pub use chain::{Chain, Step};
pub use credentials::{Credentials, Ids};
pub use environment::{Environment, IdMap};
pub use errno::Errno;
pub use escalation::{Escalation, EscalationKind, Surroundings, escalations};
pub use execve::{Directory, Executable, execve};
pub use file_capabilities::{FileCapabilities, FileCapabilitiesError, Revision};
pub use kernel::Kernel;
pub use nested::{NamespaceGate, Nested, nested};
pub use reachable::{ANY_PROGRAM, Door, DoorKind, Reachable, doors, reachable};
pub use securebits::Securebits;
pub use set::CapabilitySet;
pub use text::{CapabilityTextError, parse_capabilities, parse_capability};
pub use user_namespace::{unshare_user_namespace, unshare_user_namespace_judged};
