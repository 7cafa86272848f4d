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

/// What every piece is a multiple of, and aligned to: nothing that is allocated often needs more.
const GRAIN: usize = 16;
/// Pieces below this size are given again as they are, others to be divided.
const LARGE: usize = 4096;

/// Memory that is free: there is one thread only.
struct Region {
    /// The first byte.
    free: AtomicPtr<u8>,
    /// How many there are.
    left: AtomicUsize,
}

/// The first has never been used, the others are pieces that came back.
static REGIONS: [Region; 8] = {
    let mut regions = [const { Region::new(null_mut(), 0) }; 8];
    regions[0] = Region::new(MEMORY.0.get().cast(), ARENA);
    regions
};

/// For each smaller size of a piece, the one that came back last, which begins with where the one before it is.
static GIVEN_BACK: [AtomicPtr<u8>; 27] = [const { AtomicPtr::new(null_mut()) }; 27];

/// The program's allocator: the standard library's, and before the C library starts one that takes
/// from a fixed piece, then from mmap(2), and gives what came back again first: a page that is touched for the
/// first time costs more than what is done in it.
///
/// What was allocated early is not used any more once the C library has started: the early
/// function has returned, or never will.
pub struct EarlyMemory;

impl EarlyMemory {
    /// Has the kernel give the first `bytes` of early memory at once, which takes half of what it takes to give them
    /// page by page, as each is touched. A kernel that cannot (before Linux 5.14) does that.
    ///
    /// For a function that [`entry`](crate::entry) calls, and that needs so many.
    pub fn expect(bytes: usize) {
        // SAFETY: these are the arena's own pages, whose content stays as it is (madvise(2)).
        unsafe {
            libc::madvise(MEMORY.0.get().cast(), bytes.min(ARENA), libc::MADV_POPULATE_WRITE);
        }
    }
}

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
        // SAFETY: the caller gives back a piece of that layout.
        unsafe { take_back(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !EARLY.load(Ordering::Relaxed) {
            // SAFETY: as in `dealloc`.
            return unsafe { System.realloc(pointer, layout, size) };
        }
        let Ok(larger) = Layout::from_size_align(size, layout.align()) else { return null_mut() };
        // SAFETY: the pointer and its layout are the caller's.
        if unsafe { grow(pointer, layout, larger) } {
            return pointer;
        }
        let fresh = early(larger);
        if !fresh.is_null() {
            // SAFETY: the old piece has `layout.size()` bytes, the new one `size`, and the new one
            // is nobody else's; the old one is not used any more.
            unsafe {
                fresh.copy_from_nonoverlapping(pointer, layout.size().min(size));
                take_back(pointer, layout);
            }
        }
        fresh
    }
}

fn early(layout: Layout) -> *mut u8 {
    // Pages are aligned to what they are; nothing here is aligned to more.
    if layout.align() > align_of::<Arena>() {
        return null_mut();
    }
    if let Some(piece) = again(layout).or_else(|| divide(layout)) {
        return piece;
    }
    let Some(size) = room(layout).max(MORE).checked_next_multiple_of(align_of::<Arena>()) else {
        return null_mut();
    };
    let pages = from_kernel(size);
    if pages.is_null() {
        return null_mut();
    }
    REGIONS[0].becomes(pages, size);
    REGIONS[0].take(layout).unwrap_or(null_mut())
}

/// How many bytes a piece takes: a power of two times 4 to 7 quarters, so that few sizes serve all and at most
/// a fifth is in vain.
fn room(layout: Layout) -> usize {
    let size = layout.size().max(GRAIN);
    size.next_multiple_of(GRAIN.max(1 << (size - 1).ilog2() >> 2))
}

/// The pieces of that layout that came back, the latest first, unless it is large or aligned to more than they
/// all are.
fn given_back(layout: Layout) -> Option<&'static AtomicPtr<u8>> {
    let room = room(layout);
    if layout.align() > GRAIN || room >= LARGE {
        return None;
    }
    let class = if room <= 4 * GRAIN {
        room / GRAIN - 1
    } else {
        let top = (room - 1).ilog2() as usize;
        4 * (top - GRAIN.ilog2() as usize - 1) + (room >> (top - 2)) - 5
    };
    GIVEN_BACK.get(class)
}

/// A piece that came back.
fn again(layout: Layout) -> Option<*mut u8> {
    let list = given_back(layout)?;
    let piece = list.load(Ordering::Relaxed);
    if piece.is_null() {
        return None;
    }
    // SAFETY: `take_back` wrote there which one came back before it.
    let next = unsafe { piece.cast::<*mut u8>().read() };
    list.store(next, Ordering::Relaxed);
    Some(piece)
}

/// A part of what is free; of what nobody has used, at last.
fn divide(layout: Layout) -> Option<*mut u8> {
    REGIONS.iter().rev().find_map(|region| region.take(layout))
}

/// Keeps a piece for those that come after.
///
/// # Safety
/// `piece` was given for `layout`, and nobody uses it any more.
unsafe fn take_back(piece: *mut u8, layout: Layout) {
    if let Some(list) = given_back(layout) {
        // SAFETY: it is nobody's, and has room and alignment for a pointer.
        unsafe { piece.cast::<*mut u8>().write(list.load(Ordering::Relaxed)) };
        return list.store(piece, Ordering::Relaxed);
    }
    // In the place of what is nearly used up.
    let left = |region: &&Region| region.left.load(Ordering::Relaxed);
    let least = REGIONS[1..].iter().min_by_key(left);
    if let Some(least) = least.filter(|least| left(least) < room(layout)) {
        least.becomes(piece, room(layout));
    }
}

