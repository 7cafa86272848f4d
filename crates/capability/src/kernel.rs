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
    pub const NEWEST: Self = Self::new(6, 18);

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
    fn a_release_is_read_up_to_the_minor_number() {
        assert_eq!(Kernel::from_release("6.1.0-32-cloud-amd64"), Some(Kernel::new(6, 1)));
        assert_eq!(Kernel::from_release("6.18-rc3"), Some(Kernel::new(6, 18)));
        assert_eq!(Kernel::from_release("six"), None);
    }
}
