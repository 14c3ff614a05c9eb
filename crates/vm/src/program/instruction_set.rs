//! Instruction sets and opcodes under the names embedders use.

use super::Instruction;
use pvm_isa::encoding::macro_block;
use pvm_isa::{Encoding, instruction_table};
use std::fmt;
use std::str::FromStr;

macro_rules! opcodes {
    ($($name:ident $format:ident $family:ident [$($number:tt)*] [$($block:tt)*]
        $meaning:ident $(($($function:tt)*))? {$($cost:tt)*};)*) => {
        /// What an instruction does.
        #[allow(non_camel_case_types, missing_docs)]
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Opcode {
            $($name),*
        }

        impl From<pvm_isa::Opcode> for Opcode {
            fn from(opcode: pvm_isa::Opcode) -> Self {
                match opcode {
                    $(pvm_isa::Opcode::$name => Opcode::$name),*
                }
            }
        }

        impl Opcode {
            const fn isa(self) -> pvm_isa::Opcode {
                match self {
                    $(Opcode::$name => pvm_isa::Opcode::$name),*
                }
            }
        }

        /// By [`pvm_isa::Opcode::index`], `invalid` last.
        const OPCODES: &[Opcode] = &[$(Opcode::$name),*];
    };
}
instruction_table!(opcodes);

impl From<Opcode> for pvm_isa::Opcode {
    fn from(opcode: Opcode) -> Self {
        opcode.isa()
    }
}

impl Opcode {
    /// All of them but `invalid`.
    pub const ALL: &'static [Opcode] = OPCODES.split_at(OPCODES.len() - 1).0;

    /// The mnemonic.
    pub const fn name(self) -> &'static str {
        self.isa().name()
    }

    /// Can execution go on with the instruction behind it?
    pub const fn can_fallthrough(self) -> bool {
        self.isa().can_fall_through()
    }

    /// Does a block start behind it?
    pub const fn starts_new_basic_block(self) -> bool {
        self.isa().ends_block()
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Opcode {
    type Err = &'static str;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        pvm_isa::Opcode::from_name(name).map(Opcode::from).ok_or("unknown instruction")
    }
}

/// The instruction set of a blob. Which encoding of latest64 a blob has, and which numbering of `jam_v1`, is not part of
/// this: see [`crate::ProgramBlob::instruction_set`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum InstructionSetKind {
    /// Contracts of pallet-revive.
    ReviveV1,
    /// The Gray Paper's.
    JamV1,
    /// 32-bit registers.
    Latest32,
    /// 64-bit registers.
    Latest64,
}

impl InstructionSetKind {
    /// The name in assembly text.
    pub fn name(self) -> &'static str {
        self.set().name()
    }

    /// Are registers 64 bits wide?
    pub fn is_64_bit(&self) -> bool {
        self.set().is_64_bit()
    }

    /// The set in its newest encoding.
    pub(crate) fn set(self) -> pvm_isa::InstructionSet {
        match self {
            InstructionSetKind::ReviveV1 => pvm_isa::InstructionSet::ReviveV1,
            InstructionSetKind::JamV1 => pvm_isa::InstructionSet::JamV1,
            InstructionSetKind::Latest32 => pvm_isa::InstructionSet::Latest32,
            InstructionSetKind::Latest64 => pvm_isa::InstructionSet::Latest64,
        }
    }

    /// The set in the encoding which that code has: only bitmask code has a bitmask.
    pub(crate) fn set_of(self, code: &[u8], bitmask: &[u8]) -> pvm_isa::InstructionSet {
        match self {
            InstructionSetKind::Latest64 if !bitmask.is_empty() || code.is_empty() => {
                pvm_isa::InstructionSet::Latest64Bitmask
            }
            _ => self.set(),
        }
    }

    /// The version byte of a blob.
    pub(crate) fn version(self) -> u8 {
        match self {
            InstructionSetKind::ReviveV1 => 0,
            InstructionSetKind::Latest32 => 1,
            InstructionSetKind::Latest64 => 2,
            InstructionSetKind::JamV1 => 3,
        }
    }
}

impl From<pvm_isa::InstructionSet> for InstructionSetKind {
    fn from(set: pvm_isa::InstructionSet) -> Self {
        match set {
            pvm_isa::InstructionSet::ReviveV1 => InstructionSetKind::ReviveV1,
            pvm_isa::InstructionSet::JamV1 | pvm_isa::InstructionSet::Gp07 => InstructionSetKind::JamV1,
            pvm_isa::InstructionSet::Latest32 => InstructionSetKind::Latest32,
            pvm_isa::InstructionSet::Latest64 | pvm_isa::InstructionSet::Latest64Bitmask => {
                InstructionSetKind::Latest64
            }
        }
    }
}

