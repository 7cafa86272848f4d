//! Makes the sets follow a change of the user ids; capabilities(7), "Effect of user ID changes on
//! capabilities", "The securebits flags".

use crate::branch::{Branch, Judge};
use crate::{Capability, CapabilitySet, Credentials, Environment, Ids, Securebits};

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

/// The credentials with the user ids `uid`, after setuid(2), setreuid(2) or setresuid(2)
/// (`cap_task_fix_setuid`, `cap_emulate_setxuid`).
pub(super) fn with_user_ids(
    old: &Credentials,
    uid: Ids,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Credentials {
    let mut new = Credentials { uid, ..old.clone() };
    let fixup = !old.securebits.contains(Securebits::NO_SETUID_FIXUP);
    if !judge.decide(Branch::UidFixup, fixup) {
        return new;
    }
    let is_root = |id| environment.is_root(id);
    let any_root = |ids: Ids| is_root(ids.real) || is_root(ids.effective) || is_root(ids.saved);
    if judge.decide(Branch::UidLeavesRoot, any_root(old.uid) && !any_root(uid)) {
        let keep = old.securebits.contains(Securebits::KEEP_CAPS);
        if !judge.decide(Branch::UidKeepsCapabilities, keep) {
            new.permitted = CapabilitySet::EMPTY;
            new.effective = CapabilitySet::EMPTY;
        }
        new.ambient = CapabilitySet::EMPTY;
    }
    let (before, after) = (is_root(old.uid.effective), is_root(uid.effective));
    if judge.decide(Branch::UidEffectiveLeavesRoot, before && !after) {
        new.effective = CapabilitySet::EMPTY;
    }
    if judge.decide(Branch::UidEffectiveBecomesRoot, !before && after) {
        new.effective = new.permitted;
    }
    new
}

/// The credentials with the filesystem uid `id`, after setfsuid(2) (`cap_task_fix_setuid` with
/// `LSM_SETID_FS`).
pub(super) fn with_filesystem_user(
    old: &Credentials,
    id: u32,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Credentials {
    let mut new = old.clone();
    new.uid.filesystem = id;
    let fixup = !old.securebits.contains(Securebits::NO_SETUID_FIXUP);
    if judge.decide(Branch::FilesystemUidFixup, fixup) {
        let (before, after) = (environment.is_root(old.uid.filesystem), environment.is_root(id));
        if judge.decide(Branch::FilesystemUidLeavesRoot, before && !after) {
            new.effective = new.effective - FILE_CAPABILITIES;
        }
        if judge.decide(Branch::FilesystemUidBecomesRoot, !before && after) {
            new.effective = new.effective | (new.permitted & FILE_CAPABILITIES);
        }
    }
    new
}
