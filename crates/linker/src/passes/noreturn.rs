//! Turns calls of functions that never return into jumps.
//!
//! Behind such a call nothing has to be laid out, the block it would return to needs no address, and the jump is shorter
//! than the call. The function then finds another value in the register of the return address, which it has no use for but
//! to save it on its stack frame: only where the calling convention can be relied on.

use super::Options;
use super::analysis::flow::Flow;
use crate::config::Trust;
use crate::ir::{Program, Terminator};

pub(super) fn run(program: &mut Program<'_>, options: &Options) -> bool {
    if options.trust == Trust::Nothing {
        return false;
    }
    let flow = Flow::new(program);
    let mut changed = false;
    for id in &program.layout {
        let terminator = &mut program.blocks[id.index()].terminator;
        if let Terminator::Call { target, .. } = *terminator
            && !flow.can_return(target)
        {
            *terminator = Terminator::Jump(target);
            changed = true;
        }
    }
    changed
}
