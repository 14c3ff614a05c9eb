//! Which blocks look whether the gas suffices, where not every one does.
//!
//! Code that checks *coarsely* is entered only while at least [`RESERVE`] gas is left. Every block takes its price, but only
//! some look what is left: those that an indirect jump or a jump backwards leads to, and those before which on some path more
//! than the reserve could have been taken since the last look. The look asks for the reserve, not for 0, so that what follows up
//! to the next look can be paid. Where less is left the guest goes on in code that checks every block.
//!
//! ```text
//! unchecked, by block    look 0 | 20 | 45 ------.      | max(45, 65) = 65 | look 0
//!                                     |  | 65 --'      |
//! ```

use crate::targets::Offsets;
use pvm_num::casts::to_usize;
use pvm_program::{Code, JumpTable, Located};

/// Gas that is left whenever code that checks coarsely is entered.
pub const RESERVE: u32 = 1024;

/// How far forward a jump may go without its target having to look.
const REACH: u32 = 4096;

/// What is known of blocks to come.
#[derive(Clone, Debug)]
pub(crate) struct Checks {
    /// Blocks that have to look.
    must: Offsets,
    /// By code offset modulo the reach: the most that can have been taken without a look on a jump there.
    jumps: Vec<u32>,
    /// The same on the way from the block before.
    fall: u32,
}

impl Checks {
    pub(crate) fn new(code: Code<'_>, jump_table: JumpTable<'_>) -> Checks {
        let mut must = Offsets::new(code.len());
        jump_table.iter().for_each(|target| must.add(target));
        code.jumps().filter(|(offset, target)| target <= offset).for_each(|(_, target)| must.add(target));
        Checks { must, jumps: vec![0; to_usize(REACH)], fall: 0 }
    }

    /// Does the block that starts here have to look? A price that is not known yet is too high not to.
    pub(crate) fn start(&mut self, offset: u32, price: Option<u32>) -> bool {
        let jump = core::mem::take(&mut self.jumps[to_usize(offset % REACH)]);
        let taken = price.and_then(|price| self.fall.max(jump).checked_add(price)).filter(|taken| *taken <= RESERVE);
        let must_look = taken.is_none() || self.must.contains(offset);
        self.fall = taken.filter(|_| !must_look).unwrap_or(0);
        must_look
    }

    /// The block that started last ends with this instruction.
    pub(crate) fn end(&mut self, last: &Located) {
        if let Some(target) = last.instruction.target()
            && target > last.offset
        {
            if target - last.offset < REACH {
                let jump = &mut self.jumps[to_usize(target % REACH)];
                *jump = self.fall.max(*jump);
            } else {
                self.must.add(target);
            }
        }
        if !last.instruction.opcode().can_fall_through() {
            self.fall = 0;
        }
    }
}
