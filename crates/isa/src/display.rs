//! Display: the text of an instruction, as listings show it and the assembler reads it.
//!
//! The function `syntax` says how each instruction reads; everything else here writes numbers, registers and addresses.

use crate::{Format, Instruction, Opcode, Reg, Width};
use core::fmt::{self, Write as _};
use pvm_num::casts::{sign_extend_32, signed_64, unsigned_32, widen};

/// Whose way of writing. The three differ in address offsets and in forms that several instructions share.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Style {
    /// As release 0.37 of polkavm writes: offsets signed and decimal, none if 0 (`[a0 - 5]`).
    #[default]
    V037,
    /// As release 0.35 writes: offsets in hex (`[a0 + 0xfffffffffffffffb]`), and `[a0 ]` in one place.
    V035,
    /// As 0.37, but no two instructions of a set share a text: a rotation is never written as a shift, a 64-bit
    /// immediate always says that it is one, and registers keep to one naming.
    Exact,
}

/// Writes a code offset that an instruction goes to.
pub type TargetWriter<'a> = &'a dyn Fn(u32, &mut fmt::Formatter<'_>) -> fmt::Result;

/// How to write instructions.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Register width: in [`Width::Wide`] immediates have 64 bits and 32-bit operations the prefix `i32`.
    pub width: Width,
    /// No shorthand: no `ret`, no `-a0`, no subtraction of an immediate, every offset shown.
    pub unaliased: bool,
    /// Registers as `r0` to `r12` instead of by their ABI names.
    pub numbered_registers: bool,
    /// Whose way of writing.
    pub style: Style,
    /// How targets of jumps and branches are written; as decimal offsets if absent.
    pub target: Option<TargetWriter<'a>>,
}

impl Default for Options<'_> {
    fn default() -> Self {
        Options { width: Width::Wide, unaliased: false, numbered_registers: false, style: Style::V037, target: None }
    }
}

