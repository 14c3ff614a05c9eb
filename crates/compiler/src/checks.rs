//! Which blocks look whether the gas suffices, where not every one does.
//!
//! Code that checks *coarsely* is entered only while at least [`RESERVE`] gas is left. Every block takes its price, but only
//! some look what is left: those that end with an indirect jump or one backwards, so that no way leads round without a look, and
//! those before which on some path more than the reserve could have been taken since the last look. The look asks for the
//! reserve, not for 0, so that what follows up to the next look can be paid. Where less is left the guest goes on in code that
//! checks every block.
//!
//! ```text
//! taken without a look, by block    20 | 45 ------.      | max(45, 65) + 30 = 95 | jumps back: look 0
//!                                      |  | 65 --'      |
//! ```

use pvm_isa::Opcode;
use pvm_num::casts::to_usize;
use pvm_program::Located;

/// Gas that is left whenever code that checks coarsely is entered.
pub const RESERVE: u32 = 1024;

/// How far forward a block that does not look may jump.
const REACH: u32 = 4096;

/// What is known of blocks to come. Blocks are short, and how they end is hard to foresee: there are no case distinctions.
#[derive(Clone, Debug)]
pub(crate) struct Checks {
    /// By code offset modulo the reach: the most that can have been taken without a look on a jump there. Behind them one that
    /// does not count.
    jumps: Vec<u32>,
    /// The same on the way from the block before.
    fall: u32,
}

const NOWHERE: usize = to_usize(REACH);

impl Checks {
    pub(crate) fn new() -> Checks {
        Checks { jumps: vec![0; NOWHERE + 1], fall: 0 }
    }

    /// Does the block that starts here have to look? Its price and its last instruction are given, unless they are not known yet:
    /// then it does.
    pub(crate) fn start(&mut self, offset: u32, known: Option<(u32, &Located)>) -> bool {
        let jump = core::mem::take(&mut self.jumps[to_usize(offset % REACH)]);
        let Some((price, last)) = known else {
            self.fall = 0;
            return true;
        };
        let taken = self.fall.max(jump).saturating_add(price);
        let is_indirect =
            matches!(last.instruction.opcode(), Opcode::jump_indirect | Opcode::load_imm_and_jump_indirect);
        let must_look = is_indirect | !is_near(distance(last)) | (taken > RESERVE);
        self.fall = if must_look { 0 } else { taken };
        must_look
    }

    /// The block that started last ends with this instruction.
    pub(crate) fn end(&mut self, last: &Located) {
        let distance = distance(last);
        let jumps = last.instruction.target().is_some() & is_near(distance);
        let place = if jumps { to_usize(last.offset.wrapping_add(distance) % REACH) } else { NOWHERE };
        self.jumps[place] = self.fall.max(self.jumps[place]);
        self.fall = if last.instruction.opcode().can_fall_through() { self.fall } else { 0 };
    }
}

/// How far forward it is to the target of a jump, and near if there is none.
fn distance(last: &Located) -> u32 {
    last.instruction.target().unwrap_or(last.offset + 1).wrapping_sub(last.offset)
}

/// Can a block jump so far without a look?
fn is_near(distance: u32) -> bool {
    distance.wrapping_sub(1) < REACH - 1
}
