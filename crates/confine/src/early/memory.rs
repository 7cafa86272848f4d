//! Memory before the C library's allocator can be asked.
#![allow(unsafe_code, reason = "an allocator")]

use super::EARLY;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A usual start takes some 30 KiB; what is not touched costs nothing.
const ARENA: usize = 1 << 20;

#[repr(align(4096))]
struct Arena(UnsafeCell<[u8; ARENA]>);

// SAFETY: `USED` gives every byte away once at most.
unsafe impl Sync for Arena {}

static MEMORY: Arena = Arena(UnsafeCell::new([0; ARENA]));
static USED: AtomicUsize = AtomicUsize::new(0);

/// The program's allocator: the standard library's, and before the C library starts one that takes
/// from a fixed piece, then from mmap(2), and gives nothing back.
///
/// What was allocated early is not used any more once the C library has started: the early
/// function has returned, or never will.
pub struct EarlyMemory;

// SAFETY: `System` keeps the contract; early memory is fresh, aligned, zeroed and never reused.
unsafe impl GlobalAlloc for EarlyMemory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if EARLY.load(Ordering::Relaxed) {
            return early(layout);
        }
        // SAFETY: the caller's contract is that of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if EARLY.load(Ordering::Relaxed) {
            return early(layout);
        }
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if !EARLY.load(Ordering::Relaxed) {
            // SAFETY: as above; it is `System`'s, since nothing early lives on.
            unsafe { System.dealloc(pointer, layout) }
        }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !EARLY.load(Ordering::Relaxed) {
            // SAFETY: as in `dealloc`.
            return unsafe { System.realloc(pointer, layout, size) };
        }
        let Ok(larger) = Layout::from_size_align(size, layout.align()) else { return null_mut() };
        let fresh = early(larger);
        if !fresh.is_null() {
            // SAFETY: the old piece has `layout.size()` bytes, the new one `size`, and the new one
            // is nobody else's.
            unsafe { fresh.copy_from_nonoverlapping(pointer, layout.size().min(size)) };
        }
        fresh
    }
}

fn early(layout: Layout) -> *mut u8 {
    let start = USED.load(Ordering::Relaxed).next_multiple_of(layout.align());
    match start.checked_add(layout.size()) {
        // The arena is aligned to a page; nothing here is aligned to more.
        Some(end) if end <= ARENA && layout.align() <= align_of::<Arena>() => {
            USED.store(end, Ordering::Relaxed);
            // SAFETY: `start` is inside of the arena.
            unsafe { MEMORY.0.get().cast::<u8>().add(start) }
        }
        _ => from_kernel(layout),
    }
}

/// Pages of their own: a large environment, a large /etc/passwd.
fn from_kernel(layout: Layout) -> *mut u8 {
    if layout.align() > align_of::<Arena>() {
        return null_mut();
    }
    // SAFETY: a private anonymous mapping at an address of the kernel's choice touches nothing.
    let pages = unsafe {
        libc::mmap(
            null_mut(),
            layout.size(),
            libc::PROT_READ | libc::PROT_WRITE,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        )
    };
    if pages == libc::MAP_FAILED { null_mut() } else { pages.cast() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).expect("a layout")
    }

    #[test]
    fn pieces_are_aligned_zeroed_and_apart() {
        let pieces = [(3, 1), (8, 8), (1, 1), (100, 64), (16, 16), (ARENA, 8), (7, 4096), (5, 2)];
        let mut taken: Vec<(usize, usize)> = Vec::new();
        for (size, align) in pieces {
            let piece = early(layout(size, align));
            assert!(!piece.is_null() && piece.addr().is_multiple_of(align), "{size} {align}");
            // SAFETY: `early` gave `size` bytes to this test alone.
            let bytes = unsafe { std::slice::from_raw_parts_mut(piece, size) };
            assert!(bytes.iter().all(|byte| *byte == 0), "{size} {align}");
            bytes.fill(0xff);
            let (start, end) = (piece.addr(), piece.addr() + size);
            assert!(taken.iter().all(|(from, to)| end <= *from || start >= *to), "{size} {align}");
            taken.push((start, end));
        }
    }

    #[test]
    fn what_cannot_be_had_is_null() {
        assert!(early(layout(1, 8192)).is_null());
        assert!(early(layout(isize::MAX as usize - 4096, 1)).is_null());
    }
}
