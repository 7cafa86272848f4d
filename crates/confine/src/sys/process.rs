//! Making a process, and learning how it ended.
#![allow(unsafe_code, reason = "fork and _exit")]

use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// A thread that was joined, or that has nothing left to do, may be one of the process for a moment still: it is
/// joined when it has given up its memory (`mm_release`), and counts until the kernel has taken it off the list
/// (`__exit_signal`), which on a busy machine it does when it gets a processor again.
const ENDING: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_micros(200);

/// Which of the two processes goes on here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fork {
    /// The one that called, and the pid of the other.
    Parent(i32),
    /// The new one; it must not return into its caller's callers, but end by [`exit_now`] or execve.
    Child,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// By exit, with this status.
    Exited(u8),
    /// By this signal.
    Signaled(i32),
}

impl Wait {
    /// As a shell shows it: the status, or 128 and the signal's number.
    pub fn code(self) -> u8 {
        match self {
            Self::Exited(status) => status,
            Self::Signaled(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        }
    }

    pub(super) fn from_status(status: i32) -> Self {
        if libc::WIFSIGNALED(status) {
            Self::Signaled(libc::WTERMSIG(status))
        } else {
            // `wstatus >> 8 & 0xff` always fits.
            Self::Exited(libc::WEXITSTATUS(status) as u8)
        }
    }
}

/// fork(2) of a process that has one thread.
///
/// # Errors
/// [`io::ErrorKind::Deadlock`] if there is a second thread: the child might wait forever for a lock
/// that it held. Else what the kernel answers.
pub fn fork() -> io::Result<Fork> {
    require_single_thread()?;
    // SAFETY: there is no other thread.
    unsafe { fork_unchecked() }
}

/// Refuses where a forked child might wait forever for a lock that another thread held.
pub(super) fn require_single_thread() -> io::Result<()> {
    let deadline = Instant::now() + ENDING;
    while !is_single_threaded()? {
        if Instant::now() < deadline {
            sleep(PAUSE);
            continue;
        }
        let message = "fork in a process with several threads";
        return Err(io::Error::new(io::ErrorKind::Deadlock, message));
    }
    Ok(())
}

/// fork(2) whatever else runs.
///
/// # Safety
/// If the process has other threads, the child must take no lock that one of them may hold:
/// glibc makes allocation safe again in the child, the standard streams of Rust are not.
///
/// # Errors
/// What the kernel answers.
pub unsafe fn fork_unchecked() -> io::Result<Fork> {
    // SAFETY: the caller's contract.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(Fork::Child),
        child => Ok(Fork::Parent(child)),
    }
}

/// Whether this process has one thread.
///
/// `unshare(CLONE_THREAD)` changes nothing and answers EINVAL exactly where there is a second one
/// (`check_unshare_flags`); where a filter denies the call, /proc tells.
fn is_single_threaded() -> io::Result<bool> {
    // SAFETY: one number.
    if unsafe { libc::syscall(libc::SYS_unshare, libc::CLONE_THREAD) } == 0 {
        return Ok(true);
    }
    if io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL) {
        return Ok(false);
    }
    Ok(std::fs::read_dir("/proc/self/task")?.count() == 1)
}

/// Ends this process at once, without anything registered for its end: what a forked child must do.
pub fn exit_now(status: u8) -> ! {
    // SAFETY: _exit has no precondition; the kernel cleans up.
    unsafe { libc::_exit(i32::from(status)) }
}

/// waitpid(2) for the end of one child.
///
/// # Errors
/// ECHILD if it is not a child of this process or was waited for already.
pub fn wait(child: i32) -> io::Result<Wait> {
    wait_for(child, 0).map(|(_, ended)| ended)
}

/// Reaps one child that has ended, if there is one, and says which; waits for nothing.
///
/// # Errors
/// What the kernel answers; no child at all is `Ok(None)`.
pub fn reap_any() -> io::Result<Option<(i32, Wait)>> {
    match wait_for(-1, libc::WNOHANG) {
        Ok((0, _)) => Ok(None),
        Ok(ended) => Ok(Some(ended)),
        Err(error) if error.raw_os_error() == Some(libc::ECHILD) => Ok(None),
        Err(error) => Err(error),
    }
}

fn wait_for(which: i32, options: i32) -> io::Result<(i32, Wait)> {
    loop {
        let mut status = 0;
        // SAFETY: `status` is ours and valid for the kernel to write one int.
        let child = unsafe { libc::waitpid(which, &raw mut status, options) };
        if child >= 0 {
            return Ok((child, Wait::from_status(status)));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
