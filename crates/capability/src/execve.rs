//! execve(2): what a thread's credentials become.
//!
//! Read beside `fs/exec.c` (`bprm_fill_uid`) and `security/commoncap.c`
//! (`cap_bprm_creds_from_file`) of the kernel; capabilities(7), "Transformation of capabilities
//! during execve()".

use crate::branch::{Branch, Faithful, Judge};
use crate::permission::{has_ids, may_execute};
use crate::{
    Capability, CapabilitySet, Change, Company, Credentials, Environment, Errno, FileCapabilities,
    Ids, Kernel, Revision, Securebits,
};

/// A file that a thread may execute, with all that the kernel asks of it.
///
/// Ids are in the numbers of the thread's own user namespace, or of the one that its credentials are
/// in ([`IdMap`](crate::IdMap)); `None` where they have none there. How a mount shows it is in
/// [`Mount`](crate::Mount).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executable {
    /// Where it is, for people.
    pub path: String,
    /// Permission bits, setuid, setgid and sticky: the low twelve bits of `st_mode`.
    pub mode: u32,
    /// Its owner.
    pub uid: Option<u32>,
    /// Its group.
    pub gid: Option<u32>,
    /// Its `security.capability`, as getxattr(2) gives it inside the thread's user namespace.
    pub file_capabilities: Option<FileCapabilities>,
    /// Whether its mount gives no privilege ([`Mount::may_suid`](crate::Mount::may_suid)): mounted
    /// nosuid, of another mount namespace, or owned by a user namespace that is not the thread's or
    /// around it.
    pub nosuid: bool,
    /// Whether nothing on its mount can be executed (`path_noexec`).
    pub noexec: bool,
    /// The directories from the root to it that not everybody may search, outermost first.
    pub restricted_directories: Vec<Directory>,
}

/// A directory on the way to an executable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Permission bits.
    pub mode: u32,
    /// Its owner.
    pub uid: Option<u32>,
    /// Its group.
    pub gid: Option<u32>,
}

/// `S_ISUID` of inode(7).
const SETUID: u32 = 0o4000;
/// `S_ISGID` and `S_IXGRP`: without the latter, setgid means mandatory locking, not an id.
const SETGID_EXECUTABLE: u32 = 0o2010;

impl Executable {
    /// An ordinary program that everybody may execute and that gives nothing: mode 0755, root's.
    pub fn plain(path: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            mode: 0o755,
            uid: Some(0),
            gid: Some(0),
            file_capabilities: None,
            nosuid: false,
            noexec: false,
            restricted_directories: Vec::new(),
        }
    }

    /// An ordinary setuid-root program, mode 04755.
    pub fn setuid_root(path: impl Into<String>) -> Self {
        Self { mode: 0o4755, ..Self::plain(path) }
    }
}

/// The credentials after execve(2) of `file` by a thread with `old`.
///
/// For a script, `file` is its interpreter: see [`execve_script`](crate::execve_script).
///
/// ```
/// use dropcap_capability::*;
/// let sandbox = Credentials::unprivileged(1000, CapabilitySet::from(Capability::NET_RAW));
/// let su = Executable::setuid_root("/usr/bin/su");
/// let after = execve(&sandbox, &su, &Environment::default()).unwrap();
/// assert_eq!(after.permitted, CapabilitySet::from(Capability::NET_RAW));
/// ```
///
/// # Errors
/// `EACCES` where the thread may not execute the file, `EPERM` where the file forces capabilities
/// that the thread cannot have.
pub fn execve(
    old: &Credentials,
    file: &Executable,
    environment: &Environment,
) -> Result<Credentials, Errno> {
    execve_judged(old, file, environment, Company::ALONE, &mut Faithful)
}

/// [`execve`] by a thread that others have a hand in.
///
/// # Errors
/// As [`execve`].
pub fn execve_in_company(
    old: &Credentials,
    file: &Executable,
    environment: &Environment,
    company: Company,
) -> Result<Credentials, Errno> {
    execve_judged(old, file, environment, company, &mut Faithful)
}

