//! What the kernel answered to an attempt.

use std::fmt;
use std::io;

/// What the kernel answered to an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    /// The call went through.
    Success,
    /// The call failed with this errno.
    Errno(i32),
    /// The child was killed by this signal: what a seccomp filter may do instead of an errno.
    Signal(i32),
}

impl Answer {
    /// The permission errors that filters and security modules give too.
    pub(crate) const EPERM: Self = Self::Errno(libc::EPERM);
    /// As [`Self::EPERM`].
    pub(crate) const EACCES: Self = Self::Errno(libc::EACCES);
    /// An invalid argument, which many calls answer only after the permission check.
    pub(crate) const EINVAL: Self = Self::Errno(libc::EINVAL);
    /// No such system call, or one that a filter hides.
    pub(crate) const ENOSYS: Self = Self::Errno(libc::ENOSYS);

    /// From what a call returned; an error that carries no errno counts as EIO.
    pub fn of<T>(result: &io::Result<T>) -> Self {
        match result {
            Ok(_) => Self::Success,
            Err(error) => Self::Errno(error.raw_os_error().unwrap_or(libc::EIO)),
        }
    }
}

/// The errno names that attempts meet; the rest are shown by their number.
const NAMES: &[(i32, &str)] = &[
    (libc::EPERM, "EPERM"),
    (libc::ENOENT, "ENOENT"),
    (libc::ESRCH, "ESRCH"),
    (libc::EIO, "EIO"),
    (libc::EAGAIN, "EAGAIN"),
    (libc::ENOMEM, "ENOMEM"),
    (libc::EACCES, "EACCES"),
    (libc::EEXIST, "EEXIST"),
    (libc::ENODEV, "ENODEV"),
    (libc::EINVAL, "EINVAL"),
    (libc::EMFILE, "EMFILE"),
    (libc::ENOSPC, "ENOSPC"),
    (libc::EROFS, "EROFS"),
    (libc::ENOSYS, "ENOSYS"),
    (libc::EUSERS, "EUSERS"),
    (libc::EADDRINUSE, "EADDRINUSE"),
    (libc::EADDRNOTAVAIL, "EADDRNOTAVAIL"),
    (libc::EAFNOSUPPORT, "EAFNOSUPPORT"),
    (libc::EOPNOTSUPP, "EOPNOTSUPP"),
];

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Success => f.pad("0"),
            Self::Errno(errno) => match NAMES.iter().find(|(number, _)| *number == errno) {
                Some((_, name)) => f.pad(name),
                None => f.pad(&format!("errno {errno}")),
            },
            Self::Signal(libc::SIGSYS) => f.pad("SIGSYS"),
            Self::Signal(signal) => f.pad(&format!("signal {signal}")),
        }
    }
}
