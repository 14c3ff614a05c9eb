//! Translation: from code bytes to dense operations, a run of blocks at a time.

use crate::cache::{Cache, Entry};
use crate::exit::Trap;
use crate::groups::group;
use crate::image::Image;
use crate::memory::RegionIndex;
use crate::op::{Handler, Op};
use crate::trap_code;
use alloc::vec::Vec;
use pvm_isa::{Format, Instruction, Meaning, Opcode, Reg, Width};
use pvm_num::casts::{to_usize, unsigned_32};
use pvm_program::Located;

/// Blocks are translated in a row until this many operations are there; the rest waits until it is reached.
const OPS_PER_RUN: u32 = 512;
/// A block longer than this many operations is translated in parts, so that one call's work and memory stay bounded.
const OPS_PER_PART: u32 = 2048;

/// How operations are laid between instructions.
#[derive(Clone, Copy)]
struct Style {
    step_tracing: bool,
    charge_each: bool,
}

impl Cache {
    /// Translates the block at `pc`, a jump target, and those behind it; returns its head.
    pub(crate) fn translate_block(&mut self, image: &Image, pc: u32) -> u32 {
        let first = self.heads[to_usize(pc)];
        if first != 0 && !self.is_stub(first) {
            return first;
        }
        let start = self.next_index();
        let mut jumps = Vec::new();
        let mut at = pc;
        loop {
            let head = self.push(Op::new(Handler::head, 0, at), at);
            self.define(at, head);
            let cost = self.block_cost(image, at);
            let Some(next) =
                self.body(image, head, Entry { pc: at, charge: true, stepped: false, paid: false }, cost, &mut jumps)
            else {
                break;
            };
            if next >= image.code().len() {
                break; // the block's last operation is a trap
            }
            let known = self.heads[to_usize(next)];
            if known != 0 && !self.is_stub(known) {
                // A branch that is not taken expects a head behind it.
                if jumps.last().is_some_and(|(jump, _)| jump + 1 == self.next_index()) {
                    self.push(Op::new(Handler::head, 0, next), next);
                }
                self.push(Op::new(Handler::goto, known, 0), next);
                break;
            }
            if self.next_index() - start >= OPS_PER_RUN {
                let stub = self.push_stub(next);
                // Another stub may already be waiting: the contiguous one is just one more way in.
                debug_assert!(self.is_stub(stub));
                break;
            }
            at = next;
        }
        for (jump, target) in jumps {
            self.link(jump, target);
        }
        self.heads[to_usize(pc)]
    }

    /// A head from which execution enters as `entry` says; `entry.pc` must be an instruction start, or the end of
    /// bitmask code when its last instruction has been executed.
    pub(crate) fn translate_entry(&mut self, image: &Image, entry: Entry) -> u32 {
        if entry.charge && !entry.stepped && !entry.paid && self.targets.contains(image.code(), entry.pc) {
            return self.translate_block(image, entry.pc);
        }
        if let Some(head) = self.entries.get(&entry) {
            return *head;
        }
        let cost = if entry.charge {
            let start = image.code().block_start(entry.pc).unwrap_or(entry.pc);
            self.block_cost(image, start)
        } else {
            0
        };
        let mut jumps = Vec::new();
        let head = self.push(Op::new(Handler::head, 0, entry.pc), entry.pc);
        if let Some(next) = self.body(image, head, entry, cost, &mut jumps)
            && next < image.code().len()
        {
            self.push_stub(next);
        }
        for (jump, target) in jumps {
            self.link(jump, target);
        }
        self.entries.insert(entry, head);
        head
    }

    /// What the block at `start` charges. Where nobody looks at gas it is still used up, so that chains of handlers end.
    fn block_cost(&mut self, image: &Image, start: u32) -> u32 {
        let Some(rule) = &image.gas else { return u32::from(!image.step_tracing) };
        let Some(meter) = self.meter.as_mut().filter(|_| rule.charges_blocks()) else { return 0 };
        let code = image.code();
        meter.start();
        for located in code.iter_from(start) {
            meter.push(&located, code.bytes());
            if located.instruction.opcode().ends_block() {
                break;
            }
        }
        meter.finish()
    }

