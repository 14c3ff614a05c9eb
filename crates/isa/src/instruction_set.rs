//! Instruction sets: which opcodes exist, how they are numbered and how they are encoded.

use crate::Opcode;
use crate::opcode::{ROWS, Row};
use core::fmt;
use pvm_num::casts::{to_usize, widen_u8};

/// How code bytes are cut into instructions.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Encoding {
    /// A bitmask with one bit per code byte marks where instructions start.
    Bitmask,
    /// The opcode fixes the length; code is cut into macro blocks of 1024 bytes (polkavm 0.37).
    MacroBlock,
}

/// How wide the registers are.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Width {
    /// 32 bits. Engines keep such registers sign-extended to 64 bits, so that one meaning serves both widths.
    Narrow,
    /// 64 bits.
    Wide,
}

/// An instruction set: a numbering of opcodes in an encoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum InstructionSet {
    /// `revive_v1`: contracts of pallet-revive; bitmask.
    ReviveV1,
    /// `jam_v1`: Gray Paper 0.8; bitmask.
    JamV1,
    /// The numbering of the Gray Paper 0.7; bitmask. Blobs of that time call themselves `jam_v1` too.
    Gp07,
    /// `latest32`: 32-bit registers; bitmask.
    Latest32,
    /// `latest64` as releases up to 0.36 encode it; bitmask.
    Latest64Bitmask,
    /// `latest64` as releases from 0.37 encode it; macro blocks.
    Latest64,
}

impl InstructionSet {
    /// All sets.
    pub const ALL: [InstructionSet; 6] = [
        InstructionSet::ReviveV1,
        InstructionSet::JamV1,
        InstructionSet::Gp07,
        InstructionSet::Latest32,
        InstructionSet::Latest64Bitmask,
        InstructionSet::Latest64,
    ];

    /// The name in assembly text (`%isa`). Both encodings of latest64 share one.
    pub const fn name(self) -> &'static str {
        match self {
            InstructionSet::ReviveV1 => "revive_v1",
            InstructionSet::JamV1 => "jam_v1",
            InstructionSet::Gp07 => "gp07",
            InstructionSet::Latest32 => "latest32",
            InstructionSet::Latest64Bitmask | InstructionSet::Latest64 => "latest64",
        }
    }

    /// How its code is cut into instructions.
    #[inline]
    pub const fn encoding(self) -> Encoding {
        match self {
            InstructionSet::Latest64 => Encoding::MacroBlock,
            _ => Encoding::Bitmask,
        }
    }

    /// How wide its registers are.
    #[inline]
    pub const fn width(self) -> Width {
        match self {
            InstructionSet::Latest32 => Width::Narrow,
            _ => Width::Wide,
        }
    }

    /// Are registers 64 bits wide?
    pub const fn is_64_bit(self) -> bool {
        matches!(self.width(), Width::Wide)
    }

    /// Does the set have this instruction?
    pub const fn supports(self, opcode: Opcode) -> bool {
        self.number(opcode).is_some()
    }

    /// The number of an opcode in the bitmask encoding of this set; for [`InstructionSet::Latest64`], its shortest
    /// macro-block opcode as an index (see [`crate::encoding::macro_block`]).
    pub const fn number(self, opcode: Opcode) -> Option<u16> {
        let row = opcode.row();
        match self.column() {
            Some(column) => match row.numbers[column] {
                Some(number) => Some(widen_u16(number)),
                None => None,
            },
            None => match row.macro_blocks.first() {
                Some((_, bytes)) => Some(crate::encoding::macro_block::index_of(*bytes)),
                None => None,
            },
        }
    }

    /// The opcode with this number in the bitmask encoding; [`Opcode::invalid`] if it is unassigned.
    #[inline]
    pub const fn opcode(self, number: u8) -> Opcode {
        let map = match self {
            InstructionSet::Latest64Bitmask | InstructionSet::Latest64 => &MAPS[0],
            InstructionSet::Latest32 => &MAPS[1],
            InstructionSet::JamV1 => &MAPS[2],
            InstructionSet::ReviveV1 => &MAPS[3],
            InstructionSet::Gp07 => &MAPS[4],
        };
        map[to_usize(widen_u8(number))]
    }

    /// The code byte that means `unlikely`, if the set has the instruction (gas-model.md 5 looks at raw bytes).
    pub const fn unlikely_byte(self) -> Option<u8> {
        match self.encoding() {
            Encoding::MacroBlock => Some(2),
            Encoding::Bitmask => match self.column() {
                Some(column) => Opcode::unlikely.row().numbers[column],
                None => None,
            },
        }
    }

    const fn column(self) -> Option<usize> {
        match self {
            InstructionSet::Latest64Bitmask => Some(0),
            InstructionSet::Latest32 => Some(1),
            InstructionSet::JamV1 => Some(2),
            InstructionSet::ReviveV1 => Some(3),
            InstructionSet::Gp07 => Some(4),
            InstructionSet::Latest64 => None,
        }
    }
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

const fn widen_u16(value: u8) -> u16 {
    pvm_num::casts::low_u16(pvm_num::casts::widen(widen_u8(value)))
}

/// Opcode by number, for each column of the table. A number used twice in a column does not compile.
static MAPS: [[Opcode; 256]; 5] = {
    let mut maps = [[Opcode::invalid; 256]; 5];
    let mut row = 0;
    while row < ROWS.len() {
        let Row { opcode, numbers, .. } = ROWS[row];
        let mut column = 0;
        while column < maps.len() {
            if let Some(number) = numbers[column] {
                let slot = &mut maps[column][to_usize(widen_u8(number))];
                assert!(matches!(*slot, Opcode::invalid), "two instructions share an opcode number");
                *slot = opcode;
            }
            column += 1;
        }
        row += 1;
    }
    maps
};
