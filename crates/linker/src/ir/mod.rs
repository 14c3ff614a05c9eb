//! The program between lifting and emission: basic blocks of PVM instructions whose addresses are still names.
//!
//! ```text
//! Program
//!   layout: [BlockId]  -->  Block { instructions: [Inst], terminator: Terminator }
//!   data:   [Data]          Inst { op: pvm_isa::Instruction, symbol: what replaces its first immediate }
//!   imports, exports
//! ```
//!
//! Invariants that every pass keeps:
//! - An [`Inst`] never ends a block; control flow is in the [`Terminator`] alone, with both successors spelled out, so that
//!   blocks can be moved freely. How a terminator is written depends on what follows it in the layout and is decided by
//!   emission.
//! - A block whose address is taken is named by a [`Target::Code`], by a call's return block or by an export; no other
//!   block can be reached by an address.
//! - Identifiers are indexes that stay valid: passes take blocks out of `layout` and mark data as dropped, they do not
//!   renumber.

mod blocks;
mod parse;
mod text;

pub use blocks::Blocks;
pub use parse::{ParseError, ParseErrorKind, parse};

use crate::error::{LinkError, LinkErrorKind, Location};
use pvm_isa::{Instruction, Reg, RegSet, Width};
use pvm_num::casts::{to_u32, to_usize, widen};

/// Number of a block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BlockId(pub(crate) u32);

/// Number of a data section.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DataId(pub(crate) u32);

/// Number of an import, in the order in which the code first names them; not the number of its host call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ImportId(pub(crate) u32);

macro_rules! ids {
    ($($id:ident),*) => { $(
        impl $id {
            /// The number as an index.
            pub const fn index(self) -> usize {
                to_usize(self.0)
            }

            pub(crate) const fn new(index: usize) -> Self {
                $id(to_u32(index))
            }
        }
    )* };
}
ids!(BlockId, DataId, ImportId);

/// A whole program.
#[derive(Debug)]
pub struct Program<'a> {
    /// How wide the registers are.
    pub width: Width,
    /// All blocks, also those that are no longer part of the program.
    pub blocks: Blocks<'a>,
    /// The blocks that are part of the program, in the order in which they are written.
    pub layout: Vec<BlockId>,
    /// By block, how often it is thought to run, for the code builder; empty if nobody has looked.
    pub(crate) heat: Vec<u8>,
    /// Data sections in the order of the file.
    pub data: Vec<Data<'a>>,
    /// What the code asks of the host.
    pub imports: Vec<Import<'a>>,
    /// What the host can call.
    pub exports: Vec<Export<'a>>,
    /// The largest stack a part of the program asked for, in bytes.
    pub stack_size_min: u32,
    /// Names of the files' sections, for messages and text.
    pub sections: Vec<&'a str>,
    /// Names of the files the sections are from, for messages; empty if there is only one file.
    pub files: Vec<Option<&'a str>>,
}

/// A place in the file that was linked: it says where an instruction comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Source {
    /// Section of the file.
    pub section: u32,
    /// Bytes from its start.
    pub offset: u32,
}

/// A basic block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Block<'a> {
    /// Where it starts in the file.
    pub source: Source,
    /// The function that starts here.
    pub label: Option<&'a str>,
    /// What it does, in order.
    pub instructions: Vec<Inst>,
    /// How it ends.
    pub terminator: Terminator,
    /// Where the terminator comes from.
    pub terminator_source: Source,
}

/// An instruction that does not end a block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inst {
    /// The instruction.
    pub op: Instruction,
    /// If there is one, its value replaces the first immediate of `op`.
    pub symbol: Option<Symbolic>,
    /// Where it comes from.
    pub source: Source,
}

/// A number that is known once everything has its place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Symbolic {
    /// The address.
    Address(Target),
    /// The address rounded to a multiple of 4096, so that [`Symbolic::Low`] added to it gives the address.
    High(Target),
    /// The low 12 bits of the address, sign-extended.
    Low(Target),
    /// The first address after all data.
    HeapBase,
    /// The number of the host call.
    Import(ImportId),
}

/// What has an address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Target {
    /// Bytes from the start of a data section; may lie outside it.
    Data {
        /// The section.
        section: DataId,
        /// Bytes from its start.
        offset: i64,
    },
    /// A block, by its dynamic code address.
    Code(BlockId),
    /// A number.
    Absolute(u64),
}

/// How a block ends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Terminator {
    /// The guest stops.
    Trap,
    /// Goes on with a block.
    Jump(BlockId),
    /// Goes on with `target` after setting `link` to the address of `back`.
    Call {
        /// Register that gets the address.
        link: Reg,
        /// The function.
        target: BlockId,
        /// Where it returns to.
        back: BlockId,
    },
    /// Goes to the code address `base + offset`.
    JumpIndirect {
        /// Register that holds the address.
        base: Reg,
        /// Added to it.
        offset: i32,
    },
    /// Goes to the code address `base + offset`, with the base as it was before `link` is set to the address of `back`.
    CallIndirect {
        /// Register that gets the address.
        link: Reg,
        /// Register that holds the address of the function.
        base: Reg,
        /// Added to it.
        offset: i32,
        /// Where it returns to.
        back: BlockId,
    },
    /// Goes on with one of two blocks.
    Branch {
        /// A branch; its own target has no meaning.
        branch: Instruction,
        /// If the condition holds.
        taken: BlockId,
        /// If it does not.
        otherwise: BlockId,
    },
}

