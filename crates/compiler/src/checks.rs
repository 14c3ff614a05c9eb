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

use pvm_isa::Meaning;
use pvm_num::casts::to_usize;
use pvm_program::Located;

/// Gas that is left whenever code that checks coarsely is entered.
pub const RESERVE: u32 = 1024;

/// How far forward a block that does not look may jump.
const REACH: u32 = 4096;

/// What is known of blocks to come.
#[derive(Clone, Debug)]
pub(crate) struct Checks {
    /// By code offset modulo the reach: the most that can have been taken without a look on a jump there.
    jumps: Vec<u32>,
    /// The same on the way from the block before.
    fall: u32,
}

impl Checks {
    pub(crate) fn new() -> Checks {
        Checks { jumps: vec![0; to_usize(REACH)], fall: 0 }
    }

    /// Does the block that starts here have to look? Its price and its last instruction are given, unless they are not known yet:
    /// then it does.
    pub(crate) fn start(&mut self, offset: u32, known: Option<(u32, &Located)>) -> bool {
        let jump = core::mem::take(&mut self.jumps[to_usize(offset % REACH)]);
        let taken = known
            .filter(|(_, last)| near(last).is_ok())
            .and_then(|(price, _)| self.fall.max(jump).checked_add(price))
            .filter(|taken| *taken <= RESERVE);
        self.fall = taken.unwrap_or(0);
        taken.is_none()
    }

    /// The block that started last ends with this instruction.
    pub(crate) fn end(&mut self, last: &Located) {
        if let Ok(Some(target)) = near(last) {
            let jump = &mut self.jumps[to_usize(target % REACH)];
            *jump = self.fall.max(*jump);
        }
        if !last.instruction.opcode().can_fall_through() {
            self.fall = 0;
        }
    }
}

/// Where a block that ends so jumps to, if anywhere; an error if it must have looked.
fn near(last: &Located) -> Result<Option<u32>, ()> {
    match (last.instruction.target(), last.instruction.opcode().meaning()) {
        (Some(target), _) if target > last.offset && target - last.offset < REACH => Ok(Some(target)),
        (Some(_), _) | (None, Meaning::JumpIndirect | Meaning::LoadImmAndJumpIndirect) => Err(()),
        (None, _) => Ok(None),
    }
}
