//! Calls about other processes, which change nothing of them.

use super::answer;
use std::io;

/// `get_robust_list`, which asks for the permission to read a process's memory and gives one of its
/// addresses.
pub(crate) fn robust_list(pid: libc::pid_t) -> io::Result<()> {
    let mut head: usize = 0;
    let mut length: usize = 0;
    // SAFETY: the kernel writes one address and one length, and both live through the call.
    let returned = unsafe {
        libc::syscall(
            libc::SYS_get_robust_list,
            pid,
            std::ptr::from_mut(&mut head),
            std::ptr::from_mut(&mut length),
        )
    };
    answer(returned)
}

/// `process_vm_readv` of one byte at address 0, which nobody has mapped: EPERM to who may not attach
/// to the process, EFAULT to who may.
pub(crate) fn may_attach(pid: libc::pid_t) -> io::Result<()> {
    let mut byte = 0_u8;
    let here = libc::iovec { iov_base: std::ptr::from_mut(&mut byte).cast(), iov_len: 1 };
    let there = libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 1 };
    // SAFETY: what is read goes into a byte that lives through the call; the other address belongs to
    // the other process, and is not followed here.
    let returned =
        unsafe { libc::process_vm_readv(pid, &raw const here, 1, &raw const there, 1, 0) };
    answer(returned as libc::c_long)
}

/// `vhangup` of the controlling terminal. The caller must have none: see `setsid`.
pub(crate) fn hang_up_own_terminal() -> io::Result<()> {
    // SAFETY: the call takes no argument.
    let returned = unsafe { libc::syscall(libc::SYS_vhangup) };
    answer(returned)
}
