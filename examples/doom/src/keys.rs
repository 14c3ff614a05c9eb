//! Keys by their usages on page 7 of the USB HID tables, and keys of terminals that do not say when one is let go.

use pvm_system::KeyEvent;
use std::time::{Duration, Instant};

/// Left control: fires.
pub(crate) const CONTROL: u16 = 224;
/// Left shift: runs.
pub(crate) const SHIFT: u16 = 225;
/// Left alt: sidesteps.
pub(crate) const ALT: u16 = 226;

/// Rows of characters with usages that follow each other: the first usage, the characters.
const CHARACTERS: [(u16, &str); 7] = [
    (4, "abcdefghijklmnopqrstuvwxyz"),
    (30, "1234567890"),
    (44, " -=[]\\"),
    (51, ";'`,./"),
    // The same with shift, on the keyboard the tables assume.
    (30, "!@#$%^&*()"),
    (45, "_+{}|"),
    (51, ":\"~<>?"),
];

/// The key that types a character.
pub(crate) fn usage_of(character: char) -> Option<u16> {
    let character = character.to_ascii_lowercase();
    CHARACTERS.iter().find_map(|(first, row)| {
        let at = row.chars().position(|other| other == character)?;
        Some(first + u16::try_from(at).ok()?)
    })
}

/// A function key, F1 to F12.
pub(crate) fn usage_of_function(number: u8) -> Option<u16> {
    (1..=12).contains(&number).then(|| 57 + u16::from(number))
}

/// How long a key stays down that was reported once.
const HOLD_FIRST: Duration = Duration::from_millis(180);
/// How long one stays down that repeats: longer than a terminal takes for the next.
const HOLD_REPEATED: Duration = Duration::from_millis(120);

/// Keys that are held down as long as reports of them keep coming.
#[derive(Default)]
pub(crate) struct Held(Vec<(u16, Instant)>);

impl Held {
    /// A report of a key; it goes down unless it is.
    pub(crate) fn report(&mut self, usage: u16, now: Instant) -> Option<KeyEvent> {
        match self.0.iter_mut().find(|(held, _)| *held == usage) {
            Some((_, until)) => {
                *until = (*until).max(now + HOLD_REPEATED);
                None
            }
            None => {
                self.0.push((usage, now + HOLD_FIRST));
                Some(KeyEvent { usage, is_down: true })
            }
        }
    }

    /// Keys that go up because nothing was reported of them any more.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<KeyEvent> {
        let gone = self.0.extract_if(.., |(_, until)| *until <= now);
        gone.map(|(usage, _)| KeyEvent { usage, is_down: false }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_have_the_usages_of_the_tables() {
        for (character, usage) in
            [('a', 4), ('Z', 29), ('1', 30), ('0', 39), (' ', 44), ('-', 45), ('\\', 49), (';', 51), ('/', 56)]
        {
            assert_eq!(usage_of(character), Some(usage), "{character}");
        }
        for (shifted, plain) in "!@#$%^&*()_+{}|:\"~<>?".chars().zip("1234567890-=[]\\;'`,./".chars()) {
            assert_eq!(usage_of(shifted), usage_of(plain), "{shifted}");
        }
        assert_eq!(usage_of('é'), None);
        assert_eq!([0, 1, 12, 13].map(usage_of_function), [None, Some(58), Some(69), None]);
    }

    #[test]
    fn a_key_is_held_while_it_repeats() {
        let event = |usage, is_down| KeyEvent { usage, is_down };
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut held = Held::default();
        assert_eq!(held.report(4, at(0)), Some(event(4, true)));
        assert_eq!(held.report(5, at(10)), Some(event(5, true)));
        assert_eq!(held.expire(at(179)), []);
        assert_eq!(held.report(4, at(170)), None);
        assert_eq!(held.expire(at(200)), [event(5, false)]);
        assert_eq!(held.report(4, at(200)), None);
        assert_eq!(held.expire(at(319)), []);
        assert_eq!(held.expire(at(320)), [event(4, false)]);
        assert_eq!(held.report(4, at(330)), Some(event(4, true)));
    }
}
