//! Instructions: from the text of one line to an instruction and the place it goes to.
//!
//! ```text
//! line -> words, jumps, stores, assignments -> (assignment) label, jump, cmov, load, function, operator, value
//! ```
//!
//! The first form that matches decides; a later form is never tried once one has.

use super::number::{Immediate, decimal_32, immediate, immediate_32};
use super::operator::{self, Operands};
use crate::error::{AssembleErrorKind, Reason};
use pvm_isa::{Instruction, Reg, Width};
use pvm_num::casts::signed_32;

/// Where an instruction goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Target<'a> {
    /// `@NAME`
    Label(&'a str),
    /// A plain code offset.
    Offset(u32),
}

/// What a line of code says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Line<'a> {
    /// An instruction that goes nowhere.
    Plain(Instruction),
    /// An instruction whose target is still 0, and where it goes.
    Jump(Instruction, Target<'a>),
    /// `d = @NAME`: the dynamic address of a label.
    Address(Reg, &'a str),
}

/// Why a line was refused: no form matches (`None`), or one matches and its rule is broken.
pub(crate) type Refused = Option<Reason>;
type Parsed<T> = Result<T, Refused>;

/// Parses one trimmed line that is neither directive nor label.
pub(crate) fn parse(line: &str, width: Width) -> Result<Line<'_>, AssembleErrorKind> {
    Parser { width }.line(line).map_err(|refused| match refused {
        Some(reason) => AssembleErrorKind::BadLine(reason),
        None => AssembleErrorKind::UnknownLine { text: line.into() },
    })
}

struct Parser {
    width: Width,
}

