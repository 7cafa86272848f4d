//! Calls by which the kernel is watched.

use super::answer;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// `syslog(SYSLOG_ACTION_SIZE_UNREAD)`: how much of the log is unread; nothing of it is read.
pub(crate) fn unread_log() -> io::Result<()> {
    const SIZE_UNREAD: libc::c_int = 9;
    // SAFETY: this action takes no buffer.
    let returned = unsafe { libc::klogctl(SIZE_UNREAD, std::ptr::null_mut(), 0) };
    answer(returned.into())
}

/// `perf_event_open` of an event that counts nothing, on one processor for every process, disabled.
pub(crate) fn open_idle_event() -> io::Result<()> {
    /// `struct perf_event_attr` of `include/uapi/linux/perf_event.h`, as far as its first version.
    #[repr(C)]
    struct Attributes {
        kind: u32,
        size: u32,
        config: u64,
        rest: [u64; 3],
        flags: u64,
        last: [u32; 2],
        address: u64,
    }
    const SOFTWARE: u32 = 1;
    const DUMMY: u64 = 9;
    /// `disabled`, `exclude_kernel`, `exclude_hv`: the first, sixth and seventh bit.
    const FLAGS: u64 = 1 | 1 << 5 | 1 << 6;
    const EVERY_PROCESS: libc::pid_t = -1;
    const PROCESSOR: libc::c_int = 0;
    const NO_GROUP: libc::c_int = -1;
    const CLOSE_ON_EXEC: libc::c_ulong = 1 << 3;
    let attributes = Attributes {
        kind: SOFTWARE,
        size: size_of::<Attributes>() as u32,
        config: DUMMY,
        rest: [0; 3],
        flags: FLAGS,
        last: [0; 2],
        address: 0,
    };
    // SAFETY: the structure has the size that it names, and lives through the call.
    let returned = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            std::ptr::from_ref(&attributes),
            EVERY_PROCESS,
            PROCESSOR,
            NO_GROUP,
            CLOSE_ON_EXEC,
        )
    };
    answer(returned)?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
    drop(unsafe { OwnedFd::from_raw_fd(returned as libc::c_int) });
    Ok(())
}

/// `bpf(BPF_BTF_LOAD)` of types of no bytes: EPERM or EINVAL, never more.
pub(crate) fn load_no_types() -> io::Result<()> {
    const BTF_LOAD: libc::c_int = 18;
    // The fields of this command end at 28 bytes; what is longer has to be zero.
    let attributes = [0_u64; 4];
    // SAFETY: the array has the size that is passed, and lives through the call.
    let returned = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            BTF_LOAD,
            std::ptr::from_ref(&attributes),
            size_of_val(&attributes),
        )
    };
    answer(returned)
}

/// `lsm_list_modules`: the numbers of the security modules that work here (`LSM_ID_…`). Kernels before
/// 6.8 lack the call.
pub(crate) fn working_modules() -> io::Result<Vec<u64>> {
    /// Of every architecture, as all calls since 5.1.
    const LIST_MODULES: libc::c_long = 461;
    const MOST: usize = 64;
    let mut numbers = [0_u64; MOST];
    let mut size: u32 = size_of_val(&numbers) as u32;
    // SAFETY: the array is as large as the size says, and both live through the call.
    let returned = unsafe {
        libc::syscall(LIST_MODULES, numbers.as_mut_ptr(), std::ptr::from_mut(&mut size), 0_u32)
    };
    answer(returned)?;
    let count = usize::try_from(returned).unwrap_or(0);
    Ok(numbers.into_iter().take(count).collect())
}
