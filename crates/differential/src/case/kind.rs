//! The kinds of operation.

use super::Operation;

/// The kinds of operation, which the report counts by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "as in Operation")]
pub enum Kind {
    Execve,
    ExecveScript,
    CapbsetDrop,
    AmbientRaise,
    AmbientLower,
    AmbientClear,
    SetSecurebits,
    SetKeepCaps,
    SetNoNewPrivs,
    Setuid,
    Setreuid,
    Setresuid,
    Setfsuid,
    Setgid,
    Setregid,
    Setresgid,
    Setfsgid,
    Setgroups,
    Capset,
    UnshareUserNamespace,
    EnterUserNamespace,
    WriteUidMap,
    WriteGidMap,
    DenySetgroups,
    TraceMe,
}

impl Kind {
    /// Every kind, and how often it is drawn.
    pub const WEIGHTS: [(usize, Self); 25] = [
        (28, Self::Execve),
        (6, Self::ExecveScript),
        (5, Self::CapbsetDrop),
        (7, Self::AmbientRaise),
        (2, Self::AmbientLower),
        (1, Self::AmbientClear),
        (9, Self::SetSecurebits),
        (3, Self::SetKeepCaps),
        (1, Self::SetNoNewPrivs),
        (5, Self::Setuid),
        (5, Self::Setreuid),
        (10, Self::Setresuid),
        (7, Self::Setfsuid),
        (4, Self::Setgid),
        (5, Self::Setregid),
        (6, Self::Setresgid),
        (4, Self::Setfsgid),
        (5, Self::Setgroups),
        (8, Self::Capset),
        (13, Self::UnshareUserNamespace),
        (4, Self::EnterUserNamespace),
        (1, Self::WriteUidMap),
        (1, Self::WriteGidMap),
        (1, Self::DenySetgroups),
        (5, Self::TraceMe),
    ];

    /// As the report shows it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Execve => "execve",
            Self::ExecveScript => "execve of a script",
            Self::CapbsetDrop => "PR_CAPBSET_DROP",
            Self::AmbientRaise => "PR_CAP_AMBIENT_RAISE",
            Self::AmbientLower => "PR_CAP_AMBIENT_LOWER",
            Self::AmbientClear => "PR_CAP_AMBIENT_CLEAR_ALL",
            Self::SetSecurebits => "PR_SET_SECUREBITS",
            Self::SetKeepCaps => "PR_SET_KEEPCAPS",
            Self::SetNoNewPrivs => "PR_SET_NO_NEW_PRIVS",
            Self::Setuid => "setuid",
            Self::Setreuid => "setreuid",
            Self::Setresuid => "setresuid",
            Self::Setfsuid => "setfsuid",
            Self::Setgid => "setgid",
            Self::Setregid => "setregid",
            Self::Setresgid => "setresgid",
            Self::Setfsgid => "setfsgid",
            Self::Setgroups => "setgroups",
            Self::Capset => "capset",
            Self::UnshareUserNamespace => "unshare(CLONE_NEWUSER)",
            Self::EnterUserNamespace => "setns(CLONE_NEWUSER)",
            Self::WriteUidMap => "write of uid_map",
            Self::WriteGidMap => "write of gid_map",
            Self::DenySetgroups => "write of setgroups",
            Self::TraceMe => "PTRACE_TRACEME",
        }
    }
}

impl Operation {
    /// What kind it is of.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Execve(exec) if !exec.scripts.is_empty() => Kind::ExecveScript,
            Self::Execve(_) => Kind::Execve,
            Self::CapbsetDrop(_) => Kind::CapbsetDrop,
            Self::AmbientRaise(_) => Kind::AmbientRaise,
            Self::AmbientLower(_) => Kind::AmbientLower,
            Self::AmbientClear => Kind::AmbientClear,
            Self::SetSecurebits(_) => Kind::SetSecurebits,
            Self::SetKeepCaps(_) => Kind::SetKeepCaps,
            Self::SetNoNewPrivs => Kind::SetNoNewPrivs,
            Self::Setuid(_) => Kind::Setuid,
            Self::Setreuid(_) => Kind::Setreuid,
            Self::Setresuid(_) => Kind::Setresuid,
            Self::Setfsuid(_) => Kind::Setfsuid,
            Self::Setgid(_) => Kind::Setgid,
            Self::Setregid(_) => Kind::Setregid,
            Self::Setresgid(_) => Kind::Setresgid,
            Self::Setfsgid(_) => Kind::Setfsgid,
            Self::Setgroups(_) => Kind::Setgroups,
            Self::Capset(..) => Kind::Capset,
            Self::UnshareUserNamespace => Kind::UnshareUserNamespace,
            Self::EnterUserNamespace(_) => Kind::EnterUserNamespace,
            Self::WriteUidMap(_) => Kind::WriteUidMap,
            Self::WriteGidMap(_) => Kind::WriteGidMap,
            Self::DenySetgroups => Kind::DenySetgroups,
            Self::TraceMe => Kind::TraceMe,
        }
    }
}
