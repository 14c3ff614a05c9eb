//! Copies: a register that holds what another holds, or that plus a constant, is replaced by the other.
//!
//! ```text
//! a1 = a0;      a2 = a1 + a3        a2 = a0 + a3
//! t0 = sp + 16; a0 = [t0 + 8]       a0 = [sp + 24]
//! t0 = s0 + 16; a0 = t0 + 8         a0 = s0 + 24
//! ```
//!
//! What is copied is tracked over the whole program. The copy itself, when nothing reads it any more, is left to other
//! passes. A sum is taken apart only if that lets it go.

use super::Options;
use super::analysis::edges::{Entry, Worklist, entries, postorder};
use super::analysis::uses::Uses;
use crate::config::Trust;
use crate::ir::{BlockId, Inst, Program, Terminator};
use pvm_isa::{Instruction, Meaning, Opcode, Reg, RegSet, Width};

/// A sum is taken apart if it is read so often at most.
const USES_MAX: u32 = 3;
/// Registers that a call preserves.
const PRESERVED: RegSet = RegSet::of(&[Reg::sp, Reg::s0, Reg::s1]);

/// Another register and what is added to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Sum {
    reg: Reg,
    offset: i32,
}

/// For each register what it holds, if that is a sum of another.
type State = [Option<Sum>; 13];

pub(super) fn run(program: &mut Program<'_>, options: &Options) -> bool {
    let states = states(program, options.trust);
    let liveness = options.liveness(program);
    let mut changed = false;
    for id in program.layout.clone() {
        let Some(mut state) = states[id.index()] else { continue };
        let mut uses = Uses::new(program, &liveness, id);
        let narrow = program.width == Width::Narrow;
        for index in 0..program.block(id).instructions.len() {
            let inst = program.block(id).instructions[index];
            let op = rewritten(&state, &uses, &inst, narrow);
            step(&mut state, &inst, narrow, options.trust);
            uses.advance(&inst);
            changed |= op != inst.op;
            program.blocks[id.index()].instructions[index].op = op;
        }
        let terminator = rewritten_terminator(&state, &program.block(id).terminator);
        changed |= terminator != program.block(id).terminator;
        program.blocks[id.index()].terminator = terminator;
    }
    changed
}

/// What is held where blocks start; none where no control flow that is seen leads.
fn states(program: &Program<'_>, trust: Trust) -> Vec<Option<State>> {
    let entries = entries(program);
    let mut order = postorder(program, &entries);
    order.reverse();
    let narrow = program.width == Width::Narrow;
    let mut states: Vec<Option<State>> = vec![None; program.blocks.len()];
    for id in &order {
        let Entry { taken, exported, called, .. } = entries[id.index()];
        if taken || exported || called {
            states[id.index()] = Some([None; 13]);
        }
    }
    let mut open = Worklist::new(program, order);
    while let Some(id) = open.pop() {
        let Some(mut state) = states[id.index()] else { continue };
        let block = program.block(id);
        block.instructions.iter().for_each(|inst| step(&mut state, inst, narrow, trust));
        let mut flow = |to: BlockId, state: &State| {
            let old = &mut states[to.index()];
            let new = match old {
                None => *state,
                Some(old) => std::array::from_fn(|reg| old[reg].filter(|sum| state[reg] == Some(*sum))),
            };
            if *old != Some(new) {
                *old = Some(new);
                open.push(to);
            }
        };
        if let Some(back) = block.terminator.return_block() {
            let kept = match trust {
                Trust::CallingConvention if block.terminator.writes() == RegSet::of(&[Reg::ra]) => PRESERVED,
                _ => RegSet::EMPTY,
            };
            forget(&mut state, RegSet::ALL.difference(kept));
            flow(back, &state);
            continue;
        }
        if let Terminator::Branch { branch, taken, otherwise } = block.terminator {
            let mut equal = state;
            let (a, b) = (branch.r1(), branch.r2());
            // On the way on which two registers are equal, one is a copy of the other.
            let way = match branch.opcode() {
                Opcode::branch_eq => Some(taken),
                Opcode::branch_not_eq => Some(otherwise),
                _ => None,
            };
            if a != b && equal[a.index()].is_none() && root(&equal, b).reg != a {
                equal[a.index()] = Some(root(&equal, b));
            }
            for to in [taken, otherwise] {
                flow(to, if way == Some(to) && taken != otherwise { &equal } else { &state });
            }
            continue;
        }
        block.terminator.successors().for_each(|next| flow(next, &state));
    }
    states
}

/// What a register holds, in terms of a register that is no sum itself.
fn root(state: &State, reg: Reg) -> Sum {
    state[reg.index()].unwrap_or(Sum { reg, offset: 0 })
}

