//! Recordings: what a player did by tick, and what some ticks looked like.
//!
//! ```text
//! pvm-doom recording 1
//! wad 8d0c...                      BLAKE3 of the data file
//! argument -warp                   each of the game's arguments behind the data file, in order
//! 1 picture 5a17...                the picture shown at a tick (`Frame::hash`)
//! 12 down 79                       a key, by its usage on page 7 of the USB HID tables, from this tick on
//! 20 up 79
//! 2000 end                         the last tick
//! ```
//!
//! Ticks count the pictures a guest has shown. Keys of tick 12 are there for the guest to ask for between its twelfth and its
//! thirteenth picture; those of tick 0 before its first.

use crate::frame::FrameHash;
use pvm_system::KeyEvent;
use std::fmt::Write as _;

/// The first line, with the version.
const TITLE: &str = "pvm-doom recording 1";
/// The longest recording that is read, in bytes.
pub(crate) const SIZE_MAX: u64 = 64 << 20;
/// Highest number of a key.
const USAGE_MAX: u16 = 0xff;

/// A game that was played.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Recording {
    /// BLAKE3 of the data file, in hexadecimal.
    pub(crate) wad: String,
    /// The game's arguments behind the data file.
    pub(crate) arguments: Vec<String>,
    /// Keys by tick, which never goes down.
    pub(crate) keys: Vec<(u32, KeyEvent)>,
    /// Pictures of some ticks, which go up.
    pub(crate) pictures: Vec<(u32, FrameHash)>,
    /// The last tick.
    pub(crate) end: u32,
}

/// What is wrong with a recording.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum RecordingErrorKind {
    #[error("not a recording of version 1: it does not begin with `{TITLE}`")]
    Title,
    #[error("not a line of a recording")]
    Line,
    #[error("this belongs before all ticks, once")]
    Header,
    #[error("the tick is lower than one before")]
    Order,
    #[error("the recording goes on behind its end")]
    BehindEnd,
    #[error("the recording has no end: it was cut off")]
    NoEnd,
    #[error("the recording does not say what data it was made with")]
    NoWad,
}

/// What is wrong, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line}: {kind}")]
pub(crate) struct RecordingError {
    pub(crate) kind: RecordingErrorKind,
    /// From 1.
    pub(crate) line: usize,
}

/// Is this a tick whose picture a recording keeps?
pub(crate) fn is_marked(tick: u32) -> bool {
    tick == 1 || tick == 100 || (tick != 0 && tick.is_multiple_of(500))
}

impl Recording {
    /// Reads a recording.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub(crate) fn parse(text: &str) -> Result<Recording, RecordingError> {
        let mut lines = text.lines().enumerate().map(|(at, line)| (at + 1, line));
        let fail = |line, kind| Err(RecordingError { kind, line });
        if lines.next().is_none_or(|(_, line)| line != TITLE) {
            return fail(1, RecordingErrorKind::Title);
        }
        let mut recording = Recording::default();
        let mut last_tick = None;
        let mut ended = false;
        let mut count = 1;
        for (number, line) in lines {
            count = number;
            if ended {
                return fail(number, RecordingErrorKind::BehindEnd);
            }
            let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
            match first {
                "wad" | "argument" if last_tick.is_some() || (first == "wad" && !recording.wad.is_empty()) => {
                    return fail(number, RecordingErrorKind::Header);
                }
                "wad" if is_hash(rest) => rest.clone_into(&mut recording.wad),
                "argument" => recording.arguments.push(rest.to_owned()),
                _ => {
                    let Some(tick) = number_of(first).and_then(|tick| u32::try_from(tick).ok()) else {
                        return fail(number, RecordingErrorKind::Line);
                    };
                    if last_tick.is_some_and(|last| tick < last) {
                        return fail(number, RecordingErrorKind::Order);
                    }
                    last_tick = Some(tick);
                    match recording.event(tick, rest) {
                        Some(is_end) => ended = is_end,
                        None => return fail(number, RecordingErrorKind::Line),
                    }
                }
            }
        }
        match (ended, recording.wad.is_empty()) {
            (false, _) => fail(count, RecordingErrorKind::NoEnd),
            (true, true) => fail(count, RecordingErrorKind::NoWad),
            (true, false) => Ok(recording),
        }
    }

    /// Takes what is behind a tick; was it the end?
    fn event(&mut self, tick: u32, text: &str) -> Option<bool> {
        match text.split_once(' ').unwrap_or((text, "")) {
            ("end", "") => {
                self.end = tick;
                return Some(true);
            }
            ("picture", hash) => self.pictures.push((tick, FrameHash::parse(hash)?)),
            (way @ ("down" | "up"), usage) => {
                let usage = number_of(usage).and_then(|usage| u16::try_from(usage).ok())?;
                if usage > USAGE_MAX {
                    return None;
                }
                self.keys.push((tick, KeyEvent { usage, is_down: way == "down" }));
            }
            _ => return None,
        }
        Some(false)
    }

    /// The recording as text: what [`Recording::parse`] reads.
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("{TITLE}\nwad {}\n", self.wad);
        let mut line = |arguments: std::fmt::Arguments<'_>| {
            writeln!(text, "{arguments}").expect("a string takes everything");
        };
        for argument in &self.arguments {
            line(format_args!("argument {argument}"));
        }
        let mut pictures = self.pictures.iter().peekable();
        let mut keys = self.keys.iter().peekable();
        loop {
            let is_picture = match (pictures.peek(), keys.peek()) {
                (Some((picture, _)), Some((key, _))) => picture <= key,
                (picture, None) => picture.is_some(),
                (None, Some(_)) => false,
            };
            if is_picture && let Some((tick, hash)) = pictures.next() {
                line(format_args!("{tick} picture {hash}"));
            } else if let Some((tick, key)) = keys.next() {
                line(format_args!("{tick} {} {}", if key.is_down { "down" } else { "up" }, key.usage));
            } else {
                break;
            }
        }
        line(format_args!("{} end", self.end));
        text
    }
}

