//! Calls that no safe wrapper passes on, most of them with arguments that can never be accepted.
#![allow(unsafe_code, reason = "the wrappers of std and rustix take valid arguments only")]

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// `sethostname(NULL, -1)`: EPERM or EINVAL, never more.
pub(crate) fn set_impossible_hostname() -> io::Result<()> {
    // SAFETY: the kernel compares the length with `__NEW_UTS_LEN` before it reads from the pointer,
    // so nothing is read through it.
    let answer =
        unsafe { libc::syscall(libc::SYS_sethostname, std::ptr::null::<libc::c_char>(), -1_isize) };
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// `ioctl(SIOCSIFMTU)` of the loopback interface with an MTU of -1: EPERM or EINVAL, never more.
pub(crate) fn set_impossible_mtu() -> io::Result<()> {
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    // SAFETY: an `ifreq` of zeros is a valid one: an empty name, and numbers.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(c"lo".to_bytes_with_nul()) {
        *to = *from as libc::c_char;
    }
    request.ifr_ifru.ifru_mtu = -1;
    // SAFETY: the socket is open, and the request is a whole `ifreq` that lives through the call.
    let answer = unsafe {
        libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFMTU, std::ptr::from_mut(&mut request))
    };
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// `ioctl(NS_GET_USERNS)`: the user namespace that owns the namespace behind this descriptor.
pub(crate) fn owner_of(namespace: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    // SAFETY: the descriptor is open, and the request takes no argument.
    let answer = unsafe { libc::ioctl(namespace.as_raw_fd(), libc::NS_GET_USERNS) };
    if answer == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(answer) })
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
    let answer = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            libc::AT_RECURSIVE,
            std::ptr::from_ref(&attributes),
            size_of::<libc::mount_attr>(),
        )
    };
    if answer == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Marks every descriptor but the standard streams to be closed at execve, as OCI runtimes do: what
/// whoever started dropcap has open is none of a container's.
pub(crate) fn close_at_execve() {
    for number in open_descriptors().into_iter().filter(|number| *number > 2) {
        // A descriptor that is gone already needs no mark.
        let _ = rustix::io::fcntl_setfd(borrow(number), rustix::io::FdFlags::CLOEXEC);
    }
}
