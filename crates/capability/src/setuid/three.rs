//! setresuid(2) and setresgid(2).

use super::fixup;
use crate::branch::{Branch, Faithful, Judge};
use crate::{Capability, Change, Credentials, Environment, Errno, IdMap, Ids, Kernel};

/// The ids that setresuid(2) and setresgid(2) take; `None` is −1: leave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct IdRequest {
    /// The real id that is asked for.
    pub real: Option<u32>,
    /// The effective id that is asked for.
    pub effective: Option<u32>,
    /// The saved id that is asked for.
    pub saved: Option<u32>,
}

impl IdRequest {
    /// All three the same.
    pub const fn all(id: u32) -> Self {
        Self { real: Some(id), effective: Some(id), saved: Some(id) }
    }

    fn each(self) -> impl Iterator<Item = u32> {
        [self.real, self.effective, self.saved].into_iter().flatten()
    }

    fn resolve(self, map: &IdMap) -> Option<Self> {
        let resolve = |id: Option<u32>| id.map_or(Some(None), |id| map.resolve(id).map(Some));
        Some(Self {
            real: resolve(self.real)?,
            effective: resolve(self.effective)?,
            saved: resolve(self.saved)?,
        })
    }

    /// Whether it leaves `ids` as they are. The filesystem id counts only where an effective id is
    /// named.
    fn is_no_op(self, ids: Ids) -> bool {
        self.real.is_none_or(|id| id == ids.real)
            && self.effective.is_none_or(|id| id == ids.effective && id == ids.filesystem)
            && self.saved.is_none_or(|id| id == ids.saved)
    }

    fn apply(self, ids: Ids) -> Ids {
        let effective = self.effective.unwrap_or(ids.effective);
        Ids {
            real: self.real.unwrap_or(ids.real),
            effective,
            saved: self.saved.unwrap_or(ids.saved),
            filesystem: effective,
        }
    }
}

/// What the rules of users and of groups share: which decision is which.
struct Decisions {
    mapped: Branch,
    unchanged: Branch,
    is_new: Branch,
    has_capability: Branch,
    capability: Capability,
}

/// The ids after a request, or `None` where the call returned early (`__sys_setresuid`,
/// `__sys_setresgid`).
fn set_ids(
    old: &Credentials,
    ids: Ids,
    request: IdRequest,
    (kernel, map): (Kernel, &IdMap),
    decisions: &Decisions,
    judge: &mut impl Judge,
) -> Result<Option<Ids>, Errno> {
    let resolved = request.resolve(map);
    let mapped = judge.decide(decisions.mapped, resolved.is_some());
    let Some(request) = resolved.filter(|_| mapped) else { return Err(Errno::EINVAL) };
    let no_op = kernel.has(Change::SETRES_RETURNS_EARLY) && request.is_no_op(ids);
    if judge.decide(decisions.unchanged, no_op) {
        return Ok(None);
    }
    if judge.decide(decisions.is_new, request.each().any(|id| !ids.has(id))) {
        let holds = old.effective.contains(decisions.capability);
        if !judge.decide(decisions.has_capability, holds) {
            return Err(Errno::EPERM);
        }
    }
    Ok(Some(request.apply(ids)))
}

/// setresuid(2): changes the real, effective and saved user id; the filesystem id follows the
/// effective one.
///
/// # Errors
/// `EINVAL` for an id that the user namespace does not map; `EPERM` for one that is none of the
/// thread's own without CAP_SETUID.
pub fn setresuid(
    old: &Credentials,
    request: IdRequest,
    environment: &Environment,
) -> Result<Credentials, Errno> {
    setresuid_judged(old, request, environment, &mut Faithful)
}

/// [`setresuid`], each of its decisions put to `judge`.
///
/// # Errors
/// As [`setresuid`].
pub fn setresuid_judged(
    old: &Credentials,
    request: IdRequest,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Result<Credentials, Errno> {
    let decisions = Decisions {
        mapped: Branch::UidMapped,
        unchanged: Branch::UidUnchanged,
        is_new: Branch::UidIsNew,
        has_capability: Branch::UidHasSetuid,
        capability: Capability::SETUID,
    };
    let surroundings = (environment.kernel, &environment.uids);
    let Some(uid) = set_ids(old, old.uid, request, surroundings, &decisions, judge)? else {
        return Ok(old.clone());
    };
    Ok(fixup::with_user_ids(old, uid, environment, judge))
}

/// setresgid(2): changes the real, effective and saved group id; the sets do not follow.
///
/// # Errors
/// `EINVAL` for an id that the user namespace does not map; `EPERM` for one that is none of the
/// thread's own without CAP_SETGID.
pub fn setresgid(
    old: &Credentials,
    request: IdRequest,
    environment: &Environment,
) -> Result<Credentials, Errno> {
    setresgid_judged(old, request, environment, &mut Faithful)
}

/// [`setresgid`], each of its decisions put to `judge`.
///
/// # Errors
/// As [`setresgid`].
pub fn setresgid_judged(
    old: &Credentials,
    request: IdRequest,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Result<Credentials, Errno> {
    let decisions = Decisions {
        mapped: Branch::GidMapped,
        unchanged: Branch::GidUnchanged,
        is_new: Branch::GidIsNew,
        has_capability: Branch::GidHasSetgid,
        capability: Capability::SETGID,
    };
    let surroundings = (environment.kernel, &environment.gids);
    let ids = set_ids(old, old.gid, request, surroundings, &decisions, judge)?;
    Ok(Credentials { gid: ids.unwrap_or(old.gid), ..old.clone() })
}
