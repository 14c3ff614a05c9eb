//! Instructions as values to match on, and iteration over them.

use super::instruction_set::{InstructionSet, InstructionSetKind, Opcode};
use crate::ProgramCounter;
use crate::reg::RawReg;
use pvm_isa::display::{Options, TargetWriter};
use pvm_isa::{Width, instruction_table};
use pvm_program::{Code, Located};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

/// Reduces the table to names and formats.
macro_rules! instructions {
    ($($name:ident $format:ident $family:ident [$($number:tt)*] [$($block:tt)*]
        $meaning:ident $(($($function:tt)*))? {$($cost:tt)*};)*) => {
        collect!([] [] $($name $format)*);
    };
}

/// Takes a row at a time and collects what it contributes; `load_imm RegImm` for example becomes
///
/// ```text
/// load_imm(RawReg, i32),
/// load_imm(r1, imm1)
/// ```
///
/// The second form serves as pattern, and as list of the accessors and constructor arguments.
macro_rules! collect {
    ([$($v:tt)*] [$($o:tt)*] $name:ident None $($rest:tt)*) => {
        collect!([$($v)* $name,] [$($o)* $name;] $($rest)*);
    };
    ([$($v:tt)*] [$($o:tt)*] $name:ident Imm $($rest:tt)*) => {
        collect!([$($v)* $name(i32),] [$($o)* $name(imm1);] $($rest)*);
    };
    ([$($v:tt)*] [$($o:tt)*] $name:ident Offset $($rest:tt)*) => {
        collect!([$($v)* $name(u32),] [$($o)* $name(destination);] $($rest)*);
    };
    ([$($v:tt)*] [$($o:tt)*] $name:ident ImmImm $($rest:tt)*) => {
        collect!([$($v)* $name(i32, i32),] [$($o)* $name(imm1, imm2);] $($rest)*);
    };
    ([$($v:tt)*] [$($o:tt)*] $name:ident RegImm $($rest:tt)*) => {
        collect!([$($v)* $name(RawReg, i32),] [$($o)* $name(r1, imm1);] $($rest)*);
    };
    ([$($v:tt)*] [$($o:tt)*] $name:ident RegImm64 $($rest:tt)*) => {
        collect!([$($v)* $name(RawReg, u64),] [$($o)* $name(r1, imm64);] $($rest)*);
    };
    ([$($v:tt)*] [$($o:tt)*] $name:ident RegImmImm $($rest:tt)*) => {
        collect!([$($v)* $name(RawReg, i32, i32),] [$($o)* $name(r1, imm1, imm2);] $($rest)*);
    };
    ([$($v:tt)*] [$($o:tt)*] $name:ident RegImmOffset $($rest:tt)*) => {
        collect!([$($v)* $name(RawReg, i32, u32),] [$($o)* $name(r1, imm1, destination);] $($rest)*);
    };
    ([$($v:tt)*] [$($o:tt)*] $name:ident RegReg $($rest:tt)*) => {
        collect!([$($v)* $name(RawReg, RawReg),] [$($o)* $name(r1, r2);] $($rest)*);
    };
    ([$($v:tt)*] [$($o:tt)*] $name:ident RegRegImm $($rest:tt)*) => {
        collect!([$($v)* $name(RawReg, RawReg, i32),] [$($o)* $name(r1, r2, imm1);] $($rest)*);
    };
    ([$($v:tt)*] [$($o:tt)*] $name:ident RegRegOffset $($rest:tt)*) => {
        collect!([$($v)* $name(RawReg, RawReg, u32),] [$($o)* $name(r1, r2, destination);] $($rest)*);
    };
    ([$($v:tt)*] [$($o:tt)*] $name:ident RegRegImmImm $($rest:tt)*) => {
        collect!([$($v)* $name(RawReg, RawReg, i32, i32),] [$($o)* $name(r1, r2, imm1, imm2);] $($rest)*);
    };
    ([$($v:tt)*] [$($o:tt)*] $name:ident RegRegReg $($rest:tt)*) => {
        collect!([$($v)* $name(RawReg, RawReg, RawReg),] [$($o)* $name(r1, r2, r3);] $($rest)*);
    };
    ([$($variant:tt)*] [$($name:ident $(($($operand:ident),*))?;)*]) => {
        /// An instruction with its operands: registers, destination first, then immediates, then where it jumps to.
        #[allow(non_camel_case_types, missing_docs)]
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Instruction {
            $($variant)*
        }

        /// Is handed instructions: operands as in [`Instruction`].
        #[allow(missing_docs)]
        pub trait InstructionVisitor {
            /// What a visit gives.
            type ReturnTy;
            $(fn $name(&mut self $($(, $operand: operand!($operand))*)?) -> Self::ReturnTy;)*
        }

        /// Is handed instructions, each with its offset and its length in bytes in front of the operands.
        #[allow(missing_docs)]
        pub trait ParsingVisitor {
            /// What a visit gives.
            type ReturnTy;
            $(fn $name(&mut self, offset: u32, length: u32 $($(, $operand: operand!($operand))*)?) -> Self::ReturnTy;)*
        }

        impl Instruction {
            /// Hands the instruction to a visitor.
            pub fn visit<T: InstructionVisitor>(self, visitor: &mut T) -> T::ReturnTy {
                match self {
                    $(Instruction::$name $(($($operand),*))? => visitor.$name($($($operand),*)?),)*
                }
            }

            /// Hands the instruction to a visitor as one of this offset and length.
            pub fn visit_parsing<T: ParsingVisitor>(self, offset: u32, length: u32, visitor: &mut T) -> T::ReturnTy {
                match self {
                    $(Instruction::$name $(($($operand),*))? => {
                        visitor.$name(offset, length $($(, $operand)*)?)
                    })*
                }
            }
        }

        /// Makes the instruction it is handed.
        #[cfg(test)]
        pub(super) struct Remaking;

        #[cfg(test)]
        impl InstructionVisitor for Remaking {
            type ReturnTy = Instruction;
            $(fn $name(&mut self $($(, $operand: operand!($operand))*)?) -> Instruction {
                Instruction::$name $(($($operand),*))?
            })*
        }

        #[cfg(test)]
        impl ParsingVisitor for Remaking {
            type ReturnTy = (u32, u32, Instruction);
            $(fn $name(
                &mut self, offset: u32, length: u32 $($(, $operand: operand!($operand))*)?
            ) -> (u32, u32, Instruction) {
                (offset, length, Instruction::$name $(($($operand),*))?)
            })*
        }

        impl From<pvm_isa::Instruction> for Instruction {
            fn from(instruction: pvm_isa::Instruction) -> Self {
                let operands = Operands(instruction);
                match instruction.opcode() {
                    $(pvm_isa::Opcode::$name => Instruction::$name $(($(operands.$operand()),*))?),*
                }
            }
        }

        impl From<Instruction> for pvm_isa::Instruction {
            fn from(instruction: Instruction) -> Self {
                match instruction {
                    $(Instruction::$name $(($($operand),*))? => {
                        pvm_isa::Instruction::$name($($($operand.into()),*)?)
                    })*
                }
            }
        }
    };
}

