//! Checks the invariants of the intermediate form: a pass that breaks one is found at once, in builds with assertions.

use crate::ir::{BlockId, DataId, Inst, Program, Symbolic, Target, Terminator};
use pvm_isa::{Format, Meaning};

/// Panics with the broken invariant, naming the pass that broke it.
pub(super) fn verify(program: &Program<'_>, pass: &str) {
    let mut in_layout = vec![false; program.blocks.len()];
    for id in &program.layout {
        let seen = std::mem::replace(&mut in_layout[id.index()], true);
        assert!(!seen, "after {pass}: {id} is twice in the layout");
    }
    let check = Check { program, pass, in_layout: &in_layout };
    for export in &program.exports {
        check.block(export.block);
    }
    for (id, block) in program.blocks_in_order() {
        for inst in &block.instructions {
            check.inst(id, inst);
        }
        for next in block.terminator.successors().chain(block.terminator.return_block()) {
            check.block(next);
        }
        if let Terminator::Branch { branch, .. } = block.terminator {
            let is_branch = matches!(branch.opcode().meaning(), Meaning::Branch(_) | Meaning::BranchImm(_));
            assert!(is_branch, "after {pass}: {id} branches with {}", branch.opcode());
        }
    }
    for (id, data) in program.data_kept() {
        let sorted = data.relocations.is_sorted_by(|a, b| a.offset < b.offset);
        assert!(sorted, "after {pass}: relocations of data {} are not sorted", id.index());
        for relocation in &data.relocations {
            relocation.value.targets().for_each(|target| check.target(target));
        }
    }
}

struct Check<'c, 'a> {
    program: &'c Program<'a>,
    pass: &'c str,
    in_layout: &'c [bool],
}

impl Check<'_, '_> {
    fn block(&self, id: BlockId) {
        assert!(self.in_layout[id.index()], "after {}: {id} is referred to, but not part of the program", self.pass);
    }

    fn data(&self, id: DataId) {
        let data = &self.program.data[id.index()];
        assert!(data.kept, "after {}: {} is referred to, but dropped", self.pass, data.name);
    }

    fn target(&self, target: Target) {
        match target {
            Target::Code(block) => self.block(block),
            Target::Data { section, .. } => self.data(section),
            Target::Absolute(_) => {}
        }
    }

    fn inst(&self, block: BlockId, inst: &Inst) {
        let (pass, opcode) = (self.pass, inst.op.opcode());
        assert!(!opcode.ends_block(), "after {pass}: {opcode} in the middle of {block}");
        let Some(symbol) = inst.symbol else { return };
        let replaceable = matches!(
            opcode.format(),
            Format::Imm | Format::ImmImm | Format::RegImm | Format::RegImmImm | Format::RegRegImm
        );
        assert!(replaceable, "after {pass}: {opcode} in {block} has a symbol but no immediate for it");
        if let Symbolic::Import(import) = symbol {
            assert!(import.index() < self.program.imports.len(), "after {pass}: no import {}", import.index());
        }
        symbol.target().into_iter().for_each(|target| self.target(target));
    }
}
