//! A thread's credentials: what the kernel keeps in `struct cred`, as far as privilege goes.

use crate::{CapabilitySet, Environment, Securebits};

/// The four ids of one kind (user or group): in the numbers of the thread's own user namespace, or of
/// one around it (see [`IdMap`](crate::IdMap)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ids {
    /// The real id.
    pub real: u32,
    /// The effective id.
    pub effective: u32,
    /// The saved set-id.
    pub saved: u32,
    /// The id for file access; follows the effective one.
    pub filesystem: u32,
}

impl Ids {
    /// All four the same.
    pub const fn all(id: u32) -> Self {
        Self { real: id, effective: id, saved: id, filesystem: id }
    }

    /// Each of them made into another.
    #[must_use]
    pub fn map(self, of: impl Fn(u32) -> u32) -> Self {
        Self {
            real: of(self.real),
            effective: of(self.effective),
            saved: of(self.saved),
            filesystem: of(self.filesystem),
        }
    }

    /// Whether the real, effective or saved id is `id`.
    pub const fn has(self, id: u32) -> bool {
        self.real == id || self.effective == id || self.saved == id
    }
}

/// The credentials of one thread; credentials(7), capabilities(7).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Credentials {
    /// User ids.
    pub uid: Ids,
    /// Group ids.
    pub gid: Ids,
    /// Supplementary groups, sorted.
    pub groups: Vec<u32>,
    /// What the kernel's checks ask.
    pub effective: CapabilitySet,
    /// The most that effective may be.
    pub permitted: CapabilitySet,
    /// What passes through execve of a file whose inheritable set has it.
    pub inheritable: CapabilitySet,
    /// The most that execve may add from a file, or for root.
    pub bounding: CapabilitySet,
    /// What passes through execve of an ordinary file.
    pub ambient: CapabilitySet,
    /// The securebits flags.
    pub securebits: Securebits,
    /// Whether execve can grant nothing; `PR_SET_NO_NEW_PRIVS`.
    pub no_new_privs: bool,
}

impl Credentials {
    /// A thread of user and group `id` that holds nothing, with this bounding set.
    pub fn unprivileged(id: u32, bounding: CapabilitySet) -> Self {
        Self {
            uid: Ids::all(id),
            gid: Ids::all(id),
            groups: Vec::new(),
            effective: CapabilitySet::EMPTY,
            permitted: CapabilitySet::EMPTY,
            inheritable: CapabilitySet::EMPTY,
            bounding,
            ambient: CapabilitySet::EMPTY,
            securebits: Securebits::EMPTY,
            no_new_privs: false,
        }
    }

    /// Whether `gid` is the filesystem group or a supplementary one (`in_group_p`).
    pub fn in_group(&self, gid: u32) -> bool {
        self.gid.filesystem == gid || self.groups.contains(&gid)
    }

    /// As the thread itself sees them in its user namespace, where an id without a number shows as
    /// [`OVERFLOW_ID`](crate::OVERFLOW_ID).
    #[must_use]
    pub fn shown_in(&self, environment: &Environment) -> Self {
        let user = |id| environment.uids.shown_or_overflow(id);
        let group = |id| environment.gids.shown_or_overflow(id);
        let mut groups: Vec<u32> = self.groups.iter().map(|id| group(*id)).collect();
        groups.sort_unstable();
        Self { uid: self.uid.map(user), gid: self.gid.map(group), groups, ..self.clone() }
    }
}
