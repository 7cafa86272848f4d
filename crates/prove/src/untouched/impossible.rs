//! Calls whose arguments no kernel accepts: they come as far as the permission check, and fail.

use super::answer;
use dropcap_capability::Capability;
use dropcap_confine::sys::{Linux, System};
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use std::io;
use std::os::fd::AsRawFd;

/// `sethostname(NULL, -1)`: EPERM or EINVAL, never more.
pub(crate) fn set_impossible_hostname() -> io::Result<()> {
    // SAFETY: the kernel compares the length with `__NEW_UTS_LEN` before it reads from the pointer,
    // so nothing is read through it.
    let returned =
        unsafe { libc::syscall(libc::SYS_sethostname, std::ptr::null::<libc::c_char>(), -1_isize) };
    answer(returned)
}

/// The last bit of a capability set, which no kernel has a capability for.
pub(crate) const NO_CAPABILITY: u8 = Capability::MAX_BITS - 1;

/// `prctl(PR_CAPBSET_DROP, 63)`: EPERM or EINVAL, never more. On a kernel that has a capability of this
/// number, the calling child alone would lose it.
pub(crate) fn drop_no_capability() -> io::Result<()> {
    match Capability::from_number(NO_CAPABILITY) {
        Some(none) => Linux.bounding_drop(none),
        None => Err(io::Error::from_raw_os_error(libc::EINVAL)),
    }
}

/// `ioctl(SIOCSIFMETRIC)` of the loopback interface: EPERM or EOPNOTSUPP, never more.
pub(crate) fn set_impossible_metric() -> io::Result<()> {
    let socket = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    // SAFETY: an `ifreq` of zeros is a valid one: an empty name, and numbers.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(c"lo".to_bytes_with_nul()) {
        *to = *from as libc::c_char;
    }
    // SAFETY: the socket is open, and the request is a whole `ifreq` that lives through the call.
    let returned = unsafe {
        libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFMETRIC, std::ptr::from_mut(&mut request))
    };
    answer(returned.into())
}

/// `init_module` of an image of no bytes: EPERM or ENOEXEC, never more.
pub(crate) fn load_nothing() -> io::Result<()> {
    let nothing = std::ptr::null::<libc::c_void>();
    // SAFETY: an image shorter than an ELF header is refused before anything is read
    // (`copy_module_from_user`), and the parameters, an empty string, are read after that.
    let returned = unsafe { libc::syscall(libc::SYS_init_module, nothing, 0_usize, c"".as_ptr()) };
    answer(returned)
}

/// `acct` of a path at address 1, which nobody has mapped: EPERM or EFAULT, never more.
///
/// The address must never be NULL, which would switch accounting off.
pub(crate) fn account_to_nowhere() -> io::Result<()> {
    const NOWHERE: usize = 1;
    // SAFETY: the kernel copies the path from user space with a check (`getname`): an address that is
    // not mapped is EFAULT. `mmap_min_addr` keeps it so.
    let returned = unsafe { libc::syscall(libc::SYS_acct, NOWHERE) };
    answer(returned)
}

/// `reboot` with none of the magic numbers: EPERM or EINVAL, never more.
pub(crate) fn reboot_without_magic() -> io::Result<()> {
    // SAFETY: the arguments are numbers, but for the last, which is read for one command alone.
    let returned = unsafe { libc::syscall(libc::SYS_reboot, 0, 0, 0, 0) };
    answer(returned)
}

/// `adjtimex` that sets a tick of 0: EPERM or EINVAL, never more.
pub(crate) fn set_impossible_tick() -> io::Result<()> {
    // SAFETY: a `timex` of zeros is a valid one: numbers.
    let mut time: libc::timex = unsafe { std::mem::zeroed() };
    time.modes = libc::ADJ_TICK;
    // SAFETY: the structure lives through the call.
    let returned = unsafe { libc::adjtimex(std::ptr::from_mut(&mut time)) };
    answer(returned.into())
}
