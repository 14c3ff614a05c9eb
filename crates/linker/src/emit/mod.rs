//! Emission: addresses for data, numbers for imports, jump table entries for blocks, and then code.

mod code;
mod data;
mod imports;

use crate::elf::Elf;
use crate::error::{LinkError, LinkErrorKind, Location};
use crate::ir::{Program, Symbolic, Target};
use crate::{Config, Linked};
use data::Layout;
use imports::Imports;
use pvm_isa::{InstructionSet, Width};
use pvm_num::casts::{low_u32, to_u32, unsigned_64, widen};
use pvm_program::{ProgramParts, varint};
use std::collections::BTreeSet;

/// Everything that turns names into numbers.
pub(crate) struct Values<'p> {
    layout: &'p Layout,
    imports: &'p Imports,
    /// Dynamic address of each block that has one, 0 for the others.
    code_addresses: Vec<u32>,
}

impl Values<'_> {
    /// The address of a target, modulo 2^64.
    pub(crate) fn address(&self, target: Target) -> u64 {
        match target {
            Target::Absolute(value) => value,
            Target::Code(block) => widen(self.code_addresses[block.index()]),
            Target::Data { section, offset } => {
                widen(self.layout.addresses[section.index()]).wrapping_add(unsigned_64(offset))
            }
        }
    }

    /// The value of a symbol as a 32-bit immediate.
    pub(crate) fn value(&self, symbol: Symbolic) -> u32 {
        match symbol {
            Symbolic::Address(target) => low_u32(self.address(target)),
            // The low part is signed, so the high part rounds.
            Symbolic::High(target) => low_u32(self.address(target)).wrapping_add(0x800) & !0xfff,
            Symbolic::Low(target) => {
                let address = low_u32(self.address(target));
                address.wrapping_sub(address.wrapping_add(0x800) & !0xfff)
            }
            Symbolic::HeapBase => self.layout.heap_base,
            Symbolic::Import(id) => self.imports.numbers[id.index()],
        }
    }
}

pub(crate) fn emit(elf: &Elf<'_>, program: &Program<'_>, config: &Config) -> Result<Linked, LinkError> {
    let set = match (config.target, program.width) {
        (None, Width::Wide) => InstructionSet::Latest64,
        (None, Width::Narrow) => InstructionSet::Latest32,
        (Some(set), width) if set.width() == width => set,
        (Some(set), width) => {
            let bits = if width == Width::Wide { 64 } else { 32 };
            return Err(whole(LinkErrorKind::WidthMismatch { bits, set }));
        }
    };
    let layout = data::layout(program, config)?;
    let imports = imports::number(program)?;
    let (jump_table, code_addresses) = jump_table(program, config);
    let values = Values { layout: &layout, imports: &imports, code_addresses };
    let code = code::emit(elf, program, config, set, &values, &jump_table)?;
    let (ro_data, rw_data) = data::contents(elf, program, &values)?;

    let mut exports = Vec::new();
    varint::write(&mut exports, to_u32(program.exports.len()));
    for export in &program.exports {
        varint::write(&mut exports, code.block_offsets[export.block.index()]);
        varint::write(&mut exports, to_u32(export.symbol.len()));
        exports.extend_from_slice(export.symbol);
    }
    if program.exports.is_empty() {
        exports.clear();
    }
    let mut offsets = Vec::new();
    let mut symbols = Vec::new();
    for symbol in &imports.symbols {
        offsets.extend_from_slice(&to_u32(symbols.len()).to_le_bytes());
        symbols.extend_from_slice(symbol);
    }
    Ok(Linked {
        parts: ProgramParts {
            ro_data_size: layout.ro_size,
            rw_data_size: layout.rw_size,
            stack_size: layout.stack_size,
            ro_data: ro_data.into(),
            rw_data: rw_data.into(),
            code_and_jump_table: code.bytes.into(),
            import_offsets: offsets.into(),
            import_symbols: symbols.into(),
            exports: exports.into(),
            metadata_hash: config.metadata_hash.clone().into(),
            ..ProgramParts::empty(set)
        },
    })
}

/// The blocks with a dynamic address in layout order, and the address of each. Level 0 gives every block one.
fn jump_table(program: &Program<'_>, config: &Config) -> (Vec<u32>, Vec<u32>) {
    let mut taken = BTreeSet::new();
    let mut take = |target: Option<Target>| {
        if let Some(Target::Code(block)) = target {
            taken.insert(block);
        }
    };
    for (_, block) in program.blocks_in_order() {
        for inst in &block.instructions {
            take(inst.symbol.and_then(|symbol| symbol.target()));
        }
        take(block.terminator.return_block().map(Target::Code));
    }
    for (_, data) in program.data_kept() {
        for relocation in &data.relocations {
            relocation.value.targets().for_each(|target| take(Some(target)));
        }
    }
    let mut table = Vec::new();
    let mut addresses = vec![0; program.blocks.len()];
    for id in &program.layout {
        if config.opt_level == 0 || taken.contains(id) {
            table.push(id.0);
            addresses[id.index()] = to_u32(table.len()) * pvm_num::limits::CODE_ADDRESS_ALIGNMENT;
        }
    }
    (table, addresses)
}

/// An error that concerns the program as a whole.
pub(crate) fn whole(kind: LinkErrorKind) -> LinkError {
    LinkError { kind, at: Location::default() }
}
