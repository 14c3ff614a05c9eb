//! From the intermediate form to the parts of a program: everything gets its address and its bytes.
//!
//! ```text
//! jump table   which blocks have an address     --+
//! memory       where the data sections are        +--> Resolver --> code, contents of the data
//! imports      numbers of the host calls        --+
//! ```
//!
//! No address depends on the layout of the code: code addresses are positions in the jump table. So all immediates are
//! known before any instruction is placed, and only jump distances are left to the code builder.

mod code;
mod imports;
mod jump_table;
mod map;
mod memory;

pub(crate) use map::map;
pub use map::{LinkMap, MapEntry};

use crate::config::Config;
use crate::debug;
use crate::elf::Elf;
use crate::error::LinkError;
use crate::ir::{Program, Symbolic, Target};
use imports::Imports;
use jump_table::{JumpTable, Order};
use memory::Memory;
use pvm_isa::InstructionSet;
use pvm_num::casts::{low_u32, sign_extend_32, unsigned_64, widen};
use pvm_program::{ProgramBuilder, ProgramParts};

/// Writes the program for an instruction set.
pub(crate) fn emit(
    program: &Program<'_>,
    elf: &Elf<'_>,
    config: &Config,
    set: InstructionSet,
) -> Result<ProgramParts, LinkError> {
    let jump_table = JumpTable::new(program, Order::of_level(config.opt_level))?;
    let memory = Memory::new(program, config.min_stack_size)?;
    let imports = Imports::new(program)?;
    let resolver = Resolver { program, jump_table: &jump_table, memory: &memory, imports: &imports };
    let code = code::emit(&resolver, config, set)?;
    let (ro_data, rw_data) = memory.contents(&resolver)?;

    let mut builder = ProgramBuilder::new(&code.layout);
    builder.ro_data(ro_data).ro_data_size(memory.ro_size).rw_data(rw_data).rw_data_size(memory.rw_size);
    builder.stack_size(memory.stack_size).metadata_hash(config.metadata_hash.clone());
    if !config.strip {
        builder.debug(debug::debug_sections(elf, &code.layout, &code.sources));
    }
    for symbol in imports.symbols() {
        builder.import(symbol);
    }
    for export in &program.exports {
        builder.export(code.offset(export.block), export.symbol);
    }
    Ok(builder.build().map_err(LinkError::from_program)?.parts().clone())
}

/// Knows the numbers behind all names.
pub(crate) struct Resolver<'r, 'a> {
    program: &'r Program<'a>,
    jump_table: &'r JumpTable,
    memory: &'r Memory,
    imports: &'r Imports<'a>,
}

impl Resolver<'_, '_> {
    /// The address of a target.
    fn address(&self, target: Target) -> u64 {
        match target {
            Target::Absolute(value) => value,
            Target::Code(block) => widen(self.jump_table.address(block)),
            Target::Data { section, offset } => {
                let start = self.memory.address(section);
                widen(low_u32(widen(start).wrapping_add(unsigned_64(offset))))
            }
        }
    }

    /// The value of a symbol, as a register would hold it.
    fn value(&self, symbol: Symbolic) -> u64 {
        match symbol {
            Symbolic::Address(target) => self.address(target),
            // What `lui` makes: the low half is signed, so that the high half is rounded.
            Symbolic::High(target) => sign_extend_32(low_u32(self.address(target).wrapping_add(0x800)) & !0xfff),
            Symbolic::Low(target) => {
                let address = self.address(target);
                let high = address.wrapping_add(0x800) & !0xfff;
                address.wrapping_sub(high)
            }
            Symbolic::HeapBase => widen(self.memory.heap_base),
            Symbolic::Import(import) => widen(self.imports.number(import)),
        }
    }
}
