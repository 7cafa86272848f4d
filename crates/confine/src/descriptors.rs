//! Closing what was inherited: a descriptor is a privilege that no set shows.

use crate::sys::System;
use std::io;

/// The descriptors that every program expects: input, output, errors.
const STANDARD: u32 = 3;

/// Closes every descriptor above 2 that is not in `keep`.
///
/// # Errors
/// `EBADF` for one to be kept that is not open; else what the kernel answers.
pub fn close_all_but(system: &impl System, keep: &[u32]) -> io::Result<()> {
    let mut kept: Vec<u32> = keep.iter().copied().filter(|fd| *fd >= STANDARD).collect();
    kept.sort_unstable();
    kept.dedup();
    for descriptor in &kept {
        system.make_inheritable(*descriptor)?;
    }
    let mut first = STANDARD;
    for next in kept.iter().copied() {
        if first < next {
            close(system, first, next - 1)?;
        }
        first = next + 1;
    }
    close(system, first, u32::MAX)
}

/// close_range(2), or one by one where it is missing (before Linux 5.9) or an older seccomp profile
/// denies what it does not know.
fn close(system: &impl System, first: u32, last: u32) -> io::Result<()> {
    match system.close_range(first, last) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM)) => {
            let open = system.open_descriptors()?;
            open.into_iter()
                .filter(|descriptor| (first..=last).contains(descriptor))
                .try_for_each(|descriptor| system.close(descriptor))
        }
        answer => answer,
    }
}
