//! Runs a filter as the kernel's interpreter does (`__bpf_prog_run` after
//! `seccomp_check_filter`), for the tests.

use super::assembler::{AND, ANSWER, JUMP_IF_ANY_BIT, JUMP_IF_EQUAL, LOAD};
use crate::sys::Instruction;

/// `struct seccomp_data`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Data {
    pub number: u32,
    pub architecture: u32,
    pub instruction_pointer: u64,
    pub arguments: [u64; 6],
}

impl Data {
    /// The word at a byte offset, little-endian.
    fn word(&self, offset: u32) -> u32 {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend(self.number.to_le_bytes());
        bytes.extend(self.architecture.to_le_bytes());
        bytes.extend(self.instruction_pointer.to_le_bytes());
        self.arguments.iter().for_each(|argument| bytes.extend(argument.to_le_bytes()));
        assert_eq!(offset % 4, 0, "the kernel refuses a load that is not aligned");
        let start = offset as usize;
        let word = bytes.get(start..start + 4).expect("the kernel refuses a load beyond the data");
        u32::from_le_bytes(word.try_into().expect("four bytes"))
    }
}

/// What the filter answers to a call.
pub fn run(program: &[Instruction], data: &Data) -> u32 {
    let mut accumulator = 0;
    let mut at = 0;
    loop {
        let Instruction { code, jump_true, jump_false, operand } =
            *program.get(at).expect("the kernel refuses a program that runs off its end");
        at += 1;
        let mut jump = |holds: bool| at += usize::from(if holds { jump_true } else { jump_false });
        match code {
            LOAD => accumulator = data.word(operand),
            AND => accumulator &= operand,
            JUMP_IF_EQUAL => jump(accumulator == operand),
            JUMP_IF_ANY_BIT => jump(accumulator & operand != 0),
            ANSWER => return operand,
            unknown => panic!("operation {unknown:#x} is none that the filter needs"),
        }
    }
}
