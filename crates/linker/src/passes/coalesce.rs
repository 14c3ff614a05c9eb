//! Computes results in the register that they are copied to.
//!
//! ```text
//! t = a + b; ...; d = t     (t is not read again)        d = a + b; ...
//! ```
//!
//! Between the two, whatever read `t` reads `d`. It also makes instructions of two operands out of those of three where the
//! copy was there to keep `d` as a source.

use super::Options;
use super::nops::is_nop;
use crate::ir::{Inst, Program};
use pvm_isa::{Format, Instruction, Meaning, Opcode, Reg, RegSet};

/// So many instructions are looked back at.
const DISTANCE_MAX: usize = 32;

pub(super) fn run(program: &mut Program<'_>, options: &Options) -> bool {
    let liveness = options.liveness(program);
    let mut changed = false;
    let mut live_after: Vec<RegSet> = Vec::new();
    for id in program.layout.clone() {
        let block = program.block(id);
        if !block.instructions.iter().any(|inst| inst.op.opcode() == Opcode::move_reg) {
            continue;
        }
        live_after.clear();
        let mut live = liveness.before_terminator(program, id);
        for inst in block.instructions.iter().rev() {
            live_after.push(live);
            live = liveness.before(program, inst, live);
        }
        live_after.reverse();
        let mut instructions = block.instructions.clone();
        let mut dropped = vec![false; instructions.len()];
        for at in 0..instructions.len() {
            let op = instructions[at].op;
            let (to, from) = (op.r1(), op.r2());
            if op.opcode() != Opcode::move_reg || to == from || live_after[at].contains(from) {
                continue;
            }
            if let Some(origin) = origin(&instructions, &dropped, at, to, from) {
                rename(&mut instructions[origin..at], to, from);
                // What lived in one register now lives in the other.
                for live in &mut live_after[origin..at] {
                    *live = live.without(from).with(to);
                }
                dropped[at] = true;
            }
        }
        if dropped.contains(&true) {
            for (inst, dropped) in instructions.iter().zip(&mut dropped) {
                // Another copy, now of a register to itself.
                *dropped |= is_nop(inst, program.width);
            }
            let mut dropped = dropped.iter();
            instructions.retain(|_| !*dropped.next().expect("one flag per instruction"));
            program.blocks[id.index()].instructions = instructions;
            changed = true;
        }
    }
    changed
}

/// The instruction that computes `from` for the copy at a position, if `to` can take its place from there on.
fn origin(instructions: &[Inst], dropped: &[bool], copy: usize, to: Reg, from: Reg) -> Option<usize> {
    let start = copy.saturating_sub(DISTANCE_MAX);
    for at in (start..copy).rev().filter(|at| !dropped[*at]) {
        let op = &instructions[at].op;
        if is_implicit(op) {
            return None;
        }
        if op.writes().contains(from) {
            // A conditional move keeps what was in the register, and needs it there.
            let keeps = matches!(op.opcode().meaning(), Meaning::Cmov(_) | Meaning::CmovImm(_));
            return (!keeps).then_some(at);
        }
        if op.reads().contains(to) || op.writes().contains(to) {
            return None;
        }
    }
    None
}

/// Does an instruction use registers that it does not name?
fn is_implicit(op: &Instruction) -> bool {
    matches!(op.opcode().meaning(), Meaning::Ecalli | Meaning::Memset)
}

/// Puts one register in the place of another: as the destination of the first instruction, as a source in the others.
fn rename(instructions: &mut [Inst], to: Reg, from: Reg) {
    let (first, others) = instructions.split_first_mut().expect("the origin comes before the copy");
    first.op = with_registers(&first.op, |role, reg| if role == Role::Destination && reg == from { to } else { reg });
    for inst in others {
        inst.op = with_registers(&inst.op, |_, reg| if reg == from { to } else { reg });
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Destination,
    Source,
}

/// The instruction with other registers.
fn with_registers(op: &Instruction, new: impl Fn(Role, Reg) -> Reg) -> Instruction {
    let count = op.opcode().format().register_count();
    let first = if op.destination().is_some() { Role::Destination } else { Role::Source };
    let mut regs = [op.r1(), op.r2(), op.r3()];
    for (index, reg) in regs.iter_mut().enumerate().take(count) {
        *reg = new(if index == 0 { first } else { Role::Source }, *reg);
    }
    let renamed = Instruction::with_registers(op.opcode(), regs);
    match op.opcode().format() {
        Format::RegImm64 => Instruction::load_imm64(regs[0], op.imm64()),
        _ => renamed.with_imm1(op.imm1()).with_imm2(op.imm2()),
    }
}
