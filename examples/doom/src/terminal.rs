//! Playing in a terminal.

use crate::failure::{Cause, Failure};
use crate::frame::Frame;
use crate::halfblock::Canvas;
use crate::keys::{ALT, CONTROL, Held, SHIFT, usage_of, usage_of_function};
use crate::player::Player;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    self, Event, KeyCode, KeyEvent as TerminalKey, KeyEventKind, KeyModifiers, KeyboardEnhancementFlags,
    ModifierKeyCode, PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use crossterm::style::ResetColor;
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, DisableLineWrap, EnableLineWrap, EndSynchronizedUpdate,
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size, supports_keyboard_enhancement,
};
use crossterm::{execute, queue};
use pvm_system::KeyEvent;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How long a look at keys takes at most: a fifth of a tick.
const PATIENCE: Duration = Duration::from_millis(5);

/// The terminal while it is the game's; it is as before when this is gone.
struct Screen {
    /// Does the terminal say when keys are let go?
    has_releases: bool,
}

impl Screen {
    fn take() -> io::Result<Screen> {
        enable_raw_mode()?;
        let mut screen = Screen { has_releases: false };
        execute!(io::stdout(), EnterAlternateScreen, Hide, DisableLineWrap, Clear(ClearType::All))?;
        screen.has_releases = cfg!(windows) || supports_keyboard_enhancement().unwrap_or(false);
        if screen.has_releases && !cfg!(windows) {
            let flags = KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES
                | KeyboardEnhancementFlags::REPORT_EVENT_TYPES
                | KeyboardEnhancementFlags::REPORT_ALL_KEYS_AS_ESCAPE_CODES;
            execute!(io::stdout(), PushKeyboardEnhancementFlags(flags))?;
        }
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // Each as far as it goes: there is nobody to tell.
        if self.has_releases && !cfg!(windows) {
            let _ = execute!(io::stdout(), PopKeyboardEnhancementFlags);
        }
        let _ = execute!(io::stdout(), ResetColor, EnableLineWrap, Show, LeaveAlternateScreen);
        let _ = disable_raw_mode();
    }
}

/// Keys of the terminal for the game.
struct Keyboard {
    held: Option<Held>,
}

impl Keyboard {
    /// What a report of the terminal means to the game.
    fn translate(&mut self, key: &TerminalKey, now: Instant) -> Vec<KeyEvent> {
        let Some(usage) = usage(key.code) else {
            return Vec::new();
        };
        let Some(held) = &mut self.held else {
            // Repetitions are the game's own matter.
            let is_down = key.kind != KeyEventKind::Release;
            let event = KeyEvent { usage, is_down };
            return if key.kind == KeyEventKind::Repeat { Vec::new() } else { vec![event] };
        };
        let modifiers = [(KeyModifiers::SHIFT, SHIFT), (KeyModifiers::CONTROL, CONTROL), (KeyModifiers::ALT, ALT)];
        let with = modifiers.iter().filter(|(modifier, _)| key.modifiers.contains(*modifier)).map(|(_, usage)| *usage);
        with.chain([usage]).filter_map(|usage| held.report(usage, now)).collect()
    }

    fn expire(&mut self, now: Instant) -> Vec<KeyEvent> {
        self.held.as_mut().map(|held| held.expire(now)).unwrap_or_default()
    }
}

fn usage(code: KeyCode) -> Option<u16> {
    Some(match code {
        KeyCode::Char(character) => return usage_of(character),
        KeyCode::F(number) => return usage_of_function(number),
        KeyCode::Enter => 40,
        KeyCode::Esc => 41,
        KeyCode::Backspace => 42,
        KeyCode::Tab | KeyCode::BackTab => 43,
        KeyCode::Pause => 72,
        KeyCode::Insert => 73,
        KeyCode::Home => 74,
        KeyCode::PageUp => 75,
        KeyCode::Delete => 76,
        KeyCode::End => 77,
        KeyCode::PageDown => 78,
        KeyCode::Right => 79,
        KeyCode::Left => 80,
        KeyCode::Down => 81,
        KeyCode::Up => 82,
        KeyCode::Modifier(ModifierKeyCode::LeftControl | ModifierKeyCode::RightControl) => CONTROL,
        KeyCode::Modifier(ModifierKeyCode::LeftShift | ModifierKeyCode::RightShift) => SHIFT,
        KeyCode::Modifier(ModifierKeyCode::LeftAlt | ModifierKeyCode::RightAlt) => ALT,
        _ => return None,
    })
}

