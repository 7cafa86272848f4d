//! The system call entries of a kernel, and the numbers that bear on user namespaces in each.

/// One entry: what `seccomp_data.arch` says, and its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Architecture {
    /// `AUDIT_ARCH_…` of `include/uapi/linux/audit.h`.
    pub audit: u32,
    /// Bits of the number that do not choose the call.
    pub ignored_bits: u32,
    pub clone: u32,
    pub unshare: u32,
    pub setns: u32,
    pub clone3: u32,
}

/// `AUDIT_ARCH_…`: the ELF machine number with `__AUDIT_ARCH_64BIT` and `__AUDIT_ARCH_LE`.
const fn audit(machine: u32, sixty_four: bool) -> u32 {
    machine | 0x4000_0000 | if sixty_four { 0x8000_0000 } else { 0 }
}

/// The entries of x86_64 kernels. x32 shares the architecture and the numbers of these four calls
/// ("common" in `syscall_64.tbl`) and is told by `__X32_SYSCALL_BIT` alone.
pub const X86: &[Architecture] = &[
    Architecture {
        audit: audit(62, true),
        ignored_bits: 0x4000_0000,
        clone: 56,
        unshare: 272,
        setns: 308,
        clone3: 435,
    },
    // i386, by `int $0x80` from any process, 64-bit ones too; `syscall_32.tbl`.
    Architecture {
        audit: audit(3, false),
        ignored_bits: 0,
        clone: 120,
        unshare: 310,
        setns: 346,
        clone3: 435,
    },
];

/// The entries of aarch64 kernels: `include/uapi/asm-generic/unistd.h`, and 32-bit arm's
/// `syscall.tbl` for compat processes.
pub const ARM: &[Architecture] = &[
    Architecture {
        audit: audit(183, true),
        ignored_bits: 0,
        clone: 220,
        unshare: 97,
        setns: 268,
        clone3: 435,
    },
    Architecture {
        audit: audit(40, false),
        ignored_bits: 0,
        clone: 120,
        unshare: 337,
        setns: 375,
        clone3: 435,
    },
];

/// Those of the architecture that dropcap was built for.
pub const NATIVE: &[Architecture] = if cfg!(target_arch = "x86_64") { X86 } else { ARM };