    /// Appends the operations from `entry` to the end of its block behind `head`, charging `cost`. Returns where execution
    /// continues when it falls through: the offset of the next block, for which the caller provides the operation that
    /// comes next.
    fn body(&mut self, image: &Image, head: u32, entry: Entry, cost: u32, jumps: &mut Vec<(u32, u32)>) -> Option<u32> {
        let style = Style {
            step_tracing: image.step_tracing,
            charge_each: image.gas.as_deref().is_some_and(|rule| !rule.charges_blocks()),
        };
        let floor = self.next_index();
        if entry.charge && cost == 0 && !style.step_tracing && !style.charge_each {
            self.push(Op::new(Handler::breathe, 0, entry.pc), entry.pc);
        }
        let next = self.operations(image, style, head, entry, cost, jumps);
        if !style.step_tracing && !style.charge_each {
            group(&mut self.ops[to_usize(floor)..], &mut self.plans);
        }
        next
    }

    fn operations(
        &mut self,
        image: &Image,
        style: Style,
        head: u32,
        entry: Entry,
        cost: u32,
        jumps: &mut Vec<(u32, u32)>,
    ) -> Option<u32> {
        let code = image.code();
        let Entry { pc, mut stepped, mut paid, .. } = entry;
        let mut unpaid = Some(cost).filter(|cost| *cost != 0);
        if !style.step_tracing {
            self.ops[to_usize(head)].x = unpaid.take().unwrap_or(0);
        }
        let floor = self.next_index();
        // What the operation before writes.
        let mut last_written = None;
        for located in code.iter_from(pc) {
            let Located { instruction, offset, next } = located;
            if style.step_tracing && !core::mem::take(&mut stepped) {
                self.push(Op::new(Handler::step, u32::from(unpaid.is_some()), offset), offset);
            }
            if let Some(cost) = unpaid.take() {
                self.push(Op::new(Handler::charge, cost, offset), offset);
            }
            if style.charge_each && !core::mem::take(&mut paid) {
                self.push(Op::new(Handler::charge_one, 1, offset), offset);
            }
            let opcode = instruction.opcode();
            let written = core::mem::replace(&mut last_written, instruction.destination());
            if opcode.ends_block() {
                return self.terminator(image, located, written, jumps);
            }
            match opcode.meaning() {
                Meaning::Unlikely => last_written = written,
                Meaning::Ecalli => {
                    let op = Op { y: next, ..plain(Handler::ecalli, &instruction) };
                    self.push(op, offset);
                }
                _ => {
                    let mut op = plain_for(image, &instruction);
                    chain(&mut op, opcode, written);
                    self.push(op, offset);
                }
            }
            if self.next_index() - floor >= OPS_PER_PART {
                self.push(Op::new(Handler::resume, 0, next), next);
                return None;
            }
        }
        // Resumed at the end of bitmask code, behind its last instruction.
        self.push(Op::new(Handler::trap, trap_code::of(Trap::InvalidInstruction), 0), pc);
        None
    }

    fn terminator(
        &mut self,
        image: &Image,
        located: Located,
        written: Option<Reg>,
        jumps: &mut Vec<(u32, u32)>,
    ) -> Option<u32> {
        let Located { instruction, offset, next } = located;
        let code = image.code();
        let opcode = instruction.opcode();
        let trap = |cache: &mut Cache, trap| {
            cache.push(Op::new(Handler::trap, trap_code::of(trap), 0), offset);
            None
        };
        let falls_off = opcode.can_fall_through() && next >= code.len();
        if let Some(target) = instruction.target()
            && (falls_off || !self.targets.contains(code, target))
        {
            // isa.md 6.2: a branch with a bad successor traps whether or not it is taken; what `load_imm_and_jump` loads
            // is written all the same.
            if matches!(opcode.meaning(), Meaning::LoadImmAndJump) {
                self.push(plain(Handler::load_imm, &instruction), offset);
            }
            return trap(self, Trap::JumpTarget);
        }
        match opcode.meaning() {
            Meaning::Trap if opcode == Opcode::invalid => trap(self, Trap::InvalidInstruction),
            Meaning::Trap => trap(self, Trap::Instruction),
            Meaning::Fallthrough if falls_off => trap(self, Trap::JumpTarget),
            Meaning::Fallthrough => Some(next),
            _ => {
                let mut op = plain(Handler::of(opcode), &instruction);
                op.flag = opcode.format() == Format::RegImmOffset;
                chain(&mut op, opcode, written);
                let index = self.push(op, offset);
                if let Some(target) = instruction.target() {
                    jumps.push((index, target));
                }
                opcode.can_fall_through().then_some(next)
            }
        }
    }
}

