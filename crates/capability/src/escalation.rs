//! What leads out of the model with a capability, an id or a mount at hand.

use crate::CapabilitySet;

/// What is known around a process that bears on escalations.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// Whether uid 0 can be had (it still owns root's files, with no capability at all).
    pub root_user: bool,
    /// Whether execve can grant: no_new_privs is off.
    pub may_gain: bool,
    /// The bounding set: what a planted setuid-root file gives.
    pub bounding: CapabilitySet,
    /// Whether there is a writable place that is not mounted nosuid; `true` unless known otherwise.
    pub writable_suid_place: bool,
    /// Writable host directories that are not nosuid, as mounted.
    pub host_mounts: Vec<String>,
    /// Engine sockets within reach.
    pub engine_sockets: Vec<String>,
    /// Whether the host's pid namespace is shared.
    pub host_pid: bool,
}

/// The kinds of escalation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EscalationKind {
    /// A root-owned file can be made setuid, or given file capabilities, inside the container.
    MakePrivilegedFile,
    /// A capability that reaches the host by itself.
    HostByCapability,
    /// A setuid file can be planted on a host mount.
    SetuidPlant,
    /// An engine's socket: whoever speaks to it is root on the host.
    EngineSocket,
    /// Another process can be taken over.
    PtraceNeighbour,
    /// uid 0 owns root's files: kernel files such as core_pattern.
    RootWritesKernelFiles,
}

impl EscalationKind {
    /// Its name in JSON and text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MakePrivilegedFile => "make-privileged-file",
            Self::HostByCapability => "host-by-capability",
            Self::SetuidPlant => "setuid-plant",
            Self::EngineSocket => "engine-socket",
            Self::PtraceNeighbour => "ptrace-neighbour",
            Self::RootWritesKernelFiles => "root-writes-kernel-files",
        }
    }
}

/// One way out of the model.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Escalation {
    /// Which kind.
    pub kind: EscalationKind,
    /// With what: a capability, a path.
    pub detail: String,
}

/// The escalations open to a process that can hold `reachable` in `surroundings`.
pub fn escalations(reachable: CapabilitySet, surroundings: &Surroundings) -> Vec<Escalation> {
    let _ = (reachable, surroundings);
    unimplemented!()
}
