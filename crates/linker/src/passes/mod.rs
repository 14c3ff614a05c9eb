//! Passes over the intermediate form, and the order in which the levels run them.
//!
//! ```text
//! level 0   nothing: every block and every section of the file is kept, and every block has an address
//! level 1   reachability   what no export leads to is dropped
//!           nops           instructions without effect are dropped
//! level 2   as level 1
//! ```
//!
//! Reachability comes first, so that what follows looks only at code that stays. Passes keep the invariants that
//! [`crate::ir`] lists.

mod nops;
mod reachability;

use crate::ir::Program;

/// Runs the passes of a level.
pub(crate) fn run(program: &mut Program<'_>, level: u8) {
    if level == 0 {
        return;
    }
    reachability::run(program);
    nops::run(program);
}
