//! Calls that dropcap itself has no need of, for the comparison of the model with the kernel.
//!
//! Descriptors are plain numbers here: they outlive an execve, after which nothing owns them.
#![allow(unsafe_code, reason = "bare system calls are what this module is for")]

use super::{ExecStrings, Fork, Sets, Wait};
use dropcap_capability::CapabilitySet;
use libc::{c_int, c_long};
use std::ffi::CStr;
use std::io;

/// What stands for "leave it" in setreuid(2).
const UNCHANGED: u32 = u32::MAX;

fn answer(value: c_long) -> io::Result<()> {
    if value == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// setuid(2) of this thread.
///
/// # Errors
/// What the kernel answers.
pub fn set_user_id(id: u32) -> io::Result<()> {
    // SAFETY: one number.
    answer(unsafe { libc::syscall(libc::SYS_setuid, id) })
}

/// setgid(2) of this thread.
///
/// # Errors
/// What the kernel answers.
pub fn set_group_id(id: u32) -> io::Result<()> {
    // SAFETY: one number.
    answer(unsafe { libc::syscall(libc::SYS_setgid, id) })
}

/// setreuid(2) of this thread; `None` leaves an id.
///
/// # Errors
/// What the kernel answers.
pub fn set_user_pair([real, effective]: [Option<u32>; 2]) -> io::Result<()> {
    let [real, effective] = [real, effective].map(|id| id.unwrap_or(UNCHANGED));
    // SAFETY: two numbers.
    answer(unsafe { libc::syscall(libc::SYS_setreuid, real, effective) })
}

/// setregid(2) of this thread; `None` leaves an id.
///
/// # Errors
/// What the kernel answers.
pub fn set_group_pair([real, effective]: [Option<u32>; 2]) -> io::Result<()> {
    let [real, effective] = [real, effective].map(|id| id.unwrap_or(UNCHANGED));
    // SAFETY: two numbers.
    answer(unsafe { libc::syscall(libc::SYS_setregid, real, effective) })
}

/// capset(2) with any version and pid in its header.
///
/// # Errors
/// What the kernel answers.
pub fn capset_with_header(version: u32, pid: i32, sets: Sets) -> io::Result<()> {
    let mut header = [version, pid as u32];
    let word = |shift: u32| {
        let part = |set: CapabilitySet| (set.bits() >> shift) as u32;
        [part(sets.effective), part(sets.permitted), part(sets.inheritable)]
    };
    let words = [word(0), word(32)];
    // SAFETY: no version makes the kernel read more than two entries of three words, which `words`
    // has; for an unknown one it writes the header's first word. Both are ours.
    answer(unsafe {
        libc::syscall(libc::SYS_capset, header.as_mut_ptr(), words.as_ptr().cast::<u32>())
    })
}

/// setns(2) into the user namespace that a descriptor refers to.
///
/// # Errors
/// What the kernel answers.
pub fn enter_user_namespace(descriptor: i32) -> io::Result<()> {
    // SAFETY: two numbers.
    answer(unsafe { libc::syscall(libc::SYS_setns, descriptor, libc::CLONE_NEWUSER) })
}

/// execveat(2): `path` from the directory that a descriptor refers to. Returns only if it fails.
pub fn execve_at(
    directory: i32,
    path: &CStr,
    arguments: &ExecStrings,
    environment: &ExecStrings,
) -> io::Error {
    // SAFETY: the path and every string end in NUL, both arrays end in a null pointer, and all of
    // them live until the call returns.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            directory,
            path.as_ptr(),
            arguments.pointers(),
            environment.pointers(),
            0,
        );
    }
    io::Error::last_os_error()
}

/// `PTRACE_TRACEME`: from now on the parent traces this process.
///
/// # Errors
/// What the kernel answers.
pub fn trace_me() -> io::Result<()> {
    // SAFETY: this request reads none of its arguments.
    answer(unsafe { libc::syscall(libc::SYS_ptrace, libc::PTRACE_TRACEME, 0, 0, 0) })
}

/// waitpid(2) for the end of one child; where it is traced and stops, it goes on, without the signal
/// that stopped it.
///
/// # Errors
/// What the kernel answers.
pub fn wait_resuming(child: i32) -> io::Result<Wait> {
    loop {
        let mut status: c_int = 0;
        // SAFETY: `status` is ours and valid for the kernel to write one int.
        if unsafe { libc::waitpid(child, &raw mut status, 0) } == -1 {
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        } else if libc::WIFSTOPPED(status) {
            // SAFETY: the request takes two numbers, and touches no memory of ours. It fails only
            // where the child is gone, which the next waitpid tells.
            unsafe { libc::syscall(libc::SYS_ptrace, libc::PTRACE_CONT, child, 0, 0) };
        } else {
            return Ok(Wait::from_status(status));
        }
    }
}

/// fork(2) with `CLONE_FS`: the child shares the root and the working directory of this process, and
/// must change neither.
///
/// # Errors
/// [`io::ErrorKind::Deadlock`] if there is a second thread, else what the kernel answers.
pub fn fork_sharing_directories() -> io::Result<Fork> {
    super::process::require_single_thread()?;
    let flags = libc::CLONE_FS | libc::SIGCHLD;
    // SAFETY: without CLONE_VM and with no stack this is fork: the child goes on here on a copy of
    // everything. There is no other thread whose locks it could miss, and nothing here needs what
    // glibc's own fork does beside (handlers, the cached thread id).
    match unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Fork::Child),
        child => Ok(Fork::Parent(child as i32)),
    }
}

/// Gives the mount that a descriptor of open_tree(2) refers to the id map of a user namespace
/// (`MOUNT_ATTR_IDMAP` of mount_setattr(2), Linux 5.12).
///
/// # Errors
/// What the kernel answers: EINVAL where the filesystem cannot be mounted so.
pub fn map_mount_ids(mount: i32, user_namespace: i32) -> io::Result<()> {
    /// `struct mount_attr` of `include/uapi/linux/mount.h`.
    #[repr(C)]
    struct Attributes {
        set: u64,
        clear: u64,
        propagation: u64,
        user_namespace: u64,
    }
    const MOUNT_ATTR_IDMAP: u64 = 0x0010_0000;
    let attributes = Attributes {
        set: MOUNT_ATTR_IDMAP,
        clear: 0,
        propagation: 0,
        user_namespace: u64::from(user_namespace.unsigned_abs()),
    };
    // SAFETY: the path is a literal; the kernel reads as many bytes of `attributes` as it is told
    // that there are.
    answer(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount,
            c"".as_ptr(),
            libc::AT_EMPTY_PATH,
            std::ptr::from_ref(&attributes),
            size_of::<Attributes>(),
        )
    })
}