/// An instruction set as a value or as a type. Only the sets of this module are any.
pub trait InstructionSet: Copy + Into<InstructionSetKind> {
    /// The opcode with this number: a byte, or in latest64 an index of one- and two-byte opcodes.
    fn opcode_from_raw(self, raw_opcode: u32) -> Option<Opcode> {
        let set = self.into().set();
        let opcode = match set.encoding() {
            Encoding::Bitmask => set.opcode(u8::try_from(raw_opcode).ok()?),
            Encoding::MacroBlock => macro_block::describe(u16::try_from(raw_opcode).ok()?)?.0,
        };
        (opcode != pvm_isa::Opcode::invalid).then(|| opcode.into())
    }

    /// The number of an opcode that takes at least `args_length` operand bytes, and how many it takes.
    fn opcode_to_raw(self, opcode: Opcode, args_length: u32) -> Option<(u32, u32)> {
        let set = self.into().set();
        let opcode = pvm_isa::Opcode::from(opcode);
        match set.encoding() {
            Encoding::Bitmask => Some((u32::from(set.number(opcode)?), args_length)),
            Encoding::MacroBlock => {
                let encodings = opcode.macro_block_encodings().iter();
                let (length, bytes) = encodings.copied().find(|(length, _)| u32::from(*length) >= args_length)?;
                let index = match bytes.to_be_bytes() {
                    [0, byte] => u32::from(byte),
                    [_, byte] => 255 + u32::from(byte),
                };
                Some((index, u32::from(length)))
            }
        }
    }

    /// The numbers of all opcodes.
    fn raw_opcode_table(self) -> &'static RawOpcodeTable {
        match self.into() {
            InstructionSetKind::ReviveV1 => &RawOpcodeTable(InstructionSetKind::ReviveV1),
            InstructionSetKind::JamV1 => &RawOpcodeTable(InstructionSetKind::JamV1),
            InstructionSetKind::Latest32 => &RawOpcodeTable(InstructionSetKind::Latest32),
            InstructionSetKind::Latest64 => &RawOpcodeTable(InstructionSetKind::Latest64),
        }
    }

    /// The instruction with this number, of which `chunk` holds the first 16 bytes of code, the first one lowest, at this
    /// offset. `length` is its length in bytes, which only matters where the number does not give it.
    fn parse_instruction(self, raw_opcode: usize, chunk: u128, offset: u32, length: u32) -> Instruction {
        super::visitor::parse(self.into().set(), raw_opcode, chunk, offset, length)
    }

    /// Does the set have this instruction?
    fn supports_opcode(self, opcode: Opcode) -> bool {
        self.into().set().supports(opcode.into())
    }

    /// Is its code cut by a bitmask?
    fn is_legacy(self) -> bool {
        self.into().set().encoding() == Encoding::Bitmask
    }
}

impl InstructionSet for InstructionSetKind {}

/// The numbers of a set's opcodes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RawOpcodeTable(InstructionSetKind);

impl RawOpcodeTable {
    /// The number of the shortest form of an opcode, if the set has it.
    pub fn get(&self, opcode: Opcode) -> Option<u32> {
        self.0.opcode_to_raw(opcode, 0).map(|(number, _)| number)
    }
}

macro_rules! set_types {
    ($($name:ident $kind:ident;)*) => {$(
        /// The set as a type.
        #[allow(non_camel_case_types)]
        #[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
        pub struct $name;

        impl From<$name> for InstructionSetKind {
            fn from(_: $name) -> Self {
                InstructionSetKind::$kind
            }
        }

        impl InstructionSet for $name {}
    )*};
}
set_types! {
    ISA_ReviveV1 ReviveV1;
    ISA_JamV1 JamV1;
    ISA_Latest32 Latest32;
    ISA_Latest64 Latest64;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_round_trip() {
        for kind in [
            InstructionSetKind::ReviveV1,
            InstructionSetKind::JamV1,
            InstructionSetKind::Latest32,
            InstructionSetKind::Latest64,
        ] {
            for opcode in Opcode::ALL.iter().copied().filter(|opcode| kind.supports_opcode(*opcode)) {
                let (raw, _) = kind.opcode_to_raw(opcode, 0).unwrap();
                assert_eq!(kind.opcode_from_raw(raw), Some(opcode), "{kind:?} {opcode}");
            }
            assert_eq!(kind.opcode_from_raw(254), None);
        }
        assert_eq!(InstructionSetKind::Latest64.opcode_to_raw(Opcode::sbrk, 1), Some((509, 1)));
        assert_eq!("add_32".parse(), Ok(Opcode::add_32));
        assert_eq!("adding".parse::<Opcode>(), Err("unknown instruction"));
    }
}
