//! Whether a process can make a user namespace of its own.

use std::fmt;

/// What stands between a process and `unshare(CLONE_NEWUSER)`, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NamespaceGate {
    /// Whether seccomp lets `clone`, `clone3`, `unshare` through with `CLONE_NEWUSER`.
    pub seccomp_allows: bool,
    /// `/proc/sys/user/max_user_namespaces` is 0, here or in an ancestor.
    pub limit_is_zero: bool,
    /// Debian's and Ubuntu's older kernels: `kernel.unprivileged_userns_clone` is 0, which asks for
    /// CAP_SYS_ADMIN.
    pub needs_sys_admin: bool,
    /// The root directory is not the mount namespace's root: `create_user_ns` answers EPERM.
    pub chrooted: bool,
    /// An LSM lets it happen and denies the capabilities inside (Ubuntu's AppArmor restriction).
    pub lsm_denies_inside: bool,
}

/// Whether a user namespace of its own is open to a process; in it every capability is held, over
/// nothing outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Nested {
    /// It can make one.
    Open,
    /// It cannot.
    Closed,
}

impl fmt::Display for Nested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Open => "open",
            Self::Closed => "closed",
        })
    }
}

/// Whether a process behind `gate`, which can hold `reachable`, can make a user namespace
/// (`create_user_ns`).
pub fn nested(gate: NamespaceGate, reachable: crate::CapabilitySet) -> Nested {
    let sys_admin = reachable.contains(crate::Capability::SYS_ADMIN);
    let closed = !gate.seccomp_allows
        || gate.limit_is_zero
        || gate.chrooted
        || gate.lsm_denies_inside && !sys_admin
        || gate.needs_sys_admin && !sys_admin;
    if closed { Nested::Closed } else { Nested::Open }
}
