//! Translation: from code bytes to dense operations, a run of blocks at a time.

use crate::cache::{Cache, Entry};
use crate::exit::Trap;
use crate::fuse::fuse;
use crate::image::Image;
use crate::op::{Handler, Op};
use crate::trap_code;
use alloc::vec::Vec;
use core::cell::Cell;
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
                self.push(Op::new(Handler::head, 0, next), next);
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

    fn block_cost(&mut self, image: &Image, start: u32) -> u32 {
        let Some(rule) = &image.gas else { return 0 };
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

    /// Appends the operations from `entry` to the end of its block behind `head`, charging `cost`. Returns where execution continues when it
    /// falls through: the offset of the next block, for which the caller provides the operation that comes next.
    fn body(&mut self, image: &Image, head: u32, entry: Entry, cost: u32, jumps: &mut Vec<(u32, u32)>) -> Option<u32> {
        let code = image.code();
        let style = Style {
            step_tracing: image.step_tracing,
            charge_each: image.gas.as_deref().is_some_and(|rule| !rule.charges_blocks()),
        };
        let fuses = !style.step_tracing && !style.charge_each;
        let Entry { pc, mut stepped, mut paid, .. } = entry;
        let mut unpaid = Some(cost).filter(|cost| *cost != 0);
        if !style.step_tracing {
            self.ops[to_usize(head)].x = unpaid.take().unwrap_or(0);
        }
        let floor = self.next_index();
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
            if opcode.ends_block() {
                return self.terminator(image, located, jumps);
            }
            match opcode.meaning() {
                Meaning::Unlikely => {}
                Meaning::Ecalli => {
                    let op = Op { y: next, ..plain(Handler::ecalli, &instruction) };
                    self.push(op, offset);
                }
                _ => {
                    let op = plain_for(image, &instruction);
                    let last = if fuses && self.next_index() > floor { self.ops.last_mut() } else { None };
                    if !last.is_some_and(|last| fuse(last, &op)) {
                        self.push(op, offset);
                    }
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

    fn terminator(&mut self, image: &Image, located: Located, jumps: &mut Vec<(u32, u32)>) -> Option<u32> {
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
                let op = plain(Handler::of(opcode), &instruction);
                op.hint.set(u8::from(opcode.format() == Format::RegImmOffset));
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
fn plain(handler: Handler, instruction: &Instruction) -> Op {
    Op {
        handler,
        r1: instruction.r1(),
        r2: instruction.r2(),
        r3: instruction.r3(),
        r4: Reg::ra,
        r5: Reg::ra,
        hint: Cell::new(0),
        x: unsigned_32(instruction.imm1()),
        y: unsigned_32(instruction.imm2()),
    }
}

/// The operation of an instruction that neither ends a block nor calls the host.
fn plain_for(image: &Image, instruction: &Instruction) -> Op {
    use crate::memory::{RO, RW, STACK};
    let opcode = instruction.opcode();
    let op = plain(Handler::of(opcode), instruction);
    let region = |region: usize| pvm_num::casts::to_u8(region);
    let stack_or_data = |base: Reg| region(if base == Reg::sp { STACK } else { RW });
    let hint = match opcode.meaning() {
        Meaning::UnarySized(..) | Meaning::BinarySized(..) | Meaning::Sbrk => {
            u8::from(image.set.width() == Width::Narrow)
        }
        Meaning::LoadIndirect(_) | Meaning::StoreIndirect(_) => stack_or_data(op.r2),
        Meaning::StoreImmIndirect(_) => stack_or_data(op.r1),
        Meaning::Load(_) if op.x < image.memory.map.rw_data_address() => region(RO),
        Meaning::Load(_) | Meaning::Store(_) | Meaning::StoreImm(_) => region(RW),
        _ => 0,
    };
    op.hint.set(hint);
    op
}
