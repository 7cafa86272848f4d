//! Descriptors and the files behind them.

use super::answer;
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// `ioctl(NS_GET_USERNS)`: the user namespace that owns the namespace behind this descriptor.
pub(crate) fn owner_of(namespace: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    // SAFETY: the descriptor is open, and the request takes no argument.
    let returned = unsafe { libc::ioctl(namespace.as_raw_fd(), libc::NS_GET_USERNS) };
    answer(returned.into())?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(returned) })
}

/// The numbers of this process's open descriptors.
pub(crate) fn open_descriptors() -> Vec<i32> {
    let listed = std::fs::read_dir("/proc/self/fd").map(|entries| {
        let number = |entry: std::fs::DirEntry| entry.file_name().to_str()?.parse().ok();
        entries.flatten().filter_map(number).collect::<Vec<i32>>()
    });
    // Without /proc, each number that may be one; the soft limit of most systems.
    let all: Vec<i32> = listed.unwrap_or_else(|_| (0..1024).collect());
    // SAFETY: F_GETFD takes no argument and answers EBADF to a number that is not open.
    all.into_iter().filter(|number| unsafe { libc::fcntl(*number, libc::F_GETFD) } != -1).collect()
}

/// A descriptor that was inherited, and so belongs to nobody in this program.
pub(crate) fn borrow(number: i32) -> BorrowedFd<'static> {
    // SAFETY: `open_descriptors` has just found it open, and what it is used for (fstat, fcntl,
    // getsockopt) answers EBADF should it have been closed since. It is not kept.
    unsafe { BorrowedFd::borrow_raw(number) }
}

/// Marks every descriptor but the standard streams to be closed at execve, as OCI runtimes do: what
/// whoever started dropcap has open is none of a container's.
pub(crate) fn close_at_execve() {
    for number in open_descriptors().into_iter().filter(|number| *number > 2) {
        // A descriptor that is gone already needs no mark.
        let _ = rustix::io::fcntl_setfd(borrow(number), rustix::io::FdFlags::CLOEXEC);
    }
}

/// `mount_setattr(AT_RECURSIVE, MOUNT_ATTR_RDONLY)`: a mount and all below it become read-only.
pub(crate) fn make_read_only(mount: &Path) -> io::Result<()> {
    let path = CString::new(mount.as_os_str().as_bytes())?;
    let attributes = libc::mount_attr {
        attr_set: libc::MOUNT_ATTR_RDONLY,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    // SAFETY: the path ends in NUL, and the structure has the size that is passed; both live through
    // the call.
    let returned = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_RECURSIVE,
            std::ptr::from_ref(&attributes),
            size_of::<libc::mount_attr>(),
        )
    };
    answer(returned)
}

/// `open_by_handle_at` with a handle of a type that no filesystem gives: EPERM or ESTALE.
pub(crate) fn open_impossible_handle(mount: BorrowedFd<'_>) -> io::Result<()> {
    /// A `struct file_handle` with four bytes of handle.
    #[repr(C)]
    struct Handle {
        bytes: u32,
        kind: i32,
        handle: [u8; 4],
    }
    /// One below `FILEID_INVALID`; `enum fid_type` of `include/linux/exportfs.h` has no such type.
    const NO_SUCH_TYPE: i32 = 0xfe;
    let mut handle = Handle { bytes: 4, kind: NO_SUCH_TYPE, handle: [0; 4] };
    // SAFETY: the handle is as long as it says, and lives through the call. A descriptor that might
    // come back, against all expectation, ends with the child.
    let returned = unsafe {
        libc::syscall(
            libc::SYS_open_by_handle_at,
            mount.as_raw_fd(),
            std::ptr::from_mut(&mut handle),
            libc::O_RDONLY | libc::O_CLOEXEC,
        )
    };
    answer(returned)
}

/// `ioctl(FIBMAP)` of block -1: EPERM or EINVAL, never more.
pub(crate) fn map_impossible_block(file: BorrowedFd<'_>) -> io::Result<()> {
    /// `FIBMAP` of `include/uapi/linux/fs.h`: `_IO(0x00, 1)`.
    const FIBMAP: libc::c_ulong = 1;
    let mut block: libc::c_int = -1;
    // SAFETY: the descriptor is open, and the request reads and writes one int, which lives through
    // the call.
    let returned =
        unsafe { libc::ioctl(file.as_raw_fd(), FIBMAP as _, std::ptr::from_mut(&mut block)) };
    answer(returned.into())
}

/// `fcntl(F_SETLEASE, F_RDLCK)`.
pub(crate) fn lease(file: BorrowedFd<'_>) -> io::Result<()> {
    // SAFETY: the descriptor is open, and the argument is a number.
    let returned = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLEASE, libc::F_RDLCK) };
    answer(returned.into())
}
