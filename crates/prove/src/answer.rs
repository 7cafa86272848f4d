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
    /// The call went through, and what privilege keeps was kept.
    Kept,
    /// The call went through, and what privilege keeps was silently taken away.
    Cleared,
    /// A call that comes before the attempt, and asks for no privilege, failed with this errno.
    Before(i32),
}

impl Answer {
    /// The permission errors that filters and security modules give too.
    pub(crate) const EPERM: Self = Self::Errno(libc::EPERM);
    /// As [`Self::EPERM`].
    pub(crate) const EACCES: Self = Self::Errno(libc::EACCES);
    /// An invalid argument, which many calls answer only after the permission check.
    pub(crate) const EINVAL: Self = Self::Errno(libc::EINVAL);
    /// An address that is not mapped, likewise.
    pub(crate) const EFAULT: Self = Self::Errno(libc::EFAULT);
    /// No such system call, or one that a filter hides.
    pub(crate) const ENOSYS: Self = Self::Errno(libc::ENOSYS);
    /// What the audit subsystem answers in every user namespace but the machine's own.
    pub(crate) const ECONNREFUSED: Self = Self::Errno(libc::ECONNREFUSED);

    /// The errno that an error carries; one without counts as EIO.
    fn errno(error: &io::Error) -> i32 {
        error.raw_os_error().unwrap_or(libc::EIO)
    }

    /// Whether it is what the kernel, a filter or a security module says no by.
    pub(crate) fn is_refusal(self) -> bool {
        // A filter may well answer EINVAL to a kind of socket that it does not know.
        matches!(
            self,
            Self::EPERM
                | Self::EACCES
                | Self::ECONNREFUSED
                | Self::Signal(libc::SIGSYS)
                | Self::Cleared
                | Self::Before(libc::EPERM | libc::EACCES | libc::EINVAL)
        )
    }

    /// For the pipe from the child that made the attempt.
    pub(crate) fn to_bytes(self) -> [u8; 5] {
        let (tag, number) = match self {
            Self::Success => (0, 0),
            Self::Errno(errno) => (1, errno),
            Self::Signal(signal) => (2, signal),
            Self::Kept => (3, 0),
            Self::Cleared => (4, 0),
            Self::Before(errno) => (5, errno),
        };
        let [a, b, c, d] = i32::to_le_bytes(number);
        [tag, a, b, c, d]
    }

    /// The other way around.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (tag, number) = bytes.split_first()?;
        let number = i32::from_le_bytes(number.try_into().ok()?);
        Some(match tag {
            0 => Self::Success,
            1 => Self::Errno(number),
            2 => Self::Signal(number),
            3 => Self::Kept,
            4 => Self::Cleared,
            5 => Self::Before(number),
            _ => return None,
        })
    }
}

impl From<io::Result<()>> for Answer {
    fn from(result: io::Result<()>) -> Self {
        match result {
            Ok(()) => Self::Success,
            Err(error) => Self::Errno(Self::errno(&error)),
        }
    }
}

impl From<rustix::io::Result<()>> for Answer {
    fn from(result: rustix::io::Result<()>) -> Self {
        result.map_err(io::Error::from).into()
    }
}

/// An attempt of several calls: `Err` where it came to an end before the one that is on trial.
impl From<Result<Answer, Answer>> for Answer {
    fn from(result: Result<Self, Self>) -> Self {
        result.unwrap_or_else(|ended| ended)
    }
}

/// A call that comes before the one on trial.
pub(crate) fn before<T, E: Into<io::Error>>(result: Result<T, E>) -> Result<T, Answer> {
    result.map_err(|error| Answer::Before(Answer::errno(&error.into())))
}

/// The errno names that attempts meet; the rest are shown by their number.
const NAMES: &[(i32, &str)] = &[
    (libc::EPERM, "EPERM"),
    (libc::ENOENT, "ENOENT"),
    (libc::ESRCH, "ESRCH"),
    (libc::EIO, "EIO"),
    (libc::ENXIO, "ENXIO"),
    (libc::ENOEXEC, "ENOEXEC"),
    (libc::EBADF, "EBADF"),
    (libc::EAGAIN, "EAGAIN"),
    (libc::ENOMEM, "ENOMEM"),
    (libc::EACCES, "EACCES"),
    (libc::EFAULT, "EFAULT"),
    (libc::EBUSY, "EBUSY"),
    (libc::EEXIST, "EEXIST"),
    (libc::ENODEV, "ENODEV"),
    (libc::EINVAL, "EINVAL"),
    (libc::EMFILE, "EMFILE"),
    (libc::ENOTTY, "ENOTTY"),
    (libc::ENOSPC, "ENOSPC"),
    (libc::EROFS, "EROFS"),
    (libc::ENOSYS, "ENOSYS"),
    (libc::EUSERS, "EUSERS"),
    (libc::EPROTOTYPE, "EPROTOTYPE"),
    (libc::EPROTONOSUPPORT, "EPROTONOSUPPORT"),
    (libc::EOPNOTSUPP, "EOPNOTSUPP"),
    (libc::EAFNOSUPPORT, "EAFNOSUPPORT"),
    (libc::EADDRINUSE, "EADDRINUSE"),
    (libc::EADDRNOTAVAIL, "EADDRNOTAVAIL"),
    (libc::ECONNREFUSED, "ECONNREFUSED"),
    (libc::ESTALE, "ESTALE"),
];

fn name(errno: i32) -> String {
    match NAMES.iter().find(|(number, _)| *number == errno) {
        Some((_, name)) => (*name).to_owned(),
        None => format!("errno {errno}"),
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Success => f.pad("0"),
            Self::Errno(errno) => f.pad(&name(errno)),
            Self::Signal(libc::SIGSYS) => f.pad("SIGSYS"),
            Self::Signal(signal) => f.pad(&format!("signal {signal}")),
            Self::Kept => f.pad("kept"),
            Self::Cleared => f.pad("cleared"),
            Self::Before(errno) => f.pad(&format!("{} on the way", name(errno))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_comes_through_the_pipe_as_it_was() {
        let answers = [
            Answer::Success,
            Answer::EPERM,
            Answer::Signal(libc::SIGSYS),
            Answer::Kept,
            Answer::Cleared,
            Answer::Before(libc::EINVAL),
        ];
        for answer in answers {
            assert_eq!(Answer::from_bytes(&answer.to_bytes()), Some(answer));
        }
        assert_eq!(Answer::from_bytes(&[]), None);
        assert_eq!(Answer::from_bytes(&[9, 0, 0, 0, 0]), None);
    }
}
