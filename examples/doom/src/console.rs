//! The guest's devices: counts ticks, gives keys at ticks, keeps to the clock, and records or compares.
//!
//! ```text
//! show -> tick + 1 -> { hash | player | statistics } -> wait for the tick's time -> keys of this tick, from player or recording
//! ```
//!
//! Time for a guest is virtual (`pvm_system::Ticks::Steps`), so that nothing but its keys makes a game differ from another;
//! it passes as fast as on a clock because `show` does not return before the tick's time has come.

use crate::frame::{Frame, FrameHash};
use crate::player::Player;
use crate::recording::{Recording, is_marked};
use crate::sound::Speaker;
use crate::stats::{Stats, Summary};
use pvm_system::{Devices, KeyEvent, Picture};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Ticks of the game in a second.
pub(crate) const TICKS_PER_SECOND: u32 = 35;
/// Longer behind than this, the game does not run to catch up.
const LAG_MAX: Duration = Duration::from_millis(200);

/// Where keys come from.
pub(crate) enum Keys {
    /// Nobody presses any.
    None,
    /// A player does.
    Player,
    /// A player did.
    Recording(Recording),
}

/// A picture that is not the recorded one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Difference {
    pub(crate) tick: u32,
    pub(crate) recorded: FrameHash,
    pub(crate) shown: FrameHash,
}

/// What a console does.
pub(crate) struct Setup {
    pub(crate) keys: Keys,
    /// Who looks and listens.
    pub(crate) player: Option<Player>,
    pub(crate) speaker: Option<Speaker>,
    /// The last tick to play, if the guest does not end before.
    pub(crate) last: Option<u32>,
    /// Keep to the clock?
    pub(crate) is_paced: bool,
}

/// The devices of a guest, and what came of them.
pub(crate) struct Console {
    setup: Setup,
    tick: u32,
    waiting: VecDeque<KeyEvent>,
    /// Keys of the recording that were given.
    replayed: usize,
    began: Option<(Instant, u32)>,
    stats: Stats,
    /// Keys and marked pictures of this game.
    game: Recording,
    difference: Option<Difference>,
    last_frame: Frame,
}

/// What came of a game.
pub(crate) struct Findings {
    /// Keys and marked pictures.
    pub(crate) game: Recording,
    /// The first picture that was not the recorded one.
    pub(crate) difference: Option<Difference>,
    /// The last picture, if there was no player.
    pub(crate) last_frame: Frame,
    pub(crate) times: Summary,
}

impl Console {
    pub(crate) fn new(setup: Setup) -> Console {
        let mut console = Console {
            setup,
            tick: 0,
            waiting: VecDeque::new(),
            replayed: 0,
            began: None,
            stats: Stats::new(),
            game: Recording::default(),
            difference: None,
            last_frame: Frame::default(),
        };
        console.fetch_keys();
        console
    }

    /// Is there nothing more to play?
    pub(crate) fn is_over(&self) -> bool {
        self.setup.last.is_some_and(|last| self.tick >= last)
            || self.difference.is_some()
            || self.setup.player.as_ref().is_some_and(Player::is_gone)
    }

    /// What came of it.
    pub(crate) fn findings(self) -> Findings {
        let Console { game, difference, last_frame, stats, .. } = self;
        Findings { game, difference, last_frame, times: stats.summary() }
    }

    /// Makes the keys of this tick available.
    fn fetch_keys(&mut self) {
        let new: VecDeque<KeyEvent> = match (&self.setup.keys, &self.setup.player) {
            (Keys::Player, Some(player)) => player.take_keys(),
            (Keys::Recording(recording), _) => {
                let rest = &recording.keys[self.replayed..];
                let due = rest.iter().take_while(|(tick, _)| *tick <= self.tick).map(|(_, key)| *key);
                due.collect()
            }
            _ => VecDeque::new(),
        };
        self.replayed += new.len();
        self.game.keys.extend(new.iter().map(|key| (self.tick, *key)));
        self.waiting.extend(new);
    }

    /// Compares with the recording, keeps for one.
    fn judge(&mut self, frame: &Frame) {
        let recorded = match &self.setup.keys {
            Keys::Recording(recording) => recording.pictures.iter().find(|(tick, _)| *tick == self.tick),
            _ => None,
        };
        if recorded.is_none() && !is_marked(self.tick) {
            return;
        }
        let shown = frame.hash();
        self.game.pictures.push((self.tick, shown));
        if let Some((tick, recorded)) = recorded.copied().filter(|(_, recorded)| *recorded != shown) {
            self.difference.get_or_insert(Difference { tick, recorded, shown });
        }
    }