impl Parser {
    fn line<'a>(&self, line: &'a str) -> Parsed<Line<'a>> {
        let word = match line {
            "trap" => Some(Instruction::trap()),
            "fallthrough" => Some(Instruction::fallthrough()),
            "unlikely" => Some(Instruction::unlikely()),
            "ret" => Some(Instruction::jump_indirect(Reg::ra, 0)),
            "nop" => Some(Instruction::move_reg(Reg::ra, Reg::ra)),
            _ => None,
        };
        if let Some(instruction) = word {
            return Ok(Line::Plain(instruction));
        }
        if let Some(rest) = line.strip_prefix("ecalli ") {
            // Listings name the import behind its number.
            let number = rest.split_once("//").map_or(rest, |(number, _)| number).trim();
            return Ok(Line::Plain(Instruction::ecalli(signed_32(decimal_32(number).ok_or(None)?))));
        }
        if let Some(rest) = line.strip_prefix("jump ") {
            return self.jump(rest.trim_start());
        }
        if let Some(rest) = line.strip_prefix("tmp = ") {
            return self.call_through_tmp(rest).map(Line::Plain);
        }
        let (left, right) = line.split_once('=').ok_or(None)?;
        let (left, right) = (left.trim(), right.trim());
        if left.ends_with(']') {
            return self.store(left, right).map(Line::Plain);
        }
        match left.strip_prefix("i32 ") {
            Some(left) => {
                let d = register(left.trim())?;
                narrow_operation(d, right, self.width).map(Line::Plain)
            }
            None => self.assignment(register(left)?, right),
        }
    }

    /// Behind `jump `.
    fn jump<'a>(&self, rest: &'a str) -> Parsed<Line<'a>> {
        if rest.starts_with('[') {
            let (base, offset) = based_address(rest)?;
            return Ok(Line::Plain(Instruction::jump_indirect(base, offset)));
        }
        let Some((target, condition)) = rest.split_once(" if ") else {
            return Ok(Line::Jump(Instruction::jump(0), target(rest)?));
        };
        Ok(Line::Jump(branch(condition)?, self::target(target)?))
    }

    /// Behind `tmp = `: `a, d = value, jump [tmp + offset]`.
    fn call_through_tmp(&self, rest: &str) -> Parsed<Instruction> {
        let mut parts = rest.splitn(3, ',').map(str::trim);
        let (base, load, jump) = (parts.next(), parts.next(), parts.next());
        let (Some(base), Some(load), Some(jump)) = (base, load, jump) else { return Err(None) };
        let base = register(base)?;
        let (d, value) = load.split_once('=').ok_or(None)?;
        let (d, value) = (register(d.trim())?, immediate_32(value.trim()).ok_or(None)?);
        let address = jump.strip_prefix("jump ").ok_or(None)?.trim_start();
        let offset = match address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(inner) => match split_address(inner)? {
                ("tmp", offset) => offset,
                _ => return Err(None),
            },
            None => return Err(None),
        };
        Ok(Instruction::load_imm_and_jump_indirect(d, base, value, offset))
    }

    /// `d = …` without prefix.
    fn assignment<'a>(&self, d: Reg, right: &'a str) -> Parsed<Line<'a>> {
        if let Some(name) = right.strip_prefix('@') {
            return Ok(Line::Address(d, name));
        }
        if let Some((value, jump)) = right.split_once(',')
            && let Some(destination) = jump.trim_start().strip_prefix("jump ")
        {
            return self.load_and_jump(d, value.trim(), destination.trim_start());
        }
        self.value(d, right).map(Line::Plain)
    }

    fn load_and_jump<'a>(&self, d: Reg, value: &str, destination: &'a str) -> Parsed<Line<'a>> {
        let value = self.short(value)?;
        if destination.starts_with('[') {
            let (base, offset) = based_address(destination)?;
            if base == d {
                return Err(Some(Reason::BaseOverwritten));
            }
            return Ok(Line::Plain(Instruction::load_imm_and_jump_indirect(d, base, value, offset)));
        }
        Ok(Line::Jump(Instruction::load_imm_and_jump(d, value, 0), target(destination)?))
    }

    /// The value of an assignment that does not jump.
    fn value(&self, d: Reg, right: &str) -> Parsed<Instruction> {
        if let Some((value, condition)) = right.split_once(" if ") {
            return self.cmov(d, value.trim(), condition.trim());
        }
        if let Some(load) = load(d, right)? {
            return Ok(load);
        }
        if let Some(text) = right.strip_prefix("i64 ") {
            let value = super::number::immediate_64(text.trim()).ok_or(None)?;
            return Ok(Instruction::load_imm64(d, value));
        }
        if let Some(a) = Reg::from_name(right) {
            return Ok(Instruction::move_reg(d, a));
        }
        match immediate(right, self.width) {
            Some(Immediate::Short(value)) => return Ok(Instruction::load_imm(d, value)),
            Some(Immediate::Long(value)) => return Ok(Instruction::load_imm64(d, value)),
            None => {}
        }
        operation(d, right, self.width)
    }

    fn cmov(&self, d: Reg, value: &str, condition: &str) -> Parsed<Instruction> {
        let mut words = condition.split_whitespace();
        let (Some(c), Some(symbol), Some("0"), None) = (words.next(), words.next(), words.next(), words.next()) else {
            return Err(Some(Reason::Condition));
        };
        let c = Reg::from_name(c).ok_or(Some(Reason::Condition))?;
        match (symbol, Reg::from_name(value)) {
            ("==", Some(a)) => Ok(Instruction::cmov_if_zero(d, a, c)),
            ("!=", Some(a)) => Ok(Instruction::cmov_if_not_zero(d, a, c)),
            ("==", None) => Ok(Instruction::cmov_if_zero_imm(d, c, self.short(value)?)),
            ("!=", None) => Ok(Instruction::cmov_if_not_zero_imm(d, c, self.short(value)?)),
            _ => Err(Some(Reason::Condition)),
        }
    }

    /// `WIDTH [address] = value`, and the fill `[a0..a0 + a2] = u8 a1`.
    fn store(&self, left: &str, right: &str) -> Parsed<Instruction> {
        if left.starts_with('[') {
            return fill(left, right);
        }
        let (width, address) = left.split_once(' ').ok_or(None)?;
        let address = parse_address(address.trim_start())?;
        let Some(s) = Reg::from_name(right) else {
            let value = self.stored(width, right)?;
            return match (width, address) {
                ("u8", Address::Absolute(at)) => Ok(Instruction::store_imm_u8(at, value)),
                ("u16", Address::Absolute(at)) => Ok(Instruction::store_imm_u16(at, value)),
                ("u32", Address::Absolute(at)) => Ok(Instruction::store_imm_u32(at, value)),
                ("u64", Address::Absolute(at)) => Ok(Instruction::store_imm_u64(at, value)),
                ("u8", Address::Based(base, at)) => Ok(Instruction::store_imm_indirect_u8(base, at, value)),
                ("u16", Address::Based(base, at)) => Ok(Instruction::store_imm_indirect_u16(base, at, value)),
                ("u32", Address::Based(base, at)) => Ok(Instruction::store_imm_indirect_u32(base, at, value)),
                ("u64", Address::Based(base, at)) => Ok(Instruction::store_imm_indirect_u64(base, at, value)),
                _ => Err(None),
            };
        };
        match (width, address) {
            ("u8", Address::Absolute(at)) => Ok(Instruction::store_u8(s, at)),
            ("u16", Address::Absolute(at)) => Ok(Instruction::store_u16(s, at)),
            ("u32", Address::Absolute(at)) => Ok(Instruction::store_u32(s, at)),
            ("u64", Address::Absolute(at)) => Ok(Instruction::store_u64(s, at)),
            ("u8", Address::Based(base, at)) => Ok(Instruction::store_indirect_u8(s, base, at)),
            ("u16", Address::Based(base, at)) => Ok(Instruction::store_indirect_u16(s, base, at)),
            ("u32", Address::Based(base, at)) => Ok(Instruction::store_indirect_u32(s, base, at)),
            ("u64", Address::Based(base, at)) => Ok(Instruction::store_indirect_u64(s, base, at)),
            _ => Err(None),
        }
    }

    /// A stored immediate. Negative ones come from listings, which write every immediate sign-extended.
    fn stored(&self, width: &str, text: &str) -> Parsed<i32> {
        let value = immediate(text, self.width).ok_or(None)?;
        let (name, max) = match width {
            "u8" => ("u8", 0xff),
            "u16" => ("u16", 0xffff),
            "u32" => ("u32", i32::MAX),
            "u64" => ("u64", i32::MAX),
            _ => return Err(None),
        };
        match value {
            Immediate::Short(value) if value <= max => Ok(value),
            _ if max == i32::MAX => Err(Some(Reason::ImmediateTooWide)),
            _ => Err(Some(Reason::ImmediateTooLarge(name))),
        }
    }

    /// `immX` where only 32 bits can be encoded.
    fn short(&self, text: &str) -> Parsed<i32> {
        match immediate(text, self.width).ok_or(None)? {
            Immediate::Short(value) => Ok(value),
            Immediate::Long(_) => Err(None),
        }
    }
}

