//! A seccomp filter that closes user namespaces, and nothing else.
//!
//! In a user namespace of its own a process holds every capability, and with them reaches the part
//! of the kernel that most local exploits need. So `clone` and `unshare` with `CLONE_NEWUSER` are
//! answered with EPERM, and so is `setns` into one. What is made without that flag stays allowed.
//!
//! # Limitations
//! `clone3` takes its flags through a pointer, where no filter can look: it is answered with ENOSYS,
//! as by the engines' own profiles. C libraries then fall back to `clone`; what only `clone3` can do
//! (`CLONE_INTO_CGROUP`, `set_tid`) is lost. `setns` with type 0 ("any") is refused as a whole.

mod architecture;
mod assembler;
#[cfg(test)]
mod interpreter;

use crate::sys::Instruction;
use architecture::{Architecture, NATIVE};
use assembler::Assembler;
pub use assembler::OutOfReach;

/// `CLONE_NEWUSER` of `include/uapi/linux/sched.h`.
const CLONE_NEWUSER: u32 = 0x1000_0000;
/// `SECCOMP_RET_ALLOW` of `include/uapi/linux/seccomp.h`.
const ALLOW: u32 = 0x7fff_0000;
/// `SECCOMP_RET_ERRNO`; the low 16 bits are the errno.
const ERRNO: u32 = 0x0005_0000;
/// What a refused call answers.
const REFUSE: u32 = ERRNO | libc::EPERM as u32;
/// What a call answers that the kernel should seem not to have.
const MISSING: u32 = ERRNO | libc::ENOSYS as u32;

/// Offsets in `struct seccomp_data`; the low half of an argument comes first on both architectures.
/// The kernel looks at no more of the flags than that half: `clone` takes `lower_32_bits`, `setns`
/// an int, and `unshare` refuses any higher bit.
mod offset {
    pub const NUMBER: u32 = 0;
    pub const ARCHITECTURE: u32 = 4;
    pub const FIRST_ARGUMENT: u32 = 16;
    pub const SECOND_ARGUMENT: u32 = 24;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Label {
    /// The calls of the architecture with this index.
    Architecture(usize),
    /// Flags are the first argument.
    Flags,
    /// `setns`.
    NamespaceType,
    Refuse,
    Missing,
}

/// The filter for the architecture that dropcap was built for, in every entry that its kernels have.
///
/// # Errors
/// Never for the tables here: a jump out of reach would be found by any test of this crate.
pub fn filter() -> Result<Vec<Instruction>, OutOfReach> {
    filter_for(NATIVE)
}

fn filter_for(architectures: &[Architecture]) -> Result<Vec<Instruction>, OutOfReach> {
    let mut program = Assembler::new();
    program.load(offset::ARCHITECTURE);
    for (index, architecture) in architectures.iter().enumerate() {
        program.jump_if_equal(architecture.audit, Label::Architecture(index));
    }
    // An entry that nobody has heard of: nothing is known of its numbers, so nothing may pass.
    program.answer(REFUSE);
    for (index, architecture) in architectures.iter().enumerate() {
        program.label(Label::Architecture(index));
        program.load(offset::NUMBER);
        if architecture.ignored_bits != 0 {
            program.and(!architecture.ignored_bits);
        }
        program.jump_if_equal(architecture.clone, Label::Flags);
        program.jump_if_equal(architecture.unshare, Label::Flags);
        program.jump_if_equal(architecture.setns, Label::NamespaceType);
        program.jump_if_equal(architecture.clone3, Label::Missing);
        program.answer(ALLOW);
    }
    program.label(Label::Flags);
    program.load(offset::FIRST_ARGUMENT);
    program.jump_if_any_bit(CLONE_NEWUSER, Label::Refuse);
    program.answer(ALLOW);
    program.label(Label::NamespaceType);
    program.load(offset::SECOND_ARGUMENT);
    program.jump_if_equal(0, Label::Refuse);
    program.jump_if_any_bit(CLONE_NEWUSER, Label::Refuse);
    program.answer(ALLOW);
    program.label(Label::Refuse);
    program.answer(REFUSE);
    program.label(Label::Missing);
    program.answer(MISSING);
    program.assemble()
}

#[cfg(test)]
mod tests;
