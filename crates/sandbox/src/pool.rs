//! The pool: address spaces that wait for their next guest, as it will find them, and memory that waits for machine code.

use crate::code::CodeMemory;
use crate::space::Slot;
use crate::template::Template;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

/// Most pieces of memory for machine code that wait, and their most bytes.
const CODE_MAX: usize = 16;
const CODE_BYTES_MAX: usize = 4 << 20;

/// Address spaces in wait, and memory for machine code. When it is dropped, they are released.
#[derive(Debug)]
pub struct Pool {
    /// Those that were used last are last.
    idle: Mutex<Vec<Slot>>,
    idle_max: usize,
    /// Likewise. None of it is executable.
    code: Mutex<Vec<CodeMemory>>,
}

impl Pool {
    /// A pool that keeps at most so many spaces.
    pub fn new(idle_max: usize) -> Pool {
        Pool { idle: Mutex::default(), idle_max, code: Mutex::default() }
    }

    /// How many spaces wait.
    pub fn idle(&self) -> usize {
        lock(&self.idle).map_or(0, |idle| idle.len())
    }

    /// How many bytes wait for machine code.
    pub fn idle_code(&self) -> usize {
        lock(&self.code).map_or(0, |code| code.iter().map(CodeMemory::size).sum())
    }

    /// Releases those that wait for guests of a program.
    pub fn forget(&self, template: &Arc<Template>) {
        let Some(mut idle) = lock(&self.idle) else { return };
        let gone: Vec<Slot> = idle.extract_if(.., |slot| slot.is_of(template)).collect();
        drop(idle); // releasing takes a while
        drop(gone);
    }

    /// One for a guest of a program: the best is one that such a guest has used.
    pub(crate) fn take(&self, template: &Arc<Template>) -> Option<Slot> {
        let mut idle = lock(&self.idle)?;
        let index = idle.iter().rposition(|slot| slot.is_of(template));
        match index {
            Some(index) => Some(idle.remove(index)),
            None if idle.len() < self.idle_max => None,
            None => (!idle.is_empty()).then(|| idle.remove(0)),
        }
    }

    /// Keeps one, if there is room.
    pub(crate) fn give(&self, slot: Slot) {
        if let Some(mut idle) = lock(&self.idle)
            && idle.len() < self.idle_max
        {
            idle.push(slot);
        }
    }

    /// Memory for so many bytes of machine code, of which not more than half would be wasted.
    pub(crate) fn take_code(&self, size: usize) -> Option<CodeMemory> {
        let mut code = lock(&self.code)?;
        let size_max = 2 * size.next_multiple_of(rustix::param::page_size());
        let fits = |memory: &CodeMemory| (size..=size_max).contains(&memory.size());
        let (index, _) =
            code.iter().enumerate().filter(|(_, memory)| fits(memory)).min_by_key(|(_, memory)| memory.size())?;
        Some(code.remove(index))
    }

    /// Keeps memory, and lets go of what has waited longest if that makes too much.
    pub(crate) fn give_code(&self, memory: CodeMemory) {
        if memory.size() > CODE_BYTES_MAX {
            return;
        }
        let Some(mut code) = lock(&self.code) else { return };
        code.push(memory);
        let mut bytes: usize = code.iter().map(CodeMemory::size).sum();
        let mut gone = Vec::new();
        while code.len() > CODE_MAX || bytes > CODE_BYTES_MAX {
            let oldest = code.remove(0);
            bytes -= oldest.size();
            gone.push(oldest);
        }
        drop(code); // releasing takes a while
    }
}

/// What waits, unless others are at it for long: then it is quicker to do without, and in a process that was forked at such a
/// moment, they would be for ever.
fn lock<T>(mutex: &Mutex<Vec<T>>) -> Option<MutexGuard<'_, Vec<T>>> {
    for _ in 0..TRIES {
        match mutex.try_lock() {
            Ok(guard) => return Some(guard),
            // What is consistent between its methods' statements is not spoilt by a panic elsewhere.
            Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => core::hint::spin_loop(),
        }
    }
    None
}

/// How often to look whether others are done.
const TRIES: u32 = 100;
