//! Macro-block boundaries where they cost nothing: behind an instruction that ends a block anyway.
//!
//! ```text
//!     a; b; branch; c; | d; ...           c does not end a block, so that a `fallthrough` is executed at the boundary
//!     a; b; branch; |    c; d; ...        the immediates of a, b and the branch are lengthened: nothing more is executed
//! ```
//!
//! Every instruction that has an immediate can be written with more bytes than it needs.

use crate::code_builder::Item;
use alloc::vec::Vec;
use core::ops::Range;
use pvm_isa::Opcode;
use pvm_num::casts::low_u8;

/// Most bytes that a boundary is moved back by.
const GAP_MAX: u32 = 40;
/// So many instructions in front of a boundary may be lengthened.
const WIDENED_MAX: usize = 16;

/// Where code is cut at a boundary.
pub(crate) struct Cut {
    /// The first item behind the boundary.
    pub(crate) item: usize,
    /// From here on sizes, and so offsets, have changed.
    pub(crate) changed: usize,
}

/// Finds a place for the boundary in front of which the items of `range` have been put at `offsets`; the item at the end of
/// the range does not fit any more and would stand at `at`. Sizes that need it are made larger; none if nothing is won.
pub(crate) fn cut(
    items: &[Item],
    sizes: &mut [u8],
    offsets: &[u32],
    range: Range<usize>,
    at: u32,
    boundary: u32,
) -> Option<Cut> {
    let opcode = |item: usize| items[item].instruction.opcode();
    let offset = |item: usize| if item == range.end { at } else { offsets[item] };
    for item in range.clone().rev().map(|item| item + 1) {
        let gap = boundary - offset(item);
        if gap > GAP_MAX {
            break;
        }
        if !opcode(item - 1).ends_block() {
            continue;
        }
        let first = range.start.max(item.saturating_sub(WIDENED_MAX));
        match widen(items, sizes, first..item, gap) {
            Some(changed) => return Some(Cut { item, changed }),
            None if !opcode(item - 1).can_fall_through() => return Some(Cut { item, changed: item }),
            None => {}
        }
    }
    // One instruction is executed then, rather than as many as there are bytes.
    let first = range.start.max(range.end.saturating_sub(WIDENED_MAX));
    let changed = widen(items, sizes, first..range.end, boundary - at - 1)?;
    Some(Cut { item: range.end, changed })
}

/// Lengthens items by so many bytes in all, the last ones first. Returns the first that is longer, or none if they do not
/// come out even, and nothing is changed then.
fn widen(items: &[Item], sizes: &mut [u8], range: Range<usize>, bytes: u32) -> Option<usize> {
    let mut left = bytes;
    let mut new: Vec<(usize, u8)> = Vec::new();
    for item in range.clone().rev() {
        if left == 0 {
            break;
        }
        let size = sizes[item];
        let most = u32::from(size) + left;
        let wider = totals(items[item].instruction.opcode()).filter(|total| u32::from(*total) <= most).max();
        if let Some(wider) = wider.filter(|wider| *wider > size) {
            new.push((item, wider));
            left -= u32::from(wider - size);
        }
    }
    if left > 0 {
        return None;
    }
    new.iter().for_each(|(item, size)| sizes[*item] = *size);
    Some(new.last().map_or(range.end, |(item, _)| *item))
}

/// How many bytes an instruction can have.
fn totals(opcode: Opcode) -> impl Iterator<Item = u8> {
    opcode.macro_block_encodings().iter().map(|(operands, opcode)| {
        let opcode_bytes = if *opcode > 0xff { 2 } else { 1 };
        low_u8(u64::from(*operands) + opcode_bytes)
    })
}

/// Takes the items behind a cut away, and puts those in front of it at their new offsets.
pub(crate) fn apply(sizes: &[u8], offsets: &mut Vec<u32>, cut: &Cut) {
    offsets.truncate(cut.item);
    for item in cut.changed + 1..cut.item {
        offsets[item] = offsets[item - 1] + u32::from(sizes[item - 1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pvm_isa::{Instruction, Reg};

    #[test]
    fn widening_comes_out_even_or_changes_nothing() {
        let items = [Instruction::load_imm(Reg::a0, 1), Instruction::branch_eq(Reg::a0, Reg::a1, 0)].map(Item::from);
        // `load_imm` has 3 to 6 bytes, `branch_eq` 3, 4 or 6.
        for (bytes, wanted) in [(0, Some([3, 3])), (1, Some([3, 4])), (3, Some([3, 6])), (4, Some([4, 6])), (7, None)] {
            let mut sizes = [3, 3];
            let changed = widen(&items, &mut sizes, 0..2, bytes);
            assert_eq!(changed.map(|_| sizes), wanted, "{bytes}");
            assert!(changed.is_some() || sizes == [3, 3]);
        }
    }
}
