//! Atomic instructions. There is one hart and no interrupt, so that each is a load, an operation and a store.

use super::Lowering;
use pvm_isa::{Instruction as Op, Reg};
use pvm_riscv::{AmoOp, AmoWidth};

/// `rd = [addr]`, a word sign-extended.
pub(super) const fn load(width: AmoWidth, rd: Reg, addr: Reg) -> Op {
    match width {
        AmoWidth::Word => Op::load_indirect_i32(rd, addr, 0),
        AmoWidth::Double => Op::load_indirect_u64(rd, addr, 0),
    }
}

/// `[addr] = src`.
const fn store(width: AmoWidth, src: Option<Reg>, addr: Reg) -> Op {
    match (width, src) {
        (AmoWidth::Word, Some(src)) => Op::store_indirect_u32(src, addr, 0),
        (AmoWidth::Double, Some(src)) => Op::store_indirect_u64(src, addr, 0),
        (AmoWidth::Word, None) => Op::store_imm_indirect_u32(addr, 0, 0),
        (AmoWidth::Double, None) => Op::store_imm_indirect_u64(addr, 0, 0),
    }
}

impl Lowering<'_, '_, '_> {
    /// `sc` always succeeds.
    pub(super) fn store_conditional(&mut self, width: AmoWidth, rd: Option<Reg>, addr: Reg, src: Option<Reg>) {
        self.emit(store(width, src, addr));
        if let Some(rd) = rd {
            self.emit(Op::load_imm(rd, 0));
        }
    }

    /// `rd = [addr]`, `[addr] = op([addr], src)`.
    pub(super) fn amo(&mut self, op: AmoOp, width: AmoWidth, rd: Option<Reg>, addr: Reg, src: Option<Reg>) {
        let busy = [rd, Some(addr), src];
        if op == AmoOp::Swap {
            return match rd {
                None => self.emit(store(width, src, addr)),
                Some(rd) if rd != addr && Some(rd) != src => {
                    self.emit(load(width, rd, addr));
                    self.emit(store(width, src, addr));
                }
                Some(rd) => self.with_temps(&busy, |this, [old]| {
                    this.emit(load(width, old, addr));
                    this.emit(store(width, src, addr));
                    this.emit(Op::move_reg(rd, old));
                }),
            };
        }
        match rd {
            // The old value has a place of its own.
            Some(rd) if rd != addr && Some(rd) != src => self.with_temps(&busy, |this, [new]| {
                this.emit(load(width, rd, addr));
                this.amo_result(op, width, new, rd, src);
                this.emit(store(width, Some(new), addr));
            }),
            None => self.with_temps(&busy, |this, [old, new]| {
                this.emit(load(width, old, addr));
                this.amo_result(op, width, new, old, src);
                this.emit(store(width, Some(new), addr));
            }),
            Some(rd) => self.with_temps(&busy, |this, [old, new]| {
                this.emit(load(width, old, addr));
                this.amo_result(op, width, new, old, src);
                this.emit(store(width, Some(new), addr));
                this.emit(Op::move_reg(rd, old));
            }),
        }
    }

    /// `new = op(old, src)`, as far as it is stored. `new` is neither of the other two.
    fn amo_result(&mut self, op: AmoOp, width: AmoWidth, new: Reg, old: Reg, src: Option<Reg>) {
        let Some(src) = src else {
            self.emit(Op::load_imm(new, 0));
            return self.emit(amo_op(op, self.wide, new, old, new));
        };
        let compares = matches!(op, AmoOp::Min | AmoOp::Max | AmoOp::Minu | AmoOp::Maxu);
        if self.wide && width == AmoWidth::Word && compares {
            // The old word is sign-extended. With the operand extended alike, comparing 64 bits compares the words, also
            // as unsigned numbers.
            self.emit(Op::add_imm_32(new, src, 0));
            return self.emit(amo_op(op, self.wide, new, old, new));
        }
        self.emit(amo_op(op, self.wide, new, old, src));
    }
}

fn amo_op(op: AmoOp, wide: bool, new: Reg, old: Reg, src: Reg) -> Op {
    match op {
        AmoOp::Swap => Op::move_reg(new, src),
        AmoOp::Add if wide => Op::add_64(new, old, src),
        AmoOp::Add => Op::add_32(new, old, src),
        AmoOp::Xor => Op::xor(new, old, src),
        AmoOp::And => Op::and(new, old, src),
        AmoOp::Or => Op::or(new, old, src),
        AmoOp::Min => Op::minimum(new, old, src),
        AmoOp::Max => Op::maximum(new, old, src),
        AmoOp::Minu => Op::minimum_unsigned(new, old, src),
        AmoOp::Maxu => Op::maximum_unsigned(new, old, src),
    }
}
