//! prctl(2): the operations that bear on privilege (`cap_task_prctl`).

use crate::branch::{Branch, Faithful, Judge};
use crate::{Capability, CapabilitySet, Change, Credentials, Environment, Errno, Securebits};

/// The securebits which need no privilege: EXEC_RESTRICT_FILE and EXEC_DENY_INTERACTIVE
/// (`SECURE_ALL_UNPRIVILEGED`), and their locks: bits 8 to 11.
const UNPRIVILEGED: u32 = 0xf00;
/// Every flag that older kernels have, with its lock: bits 0 to 7.
const PRIVILEGED: u32 = 0x0ff;
/// The locks among all bits: each flag's lock is the bit above it.
const LOCKS: u32 = 0xaaa;

/// `PR_CAPBSET_DROP` (`cap_prctl_drop`): takes a capability out of the bounding set.
///
/// # Errors
/// `EPERM` without CAP_SETPCAP in the effective set, else `EINVAL` for a capability that the
/// kernel does not have.
pub fn capbset_drop(
    old: &Credentials,
    capability: Capability,
    environment: &Environment,
) -> Result<Credentials, Errno> {
    capbset_drop_judged(old, capability, environment, &mut Faithful)
}

/// [`capbset_drop`], each of its decisions put to `judge`.
///
/// # Errors
/// As [`capbset_drop`].
pub fn capbset_drop_judged(
    old: &Credentials,
    capability: Capability,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Result<Credentials, Errno> {
    if !judge.decide(Branch::DropHasSetpcap, old.effective.contains(Capability::SETPCAP)) {
        return Err(Errno::EPERM);
    }
    let valid = environment.capabilities.contains(capability);
    if !judge.decide(Branch::DropValid, valid) {
        return Err(Errno::EINVAL);
    }
    Ok(Credentials { bounding: old.bounding.without(capability), ..old.clone() })
}

/// `PR_CAP_AMBIENT_RAISE`: adds a capability to the ambient set.
///
/// # Errors
/// `EINVAL` for a capability that the kernel does not have; `EPERM` where it is not both permitted
/// and inheritable, or SECURE_NO_CAP_AMBIENT_RAISE is on.
pub fn ambient_raise(
    old: &Credentials,
    capability: Capability,
    environment: &Environment,
) -> Result<Credentials, Errno> {
    ambient_raise_judged(old, capability, environment, &mut Faithful)
}

/// [`ambient_raise`], each of its decisions put to `judge`.
///
/// # Errors
/// As [`ambient_raise`].
pub fn ambient_raise_judged(
    old: &Credentials,
    capability: Capability,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Result<Credentials, Errno> {
    may_raise_ambient(old, capability, environment, judge)?;
    Ok(Credentials { ambient: old.ambient.with(capability), ..old.clone() })
}

/// `PR_CAP_AMBIENT_RAISE` for each of `capabilities`; those that may not be raised stay out.
pub fn ambient_raise_each(
    old: &Credentials,
    capabilities: CapabilitySet,
    environment: &Environment,
) -> Credentials {
    let may = |capability: &Capability| {
        may_raise_ambient(old, *capability, environment, &mut Faithful).is_ok()
    };
    let raised: CapabilitySet = capabilities.iter().filter(may).collect();
    Credentials { ambient: old.ambient | raised, ..old.clone() }
}

fn may_raise_ambient(
    old: &Credentials,
    capability: Capability,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Result<(), Errno> {
    let valid = environment.capabilities.contains(capability);
    if !judge.decide(Branch::AmbientValid, valid) {
        return Err(Errno::EINVAL);
    }
    let forbidden = old.securebits.contains(Securebits::NO_CAP_AMBIENT_RAISE);
    if !judge.decide(Branch::AmbientPermitted, old.permitted.contains(capability))
        || !judge.decide(Branch::AmbientInheritable, old.inheritable.contains(capability))
        || judge.decide(Branch::AmbientForbidden, forbidden)
    {
        return Err(Errno::EPERM);
    }
    Ok(())
}

/// `PR_CAP_AMBIENT_LOWER`: takes a capability out of the ambient set.
///
/// # Errors
/// `EINVAL` for a capability that the kernel does not have.
pub fn ambient_lower(
    old: &Credentials,
    capability: Capability,
    environment: &Environment,
) -> Result<Credentials, Errno> {
    ambient_lower_judged(old, capability, environment, &mut Faithful)
}

/// [`ambient_lower`], its decision put to `judge`.
///
/// # Errors
/// As [`ambient_lower`].
pub fn ambient_lower_judged(
    old: &Credentials,
    capability: Capability,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Result<Credentials, Errno> {
    let valid = environment.capabilities.contains(capability);
    if !judge.decide(Branch::AmbientValid, valid) {
        return Err(Errno::EINVAL);
    }
    Ok(Credentials { ambient: old.ambient.without(capability), ..old.clone() })
}

/// `PR_CAP_AMBIENT_CLEAR_ALL`: cannot fail.
pub fn ambient_clear(old: &Credentials) -> Credentials {
    Credentials { ambient: CapabilitySet::EMPTY, ..old.clone() }
}

/// `PR_SET_SECUREBITS`.
///
/// # Errors
/// `EPERM` where a locked flag would change, a lock would open, a flag is unknown, or CAP_SETPCAP is
/// not effective and more changes than the flags that need no privilege. (Without CAP_SETPCAP a
/// call that changes nothing is refused too.)
pub fn set_securebits(
    old: &Credentials,
    securebits: Securebits,
    environment: &Environment,
) -> Result<Credentials, Errno> {
    set_securebits_judged(old, securebits, environment, &mut Faithful)
}

/// [`set_securebits`], each of its decisions put to `judge`.
///
/// # Errors
/// As [`set_securebits`].
pub fn set_securebits_judged(
    old: &Credentials,
    securebits: Securebits,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Result<Credentials, Errno> {
    let newer = environment.kernel.has(Change::UNPRIVILEGED_SECUREBITS);
    let known = if newer { PRIVILEGED | UNPRIVILEGED } else { PRIVILEGED };
    let (before, after) = (old.securebits.bits(), securebits.bits());
    let changed = before ^ after;
    let locked = (before & LOCKS & known) >> 1;
    if judge.decide(Branch::SecurebitsLocked, locked & changed != 0)
        || judge.decide(Branch::SecurebitsUnlock, before & LOCKS & known & !after != 0)
        || judge.decide(Branch::SecurebitsUnknown, after & !known != 0)
    {
        return Err(Errno::EPERM);
    }
    let setpcap = old.effective.contains(Capability::SETPCAP);
    if !judge.decide(Branch::SecurebitsHasSetpcap, setpcap) {
        let unprivileged = newer && changed != 0 && changed & !UNPRIVILEGED == 0;
        if !judge.decide(Branch::SecurebitsUnprivileged, unprivileged) {
            return Err(Errno::EPERM);
        }
    }
    Ok(Credentials { securebits, ..old.clone() })
}

/// `PR_SET_KEEPCAPS`: SECURE_KEEP_CAPS, without need of CAP_SETPCAP.
///
/// # Errors
/// `EPERM` where the flag is locked, even if it would not change.
pub fn set_keep_caps(old: &Credentials, keep: bool) -> Result<Credentials, Errno> {
    set_keep_caps_judged(old, keep, &mut Faithful)
}

/// [`set_keep_caps`], its decision put to `judge`.
///
/// # Errors
/// As [`set_keep_caps`].
pub fn set_keep_caps_judged(
    old: &Credentials,
    keep: bool,
    judge: &mut impl Judge,
) -> Result<Credentials, Errno> {
    let locked = old.securebits.contains(Securebits::KEEP_CAPS.locks());
    if judge.decide(Branch::KeepCapsLocked, locked) {
        return Err(Errno::EPERM);
    }
    let securebits = if keep {
        old.securebits.union(Securebits::KEEP_CAPS)
    } else {
        old.securebits.difference(Securebits::KEEP_CAPS)
    };
    Ok(Credentials { securebits, ..old.clone() })
}

/// `PR_SET_NO_NEW_PRIVS`: cannot fail, cannot be undone.
pub fn set_no_new_privs(old: &Credentials) -> Credentials {
    Credentials { no_new_privs: true, ..old.clone() }
}
