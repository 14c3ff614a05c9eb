//! Memory for compilations, kept by an engine from one to the next: memory from the system costs more than a small compilation.

use pvm_compiler::Scratch;
use std::sync::{Mutex, PoisonError};

/// Most pieces that are kept, which is how many threads compile without asking the system.
const IDLE_MAX: usize = 8;
/// A piece that has grown beyond this many bytes is not kept: about what 1.5 MB of code need.
const SIZE_MAX: usize = 16 << 20;

/// What is not in use.
#[derive(Default, Debug)]
pub(crate) struct Scratches {
    idle: Mutex<Vec<Scratch>>,
}

impl Scratches {
    /// Lends a piece. A panic loses it, no more.
    pub(crate) fn with<T>(&self, compile: impl FnOnce(&mut Scratch) -> T) -> T {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut scratch = idle().pop().unwrap_or_default();
        let result = compile(&mut scratch);
        let mut idle = idle();
        if idle.len() < IDLE_MAX && scratch.memory() <= SIZE_MAX {
            idle.push(scratch);
        }
        result
    }
}
