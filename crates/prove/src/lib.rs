//! Trying every door: one safe attempt for each way back to a privilege.
//!
//! # What it is for
//! A capability set says what a process should be able to do; an attempt says what the kernel, its
//! filters and its security modules let it do here and now. [`prove`] makes one attempt a door from
//! where the process stands, compares the answer with the model, and says which doors are open.
//!
//! # Why it is safe on a production host
//! Each attempt is made in a forked child that is reaped within a time limit, touches only what it
//! made itself, and is chosen so that the kernel's permission check comes before anything happens.
//! The page of each door (one file in `doors/`) says which checks come in which order.
//!
//! # Limitations
//! Linux only. An attempt that needs what is not there (a process of another user, a writable
//! directory) is reported as not tried, with the reason, and never as closed.
#![cfg(target_os = "linux")]

mod answer;
mod assume;
mod attempt;
mod audit;
mod child;
mod doors;
mod executables;
mod execution;
mod inspection;
mod judge;
mod mounts;
mod placement;
mod proof;
mod regain;
mod scene;
mod security_module;
mod state;
mod stranger;
mod trial;
mod untouched;
mod verdict;

pub use answer::Answer;
pub use assume::{AssumeError, assume};
pub use attempt::Attempt;
pub use doors::{DOORS, Door, Gain};
pub use executables::{Search, SearchLimits};
pub use inspection::{
    Difference, DoorState, Execution, FileInspection, InspectError, Inspection, Outcome, Processes,
    RootInspection, STRANGER, SetDifference, UserEntry, difference, inspect_file, inspect_initial,
    inspect_pid, inspect_processes, inspect_root, inspect_self,
};
pub use placement::{Placement, PlacementError, Shortcomings, has_root, join, place};
pub use proof::{Proof, prove};
pub use scene::Scene;
pub use state::{IdRange, SeccompMode, SecurebitsState, State, UserNamespace};
pub use trial::Part;
pub use verdict::Verdict;