fn register(text: &str) -> Parsed<Reg> {
    Reg::from_name(text).ok_or(None)
}

fn target(text: &str) -> Parsed<Target<'_>> {
    let text = text.trim_end();
    match text.strip_prefix('@') {
        Some(name) => Ok(Target::Label(name)),
        None => Ok(Target::Offset(decimal_32(text).ok_or(None)?)),
    }
}

/// An address in brackets.
enum Address {
    Absolute(i32),
    Based(Reg, i32),
}

fn parse_address(text: &str) -> Parsed<Address> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).ok_or(None)?.trim();
    if let Some(at) = immediate_32(inner) {
        return Ok(Address::Absolute(at));
    }
    let (base, offset) = split_address(inner)?;
    Ok(Address::Based(register(base)?, offset))
}

fn based_address(text: &str) -> Parsed<(Reg, i32)> {
    match parse_address(text)? {
        Address::Based(base, offset) => Ok((base, offset)),
        Address::Absolute(_) => Err(None),
    }
}

/// `base`, `base + offset` or `base - offset`.
fn split_address(inner: &str) -> Parsed<(&str, i32)> {
    if let Some((base, offset)) = inner.split_once('+') {
        return Ok((base.trim(), immediate_32(offset.trim()).ok_or(None)?));
    }
    let Some((base, offset)) = inner.split_once('-') else { return Ok((inner.trim(), 0)) };
    match immediate(offset.trim(), Width::Wide).ok_or(None)? {
        Immediate::Short(offset) if offset >= 0 => Ok((base.trim(), -offset)),
        Immediate::Long(0x8000_0000) => Ok((base.trim(), i32::MIN)),
        _ => Err(None),
    }
}

