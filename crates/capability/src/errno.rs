//! The errors that the modelled system calls give.

use std::fmt;

/// An error number by its name; the model is portable, so it carries no platform's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are errno(3)'s own")]
pub enum Errno {
    EPERM,
    EACCES,
    EINVAL,
    ENOSPC,
    ENOSYS,
    EAGAIN,
    ELOOP,
}

impl Errno {
    /// Its number on Linux, the same on x86_64 and aarch64.
    pub const fn number(self) -> i32 {
        match self {
            Self::EPERM => 1,
            Self::EAGAIN => 11,
            Self::EACCES => 13,
            Self::EINVAL => 22,
            Self::ENOSPC => 28,
            Self::ENOSYS => 38,
            Self::ELOOP => 40,
        }
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
