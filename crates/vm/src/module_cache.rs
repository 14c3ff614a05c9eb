//! The module cache: finds a module made before, while it lives and, for some, after it was dropped.
//!
//! ```text
//! modules: key --> weak reference to a module (and its stamp, if nobody but the cache holds it)
//! dropped: stamp --> module        at most `dropped_max`, the lowest stamp goes first
//! ```

use crate::module::ModuleInner;
use crate::module_config::Settings;
use pvm_gas::Rule;
use pvm_isa::InstructionSet;
use pvm_num::casts::to_usize;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// What makes two modules the same.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Key {
    pub(crate) settings: Settings,
    pub(crate) rule: Rule,
    pub(crate) set: InstructionSet,
    pub(crate) program: ProgramKey,
}

/// What makes two programs the same.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum ProgramKey {
    Id(u64),
    Hash([u8; 32]),
}

pub(crate) struct ModuleCache(Mutex<State>);

struct State {
    modules: HashMap<Key, Entry>,
    dropped: BTreeMap<u64, Arc<ModuleInner>>,
    dropped_max: usize,
    next_stamp: u64,
    /// Entries of dead modules are removed when there are this many.
    purge_at: usize,
}

impl State {
    fn get(&mut self, key: &Key) -> Option<Arc<ModuleInner>> {
        let entry = self.modules.get_mut(key)?;
        let module = entry.module.upgrade()?;
        if let Some(stamp) = entry.stamp.take() {
            self.dropped.remove(&stamp);
        }
        Some(module)
    }
}

struct Entry {
    module: Weak<ModuleInner>,
    stamp: Option<u64>,
}

const PURGE_AT_LEAST: usize = 64;

impl ModuleCache {
    pub(crate) fn new(dropped_max: u32) -> Self {
        ModuleCache(Mutex::new(State {
            modules: HashMap::new(),
            dropped: BTreeMap::new(),
            dropped_max: to_usize(dropped_max),
            next_stamp: 0,
            purge_at: PURGE_AT_LEAST,
        }))
    }

    /// The state is consistent between its methods' statements, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The module with this key.
    pub(crate) fn get(&self, key: &Key) -> Option<Arc<ModuleInner>> {
        self.lock().get(key)
    }

    /// Keeps a new module, unless another thread has been faster: then that one's is returned.
    pub(crate) fn insert(&self, key: Key, module: Arc<ModuleInner>) -> Arc<ModuleInner> {
        let mut state = self.lock();
        if let Some(found) = state.get(&key) {
            return found;
        }
        if state.modules.len() >= state.purge_at {
            state.modules.retain(|_, entry| entry.module.strong_count() > 0);
            state.purge_at = (2 * state.modules.len()).max(PURGE_AT_LEAST);
        }
        state.modules.insert(key, Entry { module: Arc::downgrade(&module), stamp: None });
        module
    }

    /// Called when a handle of `module` is about to go: if it is the last one, the cache takes the module over.
    pub(crate) fn release(&self, key: &Key, module: &Arc<ModuleInner>) {
        let mut state = self.lock();
        if state.dropped_max == 0 || Arc::strong_count(module) > 1 {
            return;
        }
        let stamp = state.next_stamp;
        let Some(entry) = state.modules.get_mut(key) else { return };
        if !std::ptr::eq(entry.module.as_ptr(), Arc::as_ptr(module)) {
            return;
        }
        entry.stamp = Some(stamp);
        state.next_stamp += 1;
        state.dropped.insert(stamp, Arc::clone(module));
        let evicted = if state.dropped.len() > state.dropped_max { state.dropped.pop_first() } else { None };
        drop(state); // freeing a module may take a while
        drop(evicted);
    }
}
