//! The reachable set: the least closure over everything that one thread can do alone.

use crate::{Capability, CapabilitySet, Credentials, Environment, Executable};

/// One step of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// setresuid(2) to these real, effective and saved ids.
    SetUid([u32; 3]),
    /// setresgid(2).
    SetGid([u32; 3]),
    /// setgroups(2).
    SetGroups(Vec<u32>),
    /// capset(2) and prctl(2): raise what may be raised.
    Raise(CapabilitySet),
    /// execve(2) of this path.
    Execve(String),
}

/// How a capability comes into the permitted set: the shortest chain, counted in execve calls.
/// Empty: it is there from the start.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chain(pub Vec<Step>);

/// What can come into a thread's permitted set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reachable {
    /// Everything that can be held.
    pub set: CapabilitySet,
    /// Whether uid 0 can be had.
    pub root_user: bool,
    witnesses: Vec<(CapabilitySet, Chain)>,
}

impl Reachable {
    /// The shortest chain to `capability`, if it is reachable.
    pub fn witness(&self, capability: Capability) -> Option<&Chain> {
        self.witnesses.iter().find(|(set, _)| set.contains(capability)).map(|(_, chain)| chain)
    }
}

/// The reachable set of a thread with `start` that may execute `executables`, and one plain program.
pub fn reachable(
    start: &Credentials,
    executables: &[Executable],
    environment: &Environment,
) -> Reachable {
    let _ = (start, executables, environment);
    unimplemented!()
}

/// What kind of file a door is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DoorKind {
    /// A setuid-root file.
    SetuidRoot,
    /// A setuid or setgid file of somebody else.
    SetId,
    /// A file with file capabilities.
    FileCapabilities,
}

impl DoorKind {
    /// Its name in JSON and text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SetuidRoot => "setuid-root",
            Self::SetId => "set-id",
            Self::FileCapabilities => "file-capabilities",
        }
    }
}

/// An executable by which a thread comes to more than it could without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Door {
    /// Which kind.
    pub kind: DoorKind,
    /// The file.
    pub path: String,
    /// What can be held by it that could not be held without any of the executables.
    pub gains: CapabilitySet,
}

/// The doors among `executables` for a thread with `start`.
pub fn doors(
    start: &Credentials,
    executables: &[Executable],
    environment: &Environment,
) -> Vec<Door> {
    let _ = (start, executables, environment);
    unimplemented!()
}
