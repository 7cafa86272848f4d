//! A program's first steps, before the C library's own.
//!
//! `run` stands before every start of a container, and most of its time was glibc's start: a static
//! program asks the processor for its caches by some 80 CPUID instructions, each of which leaves a
//! virtual machine for its host (6 µs each where this was measured; nothing on bare metal). None of
//! it serves a program that makes some 150 system calls and is then replaced.
//!
//! So [`entry`] makes an entry point of its own. It sets up what Rust code needs, which is little,
//! and gives the arguments to a function. If that returns, everything is handed over: the C
//! library's `_start` runs on the untouched stack, as if nothing had been, and the whole program with
//! it. So the early function can leave to the other whatever it does not know, and every error.
//!
//! # What early code can rely on
//! - Thread-local variables, `errno` among them, and so the C library's wrappers of system calls.
//! - Memory from [`EarlyMemory`], which is never given back.
//! - `memcpy` and its kin by [`entry`]'s own: the C library's are chosen by processor at its start.
//!
//! # Limitations
//! - `std::env` knows nothing yet; [`Given`] has the arguments and the environment.
//! - No threads, no standard output of `std`, no process that is started and waited for.
//! - Nothing of the C library's that allocates or handles strings: no `canonicalize`, `read_dir` or
//!   `remove_dir_all`, no words for an error of the kernel's.
//! - x86_64, glibc, linked statically: elsewhere the entry point is the C library's, which costs
//!   little there. A program to which the loader gives more rights (`AT_SECURE`) is handed over
//!   at once.

mod memory;
mod stack;
mod thread;

pub use memory::EarlyMemory;
pub use stack::Given;
#[doc(hidden)]
pub use {core::arch, stack::run};

use std::sync::atomic::AtomicBool;

/// Whether this is before the C library's start; [`entry`]'s code reads it by its address.
#[doc(hidden)]
pub static EARLY: AtomicBool = AtomicBool::new(false);

/// Makes the entry point `dropcap_start`, which calls a `fn(&Given)` before the C library starts.
///
/// The linker has to be told so: a build script includes `link.rs`, which is beside this file. The
/// program's allocator has to be [`EarlyMemory`].
#[macro_export]
macro_rules! entry {
    ($function:path) => {
        unsafe extern "C" fn dropcap_early(stack: *const usize) {
            // SAFETY: it is called below and nowhere else, first of all, with that pointer.
            unsafe { $crate::early::run(stack, $function) }
        }

        // The stack pointer is the kernel's: it points to the argument count, aligned to 16, and
        // everything else lies above it. Whoever is called leaves that as it is, so `_start` finds
        // what the kernel left. rdx is what `_start` would register with atexit(3): nothing.
        $crate::early::arch::global_asm!(
            ".globl dropcap_start",
            ".type dropcap_start,@function",
            "dropcap_start:",
            "xor ebp, ebp",
            "mov rbx, rsp",
            "mov byte ptr [rip + {early}], 1",
            "mov rdi, rsp",
            "call {run}",
            "mov byte ptr [rip + {early}], 0",
            "mov rsp, rbx",
            "xor edx, edx",
            "jmp _start",
            early = sym $crate::early::EARLY,
            run = sym dropcap_early,
        );

        // The linker makes every call of `memcpy` one of `__wrap_memcpy`, and `__real_memcpy` the C
        // library's. One byte a step is enough for what is copied before it starts.
        $crate::early::arch::global_asm!(
            ".macro before_libc name",
            ".globl __wrap_\\name",
            ".type __wrap_\\name,@function",
            "__wrap_\\name:",
            "cmp byte ptr [rip + {early}], 0",
            "je __real_\\name",
            ".endm",
            "before_libc memcpy",
            "mov rax, rdi",
            "mov rcx, rdx",
            "rep movsb",
            "ret",
            "before_libc memmove",
            "mov rax, rdi",
            "mov rcx, rdx",
            "mov r8, rdi",
            "sub r8, rsi",
            "cmp r8, rdx",
            "jb 2f",
            "rep movsb",
            "ret",
            // The destination begins inside of the source: from the end.
            "2: lea rdi, [rdi + rcx - 1]",
            "lea rsi, [rsi + rcx - 1]",
            "std",
            "rep movsb",
            "cld",
            "ret",
            "before_libc memset",
            "mov r8, rdi",
            "mov eax, esi",
            "mov rcx, rdx",
            "rep stosb",
            "mov rax, r8",
            "ret",
            "before_libc bcmp",
            "jmp 3f",
            "before_libc memcmp",
            "3: xor eax, eax",
            "mov rcx, rdx",
            // Of no bytes at all, the flags say that they are alike.
            "test eax, eax",
            "repe cmpsb",
            "je 4f",
            "movzx eax, byte ptr [rdi - 1]",
            "movzx ecx, byte ptr [rsi - 1]",
            "sub eax, ecx",
            "4: ret",
            "before_libc strlen",
            "xor eax, eax",
            "mov rcx, -1",
            "repne scasb",
            "mov rax, -2",
            "sub rax, rcx",
            "ret",
            "before_libc memchr",
            "mov eax, esi",
            "mov rcx, rdx",
            // Of no bytes at all, the flags say that none was found.
            "or rdx, 1",
            "repne scasb",
            "lea rax, [rdi - 1]",
            "je 5f",
            "xor eax, eax",
            "5: ret",
            "before_libc memrchr",
            "mov eax, esi",
            "mov rcx, rdx",
            "lea rdi, [rdi + rdx - 1]",
            "or rdx, 1",
            "std",
            "repne scasb",
            "cld",
            "lea rax, [rdi + 1]",
            "je 6f",
            "xor eax, eax",
            "6: ret",
            ".purgem before_libc",
            early = sym $crate::early::EARLY,
        );
    };
}
