//! Memory of our own.

use super::answer;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;

/// What one lock is about: no page of any architecture is smaller.
const LEAST_PAGE: usize = 4096;

/// `mlock` of one page of the stack.
pub(crate) fn lock_own_memory() -> io::Result<()> {
    let here = 0_u8;
    // SAFETY: the address is mapped, and locking changes no memory.
    let returned = unsafe { libc::mlock(std::ptr::from_ref(&here).cast(), 1) };
    answer(returned.into())
}

/// One page of a file, mapped for reading.
#[derive(Debug)]
pub(crate) struct Page(NonNull<libc::c_void>);

impl Page {
    /// Maps the first page.
    pub fn map(file: BorrowedFd<'_>) -> io::Result<Self> {
        // SAFETY: the kernel chooses the place, so that nothing is mapped over.
        let page = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                LEAST_PAGE,
                libc::PROT_READ,
                libc::MAP_SHARED,
                file.as_raw_fd(),
                0,
            )
        };
        if page == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(page).map(Self).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Its name in `/proc/self/map_files`.
    pub fn name(&self) -> String {
        let first = self.0.as_ptr() as usize;
        let end = first + LEAST_PAGE.next_multiple_of(page_size());
        format!("{first:x}-{end:x}")
    }
}

/// The size of a page. (rustix reads it from /proc on kernels before 6.4, which an undumpable process may
/// not.)
fn page_size() -> usize {
    // SAFETY: the argument is a number.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(size).unwrap_or(LEAST_PAGE)
}

impl Drop for Page {
    fn drop(&mut self) {
        // SAFETY: it was mapped by `map` with this length, and nobody else has its address.
        unsafe { libc::munmap(self.0.as_ptr(), LEAST_PAGE) };
    }
}
