//! Macro-block boundaries where they cost nothing: behind an instruction that ends a block anyway.
//!
//! ```text
//!     a; b; branch; c; | d; ...           c does not end a block, so that a `fallthrough` is executed at the boundary
//!     a; b; branch; |    c; d; ...        the immediates of a, b and the branch are lengthened: nothing more is executed
//! ```
//!
//! Every instruction that has an immediate can be written with more bytes than it needs. Where that is not enough, and the code
//! at the boundary is hot, places further away are looked at, and colder ones.

use crate::code_builder::Item;
use alloc::vec::Vec;
use core::ops::Range;
use pvm_isa::Opcode;
use pvm_num::casts::{low_u8, to_usize};
use pvm_num::limits::MACRO_BLOCK_SIZE;

/// How far a boundary may be moved.
struct Reach {
    /// Most bytes that it is moved back by.
    gap: u32,
    /// So many instructions in front of it may be lengthened.
    widened: usize,
    /// So many places are tried.
    places: usize,
}

const REACH: Reach = Reach { gap: 40, widened: 16, places: 40 };
/// Out of code that often runs.
const REACH_HOT: Reach = Reach { gap: 384, widened: 192, places: 6 };
/// So many instructions may be lengthened in front of code that often runs and then fits between two boundaries.
const WIDENED_IN_FRONT: usize = 512;

/// Where code is cut at a boundary.
pub(crate) struct Cut {
    /// The first item behind the boundary.
    pub(crate) item: usize,
    /// From here on sizes, and so offsets, have changed.
    pub(crate) changed: usize,
}

/// Instructions that have been put into a macro block, up to the one that does not fit any more.
pub(crate) struct Full<'f> {
    pub(crate) items: &'f [Item],
    /// By item, how often it runs; empty if nothing is known.
    pub(crate) heat: &'f [u8],
    /// Where those of the range are, and those before.
    pub(crate) offsets: &'f [u32],
    /// The items; the one at the end does not fit.
    pub(crate) range: Range<usize>,
    /// Where that one would stand.
    pub(crate) at: u32,
    pub(crate) boundary: u32,
}

impl Full<'_> {
    /// Finds a place for the boundary. Sizes that need it are made larger; none if nothing is won.
    pub(crate) fn cut(&self, sizes: &mut [u8]) -> Option<Cut> {
        let hot = self.heat(self.range.end);
        let further = |sizes: &mut [u8]| {
            let cut = self.at_end_of_block(sizes, &REACH_HOT).or_else(|| self.where_colder(sizes, hot));
            cut.or_else(|| self.in_front(sizes, hot))
        };
        let cut = self.at_end_of_block(sizes, &REACH);
        cut.or_else(|| if hot > 0 { further(sizes) } else { None }).or_else(|| self.here(sizes))
    }

    fn heat(&self, item: usize) -> u8 {
        self.heat.get(item).copied().unwrap_or(0)
    }

    fn gap(&self, item: usize) -> u32 {
        self.boundary - if item == self.range.end { self.at } else { self.offsets[item] }
    }

    /// The places behind an item that are not too far away, the last first.
    fn places(&self, reach: &Reach) -> impl Iterator<Item = usize> {
        let items = self.range.clone().rev().map(|item| item + 1);
        items.take_while(|item| self.gap(*item) <= reach.gap)
    }

    fn widen(&self, sizes: &mut [u8], widened: usize, item: usize, bytes: u32) -> Option<Cut> {
        let first = self.range.start.max(item.saturating_sub(widened));
        widen(self.items, sizes, first..item, bytes).map(|changed| Cut { item, changed })
    }

    /// Behind an instruction that ends a block: nothing more is executed.
    fn at_end_of_block(&self, sizes: &mut [u8], reach: &Reach) -> Option<Cut> {
        let opcode = |item: usize| self.items[item].instruction.opcode();
        let mut places = self.places(reach).filter(|item| opcode(item - 1).ends_block()).take(reach.places);
        places.find_map(|item| {
            let is_open = opcode(item - 1).can_fall_through();
            let cut = self.widen(sizes, reach.widened, item, self.gap(item));
            cut.or((!is_open).then_some(Cut { item, changed: item }))
        })
    }

    /// Where code runs less often: one instruction is executed there.
    fn where_colder(&self, sizes: &mut [u8], hot: u8) -> Option<Cut> {
        let colder = self.places(&REACH_HOT).filter(|item| self.heat(item - 1) < hot);
        colder.take(REACH_HOT.places).find_map(|item| self.widen(sizes, REACH_HOT.widened, item, self.gap(item) - 1))
    }

    /// In front of all that is as hot and follows, if the next boundary comes behind it.
    fn in_front(&self, sizes: &mut [u8], hot: u8) -> Option<Cut> {
        let is_hot = |item: &usize| self.heat(*item) >= hot;
        let item = self.range.clone().rev().take_while(is_hot).last().filter(|item| *item > self.range.start)?;
        let mut left = MACRO_BLOCK_SIZE;
        for item in (item..self.items.len()).take_while(is_hot) {
            left = left.checked_sub(u32::from(sizes[item]))?;
        }
        let is_free = self.items[item - 1].instruction.opcode().ends_block();
        let bytes = self.gap(item) - if is_free { 0 } else { 1 };
        self.widen(sizes, WIDENED_IN_FRONT, item, bytes)
    }

    /// One instruction is executed then, rather than as many as there are bytes.
    fn here(&self, sizes: &mut [u8]) -> Option<Cut> {
        self.widen(sizes, REACH.widened, self.range.end, self.gap(self.range.end) - 1)
    }
}

