//! Operators: which instruction `a + b` is, for registers and immediates on either side.

use super::instruction::Refused;
use crate::error::Reason;
use pvm_isa::{Instruction, Reg, Width};

/// What stands on both sides of an operator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operands {
    /// `a + b`
    Registers(Reg, Reg),
    /// `a + 5`
    RegisterValue(Reg, i32),
    /// `5 + a`
    ValueRegister(i32, Reg),
}

type Binary = fn(Reg, Reg, Reg) -> Instruction;
type WithValue = fn(Reg, Reg, i32) -> Instruction;

/// The instructions of an operator for one operation width.
#[derive(Clone, Copy)]
struct Forms {
    registers: Binary,
    /// With an immediate on the right, and on the left; without either, why there is none.
    values: Result<(WithValue, WithValue), Reason>,
}

/// An operator of assembly.md 4.
pub(crate) struct Operator {
    symbol: &'static str,
    /// The form of the full register width: `_64`, or the only one.
    wide: Forms,
    /// The `_32` form.
    narrow: Option<Forms>,
}

const fn forms(registers: Binary, right: WithValue, left: WithValue) -> Forms {
    Forms { registers, values: Ok((right, left)) }
}

const fn registers_only(registers: Binary, reason: Reason) -> Forms {
    Forms { registers, values: Err(reason) }
}

const fn both(symbol: &'static str, wide: Forms, narrow: Forms) -> Operator {
    Operator { symbol, wide, narrow: Some(narrow) }
}

const fn only(symbol: &'static str, wide: Forms) -> Operator {
    Operator { symbol, wide, narrow: None }
}

type I = Instruction;
const DIVISION: Reason = Reason::DivisionByImmediate;

/// In the order in which they are looked for: the first one found anywhere decides.
static OPERATORS: [Operator; 21] = [
    both("+", forms(I::add_64, I::add_imm_64, I::add_imm_64), forms(I::add_32, I::add_imm_32, I::add_imm_32)),
    only("& ~", registers_only(I::and_inverted, Reason::RegistersOnly)),
    only("&", forms(I::and, I::and_imm, I::and_imm)),
    only("| ~", registers_only(I::or_inverted, Reason::RegistersOnly)),
    only("|", forms(I::or, I::or_imm, I::or_imm)),
    only("^", forms(I::xor, I::xor_imm, I::xor_imm)),
    both("*", forms(I::mul_64, I::mul_imm_64, I::mul_imm_64), forms(I::mul_32, I::mul_imm_32, I::mul_imm_32)),
    both("/u", registers_only(I::div_unsigned_64, DIVISION), registers_only(I::div_unsigned_32, DIVISION)),
    both("/s", registers_only(I::div_signed_64, DIVISION), registers_only(I::div_signed_32, DIVISION)),
    both("%u", registers_only(I::rem_unsigned_64, DIVISION), registers_only(I::rem_unsigned_32, DIVISION)),
    both("%s", registers_only(I::rem_signed_64, DIVISION), registers_only(I::rem_signed_32, DIVISION)),
    both(
        ">>a",
        forms(I::shift_arithmetic_right_64, I::shift_arithmetic_right_imm_64, I::shift_arithmetic_right_imm_alt_64),
        forms(I::shift_arithmetic_right_32, I::shift_arithmetic_right_imm_32, I::shift_arithmetic_right_imm_alt_32),
    ),
    both(
        ">>r",
        forms(I::rotate_right_64, I::rotate_right_imm_64, I::rotate_right_imm_alt_64),
        forms(I::rotate_right_32, I::rotate_right_imm_32, I::rotate_right_imm_alt_32),
    ),
    both(
        "<<r",
        registers_only(I::rotate_left_64, Reason::RegistersOnly),
        registers_only(I::rotate_left_32, Reason::RegistersOnly),
    ),
    both(
        "<<",
        forms(I::shift_logical_left_64, I::shift_logical_left_imm_64, I::shift_logical_left_imm_alt_64),
        forms(I::shift_logical_left_32, I::shift_logical_left_imm_32, I::shift_logical_left_imm_alt_32),
    ),
    both(
        ">>",
        forms(I::shift_logical_right_64, I::shift_logical_right_imm_64, I::shift_logical_right_imm_alt_64),
        forms(I::shift_logical_right_32, I::shift_logical_right_imm_32, I::shift_logical_right_imm_alt_32),
    ),
    only("<u", forms(I::set_less_than_unsigned, I::set_less_than_unsigned_imm, I::set_greater_than_unsigned_imm)),
    only("<s", forms(I::set_less_than_signed, I::set_less_than_signed_imm, I::set_greater_than_signed_imm)),
    only(
        ">u",
        forms(
            |d, a, b| I::set_less_than_unsigned(d, b, a),
            I::set_greater_than_unsigned_imm,
            I::set_less_than_unsigned_imm,
        ),
    ),
    only(
        ">s",
        forms(|d, a, b| I::set_less_than_signed(d, b, a), I::set_greater_than_signed_imm, I::set_less_than_signed_imm),
    ),
    both(
        "-",
        forms(I::sub_64, |d, a, value| I::add_imm_64(d, a, value.wrapping_neg()), I::negate_and_add_imm_64),
        forms(I::sub_32, |d, a, value| I::add_imm_32(d, a, value.wrapping_neg()), I::negate_and_add_imm_32),
    ),
];

