//! setfsuid(2) and setfsgid(2).

use super::fixup;
use crate::branch::{Branch, Faithful, Judge};
use crate::{Capability, Credentials, Environment, Ids};

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
    let resolved = environment.uids.resolve(id);
    let mapped = judge.decide(Branch::FilesystemUidMapped, resolved.is_some());
    let Some(id) = resolved.filter(|_| mapped) else { return old.clone() };
    let setuid = old.effective.contains(Capability::SETUID);
    if !judge.decide(Branch::FilesystemUidIsOwn, is_own(old.uid, id))
        && !judge.decide(Branch::FilesystemUidHasSetuid, setuid)
    {
        return old.clone();
    }
    fixup::with_filesystem_user(old, id, environment, judge)
}

/// setfsgid(2): changes the filesystem group id, and no set. It reports no error either
/// (`__sys_setfsgid`).
pub fn setfsgid(old: &Credentials, id: u32, environment: &Environment) -> Credentials {
    setfsgid_judged(old, id, environment, &mut Faithful)
}

/// [`setfsgid`], each of its decisions put to `judge`.
pub fn setfsgid_judged(
    old: &Credentials,
    id: u32,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Credentials {
    let resolved = environment.gids.resolve(id);
    let mapped = judge.decide(Branch::FilesystemGidMapped, resolved.is_some());
    let Some(id) = resolved.filter(|_| mapped) else { return old.clone() };
    let setgid = old.effective.contains(Capability::SETGID);
    if !judge.decide(Branch::FilesystemGidIsOwn, is_own(old.gid, id))
        && !judge.decide(Branch::FilesystemGidHasSetgid, setgid)
    {
        return old.clone();
    }
    Credentials { gid: Ids { filesystem: id, ..old.gid }, ..old.clone() }
}

fn is_own(ids: Ids, id: u32) -> bool {
    ids.has(id) || ids.filesystem == id
}
