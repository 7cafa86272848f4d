//! setresuid(2), setresgid(2) and setgroups(2), with what they do to the sets.

use crate::branch::{Branch, Faithful, Judge};
use crate::{
    Capability, CapabilitySet, Credentials, Environment, Errno, IdMap, Ids, Kernel, Securebits,
};

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

/// The kernel from which a call that changes nothing returns at once, and so leaves a filesystem
/// id that differs from the effective one ("kernel/sys.c: fix and improve control flow in
/// __sys_setres[ug]id()"); before, it was set to the effective one. It came with 6.3 and was taken
/// into stable series: 6.1.176 has it (measured).
const RETURNS_EARLY: Kernel = Kernel::new(6, 1);

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
    if !judge.decide(decisions.mapped, request.each().all(|id| map.maps(id))) {
        return Err(Errno::EINVAL);
    }
    let no_op = kernel >= RETURNS_EARLY && request.is_no_op(ids);
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
    let mut new = Credentials { uid, ..old.clone() };
    let fixup = !old.securebits.contains(Securebits::NO_SETUID_FIXUP);
    if judge.decide(Branch::UidFixup, fixup) {
        follow_ids(&mut new, old, judge);
    }
    Ok(new)
}

/// Makes the sets follow a change of the user ids (`cap_emulate_setxuid`); capabilities(7), "Effect
/// of user ID changes on capabilities".
fn follow_ids(new: &mut Credentials, old: &Credentials, judge: &mut impl Judge) {
    if judge.decide(Branch::UidLeavesRoot, old.uid.has(0) && !new.uid.has(0)) {
        let keep = old.securebits.contains(Securebits::KEEP_CAPS);
        if !judge.decide(Branch::UidKeepsCapabilities, keep) {
            new.permitted = CapabilitySet::EMPTY;
            new.effective = CapabilitySet::EMPTY;
        }
        new.ambient = CapabilitySet::EMPTY;
    }
    let (was_root, is_root) = (old.uid.effective == 0, new.uid.effective == 0);
    if judge.decide(Branch::UidEffectiveLeavesRoot, was_root && !is_root) {
        new.effective = CapabilitySet::EMPTY;
    }
    if judge.decide(Branch::UidEffectiveBecomesRoot, !was_root && is_root) {
        new.effective = new.permitted;
    }
}

/// The capabilities that pass checks on files (`CAP_FS_SET`): they follow the filesystem id.
const FILE_CAPABILITIES: CapabilitySet = CapabilitySet::EMPTY
    .with(Capability::CHOWN)
    .with(Capability::DAC_OVERRIDE)
    .with(Capability::DAC_READ_SEARCH)
    .with(Capability::FOWNER)
    .with(Capability::FSETID)
    .with(Capability::LINUX_IMMUTABLE)
    .with(Capability::MKNOD)
    .with(Capability::MAC_OVERRIDE);

/// setfsuid(2): changes the filesystem user id. It reports no error: an id that may not be taken
/// changes nothing (`__sys_setfsuid`).
pub fn setfsuid(old: &Credentials, id: u32, environment: &Environment) -> Credentials {
    setfsuid_judged(old, id, environment, &mut Faithful)
}

/// [`setfsuid`], each of its decisions put to `judge`.
pub fn setfsuid_judged(
    old: &Credentials,
    id: u32,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Credentials {
    let mut new = old.clone();
    if !judge.decide(Branch::FilesystemUidMapped, environment.uids.maps(id)) {
        return new;
    }
    let own = old.uid.has(id) || old.uid.filesystem == id;
    let setuid = old.effective.contains(Capability::SETUID);
    if !judge.decide(Branch::FilesystemUidIsOwn, own)
        && !judge.decide(Branch::FilesystemUidHasSetuid, setuid)
    {
        return new;
    }
    new.uid.filesystem = id;
    let fixup = !old.securebits.contains(Securebits::NO_SETUID_FIXUP);
    if judge.decide(Branch::FilesystemUidFixup, fixup) {
        let (was_root, is_root) = (old.uid.filesystem == 0, id == 0);
        if judge.decide(Branch::FilesystemUidLeavesRoot, was_root && !is_root) {
            new.effective = new.effective - FILE_CAPABILITIES;
        }
        if judge.decide(Branch::FilesystemUidBecomesRoot, !was_root && is_root) {
            new.effective = new.effective | (new.permitted & FILE_CAPABILITIES);
        }
    }
    new
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

/// setgroups(2): replaces the supplementary groups; the kernel keeps them sorted.
///
/// # Errors
/// `EPERM` without CAP_SETGID, or where the user namespace denies it (`may_setgroups`); `EINVAL`
/// for a group that the user namespace does not map.
pub fn setgroups(
    old: &Credentials,
    groups: &[u32],
    environment: &Environment,
) -> Result<Credentials, Errno> {
    setgroups_judged(old, groups, environment, &mut Faithful)
}

/// [`setgroups`], each of its decisions put to `judge`.
///
/// # Errors
/// As [`setgroups`].
pub fn setgroups_judged(
    old: &Credentials,
    groups: &[u32],
    environment: &Environment,
    judge: &mut impl Judge,
) -> Result<Credentials, Errno> {
    let allowed = old.effective.contains(Capability::SETGID) && environment.setgroups_allowed;
    if !judge.decide(Branch::GroupsAllowed, allowed) {
        return Err(Errno::EPERM);
    }
    let mapped = groups.iter().all(|group| environment.gids.maps(*group));
    if !judge.decide(Branch::GroupsMapped, mapped) {
        return Err(Errno::EINVAL);
    }
    let mut groups = groups.to_vec();
    groups.sort_unstable();
    Ok(Credentials { groups, ..old.clone() })
}