/// Registers get new values.
fn forget(state: &mut State, written: RegSet) {
    if written.is_empty() {
        return;
    }
    for (held, reg) in state.iter_mut().zip(Reg::ALL) {
        if written.contains(reg) || held.is_some_and(|sum| written.contains(sum.reg)) {
            *held = None;
        }
    }
}

/// The sum that an instruction computes.
fn sum(state: &State, inst: &Inst, narrow: bool) -> Option<Sum> {
    let op = &inst.op;
    let offset = match op.opcode() {
        Opcode::move_reg => 0,
        Opcode::add_imm_64 if inst.symbol.is_none() => op.imm1(),
        Opcode::add_imm_32 if narrow && inst.symbol.is_none() => op.imm1(),
        _ => return None,
    };
    let Sum { reg, offset: first } = root(state, op.r2());
    Some(Sum { reg, offset: first.checked_add(offset)? })
}

fn step(state: &mut State, inst: &Inst, narrow: bool, trust: Trust) {
    let sum = sum(state, inst, narrow);
    match inst.op.opcode().meaning() {
        Meaning::Ecalli if trust == Trust::Nothing => forget(state, RegSet::ALL),
        Meaning::Ecalli => forget(state, RegSet::of(&Reg::ARGUMENTS)),
        _ => forget(state, inst.op.writes()),
    }
    if let (Some(sum), Some(rd)) = (sum, inst.op.destination())
        && sum.reg != rd
    {
        state[rd.index()] = Some(sum);
    }
}

/// The register that holds the same.
fn same(state: &State, reg: Reg) -> Reg {
    match state[reg.index()] {
        Some(Sum { reg, offset: 0 }) => reg,
        _ => reg,
    }
}

/// A base register and an offset that give the same address.
fn base(state: &State, uses: &Uses, reg: Reg, offset: i32) -> (Reg, i32) {
    let Some(sum) = state[reg.index()] else { return (reg, offset) };
    match sum.offset.checked_add(offset) {
        Some(offset) if sum.offset == 0 || uses.few(reg, USES_MAX) => (sum.reg, offset),
        _ => (reg, offset),
    }
}

fn rewritten(state: &State, uses: &Uses, inst: &Inst, narrow: bool) -> Instruction {
    let op = inst.op;
    let opcode = op.opcode();
    let (r1, r2, r3) = (op.r1(), op.r2(), op.r3());
    let with =
        |regs: [Reg; 3], imm1: i32| Instruction::with_registers(opcode, regs).with_imm1(imm1).with_imm2(op.imm2());
    let plain = inst.symbol.is_none();
    match opcode.meaning() {
        Meaning::LoadIndirect(_) if plain => {
            let (base, offset) = base(state, uses, r2, op.imm1());
            with([r1, base, r3], offset)
        }
        Meaning::StoreIndirect(_) if plain => {
            let (base, offset) = base(state, uses, r2, op.imm1());
            with([same(state, r1), base, r3], offset)
        }
        Meaning::StoreImmIndirect(_) if plain => {
            let (base, offset) = base(state, uses, r1, op.imm1());
            with([base, r2, r3], offset)
        }
        Meaning::BinaryImm(_) if plain && (opcode == Opcode::add_imm_64 || narrow && opcode == Opcode::add_imm_32) => {
            let (base, offset) = base(state, uses, r2, op.imm1());
            with([r1, base, r3], offset)
        }
        Meaning::LoadIndirect(_) => with([r1, same(state, r2), r3], op.imm1()),
        Meaning::StoreIndirect(_) => with([same(state, r1), same(state, r2), r3], op.imm1()),
        Meaning::Store(_) | Meaning::StoreImmIndirect(_) => with([same(state, r1), r2, r3], op.imm1()),
        Meaning::MoveReg
        | Meaning::Sbrk
        | Meaning::Unary(_)
        | Meaning::UnarySized(..)
        | Meaning::BinaryImm(_)
        | Meaning::BinaryImmAlt(_)
        | Meaning::CmovImm(_) => with([r1, same(state, r2), r3], op.imm1()),
        Meaning::Binary(_) | Meaning::BinarySized(..) | Meaning::Cmov(_) => {
            with([r1, same(state, r2), same(state, r3)], op.imm1())
        }
        _ => op,
    }
}

fn rewritten_terminator(state: &State, terminator: &Terminator) -> Terminator {
    match *terminator {
        Terminator::Branch { branch, taken, otherwise } => {
            let regs = [same(state, branch.r1()), same(state, branch.r2()), Reg::ra];
            let branch = Instruction::with_registers(branch.opcode(), regs).with_imm1(branch.imm1());
            Terminator::Branch { branch, taken, otherwise }
        }
        Terminator::CallIndirect { link, base, offset, back } => {
            Terminator::CallIndirect { link, base: same(state, base), offset, back }
        }
        // The register tells a return from another jump.
        other => other,
    }
}