/// A decimal number without sign.
fn number_of(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording() -> Recording {
        let key = |usage, is_down| KeyEvent { usage, is_down };
        Recording {
            wad: "0123456789abcdef".repeat(4),
            arguments: ["-warp", "1", "with a space", ""].map(str::to_owned).to_vec(),
            keys: vec![(0, key(40, true)), (7, key(40, false)), (7, key(255, true)), (9, key(255, false))],
            pictures: vec![(1, FrameHash([1; 16])), (7, FrameHash([0xab; 16])), (12, FrameHash([0; 16]))],
            end: 12,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for case in [recording(), Recording { wad: "f".repeat(64), ..Recording::default() }] {
            assert_eq!(Recording::parse(&case.to_text()), Ok(case));
        }
    }

    #[test]
    fn a_recording_reads_like_this() {
        let text = recording().to_text();
        assert!(text.starts_with("pvm-doom recording 1\nwad 0123"), "{text}");
        let tail = "0 down 40\n1 picture 01010101010101010101010101010101\n7 picture abababababababababababababababab\n7 up 40\n\
                    7 down 255\n9 up 255\n12 picture 00000000000000000000000000000000\n12 end\n";
        assert!(text.ends_with(tail), "{text}");
    }

    #[track_caller]
    fn check_error(text: &str, line: usize, kind: RecordingErrorKind) {
        assert_eq!(Recording::parse(text), Err(RecordingError { kind, line }), "{text}");
    }

    #[test]
    fn what_is_wrong_has_a_line() {
        use RecordingErrorKind::*;
        let wad = format!("wad {}", "0".repeat(64));
        check_error("", 1, Title);
        check_error("pvm-doom recording 2\n0 end\n", 1, Title);
        check_error(TITLE, 1, NoEnd);
        check_error(&format!("{TITLE}\n0 end"), 2, NoWad);
        check_error(&format!("{TITLE}\n{wad}\n5 down 4"), 3, NoEnd);
        check_error(&format!("{TITLE}\n{wad}\n5 down 4\n4 up 4\n9 end"), 4, Order);
        check_error(&format!("{TITLE}\n{wad}\n5 end\n5 up 4"), 4, BehindEnd);
        check_error(&format!("{TITLE}\n{wad}\n{wad}\n5 end"), 3, Header);
        check_error(&format!("{TITLE}\n{wad}\n5 down 4\nargument x\n5 end"), 4, Header);
        for bad in [
            "wad 00",
            "+5 down 4",
            "5",
            "5 down",
            "5 down 256",
            "5 down -1",
            "5 left 4",
            "5 picture 00",
            "4294967296 end",
            "5  end",
        ] {
            check_error(&format!("{TITLE}\n{bad}\n9 end"), 2, Line);
        }
    }

    #[test]
    fn every_recording_cut_off_is_refused() {
        let text = recording().to_text();
        let end = text.rfind("12 end").unwrap();
        for cut in 0..end + "12 en".len() {
            assert!(Recording::parse(&text[..cut]).is_err(), "cut at {cut}");
        }
    }
}
