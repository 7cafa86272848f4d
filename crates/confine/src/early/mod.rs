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
//! - Memory from [`EarlyMemory`], which the kernel never gets back.
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

/// Makes the entry point `dropcap_start`, which calls a `fn(Given)` before the C library starts.
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
        // library's. What is copied before it starts is short mostly: a string instruction of the processor
        // takes longer to begin than such a copy takes.
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
            "2: cmp rdx, 16",
            "jb 4f",
            "cmp rdx, 512",
            "ja 8f",
            // The last 16 bytes are read before anything is written, and written at the end.
            "movups xmm1, [rsi + rdx - 16]",
            "lea rcx, [rdi + rdx - 16]",
            "3: movups xmm0, [rsi]",
            "movups [rdi], xmm0",
            "add rsi, 16",
            "add rdi, 16",
            "cmp rdi, rcx",
            "jb 3b",
            "movups [rcx], xmm1",
            "ret",
            // Fewer than 16: both ends, which may overlap, and for up to three bytes the middle one too.
            "4: cmp edx, 8",
            "jb 5f",
            "mov rcx, [rsi]",
            "mov r8, [rsi + rdx - 8]",
            "mov [rdi], rcx",
            "mov [rdi + rdx - 8], r8",
            "ret",
            "5: cmp edx, 4",
            "jb 6f",
            "mov ecx, [rsi]",
            "mov r8d, [rsi + rdx - 4]",
            "mov [rdi], ecx",
            "mov [rdi + rdx - 4], r8d",
            "ret",
            "6: test edx, edx",
            "je 7f",
            "mov r9d, edx",
            "shr r9d",
            "movzx ecx, byte ptr [rsi]",
            "movzx r8d, byte ptr [rsi + r9]",
            "movzx esi, byte ptr [rsi + rdx - 1]",
            "mov [rdi], cl",
            "mov [rdi + r9], r8b",
            "mov [rdi + rdx - 1], sil",
            "7: ret",
            "8: mov rcx, rdx",
            "rep movsb",
            "ret",
            "before_libc memmove",
            "mov rax, rdi",
            "mov rcx, rdi",
            "sub rcx, rsi",
            // Forward unless the destination begins inside of the source.
            "cmp rcx, rdx",
            "jae 2b",
            "cmp rdx, 16",
            "jb 4b",
            "mov rcx, rdx",
            "lea rdi, [rdi + rdx - 1]",
            "lea rsi, [rsi + rdx - 1]",
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
            "jmp 2f",
            "before_libc memcmp",
            "2: cmp rdx, 8",
            "jb 3f",
            "mov rax, [rdi]",
            "mov rcx, [rsi]",
            "cmp rax, rcx",
            "jne 4f",
            "add rdi, 8",
            "add rsi, 8",
            "sub rdx, 8",
            "jmp 2b",
            "3: xor eax, eax",
            "test rdx, rdx",
            "je 5f",
            "movzx eax, byte ptr [rdi]",
            "movzx ecx, byte ptr [rsi]",
            "inc rdi",
            "inc rsi",
            "dec rdx",
            "sub eax, ecx",
            "je 3b",
            "ret",
            // The first byte that differs is the highest then.
            "4: bswap rax",
            "bswap rcx",
            "cmp rax, rcx",
            "sbb eax, eax",
            "or eax, 1",
            "5: ret",
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
