//! Handlers: one function for every instruction, for the engine's own operations and for every group.
//!
//! An instruction that always goes on with the next one is a *step*, which groups are made of; its handler is the step and
//! then a dispatch. A step whose memory access is not where the last one was names the handler that asks the slow path.

use crate::dispatch::{Code, Event, Machine, Run, dispatch, enter, enter_at, fill, go_to_address};
use crate::groups::{group_table, parts, step_count};
use crate::memory::{GuestMemory, RegionIndex};
use crate::op::{Handler, Op};
use pvm_isa::Reg;
use pvm_isa::semantics::{alu, branch, muldiv, shift};
use pvm_num::casts::{low_u8, low_u16, low_u32, sign_extend_32, widen};

/// What a step wrote to `r1` (0 if nothing), or the handler that has to do it.
type Step<M> = Result<u64, Run<M>>;

/// The handlers by their numbers, for one kind of memory.
pub(crate) struct Table<M>(core::marker::PhantomData<M>);

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

/// Defines the step of an instruction, if it is one, by the shape of its meaning.
///
/// A step takes the value of its primary source, the one [`crate::translate`] calls so, if it is at hand because the step
/// before has just made it.
macro_rules! step {
    ($name:ident Trap) => {};
    ($name:ident Fallthrough) => {};
    ($name:ident Unlikely) => {};
    ($name:ident Ecalli) => {};
    ($name:ident Memset) => {};
    ($name:ident Sbrk) => {};
    ($name:ident Jump) => {};
    ($name:ident JumpIndirect) => {};
    ($name:ident LoadImmAndJump) => {};
    ($name:ident LoadImmAndJumpIndirect) => {};
    ($name:ident Branch $condition:path) => {};
    ($name:ident BranchImm $condition:path) => {};
    ($name:ident LoadImm64) => {
        step!(@write $name(m, op) widen(op.y) << 32 | widen(op.x));
    };
    ($name:ident LoadImm) => {
        step!(@write $name(m, op) sign_extend_32(op.x));
    };
    ($name:ident MoveReg) => {
        step!(@write $name(m, op, a = r2) a);
    };
    ($name:ident Cmov $condition:path) => {
        step!(@write $name(m, op, a = r3) m.regs[if $condition(a, 0) { op.r2 } else { op.r1 }.index()]);
    };
    ($name:ident CmovImm $condition:path) => {
        step!(@write $name(m, op, a = r2) {
            if $condition(a, 0) { sign_extend_32(op.x) } else { m.regs[op.r1.index()] }
        });
    };
    ($name:ident Unary $function:path) => {
        step!(@write $name(m, op, a = r2) $function(a));
    };
    ($name:ident UnarySized $wide:path, $narrow:path) => {
        step!(@write $name(m, op, a = r2) if op.flag { $narrow(a) } else { $wide(a) });
    };
    ($name:ident Binary $function:path) => {
        step!(@write $name(m, op, a = r2) $function(a, m.regs[op.r3.index()]));
    };
    ($name:ident BinarySized $wide:path, $narrow:path) => {
        step!(@write $name(m, op, a = r2) {
            let b = m.regs[op.r3.index()];
            if op.flag { $narrow(a, b) } else { $wide(a, b) }
        });
    };
    ($name:ident BinaryImm $function:path) => {
        step!(@write $name(m, op, a = r2) $function(a, sign_extend_32(op.x)));
    };
    ($name:ident BinaryImmAlt $function:path) => {
        step!(@write $name(m, op, a = r2) $function(sign_extend_32(op.x), a));
    };
    ($name:ident Load $access:ident) => {
        step!(@load $name $access (m, op) op.x, op.hint.get());
    };
    ($name:ident LoadIndirect $access:ident) => {
        step!(@load $name $access (m, op, base = r2) low_u32(base).wrapping_add(op.x), op.hint.get());
    };
    ($name:ident Store $access:ident) => {
        step!(@store $name $access (m, op, value = r1) value, op.x, op.hint.get());
    };
    ($name:ident StoreIndirect $access:ident) => {
        step!(@store $name $access (m, op, value = r1)
            value, low_u32(m.regs[op.r2.index()]).wrapping_add(op.x), op.hint.get());
    };
    ($name:ident StoreImm $access:ident) => {
        step!(@store $name $access (m, op) sign_extend_32(op.y), op.x, op.hint.get());
    };
    ($name:ident StoreImmIndirect $access:ident) => {
        step!(@store $name $access (m, op, base = r1)
            sign_extend_32(op.y), low_u32(base).wrapping_add(op.x), op.hint.get());
    };
    (@write $name:ident($m:ident, $op:ident $($primary:tt)*) $value:expr) => {
        step!(@$name($m, $op $($primary)*) {
            let value: u64 = $value;
            $m.regs[$op.r1.index()] = value;
            Ok(value)
        });
    };
    // The slow path finds its operands anew: keeping them would take registers on the way that matters.
    (@load $name:ident $access:ident ($m:ident, $op:ident $(, $primary:ident = $register:ident)?)
        $address:expr, $region:expr) => {
        step!(@$name($m, $op $(, $primary = $register)?) {
            #[cold]
            #[inline(never)]
            fn slow<M: GuestMemory>($m: &mut Machine<M>, code: &Code<'_>, at: &[Op], gas: i64) {
                if let [$op, rest @ ..] = at {
                    $(let $primary = $m.regs[$op.$register.index()];)?
                    let mut bytes = [0; size!($access)];
                    if !$m.memory.load_slow($address, &mut bytes, &$op.hint) {
                        return $m.leave(code, at, gas, Event::Fault);
                    }
                    $m.regs[$op.r1.index()] = extended!(bytes, $access);
                    dispatch($m, code, rest, gas)
                }
            }
            match $m.memory.load::<{ size!($access) }>($address, $region) {
                Some(bytes) => {
                    let value = extended!(bytes, $access);
                    $m.regs[$op.r1.index()] = value;
                    Ok(value)
                }
                None => Err(slow),
            }
        });
    };
    (@store $name:ident $access:ident ($m:ident, $op:ident $(, $primary:ident = $register:ident)?)
        $value:expr, $address:expr, $region:expr) => {
        step!(@$name($m, $op $(, $primary = $register)?) {
            #[cold]
            #[inline(never)]
            fn slow<M: GuestMemory>($m: &mut Machine<M>, code: &Code<'_>, at: &[Op], gas: i64) {
                if let [$op, rest @ ..] = at {
                    $(let $primary = $m.regs[$op.$register.index()];)?
                    let value: u64 = $value;
                    if !$m.memory.store_slow($address, &truncated!(value, $access), &$op.hint) {
                        return $m.leave(code, at, gas, Event::Fault);
                    }
                    dispatch($m, code, rest, gas)
                }
            }
            let value: u64 = $value;
            match $m.memory.store($address, truncated!(value, $access), $region) {
                Some(()) => Ok(0),
                None => Err(slow),
            }
        });
    };
    (@$name:ident($m:ident, $op:ident $(, $primary:ident = $register:ident)?) $body:expr) => {
        #[inline(always)]
        #[allow(unused_variables)] // not every step has a primary source
        pub(super) fn $name<M: GuestMemory>($m: &mut Machine<M>, $op: &Op, at_hand: Option<u64>) -> Step<M> {
            $(let $primary = match at_hand {
                Some(value) => value,
                None => $m.regs[$op.$register.index()],
            };)?
            $body
        }
    };
}