/// Lengthens items by so many bytes in all, rather the last ones. Returns the first that is longer, or none if they do not
/// come out even, and nothing is changed then.
fn widen(items: &[Item], sizes: &mut [u8], range: Range<usize>, bytes: u32) -> Option<usize> {
    let bytes = to_usize(bytes);
    // By how many of the last items, what they can be longer in all.
    let mut sums = alloc::vec![Sums::NOTHING];
    let mut before = Sums::NOTHING;
    for item in range.clone().rev() {
        if before.has(bytes) {
            break;
        }
        let mut with = before;
        growths(items[item].instruction.opcode(), sizes[item]).for_each(|growth| with.add(&before, growth));
        sums.push(with);
        before = with;
    }
    if !before.has(bytes) {
        return None;
    }
    let (mut left, mut first) = (bytes, range.end);
    sums.pop();
    for (item, before) in range.rev().zip(&sums).rev() {
        if !before.has(left) {
            let mut growths = growths(items[item].instruction.opcode(), sizes[item]);
            let growth =
                growths.find(|growth| left.checked_sub(usize::from(*growth)).is_some_and(|left| before.has(left)))?;
            sizes[item] += growth;
            left -= usize::from(growth);
            first = item.min(first);
        }
    }
    Some(first)
}

/// Numbers of bytes below the size of a macro block, one bit each.
#[derive(Clone, Copy)]
struct Sums([u64; to_usize(MACRO_BLOCK_SIZE) / 64]);

impl Sums {
    const NOTHING: Sums = {
        let mut words = [0; to_usize(MACRO_BLOCK_SIZE) / 64];
        words[0] = 1;
        Sums(words)
    };

    fn has(&self, sum: usize) -> bool {
        self.0.get(sum / 64).is_some_and(|word| word >> (sum % 64) & 1 == 1)
    }

    /// What is so much more than the others, which is less than 64 and not 0.
    fn add(&mut self, others: &Sums, growth: u8) {
        let mut carry = 0;
        for (word, other) in self.0.iter_mut().zip(&others.0) {
            *word |= other << growth | carry;
            carry = other >> (64 - growth);
        }
    }
}

/// How many bytes more an instruction can have.
fn growths(opcode: Opcode, size: u8) -> impl Iterator<Item = u8> {
    let growths = opcode.macro_block_encodings().iter().map(move |(operands, opcode)| {
        let opcode_bytes = if *opcode > 0xff { 2 } else { 1 };
        low_u8(u64::from(*operands) + opcode_bytes).saturating_sub(size)
    });
    growths.filter(|growth| *growth > 0)
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
