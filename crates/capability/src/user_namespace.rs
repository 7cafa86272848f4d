//! Making and entering a user namespace: unshare(2) and setns(2); user_namespaces(7).
//!
//! Who comes into a namespace holds everything over it and nothing outside. The ids stay what they
//! are to the namespace of reference ([`IdMap`](crate::IdMap)); what they are called inside is
//! [`Credentials::shown_in`]'s question.

use crate::branch::{Branch, Faithful, Judge};
use crate::capable::{Standing, capable_judged};
use crate::{Capability, CapabilitySet, Credentials, Environment, Errno, Securebits};

/// The credentials in a new user namespace ([`Environment::nested`]): `unshare(CLONE_NEWUSER)`
/// (`create_user_ns`). Directories that were shared with another process are so no longer.
///
/// Whether a namespace can be made at all (limits, seccomp, chroot) is
/// [`nested`](crate::nested())'s question.
///
/// # Errors
/// `EPERM` where the effective user or group id has no meaning in the namespace that is left.
pub fn unshare_user_namespace(
    old: &Credentials,
    environment: &Environment,
) -> Result<Credentials, Errno> {
    unshare_user_namespace_judged(old, environment, &mut Faithful)
}

/// [`unshare_user_namespace`], its decision put to `judge`.
///
/// # Errors
/// As [`unshare_user_namespace`].
pub fn unshare_user_namespace_judged(
    old: &Credentials,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Result<Credentials, Errno> {
    let mapped = environment.uids.has(old.uid.effective) && environment.gids.has(old.gid.effective);
    if !judge.decide(Branch::NamespaceOwnerMapped, mapped) {
        return Err(Errno::EPERM);
    }
    Ok(inside(old, environment))
}

/// A user namespace that a thread would enter, seen from the thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Whether it is the one that the thread is in.
    pub same: bool,
    /// Where the thread stands to it.
    pub standing: Standing,
    /// Whether another process shares the thread's directories (`CLONE_FS`).
    pub shares_directories: bool,
}

/// The credentials after `setns(fd, CLONE_NEWUSER)` by a process of one thread (`userns_install`).
///
/// # Errors
/// `EINVAL` for the namespace that the thread is in, which would give it everything back, and for
/// shared directories; `EPERM` without CAP_SYS_ADMIN over the namespace.
pub fn enter_user_namespace(
    old: &Credentials,
    entry: Entry,
    environment: &Environment,
) -> Result<Credentials, Errno> {
    enter_user_namespace_judged(old, entry, environment, &mut Faithful)
}

/// [`enter_user_namespace`], each of its decisions put to `judge`.
///
/// # Errors
/// As [`enter_user_namespace`].
pub fn enter_user_namespace_judged(
    old: &Credentials,
    entry: Entry,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Result<Credentials, Errno> {
    if judge.decide(Branch::EnterSame, entry.same)
        || judge.decide(Branch::EnterShared, entry.shares_directories)
    {
        return Err(Errno::EINVAL);
    }
    let allowed = capable_judged(old.effective, entry.standing, Capability::SYS_ADMIN, judge);
    if !judge.decide(Branch::EnterHasSysAdmin, allowed) {
        return Err(Errno::EPERM);
    }
    Ok(inside(old, environment))
}

/// What a thread is in a namespace that it comes into (`set_cred_user_ns`).
fn inside(old: &Credentials, environment: &Environment) -> Credentials {
    let full = environment.capabilities;
    Credentials {
        effective: full,
        permitted: full,
        inheritable: CapabilitySet::EMPTY,
        bounding: full,
        ambient: CapabilitySet::EMPTY,
        securebits: Securebits::EMPTY,
        ..old.clone()
    }
}
