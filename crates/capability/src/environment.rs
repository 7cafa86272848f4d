//! What the rules ask about beside the thread's credentials.

use crate::{CapabilitySet, Kernel};

/// The ids that a user namespace maps, as ranges in the namespace's own numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdMap(Vec<(u32, u32)>);

impl IdMap {
    /// Every valid id: the initial user namespace. 2³²−1 is no id (`INVALID_UID`).
    pub fn everything() -> Self {
        Self(vec![(0, u32::MAX)])
    }

    /// From `(first id inside, count)` pairs: columns 1 and 3 of `/proc/PID/uid_map`.
    pub fn from_ranges(ranges: impl IntoIterator<Item = (u32, u32)>) -> Self {
        Self(ranges.into_iter().collect())
    }

    /// Whether `id` means somebody here; setresuid(2) answers EINVAL to one that does not.
    pub fn maps(&self, id: u32) -> bool {
        self.0.iter().any(|(first, count)| id >= *first && id - first < *count)
    }
}

/// The kernel, and the user namespace that the thread lives in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Whose rules count.
    pub kernel: Kernel,
    /// The capabilities that it has (`CAP_VALID_MASK`), up to `/proc/sys/kernel/cap_last_cap`.
    pub capabilities: CapabilitySet,
    /// The user ids that exist in the namespace.
    pub uids: IdMap,
    /// The group ids that exist in the namespace.
    pub gids: IdMap,
    /// Whether setgroups(2) is allowed at all: `/proc/PID/setgroups`, user_namespaces(7).
    pub setgroups_allowed: bool,
}

impl Environment {
    /// The initial user namespace of a kernel, with the capabilities that this kernel brought.
    pub fn of_kernel(kernel: Kernel) -> Self {
        Self {
            kernel,
            capabilities: kernel.capabilities(),
            uids: IdMap::everything(),
            gids: IdMap::everything(),
            setgroups_allowed: true,
        }
    }
}

impl Default for Environment {
    /// The newest known kernel and the initial user namespace.
    fn default() -> Self {
        Self::of_kernel(Kernel::NEWEST)
    }
}
