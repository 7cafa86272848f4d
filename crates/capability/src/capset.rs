//! capset(2).

use crate::branch::{Branch, Faithful, Judge};
use crate::{Capability, CapabilitySet, Credentials, Environment, Errno};

/// The three sets that capset(2) takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CapsetRequest {
    /// The effective set that is asked for.
    pub effective: CapabilitySet,
    /// The permitted set that is asked for.
    pub permitted: CapabilitySet,
    /// The inheritable set that is asked for.
    pub inheritable: CapabilitySet,
}

/// What capset(2) is told of the layout and of the thread (`struct __user_cap_header_struct`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CapsetHeader {
    /// `_LINUX_CAPABILITY_VERSION_1` to `3`.
    pub version: u32,
    /// Whether the pid is 0 or the thread's own.
    pub own: bool,
}

impl CapsetHeader {
    /// `_LINUX_CAPABILITY_VERSION_1`: one 32-bit word a set.
    pub const VERSION_1: u32 = 0x1998_0330;
    /// `_LINUX_CAPABILITY_VERSION_2`: two words.
    pub const VERSION_2: u32 = 0x2007_1026;
    /// `_LINUX_CAPABILITY_VERSION_3`: two words.
    pub const VERSION_3: u32 = 0x2008_0522;
    /// The layout of today, about the calling thread.
    pub const PLAIN: Self = Self { version: Self::VERSION_3, own: true };

    /// The capabilities that the layout has room for; `None` if there is no such version
    /// (`cap_validate_magic`).
    fn room(self) -> Option<CapabilitySet> {
        match self.version {
            Self::VERSION_1 => Some(CapabilitySet::from_bits(u32::MAX as u64)),
            Self::VERSION_2 | Self::VERSION_3 => Some(CapabilitySet::from_bits(u64::MAX)),
            _ => None,
        }
    }
}

/// [`capset`] with any header, each of its decisions put to `judge`. A set of the first version has no
/// capability from 32 on.
///
/// # Errors
/// `EINVAL` for a version that does not exist, `EPERM` for another thread, else as [`capset`].
pub fn capset_with_header_judged(
    old: &Credentials,
    header: CapsetHeader,
    request: CapsetRequest,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Result<Credentials, Errno> {
    let room = header.room();
    let known = judge.decide(Branch::CapsetVersion, room.is_some());
    let Some(room) = room.filter(|_| known) else { return Err(Errno::EINVAL) };
    if !judge.decide(Branch::CapsetSelf, header.own) {
        return Err(Errno::EPERM);
    }
    let request = CapsetRequest {
        effective: request.effective & room,
        permitted: request.permitted & room,
        inheritable: request.inheritable & room,
    };
    capset_judged(old, request, environment, judge)
}

/// [`capset`] with any header.
///
/// # Errors
/// `EINVAL` for a version that does not exist, `EPERM` for another thread, else as [`capset`].
pub fn capset_with_header(
    old: &Credentials,
    header: CapsetHeader,
    request: CapsetRequest,
    environment: &Environment,
) -> Result<Credentials, Errno> {
    capset_with_header_judged(old, header, request, environment, &mut Faithful)
}

/// Sets the three sets of the calling thread (`cap_capset`). Bits that the kernel does not have are
/// left out before anything is checked; ambient loses what is no longer both permitted and
/// inheritable.
///
/// # Errors
/// `EPERM` where inheritable takes in more than permitted (or, with CAP_SETPCAP, than bounding)
/// offers, permitted would grow, or effective is not inside permitted.
pub fn capset(
    old: &Credentials,
    request: CapsetRequest,
    environment: &Environment,
) -> Result<Credentials, Errno> {
    capset_judged(old, request, environment, &mut Faithful)
}

/// [`capset`], each of its decisions put to `judge`.
///
/// # Errors
/// As [`capset`].
pub fn capset_judged(
    old: &Credentials,
    request: CapsetRequest,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Result<Credentials, Errno> {
    let known = environment.capabilities;
    let effective = request.effective & known;
    let permitted = request.permitted & known;
    let inheritable = request.inheritable & known;

    let setpcap = old.effective.contains(Capability::SETPCAP);
    if !judge.decide(Branch::CapsetHasSetpcap, setpcap) {
        let capped = inheritable.is_subset(old.inheritable | old.permitted);
        if !judge.decide(Branch::CapsetInheritableCapped, capped) {
            return Err(Errno::EPERM);
        }
    }
    let bounded = inheritable.is_subset(old.inheritable | old.bounding);
    if !judge.decide(Branch::CapsetInheritableBounded, bounded)
        || !judge.decide(Branch::CapsetPermitted, permitted.is_subset(old.permitted))
        || !judge.decide(Branch::CapsetEffective, effective.is_subset(permitted))
    {
        return Err(Errno::EPERM);
    }
    let ambient = old.ambient & permitted & inheritable;
    Ok(Credentials { effective, permitted, inheritable, ambient, ..old.clone() })
}
