//! What an engine makes of a container: the initial state, or a refusal.

use crate::{Rule, security_opt};
use dropcap_capability::{CapabilitySet, Credentials, Kernel, NamespaceGate};
use dropcap_image::UserError;
use thiserror::Error;

/// Which process of a container is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process<'a> {
    /// The one that the container starts with.
    First,
    /// One that comes later by the engine's own `exec`.
    Exec {
        /// `-u`; `None` is the container's user.
        user: Option<&'a str>,
        /// `--privileged`.
        privileged: bool,
    },
}

/// What is known of the image.
#[derive(Debug, Clone, Copy)]
pub enum ImageKnowledge<'a> {
    /// It was read.
    Read(&'a dropcap_image::Image),
    /// Nothing is known: a user that is named counts as an ordinary one, and that is said.
    Assumed,
}

impl<'a> ImageKnowledge<'a> {
    /// Its users and groups, where it was read.
    pub(crate) fn users(self) -> Option<&'a dropcap_image::Users> {
        match self {
            Self::Read(image) => Some(&image.users),
            Self::Assumed => None,
        }
    }
}

/// The machine, as the engine's daemon sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The daemon's own bounding set; a root daemon holds all of it. What is missing here, no
    /// container can have.
    pub bounding: CapabilitySet,
    /// The kernel.
    pub kernel: Kernel,
    /// Whether the kernel has seccomp filters.
    pub seccomp: bool,
    /// What the host itself puts before user namespaces: `limit_is_zero`, `needs_sys_admin` and
    /// `lsm_denies_inside` are taken over; the rest is the engine's.
    pub gate: NamespaceGate,
}

impl Default for Host {
    /// A machine that lacks nothing, with the newest kernel that is known.
    fn default() -> Self {
        Self {
            bounding: CapabilitySet::KNOWN,
            kernel: Kernel::NEWEST,
            seccomp: true,
            gate: NamespaceGate::default(),
        }
    }
}

/// The seccomp profile of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seccomp {
    /// No filter: `seccomp=unconfined`, privileged, or a kernel without seccomp.
    Unconfined,
    /// The engine's default profile, computed from the container's capabilities.
    Default,
    /// A profile of its own, which is not read here.
    Custom(String),
}

impl Seccomp {
    /// `Seccomp:` of `/proc/PID/status`: 0 is none, 2 is a filter.
    pub const fn mode(&self) -> u8 {
        match self {
            Self::Unconfined => 0,
            Self::Default | Self::Custom(_) => 2,
        }
    }
}

/// The AppArmor profile that the engine asks for; it counts only where the host has AppArmor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppArmor {
    /// The engine's own default.
    Default,
    /// `apparmor=unconfined`, or privileged.
    Unconfined,
    /// One that was named.
    Named(String),
}

/// A process as the engine starts it, with what bears on privilege beside its credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitialState {
    /// Its credentials, after the execve of an ordinary program.
    pub credentials: Credentials,
    /// What stands before a user namespace of its own.
    pub gate: NamespaceGate,
    /// Its seccomp profile.
    pub seccomp: Seccomp,
    /// Its AppArmor profile.
    pub apparmor: AppArmor,
    /// Sysctls of its namespaces that the engine sets, by name.
    pub sysctls: Vec<(String, String)>,
    /// What this rests on and was not read, each a sentence.
    pub assumptions: Vec<String>,
    /// The rows of the engine's table that it came from.
    pub rules: Vec<Rule>,
}

/// The engine would not start it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct Refusal {
    /// Why, in the engine's words.
    pub reason: String,
    /// The row of the engine's table that refuses.
    pub rule: Rule,
    /// The word that it refuses, as written; empty where it is no single word.
    pub word: String,
    /// The rows that counted before it.
    pub rules: Vec<Rule>,
}

impl Refusal {
    /// The refusal of `word` by `rule`; the rows before it are added where the start ends.
    pub(crate) fn new(rule: Rule, word: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), rule, word: word.into(), rules: Vec::new() }
    }

    /// The refusal of a user or a group by `rule`.
    pub(crate) fn of_user(rule: Rule, error: UserError) -> Self {
        let reason = error.to_string();
        let (UserError::NoSuchUser(word)
        | UserError::NoSuchGroup(word)
        | UserError::OutOfRange(word)) = error;
        Self::new(rule, word, reason)
    }

    /// The refusal of an entry of `security_opt` by `rule`.
    pub(crate) fn of_security_opt(rule: Rule, refused: security_opt::Refused) -> Self {
        let reason = format!("invalid --security-opt {}: {:?}", refused.step, refused.word);
        Self::new(rule, refused.word, reason)
    }
}