/// Plays until the player leaves or `is_over` says that there is no game any more.
pub(crate) fn play(player: &Player, is_over: impl Fn() -> bool) -> Result<(), Failure> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(Failure::new(Cause::Output, "no terminal; `pvm-doom headless` needs none"));
    }
    play_on_terminal(player, is_over).map_err(|error| Failure::output("the terminal", &error))
}

fn play_on_terminal(player: &Player, is_over: impl Fn() -> bool) -> io::Result<()> {
    let screen = Screen::take()?;
    let mut keyboard = Keyboard { held: (!screen.has_releases).then(Held::default) };
    let (columns, rows) = size()?;
    let mut canvas = Canvas::new(columns.into(), rows.into());
    let mut frame = Frame::default();
    while !is_over() {
        let mut is_new = false;
        while event::poll(PATIENCE)? {
            match event::read()? {
                Event::Key(key) if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) => {
                    player.leave();
                    return Ok(());
                }
                Event::Key(key) => {
                    keyboard.translate(&key, Instant::now()).into_iter().for_each(|key| player.press(key));
                }
                Event::Resize(columns, rows) => {
                    canvas = Canvas::new(columns.into(), rows.into());
                    queue!(io::stdout(), ResetColor, Clear(ClearType::All))?;
                    is_new = true;
                }
                _ => {}
            }
        }
        keyboard.expire(Instant::now()).into_iter().for_each(|key| player.press(key));
        if let Some(newest) = player.take_frame() {
            frame = newest;
            is_new = true;
        }
        if is_new {
            let mut text = Vec::new();
            queue!(text, BeginSynchronizedUpdate)?;
            canvas.draw(&frame, &mut text)?;
            queue!(text, EndSynchronizedUpdate)?;
            let mut stdout = io::stdout().lock();
            stdout.write_all(&text)?;
            stdout.flush()?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(keyboard: &mut Keyboard, key: TerminalKey) -> Vec<(u16, bool)> {
        keyboard.translate(&key, Instant::now()).iter().map(|key| (key.usage, key.is_down)).collect()
    }

    #[test]
    fn terminals_with_releases_pass_them_on() {
        let keyboard = &mut Keyboard { held: None };
        let key = |kind| TerminalKey::new_with_kind(KeyCode::Up, KeyModifiers::SHIFT, kind);
        assert_eq!(codes(keyboard, key(KeyEventKind::Press)), [(82, true)]);
        assert_eq!(codes(keyboard, key(KeyEventKind::Repeat)), []);
        assert_eq!(codes(keyboard, key(KeyEventKind::Release)), [(82, false)]);
    }

    #[test]
    fn others_hold_keys_and_modifiers_for_a_while() {
        let keyboard = &mut Keyboard { held: Some(Held::default()) };
        let key = TerminalKey::new(KeyCode::Up, KeyModifiers::SHIFT);
        assert_eq!(codes(keyboard, key), [(SHIFT, true), (82, true)]);
        assert_eq!(codes(keyboard, key), []);
        assert_eq!(codes(keyboard, TerminalKey::new(KeyCode::CapsLock, KeyModifiers::NONE)), []);
        let later = Instant::now() + Duration::from_secs(1);
        assert_eq!(keyboard.expire(later).iter().map(|key| key.usage).collect::<Vec<_>>(), [SHIFT, 82]);
    }
}
