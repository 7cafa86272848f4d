//! Options of sockets.

use super::answer;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// `setsockopt(NETLINK_LISTEN_ALL_NSID)`.
pub(crate) fn listen_to_all_networks(socket: BorrowedFd<'_>) -> io::Result<()> {
    let on: libc::c_int = 1;
    // SAFETY: the value has the size that is passed, and lives through the call.
    let returned = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_NETLINK,
            libc::NETLINK_LISTEN_ALL_NSID,
            std::ptr::from_ref(&on).cast(),
            size_of_val(&on) as libc::socklen_t,
        )
    };
    answer(returned.into())
}
