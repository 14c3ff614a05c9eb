//! Jumps, calls and branches.

use super::Lowering;
use crate::elf::Place;
use crate::error::{LinkError, LinkErrorKind};
use crate::ir::{BlockId, Terminator};
use pvm_isa::{Instruction as Op, Reg};
use pvm_riscv::Condition;

impl Lowering<'_, '_, '_> {
    /// The block behind the step at hand.
    fn next_block(&self) -> Result<BlockId, LinkError> {
        self.block_at(self.code.steps[self.step].end())
    }

    /// `jal`, or `auipc` and `jalr`.
    pub(super) fn jump(&self, link: pvm_riscv::Reg, target: Place) -> Result<Terminator, LinkError> {
        let link = self.register(link)?;
        let Some(target) = self.targets.jump(self.referrer(), target)? else {
            // A function that is weak and not there: its address is 0, and a jump to 0 traps.
            return Ok(Terminator::Trap);
        };
        Ok(match link {
            None => Terminator::Jump(target),
            Some(link) => Terminator::Call { link, target, back: self.next_block()? },
        })
    }

    /// `jalr`.
    pub(super) fn jump_indirect(
        &self,
        link: pvm_riscv::Reg,
        base: pvm_riscv::Reg,
        offset: i32,
    ) -> Result<Terminator, LinkError> {
        let link = self.register(link)?;
        let Some(base) = self.register(base)? else {
            return Err(self.error(LinkErrorKind::AbsoluteJump { instruction: self.instruction() }));
        };
        if offset != 0 {
            return Err(self.error(LinkErrorKind::JumpWithOffset { instruction: self.instruction() }));
        }
        Ok(match link {
            None => Terminator::JumpIndirect { base, offset },
            Some(link) => Terminator::CallIndirect { link, base, offset, back: self.next_block()? },
        })
    }

    pub(super) fn branch(
        &self,
        condition: Condition,
        rs1: pvm_riscv::Reg,
        rs2: pvm_riscv::Reg,
        target: Place,
    ) -> Result<Terminator, LinkError> {
        let (rs1, rs2) = (self.register(rs1)?, self.register(rs2)?);
        let otherwise = self.next_block()?;
        let taken = self.targets.jump(self.referrer(), target)?;
        let branch = match compare(condition, rs1, rs2) {
            Comparison::Always => return Ok(taken.map_or(Terminator::Trap, Terminator::Jump)),
            Comparison::Never => return Ok(Terminator::Jump(otherwise)),
            Comparison::Branch(branch) => branch,
        };
        match taken {
            Some(taken) => Ok(Terminator::Branch { branch, taken, otherwise }),
            // There is nothing a branch to an absolute place could mean.
            None => Err(self.error(LinkErrorKind::AbsoluteJump { instruction: self.instruction() })),
        }
    }
}

enum Comparison {
    Always,
    Never,
    Branch(Op),
}

/// The branch for a condition, the zero register becoming an immediate.
fn compare(condition: Condition, rs1: Option<Reg>, rs2: Option<Reg>) -> Comparison {
    Comparison::Branch(match (condition, rs1, rs2) {
        (Condition::Equal, Some(a), Some(b)) => Op::branch_eq(a, b, 0),
        (Condition::NotEqual, Some(a), Some(b)) => Op::branch_not_eq(a, b, 0),
        (Condition::LessSigned, Some(a), Some(b)) => Op::branch_less_signed(a, b, 0),
        (Condition::GreaterOrEqualSigned, Some(a), Some(b)) => Op::branch_greater_or_equal_signed(a, b, 0),
        (Condition::LessUnsigned, Some(a), Some(b)) => Op::branch_less_unsigned(a, b, 0),
        (Condition::GreaterOrEqualUnsigned, Some(a), Some(b)) => Op::branch_greater_or_equal_unsigned(a, b, 0),
        (Condition::Equal, Some(a), None) | (Condition::Equal, None, Some(a)) => Op::branch_eq_imm(a, 0, 0),
        (Condition::NotEqual, Some(a), None) | (Condition::NotEqual, None, Some(a)) => Op::branch_not_eq_imm(a, 0, 0),
        (Condition::LessSigned, Some(a), None) => Op::branch_less_signed_imm(a, 0, 0),
        (Condition::GreaterOrEqualSigned, Some(a), None) => Op::branch_greater_or_equal_signed_imm(a, 0, 0),
        (Condition::LessSigned, None, Some(b)) => Op::branch_greater_signed_imm(b, 0, 0),
        (Condition::GreaterOrEqualSigned, None, Some(b)) => Op::branch_less_or_equal_signed_imm(b, 0, 0),
        (Condition::LessUnsigned, None, Some(b)) => Op::branch_greater_unsigned_imm(b, 0, 0),
        (Condition::GreaterOrEqualUnsigned, None, Some(b)) => Op::branch_less_or_equal_unsigned_imm(b, 0, 0),
        (Condition::GreaterOrEqualUnsigned, _, None)
        | (Condition::Equal | Condition::GreaterOrEqualSigned, None, None) => return Comparison::Always,
        (Condition::LessUnsigned, _, None) | (Condition::NotEqual | Condition::LessSigned, None, None) => {
            return Comparison::Never;
        }
    })
}