/// The operator of an expression and the text on its two sides. A minus in front belongs to a number.
pub(crate) fn find(expression: &str) -> Option<(&'static Operator, &str, &str)> {
    OPERATORS.iter().find_map(|operator| {
        let from = if operator.symbol == "-" { expression.chars().next()?.len_utf8() } else { 0 };
        let at = from + expression.get(from..)?.find(operator.symbol)?;
        Some((operator, &expression[..at], &expression[at + operator.symbol.len()..]))
    })
}

impl Operator {
    /// The instruction in the full register width. Where registers have 32 bits, that is the `_32` form.
    pub(crate) fn full(&self, d: Reg, operands: Operands, width: Width) -> Result<Instruction, Reason> {
        match (width, self.narrow) {
            (Width::Narrow, Some(narrow)) => narrow.instruction(d, operands),
            _ => self.wide.instruction(d, operands),
        }
    }

    /// The `_32` form.
    pub(crate) fn narrow(&self, d: Reg, operands: Operands) -> Result<Instruction, Reason> {
        self.narrow.ok_or(Reason::NoNarrowForm)?.instruction(d, operands)
    }
}

impl Forms {
    fn instruction(&self, d: Reg, operands: Operands) -> Result<Instruction, Reason> {
        match operands {
            Operands::Registers(a, b) => Ok((self.registers)(d, a, b)),
            Operands::RegisterValue(a, value) => Ok((self.values?.0)(d, a, value)),
            Operands::ValueRegister(value, a) => Ok((self.values?.1)(d, a, value)),
        }
    }
}

/// Operations with names instead of symbols, in the full register width.
pub(crate) fn named(d: Reg, right: &str, width: Width) -> Result<Option<Instruction>, Refused> {
    if width == Width::Narrow
        && let Some(instruction) = named_narrow(d, right)?
    {
        return Ok(Some(instruction));
    }
    if let Some((name, a)) = unary(right) {
        return Ok(Some(match name {
            "cpop" => I::count_set_bits_64(d, a),
            "clz" => I::count_leading_zero_bits_64(d, a),
            "ctz" => I::count_trailing_zero_bits_64(d, a),
            "sext8" => I::sign_extend_8(d, a),
            "sext16" => I::sign_extend_16(d, a),
            "zext16" => I::zero_extend_16(d, a),
            "reverse" => I::reverse_byte(d, a),
            "sbrk" => I::sbrk(d, a),
            _ => return Err(None),
        }));
    }
    if let Some(a) = right.strip_prefix('-').and_then(|text| Reg::from_name(text.trim_start())) {
        return Ok(Some(I::negate_and_add_imm_64(d, a, 0)));
    }
    if let Some((arguments, function)) = call(right) {
        let (a, b) = arguments.split_once(function.separator).ok_or(None)?;
        let (Some(a), Some(b)) = (Reg::from_name(a.trim()), Reg::from_name(b.trim())) else { return Err(None) };
        return Ok(Some((function.instruction)(d, a, b)));
    }
    let mut words = right.split_whitespace();
    let (Some(a), Some(name), Some(b), None) = (words.next(), words.next(), words.next(), words.next()) else {
        return Ok(None);
    };
    let instruction: Binary = match name {
        "mulh" => I::mul_upper_signed_signed,
        "mulhu" => I::mul_upper_unsigned_unsigned,
        "mulhsu" => I::mul_upper_signed_unsigned,
        _ => return Ok(None),
    };
    let (Some(a), Some(b)) = (Reg::from_name(a), Reg::from_name(b)) else { return Err(None) };
    Ok(Some(instruction(d, a, b)))
}

/// Operations with names that have a `_32` form.
pub(crate) fn named_narrow(d: Reg, right: &str) -> Result<Option<Instruction>, Refused> {
    if let Some(a) = right.strip_prefix('-').and_then(|text| Reg::from_name(text.trim_start())) {
        return Ok(Some(I::negate_and_add_imm_32(d, a, 0)));
    }
    Ok(match unary(right) {
        Some(("cpop", a)) => Some(I::count_set_bits_32(d, a)),
        Some(("clz", a)) => Some(I::count_leading_zero_bits_32(d, a)),
        Some(("ctz", a)) => Some(I::count_trailing_zero_bits_32(d, a)),
        _ => None,
    })
}

/// `name a`
fn unary(right: &str) -> Option<(&str, Reg)> {
    let (name, a) = right.split_once(' ')?;
    Some((name, Reg::from_name(a.trim())?))
}

/// A two-register operation written around its arguments.
struct Function {
    open: &'static str,
    separator: char,
    instruction: Binary,
}

static FUNCTIONS: [Function; 5] = [
    Function { open: "~(", separator: '^', instruction: I::xnor },
    Function { open: "maxs(", separator: ',', instruction: I::maximum },
    Function { open: "maxu(", separator: ',', instruction: I::maximum_unsigned },
    Function { open: "mins(", separator: ',', instruction: I::minimum },
    Function { open: "minu(", separator: ',', instruction: I::minimum_unsigned },
];

fn call(right: &str) -> Option<(&str, &'static Function)> {
    let inner = right.strip_suffix(')')?;
    FUNCTIONS.iter().find_map(|function| Some((inner.strip_prefix(function.open)?, function)))
}
