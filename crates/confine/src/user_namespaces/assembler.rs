//! An assembler for the part of classic BPF that the filter needs; `Documentation/networking/filter`.
//!
//! Jumps name labels further down; classic BPF cannot jump back, and an instruction has one byte
//! for the distance.

use super::Label;
use crate::sys::Instruction;

/// `BPF_LD | BPF_W | BPF_ABS`: a word of `struct seccomp_data`.
pub const LOAD: u16 = 0x20;
/// `BPF_ALU | BPF_AND | BPF_K`.
pub const AND: u16 = 0x54;
/// `BPF_JMP | BPF_JEQ | BPF_K`.
pub const JUMP_IF_EQUAL: u16 = 0x15;
/// `BPF_JMP | BPF_JSET | BPF_K`.
pub const JUMP_IF_ANY_BIT: u16 = 0x45;
/// `BPF_RET | BPF_K`.
pub const ANSWER: u16 = 0x06;

/// A jump whose label is missing, behind it, or more than 255 instructions ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the user namespace filter jumps out of reach at instruction {0}")]
pub struct OutOfReach(usize);

#[derive(Default)]
pub struct Assembler {
    instructions: Vec<Instruction>,
    /// Which instructions jump where, if their comparison holds; else each goes on below itself.
    jumps: Vec<(usize, Label)>,
    labels: Vec<(Label, usize)>,
}

impl Assembler {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn label(&mut self, label: Label) {
        self.labels.push((label, self.instructions.len()));
    }

    pub fn load(&mut self, offset: u32) {
        self.push(LOAD, offset);
    }

    pub fn and(&mut self, mask: u32) {
        self.push(AND, mask);
    }

    pub fn jump_if_equal(&mut self, value: u32, label: Label) {
        self.jumps.push((self.instructions.len(), label));
        self.push(JUMP_IF_EQUAL, value);
    }

    pub fn jump_if_any_bit(&mut self, bits: u32, label: Label) {
        self.jumps.push((self.instructions.len(), label));
        self.push(JUMP_IF_ANY_BIT, bits);
    }

    pub fn answer(&mut self, value: u32) {
        self.push(ANSWER, value);
    }

    pub fn assemble(mut self) -> Result<Vec<Instruction>, OutOfReach> {
        for (from, label) in self.jumps {
            let target = self.labels.iter().find(|(name, _)| *name == label);
            let distance = target
                .and_then(|(_, to)| to.checked_sub(from + 1))
                .and_then(|distance| u8::try_from(distance).ok());
            let instruction = self.instructions.get_mut(from);
            let (Some(distance), Some(instruction)) = (distance, instruction) else {
                return Err(OutOfReach(from));
            };
            instruction.jump_true = distance;
        }
        Ok(self.instructions)
    }

    fn push(&mut self, code: u16, operand: u32) {
        self.instructions.push(Instruction { code, jump_true: 0, jump_false: 0, operand });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_back_or_too_far_or_nowhere_is_refused() {
        let mut back = Assembler::new();
        back.label(Label::Refuse);
        back.jump_if_equal(1, Label::Refuse);
        assert_eq!(back.assemble(), Err(OutOfReach(0)));

        let far = |distance: usize| {
            let mut program = Assembler::new();
            program.jump_if_equal(1, Label::Refuse);
            (0..distance).for_each(|_| program.answer(0));
            program.label(Label::Refuse);
            program.answer(1);
            program.assemble()
        };
        assert_eq!(far(256), Err(OutOfReach(0)));
        assert_eq!(far(255).expect("one byte holds it")[0].jump_true, 255);

        let mut nowhere = Assembler::new();
        nowhere.answer(0);
        nowhere.jump_if_any_bit(1, Label::Missing);
        assert_eq!(nowhere.assemble(), Err(OutOfReach(1)));
    }
}
