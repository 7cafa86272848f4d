//! The system calls that change credentials: the one place for them.
//!
//! [`System`] is what the rest of dropcap calls; [`Linux`] is the kernel, for the calling thread
//! alone. glibc's own `setresuid` and the like change every thread of the process by a signal, so
//! that they neither compare with the model nor can be undone; these are the bare system calls.
//!
//! Every method returns what the kernel answered and decides nothing.

pub mod comparison;
mod credentials;
mod exec;
mod kernel;
mod linux;
mod process;
#[cfg(test)]
pub(crate) mod recording;
pub mod signals;

pub use credentials::{Reading, read_credentials};
pub use exec::{ExecStrings, execve, fexecve};
pub use kernel::{kernel, last_capability};
pub use linux::Linux;
pub use process::{Fork, Wait, exit_now, fork, fork_unchecked, reap_any, wait};

use dropcap_capability::{Capability, CapabilitySet, Kernel, Securebits};
use std::ffi::CStr;
use std::io;

/// The three sets that capget(2) and capset(2) carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sets {
    /// What the kernel's checks ask.
    pub effective: CapabilitySet,
    /// The most that effective may be.
    pub permitted: CapabilitySet,
    /// What passes through execve of a file whose inheritable set has it.
    pub inheritable: CapabilitySet,
}

/// One instruction of a seccomp filter: `struct sock_filter` of `include/uapi/linux/filter.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct Instruction {
    /// The operation.
    pub code: u16,
    /// How many instructions to skip where a comparison holds.
    pub jump_true: u8,
    /// How many instructions to skip where it does not.
    pub jump_false: u8,
    /// The operand.
    pub operand: u32,
}

/// The system calls by which a thread changes and reads its own privilege.
///
/// # Errors
/// Each method gives the kernel's errno as an [`io::Error`].
#[allow(missing_docs, reason = "each says which call of which manual page it is")]
pub trait System {
    /// capget(2) of this thread.
    fn capget(&self) -> io::Result<Sets>;
    /// capset(2) of this thread.
    fn capset(&self, sets: Sets) -> io::Result<()>;

    /// `PR_CAPBSET_READ`; EINVAL for a capability that this kernel does not have.
    fn bounding_has(&self, capability: Capability) -> io::Result<bool>;
    /// `PR_CAPBSET_DROP`.
    fn bounding_drop(&self, capability: Capability) -> io::Result<()>;

    /// `PR_CAP_AMBIENT_IS_SET`; EINVAL for a capability that this kernel does not have.
    fn ambient_has(&self, capability: Capability) -> io::Result<bool>;
    /// `PR_CAP_AMBIENT_RAISE`.
    fn ambient_raise(&self, capability: Capability) -> io::Result<()>;
    /// `PR_CAP_AMBIENT_LOWER`.
    fn ambient_lower(&self, capability: Capability) -> io::Result<()>;
    /// `PR_CAP_AMBIENT_CLEAR_ALL`.
    fn ambient_clear(&self) -> io::Result<()>;

    /// `PR_GET_SECUREBITS`.
    fn securebits(&self) -> io::Result<Securebits>;
    /// `PR_SET_SECUREBITS`.
    fn set_securebits(&self, securebits: Securebits) -> io::Result<()>;
    /// `PR_SET_KEEPCAPS`.
    fn set_keep_capabilities(&self, keep: bool) -> io::Result<()>;

    /// `PR_GET_NO_NEW_PRIVS`.
    fn no_new_privs(&self) -> io::Result<bool>;
    /// `PR_SET_NO_NEW_PRIVS`.
    fn set_no_new_privs(&self) -> io::Result<()>;

    /// getresuid(2): real, effective, saved.
    fn user_ids(&self) -> io::Result<[u32; 3]>;
    /// setresuid(2); `None` leaves an id.
    fn set_user_ids(&self, ids: [Option<u32>; 3]) -> io::Result<()>;
    /// getresgid(2): real, effective, saved.
    fn group_ids(&self) -> io::Result<[u32; 3]>;
    /// setresgid(2); `None` leaves an id.
    fn set_group_ids(&self, ids: [Option<u32>; 3]) -> io::Result<()>;
    /// getgroups(2), as the kernel gives them.
    fn groups(&self) -> io::Result<Vec<u32>>;
    /// setgroups(2).
    fn set_groups(&self, groups: &[u32]) -> io::Result<()>;
    /// setfsuid(2), which gives the id from before and never an error; 2³²−1 changes nothing.
    fn set_filesystem_user(&self, id: u32) -> u32;
    /// setfsgid(2), likewise.
    fn set_filesystem_group(&self, id: u32) -> u32;

    /// `SECCOMP_SET_MODE_FILTER` of seccomp(2), for this thread.
    fn install_filter(&self, program: &[Instruction]) -> io::Result<()>;
    /// `PR_GET_SECCOMP`: whether a filter is installed.
    fn has_filter(&self) -> io::Result<bool>;

    /// The kernel's version, from uname(2).
    fn kernel(&self) -> Kernel;
    /// Everything that can be read of the thread's privilege, without /proc.
    fn read(&self) -> io::Result<Reading> {
        credentials::read(self)
    }

    /// As [`System::read`], asking for the ambient set only where it may have anything: what is both
    /// permitted and inheritable (`cap_ambient_invariant_ok`). It saves a call for each capability.
    fn read_quickly(&self) -> io::Result<Reading> {
        credentials::read_quickly(self)
    }

    /// close_range(2) of `first..=last`.
    fn close_range(&self, first: u32, last: u32) -> io::Result<()>;
    /// The open descriptors, from `/proc/self/fd`.
    fn open_descriptors(&self) -> io::Result<Vec<u32>>;
    /// close(2); one that is not open is no error.
    fn close(&self, descriptor: u32) -> io::Result<()>;
    /// `F_SETFD` without `FD_CLOEXEC`; EBADF if it is not open.
    fn make_inheritable(&self, descriptor: u32) -> io::Result<()>;

    /// unshare(2) with `CLONE_…` flags.
    fn unshare(&self, flags: i32) -> io::Result<()>;
    /// execve(2): returns only if it fails.
    fn execve(&self, path: &CStr, arguments: &ExecStrings, environment: &ExecStrings) -> io::Error;
}
