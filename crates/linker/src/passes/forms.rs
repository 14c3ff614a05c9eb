//! Which instructions are forms of each other: with a register and with an immediate, with a base and at a fixed address.

use pvm_isa::{Access, Instruction, Meaning, Opcode, Reg};

/// Instructions with two source registers, and their forms in which the second is an immediate.
const IMMEDIATE: &[(Opcode, Opcode)] = &[
    (Opcode::add_32, Opcode::add_imm_32),
    (Opcode::add_64, Opcode::add_imm_64),
    (Opcode::and, Opcode::and_imm),
    (Opcode::or, Opcode::or_imm),
    (Opcode::xor, Opcode::xor_imm),
    (Opcode::mul_32, Opcode::mul_imm_32),
    (Opcode::mul_64, Opcode::mul_imm_64),
    (Opcode::set_less_than_unsigned, Opcode::set_less_than_unsigned_imm),
    (Opcode::set_less_than_signed, Opcode::set_less_than_signed_imm),
    (Opcode::shift_logical_left_32, Opcode::shift_logical_left_imm_32),
    (Opcode::shift_logical_left_64, Opcode::shift_logical_left_imm_64),
    (Opcode::shift_logical_right_32, Opcode::shift_logical_right_imm_32),
    (Opcode::shift_logical_right_64, Opcode::shift_logical_right_imm_64),
    (Opcode::shift_arithmetic_right_32, Opcode::shift_arithmetic_right_imm_32),
    (Opcode::shift_arithmetic_right_64, Opcode::shift_arithmetic_right_imm_64),
    (Opcode::rotate_right_32, Opcode::rotate_right_imm_32),
    (Opcode::rotate_right_64, Opcode::rotate_right_imm_64),
];

/// Instructions with two source registers, and their forms in which the first is an immediate.
const IMMEDIATE_FIRST: &[(Opcode, Opcode)] = &[
    (Opcode::sub_32, Opcode::negate_and_add_imm_32),
    (Opcode::sub_64, Opcode::negate_and_add_imm_64),
    (Opcode::set_less_than_unsigned, Opcode::set_greater_than_unsigned_imm),
    (Opcode::set_less_than_signed, Opcode::set_greater_than_signed_imm),
    (Opcode::shift_logical_left_32, Opcode::shift_logical_left_imm_alt_32),
    (Opcode::shift_logical_left_64, Opcode::shift_logical_left_imm_alt_64),
    (Opcode::shift_logical_right_32, Opcode::shift_logical_right_imm_alt_32),
    (Opcode::shift_logical_right_64, Opcode::shift_logical_right_imm_alt_64),
    (Opcode::shift_arithmetic_right_32, Opcode::shift_arithmetic_right_imm_alt_32),
    (Opcode::shift_arithmetic_right_64, Opcode::shift_arithmetic_right_imm_alt_64),
    (Opcode::rotate_right_32, Opcode::rotate_right_imm_alt_32),
    (Opcode::rotate_right_64, Opcode::rotate_right_imm_alt_64),
];

/// Branches with two registers, with the second being an immediate, and with the first being one.
const BRANCHES: &[(Opcode, Opcode, Opcode)] = &[
    (Opcode::branch_eq, Opcode::branch_eq_imm, Opcode::branch_eq_imm),
    (Opcode::branch_not_eq, Opcode::branch_not_eq_imm, Opcode::branch_not_eq_imm),
    (Opcode::branch_less_unsigned, Opcode::branch_less_unsigned_imm, Opcode::branch_greater_unsigned_imm),
    (Opcode::branch_less_signed, Opcode::branch_less_signed_imm, Opcode::branch_greater_signed_imm),
    (
        Opcode::branch_greater_or_equal_unsigned,
        Opcode::branch_greater_or_equal_unsigned_imm,
        Opcode::branch_less_or_equal_unsigned_imm,
    ),
    (
        Opcode::branch_greater_or_equal_signed,
        Opcode::branch_greater_or_equal_signed_imm,
        Opcode::branch_less_or_equal_signed_imm,
    ),
];

/// By opcode, what a table says of it.
type Table = [Option<Opcode>; Opcode::COUNT];

const fn by_first(pairs: &[(Opcode, Opcode)]) -> Table {
    let mut table = [None; Opcode::COUNT];
    let mut index = 0;
    while index < pairs.len() {
        table[pairs[index].0.index()] = Some(pairs[index].1);
        index += 1;
    }
    table
}

const fn by_second(pairs: &[(Opcode, Opcode)]) -> Table {
    let mut table = [None; Opcode::COUNT];
    let mut index = 0;
    while index < pairs.len() {
        table[pairs[index].1.index()] = Some(pairs[index].0);
        index += 1;
    }
    table
}