/// Defines what an instruction does that ends a block and may be the last of a group: like a step, it may have its primary source
/// at hand.
macro_rules! end {
    ($name:ident JumpIndirect) => {
        end!(@$name(m code at gas op base) go_to_address(m, code, at, gas, low_u32(base).wrapping_add(op.x)));
    };
    ($name:ident Branch $condition:path) => {
        end!(@$name(m code at gas op a) {
            if $condition(a, m.regs[op.r2.index()]) {
                enter_at(m, code, op.x, gas)
            } else if let [_, head @ ..] = at {
                enter(m, code, head, gas)
            }
        });
    };
    ($name:ident BranchImm $condition:path) => {
        end!(@$name(m code at gas op a) {
            if $condition(a, sign_extend_32(op.x)) {
                enter_at(m, code, op.y, gas)
            } else if let [_, head @ ..] = at {
                enter(m, code, head, gas)
            }
        });
    };
    ($name:ident Jump) => {
        end!(@$name(m code _at gas op _none) enter_at(m, code, op.x, gas));
    };
    ($name:ident LoadImmAndJump) => {
        end!(@$name(m code _at gas op _none) {
            m.regs[op.r1.index()] = sign_extend_32(op.x);
            enter_at(m, code, op.y, gas)
        });
    };
    ($name:ident $($other:tt)*) => {};
    (@$name:ident($m:ident $code:ident $at:ident $gas:ident $op:ident $primary:ident) $body:expr) => {
        #[inline(always)]
        pub(super) fn $name<M: GuestMemory>(
            $m: &mut Machine<M>,
            $code: &Code<'_>,
            $at: &[Op],
            $gas: i64,
            at_hand: Option<u64>,
        ) {
            let Some($op) = $at.first() else { return };
            let $primary = match at_hand {
                Some(value) => value,
                None => $m.regs[$op.r1.index()],
            };
            $body
        }
    };
}

