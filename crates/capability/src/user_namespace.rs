//! `unshare(CLONE_NEWUSER)`; user_namespaces(7).

use crate::branch::{Branch, Faithful, Judge};
use crate::{CapabilitySet, Credentials, Environment, Errno, Ids, Securebits};

/// The id that stands for every unmapped one (`/proc/sys/kernel/overflowuid`).
const OVERFLOW_ID: u32 = 65534;

/// The credentials in a new user namespace, before its maps are written: every capability over the
/// new namespace, and no id (`create_user_ns`, `set_cred_user_ns`).
///
/// Whether a namespace can be made at all (limits, seccomp, chroot) is
/// [`nested`](crate::nested)'s question.
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
    let mapped =
        environment.uids.maps(old.uid.effective) && environment.gids.maps(old.gid.effective);
    if !judge.decide(Branch::NamespaceOwnerMapped, mapped) {
        return Err(Errno::EPERM);
    }
    let full = environment.capabilities;
    Ok(Credentials {
        uid: Ids::all(OVERFLOW_ID),
        gid: Ids::all(OVERFLOW_ID),
        groups: vec![OVERFLOW_ID; old.groups.len()],
        effective: full,
        permitted: full,
        inheritable: CapabilitySet::EMPTY,
        bounding: full,
        ambient: CapabilitySet::EMPTY,
        securebits: Securebits::EMPTY,
        no_new_privs: old.no_new_privs,
    })
}
