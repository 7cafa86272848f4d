//! One call, ready to be made, and what its answers mean.

use crate::{Answer, Scene, Verdict};
use std::io;

/// One call, ready to be made.
pub(crate) struct Trial {
    /// The call, for people.
    pub text: String,
    /// What the kernel answers to whoever lacks the capability.
    pub denied: Answer,
    /// What it may answer to whoever holds it; the first is the usual one.
    pub allowed: Vec<Answer>,
    /// In which user namespace it asks for the capability.
    pub authority: Authority,
    /// Why everybody is let through here, if that is so.
    pub ungated: Option<String>,
    /// Why even those who hold it are refused here, if that is so.
    pub blocked: Option<String>,
    /// Whether this call's check accepts what stands in for the capability elsewhere.
    pub stand_ins_count: bool,
    /// The call; it is made in a child.
    pub call: Box<dyn FnOnce() -> Answer>,
    /// What the parent does afterwards, whatever became of the child.
    pub clean_up: Option<Box<dyn FnOnce()>>,
}

impl Trial {
    /// A call with the answers to who lacks and to who holds the capability in `authority`.
    pub fn new<A: Into<Answer>>(
        text: impl Into<String>,
        (denied, allowed): (Answer, Answer),
        authority: Authority,
        call: impl FnOnce() -> A + 'static,
    ) -> Self {
        Self {
            text: text.into(),
            denied,
            allowed: vec![allowed],
            authority,
            ungated: None,
            blocked: None,
            stand_ins_count: true,
            call: Box::new(|| call().into()),
            clean_up: None,
        }
    }

    /// As [`Trial::new`], with calls before the one on trial.
    pub fn after_others(
        text: impl Into<String>,
        answers: (Answer, Answer),
        authority: Authority,
        calls: impl FnOnce() -> Result<Answer, Answer> + 'static,
    ) -> Self {
        Self::new(text, answers, authority, calls)
    }

    /// With other answers to who holds it.
    pub fn or(mut self, allowed: impl IntoIterator<Item = Answer>) -> Self {
        self.allowed.extend(allowed);
        self
    }

    /// With a reason why everybody is let through here.
    pub fn ungated(self, ungated: Option<String>) -> Self {
        Self { ungated, ..self }
    }

    /// With a reason why everybody is refused here.
    pub fn blocked(self, blocked: Option<String>) -> Self {
        Self { blocked, ..self }
    }

    /// This call asks for the capability and nothing else.
    pub fn without_stand_ins(self) -> Self {
        Self { stand_ins_count: false, ..self }
    }

    /// With what the parent does afterwards.
    pub fn cleaned_by(self, clean_up: impl FnOnce() + 'static) -> Self {
        Self { clean_up: Some(Box::new(clean_up)), ..self }
    }
}

/// Why a call is not made here.
pub(crate) struct Obstacle {
    /// The call, for people.
    pub text: &'static str,
    /// The reason.
    pub reason: String,
    /// What it means for the door.
    pub verdict: Verdict,
}

impl Obstacle {
    /// What it needs is not here.
    pub fn new(text: &'static str, reason: impl Into<String>) -> Self {
        Self { text, reason: reason.into(), verdict: Verdict::NotTried }
    }

    /// No check of this kernel asks for it.
    pub fn inert(text: &'static str, reason: impl Into<String>) -> Self {
        Self { text, reason: reason.into(), verdict: Verdict::Inert }
    }

    /// A call on the way failed.
    pub fn failed<E: Into<io::Error>>(text: &'static str, call: &str) -> impl FnOnce(E) -> Self {
        move |error| Self::new(text, format!("{call}: {}", error.into()))
    }
}

/// The user namespace over which a capability has to be held for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Authority {
    /// The process's own (`ns_capable(current_user_ns())`, `capable_wrt_inode_uidgid`).
    Own,
    /// The one in which its memory was made, which is the one of its last execve (`mm->user_ns`).
    Memory,
    /// The one that owns its network namespace.
    Network,
    /// The one that owns its UTS namespace.
    Uts,
    /// The one that owns its IPC namespace.
    Ipc,
    /// The one that owns its pid namespace.
    Pid,
    /// The initial one (`capable`).
    Initial,
}

impl Authority {
    /// Those that stand for a namespace which another user namespace may own, with its name in
    /// `/proc/PID/ns`.
    pub const OF_NAMESPACES: [(Self, &str); 4] =
        [(Self::Network, "net"), (Self::Uts, "uts"), (Self::Ipc, "ipc"), (Self::Pid, "pid")];

    /// What of it is not the process's own where a held capability does not count.
    pub const fn whose(self) -> &'static str {
        match self {
            Self::Network => "the network belongs to another user namespace",
            Self::Uts => "the host name belongs to another user namespace",
            Self::Ipc => "System V IPC belongs to another user namespace",
            Self::Pid => "the process ids belong to another user namespace",
            Self::Own | Self::Memory | Self::Initial => {
                "the kernel asks for it in the machine's own user namespace"
            }
        }
    }
}

/// What a scene may be unable to show of what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part {
    /// What the kernel asks for in the initial user namespace.
    InitialNamespace,
    /// What is mounted.
    Mounts,
    /// The other processes.
    Processes,
    /// Device nodes, and the device rules of a cgroup.
    Devices,
}

/// A sysctl or another file of the kernel's that holds one number.
pub(crate) fn number(path: &str) -> Option<i64> {
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Why what a scene stands for cannot be tried in it.
pub(crate) fn missing(scene: &Scene, part: Part) -> Option<&str> {
    scene.missing.iter().find(|(missing, _)| *missing == part).map(|(_, reason)| reason.as_str())
}

/// The same for what /proc tells.
pub(crate) fn missing_from_proc(scene: &Scene, part: Part) -> Option<&str> {
    let untold = (!scene.has_proc).then_some("/proc, which tells of it, is not there");
    missing(scene, part).or(untold)
}