/// Defines the handler of an instruction: its step and then the next operation, or what its meaning says.
macro_rules! handler {
    ($name:ident Trap) => {
        handler!(@$name(m code at gas _op) m.leave(code, at, gas, Event::Trap));
    };
    ($name:ident Fallthrough) => {
        handler!(@$name(m code at gas _op) next(m, code, at, gas));
    };
    ($name:ident Unlikely) => {
        handler!(@$name(m code at gas _op) next(m, code, at, gas));
    };
    ($name:ident Ecalli) => {
        handler!(@$name(m code at gas _op) m.leave(code, at, gas, Event::Ecalli));
    };
    ($name:ident Memset) => {
        handler!(@$name(m code at gas op) {
            let mut left = gas;
            match fill(&mut m.regs, &mut m.memory, &mut left, op.flag) {
                None => next(m, code, at, left),
                Some(event) => m.leave(code, at, left, event),
            }
        });
    };
    ($name:ident Sbrk) => {
        handler!(@$name(m code at gas op) {
            let size = m.regs[op.r2.index()];
            // isa.md 7.4: a size of 2^32 or more only asks for the end.
            let size = if op.flag || size <= u64::from(u32::MAX) { low_u32(size) } else { 0 };
            match m.memory.sbrk(widen(size)) {
                Some(end) => {
                    m.regs[op.r1.index()] = sign_extend_32(end);
                    next(m, code, at, gas)
                }
                None => m.leave(code, at, gas, Event::NoHeap),
            }
        });
    };
    ($name:ident Jump) => {
        handler!(@end $name);
    };
    ($name:ident JumpIndirect) => {
        handler!(@end $name);
    };
    ($name:ident Branch $condition:path) => {
        handler!(@end $name);
    };
    ($name:ident BranchImm $condition:path) => {
        handler!(@end $name);
    };
    ($name:ident LoadImmAndJump) => {
        handler!(@end $name);
    };
    ($name:ident LoadImmAndJumpIndirect) => {
        handler!(@$name(m code at gas op) {
            let address = low_u32(m.regs[op.r2.index()]).wrapping_add(op.y);
            m.regs[op.r1.index()] = sign_extend_32(op.x);
            go_to_address(m, code, at, gas, address)
        });
    };
    ($name:ident $($step:tt)*) => {
        handler!(@$name(m code at gas op) match steps::$name(m, op, None) {
            Ok(_) => next(m, code, at, gas),
            Err(slow) => slow(m, code, at, gas),
        });
    };
    (@end $name:ident) => {
        pub(super) fn $name<M: GuestMemory>(m: &mut Machine<M>, code: &Code<'_>, at: &[Op], gas: i64) {
            ends::$name(m, code, at, gas, None)
        }
    };
    (@$name:ident($m:ident $code:ident $at:ident $gas:ident $op:ident) $body:expr) => {
        pub(super) fn $name<M: GuestMemory>($m: &mut Machine<M>, $code: &Code<'_>, $at: &[Op], $gas: i64) {
            // Without an operation it just returns: a panic's call would cost every handler a stack frame.
            let Some($op) = $at.first() else { return };
            $body
        }
    };
}

/// Continues with the operation behind the first of `at`.
#[inline(always)]
fn next<M: GuestMemory>(m: &mut Machine<M>, code: &Code<'_>, at: &[Op], gas: i64) {
    if let [_, rest @ ..] = at {
        dispatch(m, code, rest, gas)
    }
}

