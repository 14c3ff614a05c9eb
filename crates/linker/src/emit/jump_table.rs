//! The jump table: which blocks have an address, in the order of the layout.

use crate::error::{LinkError, LinkErrorKind, Location};
use crate::ir::{BlockId, Program, Target};
use pvm_num::casts::{to_u32, to_u64, to_usize};
use pvm_num::limits::{CODE_ADDRESS_ALIGNMENT, JUMP_TABLE_LENGTH_MAX};

/// Addresses of blocks.
pub(super) struct JumpTable {
    /// Position of each block that has one.
    positions: Vec<Option<u32>>,
    /// The blocks in order of their positions.
    pub(super) blocks: Vec<BlockId>,
}

impl JumpTable {
    /// Gives an address to every block of the program, or to those whose address is taken.
    pub(super) fn new(program: &Program<'_>, every_block: bool) -> Result<JumpTable, LinkError> {
        let mut taken = vec![every_block; program.blocks.len()];
        let mut take = |target: Target| {
            if let Target::Code(block) = target {
                taken[block.index()] = true;
            }
        };
        for (_, block) in program.blocks_in_order() {
            block.instructions.iter().filter_map(|inst| inst.symbol?.target()).for_each(&mut take);
            block.terminator.return_block().map(Target::Code).into_iter().for_each(&mut take);
        }
        for (_, data) in program.data_kept() {
            data.relocations.iter().flat_map(|relocation| relocation.value.targets()).for_each(&mut take);
        }
        let mut table = JumpTable { positions: vec![None; program.blocks.len()], blocks: Vec::new() };
        for id in program.layout.iter().filter(|id| taken[id.index()]) {
            table.positions[id.index()] = Some(to_u32(table.blocks.len()));
            table.blocks.push(*id);
        }
        if table.blocks.len() > to_usize(JUMP_TABLE_LENGTH_MAX) {
            let kind =
                LinkErrorKind::JumpTableTooLong { length: to_u64(table.blocks.len()), limit: JUMP_TABLE_LENGTH_MAX };
            return Err(LinkError { kind, at: Location::default() });
        }
        Ok(table)
    }

    /// The dynamic code address of a block whose address is taken.
    pub(super) fn address(&self, block: BlockId) -> u32 {
        let position = self.positions[block.index()].expect("every block that is referred to by address has one");
        CODE_ADDRESS_ALIGNMENT * (position + 1)
    }
}
