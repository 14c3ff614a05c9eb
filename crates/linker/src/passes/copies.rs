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
use super::analysis::edges::{Entry, Worklist};
use super::analysis::uses::{Around, Uses};
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
#[derive(Clone, Copy, PartialEq, Eq)]
struct State {
    sums: [Option<Sum>; 13],
    /// Registers that hold one.
    held: RegSet,
    /// Registers that sums are of.
    sources: RegSet,
}

/// What was known where blocks start and live where they end when the pass ran last.
#[derive(Default)]
pub(crate) struct Memory {
    states: Vec<Option<State>>,
    live: Vec<RegSet>,
}

pub(super) fn run(program: &mut Program<'_>, options: &Options) -> bool {
    let states = states(program, options);
    let liveness = options.liveness(program);
    let mut memory = options.copies.borrow_mut();
    let last = std::mem::take(&mut memory.states);
    memory.live.resize(program.blocks.len(), RegSet::EMPTY);
    let narrow = program.width == Width::Narrow;
    let mut uses = Uses::default();
    let mut edits = Vec::new();
    let mut changed = false;
    for id in program.layout.clone() {
        let Some(mut state) = states[id.index()] else { continue };
        let live = liveness.before_terminator(program, id);
        let live_before = std::mem::replace(&mut memory.live[id.index()], live);
        let is_settled = options.is_settled(program, id) && live == live_before;
        if is_settled && last.get(id.index()).is_some_and(|last| *last == Some(state)) {
            continue;
        }
        uses.reset();
        edits.clear();
        let around = Around { program, liveness: &liveness, id };
        let block = program.block(id);
        for (at, inst) in block.instructions.iter().enumerate() {
            if !inst.op.reads().intersection(state.held).is_empty() {
                let few = |reg| uses.few(around, at, reg, USES_MAX);
                let op = rewritten(&state, few, inst, narrow);
                if op != inst.op {
                    edits.push((at, op));
                }
            }
            step(&mut state, inst, narrow, options.trust);
        }
        let terminator = rewritten_terminator(&state, &block.terminator);
        if edits.is_empty() && terminator == block.terminator {
            continue;
        }
        changed = true;
        let block = &mut program.blocks[id.index()];
        edits.iter().for_each(|(at, op)| block.instructions[*at].op = *op);
        block.terminator = terminator;
    }
    memory.states = states;
    changed
}

/// What is held where blocks start; none where no control flow that is seen leads.
fn states(program: &Program<'_>, options: &Options) -> Vec<Option<State>> {
    let trust = options.trust;
    let entries = options.entries(program);
    let order = options.postorder(program);
    let order = order.iter().rev();
    let narrow = program.width == Width::Narrow;
    let mut states: Vec<Option<State>> = vec![None; program.blocks.len()];
    for id in order.clone() {
        let Entry { taken, exported, called, .. } = entries[id.index()];
        if taken || exported || called {
            states[id.index()] = Some(State::NOTHING);
        }
    }
    let mut open = Worklist::new(program, order.copied());
    while let Some(id) = open.pop() {
        let Some(mut state) = states[id.index()] else { continue };
        let block = program.block(id);
        block.instructions.iter().for_each(|inst| step(&mut state, inst, narrow, trust));
        let mut flow = |to: BlockId, state: &State| match &mut states[to.index()] {
            Some(old) => {
                if old.keep_common(state) {
                    open.push(to);
                }
            }
            new => {
                *new = Some(*state);
                open.push(to);
            }
        };
        if let Some(back) = block.terminator.return_block() {
            let kept = match trust {
                Trust::CallingConvention if block.terminator.writes() == RegSet::of(&[Reg::ra]) => PRESERVED,
                _ => RegSet::EMPTY,
            };
            state.forget(RegSet::ALL.difference(kept));
            flow(back, &state);
            continue;
        }
        if let Terminator::Branch { branch, taken, otherwise } = block.terminator {
            // On the way on which two registers are equal, one is a copy of the other.
            let way = match branch.opcode() {
                Opcode::branch_eq => Some(taken),
                Opcode::branch_not_eq => Some(otherwise),
                _ => None,
            };
            for to in [taken, otherwise] {
                if way == Some(to) && taken != otherwise {
                    let mut equal = state;
                    equal.note_equal(branch.r1(), branch.r2());
                    flow(to, &equal);
                } else {
                    flow(to, &state);
                }
            }
            continue;
        }
        block.terminator.successors().for_each(|next| flow(next, &state));
    }
    states
}