/// [`execve`], each of its decisions put to `judge`.
///
/// # Errors
/// As [`execve`].
pub fn execve_judged(
    old: &Credentials,
    file: &Executable,
    environment: &Environment,
    company: Company,
    judge: &mut impl Judge,
) -> Result<Credentials, Errno> {
    may_execute(old, file, environment, judge)?;
    let may_suid = judge.decide(Branch::FileMaySuid, !file.nosuid);
    let (euid, egid) = ids_from_mode(old, file, may_suid, environment, judge);
    let from_file = capabilities_from_file(old, file, may_suid, environment, judge)?;
    let has_fcap = from_file.is_some();
    let (mut permitted, mut effective_at_once) = from_file.unwrap_or_default();

    let is_root = |uid| environment.is_root(uid);
    let becomes_root = is_root(euid) && !is_root(old.uid.real);
    if judge.decide(Branch::RootIsSpecial, !old.securebits.contains(Securebits::NOROOT))
        && !judge.decide(Branch::RootYieldsToFile, has_fcap && becomes_root)
    {
        if judge.decide(Branch::RootPermitted, is_root(euid) || is_root(old.uid.real)) {
            permitted = old.bounding | old.inheritable;
        }
        if judge.decide(Branch::RootEffective, is_root(euid)) {
            effective_at_once = true;
        }
    }

    let id_changes =
        judge.decide(Branch::IdChanges, id_changes(old, euid, egid, environment.kernel));
    let grows = judge.decide(Branch::PermittedGrows, !permitted.is_subset(old.permitted));
    let (mut euid, mut egid) = (euid, egid);
    let refused = (id_changes || grows) && company.is_unsafe(old, judge);
    if judge.decide(Branch::GainRefused, refused) {
        let setuid = old.effective.contains(Capability::SETUID) && !old.no_new_privs;
        if !judge.decide(Branch::GainKeepsIds, setuid) {
            (euid, egid) = (old.uid.real, old.gid.real);
        }
        permitted = permitted & old.permitted;
    }

    let ambient = if judge.decide(Branch::AmbientCleared, has_fcap || id_changes) {
        CapabilitySet::EMPTY
    } else {
        old.ambient
    };
    permitted = permitted | ambient;
    let effective =
        if judge.decide(Branch::EffectiveAtOnce, effective_at_once) { permitted } else { ambient };
    let ids = |real, effective| Ids { real, effective, saved: effective, filesystem: effective };
    Ok(Credentials {
        uid: ids(old.uid.real, euid),
        gid: ids(old.gid.real, egid),
        groups: old.groups.clone(),
        effective,
        permitted,
        inheritable: old.inheritable,
        bounding: old.bounding,
        ambient,
        securebits: old.securebits.difference(Securebits::KEEP_CAPS),
        no_new_privs: old.no_new_privs,
    })
}

/// The effective ids that the set-id bits ask for (`bprm_fill_uid`).
fn ids_from_mode(
    old: &Credentials,
    file: &Executable,
    may_suid: bool,
    environment: &Environment,
    judge: &mut impl Judge,
) -> (u32, u32) {
    let unchanged = (old.uid.effective, old.gid.effective);
    if !may_suid || !judge.decide(Branch::SetIdBitsCount, !old.no_new_privs) {
        return unchanged;
    }
    // An owner or group that the namespace does not map switches off both bits.
    let ids = file.uid.zip(file.gid).filter(|ids| has_ids(environment, *ids));
    let mapped = judge.decide(Branch::FileIdsMapped, ids.is_some());
    let Some((owner, group)) = ids.filter(|_| mapped) else { return unchanged };
    let setuid = judge.decide(Branch::FileSetuid, file.mode & SETUID != 0);
    let setgid = file.mode & SETGID_EXECUTABLE == SETGID_EXECUTABLE;
    let setgid = judge.decide(Branch::FileSetgid, setgid);
    (if setuid { owner } else { unchanged.0 }, if setgid { group } else { unchanged.1 })
}

/// What the file capabilities give, and whether it is effective at once; `None` where there are
/// none that count (`get_file_caps`, `bprm_caps_from_vfs_caps`).
fn capabilities_from_file(
    old: &Credentials,
    file: &Executable,
    may_suid: bool,
    environment: &Environment,
    judge: &mut impl Judge,
) -> Result<Option<(CapabilitySet, bool)>, Errno> {
    if !may_suid {
        return Ok(None);
    }
    let present = judge.decide(Branch::FileHasCapabilities, file.file_capabilities.is_some());
    let Some(capabilities) = file.file_capabilities.filter(|_| present) else { return Ok(None) };
    // `rootid_owns_currentns`. Of the other revisions the root is that of the filesystem, which is the
    // namespace's own or one around it, or the mount would give nothing.
    let foreign = match capabilities.revision {
        Revision::Three { root_id } => !environment.roots().any(|root| root == root_id),
        Revision::One | Revision::Two => false,
    };
    if judge.decide(Branch::FileRootIsForeign, foreign) {
        return Ok(None);
    }
    let known = environment.capabilities;
    let forced = capabilities.permitted & known;
    let permitted = (old.bounding & forced) | (old.inheritable & capabilities.inheritable & known);
    let effective = judge.decide(Branch::FileEffective, capabilities.effective);
    // A program that was not written for capabilities does not check what it got, so the kernel
    // does not start it with less than it forces.
    let insufficient = effective && !forced.is_subset(permitted);
    if judge.decide(Branch::FileInsufficient, insufficient) {
        return Err(Errno::EPERM);
    }
    Ok(Some((permitted, effective)))
}

/// Whether the new effective ids count as a change, which no_new_privs refuses and which clears the
/// ambient set.
fn id_changes(old: &Credentials, euid: u32, egid: u32, kernel: Kernel) -> bool {
    if kernel.has(Change::EXEC_COMPARES_EFFECTIVE_IDS) {
        euid != old.uid.effective || !old.in_group(egid)
    } else {
        euid != old.uid.real || egid != old.gid.real
    }
}
