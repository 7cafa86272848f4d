//! What is drawn: a thread's state and what it does.

use dropcap_capability::setuid::IdRequest;
use dropcap_capability::{
    Capability, CapabilitySet, CapsetRequest, Credentials, FileCapabilities, Revision, Securebits,
};
use std::fmt;

/// One comparison of model and kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What repeats it.
    pub seed: u64,
    /// In which of the place's user namespaces it happens.
    pub namespace: usize,
    /// Whether the thread keeps the ids of outside, which its namespace does not map.
    pub unmapped: bool,
    /// The state that the thread is brought into.
    pub start: Credentials,
    /// What it does then.
    pub operation: Operation,
}

/// A file of the case, its ids in the numbers of the initial user namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct File {
    /// The low twelve bits of its mode.
    pub mode: u32,
    /// Its owner.
    pub uid: u32,
    /// Its group.
    pub gid: u32,
    /// What is written into its `security.capability`.
    pub capabilities: Option<FileCapabilities>,
}

/// An execve of the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exec {
    /// The program: what is executed, or the interpreter of the script.
    pub program: File,
    /// The script that is executed.
    pub script: Option<File>,
    /// The directory that both lie in.
    pub directory: File,
    /// Whether the mount is nosuid.
    pub nosuid: bool,
}

/// What the thread does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the system call of its name")]
pub enum Operation {
    Execve(Box<Exec>),
    CapbsetDrop(Capability),
    AmbientRaise(Capability),
    AmbientLower(Capability),
    AmbientClear,
    SetSecurebits(Securebits),
    SetKeepCaps(bool),
    SetNoNewPrivs,
    Setresuid(IdRequest),
    Setfsuid(u32),
    Setresgid(IdRequest),
    Setgroups(Vec<u32>),
    Capset(CapsetRequest),
    UnshareUserNamespace,
}

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
    Setresuid,
    Setfsuid,
    Setresgid,
    Setgroups,
    Capset,
    UnshareUserNamespace,
}

impl Kind {
    /// Every kind, and how many of 100 draws are of it.
    pub const WEIGHTS: [(usize, Self); 15] = [
        (24, Self::Execve),
        (4, Self::ExecveScript),
        (5, Self::CapbsetDrop),
        (7, Self::AmbientRaise),
        (2, Self::AmbientLower),
        (1, Self::AmbientClear),
        (10, Self::SetSecurebits),
        (3, Self::SetKeepCaps),
        (1, Self::SetNoNewPrivs),
        (13, Self::Setresuid),
        (7, Self::Setfsuid),
        (8, Self::Setresgid),
        (5, Self::Setgroups),
        (8, Self::Capset),
        (2, Self::UnshareUserNamespace),
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
            Self::Setresuid => "setresuid",
            Self::Setfsuid => "setfsuid",
            Self::Setresgid => "setresgid",
            Self::Setgroups => "setgroups",
            Self::Capset => "capset",
            Self::UnshareUserNamespace => "unshare(CLONE_NEWUSER)",
        }
    }
}

