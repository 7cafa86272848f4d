//! execve(2) and its kin, with strings made before the credentials change.
#![allow(unsafe_code, reason = "execve takes arrays of pointers")]

use std::ffi::{CStr, CString, NulError, OsStr};
use std::fmt;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;

/// A null-terminated array of strings, as execve(2) takes its arguments and environment.
pub struct ExecStrings {
    strings: Vec<CString>,
    /// Into `strings`, whose heap buffers never move or change; the last one is null.
    pointers: Vec<*const libc::c_char>,
}

impl ExecStrings {
    /// From strings in their order.
    ///
    /// # Errors
    /// A string that has a NUL byte in it.
    pub fn new<S: AsRef<OsStr>>(strings: impl IntoIterator<Item = S>) -> Result<Self, NulError> {
        strings
            .into_iter()
            .map(|string| CString::new(string.as_ref().as_bytes()))
            .collect::<Result<Vec<_>, _>>()
            .map(Self::from)
    }

    /// What execve(2) takes: as long as `self` lives, null-terminated.
    pub(super) fn pointers(&self) -> *const *const libc::c_char {
        self.pointers.as_ptr()
    }

    /// The strings, in their order.
    pub fn strings(&self) -> &[CString] {
        &self.strings
    }
}

impl From<Vec<CString>> for ExecStrings {
    fn from(strings: Vec<CString>) -> Self {
        let pointers =
            strings.iter().map(|string| string.as_ptr()).chain([std::ptr::null()]).collect();
        Self { strings, pointers }
    }
}

impl fmt::Debug for ExecStrings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.strings).finish()
    }
}

/// execve(2): returns only if it fails, with the reason.
pub fn execve(path: &CStr, arguments: &ExecStrings, environment: &ExecStrings) -> io::Error {
    // SAFETY: the path and every string end in NUL, both arrays end in a null pointer, and all of
    // them live until the call returns.
    unsafe {
        libc::syscall(
            libc::SYS_execve,
            path.as_ptr(),
            arguments.pointers.as_ptr(),
            environment.pointers.as_ptr(),
        );
    }
    io::Error::last_os_error()
}

/// Executes the file that `file` refers to (execveat(2) with `AT_EMPTY_PATH`): returns only if it
/// fails. A script must not be close-on-exec, or its interpreter cannot open it.
pub fn fexecve(
    file: BorrowedFd<'_>,
    arguments: &ExecStrings,
    environment: &ExecStrings,
) -> io::Error {
    // SAFETY: as in `execve`; the empty path is a literal, the descriptor is borrowed and open.
    unsafe {
        libc::syscall(
            libc::SYS_execveat,
            file.as_raw_fd(),
            c"".as_ptr(),
            arguments.pointers.as_ptr(),
            environment.pointers.as_ptr(),
            libc::AT_EMPTY_PATH,
        );
    }
    io::Error::last_os_error()
}
