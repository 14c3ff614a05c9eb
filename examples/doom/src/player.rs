//! What a guest's player shares with it across threads: the newest picture one way, keys the other.

use crate::frame::Frame;
use pvm_system::KeyEvent;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Keys that wait for a guest which does not ask; more are dropped.
const KEYS_MAX: usize = 256;

/// The player's end and the guest's end of it are the same.
#[derive(Clone)]
pub(crate) struct Player(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Called when there is something new for the player.
    wake: Box<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct State {
    frame: Option<Frame>,
    keys: VecDeque<KeyEvent>,
    is_gone: bool,
}

impl Player {
    /// A player who is told of new pictures by `wake`.
    pub(crate) fn new(wake: impl Fn() + Send + Sync + 'static) -> Player {
        Player(Arc::new(Shared { state: Mutex::default(), wake: Box::new(wake) }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is a single assignment: a thread that panicked left nothing half done.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The guest shows a picture; one that nobody has looked at yet is replaced.
    pub(crate) fn show(&self, frame: Frame) {
        self.state().frame = Some(frame);
        (self.0.wake)();
    }

    /// The newest picture, if nobody has looked at it.
    pub(crate) fn take_frame(&self) -> Option<Frame> {
        self.state().frame.take()
    }

    /// The player presses a key or lets one go.
    pub(crate) fn press(&self, key: KeyEvent) {
        let mut state = self.state();
        if state.keys.len() < KEYS_MAX {
            state.keys.push_back(key);
        }
    }

    /// All that the player did since the last time.
    pub(crate) fn take_keys(&self) -> VecDeque<KeyEvent> {
        std::mem::take(&mut self.state().keys)
    }

    /// The player leaves.
    pub(crate) fn leave(&self) {
        self.state().is_gone = true;
    }

    /// Did the player leave?
    pub(crate) fn is_gone(&self) -> bool {
        self.state().is_gone
    }
}
