//! Superinstructions: pairs that real guests execute often, merged into one operation.
//!
//! Only the first part of a pair may touch memory, so that a pair either faults before it changed anything or runs whole.

use crate::op::{Handler, Op};

/// Merges `next` into `last` if the pair has a handler of its own; says whether it did.
pub(crate) fn fuse(last: &mut Op, next: &Op) -> bool {
    let merged = match (last.handler, next.handler) {
        // r1 = [r2 + x]; next.r1 = r1 + other
        (Handler::load_indirect_u64, Handler::add_64) if next.r2 == last.r1 || next.r3 == last.r1 => {
            let other = if next.r2 == last.r1 { next.r3 } else { next.r2 };
            Op { handler: Handler::load_u64_add, r3: next.r1, r4: other, ..last.clone() }
        }
        (Handler::xor, Handler::rotate_right_imm_64) if next.r1 == last.r1 && next.r2 == last.r1 => {
            Op { handler: Handler::xor_rotate_64, x: next.x, ..last.clone() }
        }
        (Handler::shift_logical_left_imm_64, Handler::add_64)
            if next.r1 == last.r1 && (next.r2 == last.r1) != (next.r3 == last.r1) =>
        {
            let other = if next.r2 == last.r1 { next.r3 } else { next.r2 };
            Op { handler: Handler::shift_left_add_64, r3: other, ..last.clone() }
        }
        (Handler::add_64, Handler::add_64) if next.r2 == last.r1 || next.r3 == last.r1 => {
            let other = if next.r2 == last.r1 { next.r3 } else { next.r2 };
            Op { handler: Handler::add_add_64, r4: next.r1, r5: other, ..last.clone() }
        }
        (Handler::move_reg, Handler::move_reg) => {
            Op { handler: Handler::move_move, r3: next.r1, r4: next.r2, ..last.clone() }
        }
        _ => return false,
    };
    *last = merged;
    true
}
