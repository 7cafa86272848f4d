//! Whether a thread may execute a file: mode, owner, groups and the way to it.

use crate::branch::{Branch, Faithful, Judge};
use crate::{Capability, Credentials, Directory, Environment, Errno, Executable};

/// Permission to execute, or to search a directory: the lowest of three bits.
const EXECUTE: u32 = 0o1;
/// The three execute bits (`S_IXUGO`).
const ANY_EXECUTE: u32 = 0o111;

/// Whether the thread may execute `file` (`generic_permission` with `MAY_EXEC`).
///
/// # Errors
/// `EACCES` where it may not, may not search a directory on the way, or the mount is noexec.
pub(crate) fn may_execute(
    thread: &Credentials,
    file: &Executable,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Result<(), Errno> {
    let mut way = file.restricted_directories.iter();
    if !way.all(|directory| may_search(thread, directory, environment, judge))
        || judge.decide(Branch::MountNoexec, file.noexec)
    {
        return Err(Errno::EACCES);
    }
    if mode_allows(thread, file.mode, file.uid, file.gid, judge) {
        return Ok(());
    }
    let somebody = judge.decide(Branch::FileSomeoneMayExecute, file.mode & ANY_EXECUTE != 0);
    // `capable_wrt_inode_uidgid`: a capability counts for files whose ids the namespace maps.
    let mapped = file.uid.zip(file.gid).is_some_and(|ids| has_ids(environment, ids));
    let overrides = thread.effective.contains(Capability::DAC_OVERRIDE) && mapped;
    if somebody && judge.decide(Branch::FileOverride, overrides) {
        return Ok(());
    }
    Err(Errno::EACCES)
}

/// Whether the thread may search `directory` (`may_lookup`).
fn may_search(
    thread: &Credentials,
    directory: &Directory,
    environment: &Environment,
    judge: &mut impl Judge,
) -> bool {
    let Directory { mode, uid, gid } = *directory;
    // The decisions inside are counted for files; a directory's is taken as one.
    let allows = mode_allows(thread, mode, uid, gid, &mut Faithful);
    let mapped = uid.zip(gid).is_some_and(|ids| has_ids(environment, ids));
    let holds = |capability| thread.effective.contains(capability);
    let overrides =
        mapped && (holds(Capability::DAC_READ_SEARCH) || holds(Capability::DAC_OVERRIDE));
    judge.decide(Branch::DirectoryAllows, allows)
        || judge.decide(Branch::DirectoryOverride, overrides)
}

/// Whether an owner and a group both have numbers in the thread's user namespace
/// (`privileged_wrt_inode_uidgid`).
pub(crate) fn has_ids(environment: &Environment, (owner, group): (u32, u32)) -> bool {
    environment.uids.has(owner) && environment.gids.has(group)
}

/// Whether the permission bits that count for the thread let it execute or search
/// (`acl_permission_check`, without ACLs).
fn mode_allows(
    thread: &Credentials,
    mode: u32,
    uid: Option<u32>,
    gid: Option<u32>,
    judge: &mut impl Judge,
) -> bool {
    let bits = if judge.decide(Branch::FileOwner, uid == Some(thread.uid.filesystem)) {
        mode >> 6
    } else if judge.decide(Branch::FileGroup, gid.is_some_and(|gid| thread.in_group(gid))) {
        mode >> 3
    } else {
        mode
    };
    judge.decide(Branch::FileModeAllows, bits & EXECUTE != 0)
}
