//! Dispatch: runs dense operations, one function a handler, each ending in a call of the next one's.
//!
//! In optimised builds these calls are jumps: arguments are the same everywhere and fit registers, so every handler gets
//! an indirect jump of its own, which processors predict well. Rust does not promise that, so nothing depends on it: a
//! chain of calls ends after [`SLICE`] units of gas, every block costs at least one or returns, and blocks are bounded in
//! length, so a chain's stack is bounded. The run loop starts the next chain from a flat stack.
//!
//! ```text
//! run --> head --> add_64 --> load_u8 --> branch --> head --> ...        gas left in the slice: jumps
//!  ^------------------------------------------- slice spent: return -----'
//! ```

use crate::handlers::Table;
use crate::memory::GuestMemory;
use crate::op::{Handler, Op};
use pvm_isa::Reg;
use pvm_num::casts::{low_u8, low_u32, sign_extend_32, to_usize, widen};
use pvm_num::limits::{REGISTER_COUNT, RETURN_TO_HOST};

/// Register values, sign-extended to 64 bits in 32-bit sets.
pub(crate) type Registers = [u64; REGISTER_COUNT];

/// Gas for one chain of calls, beyond what its first operation costs. Where calls are not jumps, each costs stack: Wasm has no
/// tail calls, and builds for debugging do not make them.
const SLICE: i64 = if cfg!(any(debug_assertions, target_family = "wasm")) { 1 } else { 4096 };

/// Why a chain of handlers ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    /// A chain has begun. Seeing it end so means that it ran off the operations.
    Begun,
    /// Nothing is the matter: continue with the operation.
    Continue,
    /// A `trap` operation.
    Trap,
    /// A jump to the host.
    Finished,
    /// A jump to a dynamic address that has no head yet, or names none.
    DynamicJump(u32),
    /// An `ecalli` operation.
    Ecalli,
    /// A refused memory access; the memory knows more.
    Fault,
    /// A charge that cannot be paid; the operation is the one that charges.
    OutOfGas,
    /// A `step` operation.
    Step,
    /// A `translate` or `resume` operation.
    Translate,
    /// `sbrk` where there is no heap.
    NoHeap,
}

/// What handlers work on.
#[derive(Clone, Debug)]
#[repr(C)] // what every step needs comes first: small displacements make small code
pub(crate) struct Machine<M> {
    pub(crate) regs: Registers,
    pub(crate) memory: M,
    /// Set when a chain ends: why, at which operation, and with how much gas.
    event: Event,
    at: usize,
    gas: i64,
}

impl<M> Machine<M> {
    pub(crate) fn new(memory: M) -> Machine<M> {
        Machine { regs: [0; REGISTER_COUNT], memory, event: Event::Begun, at: 0, gas: 0 }
    }

    #[inline(always)]
    pub(crate) fn leave(&mut self, code: &Code<'_>, at: &[Op], gas: i64, event: Event) {
        self.event = event;
        self.at = code.ops.len() - at.len();
        self.gas = gas;
    }
}

/// What handlers run.
pub(crate) struct Code<'a> {
    pub(crate) ops: &'a [Op],
    /// A head index per jump table entry, 0 where unknown.
    pub(crate) jumps: &'a [u32],
}

/// A handler: runs the first operation of `at`, and those of its group, then those that follow, until the chain ends.
pub(crate) type Run<M> = fn(&mut Machine<M>, &Code<'_>, at: &[Op], gas: i64);

/// Runs from operation `ip` until an event; returns it and the index of its operation.
pub(crate) fn run<M: GuestMemory>(
    machine: &mut Machine<M>,
    code: &Code<'_>,
    gas: &mut i64,
    mut ip: usize,
) -> (Event, usize) {
    loop {
        let at = &code.ops[ip..];
        // Enough for what the first operation charges, if it is one that does; `charge_one` and `memset` make do with 1.
        let first = at.first().filter(|op| matches!(op.handler, Handler::head | Handler::charge));
        let slice = (*gas).min(SLICE + first.map_or(0, |op| i64::from(op.x)));
        let reserve = *gas - slice;
        machine.event = Event::Begun;
        dispatch(machine, code, at, slice);
        *gas = reserve + machine.gas;
        ip = machine.at;
        match machine.event {
            Event::Begun => unreachable!("every translation ends with an operation that leaves it"),
            Event::Continue => {}
            Event::OutOfGas if reserve > 0 => {}
            event => return (event, ip),
        }
    }
}

/// Calls the handler of the first operation of `at`. Without one it just returns: a panic's call would cost every handler a
/// stack frame.
#[inline(always)]
pub(crate) fn dispatch<M: GuestMemory>(m: &mut Machine<M>, code: &Code<'_>, at: &[Op], gas: i64) {
    if let Some(op) = at.first() {
        Table::<M>::HANDLERS[op.handler.index()](m, code, at, gas)
    }
}

/// Enters the block that starts with the first operation of `head`, a `head`.
#[inline(always)]
pub(crate) fn enter<M: GuestMemory>(m: &mut Machine<M>, code: &Code<'_>, head: &[Op], gas: i64) {
    if let [charge, at @ ..] = head {
        let cost = i64::from(charge.x);
        let left = gas - cost;
        if left < 0 {
            // Not `gas`: that would take a register more, and a move on the way that matters.
            return m.leave(code, head, left + cost, Event::OutOfGas);
        }
        dispatch(m, code, at, left)
    }
}

/// Enters the block whose head has this index.
#[inline(always)]
pub(crate) fn enter_at<M: GuestMemory>(m: &mut Machine<M>, code: &Code<'_>, head: u32, gas: i64) {
    if let Some(head) = code.ops.get(to_usize(head)..) {
        enter(m, code, head, gas)
    }
}

/// Jumps to a dynamic code address: an odd one, 0 and those beyond the table all have an index beyond the table.
#[inline(always)]
pub(crate) fn go_to_address<M: GuestMemory>(m: &mut Machine<M>, code: &Code<'_>, at: &[Op], gas: i64, address: u32) {
    match code.jumps.get(to_usize(address.rotate_right(1).wrapping_sub(1))) {
        Some(&head) if head != 0 => enter_at(m, code, head, gas),
        _ if address == RETURN_TO_HOST => m.leave(code, at, gas, Event::Finished),
        _ => m.leave(code, at, gas, Event::DynamicJump(address)),
    }
}

/// `memset`: fills as far as gas and memory allow; none when it is complete (isa.md 7.5, latest037.md 9). What it leaves in
/// registers is zero-extended, in a 32-bit set (`is_narrow`) sign-extended as everything there.
#[cold]
#[inline(never)]
pub(crate) fn fill<M: GuestMemory>(
    regs: &mut Registers,
    memory: &mut M,
    gas: &mut i64,
    is_narrow: bool,
) -> Option<Event> {
    let mut address = low_u32(regs[Reg::a0.index()]);
    let mut left = low_u32(regs[Reg::a2.index()]);
    let value = low_u8(regs[Reg::a1.index()]);
    let event = loop {
        if left == 0 {
            break None;
        }
        let payable = u32::try_from(*gas).unwrap_or(u32::MAX).min(left);
        if payable == 0 {
            break Some(Event::OutOfGas);
        }
        let done = memory.fill(address, value, payable);
        if done == 0 {
            break Some(Event::Fault);
        }
        address = address.wrapping_add(done);
        left -= done;
        *gas -= i64::from(done);
    };
    let extend = |value: u32| if is_narrow { sign_extend_32(value) } else { widen(value) };
    regs[Reg::a0.index()] = extend(address);
    regs[Reg::a2.index()] = extend(left);
    event
}
