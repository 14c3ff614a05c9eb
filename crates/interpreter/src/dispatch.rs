//! Dispatch: runs dense operations, one function a handler, each ending in a call of the next one's.
//!
//! In optimised builds these calls are jumps: arguments are the same everywhere and fit registers, so every handler gets
//! an indirect jump of its own, which processors predict well. Rust does not promise that, so nothing depends on it: a
//! chain of calls ends after [`FUEL`] block entries and starts anew from a flat stack, and blocks are bounded in length.
//!
//! ```text
//! run --> head --> add_64 --> load_u8 --> branch --> head --> ...        fuel left: jumps
//!  ^------------------------------------------- out of fuel: return ---'
//! ```

use crate::memory::GuestMemory;
use crate::op::{Handler, Op};
use pvm_isa::Reg;
use pvm_isa::semantics::{alu, branch, muldiv, shift};
use pvm_num::casts::{low_u8, low_u16, low_u32, sign_extend_32, to_usize, widen};
use pvm_num::limits::{REGISTER_COUNT, RETURN_TO_HOST};

/// Register values, sign-extended to 64 bits in 32-bit sets.
pub(crate) type Registers = [u64; REGISTER_COUNT];

/// Block entries in one chain of calls. Where calls are not jumps, each costs stack.
const FUEL: u32 = if cfg!(debug_assertions) { 1 } else { 4096 };

/// Why a chain of handlers ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Event {
    /// A chain has begun. Seeing it end so means that it ran off the operations.
    Begun,
    /// Out of fuel: continue with the operation.
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
pub(crate) struct Machine<M> {
    pub(crate) regs: Registers,
    pub(crate) memory: M,
    /// Set when a chain ends: why, at which operation, and with how much gas.
    event: Event,
    at: usize,
    gas: i64,
    /// The address a slow path is to access; an argument more would not fit registers.
    address: u32,
}

impl<M> Machine<M> {
    pub(crate) fn new(memory: M) -> Machine<M> {
        Machine { regs: [0; REGISTER_COUNT], memory, event: Event::Begun, at: 0, gas: 0, address: 0 }
    }

