//! The case files below `tests/cases`, run on every engine in every configuration (`tests/cases/README.md`).
//!
//! ```text
//! file -> Entry          file.rs            what belongs to which case
//! Entry -> Case          pvm_text::case     for every instruction set that has the instructions
//! Case -> Trace          drive.rs           once per Configuration, through the embedder's API
//! Trace -> Failure       check.rs           against what the case says, and against the other configurations
//! ```
//!
//! No engine is the reference: what a case expects was worked out from the specification. A further engine is a further
//! variant of [`Engine`].
#![forbid(unsafe_code)]

mod check;
mod configuration;
mod drive;
mod failure;
mod file;
mod run;

pub use configuration::{Configuration, Engine, Gas, Paging, Stops};
pub use failure::{Failure, Problem};
pub use run::{Report, run_file};
