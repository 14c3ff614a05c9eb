//! The jump table: which blocks have an address, and which.

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

/// Which blocks have an address, and in which order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Every block of the program.
    EveryBlock,
    /// Those whose address is taken, in the order of the layout.
    AsLaidOut,
    /// Those whose address is taken, the most often used first.
    MostUsedFirst,
}

impl Order {
    /// That of an optimisation level.
    pub(super) const fn of_level(level: u8) -> Order {
        match level {
            0 => Order::EveryBlock,
            1 => Order::AsLaidOut,
            _ => Order::MostUsedFirst,
        }
    }
}

fn block_of(target: Target) -> Option<BlockId> {
    match target {
        Target::Code(block) => Some(block),
        Target::Data { .. } | Target::Absolute(_) => None,
    }
}

impl JumpTable {
    /// Gives addresses to blocks.
    pub(super) fn new(program: &Program<'_>, order: Order) -> Result<JumpTable, LinkError> {
        let mut taken = vec![order == Order::EveryBlock; program.blocks.len()];
        // How often instructions spell the address out.
        let mut spelled = vec![0u32; program.blocks.len()];
        for (_, block) in program.blocks_in_order() {
            let targets = block.instructions.iter().filter_map(|inst| inst.symbol?.target());
            for block in targets.chain(block.terminator.return_block().map(Target::Code)).filter_map(block_of) {
                taken[block.index()] = true;
                spelled[block.index()] += 1;
            }
        }
        for (_, data) in program.data_kept() {
            let targets = data.relocations.iter().flat_map(|relocation| relocation.value.targets());
            targets.filter_map(block_of).for_each(|block| taken[block.index()] = true);
        }
        let mut blocks: Vec<BlockId> = program.layout.iter().copied().filter(|id| taken[id.index()]).collect();
        if order == Order::MostUsedFirst {
            // Low addresses are short immediates.
            blocks.sort_by_key(|id| std::cmp::Reverse(spelled[id.index()]));
        }
        let mut table = JumpTable { positions: vec![None; program.blocks.len()], blocks };
        for (position, id) in table.blocks.iter().enumerate() {
            table.positions[id.index()] = Some(to_u32(position));
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
