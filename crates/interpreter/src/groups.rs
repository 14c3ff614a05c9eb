//! Groups: runs of operations that real guests execute often, done by one handler.
//!
//! A group leaves its operations as they are, except that the first gets the group's handler. So every operation of a group
//! still reports its own place: one that faults leaves exactly there, and the guest continues there with an ordinary handler.
//!
//! ```text
//! ops      | head | load_sp_u64      | add_64 | store_sp_u64 | branch_eq | head |
//! handlers          reload_add_spill >        >                branch_eq
//! ```
//!
//! The table comes from counts of what the guests in `guest/` execute; BENCHMARKS.md says how.

use crate::op::{Handler, Op};
use alloc::vec::Vec;

/// Hands the rows to a macro, behind a list of names: `group = [operations];`. An operation behind `>` is chained: its primary
/// source is what the one before writes. The last stands behind `->` if it ends a block, or `=>` if it is chained as well. Rows that start alike stand together.
macro_rules! group_table {
    ($callback:ident $($names:tt)*) => {
        $callback! {
            [$($names)*]
            add_to_loadi32 = [add_64 > load_indirect_i32];
            add_to_load = [add_64 > load_indirect_u64];
            add_to_load8 = [add_64 > load_indirect_u8];
            add_to_sltu = [add_64 > set_less_than_unsigned];
            add_to_sltu_to_add = [add_64 > set_less_than_unsigned > add_64];
            add_to_spill = [add_64 > store_sp_u64];
            add_to_spill_add_to_spill = [add_64 > store_sp_u64 add_64 > store_sp_u64];
            add_to_xor = [add_64 > xor];
            add_add = [add_64 add_64];
            add_addi_store = [add_64 add_imm_64 store_indirect_u64];
            add_bgtui = [add_64 -> branch_greater_unsigned_imm];
            add_bltu = [add_64 -> branch_less_unsigned];
            add_reload = [add_64 load_sp_u64];
            add_store = [add_64 store_indirect_u64];
            addi32_to_bltu = [add_imm_32 => branch_less_unsigned];
            addi32_call = [add_imm_32 -> load_imm_and_jump];
            addi_to_beq = [add_imm_64 => branch_eq];
            addi_to_load = [add_imm_64 > load_indirect_u64];
            addi_add = [add_imm_64 add_64];
            addi_addi = [add_imm_64 add_imm_64];
            addi_addi_addi = [add_imm_64 add_imm_64 add_imm_64];
            addi_addi_bltu = [add_imm_64 add_imm_64 -> branch_less_unsigned];
            addi_bltu = [add_imm_64 -> branch_less_unsigned];
            addi_bne = [add_imm_64 -> branch_not_eq];
            addi_reload = [add_imm_64 load_sp_u64];
            addi_move = [add_imm_64 move_reg];
            addi_shli = [add_imm_64 shift_logical_left_imm_64];
            addi_store = [add_imm_64 store_indirect_u64];
            addi_spill = [add_imm_64 store_sp_u64];
            addi_spill_spill_spill = [add_imm_64 store_sp_u64 store_sp_u64 store_sp_u64];
            and_to_or = [and > or];
            and_to_spill = [and > store_sp_u64];
            and_add = [and add_64];
            and_and = [and and];
            andi_to_bnei = [and_imm => branch_not_eq_imm];
            andi_add = [and_imm add_64];
            andi_andi = [and_imm and_imm];
            andn_to_spill = [and_inverted > store_sp_u64];
            andn_andn = [and_inverted and_inverted];
            andn_xor = [and_inverted xor];
            cmovnzi_to_add = [cmov_if_not_zero_imm > add_64];
            cmovz_add = [cmov_if_zero add_64];
            cmovz_shli = [cmov_if_zero shift_logical_left_imm_64];
            cmovzi_to_add = [cmov_if_zero_imm > add_64];
            cmovzi_shli = [cmov_if_zero_imm shift_logical_left_imm_64];
            const_jump = [load_imm -> jump];
            const_const = [load_imm load_imm];
            const_reload = [load_imm load_sp_u64];
            load_imm64_to_spill = [load_imm64 > store_sp_u64];
            load16_load16 = [load_indirect_u16 load_indirect_u16];
            load16_load = [load_indirect_u16 load_indirect_u64];
            load_to_bltu = [load_indirect_u64 => branch_less_unsigned];
            load_to_store = [load_indirect_u64 > store_indirect_u64];
            load_to_spill = [load_indirect_u64 > store_sp_u64];
            load_to_spill_load_to_spill = [load_indirect_u64 > store_sp_u64 load_indirect_u64 > store_sp_u64];
            load_addi = [load_indirect_u64 add_imm_64];
            load_load = [load_indirect_u64 load_indirect_u64];
            load_load_load_load = [load_indirect_u64 load_indirect_u64 load_indirect_u64 load_indirect_u64];
            load8_to_andi = [load_indirect_u8 > and_imm];
            load8_addi = [load_indirect_u8 add_imm_64];
            load8_load8 = [load_indirect_u8 load_indirect_u8];
            load8_or = [load_indirect_u8 or];
            load8_store8 = [load_indirect_u8 store_indirect_u8];
            reload_to_add = [load_sp_u64 > add_64];
            reload_to_add_to_sltu = [load_sp_u64 > add_64 > set_less_than_unsigned];
            reload_to_add_to_sltu_to_add = [load_sp_u64 > add_64 > set_less_than_unsigned > add_64];
            reload_to_add_to_spill = [load_sp_u64 > add_64 > store_sp_u64];
            reload_to_add_to_spill_reload = [load_sp_u64 > add_64 > store_sp_u64 load_sp_u64];
            reload_to_add_add = [load_sp_u64 > add_64 add_64];
            reload_to_add_reload = [load_sp_u64 > add_64 load_sp_u64];
            reload_to_add_reload_to_add = [load_sp_u64 > add_64 load_sp_u64 > add_64];
            reload_to_and = [load_sp_u64 > and];
            reload_to_bne = [load_sp_u64 => branch_not_eq];
            reload_to_mul = [load_sp_u64 > mul_64];
            reload_to_mulhu = [load_sp_u64 > mul_upper_unsigned_unsigned];
            reload_to_or = [load_sp_u64 > or];
            reload_to_rori = [load_sp_u64 > rotate_right_imm_64];
            reload_to_rori_reload_to_rori = [load_sp_u64 > rotate_right_imm_64 load_sp_u64 > rotate_right_imm_64];
            reload_to_shli = [load_sp_u64 > shift_logical_left_imm_64];
            reload_to_shri = [load_sp_u64 > shift_logical_right_imm_64];
            reload_to_store_reload_to_store = [load_sp_u64 > store_indirect_u64 load_sp_u64 > store_indirect_u64];
            reload_to_xor = [load_sp_u64 > xor];
            reload_to_xor_to_spill_reload = [load_sp_u64 > xor > store_sp_u64 load_sp_u64];
            reload_to_xor_reload_to_xor = [load_sp_u64 > xor load_sp_u64 > xor];
            reload_reload = [load_sp_u64 load_sp_u64];
            reload_reload_addi_jumpr = [load_sp_u64 load_sp_u64 add_imm_64 -> jump_indirect];
            reload_store = [load_sp_u64 store_indirect_u64];
            maxu_minu = [maximum_unsigned minimum_unsigned];
            move_bltui = [move_reg -> branch_less_unsigned_imm];
            move_const = [move_reg load_imm];
            move_reload = [move_reg load_sp_u64];
            move_sltu = [move_reg set_less_than_unsigned];
            move_spill = [move_reg store_sp_u64];
            mul_to_add_to_spill = [mul_64 > add_64 > store_sp_u64];
            mul_to_add_to_spill_sltu = [mul_64 > add_64 > store_sp_u64 set_less_than_unsigned];
            mul_to_rori = [mul_64 > rotate_right_imm_64];
            mul_to_spill = [mul_64 > store_sp_u64];
            mul_to_spill_mulhu_to_spill = [mul_64 > store_sp_u64 mul_upper_unsigned_unsigned > store_sp_u64];
            mul_move = [mul_64 move_reg];
            mul_mul_to_add_to_sltu = [mul_64 mul_64 > add_64 > set_less_than_unsigned];
            mul_mulhu = [mul_64 mul_upper_unsigned_unsigned];
            muli_to_add = [mul_imm_64 > add_64];
            muli_to_shri = [mul_imm_64 > shift_logical_right_imm_64];
            mulhu_to_add_to_spill = [mul_upper_unsigned_unsigned > add_64 > store_sp_u64];
            mulhu_to_spill = [mul_upper_unsigned_unsigned > store_sp_u64];
            mulhu_to_spill_mul_to_spill = [mul_upper_unsigned_unsigned > store_sp_u64 mul_64 > store_sp_u64];
            mulhu_add = [mul_upper_unsigned_unsigned add_64];
            mulhu_reload = [mul_upper_unsigned_unsigned load_sp_u64];
            mulhu_reload_to_add_to_spill = [mul_upper_unsigned_unsigned load_sp_u64 > add_64 > store_sp_u64];
            mulhu_mul = [mul_upper_unsigned_unsigned mul_64];
            mulhu_mulhu = [mul_upper_unsigned_unsigned mul_upper_unsigned_unsigned];
            mulhu_mulhu_to_add_to_spill = [mul_upper_unsigned_unsigned mul_upper_unsigned_unsigned > add_64 > store_sp_u64];
            negaddi_to_and = [negate_and_add_imm_64 > and];
            negaddi_addi = [negate_and_add_imm_64 add_imm_64];
            or_to_or = [or > or];
            or_to_store = [or > store_indirect_u64];
            or_to_spill = [or > store_sp_u64];
            or_bltui = [or -> branch_less_unsigned_imm];
            rori_to_spill = [rotate_right_imm_64 > store_sp_u64];
            rori_to_xor = [rotate_right_imm_64 > xor];
            rori_andn = [rotate_right_imm_64 and_inverted];
            rori_load = [rotate_right_imm_64 load_indirect_u64];
            rori_reload = [rotate_right_imm_64 load_sp_u64];
            rori_rori = [rotate_right_imm_64 rotate_right_imm_64];
            rori_rori_reload_to_rori = [rotate_right_imm_64 rotate_right_imm_64 load_sp_u64 > rotate_right_imm_64];
            sltu_to_add = [set_less_than_unsigned > add_64];
            sltu_to_add_to_spill_reload = [set_less_than_unsigned > add_64 > store_sp_u64 load_sp_u64];
            sltu_to_cmovnz = [set_less_than_unsigned > cmov_if_not_zero];
            sltu_reload_to_add_to_spill = [set_less_than_unsigned load_sp_u64 > add_64 > store_sp_u64];
            sltu_store = [set_less_than_unsigned store_indirect_u64];
            sltui_const = [set_less_than_unsigned_imm load_imm];
            shli_to_add = [shift_logical_left_imm_64 > add_64];
            shli_to_add_to_load = [shift_logical_left_imm_64 > add_64 > load_indirect_u64];
            shli_to_add_to_sltu_to_add = [shift_logical_left_imm_64 > add_64 > set_less_than_unsigned > add_64];
            shli_to_add_to_spill = [shift_logical_left_imm_64 > add_64 > store_sp_u64];
            shli_to_or = [shift_logical_left_imm_64 > or];
            shli_to_xor = [shift_logical_left_imm_64 > xor];
            shli_add = [shift_logical_left_imm_64 add_64];
            shli_addi = [shift_logical_left_imm_64 add_imm_64];
            shli_andi = [shift_logical_left_imm_64 and_imm];
            shli_jump = [shift_logical_left_imm_64 -> jump];
            shli_const = [shift_logical_left_imm_64 load_imm];
            shli_load = [shift_logical_left_imm_64 load_indirect_u64];
            shli_reload_to_shri_to_or = [shift_logical_left_imm_64 load_sp_u64 > shift_logical_right_imm_64 > or];
            shli_shli = [shift_logical_left_imm_64 shift_logical_left_imm_64];
            shli_shri = [shift_logical_left_imm_64 shift_logical_right_imm_64];
            shli_shri_to_or = [shift_logical_left_imm_64 shift_logical_right_imm_64 > or];
            shli_shri_to_or_to_spill = [shift_logical_left_imm_64 shift_logical_right_imm_64 > or > store_sp_u64];
            shri_to_add = [shift_logical_right_imm_64 > add_64];
            shri_to_bgeu = [shift_logical_right_imm_64 => branch_greater_or_equal_unsigned];
            shri_to_bnei = [shift_logical_right_imm_64 => branch_not_eq_imm];
            shri_to_xor = [shift_logical_right_imm_64 > xor];
            shri_and = [shift_logical_right_imm_64 and];
            shri_shli_to_or = [shift_logical_right_imm_64 shift_logical_left_imm_64 > or];
            sext16_to_blti = [sign_extend_16 => branch_less_signed_imm];
            store_addi = [store_indirect_u64 add_imm_64];
            store_addi_addi = [store_indirect_u64 add_imm_64 add_imm_64];
            store_shli = [store_indirect_u64 shift_logical_left_imm_64];
            store_store = [store_indirect_u64 store_indirect_u64];
            store_store_store_store = [store_indirect_u64 store_indirect_u64 store_indirect_u64 store_indirect_u64];
            spill_reload = [store_sp_u64 load_sp_u64];
            spill_reload_to_xor_to_spill = [store_sp_u64 load_sp_u64 > xor > store_sp_u64];
            spill_muli = [store_sp_u64 mul_imm_64];
            spill_spill = [store_sp_u64 store_sp_u64];
            spill_spill_spill = [store_sp_u64 store_sp_u64 store_sp_u64];
            sub_to_addi = [sub_64 > add_imm_64];
            sub_to_andi = [sub_64 > and_imm];
            sub_to_bgtui = [sub_64 => branch_greater_unsigned_imm];
            sub_to_spill = [sub_64 > store_sp_u64];
            xor_to_spill = [xor > store_sp_u64];
            xor_to_spill_xor_to_spill = [xor > store_sp_u64 xor > store_sp_u64];
            xor_addi = [xor add_imm_64];
            xor_andn = [xor and_inverted];
            xor_reload_to_xor = [xor load_sp_u64 > xor];
            xor_xor = [xor xor];
            xori_to_add = [xor_imm > add_64];
        }
    };
}
pub(crate) use group_table;

