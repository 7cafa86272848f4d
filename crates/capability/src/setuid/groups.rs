//! setgroups(2).

use crate::branch::{Branch, Faithful, Judge};
use crate::{Capability, Credentials, Environment, Errno};

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
    let setgid = old.effective.contains(Capability::SETGID);
    if !judge.decide(Branch::GroupsHasSetgid, setgid)
        || !judge.decide(Branch::GroupsAllowed, environment.setgroups_allowed)
    {
        return Err(Errno::EPERM);
    }
    let resolved: Option<Vec<u32>> =
        groups.iter().map(|group| environment.gids.resolve(*group)).collect();
    let mapped = judge.decide(Branch::GroupsMapped, resolved.is_some());
    let Some(mut groups) = resolved.filter(|_| mapped) else { return Err(Errno::EINVAL) };
    groups.sort_unstable();
    Ok(Credentials { groups, ..old.clone() })
}
