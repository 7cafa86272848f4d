//! What leads out of the model with a capability, an id or a mount at hand.

use crate::{Capability, CapabilitySet};

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

/// The sockets of engines, by their file names.
pub const ENGINE_SOCKETS: &[&str] =
    &["docker.sock", "podman.sock", "containerd.sock", "crio.sock", "buildkitd.sock"];

/// Folders that hold an engine's socket on a usual host.
pub const ENGINE_SOCKET_FOLDERS: &[&str] = &[
    "/",
    "/run",
    "/var",
    "/var/run",
    "/run/docker",
    "/run/podman",
    "/var/run/podman",
    "/run/containerd",
    "/var/run/containerd",
    "/run/crio",
    "/var/run/crio",
    "/run/buildkit",
    "/run/k3s/containerd",
];

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

/// What reaches the host by itself, or by company that a container nearly always has; the sentence
/// says how.
const HOST_BY_CAPABILITY: &[(Capability, &str)] = &[
    (Capability::SYS_ADMIN, "mounts and namespaces: cgroup release_agent, core_pattern, devices"),
    (Capability::SYS_MODULE, "loads a kernel module"),
    (Capability::SYS_RAWIO, "writes raw memory and disks"),
    (Capability::SYS_PTRACE, "takes over a more privileged process in sight"),
    (Capability::BPF, "reads and writes kernel memory by BPF programs"),
    (Capability::DAC_READ_SEARCH, "opens host files by handle (open_by_handle_at)"),
    (Capability::MKNOD, "makes the node of a host disk, where the device cgroup lets it"),
    (Capability::SYS_BOOT, "loads another kernel (kexec), or reboots"),
    (Capability::MAC_ADMIN, "changes the mandatory access control policy"),
];

/// What makes a privileged file inside the container, each with all of its capabilities together.
const MAKE_PRIVILEGED_FILE: &[(&[Capability], &str)] = &[
    (&[Capability::FOWNER], "chmod u+s of a file that root owns"),
    (&[Capability::SETFCAP], "setcap on a file of its own"),
    (&[Capability::CHOWN, Capability::FOWNER], "chown to root, then chmod u+s"),
    (&[Capability::DAC_OVERRIDE, Capability::FSETID], "rewrites a setuid-root file in place"),
];

/// The escalations open to a process that can hold `reachable` in `surroundings`, in a fixed order.
pub fn escalations(reachable: CapabilitySet, surroundings: &Surroundings) -> Vec<Escalation> {
    let escalation = |kind, detail: String| Escalation { kind, detail };
    let mut found = Vec::new();
    let gains = surroundings.bounding - reachable;
    if surroundings.may_gain && surroundings.writable_suid_place && !gains.is_empty() {
        found.extend(MAKE_PRIVILEGED_FILE.iter().filter_map(|(needed, how)| {
            let needed: CapabilitySet = needed.iter().copied().collect();
            needed
                .is_subset(reachable)
                .then(|| escalation(EscalationKind::MakePrivilegedFile, format!("{needed}: {how}")))
        }));
    }
    found.extend(
        HOST_BY_CAPABILITY.iter().filter(|(capability, _)| reachable.contains(*capability)).map(
            |(capability, how)| {
                escalation(EscalationKind::HostByCapability, format!("{capability}: {how}"))
            },
        ),
    );
    if surroundings.root_user {
        found.extend(
            surroundings
                .host_mounts
                .iter()
                .map(|mount| escalation(EscalationKind::SetuidPlant, mount.clone())),
        );
        found.push(escalation(
            EscalationKind::RootWritesKernelFiles,
            "uid 0 owns kernel files such as core_pattern, with no capability at all".to_owned(),
        ));
    }
    found.extend(
        surroundings
            .engine_sockets
            .iter()
            .map(|socket| escalation(EscalationKind::EngineSocket, socket.clone())),
    );
    if surroundings.host_pid {
        found.push(escalation(
            EscalationKind::PtraceNeighbour,
            "processes of the host are in sight".to_owned(),
        ));
    }
    found
}
