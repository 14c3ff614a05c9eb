//! Instructions: an opcode with its operands, independent of any encoding.

use crate::meaning::{Access, Meaning};
use crate::{Format, Opcode, Reg, RegSet};
use pvm_num::casts::{high_u32, low_u32, sign_extend_32, signed_32, unsigned_32, widen};

/// An instruction. Registers and immediates stand in the order of the operands in isa.tsv (destination first); unused
/// fields are zero, so that equal instructions compare equal.
///
/// One constructor per instruction, named after it, takes exactly its operands.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Instruction {
    opcode: Opcode,
    regs: [Reg; 3],
    /// The first in the low half. As one word, so that it is not written in parts and read as a whole, for which processors wait.
    imms: u64,
}

impl Instruction {
    /// An instruction from parts; fields its format does not have must be zero.
    pub(crate) const fn new(opcode: Opcode, regs: [Reg; 3], imms: [u32; 2]) -> Self {
        let [imm1, imm2] = imms;
        Instruction { opcode, regs, imms: widen(imm2) << 32 | widen(imm1) }
    }

    /// The instruction with these registers, as far as its format has them, and zeros for everything else: for questions about
    /// an opcode's registers.
    pub const fn with_registers(opcode: Opcode, regs: [Reg; 3]) -> Self {
        let [r1, r2, r3] = regs;
        let regs = match opcode.format().register_count() {
            0 => [Reg::ra; 3],
            1 => [r1, Reg::ra, Reg::ra],
            2 => [r1, r2, Reg::ra],
            _ => [r1, r2, r3],
        };
        Instruction::new(opcode, regs, [0, 0])
    }

    /// Which instruction it is.
    #[inline(always)]
    pub const fn opcode(&self) -> Opcode {
        self.opcode
    }

    /// First register operand.
    #[inline(always)]
    pub const fn r1(&self) -> Reg {
        self.regs[0]
    }

    /// Second register operand.
    #[inline(always)]
    pub const fn r2(&self) -> Reg {
        self.regs[1]
    }

    /// Third register operand.
    #[inline(always)]
    pub const fn r3(&self) -> Reg {
        self.regs[2]
    }

    /// First immediate.
    #[inline(always)]
    pub const fn imm1(&self) -> i32 {
        signed_32(low_u32(self.imms))
    }

    /// Second immediate.
    #[inline(always)]
    pub const fn imm2(&self) -> i32 {
        signed_32(high_u32(self.imms))
    }

    /// First immediate, sign-extended to 64 bits.
    #[inline(always)]
    pub const fn imm1_extended(&self) -> u64 {
        sign_extend_32(low_u32(self.imms))
    }

    /// Second immediate, sign-extended to 64 bits.
    #[inline(always)]
    pub const fn imm2_extended(&self) -> u64 {
        sign_extend_32(high_u32(self.imms))
    }

    /// The 64-bit immediate of `load_imm64`.
    #[inline(always)]
    pub const fn imm64(&self) -> u64 {
        self.imms
    }

    /// The absolute code offset a static jump or branch goes to.
    #[inline]
    pub const fn target(&self) -> Option<u32> {
        match self.opcode.target_at() {
            Some(at) => Some(low_u32(self.imms >> at)),
            None => None,
        }
    }

    /// The same instruction with another target; itself if it has none.
    pub const fn with_target(self, target: u32) -> Self {
        match self.opcode.format() {
            Format::Offset | Format::RegRegOffset => self.with_imm1(signed_32(target)),
            Format::RegImmOffset => self.with_imm2(signed_32(target)),
            _ => self,
        }
    }

    /// The same instruction with another first immediate.
    pub const fn with_imm1(self, imm: i32) -> Self {
        Instruction::new(self.opcode, self.regs, [unsigned_32(imm), high_u32(self.imms)])
    }

    /// The same instruction with another second immediate; with the first it makes up the 64 bits of `load_imm64`.
    pub const fn with_imm2(self, imm: i32) -> Self {
        Instruction::new(self.opcode, self.regs, [low_u32(self.imms), unsigned_32(imm)])
    }

