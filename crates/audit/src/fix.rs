//! A change that mends a finding, and how far it can be trusted.

mod candidates;
mod evidence;
mod mend;
mod plan;
mod script_step;
mod start_lines;

pub(crate) use candidates::steps_down;
pub use evidence::{evidence_gap, script_hash, started_with};
pub use mend::{DROPCAP_AT, Mend, Mounting};
pub use plan::{LOW_PORTS, Plan};
pub(crate) use script_step::is_unverified;
pub(crate) use start_lines::{in_container, start_lines};

use dropcap_manifest::Wanted;
use serde::{Serialize, Serializer};

/// Whether a fix may be applied without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FixTier {
    /// It is known to change nothing that works: `--fix`.
    Safe,
    /// It may break something: `--unsafe-fixes`.
    Unsafe,
}

/// On what a tier rests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Because {
    /// The model shows that nothing changes for the process tree.
    Proof,
    /// The policy has proved the set for this very image.
    Evidence,
    /// Neither, for this reason.
    Unproved(String),
}

impl Because {
    /// The tier that it gives.
    pub const fn tier(&self) -> FixTier {
        match self {
            Self::Proof | Self::Evidence => FixTier::Safe,
            Self::Unproved(_) => FixTier::Unsafe,
        }
    }
}

impl Serialize for Because {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(match self {
            Self::Proof => "proof",
            Self::Evidence => "evidence",
            Self::Unproved(reason) => reason,
        })
    }
}

/// Bytes of a file to put in place of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileEdit {
    /// The file, as it is shown.
    pub file: String,
    /// The first byte that goes.
    pub start: usize,
    /// The first byte that stays again.
    pub end: usize,
    /// What comes in.
    pub text: String,
}

/// What a fix changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The settings of the container with this id.
    Settings {
        /// The file, as it is shown.
        file: String,
        /// The container's id.
        container: String,
        /// What its file should say.
        wanted: Box<Wanted>,
    },
    /// An entrypoint's script, and the services that are given `dropcap` with it: all of it, or nothing.
    Script {
        /// The bytes of the script that change.
        edits: Vec<FileEdit>,
        /// The services.
        mounts: Vec<Mounting>,
    },
}

/// A change that mends a finding.
#[derive(Debug, Clone, Serialize)]
pub struct Fix {
    /// Whether it may be applied without asking.
    pub tier: FixTier,
    /// Why.
    pub because: Because,
    /// What it does, in words.
    pub does: String,
    /// What else changes with it, and what would make it safe.
    pub notes: Vec<String>,
    /// The edits, each in the offsets of the file as it is now; empty where they were not asked for.
    pub edits: Vec<FileEdit>,
    /// What it changes.
    #[serde(skip)]
    pub change: Change,
}

/// Puts what several fixes of one container want together; where they differ, the later one counts.
pub fn merge(wanted: impl IntoIterator<Item = Wanted>) -> Wanted {
    let mut merged = Wanted::default();
    for one in wanted {
        merged.cap_drop = one.cap_drop.or(merged.cap_drop);
        merged.cap_add = one.cap_add.or(merged.cap_add);
        merged.user = one.user.or(merged.user);
        merged.unprivileged |= one.unprivileged;
        merged.no_privilege_escalation |= one.no_privilege_escalation;
        extend(&mut merged.add_security_opt, one.add_security_opt);
        extend(&mut merged.remove_security_opt, one.remove_security_opt);
        extend(&mut merged.set_sysctls, one.set_sysctls);
        extend(&mut merged.add_mounts, one.add_mounts);
    }
    merged
}

fn extend<T: PartialEq>(all: &mut Vec<T>, more: Vec<T>) {
    for one in more {
        if !all.contains(&one) {
            all.push(one);
        }
    }
}