/// An operation of a group.
pub(crate) struct Part {
    handler: Handler,
    is_chained: bool,
    ends_block: bool,
}

/// The parts that a row lists.
macro_rules! parts {
    (@[$($part:expr,)*]) => { &[$($part),*] };
    (@[$($part:expr,)*] > $step:ident $($rest:tt)*) => { parts!(@[$($part,)* Part::chained(Handler::$step),] $($rest)*) };
    (@[$($part:expr,)*] -> $last:ident) => { parts!(@[$($part,)* Part::any(Handler::$last).last(),]) };
    (@[$($part:expr,)*] => $last:ident) => { parts!(@[$($part,)* Part::chained(Handler::$last).last(),]) };
    (@[$($part:expr,)*] $step:ident $($rest:tt)*) => { parts!(@[$($part,)* Part::any(Handler::$step),] $($rest)*) };
    ($($part:tt)+) => { { use $crate::groups::Part; parts!(@[] $($part)+) } };
}
pub(crate) use parts;

impl Part {
    pub(crate) const fn any(handler: Handler) -> Part {
        Part { handler, is_chained: false, ends_block: false }
    }

    pub(crate) const fn chained(handler: Handler) -> Part {
        Part { handler, is_chained: true, ends_block: false }
    }

    pub(crate) const fn last(self) -> Part {
        Part { ends_block: true, ..self }
    }
}

