//! Memory before the C library's allocator can be asked.
#![allow(unsafe_code, reason = "an allocator")]

use super::EARLY;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::UnsafeCell;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

/// A usual start takes some 30 KiB, the OCI runtime's some 100; what is not touched costs nothing.
const ARENA: usize = 1 << 20;
/// What is asked of the kernel at once beyond that: a process may have 65,530 mappings.
const MORE: usize = 16 << 20;

#[repr(align(4096))]
struct Arena(UnsafeCell<[u8; ARENA]>);

// SAFETY: every byte is given away once at most.
unsafe impl Sync for Arena {}

static MEMORY: Arena = Arena(UnsafeCell::new([0; ARENA]));
/// The first byte that is free, and how many are: there is one thread only.
static FREE: AtomicPtr<u8> = AtomicPtr::new(MEMORY.0.get().cast());
static LEFT: AtomicUsize = AtomicUsize::new(ARENA);

/// The program's allocator: the standard library's, and before the C library starts one that takes
/// from a fixed piece, then from mmap(2), and takes back only the piece that was given last: a page that is
/// touched for the first time costs more than what is done in it.
///
/// What was allocated early is not used any more once the C library has started: the early
/// function has returned, or never will.
pub struct EarlyMemory;

// SAFETY: `System` keeps the contract; early memory is aligned and nobody else's.
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
            let piece = early(layout);
            if !piece.is_null() {
                // SAFETY: it has so many bytes.
                unsafe { piece.write_bytes(0, layout.size()) };
            }
            return piece;
        }
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if !EARLY.load(Ordering::Relaxed) {
            // SAFETY: as above; it is `System`'s, since nothing early lives on.
            return unsafe { System.dealloc(pointer, layout) };
        }
        // SAFETY: the caller gives back a piece with so many bytes.
        unsafe { take_back(pointer, layout.size()) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !EARLY.load(Ordering::Relaxed) {
            // SAFETY: as in `dealloc`.
            return unsafe { System.realloc(pointer, layout, size) };
        }
        // SAFETY: the pointer and its layout are the caller's.
        if size <= layout.size() || unsafe { grow(pointer, layout.size(), size) } {
            return pointer;
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
    // Pages are aligned to what they are; nothing here is aligned to more.
    if layout.align() > align_of::<Arena>() {
        return null_mut();
    }
    if let Some(piece) = take(layout) {
        return piece;
    }
    let Some(size) = layout.size().max(MORE).checked_next_multiple_of(align_of::<Arena>()) else {
        return null_mut();
    };
    let pages = from_kernel(size);
    if pages.is_null() {
        return null_mut();
    }
    FREE.store(pages, Ordering::Relaxed);
    LEFT.store(size, Ordering::Relaxed);
    take(layout).unwrap_or(null_mut())
}

/// The next free piece, if there is enough.
fn take(layout: Layout) -> Option<*mut u8> {
    let (free, left) = (FREE.load(Ordering::Relaxed), LEFT.load(Ordering::Relaxed));
    let skipped = free.align_offset(layout.align());
    let left = left.checked_sub(skipped.checked_add(layout.size())?)?;
    // SAFETY: both lie inside of what is free.
    let (piece, free) = unsafe { (free.add(skipped), free.add(skipped + layout.size())) };
    FREE.store(free, Ordering::Relaxed);
    LEFT.store(left, Ordering::Relaxed);
    Some(piece)
}

/// Makes the piece that was given last free again; others stay taken.
///
/// # Safety
/// `piece` has `size` bytes, and nobody uses it any more.
unsafe fn take_back(piece: *mut u8, size: usize) {
    // SAFETY: one byte behind a piece is still of its memory.
    if unsafe { piece.add(size) } == FREE.load(Ordering::Relaxed) {
        FREE.store(piece, Ordering::Relaxed);
        LEFT.store(LEFT.load(Ordering::Relaxed) + size, Ordering::Relaxed);
    }
}

/// Makes the piece that was given last larger, where that can be.
///
/// # Safety
/// `piece` has `size` bytes.
unsafe fn grow(piece: *mut u8, size: usize, larger: usize) -> bool {
    // SAFETY: one byte behind a piece is still of its memory.
    let end = unsafe { piece.add(size) };
    let more = larger - size;
    let left = LEFT.load(Ordering::Relaxed);
    if end != FREE.load(Ordering::Relaxed) || more > left {
        return false;
    }
    // SAFETY: so many bytes are free behind it.
    FREE.store(unsafe { end.add(more) }, Ordering::Relaxed);
    LEFT.store(left - more, Ordering::Relaxed);
    true
}

/// Zeroed pages: a large environment, a large /etc/passwd, a large policy.
fn from_kernel(size: usize) -> *mut u8 {
    // SAFETY: a private anonymous mapping at an address of the kernel's choice touches nothing.
    let pages = unsafe {
        libc::mmap(
            null_mut(),
            size,
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

    /// They share what is free, as threads would.
    static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());

    #[test]
    fn pieces_are_aligned_and_apart() {
        let _guard = ONE_AT_A_TIME.lock();
        let pieces = [(3, 1), (8, 8), (1, 1), (100, 64), (16, 16), (ARENA, 8), (7, 4096), (5, 2)];
        let pieces = [&pieces[..], &[(MORE + 1, 8), (MORE, 1), (3, 1)]].concat();
        let mut taken: Vec<(usize, usize)> = Vec::new();
        for (size, align) in pieces {
            let piece = early(layout(size, align));
            assert!(!piece.is_null() && piece.addr().is_multiple_of(align), "{size} {align}");
            // SAFETY: `early` gave `size` bytes to this test alone.
            let bytes = unsafe { std::slice::from_raw_parts_mut(piece, size) };
            bytes.fill(0xff);
            let (start, end) = (piece.addr(), piece.addr() + size);
            assert!(taken.iter().all(|(from, to)| end <= *from || start >= *to), "{size} {align}");
            taken.push((start, end));
        }
    }

    #[test]
    fn the_last_piece_grows_in_its_place() {
        let _guard = ONE_AT_A_TIME.lock();
        let [first, second] = [(); 2].map(|()| early(layout(8, 8)));
        // SAFETY: each has 8 bytes.
        unsafe {
            assert!(!grow(first, 8, 16) && grow(second, 8, 24));
            assert!(!grow(second, 24, usize::MAX / 2), "there is no more");
        }
        assert_eq!(early(layout(1, 1)).addr(), second.addr() + 24);
    }

    #[test]
    fn the_last_piece_is_taken_back() {
        let _guard = ONE_AT_A_TIME.lock();
        let [first, second] = [(); 2].map(|()| early(layout(8, 8)));
        // SAFETY: each has 8 bytes, and nobody uses them.
        unsafe {
            take_back(first, 8);
            assert_eq!(early(layout(8, 8)).addr(), second.addr() + 8, "it was not the last");
            take_back(second.add(8), 8);
            take_back(second, 8);
        }
        assert_eq!(early(layout(8, 8)), second);
    }

    #[test]
    fn what_cannot_be_had_is_null() {
        let _guard = ONE_AT_A_TIME.lock();
        assert!(early(layout(1, 8192)).is_null());
        assert!(early(layout(isize::MAX as usize - 4096, 1)).is_null());
    }
}
