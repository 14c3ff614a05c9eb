//! Which registers a step reads and writes, in RISC-V's numbering.

use super::decode::{Step, What};
use pvm_num::casts::to_usize;
use pvm_riscv::{CsrSource, Instruction, Reg};

/// A set of RISC-V registers; the zero register is never in one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Regs(u32);

impl Regs {
    pub(crate) const NONE: Regs = Regs(0);
    pub(crate) const ALL: Regs = Regs(!1);

    pub(crate) fn of(regs: &[Reg]) -> Regs {
        regs.iter().fold(Regs::NONE, |set, reg| set.union(Regs::one(*reg)))
    }

    pub(crate) const fn one(reg: Reg) -> Regs {
        Regs((1 << reg.number()) & !1)
    }

    pub(crate) const fn union(self, other: Regs) -> Regs {
        Regs(self.0 | other.0)
    }

    pub(crate) const fn without(self, other: Regs) -> Regs {
        Regs(self.0 & !other.0)
    }

    pub(crate) fn iter(self) -> impl Iterator<Item = Reg> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let number = rest.trailing_zeros();
            rest &= rest.wrapping_sub(1);
            Reg::ALL.get(to_usize(number)).copied()
        })
    }
}

/// Registers a step reads and writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Uses {
    pub(crate) reads: Regs,
    pub(crate) writes: Regs,
}

pub(crate) fn uses(step: &Step) -> Uses {
    match &step.what {
        What::Plain(instruction) | What::Low { instruction, .. } => instruction_uses(instruction),
        What::Jump { link, .. } => Uses { reads: Regs::NONE, writes: Regs::one(*link) },
        What::Branch { rs1, rs2, .. } => Uses { reads: Regs::of(&[*rs1, *rs2]), writes: Regs::NONE },
        What::High { rd, .. } | What::Address { rd, .. } => Uses { reads: Regs::NONE, writes: Regs::one(*rd) },
        // What the host reads and writes is a matter of the import; nothing is assumed here.
        What::Import { .. } => Uses { reads: Regs::ALL, writes: Regs::NONE },
    }
}

fn instruction_uses(instruction: &Instruction) -> Uses {
    let (reads, writes): (&[Reg], Reg) = match instruction {
        Instruction::Lui { rd, .. } | Instruction::Auipc { rd, .. } | Instruction::Jal { rd, .. } => (&[], *rd),
        Instruction::Jalr { rd, rs1, .. }
        | Instruction::RegImm { rd, rs1, .. }
        | Instruction::Unary { rd, rs1, .. }
        | Instruction::Load { rd, base: rs1, .. }
        | Instruction::LoadReserved { rd, addr: rs1, .. } => (&[*rs1], *rd),
        Instruction::Branch { rs1, rs2, .. } | Instruction::Store { src: rs1, base: rs2, .. } => {
            (&[*rs1, *rs2], Reg::zero)
        }
        Instruction::RegReg { rd, rs1, rs2, .. }
        | Instruction::StoreConditional { rd, addr: rs1, src: rs2, .. }
        | Instruction::Amo { rd, addr: rs1, src: rs2, .. } => (&[*rs1, *rs2], *rd),
        // The destination keeps its value if the condition fails, so that it counts as read.
        Instruction::CondMov { rd, src, test, .. } => (&[*rd, *src, *test], *rd),
        Instruction::MipsCmov { rd, cond, if_true, if_false } => (&[*cond, *if_true, *if_false], *rd),
        Instruction::Csr { rd, source: CsrSource::Reg(rs1), .. } => (&[*rs1], *rd),
        Instruction::Csr { rd, .. } => (&[], *rd),
        Instruction::Fence { .. } | Instruction::FenceI | Instruction::Unimp => (&[], Reg::zero),
        Instruction::Ecall | Instruction::Ebreak => return Uses { reads: Regs::ALL, writes: Regs::NONE },
        // Memset works on the argument registers; the others name what they use.
        Instruction::Custom0 { funct3: 2, .. } => (&[Reg::a0, Reg::a1, Reg::a2], Reg::zero),
        Instruction::Custom0 { rd, rs1, rs2, .. } => (&[*rs1, *rs2], *rd),
    };
    Uses { reads: Regs::of(reads), writes: Regs::one(writes) }
}
