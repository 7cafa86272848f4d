//! What an attempt showed.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What an attempt showed about its door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It worked: whoever runs here has this privilege.
    Open,
    /// It was refused, and the process does not hold what it asks for.
    Closed,
    /// The process holds what it asks for, and something else refused it: seccomp, a security
    /// module, a sysctl, a user namespace.
    HeldButBlocked,
    /// This kernel or engine lets everybody through; no privilege is at stake.
    Ungated,
    /// No check of this kernel asks for it.
    Inert,
    /// The attempt could not be made; the reason stands beside it.
    NotTried,
}

impl Verdict {
    /// Its name in JSON and text.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::HeldButBlocked => "held-but-blocked",
            Self::Ungated => "ungated",
            Self::Inert => "inert",
            Self::NotTried => "not-tried",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
