//! What the rules ask about beside the thread's credentials.

use crate::{CapabilitySet, IdMap, Kernel};

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
    /// Whether setgroups(2) is allowed at all: `/proc/PID/setgroups` says so and the group map is
    /// written (`userns_may_setgroups`); user_namespaces(7).
    pub setgroups_allowed: bool,
    /// Who is root in the namespaces that this one lies in, as ids of the reference: file
    /// capabilities that such a root wrote count here too (`rootid_owns_currentns`). None of them
    /// where ids are in the namespace's own numbers, since getxattr(2) shows such capabilities
    /// without their root.
    pub outer_roots: Vec<u32>,
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
            outer_roots: Vec::new(),
        }
    }

    /// A user namespace made in this one, before its maps are written: nobody has a number there, and
    /// setgroups(2) waits for the group map.
    #[must_use]
    pub fn nested(&self) -> Self {
        Self {
            uids: IdMap::nothing(),
            gids: IdMap::nothing(),
            setgroups_allowed: false,
            outer_roots: self.roots().collect(),
            ..self.clone()
        }
    }

    /// Whether `uid` is root in the namespace.
    pub(crate) fn is_root(&self, uid: u32) -> bool {
        self.uids.root() == Some(uid)
    }

    /// Who is root in it and in those around it.
    pub(crate) fn roots(&self) -> impl Iterator<Item = u32> {
        self.outer_roots.iter().copied().chain(self.uids.root())
    }
}

impl Default for Environment {
    /// The newest known kernel and the initial user namespace.
    fn default() -> Self {
        Self::of_kernel(Kernel::NEWEST)
    }
}
