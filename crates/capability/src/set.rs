//! A set of capabilities: the kernel's `kernel_cap_t`.

use crate::{Capability, CapabilityTextError, parse_capabilities};
use std::fmt;
use std::ops::{BitAnd, BitOr, Not, Sub};
use std::str::FromStr;

/// A set of capabilities, one bit each; bits beyond the table are carried.
///
/// Shown as a comma list in the order of the numbers, or `none`:
///
/// ```
/// use dropcap_capability::{Capability, CapabilitySet};
/// let set = CapabilitySet::from(Capability::KILL) | CapabilitySet::from(Capability::CHOWN);
/// assert_eq!(set.to_string(), "CAP_CHOWN,CAP_KILL");
/// assert_eq!(CapabilitySet::EMPTY.to_string(), "none");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct CapabilitySet(u64);

impl CapabilitySet {
    /// No capability.
    pub const EMPTY: Self = Self(0);
    /// Every capability of the table.
    pub const KNOWN: Self = Self((1 << Capability::KNOWN.len()) - 1);

    /// The set with these bits; bit *n* is the capability with number *n*, as in `/proc/PID/status`.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Its bits, as in `/proc/PID/status`.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether it holds nothing.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many it holds.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether `capability` is in it.
    pub const fn contains(self, capability: Capability) -> bool {
        self.0 & (1 << capability.number()) != 0
    }

    /// Whether everything in it is in `other` too (`cap_issubset`).
    pub const fn is_subset(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// It with `capability`.
    #[must_use]
    pub const fn with(self, capability: Capability) -> Self {
        Self(self.0 | (1 << capability.number()))
    }

    /// It without `capability`.
    #[must_use]
    pub const fn without(self, capability: Capability) -> Self {
        Self(self.0 & !(1 << capability.number()))
    }

    /// Its members in the order of their numbers.
    pub fn iter(self) -> impl DoubleEndedIterator<Item = Capability> {
        (0..Capability::MAX_BITS)
            .filter_map(Capability::from_number)
            .filter(move |capability| self.contains(*capability))
    }
}

impl From<Capability> for CapabilitySet {
    fn from(capability: Capability) -> Self {
        Self::EMPTY.with(capability)
    }
}

impl FromIterator<Capability> for CapabilitySet {
    fn from_iter<I: IntoIterator<Item = Capability>>(members: I) -> Self {
        members.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl FromStr for CapabilitySet {
    type Err = CapabilityTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_capabilities(text)
    }
}

impl BitAnd for CapabilitySet {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for CapabilitySet {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl Sub for CapabilitySet {
    type Output = Self;
    /// The members of `self` that are not in `other`.
    fn sub(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl Not for CapabilitySet {
    type Output = Self;
    fn not(self) -> Self {
        Self(!self.0)
    }
}

impl fmt::Display for CapabilitySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.pad("none");
        }
        let names: Vec<String> = self.iter().map(|capability| capability.to_string()).collect();
        f.pad(&names.join(","))
    }
}

impl fmt::Debug for CapabilitySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