    /// Registers whose old value matters. `ecalli` counts as reading none: what it reads is a matter of the import.
    #[inline]
    pub const fn reads(&self) -> RegSet {
        let roles = ROLES[self.opcode.index()].reads;
        if roles == IMPLICIT {
            return RegSet::of(&[Reg::a0, Reg::a1, Reg::a2]);
        }
        RegSet::chosen(roles, self.regs)
    }

    /// Registers that get a new value.
    #[inline]
    pub const fn writes(&self) -> RegSet {
        let roles = ROLES[self.opcode.index()].writes;
        if roles == IMPLICIT {
            return RegSet::of(&[Reg::a0, Reg::a2]);
        }
        RegSet::chosen(roles, self.regs)
    }

    /// The register operand that is written.
    #[inline]
    pub const fn destination(&self) -> Option<Reg> {
        match ROLES[self.opcode.index()].writes {
            R1 => Some(self.regs[0]),
            _ => None,
        }
    }

    /// Where in memory it loads or stores, if it does so with a fixed width: the base register, if it has one, and an offset that
    /// is added to it modulo 2^32.
    pub const fn place(&self) -> Option<(Option<Reg>, u32)> {
        let base = match self.opcode.meaning() {
            Meaning::Load(_) | Meaning::Store(_) | Meaning::StoreImm(_) => None,
            Meaning::LoadIndirect(_) | Meaning::StoreIndirect(_) => Some(self.r2()),
            Meaning::StoreImmIndirect(_) => Some(self.r1()),
            _ => return None,
        };
        Some((base, self.imm1().cast_unsigned()))
    }

    /// The memory access it makes, if it makes one of fixed width.
    pub const fn access(&self) -> Option<Access> {
        match self.opcode.meaning() {
            Meaning::Load(access)
            | Meaning::Store(access)
            | Meaning::StoreImm(access)
            | Meaning::LoadIndirect(access)
            | Meaning::StoreIndirect(access)
            | Meaning::StoreImmIndirect(access) => Some(access),
            _ => None,
        }
    }
}

/// Which register operands an instruction reads and writes: a combination of [`R1`], [`R2`] and [`R3`], or [`IMPLICIT`].
#[derive(Clone, Copy)]
struct Roles {
    reads: u16,
    writes: u16,
}

/// The first, second and third register operand.
const R1: u16 = 1;
const R2: u16 = 2;
const R3: u16 = 4;
/// Registers that are no operands, those of `memset`.
const IMPLICIT: u16 = 8;

/// By opcode: the meaning's roles, so that asking takes no case distinction.
const ROLES: &[Roles; Opcode::COUNT] = &{
    let mut all = [Roles { reads: 0, writes: 0 }; Opcode::COUNT];
    let mut index = 0;
    while index < Opcode::COUNT {
        all[index] = roles(Opcode::ALL[index].meaning());
        index += 1;
    }
    all
};

const fn roles(meaning: Meaning) -> Roles {
    let (reads, writes) = match meaning {
        Meaning::Trap | Meaning::Fallthrough | Meaning::Unlikely | Meaning::Ecalli | Meaning::Jump => (0, 0),
        Meaning::StoreImm(_) => (0, 0),
        Meaning::LoadImm64 | Meaning::LoadImm | Meaning::LoadImmAndJump | Meaning::Load(_) => (0, R1),
        Meaning::Memset => (IMPLICIT, IMPLICIT),
        Meaning::JumpIndirect | Meaning::BranchImm(_) | Meaning::Store(_) | Meaning::StoreImmIndirect(_) => (R1, 0),
        Meaning::Branch(_) | Meaning::StoreIndirect(_) => (R1 | R2, 0),
        Meaning::CmovImm(_) => (R1 | R2, R1),
        Meaning::MoveReg | Meaning::Sbrk | Meaning::Unary(_) | Meaning::UnarySized(..) => (R2, R1),
        Meaning::LoadImmAndJumpIndirect | Meaning::LoadIndirect(_) => (R2, R1),
        Meaning::BinaryImm(_) | Meaning::BinaryImmAlt(_) => (R2, R1),
        Meaning::Binary(_) | Meaning::BinarySized(..) => (R2 | R3, R1),
        Meaning::Cmov(_) => (R1 | R2 | R3, R1),
    };
    Roles { reads, writes }
}

