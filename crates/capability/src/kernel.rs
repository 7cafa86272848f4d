//! The kernel's version, where a rule depends on it.

use crate::{Capability, CapabilitySet};
use std::fmt;

/// A kernel's version, `major.minor`; the patch level changes no rule of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kernel {
    /// The 6 in 6.18.
    pub major: u16,
    /// The 18 in 6.18.
    pub minor: u16,
}

impl Kernel {
    /// The newest kernel that the rules were compared with; assumed where none is known.
    pub const NEWEST: Self = Self::new(7, 2);

    /// A version from its two numbers.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// Reads the release that uname(2) gives, such as `6.1.0-32-cloud-amd64`; `None` if it does not
    /// start with two numbers.
    pub fn from_release(release: &str) -> Option<Self> {
        let mut numbers = release.split(|c: char| !c.is_ascii_digit());
        let major = numbers.next()?.parse().ok()?;
        let minor = numbers.next()?.parse().ok()?;
        Some(Self { major, minor })
    }
}

/// Where the rules change.
impl Kernel {
    /// From here on a user map with uid 0 of the namespace around asks for CAP_SETFCAP ("capabilities:
    /// require CAP_SETFCAP to map uid 0").
    pub const ROOT_MAP_NEEDS_SETFCAP: Self = Self::new(5, 12);
    /// From here on setresuid(2) and setresgid(2) that change nothing return at once, and so leave a
    /// filesystem id that differs from the effective one; before, it was set to the effective one
    /// ("kernel/sys.c: fix and improve control flow in __sys_setres[ug]id()"). It came with 6.3 and
    /// was taken into stable series: 6.1.176 has it (measured).
    pub const SETRES_RETURNS_EARLY: Self = Self::new(6, 1);
    /// The kernel that brought securebits which need no privilege (`SECURE_ALL_UNPRIVILEGED`).
    pub const UNPRIVILEGED_SECUREBITS: Self = Self::new(6, 14);
    /// From here on execve compares the new effective ids with the old effective ones; before, with
    /// the old real ones ("exec: Correct the permission check for unsafe exec").
    pub const EXEC_COMPARES_EFFECTIVE_IDS: Self = Self::new(6, 17);

    /// The versions from which on another set of rules counts, the oldest first. The first is the
    /// oldest whose source was read.
    const RULES: [Self; 5] = [
        Self::new(5, 10),
        Self::ROOT_MAP_NEEDS_SETFCAP,
        Self::SETRES_RETURNS_EARLY,
        Self::UNPRIVILEGED_SECUREBITS,
        Self::EXEC_COMPARES_EFFECTIVE_IDS,
    ];

    /// The versions that the differential test was run on, the oldest first.
    pub const COMPARED: [Self; 4] =
        [Self::new(6, 1), Self::new(6, 12), Self::new(6, 18), Self::NEWEST];

    /// Whose rules are used for this version, and how well that is founded. Nothing is unknown: a
    /// version takes the rules of the nearest one that is known, and this says so.
    ///
    /// ```
    /// use dropcap_capability::{Evidence, Kernel};
    /// let rules = Kernel::new(8, 0).rules();
    /// assert_eq!(rules.evidence, Evidence::Assumed);
    /// assert_eq!(
    ///     rules.to_string(),
    ///     "Linux 8.0 is newer than every kernel that the rules were compared with; those of 7.2 are used",
    /// );
    /// ```
    pub fn rules(self) -> Rules {
        let (oldest, newest) = (Self::RULES[0], Self::NEWEST);
        let (like, evidence) = if Self::COMPARED.contains(&self) {
            (self, Evidence::Compared)
        } else if self < oldest {
            (oldest, Evidence::Assumed)
        } else if self > newest {
            (newest, Evidence::Assumed)
        } else {
            let since = Self::RULES.into_iter().rev().find(|since| *since <= self);
            let since = since.unwrap_or(oldest);
            // A version that was compared and lies in the same stretch speaks for this one.
            let until = Self::RULES.into_iter().find(|next| *next > self);
            let within =
                |compared: &Self| *compared >= since && until.is_none_or(|until| *compared < until);
            let later = Self::COMPARED.into_iter().find(|it| *it > self && within(it));
            let earlier = || Self::COMPARED.into_iter().rev().find(within);
            (later.or_else(earlier).unwrap_or(since), Evidence::Read)
        };
        Rules { kernel: self, like, evidence }
    }
}

/// How it is known that the rules are those of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// The version lies outside of those whose sources were read.
    Assumed,
    /// Its sources were read, and no rule changes between it and the one that it is taken to be like.
    Read,
    /// The differential test was run on it.
    Compared,
}

/// Whose rules the model uses for a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rules {
    /// The version that was asked about.
    pub kernel: Kernel,
    /// The nearest version that is known, whose rules are used.
    pub like: Kernel,
    /// How well that is founded.
    pub evidence: Evidence,
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kernel, like, evidence } = self;
        match evidence {
            Evidence::Compared => write!(f, "the rules were compared with Linux {kernel}"),
            Evidence::Read => write!(
                f,
                "the rules were not compared with Linux {kernel} itself; those of {like} are used, the nearest one"
            ),
            Evidence::Assumed => {
                let age = if kernel > like { "newer" } else { "older" };
                write!(
                    f,
                    "Linux {kernel} is {age} than every kernel that the rules were compared with; those of {like} are used"
                )
            }
        }
    }
}

impl Kernel {
    /// The capabilities that it has (`CAP_VALID_MASK`). A kernel newer than the table may have more.
    pub fn capabilities(self) -> CapabilitySet {
        let has = |capability: &Capability| capability.since().is_some_and(|since| since <= self);
        Capability::KNOWN.iter().copied().filter(has).collect()
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_takes_the_rules_of_the_nearest() {
        let rules = |major, minor| {
            let Rules { like, evidence, .. } = Kernel::new(major, minor).rules();
            (like.to_string(), evidence)
        };
        assert_eq!(rules(6, 12), ("6.12".to_owned(), Evidence::Compared));
        assert_eq!(rules(4, 19), ("5.10".to_owned(), Evidence::Assumed));
        assert_eq!(rules(5, 10), ("5.10".to_owned(), Evidence::Read));
        assert_eq!(rules(5, 15), ("5.12".to_owned(), Evidence::Read));
        assert_eq!(rules(6, 6), ("6.12".to_owned(), Evidence::Read));
        assert_eq!(rules(6, 15), ("6.14".to_owned(), Evidence::Read));
        assert_eq!(rules(6, 17), ("6.18".to_owned(), Evidence::Read));
        assert_eq!(rules(6, 13), ("6.12".to_owned(), Evidence::Read));
        assert_eq!(rules(8, 0), ("7.2".to_owned(), Evidence::Assumed));
    }

    #[test]
    fn a_release_is_read_up_to_the_minor_number() {
        assert_eq!(Kernel::from_release("6.1.0-32-cloud-amd64"), Some(Kernel::new(6, 1)));
        assert_eq!(Kernel::from_release("6.18-rc3"), Some(Kernel::new(6, 18)));
        assert_eq!(Kernel::from_release("six"), None);
    }
}
