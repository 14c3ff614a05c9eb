//! Differential tests against the crates that everybody uses today: `polkavm` 0.37 and `polkavm-linker` 0.37.
//!
//! ```text
//! guest ELF --> our linker, each level and target --> blob --> our interpreter    -- the same outcome to the last register
//!           '-> their linker, each level and target -> blob -> their interpreter /
//! ```
//!
//! A workspace of its own: the tests of the repository itself need no other implementation. `cargo test` here.

mod engines;
mod guests;
mod linkers;
pub mod measure;
mod outcome;
pub mod profile;
pub mod table;

pub use engines::{ours, theirs};
pub use guests::{Guest, guests};
pub use linkers::{
    LEVELS, Target, link_ours, link_ours_for_gas, link_ours_with_names, link_theirs, link_theirs_with_names,
};
pub use outcome::{Call, Exit, Outcome, Run, Setup, Shape, host_result};
