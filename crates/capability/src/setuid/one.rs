//! setuid(2) and setgid(2).

use super::fixup;
use crate::branch::{Branch, Faithful, Judge};
use crate::{Capability, Credentials, Environment, Errno, IdMap, Ids};

/// What the rules of users and of groups share: which decision is which.
struct Decisions {
    mapped: Branch,
    has_capability: Branch,
    is_own: Branch,
}

/// The ids after `id` was asked for (`__sys_setuid`, `__sys_setgid`). With the capability all four
/// change; without it the real and the saved one stay, and only these may be taken.
fn set_id(
    ids: Ids,
    id: u32,
    map: &IdMap,
    has_capability: bool,
    decisions: &Decisions,
    judge: &mut impl Judge,
) -> Result<Ids, Errno> {
    let resolved = map.resolve(id);
    let mapped = judge.decide(decisions.mapped, resolved.is_some());
    let Some(id) = resolved.filter(|_| mapped) else { return Err(Errno::EINVAL) };
    if judge.decide(decisions.has_capability, has_capability) {
        return Ok(Ids::all(id));
    }
    // The effective one itself is none of them.
    if !judge.decide(decisions.is_own, id == ids.real || id == ids.saved) {
        return Err(Errno::EPERM);
    }
    Ok(Ids { effective: id, filesystem: id, ..ids })
}

/// setuid(2).
///
/// # Errors
/// `EINVAL` for an id that the user namespace does not map; `EPERM` without CAP_SETUID for one that is
/// neither the real nor the saved user id.
pub fn setuid(old: &Credentials, id: u32, environment: &Environment) -> Result<Credentials, Errno> {
    setuid_judged(old, id, environment, &mut Faithful)
}

/// [`setuid`], each of its decisions put to `judge`.
///
/// # Errors
/// As [`setuid`].
pub fn setuid_judged(
    old: &Credentials,
    id: u32,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Result<Credentials, Errno> {
    let decisions = Decisions {
        mapped: Branch::SetuidMapped,
        has_capability: Branch::SetuidHasSetuid,
        is_own: Branch::SetuidIsOwn,
    };
    let holds = old.effective.contains(Capability::SETUID);
    let uid = set_id(old.uid, id, &environment.uids, holds, &decisions, judge)?;
    Ok(fixup::with_user_ids(old, uid, environment, judge))
}

/// setgid(2): no set follows.
///
/// # Errors
/// `EINVAL` for an id that the user namespace does not map; `EPERM` without CAP_SETGID for one that is
/// neither the real nor the saved group id.
pub fn setgid(old: &Credentials, id: u32, environment: &Environment) -> Result<Credentials, Errno> {
    setgid_judged(old, id, environment, &mut Faithful)
}

/// [`setgid`], each of its decisions put to `judge`.
///
/// # Errors
/// As [`setgid`].
pub fn setgid_judged(
    old: &Credentials,
    id: u32,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Result<Credentials, Errno> {
    let decisions = Decisions {
        mapped: Branch::SetgidMapped,
        has_capability: Branch::SetgidHasSetgid,
        is_own: Branch::SetgidIsOwn,
    };
    let holds = old.effective.contains(Capability::SETGID);
    let gid = set_id(old.gid, id, &environment.gids, holds, &decisions, judge)?;
    Ok(Credentials { gid, ..old.clone() })
}