/// The operation with the instruction's operands where they are.
pub(crate) fn plain(handler: Handler, instruction: &Instruction) -> Op {
    Op {
        r1: instruction.r1(),
        r2: instruction.r2(),
        r3: instruction.r3(),
        ..Op::new(handler, unsigned_32(instruction.imm1()), unsigned_32(instruction.imm2()))
    }
}

/// Marks the operation as chained if its primary source is `written`; operands that commute trade places to make it so.
pub(crate) fn chain(op: &mut Op, opcode: Opcode, written: Option<Reg>) {
    let Some(written) = written else { return };
    if matches!(opcode, Opcode::branch_eq | Opcode::branch_not_eq) && op.r2 == written {
        core::mem::swap(&mut op.r1, &mut op.r2);
    } else if commutes(opcode) && op.r3 == written {
        core::mem::swap(&mut op.r2, &mut op.r3);
    }
    op.chained = match opcode.meaning() {
        Meaning::MoveReg
        | Meaning::CmovImm(_)
        | Meaning::Unary(_)
        | Meaning::UnarySized(..)
        | Meaning::Binary(_)
        | Meaning::BinarySized(..)
        | Meaning::BinaryImm(_)
        | Meaning::BinaryImmAlt(_)
        | Meaning::LoadIndirect(_) => op.r2 == written,
        Meaning::Cmov(_) => op.r3 == written,
        Meaning::Store(_)
        | Meaning::StoreIndirect(_)
        | Meaning::StoreImmIndirect(_)
        | Meaning::Branch(_)
        | Meaning::BranchImm(_)
        | Meaning::JumpIndirect => op.r1 == written,
        _ => false,
    };
}

/// Is the result the same with the sources exchanged?
fn commutes(opcode: Opcode) -> bool {
    matches!(
        opcode,
        Opcode::add_32
            | Opcode::add_64
            | Opcode::mul_32
            | Opcode::mul_64
            | Opcode::mul_upper_signed_signed
            | Opcode::mul_upper_unsigned_unsigned
            | Opcode::and
            | Opcode::or
            | Opcode::xor
            | Opcode::xnor
            | Opcode::maximum
            | Opcode::maximum_unsigned
            | Opcode::minimum
            | Opcode::minimum_unsigned
    )
}

/// The operation of an instruction that neither ends a block nor calls the host.
fn plain_for(image: &Image, instruction: &Instruction) -> Op {
    let opcode = instruction.opcode();
    let mut op = plain(Handler::of(opcode), instruction);
    let near = |base: Reg| if base == Reg::sp { RegionIndex::Stack } else { RegionIndex::ReadWrite };
    match opcode.meaning() {
        Meaning::UnarySized(..) | Meaning::BinarySized(..) | Meaning::Sbrk | Meaning::Memset => {
            op.flag = image.set.width() == Width::Narrow;
        }
        Meaning::LoadIndirect(_) | Meaning::StoreIndirect(_) => op.hint.set(near(op.r2)),
        Meaning::StoreImmIndirect(_) => op.hint.set(near(op.r1)),
        Meaning::Load(_) if op.x < image.memory.map.rw_data_address() => op.hint.set(RegionIndex::ReadOnly),
        _ => {}
    }
    op.handler = match op.handler {
        Handler::load_indirect_u64 if op.r2 == Reg::sp => Handler::load_sp_u64,
        Handler::store_indirect_u64 if op.r2 == Reg::sp => Handler::store_sp_u64,
        handler => handler,
    };
    op
}