/// How many of the parts are steps; the others end the block.
pub(crate) const fn step_count(parts: &[Part]) -> usize {
    if parts[parts.len() - 1].ends_block { parts.len() - 1 } else { parts.len() }
}

/// A row of the table.
struct Group {
    handler: Handler,
    parts: &'static [Part],
    /// What it takes to run, in about host instructions beyond what its operations do.
    cost: u32,
}

/// What it takes to get to a handler.
const DISPATCH_COST: u32 = 8;
/// What a value that need not be read from its register saves.
const CHAIN_GAIN: u32 = 3;

const fn cost(parts: &[Part]) -> u32 {
    let mut cost = DISPATCH_COST;
    let mut part = 0;
    while part < parts.len() {
        if parts[part].is_chained {
            cost = cost.saturating_sub(CHAIN_GAIN);
        }
        part += 1;
    }
    cost
}

macro_rules! list_groups {
    ([] $($group:ident = [$($part:tt)+];)*) => {
        const GROUPS: &[Group] = &[
            $(Group { handler: Handler::$group, parts: parts!($($part)+), cost: cost(parts!($($part)+)) }),*
        ];
    };
}
group_table!(list_groups);

/// Most operations in a group.
const PARTS_MAX: usize = 4;

/// Where the groups that start with a handler stand in [`GROUPS`]: from, until.
const STARTING: [(u8, u8); Handler::COUNT] = {
    let mut ranges = [(0, 0); Handler::COUNT];
    let mut row = 0;
    while row < GROUPS.len() {
        let parts = GROUPS[row].parts;
        assert!(parts.len() >= 2 && parts.len() <= PARTS_MAX, "a group has two to PARTS_MAX operations");
        let range = &mut ranges[parts[0].handler.index()];
        let number = pvm_num::casts::to_u8(row);
        assert!(range.1 == 0 || range.1 == number, "rows that start alike stand together");
        if range.1 == 0 {
            range.0 = number;
        }
        range.1 = number + 1;
        row += 1;
    }
    ranges
};

