//! Loads and stores, and the lower halves of addresses.

use super::Lowering;
use super::anchors::base_of;
use crate::error::{LinkError, LinkErrorKind};
use crate::ir::{Symbolic, Target};
use pvm_isa::{Instruction as Op, Reg};
use pvm_riscv::{Instruction, LoadKind, StoreKind};

/// `rd = [base + offset]`.
pub(super) const fn load_indirect(kind: LoadKind, rd: Reg, base: Reg, offset: i32) -> Op {
    match kind {
        LoadKind::I8 => Op::load_indirect_i8(rd, base, offset),
        LoadKind::I16 => Op::load_indirect_i16(rd, base, offset),
        LoadKind::I32 => Op::load_indirect_i32(rd, base, offset),
        LoadKind::U8 => Op::load_indirect_u8(rd, base, offset),
        LoadKind::U16 => Op::load_indirect_u16(rd, base, offset),
        LoadKind::U32 => Op::load_indirect_u32(rd, base, offset),
        LoadKind::U64 => Op::load_indirect_u64(rd, base, offset),
    }
}

/// `[base + offset] = src`; 0 without a register.
pub(super) const fn store_indirect(kind: StoreKind, src: Option<Reg>, base: Reg, offset: i32) -> Op {
    match (kind, src) {
        (StoreKind::U8, Some(src)) => Op::store_indirect_u8(src, base, offset),
        (StoreKind::U16, Some(src)) => Op::store_indirect_u16(src, base, offset),
        (StoreKind::U32, Some(src)) => Op::store_indirect_u32(src, base, offset),
        (StoreKind::U64, Some(src)) => Op::store_indirect_u64(src, base, offset),
        (StoreKind::U8, None) => Op::store_imm_indirect_u8(base, offset, 0),
        (StoreKind::U16, None) => Op::store_imm_indirect_u16(base, offset, 0),
        (StoreKind::U32, None) => Op::store_imm_indirect_u32(base, offset, 0),
        (StoreKind::U64, None) => Op::store_imm_indirect_u64(base, offset, 0),
    }
}

/// `rd = [address]`, the address being a symbol.
const fn load_absolute(kind: LoadKind, rd: Reg) -> Op {
    match kind {
        LoadKind::I8 => Op::load_i8(rd, 0),
        LoadKind::I16 => Op::load_i16(rd, 0),
        LoadKind::I32 => Op::load_i32(rd, 0),
        LoadKind::U8 => Op::load_u8(rd, 0),
        LoadKind::U16 => Op::load_u16(rd, 0),
        LoadKind::U32 => Op::load_u32(rd, 0),
        LoadKind::U64 => Op::load_u64(rd, 0),
    }
}

/// `[address] = src`, the address being a symbol.
const fn store_absolute(kind: StoreKind, src: Option<Reg>) -> Op {
    match (kind, src) {
        (StoreKind::U8, Some(src)) => Op::store_u8(src, 0),
        (StoreKind::U16, Some(src)) => Op::store_u16(src, 0),
        (StoreKind::U32, Some(src)) => Op::store_u32(src, 0),
        (StoreKind::U64, Some(src)) => Op::store_u64(src, 0),
        (StoreKind::U8, None) => Op::store_imm_u8(0, 0),
        (StoreKind::U16, None) => Op::store_imm_u16(0, 0),
        (StoreKind::U32, None) => Op::store_imm_u32(0, 0),
        (StoreKind::U64, None) => Op::store_imm_u64(0, 0),
    }
}

impl Lowering<'_, '_, '_> {
    /// An instruction with the lower half of an address. `shared` tells that the register, where it must be used, holds
    /// the whole address already (see `anchors`).
    pub(super) fn low(
        &mut self,
        instruction: &Instruction,
        target: Target,
        shared: bool,
        direct: bool,
    ) -> Result<(), LinkError> {
        let accesses = matches!(instruction, Instruction::Load { .. } | Instruction::Store { .. });
        if accesses && matches!(target, Target::Code(_)) {
            return Err(self.error(LinkErrorKind::CodeAsData { instruction: *instruction }));
        }
        if direct {
            return self.low_direct(instruction, target);
        }
        let base = self.base(base_of(instruction))?;
        let op = match *instruction {
            Instruction::Load { kind, rd, .. } => {
                let Some(rd) = self.register(rd)? else { return Ok(()) };
                load_indirect(kind, rd, base, 0)
            }
            Instruction::Store { kind, src, .. } => store_indirect(kind, self.register(src)?, base, 0),
            Instruction::RegImm { rd, .. } => {
                let Some(rd) = self.register(rd)? else { return Ok(()) };
                match (shared, self.wide) {
                    (true, _) => Op::move_reg(rd, base),
                    (false, true) => Op::add_imm_64(rd, base, 0),
                    (false, false) => Op::add_imm_32(rd, base, 0),
                }
            }
            _ => return Err(self.unsupported(instruction, None)),
        };
        match shared {
            true => self.emit(op),
            false => self.emit_with(op, Symbolic::Low(target)),
        }
        Ok(())
    }

    fn low_direct(&mut self, instruction: &Instruction, target: Target) -> Result<(), LinkError> {
        let op = match *instruction {
            Instruction::Load { kind, rd, .. } => {
                let Some(rd) = self.register(rd)? else { return Ok(()) };
                load_absolute(kind, rd)
            }
            Instruction::Store { kind, src, .. } => store_absolute(kind, self.register(src)?),
            Instruction::RegImm { rd, .. } => {
                let Some(rd) = self.register(rd)? else { return Ok(()) };
                Op::load_imm(rd, 0)
            }
            _ => return Err(self.unsupported(instruction, None)),
        };
        self.emit_with(op, Symbolic::Address(target));
        Ok(())
    }
}