/// What a data section holds at the start.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum DataKind {
    /// Read-only.
    Ro,
    /// Writable.
    Rw,
    /// Writable and zero.
    Bss,
}

/// A data section.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Data<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its place in memory.
    pub kind: DataKind,
    /// Contents before relocation; zeros follow up to `size`.
    pub bytes: &'a [u8],
    /// Bytes in memory.
    pub size: u32,
    /// Alignment in bytes, a power of two.
    pub align: u32,
    /// Sorted by offset.
    pub relocations: Vec<DataRelocation>,
    /// Section of the file, for messages.
    pub section: u32,
    /// Is it part of the program?
    pub kept: bool,
}

/// A number within data that is known once everything has its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataRelocation {
    /// Bytes from the start of the section.
    pub offset: u32,
    /// Bytes that are written: 1, 2, 4 or 8.
    pub size: u8,
    /// What is written.
    pub value: DataValue,
}

/// What a data relocation writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DataValue {
    /// The address.
    Address(Target),
    /// The difference of two addresses, wrapped to the size of the field.
    Difference {
        /// From this address ...
        plus: Target,
        /// ... this one is subtracted.
        minus: Target,
    },
}

/// A function of the host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Import<'a> {
    /// Its name.
    pub symbol: &'a [u8],
    /// The number it must have, if the program says so.
    pub index: Option<u32>,
    /// Argument registers.
    pub inputs: u8,
    /// Result registers.
    pub outputs: u8,
}

/// A function that the host can call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Export<'a> {
    /// Its name.
    pub symbol: &'a [u8],
    /// Where it starts.
    pub block: BlockId,
    /// Argument registers.
    pub inputs: u8,
    /// Result registers.
    pub outputs: u8,
}

impl<'a> Program<'a> {
    /// The block.
    pub fn block(&self, id: BlockId) -> &Block<'a> {
        &self.blocks[id.index()]
    }

    /// The blocks of the program in layout order.
    pub fn blocks_in_order(&self) -> impl Iterator<Item = (BlockId, &Block<'a>)> {
        self.layout.iter().map(|id| (*id, self.block(*id)))
    }

    /// An error at a place of the file.
    #[cold]
    pub(crate) fn error(&self, source: Source, kind: LinkErrorKind) -> LinkError {
        let before = self.blocks.iter().filter(|block| block.source.section == source.section);
        let before = before.filter(|block| block.label.is_some() && block.source.offset <= source.offset);
        let function = before.max_by_key(|block| block.source.offset).and_then(|block| block.label);
        let file = self.files.get(to_usize(source.section)).copied().flatten();
        let at = Location {
            file: file.map(Into::into),
            section: self.sections.get(to_usize(source.section)).map(|name| (*name).into()),
            offset: Some(widen(source.offset)),
            symbol: function.map(Into::into),
        };
        LinkError { kind, at }
    }

    /// The data sections that are part of the program.
    pub fn data_kept(&self) -> impl Iterator<Item = (DataId, &Data<'a>)> {
        (0..).map(DataId).zip(&self.data).filter(|(_, data)| data.kept)
    }
}

impl Symbolic {
    /// What must exist for the number to exist.
    pub const fn target(self) -> Option<Target> {
        match self {
            Symbolic::Address(target) | Symbolic::High(target) | Symbolic::Low(target) => Some(target),
            Symbolic::HeapBase | Symbolic::Import(_) => None,
        }
    }
}

impl DataValue {
    /// What must exist for the number to exist.
    pub fn targets(self) -> impl Iterator<Item = Target> {
        let (first, second) = match self {
            DataValue::Address(target) => (target, None),
            DataValue::Difference { plus, minus } => (plus, Some(minus)),
        };
        std::iter::once(first).chain(second)
    }
}

impl Terminator {
    /// The blocks control may go on with, as far as they are spelled out: a call's return block is not among them, since
    /// it is reached by its address.
    pub fn successors(&self) -> impl Iterator<Item = BlockId> {
        let (first, second) = match *self {
            Terminator::Trap | Terminator::JumpIndirect { .. } | Terminator::CallIndirect { .. } => (None, None),
            Terminator::Jump(target) | Terminator::Call { target, .. } => (Some(target), None),
            Terminator::Branch { taken, otherwise, .. } => (Some(taken), Some(otherwise)),
        };
        first.into_iter().chain(second)
    }

    /// The block whose address the terminator takes.
    pub const fn return_block(&self) -> Option<BlockId> {
        match *self {
            Terminator::Call { back, .. } | Terminator::CallIndirect { back, .. } => Some(back),
            _ => None,
        }
    }

    /// Registers whose value matters to the terminator itself.
    pub const fn reads(&self) -> RegSet {
        match self {
            Terminator::Trap | Terminator::Jump(_) | Terminator::Call { .. } => RegSet::EMPTY,
            Terminator::JumpIndirect { base, .. } | Terminator::CallIndirect { base, .. } => RegSet::of(&[*base]),
            Terminator::Branch { branch, .. } => branch.reads(),
        }
    }

    /// Registers that get a new value.
    pub const fn writes(&self) -> RegSet {
        match self {
            Terminator::Call { link, .. } | Terminator::CallIndirect { link, .. } => RegSet::of(&[*link]),
            _ => RegSet::EMPTY,
        }
    }
}
