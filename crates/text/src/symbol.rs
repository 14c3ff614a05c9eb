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
}