/// `[a0..a0 + a2] = u8 a1`; the registers are fixed.
fn fill(left: &str, right: &str) -> Parsed<Instruction> {
    let inner = left.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).ok_or(None)?;
    let (start, end) = inner.split_once("..").ok_or(None)?;
    let (end, count) = end.split_once('+').ok_or(None)?;
    let value = right.strip_prefix("u8 ").ok_or(None)?;
    let mut regs = [Reg::ra; 4];
    for (reg, text) in regs.iter_mut().zip([start, end, count, value]) {
        *reg = register(text.trim())?;
    }
    if regs == [Reg::a0, Reg::a0, Reg::a2, Reg::a1] { Ok(Instruction::memset()) } else { Err(None) }
}

/// `d = WIDTH [address]`, if it is one.
fn load(d: Reg, right: &str) -> Parsed<Option<Instruction>> {
    let Some((width, address)) = right.split_once(' ') else { return Ok(None) };
    let address = address.trim_start();
    if !address.starts_with('[') {
        return Ok(None);
    }
    Ok(Some(match (width, parse_address(address)?) {
        ("u8", Address::Absolute(at)) => Instruction::load_u8(d, at),
        ("i8", Address::Absolute(at)) => Instruction::load_i8(d, at),
        ("u16", Address::Absolute(at)) => Instruction::load_u16(d, at),
        ("i16", Address::Absolute(at)) => Instruction::load_i16(d, at),
        ("u32", Address::Absolute(at)) => Instruction::load_u32(d, at),
        ("i32", Address::Absolute(at)) => Instruction::load_i32(d, at),
        ("u64", Address::Absolute(at)) => Instruction::load_u64(d, at),
        ("u8", Address::Based(base, at)) => Instruction::load_indirect_u8(d, base, at),
        ("i8", Address::Based(base, at)) => Instruction::load_indirect_i8(d, base, at),
        ("u16", Address::Based(base, at)) => Instruction::load_indirect_u16(d, base, at),
        ("i16", Address::Based(base, at)) => Instruction::load_indirect_i16(d, base, at),
        ("u32", Address::Based(base, at)) => Instruction::load_indirect_u32(d, base, at),
        ("i32", Address::Based(base, at)) => Instruction::load_indirect_i32(d, base, at),
        ("u64", Address::Based(base, at)) => Instruction::load_indirect_u64(d, base, at),
        _ => return Err(None),
    }))
}

/// One side of a comparison.
enum Side {
    Register(Reg),
    Value(i32),
}

/// The condition of `jump … if X op Y`, as an instruction without target.
fn branch(condition: &str) -> Parsed<Instruction> {
    let mut words = condition.split_whitespace();
    let (Some(left), Some(symbol), Some(right), None) = (words.next(), words.next(), words.next(), words.next()) else {
        return Err(Some(Reason::Condition));
    };
    let side = |text: &str| match Reg::from_name(text) {
        Some(reg) => Ok(Side::Register(reg)),
        None => immediate_32(text).map(Side::Value).ok_or(Some(Reason::Condition)),
    };
    match (side(left)?, side(right)?) {
        (Side::Register(a), Side::Register(b)) => branch_registers(symbol, a, b),
        (Side::Register(a), Side::Value(value)) => branch_value(symbol, a, value),
        (Side::Value(value), Side::Register(a)) => branch_value(mirrored(symbol), a, value),
        (Side::Value(_), Side::Value(_)) => return Err(Some(Reason::BothImmediates)),
    }
    .ok_or(Some(Reason::Condition))
}