/// The handler of a group: its steps in a row, and then the next operation or the one that ends the block.
///
/// ```text
/// group!(load_sp_u64 > add_64 add_64 => branch_eq)  becomes  |m, code, at, gas| {
///     let value = steps::load_sp_u64(m, at[0], None);
///     let value = steps::add_64(m, at[1], Some(value));
///     let value = steps::add_64(m, at[2], None);
///     ends::branch_eq(m, code, at[3..], gas, Some(value))
/// }
/// ```
macro_rules! group {
    (@run $in:tt $done:expr, $value:expr, > $step:ident $($part:tt)*) => {
        group!(@step $in $done, Some($value), $step $($part)*)
    };
    (@run ($m:ident $code:ident $at:ident $gas:ident $ops:ident $rest:ident) $done:expr, $value:expr, -> $last:ident) => {
        ends::$last($m, $code, $rest, $gas, None)
    };
    (@run ($m:ident $code:ident $at:ident $gas:ident $ops:ident $rest:ident) $done:expr, $value:expr, => $last:ident) => {
        ends::$last($m, $code, $rest, $gas, Some($value))
    };
    (@run $in:tt $done:expr, $value:expr, $step:ident $($part:tt)*) => {
        group!(@step $in $done, None, $step $($part)*)
    };
    (@run ($m:ident $code:ident $at:ident $gas:ident $ops:ident $rest:ident) $done:expr, $value:expr, ) => {{
        let _ = $value;
        dispatch($m, $code, $rest, $gas)
    }};
    (@step ($m:ident $code:ident $at:ident $gas:ident $ops:ident $rest:ident) $done:expr, $at_hand:expr, $step:ident $($part:tt)*) => {
        match steps::$step($m, &$ops[$done], $at_hand) {
            Ok(_value) => group!(@run ($m $code $at $gas $ops $rest) $done + 1, _value, $($part)*),
            Err(slow) => slow($m, $code, &$at[$done..], $gas),
        }
    };
    ($($part:tt)+) => {{
        fn group<M: GuestMemory>(m: &mut Machine<M>, code: &Code<'_>, at: &[Op], gas: i64) {
            const STEPS: usize = step_count(parts!($($part)+));
            let Some((ops, rest)) = at.split_first_chunk::<STEPS>() else { return };
            group!(@run (m code at gas ops rest) 0, 0, $($part)+)
        }
        group::<M>
    }};
}

macro_rules! define_instructions {
    ($($name:ident $format:ident $family:ident [$($number:tt)*] [$($block:tt)*]
        $meaning:ident $(($($function:tt)*))? {$($cost:tt)*};)*) => {
        mod steps {
            use super::*;

            $(step!($name $meaning $($($function)*)?);)*
            step!(@load load_sp_u64 u64 (m, op)
                low_u32(m.regs[Reg::sp.index()]).wrapping_add(op.x), RegionIndex::Stack);
            step!(@store store_sp_u64 u64 (m, op, value = r1)
                value, low_u32(m.regs[Reg::sp.index()]).wrapping_add(op.x), RegionIndex::Stack);
        }

        mod ends {
            use super::*;

            $(end!($name $meaning $($($function)*)?);)*
        }

        mod handlers {
            use super::*;

            $(handler!($name $meaning $($($function)*)?);)*
            handler!(load_sp_u64 LoadIndirect u64);
            handler!(store_sp_u64 StoreIndirect u64);
            handler!(@head(m code at gas _op) enter(m, code, at, gas));
            handler!(@charge(m code at gas op) {
                let left = gas - i64::from(op.x);
                if left < 0 {
                    return m.leave(code, at, gas, Event::OutOfGas);
                }
                next(m, code, at, left)
            });
            handler!(@breathe(m code at gas _op) m.leave(code, at.get(1..).unwrap_or(&[]), gas, Event::Continue));
            handler!(@step(m code at gas _op) m.leave(code, at, gas, Event::Step));
            handler!(@translate(m code at gas _op) m.leave(code, at, gas, Event::Translate));
            handler!(@goto(m code _at gas op) enter_at(m, code, op.x, gas));
        }

        group_table!(define_table $($name)*);
    };
}

macro_rules! define_table {
    ([$($name:ident)*] $($group:ident = [$($part:tt)+];)*) => {
        impl<M: GuestMemory> Table<M> {
            pub(crate) const HANDLERS: [Run<M>; Handler::COUNT] = [
                $(handlers::$name,)*
                handlers::head,
                handlers::charge,
                handlers::charge,
                handlers::breathe,
                handlers::step,
                handlers::translate,
                handlers::translate,
                handlers::goto,
                handlers::load_sp_u64,
                handlers::store_sp_u64,
                $(group!($($part)+),)*
            ];
        }
    };
}
pvm_isa::instruction_table!(define_instructions);