/// The type of an operand.
macro_rules! operand {
    (imm1) => {
        i32
    };
    (imm2) => {
        i32
    };
    (imm64) => {
        u64
    };
    (destination) => {
        u32
    };
    ($register:ident) => {
        RawReg
    };
}

/// Operands in the types of [`Instruction`].
struct Operands(pvm_isa::Instruction);

impl Operands {
    fn r1(&self) -> RawReg {
        self.0.r1().into()
    }

    fn r2(&self) -> RawReg {
        self.0.r2().into()
    }

    fn r3(&self) -> RawReg {
        self.0.r3().into()
    }

    fn imm1(&self) -> i32 {
        self.0.imm1()
    }

    fn imm2(&self) -> i32 {
        self.0.imm2()
    }

    fn imm64(&self) -> u64 {
        self.0.imm64()
    }

    fn destination(&self) -> u32 {
        self.0.target().expect("only asked for formats with a target")
    }
}

instruction_table!(instructions);

impl Instruction {
    /// What it does.
    pub fn opcode(self) -> Opcode {
        pvm_isa::Instruction::from(self).opcode().into()
    }

    /// Does a block start behind it?
    pub fn starts_new_basic_block(self) -> bool {
        self.opcode().starts_new_basic_block()
    }
}

/// How [`Instruction::display`] writes.
#[derive(Clone)]
#[non_exhaustive]
pub struct InstructionFormat<'a> {
    /// Registers as `r0` to `r12` instead of by their roles.
    pub prefer_non_abi_reg_names: bool,
    /// No shorthand: no `ret`, no subtraction of an immediate.
    pub prefer_unaliased: bool,
    /// Writes where jumps and branches go; as offsets if absent.
    pub jump_target_formatter: Option<TargetWriter<'a>>,
    /// Are registers 64 bits wide?
    pub is_64_bit: bool,
}

impl Default for InstructionFormat<'_> {
    fn default() -> Self {
        InstructionFormat {
            prefer_non_abi_reg_names: false,
            prefer_unaliased: false,
            jump_target_formatter: None,
            is_64_bit: true,
        }
    }
}