fn branch_registers(symbol: &str, a: Reg, b: Reg) -> Option<Instruction> {
    Some(match symbol {
        "==" => Instruction::branch_eq(a, b, 0),
        "!=" => Instruction::branch_not_eq(a, b, 0),
        "<u" => Instruction::branch_less_unsigned(a, b, 0),
        "<s" => Instruction::branch_less_signed(a, b, 0),
        ">=u" => Instruction::branch_greater_or_equal_unsigned(a, b, 0),
        ">=s" => Instruction::branch_greater_or_equal_signed(a, b, 0),
        ">u" => Instruction::branch_less_unsigned(b, a, 0),
        ">s" => Instruction::branch_less_signed(b, a, 0),
        "<=u" => Instruction::branch_greater_or_equal_unsigned(b, a, 0),
        "<=s" => Instruction::branch_greater_or_equal_signed(b, a, 0),
        _ => return None,
    })
}

fn branch_value(symbol: &str, a: Reg, value: i32) -> Option<Instruction> {
    Some(match symbol {
        "==" => Instruction::branch_eq_imm(a, value, 0),
        "!=" => Instruction::branch_not_eq_imm(a, value, 0),
        "<u" => Instruction::branch_less_unsigned_imm(a, value, 0),
        "<s" => Instruction::branch_less_signed_imm(a, value, 0),
        "<=u" => Instruction::branch_less_or_equal_unsigned_imm(a, value, 0),
        "<=s" => Instruction::branch_less_or_equal_signed_imm(a, value, 0),
        ">=u" => Instruction::branch_greater_or_equal_unsigned_imm(a, value, 0),
        ">=s" => Instruction::branch_greater_or_equal_signed_imm(a, value, 0),
        ">u" => Instruction::branch_greater_unsigned_imm(a, value, 0),
        ">s" => Instruction::branch_greater_signed_imm(a, value, 0),
        _ => return None,
    })
}

/// The same comparison with its sides exchanged.
fn mirrored(symbol: &str) -> &str {
    match symbol {
        "<u" => ">u",
        "<s" => ">s",
        "<=u" => ">=u",
        "<=s" => ">=s",
        ">u" => "<u",
        ">s" => "<s",
        ">=u" => "<=u",
        ">=s" => "<=s",
        other => other,
    }
}

/// An operation without the prefix `i32`: the form of the full register width.
fn operation(d: Reg, right: &str, width: Width) -> Parsed<Instruction> {
    if let Some(operation) = operator::named(d, right, width)? {
        return Ok(operation);
    }
    let (operator, operands) = split(right, width)?;
    operator.full(d, operands, width).map_err(Some)
}

/// An operation with the prefix `i32`.
fn narrow_operation(d: Reg, right: &str, width: Width) -> Parsed<Instruction> {
    if let Some(operation) = operator::named_narrow(d, right)? {
        return Ok(operation);
    }
    if let Ok((operator, operands)) = split(right, width) {
        return operator.narrow(d, operands).map_err(Some);
    }
    // Anything that means something without the prefix has no 32-bit form.
    match (Parser { width }).value(d, right) {
        Ok(_) => Err(Some(Reason::NoNarrowForm)),
        Err(refused) => Err(refused),
    }
}

/// Finds the operator and parses what stands on its sides.
fn split(right: &str, width: Width) -> Parsed<(&'static operator::Operator, Operands)> {
    let (operator, left, right) = operator::find(right).ok_or(None)?;
    let side = |text: &str| match Reg::from_name(text) {
        Some(reg) => Ok(Side::Register(reg)),
        None => match immediate(text, width) {
            Some(Immediate::Short(value)) => Ok(Side::Value(value)),
            _ => Err(None),
        },
    };
    let operands = match (side(left.trim())?, side(right.trim())?) {
        (Side::Register(a), Side::Register(b)) => Operands::Registers(a, b),
        (Side::Register(a), Side::Value(value)) => Operands::RegisterValue(a, value),
        (Side::Value(value), Side::Register(a)) => Operands::ValueRegister(value, a),
        (Side::Value(_), Side::Value(_)) => return Err(Some(Reason::BothImmediates)),
    };
    Ok((operator, operands))
}
