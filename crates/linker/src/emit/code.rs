//! Blocks as items of the code builder.

use super::Resolver;
use crate::config::Config;
use crate::error::{LinkError, LinkErrorKind, Location};
use crate::ir::{Block, BlockId, Inst, Source, Terminator};
use pvm_isa::{Instruction, InstructionSet, Opcode, encode};
use pvm_num::casts::{low_u32, sign_extend_32, signed_32, to_u32, to_usize};
use pvm_program::{CodeBuilder, CodeLayout, Item};

/// The code with what is known of its parts.
pub(super) struct Emitted {
    pub(super) layout: CodeLayout,
    /// Where each item comes from.
    pub(super) sources: Vec<Source>,
    /// Label of each block; none for those that were dropped.
    label_of_block: Vec<Option<u32>>,
}

impl Emitted {
    /// Where a block that is part of the program starts.
    pub(super) fn offset(&self, block: BlockId) -> u32 {
        let label = self.label_of_block[block.index()].expect("blocks that are referred to are never dropped");
        self.layout.offsets[to_usize(label)]
    }
}

struct Emitter<'e, 'r, 'a> {
    resolver: &'e Resolver<'r, 'a>,
    set: InstructionSet,
    /// May a load of an immediate and a jump become one instruction?
    fuses: bool,
    /// Targets are numbers of blocks until all blocks have labels.
    items: Vec<Item>,
    /// Where each of them comes from.
    sources: Vec<Source>,
    /// How often each of them runs.
    heat: Vec<u8>,
}

pub(super) fn emit(resolver: &Resolver<'_, '_>, config: &Config, set: InstructionSet) -> Result<Emitted, LinkError> {
    let program = resolver.program;
    let mut label_of_block = vec![None; program.blocks.len()];
    let fuses = config.opt_level >= 2;
    let mut emitter = Emitter { resolver, set, fuses, items: Vec::new(), sources: Vec::new(), heat: Vec::new() };
    for (index, id) in program.layout.iter().enumerate() {
        label_of_block[id.index()] = Some(to_u32(emitter.items.len()));
        emitter.block(program.block(*id), program.layout.get(index + 1).copied())?;
        emitter.heat.resize(emitter.items.len(), program.heat.get(id.index()).copied().unwrap_or(0));
    }
    let label = |block: BlockId| label_of_block[block.index()].expect("blocks that are referred to are never dropped");
    let mut builder = CodeBuilder::new(set);
    builder.items = emitter.items;
    builder.aligned = true;
    builder.heat = emitter.heat;
    for item in &mut builder.items {
        item.target = item.target.map(|block| label(BlockId(block)));
    }
    builder.jump_table = resolver.jump_table.blocks.iter().map(|block| label(*block)).collect();
    for name in &config.dispatch_table {
        match program.exports.iter().find(|export| export.symbol == name.as_slice()) {
            Some(export) => builder.dispatch_table.push(label(export.block)),
            None => {
                let kind = LinkErrorKind::UnknownDispatchEntry { name: String::from_utf8_lossy(name).into() };
                return Err(LinkError { kind, at: Location::default() });
            }
        }
    }
    let layout = builder.build().map_err(LinkError::from_program)?;
    Ok(Emitted { layout, sources: emitter.sources, label_of_block })
}

impl Emitter<'_, '_, '_> {
    fn push(&mut self, instruction: Instruction, target: Option<BlockId>, source: Source) -> Result<(), LinkError> {
        let opcode = instruction.opcode();
        if !self.set.supports(opcode) {
            let kind = LinkErrorKind::NotInInstructionSet { instruction: opcode.name(), set: self.set };
            return Err(self.resolver.program.error(source, kind));
        }
        self.items.push(Item { instruction, target: target.map(|block| block.0) });
        self.sources.push(source);
        Ok(())
    }

    fn block(&mut self, block: &Block<'_>, next: Option<BlockId>) -> Result<(), LinkError> {
        let fused = if self.fuses { self.fused(block, next) } else { None };
        let separate = block.instructions.len() - usize::from(fused.is_some());
        for inst in &block.instructions[..separate] {
            self.push(self.resolved(inst), None, inst.source)?;
        }
        let source = block.terminator_source;
        if let Some((instruction, target)) = fused {
            return self.push(instruction, target, source);
        }
        let address = |block: BlockId| signed_32(self.resolver.jump_table.address(block));
        match block.terminator {
            Terminator::Trap => self.push(Instruction::trap(), None, source),
            Terminator::Jump(target) => self.jump(target, next, source),
            // The combined instruction tells engines that the called function returns to what follows.
            Terminator::Call { link, target, back } if next == Some(back) => {
                self.push(Instruction::load_imm_and_jump(link, address(back), 0), Some(target), source)
            }
            Terminator::Call { link, target, back } => {
                self.push(Instruction::load_imm(link, address(back)), None, source)?;
                self.push(Instruction::jump(0), Some(target), source)
            }
            Terminator::JumpIndirect { base, offset } => {
                self.push(Instruction::jump_indirect(base, offset), None, source)
            }
            Terminator::CallIndirect { link, base, offset, back } => {
                let call = Instruction::load_imm_and_jump_indirect(link, base, address(back), offset);
                self.push(call, None, source)
            }
            Terminator::Branch { taken, otherwise, .. } if taken == otherwise => self.jump(taken, next, source),
            Terminator::Branch { branch, taken, otherwise } => {
                self.push(branch, Some(taken), source)?;
                match next == Some(otherwise) {
                    true => Ok(()),
                    false => self.push(Instruction::jump(0), Some(otherwise), source),
                }
            }
        }
    }

    /// One instruction for the load of an immediate at the end of a block and the jump behind it, if it is not longer.
    fn fused(&self, block: &Block<'_>, next: Option<BlockId>) -> Option<(Instruction, Option<BlockId>)> {
        let load = self.resolved(block.instructions.last()?);
        if load.opcode() != Opcode::load_imm {
            return None;
        }
        let (reg, value) = (load.r1(), load.imm1());
        match block.terminator {
            Terminator::Jump(target) if next != Some(target) => {
                Some((Instruction::load_imm_and_jump(reg, value, 0), Some(target)))
            }
            Terminator::JumpIndirect { base, offset } if base != reg => {
                let size = |instruction| encode(self.set, 0, &instruction).map(|bytes| bytes.len());
                let both = Instruction::load_imm_and_jump_indirect(reg, base, value, offset);
                let separate = size(load)? + size(Instruction::jump_indirect(base, offset))?;
                (size(both)? <= separate).then_some((both, None))
            }
            _ => None,
        }
    }

    fn jump(&mut self, target: BlockId, next: Option<BlockId>, source: Source) -> Result<(), LinkError> {
        match next == Some(target) {
            true => self.push(Instruction::fallthrough(), None, source),
            false => self.push(Instruction::jump(0), Some(target), source),
        }
    }

    /// The instruction with its symbol's value in place of its first immediate.
    fn resolved(&self, inst: &Inst) -> Instruction {
        let Some(symbol) = inst.symbol else { return inst.op };
        let value = self.resolver.value(symbol);
        // Addresses from 2^31 on are no sign-extended immediate of a 64-bit register. For accesses it does not matter,
        // since they count modulo 2^32.
        if inst.op.opcode() == Opcode::load_imm && self.set.is_64_bit() && sign_extend_32(low_u32(value)) != value {
            return Instruction::load_imm64(inst.op.r1(), value);
        }
        inst.op.with_imm1(signed_32(low_u32(value)))
    }
}
