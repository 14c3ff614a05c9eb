//! Reachability: drops code and data that no export leads to.
//!
//! Code leads to what it jumps to and to whatever it takes the address of; data leads to what its relocations name, once
//! any part of it is named.

use crate::ir::{BlockId, DataId, Program, Target};

pub(crate) fn run(program: &mut Program<'_>) {
    let mut marks = Marks {
        blocks: vec![false; program.blocks.len()],
        data: vec![false; program.data.len()],
        waiting_blocks: Vec::new(),
        waiting_data: Vec::new(),
    };
    for export in &program.exports {
        marks.block(export.block);
    }
    loop {
        if let Some(id) = marks.waiting_blocks.pop() {
            let block = program.block(id);
            for inst in &block.instructions {
                marks.target(inst.symbol.and_then(|symbol| symbol.target()));
            }
            block.terminator.successors().chain(block.terminator.return_block()).for_each(|next| marks.block(next));
        } else if let Some(id) = marks.waiting_data.pop() {
            for relocation in &program.data[id.index()].relocations {
                relocation.value.targets().for_each(|target| marks.target(Some(target)));
            }
        } else {
            break;
        }
    }
    program.layout.retain(|id| marks.blocks[id.index()]);
    for (data, kept) in program.data.iter_mut().zip(&marks.data) {
        data.kept &= kept;
    }
}

struct Marks {
    blocks: Vec<bool>,
    data: Vec<bool>,
    waiting_blocks: Vec<BlockId>,
    waiting_data: Vec<DataId>,
}

impl Marks {
    fn block(&mut self, id: BlockId) {
        if !std::mem::replace(&mut self.blocks[id.index()], true) {
            self.waiting_blocks.push(id);
        }
    }

    fn target(&mut self, target: Option<Target>) {
        match target {
            Some(Target::Code(block)) => self.block(block),
            Some(Target::Data { section, .. }) => {
                if !std::mem::replace(&mut self.data[section.index()], true) {
                    self.waiting_data.push(section);
                }
            }
            Some(Target::Absolute(_)) | None => {}
        }
    }
}
