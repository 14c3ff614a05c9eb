//! Opcodes: the enumeration of all instructions and what the table says of each.

use crate::cost::{Cost, cost};
use crate::meaning::{Meaning, meaning};
use crate::operands::Format;
use crate::semantics::{alu, branch, muldiv, shift};
use core::fmt;
use pvm_num::casts::widen_u8;

/// Families of instructions; the crates that split by family name their files after these.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[allow(non_camel_case_types, missing_docs)]
pub enum Family {
    alu,
    shift,
    muldiv,
    memory,
    branch,
    control,
}

/// One row of the table.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) opcode: Opcode,
    pub(crate) name: &'static str,
    pub(crate) format: Format,
    pub(crate) family: Family,
    /// latest64, latest32, jam_v1, revive_v1, gp07 in the bitmask encoding.
    pub(crate) numbers: [Option<u8>; 5],
    /// (operand bytes, opcode bytes) in the macro-block encoding, fewest operand bytes first.
    pub(crate) macro_blocks: &'static [(u8, u16)],
    pub(crate) meaning: Meaning,
    pub(crate) cost: Cost,
}

macro_rules! number {
    (_) => {
        None
    };
    ($number:literal) => {
        Some($number)
    };
}

macro_rules! define_opcodes {
    ($($name:ident $format:ident $family:ident [$($number:tt)*] [$($length:literal : $bytes:literal)*]
        $meaning:ident $(($($function:tt)*))? {$($cost:tt)*};)*) => {
        /// An instruction of PVM, whatever its number in a set.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[allow(non_camel_case_types, missing_docs)]
        #[repr(u8)]
        pub enum Opcode {
            $($name),*
        }

        impl Opcode {
            /// All opcodes in table order; [`Opcode::invalid`] is the last.
            pub const ALL: &'static [Opcode] = &[$(Opcode::$name),*];

            /// The mnemonic.
            pub const fn name(self) -> &'static str {
                match self { $(Opcode::$name => stringify!($name)),* }
            }
        }

        pub(crate) const ROWS: &[Row] = &[$(Row {
            opcode: Opcode::$name,
            name: stringify!($name),
            format: Format::$format,
            family: Family::$family,
            numbers: [$(number!($number)),*],
            macro_blocks: &[$(($length, $bytes)),*],
            meaning: meaning!($meaning $(($($function)*))?),
            cost: cost!($($cost)*),
        }),*];
    };
}
instruction_table!(define_opcodes);

impl Opcode {
    /// Number of opcodes, [`Opcode::invalid`] included.
    pub const COUNT: usize = ROWS.len();

    #[inline]
    pub(crate) const fn row(self) -> &'static Row {
        &ROWS[self.index()]
    }

    /// Position in [`Opcode::ALL`].
    #[inline]
    #[allow(clippy::as_conversions)] // reading the discriminant of a fieldless enum has no other spelling
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The opcode with this mnemonic.
    pub fn from_name(name: &str) -> Option<Opcode> {
        ROWS.iter().find(|row| row.name == name).map(|row| row.opcode)
    }

    /// How its operands are laid out.
    #[inline]
    pub const fn format(self) -> Format {
        self.row().format
    }

    /// Its family.
    pub const fn family(self) -> Family {
        self.row().family
    }

    /// What it does.
    #[inline]
    pub const fn meaning(self) -> Meaning {
        self.row().meaning
    }

    /// What the pipeline gas model knows of it.
    #[inline]
    pub const fn cost(self) -> Cost {
        self.row().cost
    }

    /// The macro-block encodings of the instruction, as (operand bytes, opcode bytes), fewest operand bytes first. An
    /// opcode above 0xff is two bytes, 0xff first.
    pub const fn macro_block_encodings(self) -> &'static [(u8, u16)] {
        self.row().macro_blocks
    }

    /// Does a basic block end with this instruction? (isa.md 3.1; `invalid` ends one too.)
    #[inline(always)]
    pub const fn ends_block(self) -> bool {
        ENDINGS[self.index()].ends_block
    }

    /// Can execution continue with the following instruction?
    #[inline(always)]
    pub const fn can_fall_through(self) -> bool {
        ENDINGS[self.index()].falls_through
    }

    /// If an immediate is a code offset: where it starts in the word of both.
    #[inline(always)]
    pub(crate) const fn target_at(self) -> Option<u32> {
        let Ending { has_target, target_at, .. } = ENDINGS[self.index()];
        if has_target { Some(widen_u8(target_at)) } else { None }
    }
}

/// What comes behind an instruction.
#[derive(Clone, Copy)]
struct Ending {
    ends_block: bool,
    falls_through: bool,
    has_target: bool,
    /// 0 or 32.
    target_at: u8,
}

/// By opcode; as many as a byte can tell apart, so that no index is out of bounds.
const ENDINGS: &[Ending; 256] = &{
    let mut endings = [Ending { ends_block: false, falls_through: true, has_target: false, target_at: 0 }; 256];
    let mut at = 0;
    while at < ROWS.len() {
        let (ends_block, falls_through) = match ROWS[at].meaning {
            Meaning::Fallthrough | Meaning::Branch(_) | Meaning::BranchImm(_) => (true, true),
            Meaning::Trap
            | Meaning::Jump
            | Meaning::JumpIndirect
            | Meaning::LoadImmAndJump
            | Meaning::LoadImmAndJumpIndirect => (true, false),
            _ => (false, true),
        };
        let (has_target, target_at) = match ROWS[at].format {
            Format::Offset | Format::RegRegOffset => (true, 0),
            Format::RegImmOffset => (true, 32),
            _ => (false, 0),
        };
        endings[at] = Ending { ends_block, falls_through, has_target, target_at };
        at += 1;
    }
    endings
};

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
