//! The image: a program prepared for the interpreter, shared by all its instances.

use alloc::sync::Arc;
use pvm_gas::Rule;
use pvm_isa::InstructionSet;
use pvm_num::casts::{to_u32, to_usize};
use pvm_program::{Bytes, Code, MemoryMap, Program};

/// What an instance's memory starts from.
#[derive(Clone, Debug)]
pub struct MemoryImage {
    /// Addresses and sizes.
    pub map: MemoryMap,
    /// Initial read-only data; the rest of its region is zero.
    pub ro_data: Bytes,
    /// Initial read-write data; the rest of its region is zero.
    pub rw_data: Bytes,
    /// How much of the auxiliary region is accessible from the start, in bytes.
    pub aux_accessible: u32,
}

/// Which page a fault names when an access touches a read-only page and, behind it, a missing one (isa.md 7.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum FaultOrder {
    /// The lowest page that lacks the right: the Gray Paper's rule.
    FirstPage,
    /// The lowest missing page, else the lowest read-only one: PolkaVM's rule.
    MissingPageFirst,
}

impl FaultOrder {
    /// The rule of the specification that defines the set.
    pub const fn of(set: InstructionSet) -> FaultOrder {
        match set {
            InstructionSet::JamV1 | InstructionSet::Gp07 => FaultOrder::FirstPage,
            InstructionSet::ReviveV1
            | InstructionSet::Latest32
            | InstructionSet::Latest64Bitmask
            | InstructionSet::Latest64 => FaultOrder::MissingPageFirst,
        }
    }
}

/// Where instance memory comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Paging {
    /// A static map with the program's data in place.
    Static,
    /// Nothing is mapped; the host answers faults.
    Dynamic {
        /// Bytes in a page: a power of two.
        page_size: u32,
        /// Which page a fault names.
        order: FaultOrder,
    },
}

/// A program prepared for the interpreter.
#[derive(Clone, Debug)]
pub struct Image {
    /// The instruction set.
    pub set: InstructionSet,
    /// Code bytes.
    pub code: Bytes,
    /// Bitmask; empty in the macro-block encoding.
    pub bitmask: Bytes,
    /// Jump table: code offsets, each of `jump_table_entry_size` bytes, little-endian.
    pub jump_table: Bytes,
    /// Bytes of a jump table entry, 0 to 4.
    pub jump_table_entry_size: u8,
    /// Initial memory.
    pub memory: MemoryImage,
    /// Static map or dynamic paging.
    pub paging: Paging,
    /// How execution is charged; none to count nothing.
    pub gas: Option<Arc<Rule>>,
    /// Stop before every instruction?
    pub step_tracing: bool,
}

impl Image {
    /// A program at the addresses of `map`, under a static map with its auxiliary region accessible as a whole, counting no
    /// gas and stopping at no step; the fields are there to say otherwise.
    pub fn new(program: &Program, map: MemoryMap) -> Image {
        Image {
            set: program.set(),
            code: program.code_bytes().clone(),
            bitmask: program.bitmask_bytes().clone(),
            jump_table: program.jump_table_bytes().clone(),
            jump_table_entry_size: program.jump_table_entry_size(),
            memory: MemoryImage {
                aux_accessible: map.aux_data_size(),
                map,
                ro_data: program.parts().ro_data.clone(),
                rw_data: program.parts().rw_data.clone(),
            },
            paging: Paging::Static,
            gas: None,
            step_tracing: false,
        }
    }

    /// The code view.
    pub fn code(&self) -> Code<'_> {
        Code::new(self.set, &self.code, &self.bitmask)
    }

    /// Number of jump table entries.
    pub(crate) fn jump_table_length(&self) -> u32 {
        match self.jump_table_entry_size {
            0 => 0,
            size => to_u32(self.jump_table.len() / usize::from(size)),
        }
    }

    /// The code offset in entry `index`, which must be below [`Image::jump_table_length`].
    pub(crate) fn jump_table_entry(&self, index: u32) -> u32 {
        let size = usize::from(self.jump_table_entry_size);
        let start = to_usize(index) * size;
        let mut bytes = [0; 4];
        bytes[..size].copy_from_slice(&self.jump_table[start..start + size]);
        u32::from_le_bytes(bytes)
    }
}