/// How an instruction reads. Its [`Format`] says whether an operand is a register or an immediate; symbols bring their
/// blanks with them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Syntax {
    /// The mnemonic.
    Word,
    /// `[a0..a0 + a2] = u8 a1`
    Memset,
    /// `ecalli 5`
    Ecalli,
    /// `jump O`
    Jump,
    /// `jump [a + I]`
    JumpIndirect,
    /// `jump O if a <u b`
    Branch(&'static str),
    /// `d = I`
    LoadImm,
    /// `d = X`
    LoadImm64,
    /// `d = I, jump O`
    LoadImmAndJump,
    /// `d = I, jump [b + J]`
    LoadImmAndJumpIndirect,
    /// `d = clz a`
    Unary(&'static str),
    /// `d = a + b`
    Binary(&'static str),
    /// `d = I << a`
    Swapped(&'static str),
    /// `d = maxs(a, b)`
    Function(&'static str),
    /// `d = ~(a ^ b)`
    Xnor,
    /// `d = a if c == 0`
    Cmov(&'static str),
    /// `d = u8 [a + I]`
    Load(&'static str),
    /// `u8 [a + I] = s`
    Store(&'static str),
}

const fn syntax(opcode: Opcode) -> Syntax {
    use Opcode::*;
    use Syntax::*;
    match opcode {
        trap | fallthrough | unlikely | invalid => Word,
        memset => Memset,
        ecalli => Ecalli,
        jump => Jump,
        jump_indirect => JumpIndirect,
        branch_eq | branch_eq_imm => Branch(" == "),
        branch_not_eq | branch_not_eq_imm => Branch(" != "),
        branch_less_unsigned | branch_less_unsigned_imm => Branch(" <u "),
        branch_less_signed | branch_less_signed_imm => Branch(" <s "),
        branch_less_or_equal_unsigned_imm => Branch(" <=u "),
        branch_less_or_equal_signed_imm => Branch(" <=s "),
        branch_greater_or_equal_unsigned | branch_greater_or_equal_unsigned_imm => Branch(" >=u "),
        branch_greater_or_equal_signed | branch_greater_or_equal_signed_imm => Branch(" >=s "),
        branch_greater_unsigned_imm => Branch(" >u "),
        branch_greater_signed_imm => Branch(" >s "),
        load_imm => LoadImm,
        load_imm64 => LoadImm64,
        load_imm_and_jump => LoadImmAndJump,
        load_imm_and_jump_indirect => LoadImmAndJumpIndirect,
        move_reg => Unary(""),
        sbrk => Unary("sbrk "),
        count_set_bits_64 | count_set_bits_32 => Unary("cpop "),
        count_leading_zero_bits_64 | count_leading_zero_bits_32 => Unary("clz "),
        count_trailing_zero_bits_64 | count_trailing_zero_bits_32 => Unary("ctz "),
        sign_extend_8 => Unary("sext8 "),
        sign_extend_16 => Unary("sext16 "),
        zero_extend_16 => Unary("zext16 "),
        reverse_byte => Unary("reverse "),
        add_32 | add_64 | add_imm_32 | add_imm_64 => Binary(" + "),
        sub_32 | sub_64 => Binary(" - "),
        negate_and_add_imm_32 | negate_and_add_imm_64 => Swapped(" - "),
        mul_32 | mul_64 | mul_imm_32 | mul_imm_64 => Binary(" * "),
        mul_upper_signed_signed => Binary(" mulh "),
        mul_upper_unsigned_unsigned => Binary(" mulhu "),
        mul_upper_signed_unsigned => Binary(" mulhsu "),
        div_unsigned_32 | div_unsigned_64 => Binary(" /u "),
        div_signed_32 | div_signed_64 => Binary(" /s "),
        rem_unsigned_32 | rem_unsigned_64 => Binary(" %u "),
        rem_signed_32 | rem_signed_64 => Binary(" %s "),
        and | and_imm => Binary(" & "),
        xor | xor_imm => Binary(" ^ "),
        or | or_imm => Binary(" | "),
        and_inverted => Binary(" & ~"),
        or_inverted => Binary(" | ~"),
        xnor => Xnor,
        set_less_than_unsigned | set_less_than_unsigned_imm => Binary(" <u "),
        set_less_than_signed | set_less_than_signed_imm => Binary(" <s "),
        set_greater_than_unsigned_imm => Binary(" >u "),
        set_greater_than_signed_imm => Binary(" >s "),
        shift_logical_left_32 | shift_logical_left_64 => Binary(" << "),
        shift_logical_left_imm_32 | shift_logical_left_imm_64 => Binary(" << "),
        shift_logical_right_32 | shift_logical_right_64 => Binary(" >> "),
        shift_logical_right_imm_32 | shift_logical_right_imm_64 => Binary(" >> "),
        shift_arithmetic_right_32 | shift_arithmetic_right_64 => Binary(" >>a "),
        shift_arithmetic_right_imm_32 | shift_arithmetic_right_imm_64 => Binary(" >>a "),
        rotate_left_32 | rotate_left_64 => Binary(" <<r "),
        rotate_right_32 | rotate_right_64 | rotate_right_imm_32 | rotate_right_imm_64 => Binary(" >>r "),
        shift_logical_left_imm_alt_32 | shift_logical_left_imm_alt_64 => Swapped(" << "),
        shift_logical_right_imm_alt_32 | shift_logical_right_imm_alt_64 => Swapped(" >> "),
        shift_arithmetic_right_imm_alt_32 | shift_arithmetic_right_imm_alt_64 => Swapped(" >>a "),
        rotate_right_imm_alt_32 | rotate_right_imm_alt_64 => Swapped(" >>r "),
        maximum => Function("maxs"),
        maximum_unsigned => Function("maxu"),
        minimum => Function("mins"),
        minimum_unsigned => Function("minu"),
        cmov_if_zero | cmov_if_zero_imm => Cmov(" == "),
        cmov_if_not_zero | cmov_if_not_zero_imm => Cmov(" != "),
        load_u8 | load_indirect_u8 => Load("u8"),
        load_i8 | load_indirect_i8 => Load("i8"),
        load_u16 | load_indirect_u16 => Load("u16"),
        load_i16 | load_indirect_i16 => Load("i16"),
        load_u32 | load_indirect_u32 => Load("u32"),
        load_i32 | load_indirect_i32 => Load("i32"),
        load_u64 | load_indirect_u64 => Load("u64"),
        store_u8 | store_indirect_u8 | store_imm_u8 | store_imm_indirect_u8 => Store("u8"),
        store_u16 | store_indirect_u16 | store_imm_u16 | store_imm_indirect_u16 => Store("u16"),
        store_u32 | store_indirect_u32 | store_imm_u32 | store_imm_indirect_u32 => Store("u32"),
        store_u64 | store_indirect_u64 | store_imm_u64 | store_imm_indirect_u64 => Store("u64"),
    }
}

/// An instruction to be written with options; made by [`Instruction::display`].
#[derive(Clone, Copy)]
pub struct Display<'a> {
    instruction: Instruction,
    options: Options<'a>,
}

impl Instruction {
    /// The instruction as text.
    ///
    /// ```
    /// use pvm_isa::display::{Options, Style};
    /// use pvm_isa::{Instruction, Reg};
    /// use std::string::ToString;
    ///
    /// let load = Instruction::load_indirect_u16(Reg::a0, Reg::sp, -8);
    /// assert_eq!(load.to_string(), "a0 = u16 [sp - 8]");
    /// let old = Options { style: Style::V035, ..Options::default() };
    /// assert_eq!(load.display(old).to_string(), "a0 = u16 [sp + 0xfffffffffffffff8]");
    /// ```
    pub fn display(self, options: Options<'_>) -> Display<'_> {
        Display { instruction: self, options }
    }
}

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.display(Options::default()).fmt(f)
    }
}

impl fmt::Display for Display<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let i = &self.instruction;
        let (opcode, format) = (i.opcode(), i.opcode().format());
        let narrow = self.options.width == Width::Narrow;
        if !narrow && opcode.name().ends_with("_32") {
            f.write_str("i32 ")?;
        }
        match syntax(opcode) {
            Syntax::Word => f.write_str(opcode.name()),
            Syntax::Memset => {
                let [to, value, count] = [Reg::a0, Reg::a1, Reg::a2].map(|reg| self.reg(reg));
                write!(f, "[{to}..{to} + {count}] = u8 {value}")
            }
            Syntax::Ecalli => write!(f, "ecalli {}", unsigned_32(i.imm1())),
            Syntax::Jump => {
                f.write_str("jump ")?;
                self.target(f)
            }
            Syntax::JumpIndirect if !self.options.unaliased && *i == Instruction::jump_indirect(Reg::ra, 0) => {
                f.write_str("ret")
            }
            Syntax::JumpIndirect => {
                f.write_str("jump ")?;
                self.address(f, i.r1(), i.imm1())
            }
            Syntax::Branch(symbol) => {
                f.write_str("jump ")?;
                self.target(f)?;
                write!(f, " if {}{symbol}", self.reg(i.r1()))?;
                match format {
                    Format::RegImmOffset => write!(f, "{}", i.imm1()),
                    _ => write!(f, "{}", self.reg(i.r2())),
                }
            }
            Syntax::LoadImm => write!(f, "{} = {}", self.reg(i.r1()), self.imm(i.imm1())),
            Syntax::LoadImm64 => {
                let short = sign_extend_32(pvm_num::casts::low_u32(i.imm64())) == i.imm64();
                let prefix = if short && self.options.style == Style::Exact { "i64 " } else { "" };
                write!(f, "{} = {prefix}{:#x}", self.reg(i.r1()), i.imm64())
            }
            Syntax::LoadImmAndJump => {
                write!(f, "{} = {}, jump ", self.reg(i.r1()), i.imm1())?;
                self.target(f)
            }
            // The jump uses the base as it was before the load, so equal registers need a name for the old value.
            Syntax::LoadImmAndJumpIndirect if i.r1() == i.r2() => {
                let reg = self.reg(i.r1());
                write!(f, "tmp = {reg}, {reg} = {}, jump [tmp", i.imm1())?;
                self.offset(f, i.imm2())?;
                f.write_char(']')
            }
            Syntax::LoadImmAndJumpIndirect => {
                write!(f, "{} = {}, jump ", self.reg(i.r1()), i.imm1())?;
                self.address(f, i.r2(), i.imm2())
            }
            Syntax::Unary(word) => write!(f, "{} = {word}{}", self.reg(i.r1()), self.reg(i.r2())),
            Syntax::Binary(symbol) => {
                write!(f, "{} = {}", self.reg(i.r1()), self.reg(i.r2()))?;
                self.right_operand(f, symbol)
            }
            Syntax::Swapped(" - ") if i.imm1() == 0 && !self.options.unaliased => {
                write!(f, "{} = -{}", self.reg(i.r1()), self.reg(i.r2()))
            }
            Syntax::Swapped(symbol) => {
                let symbol = self.rotation_as_printed(symbol);
                write!(f, "{} = {}{symbol}{}", self.reg(i.r1()), self.imm(i.imm1()), self.reg(i.r2()))
            }
            Syntax::Function(name) => {
                write!(f, "{} = {name}({}, {})", self.reg(i.r1()), self.reg(i.r2()), self.reg(i.r3()))
            }
            Syntax::Xnor => write!(f, "{} = ~({} ^ {})", self.reg(i.r1()), self.reg(i.r2()), self.reg(i.r3())),
            Syntax::Cmov(symbol) => match format {
                Format::RegRegImm => {
                    write!(f, "{} = {} if {}{symbol}0", self.reg(i.r1()), self.imm(i.imm1()), self.reg(i.r2()))
                }
                _ => write!(f, "{} = {} if {}{symbol}0", self.reg(i.r1()), self.reg(i.r2()), self.reg(i.r3())),
            },
            Syntax::Load(width) => {
                write!(f, "{} = {width} ", self.reg(i.r1()))?;
                match format {
                    Format::RegImm => write!(f, "[{}]", self.imm(i.imm1())),
                    _ => self.address(f, i.r2(), i.imm1()),
                }
            }
            Syntax::Store(width) => self.store(f, width),
        }
    }
}

impl Display<'_> {
    fn store(&self, f: &mut fmt::Formatter<'_>, width: &str) -> fmt::Result {
        let i = &self.instruction;
        write!(f, "{width} ")?;
        match i.opcode().format() {
            Format::ImmImm => write!(f, "[{}] = {}", self.imm(i.imm1()), self.imm(i.imm2())),
            Format::RegImm => write!(f, "[{}] = {}", self.imm(i.imm1()), self.reg(i.r1())),
            Format::RegImmImm if self.options.style == Style::V035 => {
                write!(f, "[{} + {}] = {}", self.reg(i.r1()), i.imm1(), self.imm(i.imm2()))
            }
            Format::RegImmImm => {
                self.address(f, i.r1(), i.imm1())?;
                write!(f, " = {}", self.imm(i.imm2()))
            }
            _ => {
                self.address(f, i.r2(), i.imm1())?;
                // Both releases forget the register naming here.
                let named = i.opcode() == Opcode::store_indirect_u8 && self.options.style != Style::Exact;
                write!(f, " = {}", Register { reg: i.r1(), numbered: self.options.numbered_registers && !named })
            }
        }
    }

    /// A symbol and the right operand of a binary operation.
    fn right_operand(&self, f: &mut fmt::Formatter<'_>, symbol: &str) -> fmt::Result {
        let i = &self.instruction;
        if i.opcode().format() == Format::RegRegReg {
            return write!(f, "{symbol}{}", self.reg(i.r3()));
        }
        if symbol == " + " && matches!(i.imm1(), -4095..=-1) && !self.options.unaliased {
            return write!(f, " - {}", i.imm1().unsigned_abs());
        }
        write!(f, "{}{}", self.rotation_as_printed(symbol), self.imm(i.imm1()))
    }

    /// Both releases write a rotation by an immediate as a shift when registers have 32 bits.
    fn rotation_as_printed<'s>(&self, symbol: &'s str) -> &'s str {
        let narrow = self.options.width == Width::Narrow && self.options.style != Style::Exact;
        let rotation_32 =
            matches!(self.instruction.opcode(), Opcode::rotate_right_imm_32 | Opcode::rotate_right_imm_alt_32);
        if narrow && rotation_32 { " >> " } else { symbol }
    }

    fn target(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.instruction.target().expect("only instructions with a target have this syntax");
        match self.options.target {
            Some(write) => write(target, f),
            None => write!(f, "{target}"),
        }
    }

    /// `[base + offset]`
    fn address(&self, f: &mut fmt::Formatter<'_>, base: Reg, offset: i32) -> fmt::Result {
        write!(f, "[{}", self.reg(base))?;
        self.offset(f, offset)?;
        f.write_char(']')
    }

    fn offset(&self, f: &mut fmt::Formatter<'_>, offset: i32) -> fmt::Result {
        if offset == 0 && !self.options.unaliased {
            let blank = self.options.style == Style::V035 && self.instruction.opcode() == Opcode::load_indirect_u16;
            return if blank { f.write_char(' ') } else { Ok(()) };
        }
        match self.options.style {
            Style::V035 => write!(f, " + {}", self.imm(offset)),
            _ if offset < 0 => write!(f, " - {}", offset.unsigned_abs()),
            _ => write!(f, " + {offset}"),
        }
    }

    fn reg(&self, reg: Reg) -> Register {
        Register { reg, numbered: self.options.numbered_registers }
    }

    fn imm(&self, value: i32) -> Immediate {
        Immediate(match self.options.width {
            Width::Wide => sign_extend_32(unsigned_32(value)),
            Width::Narrow => widen(unsigned_32(value)),
        })
    }
}

/// A register under one of its two names.
struct Register {
    reg: Reg,
    numbered: bool,
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.numbered {
            true => write!(f, "r{}", self.reg.number()),
            false => f.write_str(self.reg.name()),
        }
    }
}

/// An immediate in hex; zero is just `0`.
struct Immediate(u64);

impl fmt::Display for Immediate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match signed_64(self.0) {
            0 => f.write_char('0'),
            value => write!(f, "{value:#x}"),
        }
    }
}
