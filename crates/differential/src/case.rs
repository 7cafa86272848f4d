//! What is drawn: a thread's state and what it does.

mod kind;
mod words;

pub use kind::Kind;
pub(crate) use words::fields;

use dropcap_capability::setuid::{IdRequest, PairRequest};
use dropcap_capability::{
    Capability, CapsetHeader, CapsetRequest, Credentials, Extent, FileCapabilities, Securebits,
};

/// A thread's state and what it does from there: one comparison of model and kernel after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// What repeats it.
    pub seed: u64,
    /// In which of the place's user namespaces it begins.
    pub namespace: usize,
    /// Whether the thread keeps the ids of outside, which its namespace does not map.
    pub unmapped: bool,
    /// Whether it shares its directories with the process that started it.
    pub shares_directories: bool,
    /// The state that the thread is brought into, its ids in the numbers of the test's namespace.
    pub start: Credentials,
    /// What it does then, in this order.
    pub operations: Vec<Operation>,
}

/// A file of the case, its ids in the numbers of the test's user namespace.
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exec {
    /// Which of the place's directories is used: each execve of a case has files of its own.
    pub slot: usize,
    /// The mount through which the file that is named is seen; interpreters are seen plainly.
    pub view: View,
    /// The scripts, the executed one first: each names the next one as its interpreter.
    pub scripts: Vec<File>,
    /// The program: what is executed, or the last interpreter.
    pub program: File,
    /// The directory that all lie in.
    pub directory: File,
}

/// A mount of the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum View {
    /// As it is.
    Plain,
    /// Mounted nosuid.
    Nosuid,
    /// Mounted noexec.
    Noexec,
    /// Mounted with the id map of the second namespace.
    IdMapped,
    /// A mount that is in no mount namespace of the thread's.
    Elsewhere,
    /// A filesystem that the second namespace mounted.
    Foreign,
}

impl View {
    /// The name of its directory, and what a difference calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Nosuid => "nosuid",
            Self::Noexec => "noexec",
            Self::IdMapped => "idmapped",
            Self::Elsewhere => "elsewhere",
            Self::Foreign => "foreign",
        }
    }
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
    Setuid(u32),
    Setreuid(PairRequest),
    Setresuid(IdRequest),
    Setfsuid(u32),
    Setgid(u32),
    Setregid(PairRequest),
    Setresgid(IdRequest),
    Setfsgid(u32),
    Setgroups(Vec<u32>),
    Capset(CapsetHeader, CapsetRequest),
    UnshareUserNamespace,
    /// setns(2) into a namespace of the place.
    EnterUserNamespace(usize),
    WriteUidMap(Extent),
    WriteGidMap(Extent),
    DenySetgroups,
    TraceMe,
}
