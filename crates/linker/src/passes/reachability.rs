//! Drops blocks and data sections that no export leads to.
//!
//! Roots are the exports. A block leads to the blocks its terminator names, to a call's return block, and to whatever its
//! instructions take the address of; a data section leads to whatever its relocations name. Sections are kept or dropped
//! whole, since nothing tells where one object ends.

use super::Options;
use crate::ir::{BlockId, DataId, Program, Target};

struct Marks<'p, 'a> {
    program: &'p Program<'a>,
    blocks: Vec<bool>,
    data: Vec<bool>,
    /// Marked, but not looked into yet.
    open: Vec<Node>,
}

#[derive(Clone, Copy)]
enum Node {
    Block(BlockId),
    Data(DataId),
}

pub(super) fn run(program: &mut Program<'_>, _: &Options) -> bool {
    let mut marks = Marks {
        program,
        blocks: vec![false; program.blocks.len()],
        data: vec![false; program.data.len()],
        open: Vec::new(),
    };
    for export in &program.exports {
        marks.block(export.block);
    }
    while let Some(node) = marks.open.pop() {
        match node {
            Node::Block(id) => marks.follow_block(id),
            Node::Data(id) => marks.follow_data(id),
        }
    }
    let (blocks, data) = (marks.blocks, marks.data);
    let before = program.layout.len();
    program.layout.retain(|id| blocks[id.index()]);
    let mut changed = program.layout.len() != before;
    for (section, kept) in program.data.iter_mut().zip(data) {
        changed |= section.kept && !kept;
        section.kept &= kept;
    }
    changed
}

impl Marks<'_, '_> {
    fn block(&mut self, id: BlockId) {
        if !std::mem::replace(&mut self.blocks[id.index()], true) {
            self.open.push(Node::Block(id));
        }
    }

    fn target(&mut self, target: Target) {
        match target {
            Target::Code(id) => self.block(id),
            Target::Data { section, .. } => {
                if !std::mem::replace(&mut self.data[section.index()], true) {
                    self.open.push(Node::Data(section));
                }
            }
            Target::Absolute(_) => {}
        }
    }

    fn follow_block(&mut self, id: BlockId) {
        let program = self.program;
        let block = program.block(id);
        for inst in &block.instructions {
            if let Some(target) = inst.symbol.and_then(|symbol| symbol.target()) {
                self.target(target);
            }
        }
        for next in block.terminator.successors().chain(block.terminator.return_block()) {
            self.block(next);
        }
    }

    fn follow_data(&mut self, id: DataId) {
        let program = self.program;
        for relocation in &program.data[id.index()].relocations {
            for target in relocation.value.targets() {
                self.target(target);
            }
        }
    }
}
