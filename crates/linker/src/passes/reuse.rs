//! Takes values from registers that are known to hold them, or nearly, where that is shorter than spelling them out.
//!
//! ```text
//! a0 = &x;  a1 = &x           a1 = a0
//! a0 = &x;  a1 = &x + 8       a1 = a0 + 8
//! a0 = &x;  a1 = [&x + 8]     a1 = [a0 + 8]
//! ```
//!
//! The opposite of what the repeated passes do, so it comes after them.

use super::Options;
use super::analysis::size;
use super::analysis::values::{State, Value, Values, immediate};
use crate::ir::{Inst, Program, Symbolic, Target};
use pvm_isa::{Access, Instruction, Meaning, Opcode, Reg, Width};
use pvm_num::casts::signed_64;

pub(super) fn run(program: &mut Program<'_>, options: &Options) -> bool {
    let Some(values) = Values::new(program, options) else { return false };
    let mut changed = false;
    for id in program.layout.clone() {
        let Some(state) = values.state(id) else { continue };
        let mut state = *state;
        for index in 0..program.block(id).instructions.len() {
            let inst = program.block(id).instructions[index];
            let new = shorter(program, options, &state, &inst);
            values.step(program, &mut state, &inst);
            if let Some(op) = new {
                program.blocks[id.index()].instructions[index] = Inst { op, symbol: None, source: inst.source };
                changed = true;
            }
        }
    }
    changed
}

/// The shortest instruction that does the same by way of another register, if it is shorter.
fn shorter(program: &Program<'_>, options: &Options, state: &State, inst: &Inst) -> Option<Instruction> {
    let op = &inst.op;
    let narrow = program.width == Width::Narrow;
    let wanted = match op.opcode().meaning() {
        Meaning::LoadImm | Meaning::Load(_) | Meaning::Store(_) | Meaning::StoreImm(_) => {
            immediate(inst, program.width)
        }
        Meaning::LoadImm64 => Value::constant(op.imm64()),
        _ => return None,
    };
    let mut best = (size::of_inst(options.set, inst), None);
    for reg in Reg::ALL {
        let Some(distance) = distance(state[reg.index()], wanted, narrow) else { continue };
        let new = match op.opcode().meaning() {
            Meaning::LoadImm | Meaning::LoadImm64 if distance == 0 => Instruction::move_reg(op.r1(), reg),
            Meaning::LoadImm | Meaning::LoadImm64 if narrow => Instruction::add_imm_32(op.r1(), reg, distance),
            Meaning::LoadImm | Meaning::LoadImm64 => Instruction::add_imm_64(op.r1(), reg, distance),
            Meaning::Load(access) => load(access, op.r1(), reg, distance),
            Meaning::Store(access) => store(access, op.r1(), reg, distance),
            Meaning::StoreImm(access) => store_imm(access, reg, distance, op.imm2()),
            _ => return None,
        };
        let size = size::of_instruction(options.set, &new);
        if options.set.supports(new.opcode()) && size < best.0 {
            best = (size, Some(new));
        }
    }
    best.1
}

/// How far `wanted` is from what a register holds, if that is known.
fn distance(held: Value, wanted: Value, narrow: bool) -> Option<i32> {
    let difference = match (held, wanted) {
        (Value::Symbol(Symbolic::Address(held)), Value::Symbol(Symbolic::Address(wanted))) => match (held, wanted) {
            _ if held == wanted => 0,
            (Target::Data { section, offset }, Target::Data { section: other, offset: wanted }) if section == other => {
                wanted.checked_sub(offset)?
            }
            _ => return None,
        },
        (Value::Symbol(held), Value::Symbol(wanted)) if held == wanted => 0,
        _ => {
            let difference = signed_64(wanted.as_constant()?).checked_sub(signed_64(held.as_constant()?))?;
            if narrow && i32::try_from(difference).is_err() {
                return None;
            }
            difference
        }
    };
    i32::try_from(difference).ok()
}

fn load(access: Access, rd: Reg, base: Reg, offset: i32) -> Instruction {
    let opcode = match access {
        Access::u8 => Opcode::load_indirect_u8,
        Access::i8 => Opcode::load_indirect_i8,
        Access::u16 => Opcode::load_indirect_u16,
        Access::i16 => Opcode::load_indirect_i16,
        Access::u32 => Opcode::load_indirect_u32,
        Access::i32 => Opcode::load_indirect_i32,
        Access::u64 => Opcode::load_indirect_u64,
    };
    Instruction::with_registers(opcode, [rd, base, Reg::ra]).with_imm1(offset)
}

fn store(access: Access, src: Reg, base: Reg, offset: i32) -> Instruction {
    let opcode = match access {
        Access::u8 | Access::i8 => Opcode::store_indirect_u8,
        Access::u16 | Access::i16 => Opcode::store_indirect_u16,
        Access::u32 | Access::i32 => Opcode::store_indirect_u32,
        Access::u64 => Opcode::store_indirect_u64,
    };
    Instruction::with_registers(opcode, [src, base, Reg::ra]).with_imm1(offset)
}

fn store_imm(access: Access, base: Reg, offset: i32, value: i32) -> Instruction {
    let opcode = match access {
        Access::u8 | Access::i8 => Opcode::store_imm_indirect_u8,
        Access::u16 | Access::i16 => Opcode::store_imm_indirect_u16,
        Access::u32 | Access::i32 => Opcode::store_imm_indirect_u32,
        Access::u64 => Opcode::store_imm_indirect_u64,
    };
    Instruction::with_registers(opcode, [base, Reg::ra, Reg::ra]).with_imm1(offset).with_imm2(value)
}