static TO_SECOND: Table = by_first(IMMEDIATE);
static TO_FIRST: Table = by_first(IMMEDIATE_FIRST);
static FROM_SECOND: Table = by_second(IMMEDIATE);
static FROM_FIRST: Table = by_second(IMMEDIATE_FIRST);

/// The form whose second source is an immediate.
pub(crate) fn with_second_immediate(opcode: Opcode) -> Option<Opcode> {
    TO_SECOND[opcode.index()]
}

/// The form whose first source is an immediate.
pub(crate) fn with_first_immediate(opcode: Opcode) -> Option<Opcode> {
    TO_FIRST[opcode.index()]
}

/// The instruction with registers only, and whether the immediate stands for the first source.
pub(crate) fn with_registers(opcode: Opcode) -> Option<(Opcode, bool)> {
    match FROM_SECOND[opcode.index()] {
        Some(opcode) => Some((opcode, false)),
        None => FROM_FIRST[opcode.index()].map(|opcode| (opcode, true)),
    }
}

/// Forms of a branch: with the second and with the first source as an immediate.
pub(crate) fn branch_immediates(opcode: Opcode) -> Option<(Opcode, Opcode)> {
    BRANCHES.iter().find(|(registers, ..)| *registers == opcode).map(|(_, second, first)| (*second, *first))
}

/// May the sources change places?
pub(crate) const fn commutes(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::add_32
            | Opcode::add_64
            | Opcode::and
            | Opcode::or
            | Opcode::xor
            | Opcode::xnor
            | Opcode::mul_32
            | Opcode::mul_64
            | Opcode::maximum
            | Opcode::maximum_unsigned
            | Opcode::minimum
            | Opcode::minimum_unsigned
            | Opcode::mul_upper_signed_signed
            | Opcode::mul_upper_unsigned_unsigned
    )
}

/// `rd = rs op imm`.
pub(crate) fn reg_reg_imm(opcode: Opcode, rd: Reg, rs: Reg, imm: i32) -> Instruction {
    Instruction::with_registers(opcode, [rd, rs, Reg::ra]).with_imm1(imm)
}

/// A load or store with a base register as one of a fixed address, which its first immediate is to be.
pub(crate) fn at_fixed_address(op: &Instruction) -> Option<Instruction> {
    let r1 = op.r1();
    Some(match op.opcode().meaning() {
        Meaning::LoadIndirect(access) => match access {
            Access::u8 => Instruction::load_u8(r1, 0),
            Access::i8 => Instruction::load_i8(r1, 0),
            Access::u16 => Instruction::load_u16(r1, 0),
            Access::i16 => Instruction::load_i16(r1, 0),
            Access::u32 => Instruction::load_u32(r1, 0),
            Access::i32 => Instruction::load_i32(r1, 0),
            Access::u64 => Instruction::load_u64(r1, 0),
        },
        Meaning::StoreIndirect(access) => match access {
            Access::u8 | Access::i8 => Instruction::store_u8(r1, 0),
            Access::u16 | Access::i16 => Instruction::store_u16(r1, 0),
            Access::u32 | Access::i32 => Instruction::store_u32(r1, 0),
            Access::u64 => Instruction::store_u64(r1, 0),
        },
        Meaning::StoreImmIndirect(access) => match access {
            Access::u8 | Access::i8 => Instruction::store_imm_u8(0, op.imm2()),
            Access::u16 | Access::i16 => Instruction::store_imm_u16(0, op.imm2()),
            Access::u32 | Access::i32 => Instruction::store_imm_u32(0, op.imm2()),
            Access::u64 => Instruction::store_imm_u64(0, op.imm2()),
        },
        _ => return None,
    })
}

/// A store of a register as one of an immediate.
pub(crate) fn store_of_immediate(op: &Instruction, value: i32) -> Option<Instruction> {
    Some(match op.opcode().meaning() {
        Meaning::StoreIndirect(access) => {
            let (base, offset) = (op.r2(), op.imm1());
            match access {
                Access::u8 | Access::i8 => Instruction::store_imm_indirect_u8(base, offset, value),
                Access::u16 | Access::i16 => Instruction::store_imm_indirect_u16(base, offset, value),
                Access::u32 | Access::i32 => Instruction::store_imm_indirect_u32(base, offset, value),
                Access::u64 => Instruction::store_imm_indirect_u64(base, offset, value),
            }
        }
        Meaning::Store(access) => match access {
            Access::u8 | Access::i8 => Instruction::store_imm_u8(op.imm1(), value),
            Access::u16 | Access::i16 => Instruction::store_imm_u16(op.imm1(), value),
            Access::u32 | Access::i32 => Instruction::store_imm_u32(op.imm1(), value),
            Access::u64 => Instruction::store_imm_u64(op.imm1(), value),
        },
        _ => return None,
    })
}