impl Region {
    const fn new(free: *mut u8, left: usize) -> Self {
        Self { free: AtomicPtr::new(free), left: AtomicUsize::new(left) }
    }

    fn becomes(&self, free: *mut u8, left: usize) {
        self.free.store(free, Ordering::Relaxed);
        self.left.store(left, Ordering::Relaxed);
    }

    /// Its next piece, if it has enough.
    fn take(&self, layout: Layout) -> Option<*mut u8> {
        let (free, left) = (self.free.load(Ordering::Relaxed), self.left.load(Ordering::Relaxed));
        let skipped = free.align_offset(layout.align().max(GRAIN));
        let taken = skipped.checked_add(room(layout))?;
        let left = left.checked_sub(taken)?;
        // SAFETY: both lie inside of what is free.
        let (piece, free) = unsafe { (free.add(skipped), free.add(taken)) };
        self.becomes(free, left);
        Some(piece)
    }
}

/// Makes a piece larger in its place, where that can be: it has room, or nothing was given behind it.
///
/// # Safety
/// `piece` was given for `layout`.
unsafe fn grow(piece: *mut u8, layout: Layout, larger: Layout) -> bool {
    let (has, needs) = (room(layout), room(larger));
    if needs <= has {
        return true;
    }
    // SAFETY: one byte behind a piece is still of its memory.
    let end = unsafe { piece.add(has) };
    let behind = REGIONS.iter().find(|region| region.free.load(Ordering::Relaxed) == end);
    let Some(region) = behind else { return false };
    let Some(left) = region.left.load(Ordering::Relaxed).checked_sub(needs - has) else {
        return false;
    };
    // SAFETY: so many bytes are free behind it.
    region.becomes(unsafe { end.add(needs - has) }, left);
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
    fn every_size_has_room_and_few_bytes_in_vain() {
        let mut rooms = Vec::new();
        for size in 0..=2 * LARGE {
            let room = room(layout(size, 1));
            assert!(room >= size && room.is_multiple_of(GRAIN), "{size}");
            assert!(room <= GRAIN || size <= 4 * GRAIN || (room - size) * 5 <= room, "{size}");
            let list = given_back(layout(size, 1)).map(std::ptr::from_ref);
            assert_eq!(list.is_some(), room < LARGE, "{size}");
            rooms.push((room, list));
        }
        rooms.dedup();
        let mut lists: Vec<_> = rooms.iter().filter_map(|(_, list)| *list).collect();
        lists.dedup();
        assert_eq!(lists.len(), GIVEN_BACK.len(), "one for each size");
    }

    #[test]
    fn a_piece_grows_in_its_place_if_nothing_is_behind_it() {
        let _guard = ONE_AT_A_TIME.lock();
        let (small, large) = (layout(LARGE, 8), layout(5 * LARGE, 8));
        let [first, second] = [(); 2].map(|()| early(small));
        // SAFETY: each was given for that layout.
        unsafe {
            assert!(grow(first, layout(17, 8), layout(32, 8)), "it has room");
            assert!(!grow(first, small, large) && grow(second, small, large));
            assert!(!grow(second, large, layout(usize::MAX / 4, 8)), "there is no more");
        }
        assert_eq!(early(small).addr(), second.addr() + 5 * LARGE);
    }

    #[test]
    fn what_comes_back_is_given_again() {
        let _guard = ONE_AT_A_TIME.lock();
        for size in [1, 16, 65, 1000, 3000] {
            let pieces = [(); 3].map(|()| early(layout(size, 8)));
            // SAFETY: each was given for that layout, and nobody uses them.
            pieces.iter().for_each(|piece| unsafe { take_back(*piece, layout(size, 8)) });
            for piece in pieces.into_iter().rev() {
                assert_eq!(early(layout(size, 1)), piece, "{size}");
            }
        }
        let large = layout(10 * LARGE, 8);
        let [first, _, third] = [(); 3].map(|()| early(large));
        // SAFETY: as above.
        unsafe {
            take_back(first, large);
            take_back(third, large);
        }
        let inside = |piece: *mut u8| {
            let offset = |large: *mut u8| piece.addr().wrapping_sub(large.addr());
            offset(first) < 10 * LARGE || offset(third) < 10 * LARGE
        };
        let parts = [(); 16].map(|()| early(layout(LARGE, 8)));
        assert!(parts.into_iter().all(inside));
        assert!(!inside(early(large)), "there is not enough in one any more");
    }

    #[test]
    fn what_is_expected_is_there_before_it_is_touched() {
        const PAGES: usize = 200;
        EarlyMemory::expect(PAGES * align_of::<Arena>());
        let mut there = [0_u8; PAGES];
        // SAFETY: the arena's own pages, and a byte for each of them (mincore(2)).
        let answer = unsafe {
            libc::mincore(
                MEMORY.0.get().cast(),
                PAGES * align_of::<Arena>(),
                there.as_mut_ptr().cast(),
            )
        };
        assert_eq!(answer, 0);
        assert!(there.iter().all(|page| page & 1 == 1), "{there:?}");
    }

    #[test]
    fn what_cannot_be_had_is_null() {
        let _guard = ONE_AT_A_TIME.lock();
        assert!(early(layout(1, 8192)).is_null());
        assert!(early(layout(isize::MAX as usize - 4096, 1)).is_null());
    }
}