impl State {
    const NOTHING: State = State { sums: [None; 13], held: RegSet::EMPTY, sources: RegSet::EMPTY };

    /// What a register holds, in terms of a register that is no sum itself.
    fn root(&self, reg: Reg) -> Sum {
        self.sums[reg.index()].unwrap_or(Sum { reg, offset: 0 })
    }

    fn set(&mut self, reg: Reg, sum: Sum) {
        self.sums[reg.index()] = Some(sum);
        self.held = self.held.with(reg);
        self.sources = self.sources.with(sum.reg);
    }

    fn note_equal(&mut self, a: Reg, b: Reg) {
        if a != b && self.sums[a.index()].is_none() && self.root(b).reg != a {
            self.set(a, self.root(b));
        }
    }

    /// Registers get new values.
    fn forget(&mut self, written: RegSet) {
        if self.held.union(self.sources).intersection(written).is_empty() {
            return;
        }
        self.retain(|reg, sum| !written.contains(reg) && !written.contains(sum.reg));
    }

    fn retain(&mut self, stays: impl Fn(Reg, Sum) -> bool) {
        let held = self.held;
        (self.held, self.sources) = (RegSet::EMPTY, RegSet::EMPTY);
        for reg in held.iter() {
            let sum = &mut self.sums[reg.index()];
            *sum = sum.filter(|sum| stays(reg, *sum));
            if let Some(sum) = sum {
                self.held = self.held.with(reg);
                self.sources = self.sources.with(sum.reg);
            }
        }
    }

    /// Forgets what does not hold of another, too, and tells whether there is such.
    fn keep_common(&mut self, other: &State) -> bool {
        let held = self.held;
        if held.iter().all(|reg| self.sums[reg.index()] == other.sums[reg.index()]) {
            return false;
        }
        self.retain(|reg, sum| other.sums[reg.index()] == Some(sum));
        true
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
    let Sum { reg, offset: first } = state.root(op.r2());
    Some(Sum { reg, offset: first.checked_add(offset)? })
}

fn step(state: &mut State, inst: &Inst, narrow: bool, trust: Trust) {
    let sum = sum(state, inst, narrow);
    match inst.op.opcode().meaning() {
        Meaning::Ecalli if trust == Trust::Nothing => state.forget(RegSet::ALL),
        Meaning::Ecalli => state.forget(const { RegSet::of(&Reg::ARGUMENTS) }),
        _ => state.forget(inst.op.writes()),
    }
    if let (Some(sum), Some(rd)) = (sum, inst.op.destination())
        && sum.reg != rd
    {
        state.set(rd, sum);
    }
}

/// The register that holds the same.
fn same(state: &State, reg: Reg) -> Reg {
    match state.sums[reg.index()] {
        Some(Sum { reg, offset: 0 }) => reg,
        _ => reg,
    }
}

/// A base register and an offset that give the same address.
fn base(state: &State, few: impl FnOnce(Reg) -> bool, reg: Reg, offset: i32) -> (Reg, i32) {
    let Some(sum) = state.sums[reg.index()] else { return (reg, offset) };
    match sum.offset.checked_add(offset) {
        Some(offset) if sum.offset == 0 || few(reg) => (sum.reg, offset),
        _ => (reg, offset),
    }
}

fn rewritten(state: &State, few: impl FnOnce(Reg) -> bool, inst: &Inst, narrow: bool) -> Instruction {
    let op = inst.op;
    let opcode = op.opcode();
    let (r1, r2, r3) = (op.r1(), op.r2(), op.r3());
    let with =
        |regs: [Reg; 3], imm1: i32| Instruction::with_registers(opcode, regs).with_imm1(imm1).with_imm2(op.imm2());
    let plain = inst.symbol.is_none();
    match opcode.meaning() {
        Meaning::LoadIndirect(_) if plain => {
            let (base, offset) = base(state, few, r2, op.imm1());
            with([r1, base, r3], offset)
        }
        Meaning::StoreIndirect(_) if plain => {
            let (base, offset) = base(state, few, r2, op.imm1());
            with([same(state, r1), base, r3], offset)
        }
        Meaning::StoreImmIndirect(_) if plain => {
            let (base, offset) = base(state, few, r1, op.imm1());
            with([base, r2, r3], offset)
        }
        Meaning::BinaryImm(_) if plain && (opcode == Opcode::add_imm_64 || narrow && opcode == Opcode::add_imm_32) => {
            let (base, offset) = base(state, few, r2, op.imm1());
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
