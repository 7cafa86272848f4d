//! What a process is, and what it can reach: the answer of `inspect`.

mod difference;
mod file;
mod initial;
mod inside;
mod process;
mod root;

pub use difference::{Difference, SetDifference, difference};
pub use file::{Execution, FileInspection, Outcome, STRANGER, inspect_file};
pub use initial::inspect_initial;
pub use process::{Processes, inspect_pid, inspect_processes};
pub use root::{RootInspection, UserEntry, inspect_root};

use crate::SeccompMode;
use crate::executables::{SearchLimits, search};
use crate::scene::environment;
use crate::state::{State, names};
use dropcap_capability::{
    Capability, Credentials, Environment, Evidence, Executable, NamespaceGate, StatusError, doors,
    nested, reachable,
};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use thiserror::Error;

/// The version of the JSON.
const SCHEMA: u32 = 1;

/// What a process is, and what it can reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// The version of this layout.
    pub schema: u32,
    /// What was looked at, as it was named.
    pub target: String,
    /// The program's name, where it is another process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it is.
    pub state: State,
    /// The names of the capabilities that code which starts there can come to hold.
    pub reachable: Vec<String>,
    /// Whether `reachable` is what it could reach by any file that gives privileges, since none was
    /// looked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reachable_at_most: bool,
    /// Whether it can make a user namespace of its own: `open`, `closed`, or `None` where a seccomp
    /// filter is installed, which only an attempt can see through.
    pub nested: Option<String>,
    /// The files by which it comes to more than it could without.
    pub doors: Vec<DoorState>,
    /// The shortest chain to each reachable capability that is not held, in words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<(String, String)>,
    /// What the reader has to know beside it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A file by which a process comes to more than it could without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoorState {
    /// `setuid-root`, `set-id` or `file-capabilities`.
    pub kind: String,
    /// The file, as the process names it.
    pub path: String,
    /// The names of the capabilities that it adds.
    pub gains: Vec<String>,
}

/// Why something cannot be inspected.
#[derive(Debug, Error)]
pub enum InspectError {
    /// There is none with this id, or /proc hides it.
    #[error("process {0}: there is none in sight")]
    NoProcess(i32),
    /// Its status file is not what this kernel should give.
    #[error("process {0}: its status in /proc is not understood")]
    Status(i32, #[source] StatusError),
    /// There is no /proc, or it cannot be listed.
    #[error("/proc cannot be listed")]
    NoProc(#[source] io::Error),
    /// A file cannot be looked at.
    #[error("{} cannot be looked at", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// Something that no one can execute.
    #[error("{} is no regular file", .0.display())]
    NoFile(PathBuf),
    /// The kernel does not tell us our own.
    #[error("the kernel does not tell what this process holds")]
    Own(#[source] io::Error),
}

/// Inspects the calling thread.
///
/// # Errors
/// [`InspectError::Own`].
pub fn inspect_self(limits: &SearchLimits) -> Result<Inspection, InspectError> {
    let (state, own) = State::of_self().map_err(InspectError::Own)?;
    let found = search(limits);
    let cut_short = format!(
        "the search for files that give privileges was cut short after {} entries",
        found.entries
    );
    Ok(inspect(Subject {
        target: "self".to_owned(),
        name: None,
        credentials: &own,
        environment: &environment(state.user_namespace.as_ref(), Path::new("/proc/self")),
        gate: gate_of(&state),
        state,
        files: &found.found,
        notes: if found.complete { Vec::new() } else { vec![cut_short] },
    }))
}

/// What is looked at, beside what it can reach.
pub(crate) struct Subject<'a> {
    /// As it was named.
    pub target: String,
    /// The program's name, where it is a process.
    pub name: Option<String>,
    pub state: State,
    pub credentials: &'a Credentials,
    pub environment: &'a Environment,
    /// What stands between it and a user namespace; `None` where a filter hides it.
    pub gate: Option<NamespaceGate>,
    /// The privileged executables in reach.
    pub files: &'a [Executable],
    /// Comes before what is noted here.
    pub notes: Vec<String>,
}

/// Asks the model about it.
pub(crate) fn inspect(subject: Subject<'_>) -> Inspection {
    let Subject { target, name, state, credentials, environment, gate, files, mut notes } = subject;
    let reach = reachable(credentials, files, environment);
    let beyond = reach.set - credentials.permitted;
    let witness = |capability: Capability| {
        reach.witness(capability).map(|chain| (capability.to_string(), chain.to_string()))
    };
    let rules = environment.kernel.rules();
    if rules.evidence != Evidence::Compared {
        notes.push(rules.to_string());
    }
    Inspection {
        schema: SCHEMA,
        target,
        name,
        nested: gate.map(|gate| nested(gate, reach.set).to_string()),
        state,
        reachable: names(reach.set),
        reachable_at_most: false,
        doors: doors(credentials, files, environment)
            .into_iter()
            .map(|door| DoorState {
                kind: door.kind.name().to_owned(),
                path: door.path,
                gains: names(door.gains),
            })
            .collect(),
        witnesses: beyond.iter().filter_map(witness).collect(),
        notes,
    }
}

/// What stands before a user namespace, where there is no filter to hide the answer.
pub(crate) fn gate_of(state: &State) -> Option<NamespaceGate> {
    (state.seccomp == Some(SeccompMode::Disabled)).then(|| namespace_gate(true))
}
/// What the sysctls of this machine put before user namespaces.
pub(crate) fn namespace_gate(seccomp_allows: bool) -> NamespaceGate {
    let number = |path: &str| -> Option<u64> { fs::read_to_string(path).ok()?.trim().parse().ok() };
    NamespaceGate {
        seccomp_allows,
        limit_is_zero: number("/proc/sys/user/max_user_namespaces") == Some(0),
        needs_sys_admin: number("/proc/sys/kernel/unprivileged_userns_clone") == Some(0),
        lsm_denies_inside: number("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
            == Some(1),
        chrooted: false,
    }
}
