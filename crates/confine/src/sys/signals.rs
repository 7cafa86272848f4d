//! Signals, as far as a parent that hands them on needs them.
#![allow(unsafe_code, reason = "signal masks and dispositions")]

use std::io;

/// The signals that a thread had blocked.
pub struct Mask(libc::sigset_t);

/// Blocks every signal that can be blocked, and gives what was blocked before.
///
/// # Errors
/// What the kernel answers.
pub fn block_all() -> io::Result<Mask> {
    let mut all = empty_mask();
    // SAFETY: both pointers are to sets of ours.
    unsafe {
        libc::sigfillset(&raw mut all);
        set_mask(libc::SIG_BLOCK, &all)
    }
}

/// Blocks exactly what `mask` says.
///
/// # Errors
/// What the kernel answers.
pub fn restore(mask: &Mask) -> io::Result<()> {
    // SAFETY: the set is ours.
    unsafe { set_mask(libc::SIG_SETMASK, &mask.0) }.map(drop)
}

/// Waits for the next signal, which must be blocked.
///
/// # Errors
/// What the kernel answers.
pub fn next() -> io::Result<i32> {
    let mut all = empty_mask();
    loop {
        // SAFETY: the set is ours; no information beside the number is asked for.
        let signal = unsafe {
            libc::sigfillset(&raw mut all);
            libc::sigwaitinfo(&raw const all, std::ptr::null_mut())
        };
        if signal > 0 {
            return Ok(signal);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// Sends `signal` to one process.
///
/// # Errors
/// EPERM if it is somebody else's, ESRCH if it is gone.
pub fn send(process: i32, signal: i32) -> io::Result<()> {
    // SAFETY: two numbers.
    if unsafe { libc::kill(process, signal) } == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Gives a signal its default meaning.
///
/// # Errors
/// What the kernel answers.
pub fn set_default(signal: i32) -> io::Result<()> {
    // SAFETY: SIG_DFL runs no code of ours.
    if unsafe { libc::signal(signal, libc::SIG_DFL) } == libc::SIG_ERR {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

fn empty_mask() -> libc::sigset_t {
    // SAFETY: a set of bits; all zero is the empty set.
    unsafe { std::mem::zeroed() }
}

/// # Safety
/// `how` is one of the three operations of sigprocmask(2).
unsafe fn set_mask(how: libc::c_int, set: &libc::sigset_t) -> io::Result<Mask> {
    let mut old = empty_mask();
    // SAFETY: both sets are ours.
    let error = unsafe { libc::pthread_sigmask(how, set, &raw mut old) };
    if error == 0 { Ok(Mask(old)) } else { Err(io::Error::from_raw_os_error(error)) }
}
