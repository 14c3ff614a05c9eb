//! Passes: rewrites of the intermediate form, one file each, in the order in which they run.
//!
//! 1. [`reachability`] first: whatever follows has less to look at.

mod reachability;

use crate::ir::Program;

/// Runs the passes of a level; level 0 has none.
pub(crate) fn run(program: &mut Program<'_>, level: u8) {
    if level >= 1 {
        reachability::run(program);
    }
}
