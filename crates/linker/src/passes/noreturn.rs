//! Turns calls of functions that never return into jumps.
//!
//! Behind such a call nothing has to be laid out, the block it would return to needs no address, and the jump is shorter
//! than the call. The function then finds another value in the register of the return address, which it has no use for but
//! to save it on its stack frame: only where the calling convention can be relied on.

use super::Options;
use crate::config::Trust;
use crate::ir::{Program, Terminator};

pub(super) fn run(program: &mut Program<'_>, options: &Options) -> bool {
    if options.trust == Trust::Nothing {
        return false;
    }
    let flow = options.flow(program);
    let mut changed = false;
    for id in &program.layout {
        if let Terminator::Call { target, .. } = program.block(*id).terminator
            && !flow.can_return(target)
        {
            program.blocks[id.index()].terminator = Terminator::Jump(target);
            changed = true;
        }
    }
    changed
}