    #[inline(always)]
    fn leave(&mut self, code: &Code<'_>, at: &[Op], gas: i64, event: Event) {
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

/// A handler: runs the first operation of `at`, then those that follow, until the chain ends.
type Run<M> = fn(&mut Machine<M>, &Code<'_>, at: &[Op], gas: i64, fuel: u32);

/// Runs from operation `ip` until an event; returns it and the index of its operation.
pub(crate) fn run<M: GuestMemory>(
    machine: &mut Machine<M>,
    code: &Code<'_>,
    gas: &mut i64,
    mut ip: usize,
) -> (Event, usize) {
    loop {
        machine.event = Event::Begun;
        dispatch(machine, code, &code.ops[ip..], *gas, FUEL);
        *gas = machine.gas;
        ip = machine.at;
        match machine.event {
            Event::Begun => unreachable!("every translation ends with an operation that leaves it"),
            Event::Continue => {}
            event => return (event, ip),
        }
    }
}

/// Calls the handler of the first operation of `at`. Without one it just returns: a panic's call would cost every handler a
/// stack frame.
#[inline(always)]
fn dispatch<M: GuestMemory>(m: &mut Machine<M>, code: &Code<'_>, at: &[Op], gas: i64, fuel: u32) {
    if let Some(op) = at.first() {
        Table::<M>::HANDLERS[op.handler.index()](m, code, at, gas, fuel)
    }
}

/// Enters the block that starts with the first operation of `head`, a `head`.
#[inline(always)]
fn enter<M: GuestMemory>(m: &mut Machine<M>, code: &Code<'_>, head: &[Op], gas: i64, fuel: u32) {
    if let [charge, at @ ..] = head {
        let left = gas - i64::from(charge.x);
        if left < 0 {
            return m.leave(code, head, gas, Event::OutOfGas);
        }
        if fuel == 0 {
            return m.leave(code, at, left, Event::Continue);
        }
        dispatch(m, code, at, left, fuel - 1)
    }
}

/// Enters the block whose head has this index.
#[inline(always)]
fn enter_at<M: GuestMemory>(m: &mut Machine<M>, code: &Code<'_>, head: u32, gas: i64, fuel: u32) {
    enter(m, code, code.ops.get(to_usize(head)..).unwrap_or(&[]), gas, fuel)
}

/// Jumps to a dynamic code address: an odd one, 0 and those beyond the table all have an index beyond the table.
#[inline(always)]
fn go_to_address<M: GuestMemory>(m: &mut Machine<M>, code: &Code<'_>, at: &[Op], gas: i64, fuel: u32, address: u32) {
    match code.jumps.get(to_usize(address.rotate_right(1).wrapping_sub(1))) {
        Some(&head) if head != 0 => enter_at(m, code, head, gas, fuel),
        _ if address == RETURN_TO_HOST => m.leave(code, at, gas, Event::Finished),
        _ => m.leave(code, at, gas, Event::DynamicJump(address)),
    }
}

/// Bytes of an access.
macro_rules! size {
    (u8) => {
        1
    };
    (i8) => {
        1
    };
    (u16) => {
        2
    };
    (i16) => {
        2
    };
    (u32) => {
        4
    };
    (i32) => {
        4
    };
    (u64) => {
        8
    };
}

/// The register value of loaded bytes.
macro_rules! extended {
    ($bytes:expr, u8) => {
        u64::from(u8::from_le_bytes($bytes))
    };
    ($bytes:expr, u16) => {
        u64::from(u16::from_le_bytes($bytes))
    };
    ($bytes:expr, u32) => {
        widen(u32::from_le_bytes($bytes))
    };
    ($bytes:expr, u64) => {
        u64::from_le_bytes($bytes)
    };
    ($bytes:expr, i8) => {
        pvm_num::casts::sign_extend_8(u64::from(u8::from_le_bytes($bytes)))
    };
    ($bytes:expr, i16) => {
        pvm_num::casts::sign_extend_16(u64::from(u16::from_le_bytes($bytes)))
    };
    ($bytes:expr, i32) => {
        sign_extend_32(u32::from_le_bytes($bytes))
    };
}

/// The bytes to store of a register value.
macro_rules! truncated {
    ($value:expr, u8) => {
        [low_u8($value)]
    };
    ($value:expr, u16) => {
        low_u16($value).to_le_bytes()
    };
    ($value:expr, u32) => {
        low_u32($value).to_le_bytes()
    };
    ($value:expr, u64) => {
        $value.to_le_bytes()
    };
}

/// Continues with the next operation.
macro_rules! next {
    ($m:ident $code:ident $at:ident $gas:ident $fuel:ident) => {
        if let [_, at @ ..] = $at {
            dispatch($m, $code, at, $gas, $fuel)
        }
    };
}

/// What an instruction's operation does, by the shape of its meaning.
macro_rules! act {
    (($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $meaning:ident $($function:tt)*) => {
        act!(@$meaning ($m $code $at $gas $fuel $op) $($function)*)
    };
    (@Trap ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident)) => { $m.leave($code, $at, $gas, Event::Trap) };
    (@Fallthrough ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident)) => { next!($m $code $at $gas $fuel) };
    (@Unlikely ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident)) => { next!($m $code $at $gas $fuel) };
    (@Ecalli ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident)) => { $m.leave($code, $at, $gas, Event::Ecalli) };
    (@Memset ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident)) => {
        match fill(&mut $m.regs, &mut $m.memory, &mut $gas) {
            None => next!($m $code $at $gas $fuel),
            Some(event) => $m.leave($code, $at, $gas, event),
        }
    };
    (@Sbrk ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident)) => {{
        let size = $m.regs[$op.r2.index()];
        // isa.md 7.4: a size of 2^32 or more only asks for the end.
        let size = if $op.hint.get() != 0 || size <= u64::from(u32::MAX) { low_u32(size) } else { 0 };
        match $m.memory.sbrk(widen(size)) {
            Some(end) => {
                $m.regs[$op.r1.index()] = sign_extend_32(end);
                next!($m $code $at $gas $fuel)
            }
            None => $m.leave($code, $at, $gas, Event::NoHeap),
        }
    }};
    (@LoadImm64 ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident)) => {{
        $m.regs[$op.r1.index()] = widen($op.y) << 32 | widen($op.x);
        next!($m $code $at $gas $fuel)
    }};
    (@LoadImm ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident)) => {{
        $m.regs[$op.r1.index()] = sign_extend_32($op.x);
        next!($m $code $at $gas $fuel)
    }};
    (@MoveReg ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident)) => {{
        $m.regs[$op.r1.index()] = $m.regs[$op.r2.index()];
        next!($m $code $at $gas $fuel)
    }};
    (@Jump ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident)) => {
        enter_at($m, $code, $op.x, $gas, $fuel)
    };
    (@JumpIndirect ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident)) => {
        go_to_address($m, $code, $at, $gas, $fuel, low_u32($m.regs[$op.r1.index()]).wrapping_add($op.x))
    };
    (@LoadImmAndJump ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident)) => {{
        $m.regs[$op.r1.index()] = sign_extend_32($op.x);
        enter_at($m, $code, $op.y, $gas, $fuel)
    }};
    (@LoadImmAndJumpIndirect ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident)) => {{
        let address = low_u32($m.regs[$op.r2.index()]).wrapping_add($op.y);
        $m.regs[$op.r1.index()] = sign_extend_32($op.x);
        go_to_address($m, $code, $at, $gas, $fuel, address)
    }};
    (@Branch ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $condition:path) => {{
        if $condition($m.regs[$op.r1.index()], $m.regs[$op.r2.index()]) {
            enter_at($m, $code, $op.x, $gas, $fuel)
        } else if let [_, head @ ..] = $at {
            enter($m, $code, head, $gas, $fuel)
        }
    }};
    (@BranchImm ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $condition:path) => {{
        if $condition($m.regs[$op.r1.index()], sign_extend_32($op.x)) {
            enter_at($m, $code, $op.y, $gas, $fuel)
        } else if let [_, head @ ..] = $at {
            enter($m, $code, head, $gas, $fuel)
        }
    }};
    (@Cmov ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $condition:path) => {{
        if $condition($m.regs[$op.r3.index()], 0) {
            $m.regs[$op.r1.index()] = $m.regs[$op.r2.index()];
        }
        next!($m $code $at $gas $fuel)
    }};
    (@CmovImm ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $condition:path) => {{
        if $condition($m.regs[$op.r2.index()], 0) {
            $m.regs[$op.r1.index()] = sign_extend_32($op.x);
        }
        next!($m $code $at $gas $fuel)
    }};
    (@Unary ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $function:path) => {{
        $m.regs[$op.r1.index()] = $function($m.regs[$op.r2.index()]);
        next!($m $code $at $gas $fuel)
    }};
    (@UnarySized ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $wide:path, $narrow:path) => {{
        let a = $m.regs[$op.r2.index()];
        $m.regs[$op.r1.index()] = if $op.hint.get() == 0 { $wide(a) } else { $narrow(a) };
        next!($m $code $at $gas $fuel)
    }};
    (@Binary ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $function:path) => {{
        $m.regs[$op.r1.index()] = $function($m.regs[$op.r2.index()], $m.regs[$op.r3.index()]);
        next!($m $code $at $gas $fuel)
    }};
    (@BinarySized ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $wide:path, $narrow:path) => {{
        let (a, b) = ($m.regs[$op.r2.index()], $m.regs[$op.r3.index()]);
        $m.regs[$op.r1.index()] = if $op.hint.get() == 0 { $wide(a, b) } else { $narrow(a, b) };
        next!($m $code $at $gas $fuel)
    }};
    (@BinaryImm ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $function:path) => {{
        $m.regs[$op.r1.index()] = $function($m.regs[$op.r2.index()], sign_extend_32($op.x));
        next!($m $code $at $gas $fuel)
    }};
    (@BinaryImmAlt ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $function:path) => {{
        $m.regs[$op.r1.index()] = $function(sign_extend_32($op.x), $m.regs[$op.r2.index()]);
        next!($m $code $at $gas $fuel)
    }};
    (@Load ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $access:tt) => {
        act!(@load ($m $code $at $gas $fuel $op) $op.x, $access)
    };
    (@LoadIndirect ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $access:tt) => {
        act!(@load ($m $code $at $gas $fuel $op) low_u32($m.regs[$op.r2.index()]).wrapping_add($op.x), $access)
    };
    (@Store ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $access:tt) => {
        act!(@store ($m $code $at $gas $fuel $op) $op.x, |m, op| m.regs[op.r1.index()], $access)
    };
    (@StoreIndirect ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $access:tt) => {
        act!(@store ($m $code $at $gas $fuel $op)
            low_u32($m.regs[$op.r2.index()]).wrapping_add($op.x), |m, op| m.regs[op.r1.index()], $access)
    };
    (@StoreImm ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $access:tt) => {
        act!(@store ($m $code $at $gas $fuel $op) $op.x, |_m, op| sign_extend_32(op.y), $access)
    };
    (@StoreImmIndirect ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $access:tt) => {
        act!(@store ($m $code $at $gas $fuel $op)
            low_u32($m.regs[$op.r1.index()]).wrapping_add($op.x), |_m, op| sign_extend_32(op.y), $access)
    };
    (@load ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $address:expr, $access:tt) => {
        act!(@load_then ($m $code $at $gas $fuel $op) $address, $access, |m, op, value| m.regs[op.r1.index()] = value)
    };
    (@load_then ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $address:expr, $access:tt, |$sm:ident, $sop:ident, $value:ident| $then:expr) => {{
        #[cold]
        #[inline(never)]
        fn slow<M: GuestMemory>($sm: &mut Machine<M>, code: &Code<'_>, at: &[Op], gas: i64, fuel: u32) {
            let Some($sop) = at.first() else { return };
            let mut bytes = [0; size!($access)];
            if !$sm.memory.load_slow($sm.address, &mut bytes, &$sop.hint) {
                return $sm.leave(code, at, gas, Event::Fault);
            }
            let $value = extended!(bytes, $access);
            $then;
            next!($sm code at gas fuel)
        }
        let address: u32 = $address;
        match $m.memory.load::<{ size!($access) }>(address, &$op.hint) {
            Some(bytes) => {
                let ($sm, $sop, $value) = (&mut *$m, $op, extended!(bytes, $access));
                $then;
                next!($m $code $at $gas $fuel)
            }
            None => {
                $m.address = address;
                slow($m, $code, $at, $gas, $fuel)
            }
        }
    }};
    (@store ($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $address:expr, |$vm:ident, $vop:ident| $value:expr, $access:tt) => {{
        #[cold]
        #[inline(never)]
        fn slow<M: GuestMemory>(m: &mut Machine<M>, code: &Code<'_>, at: &[Op], gas: i64, fuel: u32) {
            let Some($vop) = at.first() else { return };
            let $vm = &mut *m;
            let value: u64 = $value;
            if !m.memory.store_slow(m.address, &truncated!(value, $access), &$vop.hint) {
                return m.leave(code, at, gas, Event::Fault);
            }
            next!(m code at gas fuel)
        }
        let address: u32 = $address;
        let ($vm, $vop) = (&mut *$m, $op);
        let value: u64 = $value;
        match $m.memory.store(address, truncated!(value, $access), &$op.hint) {
            Some(()) => next!($m $code $at $gas $fuel),
            None => {
                $m.address = address;
                slow($m, $code, $at, $gas, $fuel)
            }
        }
    }};
}