/// How to run the operations from one on at the least cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    cost: u32,
    handler: Handler,
    length: u8,
}

/// Lets groups run the operations of a block, at the least cost. `plans` is scratch space.
pub(crate) fn group(ops: &mut [Op], plans: &mut Vec<Plan>) {
    plans.clear();
    plans.resize(ops.len() + 1, Plan { cost: 0, handler: Handler::trap, length: 1 });
    for (at, op) in ops.iter().enumerate().rev() {
        let mut plan = Plan { cost: plans[at + 1].cost + DISPATCH_COST, handler: op.handler, length: 1 };
        let (from, until) = STARTING[op.handler.index()];
        for group in &GROUPS[usize::from(from)..usize::from(until)] {
            let length = group.parts.len();
            let fits = |(part, op): (&Part, &Op)| part.handler == op.handler && (op.chained || !part.is_chained);
            if ops[at..].len() >= length && group.parts.iter().zip(&ops[at..]).all(fits) {
                let cost = plans[at + length].cost + group.cost;
                if cost < plan.cost {
                    plan = Plan { cost, handler: group.handler, length: pvm_num::casts::to_u8(length) };
                }
            }
        }
        plans[at] = plan;
    }
    let mut at = 0;
    while at < ops.len() {
        ops[at].handler = plans[at].handler;
        at += usize::from(plans[at].length);
    }
}

#[cfg(test)]
mod tests;
