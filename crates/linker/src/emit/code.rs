//! Code: blocks in layout order as instructions with labels, then as bytes (elf.md 5.2).

use super::{Values, whole};
use crate::Config;
use crate::elf::Elf;
use crate::error::{LinkError, LinkErrorKind};
use crate::ir::{BlockId, Inst, Program, Terminator};
use pvm_isa::{Instruction, InstructionSet};
use pvm_num::casts::{signed_32, to_usize};
use pvm_program::{CodeBuilder, Item, ProgramErrorKind};

/// Emitted code.
pub(crate) struct Code {
    /// Code section: jump table, code and bitmask.
    pub(crate) bytes: Vec<u8>,
    /// Code offset of every block in the layout.
    pub(crate) block_offsets: Vec<u32>,
}

pub(crate) fn emit(
    elf: &Elf<'_>,
    program: &Program<'_>,
    config: &Config,
    set: InstructionSet,
    values: &Values<'_>,
    jump_table: &[u32],
) -> Result<Code, LinkError> {
    let mut writer = Writer { builder: CodeBuilder::new(set), values, labels: vec![0; program.blocks.len()] };
    // Blocks by the label of their first item; jumps name blocks until all labels are known.
    let mut sources = Vec::new();
    for (position, id) in program.layout.iter().enumerate() {
        let block = program.block(*id);
        writer.labels[id.index()] = writer.next_label();
        for inst in &block.instructions {
            writer.instruction(inst);
            sources.push(inst.source);
        }
        writer.terminator(block.terminator, program.layout.get(position + 1).copied());
        sources.resize(writer.builder.items.len(), block.terminator_source);
    }
    let Writer { mut builder, labels, .. } = writer;
    for item in &mut builder.items {
        item.target = item.target.map(|block| labels[to_usize(block)]);
    }
    builder.jump_table = jump_table.iter().map(|block| labels[to_usize(*block)]).collect();
    for name in &config.dispatch_table {
        let export = program.exports.iter().find(|export| export.symbol == name);
        let missing = || LinkErrorKind::UnknownDispatchEntry { name: String::from_utf8_lossy(name).into() };
        builder.dispatch_table.push(labels[export.ok_or_else(|| whole(missing()))?.block.index()]);
    }
    let layout = builder.build().map_err(|error| match error.kind {
        ProgramErrorKind::UnsupportedInstruction { opcode, set } => {
            let kind = LinkErrorKind::NotInInstructionSet { instruction: opcode.name(), set };
            let source = usize::try_from(error.at.offset).ok().and_then(|index| sources.get(index));
            source.map_or_else(|| whole(kind.clone()), |source| elf.error(source.section, source.offset, kind.clone()))
        }
        _ => whole(LinkErrorKind::Program(error)),
    })?;
    let block_offsets = labels.iter().map(|label| layout.offsets[to_usize(*label)]).collect();
    Ok(Code { bytes: layout.to_bytes(), block_offsets })
}

struct Writer<'v> {
    builder: CodeBuilder,
    values: &'v Values<'v>,
    /// Label of each block's first item.
    labels: Vec<u32>,
}

impl Writer<'_> {
    fn next_label(&self) -> u32 {
        pvm_num::casts::to_u32(self.builder.items.len())
    }

    fn instruction(&mut self, inst: &Inst) {
        let op = match inst.symbol {
            None => inst.op,
            Some(symbol) => inst.op.with_imm1(signed_32(self.values.value(symbol))),
        };
        self.builder.push(op);
    }

    fn jump(&mut self, instruction: Instruction, block: BlockId) {
        self.builder.push(Item { instruction, target: Some(block.0) });
    }

    fn terminator(&mut self, terminator: Terminator, next: Option<BlockId>) {
        let address = |block: BlockId| signed_32(self.values.code_addresses[block.index()]);
        match terminator {
            Terminator::Trap => {
                self.builder.push(Instruction::trap());
            }
            Terminator::Jump(target) if next == Some(target) => {
                self.builder.push(Instruction::fallthrough());
            }
            Terminator::Jump(target) => self.jump(Instruction::jump(0), target),
            Terminator::Call { link, target, back } => {
                let call = Instruction::load_imm_and_jump(link, address(back), 0);
                self.jump(call, target);
            }
            Terminator::JumpIndirect { base, offset } => {
                self.builder.push(Instruction::jump_indirect(base, offset));
            }
            Terminator::CallIndirect { link, base, offset, back } => {
                let call = Instruction::load_imm_and_jump_indirect(link, base, address(back), offset);
                self.builder.push(call);
            }
            Terminator::Branch { branch, taken, otherwise } => {
                self.jump(branch, taken);
                if next != Some(otherwise) {
                    self.jump(Instruction::jump(0), otherwise);
                }
            }
        }
    }
}
