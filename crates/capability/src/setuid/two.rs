//! setreuid(2) and setregid(2).

use super::fixup;
use crate::branch::{Branch, Faithful, Judge};
use crate::{Capability, Credentials, Environment, Errno, IdMap, Ids};

/// The ids that setreuid(2) and setregid(2) take; `None` is −1: leave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PairRequest {
    /// The real id that is asked for.
    pub real: Option<u32>,
    /// The effective id that is asked for.
    pub effective: Option<u32>,
}

impl PairRequest {
    fn resolve(self, map: &IdMap) -> Option<Self> {
        let resolve = |id: Option<u32>| id.map_or(Some(None), |id| map.resolve(id).map(Some));
        Some(Self { real: resolve(self.real)?, effective: resolve(self.effective)? })
    }
}

/// What the rules of users and of groups share: which decision is which.
struct Decisions {
    mapped: Branch,
    real_is_own: Branch,
    effective_is_own: Branch,
    has_capability: Branch,
    saved_follows: Branch,
}

/// The ids after a request (`__sys_setreuid`, `__sys_setregid`).
fn set_ids(
    ids: Ids,
    request: PairRequest,
    map: &IdMap,
    has_capability: bool,
    decisions: &Decisions,
    judge: &mut impl Judge,
) -> Result<Ids, Errno> {
    let resolved = request.resolve(map);
    let mapped = judge.decide(decisions.mapped, resolved.is_some());
    let Some(request) = resolved.filter(|_| mapped) else { return Err(Errno::EINVAL) };
    // The saved one may become the effective one, not the real one.
    let real_is_own = request.real.is_none_or(|id| id == ids.real || id == ids.effective);
    let effective_is_own = request.effective.is_none_or(|id| ids.has(id));
    let own = judge.decide(decisions.real_is_own, real_is_own)
        && judge.decide(decisions.effective_is_own, effective_is_own);
    if !own && !judge.decide(decisions.has_capability, has_capability) {
        return Err(Errno::EPERM);
    }
    let real = request.real.unwrap_or(ids.real);
    let effective = request.effective.unwrap_or(ids.effective);
    let follows =
        request.real.is_some() || request.effective.is_some_and(|effective| effective != ids.real);
    let saved = if judge.decide(decisions.saved_follows, follows) { effective } else { ids.saved };
    Ok(Ids { real, effective, saved, filesystem: effective })
}

/// setreuid(2): changes the real and the effective user id. The saved one follows the effective one
/// where a real id is named, or an effective one that is not the old real one.
///
/// # Errors
/// `EINVAL` for an id that the user namespace does not map; `EPERM` without CAP_SETUID for a real id
/// that is neither the real nor the effective one, or an effective id that is none of the thread's
/// three.
pub fn setreuid(
    old: &Credentials,
    request: PairRequest,
    environment: &Environment,
) -> Result<Credentials, Errno> {
    setreuid_judged(old, request, environment, &mut Faithful)
}

/// [`setreuid`], each of its decisions put to `judge`.
///
/// # Errors
/// As [`setreuid`].
pub fn setreuid_judged(
    old: &Credentials,
    request: PairRequest,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Result<Credentials, Errno> {
    let decisions = Decisions {
        mapped: Branch::ReuidMapped,
        real_is_own: Branch::ReuidRealIsOwn,
        effective_is_own: Branch::ReuidEffectiveIsOwn,
        has_capability: Branch::ReuidHasSetuid,
        saved_follows: Branch::ReuidSavedFollows,
    };
    let holds = old.effective.contains(Capability::SETUID);
    let uid = set_ids(old.uid, request, &environment.uids, holds, &decisions, judge)?;
    Ok(fixup::with_user_ids(old, uid, environment, judge))
}

/// setregid(2): as [`setreuid`] for groups; no set follows.
///
/// # Errors
/// As [`setreuid`], with CAP_SETGID.
pub fn setregid(
    old: &Credentials,
    request: PairRequest,
    environment: &Environment,
) -> Result<Credentials, Errno> {
    setregid_judged(old, request, environment, &mut Faithful)
}

/// [`setregid`], each of its decisions put to `judge`.
///
/// # Errors
/// As [`setregid`].
pub fn setregid_judged(
    old: &Credentials,
    request: PairRequest,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Result<Credentials, Errno> {
    let decisions = Decisions {
        mapped: Branch::RegidMapped,
        real_is_own: Branch::RegidRealIsOwn,
        effective_is_own: Branch::RegidEffectiveIsOwn,
        has_capability: Branch::RegidHasSetgid,
        saved_follows: Branch::RegidSavedFollows,
    };
    let holds = old.effective.contains(Capability::SETGID);
    let gid = set_ids(old.gid, request, &environment.gids, holds, &decisions, judge)?;
    Ok(Credentials { gid, ..old.clone() })
}
