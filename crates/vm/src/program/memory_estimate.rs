//! How much host memory an interpreted program takes at most.

use pvm_num::align::align_up;
use pvm_num::casts::{to_u64, widen};
use pvm_program::Program;

/// What is known about the program and how its instance will be set up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EstimateInterpreterMemoryUsageArgs {
    /// Translations are kept for good.
    UnboundedCache {
        /// Number of instructions.
        instruction_count: u32,
        /// Number of basic blocks.
        basic_block_count: u32,
        /// Bytes in a page.
        page_size: u32,
    },
    /// Translations are dropped when they exceed a limit.
    BoundedCache {
        /// Number of instructions.
        instruction_count: u32,
        /// Number of basic blocks.
        basic_block_count: u32,
        /// The limit in bytes.
        max_cache_size_bytes: u32,
        /// Most instructions in a basic block.
        max_block_size: u32,
        /// Bytes in a page.
        page_size: u32,
    },
}

/// Host memory in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProgramMemoryInfo {
    /// What an instance always takes.
    pub baseline_ram_consumption: u32,
    /// What [`crate::RawInstance::reset_interpreter_cache`] frees.
    pub purgeable_ram_consumption: u32,
}

/// Module and instance themselves, without what they own.
const FIXED: u64 = 8192;
/// A translated instruction with what is kept beside it.
pub(crate) const BYTES_PER_OPERATION: u64 = 24;
/// Operations a block adds to those of its instructions: head, charge and the stub of its successor.
const OPERATIONS_PER_BLOCK: u64 = 4;
/// Vectors grow by doubling.
const GROWTH: u64 = 2;

pub(super) fn estimate(
    program: &Program,
    args: EstimateInterpreterMemoryUsageArgs,
) -> Result<ProgramMemoryInfo, &'static str> {
    use EstimateInterpreterMemoryUsageArgs as Args;
    let (instructions, blocks, page_size, limit) = match args {
        Args::UnboundedCache { instruction_count, basic_block_count, page_size } => {
            (instruction_count, basic_block_count, page_size, None)
        }
        Args::BoundedCache {
            instruction_count,
            basic_block_count,
            max_cache_size_bytes,
            max_block_size,
            page_size,
        } => {
            let block = (widen(max_block_size) + OPERATIONS_PER_BLOCK) * BYTES_PER_OPERATION;
            (instruction_count, basic_block_count, page_size, Some(widen(max_cache_size_bytes).max(block)))
        }
    };
    if !page_size.is_power_of_two() {
        return Err("the page size is not a power of two");
    }
    let pages = |size: u32| align_up(widen(size), widen(page_size)).unwrap_or(u64::MAX);
    let stored = program.code_bytes().len() + program.bitmask_bytes().len() + program.jump_table_bytes().len();
    // The map from code offsets to blocks, the one from jump table entries, and a bit per byte for jump targets.
    let maps =
        4 * widen(program.code().len()) + 4 * widen(program.jump_table().len()) + widen(program.code().len()) / 8;
    let memory = [program.ro_data_size(), program.rw_data_size(), program.stack_size()].map(pages);
    let baseline =
        memory.into_iter().chain([FIXED, to_u64(stored), maps]).fold(0_u64, |sum, bytes| sum.saturating_add(bytes));

    let operations = widen(instructions) + OPERATIONS_PER_BLOCK * widen(blocks);
    let translated = GROWTH * operations * BYTES_PER_OPERATION;
    let purgeable = limit.map_or(translated, |limit| translated.min(GROWTH * limit));
    let fits = |bytes: u64| u32::try_from(bytes).map_err(|_| "the program needs more than 4 GiB of memory");
    Ok(ProgramMemoryInfo { baseline_ram_consumption: fits(baseline)?, purgeable_ram_consumption: fits(purgeable)? })
}
