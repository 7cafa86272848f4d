//! The decisions that the rules take, by name.
//!
//! Every condition of a rule is put to a [`Judge`]. [`Faithful`] answers with the condition itself
//! and costs nothing. The differential test uses others: one that counts how often each decision
//! fell each way against the running kernel, and one that inverts a single decision, to show that
//! the test would notice a model that has it wrong.

/// Answers the questions that a rule asks itself.
pub trait Judge {
    /// What the rule goes on with, for the decision `branch` whose condition is `condition`.
    fn decide(&mut self, branch: Branch, condition: bool) -> bool;
}

/// The judge that takes every condition as it is: the model.
#[derive(Debug, Clone, Copy, Default)]
pub struct Faithful;

impl Judge for Faithful {
    #[inline(always)]
    fn decide(&mut self, _branch: Branch, condition: bool) -> bool {
        condition
    }
}

macro_rules! branches {
    ($($(#[doc = $doc:literal])* $name:ident)*) => {
        /// One decision of a rule.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Branch {
            $($(#[doc = $doc])* $name,)*
        }

        impl Branch {
            /// Every decision, in the order in which the rules are listed.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Its name, for reports.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}

branches! {
    /// execve: the bits that count let a directory on the way be searched.
    DirectoryAllows
    /// execve: CAP_DAC_READ_SEARCH or CAP_DAC_OVERRIDE lets it be searched.
    DirectoryOverride
    /// execve: the filesystem uid owns the file, so the owner's bits count.
    FileOwner
    /// execve: a group of the thread is the file's, so the group's bits count.
    FileGroup
    /// execve: the bits that count let it be executed.
    FileModeAllows
    /// execve: somebody may execute it, which CAP_DAC_OVERRIDE needs.
    FileSomeoneMayExecute
    /// execve: CAP_DAC_OVERRIDE is effective.
    FileOverride
    /// execve: there are more interpreters than the kernel follows.
    InterpretersTooMany
    /// execve: the mount is in the thread's mount namespace.
    MountInNamespace
    /// execve: the mount is nosuid.
    MountNosuid
    /// execve: the filesystem's user namespace is the thread's or around it.
    MountOwnerAround
    /// execve: the mount is noexec.
    MountNoexec
    /// execve: set-id bits and file capabilities count.
    FileMaySuid
    /// execve: set-id bits count, since no_new_privs is off.
    SetIdBitsCount
    /// execve: the user namespace maps both the file's owner and its group.
    FileIdsMapped
    /// execve: the file is setuid.
    FileSetuid
    /// execve: the file is setgid and its group may execute it.
    FileSetgid
    /// execve: the file has file capabilities.
    FileHasCapabilities
    /// execve: they are of revision 3, for another root.
    FileRootIsForeign
    /// execve: they are effective at once.
    FileEffective
    /// execve: some forced capability cannot be had.
    FileInsufficient
    /// execve: SECURE_NOROOT is off, so uid 0 is special.
    RootIsSpecial
    /// execve: a setuid-root file with file capabilities gives these alone.
    RootYieldsToFile
    /// execve: the effective or real uid becomes or is 0.
    RootPermitted
    /// execve: the effective uid becomes or is 0.
    RootEffective
    /// execve: an id changes.
    IdChanges
    /// execve: permitted grows.
    PermittedGrows
    /// execve, with something to gain: no_new_privs is on.
    GainNoNewPrivs
    /// execve, with something to gain: another process shares the thread's directories.
    GainShared
    /// execve, with something to gain: the thread is traced.
    GainTraced
    /// PTRACE_TRACEME: the thread is traced already.
    TracedAlready
    /// execve: the gain is refused.
    GainRefused
    /// execve, with the gain refused: CAP_SETUID keeps the new ids all the same.
    GainKeepsIds
    /// execve: file capabilities or a changed id clear the ambient set.
    AmbientCleared
    /// execve: the new permitted set is effective at once.
    EffectiveAtOnce
    /// PR_CAPBSET_DROP: CAP_SETPCAP is effective.
    DropHasSetpcap
    /// PR_CAPBSET_DROP: the kernel has the capability.
    DropValid
    /// PR_CAP_AMBIENT_RAISE and PR_CAP_AMBIENT_LOWER: the kernel has the capability.
    AmbientValid
    /// PR_CAP_AMBIENT_RAISE: it is permitted.
    AmbientPermitted
    /// PR_CAP_AMBIENT_RAISE: it is inheritable.
    AmbientInheritable
    /// PR_CAP_AMBIENT_RAISE: SECURE_NO_CAP_AMBIENT_RAISE is on.
    AmbientForbidden
    /// PR_SET_SECUREBITS: a locked flag would change.
    SecurebitsLocked
    /// PR_SET_SECUREBITS: a lock would open.
    SecurebitsUnlock
    /// PR_SET_SECUREBITS: a flag is unknown to the kernel.
    SecurebitsUnknown
    /// PR_SET_SECUREBITS: CAP_SETPCAP is effective.
    SecurebitsHasSetpcap
    /// PR_SET_SECUREBITS without CAP_SETPCAP: only flags change that need none.
    SecurebitsUnprivileged
    /// PR_SET_KEEPCAPS: SECURE_KEEP_CAPS is locked.
    KeepCapsLocked
    /// capset: the header's version is known.
    CapsetVersion
    /// capset: it is about the calling thread.
    CapsetSelf
    /// capset: CAP_SETPCAP is effective, so inheritable may take from the bounding set.
    CapsetHasSetpcap
    /// capset: inheritable is inside old inheritable and permitted.
    CapsetInheritableCapped
    /// capset: inheritable is inside old inheritable and bounding.
    CapsetInheritableBounded
    /// capset: permitted does not grow.
    CapsetPermitted
    /// capset: effective is inside permitted.
    CapsetEffective
    /// setresuid: every id is mapped.
    UidMapped
    /// setresuid: nothing would change.
    UidUnchanged
    /// setresuid: an id is none of the thread's own.
    UidIsNew
    /// setresuid: CAP_SETUID is effective.
    UidHasSetuid
    /// setuid, setreuid, setresuid: SECURE_NO_SETUID_FIXUP is off, so the sets follow the ids.
    UidFixup
    /// After a change of uids: the last uid 0 is left.
    UidLeavesRoot
    /// After a change of uids: SECURE_KEEP_CAPS keeps permitted and effective when the last uid 0 is left.
    UidKeepsCapabilities
    /// After a change of uids: the effective uid stops being 0.
    UidEffectiveLeavesRoot
    /// After a change of uids: the effective uid becomes 0.
    UidEffectiveBecomesRoot
    /// setuid: the id is mapped.
    SetuidMapped
    /// setuid: CAP_SETUID is effective, so all ids change.
    SetuidHasSetuid
    /// setuid without CAP_SETUID: the id is the real or the saved one.
    SetuidIsOwn
    /// setreuid: both ids are mapped.
    ReuidMapped
    /// setreuid: the real id that is asked for is the real or the effective one.
    ReuidRealIsOwn
    /// setreuid: the effective id that is asked for is one of the thread's own.
    ReuidEffectiveIsOwn
    /// setreuid: CAP_SETUID is effective.
    ReuidHasSetuid
    /// setreuid: the saved id becomes the effective one.
    ReuidSavedFollows
    /// setfsuid: the id is mapped.
    FilesystemUidMapped
    /// setfsuid: the id is one of the thread's own.
    FilesystemUidIsOwn
    /// setfsuid: CAP_SETUID is effective.
    FilesystemUidHasSetuid
    /// setfsuid: SECURE_NO_SETUID_FIXUP is off, so the sets follow the id.
    FilesystemUidFixup
    /// setfsuid: the filesystem uid stops being 0.
    FilesystemUidLeavesRoot
    /// setfsuid: the filesystem uid becomes 0.
    FilesystemUidBecomesRoot
    /// setresgid: every id is mapped.
    GidMapped
    /// setresgid: nothing would change.
    GidUnchanged
    /// setresgid: an id is none of the thread's own.
    GidIsNew
    /// setresgid: CAP_SETGID is effective.
    GidHasSetgid
    /// setgid: the id is mapped.
    SetgidMapped
    /// setgid: CAP_SETGID is effective, so all ids change.
    SetgidHasSetgid
    /// setgid without CAP_SETGID: the id is the real or the saved one.
    SetgidIsOwn
    /// setregid: both ids are mapped.
    RegidMapped
    /// setregid: the real id that is asked for is the real or the effective one.
    RegidRealIsOwn
    /// setregid: the effective id that is asked for is one of the thread's own.
    RegidEffectiveIsOwn
    /// setregid: CAP_SETGID is effective.
    RegidHasSetgid
    /// setregid: the saved id becomes the effective one.
    RegidSavedFollows
    /// setfsgid: the id is mapped.
    FilesystemGidMapped
    /// setfsgid: the id is one of the thread's own.
    FilesystemGidIsOwn
    /// setfsgid: CAP_SETGID is effective.
    FilesystemGidHasSetgid
    /// setgroups: CAP_SETGID is effective.
    GroupsHasSetgid
    /// setgroups: the user namespace allows it.
    GroupsAllowed
    /// setgroups: every id is mapped.
    GroupsMapped
    /// unshare: the effective ids are mapped in the namespace that is left.
    NamespaceOwnerMapped
    /// Writing an id map: it is written already.
    MapWritten
    /// Writing an id map: CAP_SYS_ADMIN is effective.
    MapHasSysAdmin
    /// Writing an id map: it is one.
    MapValid
    /// Writing a user map: it has uid 0 of the namespace around, and the maker had no CAP_SETFCAP.
    MapOfRootRefused
    /// Writing a user map: it is the one id of who made the namespace.
    MapOwnUser
    /// Writing a group map: it is the one group of who made the namespace.
    MapOwnGroup
    /// Writing a group map: setgroups(2) is denied.
    MapSetgroupsDenied
    /// Denying setgroups(2): CAP_SYS_ADMIN is effective.
    DenyHasSysAdmin
    /// Denying setgroups(2): the group map is written already.
    DenyTooLate
    /// setns: the namespace is the one that the thread is in.
    EnterSame
    /// setns: another process shares the thread's directories.
    EnterShared
    /// setns: CAP_SYS_ADMIN counts over the namespace.
    EnterHasSysAdmin
    /// A capability over a namespace: the holder is in it or around it.
    CapableReaches
    /// A capability over a namespace: the holder made it.
    CapableOwner
    /// A capability over a namespace: it is effective.
    CapableEffective
}