/// Constructor and visitor call for one format.
macro_rules! operands {
    // Parameter list and field values for a constructor.
    (new $name:ident None) => {
        #[allow(missing_docs)]
        pub const fn $name() -> Self {
            Instruction::new(Opcode::$name, [Reg::ra; 3], [0, 0])
        }
    };
    (new $name:ident Imm) => {
        #[allow(missing_docs)]
        pub const fn $name(imm: i32) -> Self {
            Instruction::new(Opcode::$name, [Reg::ra; 3], [unsigned_32(imm), 0])
        }
    };
    (new $name:ident Offset) => {
        #[allow(missing_docs)]
        pub const fn $name(target: u32) -> Self {
            Instruction::new(Opcode::$name, [Reg::ra; 3], [target, 0])
        }
    };
    (new $name:ident ImmImm) => {
        #[allow(missing_docs)]
        pub const fn $name(address: i32, value: i32) -> Self {
            Instruction::new(Opcode::$name, [Reg::ra; 3], [unsigned_32(address), unsigned_32(value)])
        }
    };
    (new $name:ident RegImm) => {
        #[allow(missing_docs)]
        pub const fn $name(r1: Reg, imm: i32) -> Self {
            Instruction::new(Opcode::$name, [r1, Reg::ra, Reg::ra], [unsigned_32(imm), 0])
        }
    };
    (new $name:ident RegImm64) => {
        #[allow(missing_docs)]
        pub const fn $name(r1: Reg, imm: u64) -> Self {
            Instruction::new(Opcode::$name, [r1, Reg::ra, Reg::ra], [low_u32(imm), high_u32(imm)])
        }
    };
    (new $name:ident RegImmImm) => {
        #[allow(missing_docs)]
        pub const fn $name(r1: Reg, imm1: i32, imm2: i32) -> Self {
            Instruction::new(Opcode::$name, [r1, Reg::ra, Reg::ra], [unsigned_32(imm1), unsigned_32(imm2)])
        }
    };
    (new $name:ident RegImmOffset) => {
        #[allow(missing_docs)]
        pub const fn $name(r1: Reg, imm: i32, target: u32) -> Self {
            Instruction::new(Opcode::$name, [r1, Reg::ra, Reg::ra], [unsigned_32(imm), target])
        }
    };
    (new $name:ident RegReg) => {
        #[allow(missing_docs)]
        pub const fn $name(r1: Reg, r2: Reg) -> Self {
            Instruction::new(Opcode::$name, [r1, r2, Reg::ra], [0, 0])
        }
    };
    (new $name:ident RegRegImm) => {
        #[allow(missing_docs)]
        pub const fn $name(r1: Reg, r2: Reg, imm: i32) -> Self {
            Instruction::new(Opcode::$name, [r1, r2, Reg::ra], [unsigned_32(imm), 0])
        }
    };
    (new $name:ident RegRegOffset) => {
        #[allow(missing_docs)]
        pub const fn $name(r1: Reg, r2: Reg, target: u32) -> Self {
            Instruction::new(Opcode::$name, [r1, r2, Reg::ra], [target, 0])
        }
    };
    (new $name:ident RegRegImmImm) => {
        #[allow(missing_docs)]
        pub const fn $name(r1: Reg, r2: Reg, imm1: i32, imm2: i32) -> Self {
            Instruction::new(Opcode::$name, [r1, r2, Reg::ra], [unsigned_32(imm1), unsigned_32(imm2)])
        }
    };
    (new $name:ident RegRegReg) => {
        #[allow(missing_docs)]
        pub const fn $name(r1: Reg, r2: Reg, r3: Reg) -> Self {
            Instruction::new(Opcode::$name, [r1, r2, r3], [0, 0])
        }
    };
    // Call of a visitor's method.
    (visit $i:ident $v:ident $name:ident None) => {
        $v.$name()
    };
    (visit $i:ident $v:ident $name:ident Imm) => {
        $v.$name($i.imm1())
    };
    (visit $i:ident $v:ident $name:ident Offset) => {
        $v.$name(low_u32($i.imms))
    };
    (visit $i:ident $v:ident $name:ident ImmImm) => {
        $v.$name($i.imm1(), $i.imm2())
    };
    (visit $i:ident $v:ident $name:ident RegImm) => {
        $v.$name($i.r1(), $i.imm1())
    };
    (visit $i:ident $v:ident $name:ident RegImm64) => {
        $v.$name($i.r1(), $i.imm64())
    };
    (visit $i:ident $v:ident $name:ident RegImmImm) => {
        $v.$name($i.r1(), $i.imm1(), $i.imm2())
    };
    (visit $i:ident $v:ident $name:ident RegImmOffset) => {
        $v.$name($i.r1(), $i.imm1(), high_u32($i.imms))
    };
    (visit $i:ident $v:ident $name:ident RegReg) => {
        $v.$name($i.r1(), $i.r2())
    };
    (visit $i:ident $v:ident $name:ident RegRegImm) => {
        $v.$name($i.r1(), $i.r2(), $i.imm1())
    };
    (visit $i:ident $v:ident $name:ident RegRegOffset) => {
        $v.$name($i.r1(), $i.r2(), low_u32($i.imms))
    };
    (visit $i:ident $v:ident $name:ident RegRegImmImm) => {
        $v.$name($i.r1(), $i.r2(), $i.imm1(), $i.imm2())
    };
    (visit $i:ident $v:ident $name:ident RegRegReg) => {
        $v.$name($i.r1(), $i.r2(), $i.r3())
    };
}