/// Defines a handler from what it does with its operation.
macro_rules! handler {
    ($name:ident($m:ident $code:ident $at:ident $gas:ident $fuel:ident $op:ident) $body:expr) => {
        #[allow(unused_mut, unused_variables)] // not every handler needs every argument
        pub(super) fn $name<M: GuestMemory>(
            $m: &mut Machine<M>,
            $code: &Code<'_>,
            $at: &[Op],
            mut $gas: i64,
            $fuel: u32,
        ) {
            let Some($op) = $at.first() else { return };
            $body
        }
    };
}

macro_rules! define_handlers {
    ($($name:ident $format:ident $family:ident [$($number:tt)*] [$($block:tt)*]
        $meaning:ident $(($($function:tt)*))? {$($cost:tt)*};)*) => {
        /// One function for every instruction, and for the engine's own operations.
        mod handlers {
            use super::*;

            $(handler!($name(m code at gas fuel op) act!((m code at gas fuel op) $meaning $($($function)*)?));)*
            handler!(head(m code at gas fuel _op) enter(m, code, at, gas, fuel));
            handler!(charge(m code at gas fuel op) {
                let left = gas - i64::from(op.x);
                if left < 0 {
                    return m.leave(code, at, gas, Event::OutOfGas);
                }
                gas = left;
                next!(m code at gas fuel)
            });
            handler!(step(m code at gas _fuel _op) m.leave(code, at, gas, Event::Step));
            handler!(translate(m code at gas _fuel _op) m.leave(code, at, gas, Event::Translate));
            handler!(goto(m code _at gas fuel op) enter_at(m, code, op.x, gas, fuel));
            handler!(load_u64_add(m code at gas fuel op) {
                act!(@load_then (m code at gas fuel op) low_u32(m.regs[op.r2.index()]).wrapping_add(op.x), u64, |m, op, value| {
                    m.regs[op.r1.index()] = value;
                    m.regs[op.r3.index()] = value.wrapping_add(m.regs[op.r4.index()]);
                })
            });
            handler!(xor_rotate_64(m code at gas fuel op) {
                let value = m.regs[op.r2.index()] ^ m.regs[op.r3.index()];
                m.regs[op.r1.index()] = shift::rotate_right_64(value, widen(op.x));
                next!(m code at gas fuel)
            });
            handler!(shift_left_add_64(m code at gas fuel op) {
                let value = shift::shift_logical_left_64(m.regs[op.r2.index()], widen(op.x));
                m.regs[op.r1.index()] = value.wrapping_add(m.regs[op.r3.index()]);
                next!(m code at gas fuel)
            });
            handler!(add_add_64(m code at gas fuel op) {
                let sum = m.regs[op.r2.index()].wrapping_add(m.regs[op.r3.index()]);
                m.regs[op.r1.index()] = sum;
                m.regs[op.r4.index()] = sum.wrapping_add(m.regs[op.r5.index()]);
                next!(m code at gas fuel)
            });
            handler!(move_move(m code at gas fuel op) {
                m.regs[op.r1.index()] = m.regs[op.r2.index()];
                m.regs[op.r3.index()] = m.regs[op.r4.index()];
                next!(m code at gas fuel)
            });
        }

        /// The handlers by their numbers, for one kind of memory.
        struct Table<M>(core::marker::PhantomData<M>);

        impl<M: GuestMemory> Table<M> {
            const HANDLERS: [Run<M>; Handler::COUNT] = [
                $(handlers::$name,)*
                handlers::head,
                handlers::charge,
                handlers::charge,
                handlers::step,
                handlers::translate,
                handlers::translate,
                handlers::goto,
                handlers::load_u64_add,
                handlers::xor_rotate_64,
                handlers::shift_left_add_64,
                handlers::add_add_64,
                handlers::move_move,
            ];
        }
    };
}
pvm_isa::instruction_table!(define_handlers);

/// `memset`: fills as far as gas and memory allow; none when it is complete (isa.md 7.5, latest037.md 9).
#[cold]
#[inline(never)]
fn fill<M: GuestMemory>(regs: &mut Registers, memory: &mut M, gas: &mut i64) -> Option<Event> {
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
    regs[Reg::a0.index()] = widen(address);
    regs[Reg::a2.index()] = widen(left);
    event
}