impl Operation {
    /// What kind it is of.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Execve(exec) if exec.script.is_some() => Kind::ExecveScript,
            Self::Execve(_) => Kind::Execve,
            Self::CapbsetDrop(_) => Kind::CapbsetDrop,
            Self::AmbientRaise(_) => Kind::AmbientRaise,
            Self::AmbientLower(_) => Kind::AmbientLower,
            Self::AmbientClear => Kind::AmbientClear,
            Self::SetSecurebits(_) => Kind::SetSecurebits,
            Self::SetKeepCaps(_) => Kind::SetKeepCaps,
            Self::SetNoNewPrivs => Kind::SetNoNewPrivs,
            Self::Setresuid(_) => Kind::Setresuid,
            Self::Setfsuid(_) => Kind::Setfsuid,
            Self::Setresgid(_) => Kind::Setresgid,
            Self::Setgroups(_) => Kind::Setgroups,
            Self::Capset(_) => Kind::Capset,
            Self::UnshareUserNamespace => Kind::UnshareUserNamespace,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.kind().name();
        match self {
            Self::Execve(exec) => fmt::Display::fmt(exec, f),
            Self::CapbsetDrop(capability)
            | Self::AmbientRaise(capability)
            | Self::AmbientLower(capability) => write!(f, "{name} {capability}"),
            Self::SetSecurebits(securebits) => {
                write!(f, "{name} {:#05x} ({securebits})", securebits.bits())
            }
            Self::SetKeepCaps(keep) => write!(f, "{name} {}", u8::from(*keep)),
            Self::Setresuid(request) | Self::Setresgid(request) => {
                let [real, effective, saved] =
                    [request.real, request.effective, request.saved].map(id_or_unchanged);
                write!(f, "{name}({real}, {effective}, {saved})")
            }
            Self::Setfsuid(id) => write!(f, "{name}({id})"),
            Self::Setgroups(groups) => write!(f, "{name} {groups:?}"),
            Self::Capset(request) => write!(
                f,
                "{name} effective={} permitted={} inheritable={}",
                brief(request.effective),
                brief(request.permitted),
                brief(request.inheritable)
            ),
            Self::AmbientClear | Self::SetNoNewPrivs | Self::UnshareUserNamespace => {
                f.write_str(name)
            }
        }
    }
}

fn id_or_unchanged(id: Option<u32>) -> String {
    id.map_or_else(|| "-1".to_owned(), |id| id.to_string())
}

impl fmt::Display for Exec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.script {
            Some(script) => write!(f, "execve of a script {script}, interpreter ")?,
            None => f.write_str("execve of ")?,
        }
        let nosuid = if self.nosuid { ", on a nosuid mount" } else { "" };
        write!(f, "{}, in a directory {}{nosuid}", self.program, self.directory)
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o} {}:{}", self.mode, self.uid, self.gid)?;
        self.capabilities.map_or(Ok(()), |capabilities| write!(f, " {}", in_words(&capabilities)))
    }
}

/// File capabilities in one line.
pub(crate) fn in_words(capabilities: &FileCapabilities) -> String {
    let root = match capabilities.revision {
        Revision::Three { root_id } => format!(" root={root_id}"),
        Revision::One | Revision::Two => String::new(),
    };
    let (permitted, inheritable) = (brief(capabilities.permitted), brief(capabilities.inheritable));
    let effective = u8::from(capabilities.effective);
    format!("permitted={permitted} inheritable={inheritable} effective={effective}{root}")
}

/// A set in one line: its members, or all but those that miss, where these are fewer.
pub(crate) fn brief(set: CapabilitySet) -> String {
    let missing = CapabilitySet::KNOWN - set;
    if missing.is_empty() && set == CapabilitySet::KNOWN {
        "all".to_owned()
    } else if missing.len() < 8 && (set - CapabilitySet::KNOWN).is_empty() {
        format!("all-({missing})")
    } else if set.len() > 8 {
        format!("{:#x}", set.bits())
    } else {
        set.to_string()
    }
}

/// The fields of a thread's credentials, each with its name: what is shown and compared.
pub(crate) fn fields(credentials: &Credentials) -> Vec<(&'static str, String)> {
    let ids = |ids: dropcap_capability::Ids| {
        format!("{} {} {} {}", ids.real, ids.effective, ids.saved, ids.filesystem)
    };
    vec![
        ("uid", ids(credentials.uid)),
        ("gid", ids(credentials.gid)),
        ("groups", format!("{:?}", credentials.groups)),
        ("effective", brief(credentials.effective)),
        ("permitted", brief(credentials.permitted)),
        ("inheritable", brief(credentials.inheritable)),
        ("bounding", brief(credentials.bounding)),
        ("ambient", brief(credentials.ambient)),
        ("securebits", credentials.securebits.to_string()),
        ("no_new_privs", credentials.no_new_privs.to_string()),
    ]
}
