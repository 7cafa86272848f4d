//! Thread-local variables before the C library has set them up.
#![allow(unsafe_code, reason = "the thread pointer is a register")]

use std::cell::UnsafeCell;
use std::io;
use std::ptr::null;

/// Room for the program's thread-local variables and the thread's head: they have some 300 bytes.
const ROOM: usize = 4096;
/// What of the C library's `struct pthread` its wrappers look at lies well inside this.
const HEAD: usize = 1024;

#[repr(align(64))]
struct Block(UnsafeCell<[u8; ROOM]>);

// SAFETY: it is written once, by the only thread that there is.
unsafe impl Sync for Block {}

static BLOCK: Block = Block(UnsafeCell::new([0; ROOM]));

/// The variables as the program's file has them: its `PT_TLS` segment.
pub struct Image {
    /// Where the initialised ones lie in memory.
    pub start: *const u8,
    /// How many bytes are initialised; zeros follow.
    pub initialised: usize,
    /// All of them.
    pub size: usize,
    /// What the block's end is aligned to.
    pub align: usize,
}

impl Default for Image {
    /// No variables at all.
    fn default() -> Self {
        Self { start: null(), initialised: 0, size: 0, align: 1 }
    }
}

/// Points the thread's register to a copy of `image`: the layout is "variant II" of the ELF TLS
/// specification, where the variables end at the thread's head, whose first word is its own address.
///
/// # Errors
/// Where there is no room for them, or the kernel refuses.
///
/// # Safety
/// `image` is this program's own, and no other thread runs.
pub unsafe fn set_up(image: &Image) -> io::Result<()> {
    let head = ROOM - HEAD;
    let size = image.size.next_multiple_of(image.align.max(1));
    if image.align > align_of::<Block>() || size > head || image.initialised > size {
        return Err(io::ErrorKind::OutOfMemory.into());
    }
    let block = BLOCK.0.get().cast::<u8>();
    // SAFETY: both ranges lie inside of the block by the check above, and nobody else uses it.
    let head = unsafe {
        if image.initialised > 0 {
            block.add(head - size).copy_from_nonoverlapping(image.start, image.initialised);
        }
        let head = block.add(head);
        head.cast::<*mut u8>().write(head);
        head
    };
    arch_prctl(head)
}

/// `arch_prctl(ARCH_SET_FS)`, without the C library, whose wrappers write `errno`.
fn arch_prctl(head: *mut u8) -> io::Result<()> {
    /// `ARCH_SET_FS` of `arch/x86/include/uapi/asm/prctl.h`.
    const ARCH_SET_FS: usize = 0x1002;
    let answer: isize;
    // SAFETY: the kernel sets the register and touches no memory; the system call clobbers rcx and
    // r11 alone. What the register points to is valid for ever.
    unsafe {
        core::arch::asm!(
            "syscall",
            inlateout("rax") libc::SYS_arch_prctl as usize => answer,
            in("rdi") ARCH_SET_FS,
            in("rsi") head,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    if answer == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(-answer as i32)) }
}