    /// Waits until the tick's time has come.
    fn pace(&mut self) {
        let now = Instant::now();
        let (began, first) = *self.began.get_or_insert((now, self.tick));
        let due = began + Duration::from_secs(1) * (self.tick - first) / TICKS_PER_SECOND;
        match due.checked_duration_since(now) {
            Some(rest) => std::thread::sleep(rest),
            None if now - due > LAG_MAX => self.began = Some((now, self.tick)),
            None => {}
        }
    }
}

impl Devices for Console {
    fn show(&mut self, picture: &Picture<'_>) {
        self.stats.guest_stops();
        self.tick = self.tick.saturating_add(1);
        self.game.end = self.tick;
        let frame = Frame::new(picture);
        self.judge(&frame);
        if let Some(player) = &self.setup.player {
            player.show(frame);
        } else {
            self.last_frame = frame;
        }
        if self.setup.is_paced {
            self.pace();
        }
        self.fetch_keys();
        self.stats.guest_goes_on();
    }

    fn key(&mut self) -> Option<KeyEvent> {
        self.waiting.pop_front()
    }

    fn play(&mut self, samples: &[i16]) -> usize {
        if let Some(speaker) = &mut self.setup.speaker {
            speaker.play(samples);
        }
        samples.len() / 2
    }
}

/// The console as the guest's system holds it, while its host looks at it too.
#[derive(Clone)]
pub(crate) struct SharedConsole(pub(crate) Rc<RefCell<Console>>);

impl Devices for SharedConsole {
    fn show(&mut self, picture: &Picture<'_>) {
        self.0.borrow_mut().show(picture);
    }

    fn key(&mut self) -> Option<KeyEvent> {
        self.0.borrow_mut().key()
    }

    fn play(&mut self, samples: &[i16]) -> usize {
        self.0.borrow_mut().play(samples)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn console(keys: Keys, player: Option<&Player>, last: Option<u32>) -> Console {
        Console::new(Setup { keys, player: player.cloned(), speaker: None, last, is_paced: false })
    }

    fn show(console: &mut Console, colour: u8) {
        console.show(&Picture { width: 1, height: 1, pixels: &[colour; 4] });
    }

    fn down(usage: u16) -> KeyEvent {
        KeyEvent { usage, is_down: true }
    }

    /// A game of three ticks, in which the player pressed keys before the first and after the second picture.
    fn played() -> Recording {
        let player = Player::new(|| {});
        player.press(down(4));
        let mut console = console(Keys::Player, Some(&player), None);
        assert_eq!(console.key(), Some(down(4)));
        assert_eq!(console.key(), None);
        show(&mut console, 1);
        player.press(down(5));
        assert_eq!(console.key(), None, "keys come with ticks only");
        show(&mut console, 2);
        assert_eq!([console.key(), console.key()], [Some(down(5)), None]);
        show(&mut console, 3);
        assert!(!console.is_over());
        player.leave();
        assert!(console.is_over());
        console.game
    }

    #[test]
    fn a_game_is_recorded() {
        let game = played();
        assert_eq!(game.keys, [(0, down(4)), (2, down(5))]);
        assert_eq!(game.pictures.iter().map(|(tick, _)| *tick).collect::<Vec<_>>(), [1]);
        assert_eq!(game.end, 3);
    }

    #[test]
    fn a_recording_gives_the_same_keys_at_the_same_ticks() {
        let game = played();
        let mut console = console(Keys::Recording(game.clone()), None, Some(game.end));
        assert_eq!([console.key(), console.key()], [Some(down(4)), None]);
        show(&mut console, 1);
        assert_eq!(console.key(), None);
        show(&mut console, 2);
        assert_eq!([console.key(), console.key()], [Some(down(5)), None]);
        assert!(!console.is_over());
        show(&mut console, 3);
        assert!(console.is_over());
        assert_eq!((console.game.keys, console.game.pictures, console.difference), (game.keys, game.pictures, None));
    }

    #[test]
    fn another_picture_ends_the_game() {
        let game = played();
        let mut console = console(Keys::Recording(game.clone()), None, Some(game.end));
        show(&mut console, 7);
        let difference = console.difference.unwrap();
        assert_eq!((difference.tick, difference.recorded), (1, game.pictures[0].1));
        assert_ne!(difference.shown, difference.recorded);
        assert!(console.is_over());
    }

    #[test]
    fn time_passes_as_on_a_clock() {
        let mut console = console(Keys::None, None, None);
        console.setup.is_paced = true;
        let began = Instant::now();
        for _ in 0..8 {
            show(&mut console, 0);
        }
        assert!(began.elapsed() >= Duration::from_secs(1) * 7 / TICKS_PER_SECOND);
    }
}
