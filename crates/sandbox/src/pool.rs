//! The pool: address spaces that wait for their next guest, as it will find them.

use crate::space::Slot;
use crate::template::Template;
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};

/// Address spaces in wait. When it is dropped, they are released.
#[derive(Debug)]
pub struct Pool {
    /// Those that were used last are last.
    idle: Mutex<Vec<Slot>>,
    idle_max: usize,
}

impl Pool {
    /// A pool that keeps at most so many.
    pub fn new(idle_max: usize) -> Pool {
        Pool { idle: Mutex::new(Vec::new()), idle_max }
    }

    /// How many wait.
    pub fn idle(&self) -> usize {
        self.lock().map_or(0, |idle| idle.len())
    }

    /// Releases those that wait for guests of a program.
    pub fn forget(&self, template: &Arc<Template>) {
        let Some(mut idle) = self.lock() else { return };
        let gone: Vec<Slot> = idle.extract_if(.., |slot| slot.is_of(template)).collect();
        drop(idle); // releasing takes a while
        drop(gone);
    }

    /// One for a guest of a program: the best is one that such a guest has used.
    pub(crate) fn take(&self, template: &Arc<Template>) -> Option<Slot> {
        let mut idle = self.lock()?;
        let index = idle.iter().rposition(|slot| slot.is_of(template));
        match index {
            Some(index) => Some(idle.remove(index)),
            None if idle.len() < self.idle_max => None,
            None => (!idle.is_empty()).then(|| idle.remove(0)),
        }
    }

    /// Keeps one, if there is room.
    pub(crate) fn give(&self, slot: Slot) {
        if let Some(mut idle) = self.lock()
            && idle.len() < self.idle_max
        {
            idle.push(slot);
        }
    }

    /// The spaces, unless others are at them for long: then it is quicker to do without, and in a process that was forked at
    /// such a moment, they would be for ever.
    fn lock(&self) -> Option<MutexGuard<'_, Vec<Slot>>> {
        for _ in 0..TRIES {
            match self.idle.try_lock() {
                Ok(guard) => return Some(guard),
                // What is consistent between its methods' statements is not spoilt by a panic elsewhere.
                Err(TryLockError::Poisoned(poisoned)) => return Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => core::hint::spin_loop(),
            }
        }
        None
    }
}

/// How often to look whether others are done.
const TRIES: u32 = 100;
