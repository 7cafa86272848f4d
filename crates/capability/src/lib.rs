//! The kernel's rules for capabilities, as one pure model.
//!
//! # What it is for
//! Whoever asks "what can this process do?" asks this crate: what a thread's credentials become
//! after [`execve`], after a [`prctl`] or a [`setuid`]-family call, and what it can reach by any
//! chain of them ([`reachable`]).
//!
//! # Limitations
//! The model speaks of one thread in its own user namespace, and of what becomes of it in another one
//! that it makes or enters. Left out, since they need another subsystem: LSMs other than commoncap,
//! POSIX ACLs, binfmt_misc's `C` flag, RLIMIT_NPROC, id maps that somebody outside writes.
//! docs/model.md has the whole list, and says for each paragraph of capabilities(7) where it is.
//!
//! A kernel whose version nobody compared takes the rules of the nearest one: [`Kernel::rules`].
//!
//! There is no I/O here and nothing of Linux: the crate builds on every platform. The differential
//! test compares each rule with the running kernel.
#![forbid(unsafe_code)]

pub mod branch;
mod capability;
mod capable;
mod capset;
mod chain;
mod company;
mod credentials;
mod environment;
mod errno;
mod escalation;
pub mod execve;
mod file_capabilities;
mod id_map;
mod kernel;
mod map_writing;
mod mount;
mod nested;
mod permission;
pub mod prctl;
mod raise;
pub mod reachable;
mod script;
mod search;
mod securebits;
mod set;
pub mod setuid;
mod stand_in;
mod text;
mod user_namespace;

pub use capability::{Capability, Tier};
pub use capable::{Standing, capable, capable_judged};
pub use capset::{
    CapsetHeader, CapsetRequest, capset, capset_judged, capset_with_header,
    capset_with_header_judged,
};
pub use chain::{Chain, Step};
pub use company::{Company, Tracer, trace_me, trace_me_judged};
pub use credentials::{Credentials, Ids};
pub use environment::Environment;
pub use errno::Errno;
pub use escalation::{
    ENGINE_SOCKET_FOLDERS, ENGINE_SOCKETS, Escalation, EscalationKind, Surroundings, escalations,
};
pub use execve::{Directory, Executable, execve, execve_in_company};
pub use file_capabilities::{FileCapabilities, FileCapabilitiesError, Revision};
pub use id_map::{IdMap, OVERFLOW_ID};
pub use kernel::{Change, Evidence, Kernel, Rules};
pub use map_writing::{Extent, MadeNamespace};
pub use mount::Mount;
pub use nested::{NamespaceGate, Nested, nested};
pub use reachable::{ANY_PROGRAM, Door, DoorKind, Reachable, doors, reachable};
pub use script::{MOST_SCRIPTS, execve_script, execve_script_judged};
pub use securebits::Securebits;
pub use set::CapabilitySet;
pub use text::{
    CapabilityState, CapabilityTextError, HexMaskError, Iab, LibcapTextError, ProcStatus,
    SecurebitsTextError, StatusError, parse_capabilities, parse_capability,
};
pub use user_namespace::{
    Entry, enter_user_namespace, enter_user_namespace_judged, unshare_user_namespace,
    unshare_user_namespace_judged,
};
