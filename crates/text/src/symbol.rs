//! Symbols: names of imports and exports, which may be any bytes, in quotes.

use core::fmt;

/// Parses `"…"`: UTF-8 text in which `\"`, `\\` and `\xNN` stand for a quote, a backslash and any byte.
pub(crate) fn parse(text: &str) -> Option<Vec<u8>> {
    let mut rest = text.strip_prefix('"')?.strip_suffix('"')?.bytes();
    let mut bytes = Vec::with_capacity(rest.len());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'"' => return None,
            b'\\' => match rest.next()? {
                escaped @ (b'"' | b'\\') => escaped,
                b'x' => digit(rest.next()?)? << 4 | digit(rest.next()?)?,
                _ => return None,
            },
            byte => byte,
        });
    }
    Some(bytes)
}

fn digit(byte: u8) -> Option<u8> {
    u8::try_from(char::from(byte).to_digit(16)?).ok()
}

/// Writes a symbol so that, in quotes, [`parse`] reads it back.
pub(crate) struct Escaped<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for char in chunk.valid().chars() {
                match char {
                    '"' | '\\' => write!(f, "\\{char}")?,
                    _ if char.is_control() => {
                        let mut buffer = [0; 4];
                        for byte in char.encode_utf8(&mut buffer).bytes() {
                            write!(f, "\\x{byte:02x}")?;
                        }
                    }
                    _ => write!(f, "{char}")?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// A symbol in a comment, cut short if it is long: one instruction costs a few bytes, and its comment must not cost many.
pub(crate) struct Shortened<'a>(pub(crate) &'a [u8]);

impl Shortened<'_> {
    const LENGTH_MAX: usize = 200;
}

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() <= Self::LENGTH_MAX {
            return Escaped(self.0).fmt(f);
        }
        let continues = |at: &usize| self.0[*at] & 0xc0 == 0x80;
        let end = (0..=Self::LENGTH_MAX).rev().find(|at| !continues(at)).unwrap_or(Self::LENGTH_MAX);
        write!(f, "{}\u{2026}", Escaped(&self.0[..end]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_survive_quoting() {
        for symbol in [&b""[..], b"main", b"a\"b\\c\n\x00", "gr\u{fc}\u{df}e \u{85}".as_bytes(), b"\xff\xfe\xc3"] {
            assert_eq!(parse(&format!("\"{}\"", Escaped(symbol))).as_deref(), Some(symbol));
        }
        assert_eq!(Escaped(b"a\xffb").to_string(), "a\\xffb");
        for bad in ["", "\"", "a", "\"a", "\"\"\"", "\"\\\"", "\"\\x1\"", "\"\\n\""] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn long_symbols_are_cut_between_characters() {
        let long = format!("a{}", "\u{fc}".repeat(150));
        assert_eq!(Shortened(long.as_bytes()).to_string(), format!("a{}\u{2026}", "\u{fc}".repeat(99)));
        assert_eq!(Shortened(&[0x80; 201]).to_string(), format!("{}\u{2026}", "\\x80".repeat(200)));
        assert_eq!(Shortened(b"short").to_string(), "short");
    }
}