impl Instruction {
    /// The instruction as text.
    pub fn display<'a>(self, format: &'a InstructionFormat<'a>) -> impl fmt::Display + 'a {
        Displayed(self.into(), format)
    }
}

struct Displayed<'a>(pvm_isa::Instruction, &'a InstructionFormat<'a>);

impl fmt::Display for Displayed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let options = Options {
            width: if self.1.is_64_bit { Width::Wide } else { Width::Narrow },
            unaliased: self.1.prefer_unaliased,
            // 0.37 names the registers of memset by their roles always.
            numbered_registers: self.1.prefer_non_abi_reg_names && self.0.opcode() != pvm_isa::Opcode::memset,
            target: self.1.jump_target_formatter,
            ..Options::default()
        };
        self.0.display(options).fmt(f)
    }
}

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        pvm_isa::Instruction::from(*self).display(Options::default()).fmt(f)
    }
}

/// An instruction and where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ParsedInstruction {
    /// The instruction.
    pub kind: Instruction,
    /// Where it starts.
    pub offset: ProgramCounter,
    /// Where the next one starts.
    pub next_offset: ProgramCounter,
}

impl From<Located> for ParsedInstruction {
    fn from(located: Located) -> Self {
        ParsedInstruction {
            kind: located.instruction.into(),
            offset: ProgramCounter(located.offset),
            next_offset: ProgramCounter(located.next),
        }
    }
}

impl Deref for ParsedInstruction {
    type Target = Instruction;

    fn deref(&self) -> &Instruction {
        &self.kind
    }
}

impl fmt::Display for ParsedInstruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:7}: {}", self.offset, self.kind)
    }
}

/// Iterates over instructions.
#[derive(Clone, Debug)]
pub struct Instructions<'a, I = InstructionSetKind> {
    code: Code<'a>,
    /// An `invalid` in front, where iteration starts at an offset at which no instruction does.
    first: Option<Located>,
    rest: Option<pvm_program::Instructions<'a>>,
    offset: u32,
    set: PhantomData<I>,
}

impl<'a, I: InstructionSet> Instructions<'a, I> {
    /// From `offset`. If no instruction starts there: one `invalid` of length 1, and nothing more.
    pub fn new_bounded(instruction_set: I, code: &'a [u8], bitmask: &'a [u8], offset: u32) -> Self {
        Self::bounded(Code::new(instruction_set.into().set_of(code, bitmask), code, bitmask), offset)
    }

    /// From `offset`, at which an instruction must start.
    pub fn new_bounded_known_boundary(instruction_set: I, code: &'a [u8], bitmask: &'a [u8], offset: u32) -> Self {
        Self::from_boundary(Code::new(instruction_set.into().set_of(code, bitmask), code, bitmask), offset)
    }

    /// From `offset`. If no instruction starts there: an `invalid` up to where one does, and on from there.
    pub fn new_unbounded(instruction_set: I, code: &'a [u8], bitmask: &'a [u8], offset: u32) -> Self {
        let code = Code::new(instruction_set.into().set_of(code, bitmask), code, bitmask);
        if offset >= code.len() || code.is_instruction_start(offset) {
            return Self::from_boundary(code, offset);
        }
        let next = (offset..code.len()).find(|offset| code.is_instruction_start(*offset)).unwrap_or(code.len());
        let first = Located { instruction: pvm_isa::Instruction::invalid(), offset, next };
        Instructions { first: Some(first), ..Self::from_boundary(code, next) }
    }

    pub(super) fn bounded(code: Code<'a>, offset: u32) -> Self {
        if offset == 0 || code.is_instruction_start(offset) {
            return Self::from_boundary(code, offset);
        }
        let next = offset.saturating_add(1);
        let first = Located { instruction: pvm_isa::Instruction::invalid(), offset, next };
        Instructions { code, first: Some(first), rest: None, offset, set: PhantomData }
    }

    pub(super) fn from_boundary(code: Code<'a>, offset: u32) -> Self {
        Instructions { code, first: None, rest: Some(code.iter_from(offset)), offset, set: PhantomData }
    }

    /// Where the next instruction starts.
    pub fn offset(&self) -> u32 {
        match &self.first {
            Some(first) => first.offset,
            None => self.offset.min(self.code.len()),
        }
    }
}

impl<I: InstructionSet> Iterator for Instructions<'_, I> {
    type Item = ParsedInstruction;

    fn next(&mut self) -> Option<ParsedInstruction> {
        let located = match self.first.take() {
            Some(first) => first,
            None => self.rest.as_mut()?.next()?,
        };
        self.offset = located.next;
        Some(located.into())
    }
}
