//! The kernel's version, where a rule depends on it.

use crate::{Capability, CapabilitySet};
use std::fmt;

/// A kernel's version, `major.minor`, with all its stable updates.
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

/// A rule that is another one from some version on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    since: Kernel,
    /// Older series that took it in a stable update.
    updated: &'static [Kernel],
}

impl Change {
    /// setresuid(2) and setresgid(2) that change nothing return at once, and so leave a filesystem id
    /// that differs from the effective one; before, it was set to the effective one ("kernel/sys.c: fix
    /// and improve control flow in __sys_setres[ug]id()"). 6.3, and by stable updates 6.2, 6.1.26,
    /// 5.15.110 and 5.10.180.
    pub const SETRES_RETURNS_EARLY: Self =
        Self { since: Kernel::new(6, 1), updated: &[Kernel::new(5, 10), Kernel::new(5, 15)] };
    /// There are securebits which need no privilege (`SECURE_ALL_UNPRIVILEGED`).
    pub const UNPRIVILEGED_SECUREBITS: Self = Self { since: Kernel::new(6, 14), updated: &[] };
    /// execve compares the new effective ids with the old effective ones; before, with the old real
    /// ones ("exec: Correct the permission check for unsafe exec").
    pub const EXEC_COMPARES_EFFECTIVE_IDS: Self = Self { since: Kernel::new(6, 17), updated: &[] };

    const ALL: [Self; 3] = [
        Self::SETRES_RETURNS_EARLY,
        Self::UNPRIVILEGED_SECUREBITS,
        Self::EXEC_COMPARES_EFFECTIVE_IDS,
    ];
}

/// Where the rules change.
impl Kernel {
    /// The oldest one whose rules are known; what is older takes them.
    pub const OLDEST: Self = Self::new(5, 10);

    /// The versions that the differential test was run on, the oldest first.
    pub const COMPARED: [Self; 4] =
        [Self::new(6, 1), Self::new(6, 12), Self::new(6, 18), Self::NEWEST];

    /// Whether it has the newer rule. A version is taken with its stable updates.
    pub fn has(self, change: Change) -> bool {
        let version = self.max(Self::OLDEST);
        version >= change.since || change.updated.contains(&version)
    }

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
        let (like, evidence) = if Self::COMPARED.contains(&self) {
            (self, Evidence::Compared)
        } else if self < Self::OLDEST {
            (Self::OLDEST, Evidence::Assumed)
        } else if self > Self::NEWEST {
            (Self::NEWEST, Evidence::Assumed)
        } else {
            let same = |other: &Self| Change::ALL.iter().all(|it| self.has(*it) == other.has(*it));
            let later = Self::COMPARED.into_iter().find(|it| *it > self && same(it));
            let earlier = || Self::COMPARED.into_iter().rev().find(same);
            (later.or_else(earlier).unwrap_or(self), Evidence::Read)
        };
        Rules { kernel: self, like, evidence }
    }
}

/// How it is known that the rules are those of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// The version lies outside of those whose sources were read.
    Assumed,
    /// It lies between versions that were compared or read, and no rule is known to differ from those of
    /// the one that it is taken to be like.
    Read,
    /// The differential test was run on it.
    Compared,
}

/// Whose rules the model uses for a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rules {
    /// The version that was asked about.
    pub kernel: Kernel,
    /// The nearest version that is known and has the same rules: itself, where no other has.
    pub like: Kernel,
    /// How well that is founded.
    pub evidence: Evidence,
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kernel, like, evidence } = self;
        match evidence {
            Evidence::Compared => write!(f, "the rules were compared with Linux {kernel}"),
            Evidence::Read if kernel == like => write!(
                f,
                "the rules were compared with no kernel that has those of Linux {kernel}; they were read in its source"
            ),
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
        assert_eq!(rules(5, 10), ("6.1".to_owned(), Evidence::Read));
        assert_eq!(rules(5, 13), ("5.13".to_owned(), Evidence::Read));
        assert_eq!(rules(6, 6), ("6.12".to_owned(), Evidence::Read));
        assert_eq!(rules(6, 13), ("6.12".to_owned(), Evidence::Read));
        assert_eq!(rules(6, 15), ("6.15".to_owned(), Evidence::Read));
        assert_eq!(rules(6, 17), ("6.18".to_owned(), Evidence::Read));
        assert_eq!(rules(8, 0), ("7.2".to_owned(), Evidence::Assumed));
    }

    #[test]
    fn a_version_is_taken_with_its_stable_updates() {
        let early = |major, minor| Kernel::new(major, minor).has(Change::SETRES_RETURNS_EARLY);
        assert!(early(5, 10) && early(5, 15) && early(6, 1) && early(6, 18));
        assert!(!early(5, 13) && !early(6, 0));
        assert!(early(4, 19), "what is older takes the rules of 5.10");
    }

    #[test]
    fn a_release_is_read_up_to_the_minor_number() {
        assert_eq!(Kernel::from_release("6.1.0-32-cloud-amd64"), Some(Kernel::new(6, 1)));
        assert_eq!(Kernel::from_release("6.18-rc3"), Some(Kernel::new(6, 18)));
        assert_eq!(Kernel::from_release("six"), None);
    }
}
