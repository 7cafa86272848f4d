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