macro_rules! method {
    ($name:ident None) => {
        #[allow(missing_docs)]
        fn $name(&mut self) -> Self::Output;
    };
    ($name:ident Imm) => {
        #[allow(missing_docs)]
        fn $name(&mut self, imm: i32) -> Self::Output;
    };
    ($name:ident Offset) => {
        #[allow(missing_docs)]
        fn $name(&mut self, target: u32) -> Self::Output;
    };
    ($name:ident ImmImm) => {
        #[allow(missing_docs)]
        fn $name(&mut self, address: i32, value: i32) -> Self::Output;
    };
    ($name:ident RegImm) => {
        #[allow(missing_docs)]
        fn $name(&mut self, r1: Reg, imm: i32) -> Self::Output;
    };
    ($name:ident RegImm64) => {
        #[allow(missing_docs)]
        fn $name(&mut self, r1: Reg, imm: u64) -> Self::Output;
    };
    ($name:ident RegImmImm) => {
        #[allow(missing_docs)]
        fn $name(&mut self, r1: Reg, imm1: i32, imm2: i32) -> Self::Output;
    };
    ($name:ident RegImmOffset) => {
        #[allow(missing_docs)]
        fn $name(&mut self, r1: Reg, imm: i32, target: u32) -> Self::Output;
    };
    ($name:ident RegReg) => {
        #[allow(missing_docs)]
        fn $name(&mut self, r1: Reg, r2: Reg) -> Self::Output;
    };
    ($name:ident RegRegImm) => {
        #[allow(missing_docs)]
        fn $name(&mut self, r1: Reg, r2: Reg, imm: i32) -> Self::Output;
    };
    ($name:ident RegRegOffset) => {
        #[allow(missing_docs)]
        fn $name(&mut self, r1: Reg, r2: Reg, target: u32) -> Self::Output;
    };
    ($name:ident RegRegImmImm) => {
        #[allow(missing_docs)]
        fn $name(&mut self, r1: Reg, r2: Reg, imm1: i32, imm2: i32) -> Self::Output;
    };
    ($name:ident RegRegReg) => {
        #[allow(missing_docs)]
        fn $name(&mut self, r1: Reg, r2: Reg, r3: Reg) -> Self::Output;
    };
}

macro_rules! define_instructions {
    ($($name:ident $format:ident $family:ident [$($number:tt)*] [$($block:tt)*]
        $meaning:ident $(($($function:tt)*))? {$($cost:tt)*};)*) => {
        impl Instruction {
            $(operands!(new $name $format);)*

            /// Calls the method of `visitor` named after the instruction.
            pub fn visit<V: Visitor>(&self, visitor: &mut V) -> V::Output {
                match self.opcode {
                    $(Opcode::$name => operands!(visit self visitor $name $format)),*
                }
            }
        }

        /// Something that treats every instruction: one method each, none with a default body, so that a new row of the
        /// table does not compile until every visitor has an answer.
        pub trait Visitor {
            /// What a method returns.
            type Output;
            $(method!($name $format);)*
        }
    };
}
instruction_table!(define_instructions);
