//! Reading, writing, the standard streams, and the macros that print.

use crate::abi::{Errno, STDERR, STDIN, STDOUT};
use crate::calls;
use crate::error::{Result, check_size};
use crate::prelude::*;
use core::fmt;

/// How much is read at once where the size is not known.
const CHUNK: usize = 4096;

/// Something to read from.
pub trait Read {
    /// Reads into the start of `buffer`; how much: 0 at the end.
    ///
    /// # Errors
    /// What the host says.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize>;

    /// Appends the rest to `bytes`.
    ///
    /// # Errors
    /// What the host says; what was read before stays.
    fn read_to_end(&mut self, bytes: &mut Vec<u8>) -> Result<()> {
        let mut buffer = [0; CHUNK];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(size) => bytes.extend_from_slice(&buffer[..size]),
                Err(error) if error == Errno::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Appends the rest to `text`.
    ///
    /// # Errors
    /// What the host says; [`Errno::Invalid`] if it is no UTF-8.
    fn read_to_string(&mut self, text: &mut String) -> Result<()> {
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)?;
        text.push_str(str::from_utf8(&bytes).map_err(|_| Errno::Invalid)?);
        Ok(())
    }

    /// Fills `buffer`.
    ///
    /// # Errors
    /// What the host says; [`Errno::Io`] if the end comes before.
    fn read_exact(&mut self, mut buffer: &mut [u8]) -> Result<()> {
        while !buffer.is_empty() {
            match self.read(buffer) {
                Ok(0) => return Err(Errno::Io.into()),
                Ok(size) => buffer = &mut buffer[size..],
                Err(error) if error == Errno::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Something to write to; nothing is kept back, so that there is nothing to flush.
pub trait Write {
    /// Writes some of the bytes; how many.
    ///
    /// # Errors
    /// What the host says.
    fn write(&mut self, bytes: &[u8]) -> Result<usize>;

    /// Writes all of the bytes.
    ///
    /// # Errors
    /// What the host says; [`Errno::Io`] if it takes no more.
    fn write_all(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            match self.write(bytes) {
                Ok(0) => return Err(Errno::Io.into()),
                Ok(size) => bytes = &bytes[size..],
                Err(error) if error == Errno::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Writes what `write!` formats.
    ///
    /// # Errors
    /// What the host says; [`Errno::Io`] if formatting fails.
    fn write_fmt(&mut self, arguments: fmt::Arguments<'_>) -> Result<()>
    where
        Self: Sized,
    {
        let mut out = Collected { to: self, buffer: [0; 256], size: 0, result: Ok(()) };
        let formatted = fmt::write(&mut out, arguments);
        out.flush();
        out.result?;
        formatted.map_err(|_| Errno::Io.into())
    }
}

/// Collects pieces of text, so that a line is one call of the host.
struct Collected<'a, W> {
    to: &'a mut W,
    buffer: [u8; 256],
    size: usize,
    result: Result<()>,
}

impl<W: Write> Collected<'_, W> {
    fn flush(&mut self) {
        if self.result.is_ok() {
            self.result = self.to.write_all(&self.buffer[..self.size]);
        }
        self.size = 0;
    }
}

impl<W: Write> fmt::Write for Collected<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut bytes = text.as_bytes();
        while !bytes.is_empty() {
            if self.size == self.buffer.len() {
                self.flush();
            }
            let size = bytes.len().min(self.buffer.len() - self.size);
            self.buffer[self.size..][..size].copy_from_slice(&bytes[..size]);
            (self.size, bytes) = (self.size + size, &bytes[size..]);
        }
        self.result.map_err(|_| fmt::Error)
    }
}

/// A standard stream.
#[derive(Clone, Copy, Debug)]
pub struct Stream(u32);

/// The standard input.
pub fn stdin() -> Stream {
    Stream(STDIN)
}

/// The standard output.
pub fn stdout() -> Stream {
    Stream(STDOUT)
}

/// The standard error output.
pub fn stderr() -> Stream {
    Stream(STDERR)
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        check_size(calls::read(self.0, buffer), buffer.len())
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        check_size(calls::write(self.0, bytes), bytes.len())
    }
}

impl Write for Vec<u8> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.extend_from_slice(bytes);
        Ok(bytes.len())
    }
}

impl Read for &[u8] {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let size = buffer.len().min(self.len());
        let (now, rest) = self.split_at(size);
        buffer[..size].copy_from_slice(now);
        *self = rest;
        Ok(size)
    }
}

/// Reads lines of something.
///
/// ```
/// use pvm::io::Lines;
///
/// let lines: Result<Vec<String>, _> = Lines::new(&b"one\ntwo"[..]).collect();
/// assert_eq!(lines.unwrap(), ["one", "two"]);
/// ```
#[derive(Debug)]
pub struct Lines<R> {
    from: R,
    buffer: Vec<u8>,
    next: usize,
}

impl<R: Read> Lines<R> {
    /// The lines of `from`, without their ends.
    pub fn new(from: R) -> Lines<R> {
        Lines { from, buffer: Vec::new(), next: 0 }
    }

    /// Reads more behind what is there; is it the end?
    fn fill(&mut self) -> Result<bool> {
        self.buffer.drain(..core::mem::take(&mut self.next));
        let old = self.buffer.len();
        self.buffer.resize(old + CHUNK, 0);
        let read = loop {
            match self.from.read(&mut self.buffer[old..]) {
                Err(error) if error == Errno::Interrupted => {}
                read => break read,
            }
        };
        self.buffer.truncate(old + read.unwrap_or(0));
        Ok(read? == 0)
    }
}

impl<R: Read> Iterator for Lines<R> {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Result<String>> {
        let mut seen = 0;
        let line = loop {
            let rest = &self.buffer[self.next..];
            if let Some(end) = rest[seen..].iter().position(|byte| *byte == b'\n') {
                let line = rest[..seen + end].to_vec();
                self.next += line.len() + 1;
                break line;
            }
            seen = rest.len();
            match self.fill() {
                Ok(true) if seen == 0 => return None,
                Ok(true) => {
                    self.next = seen;
                    break self.buffer.clone();
                }
                Ok(false) => {}
                Err(error) => return Some(Err(error)),
            }
        };
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        Some(str::from_utf8(line).map(ToOwned::to_owned).map_err(|_| Errno::Invalid.into()))
    }
}

/// Prints on a stream; if nobody reads it, what is printed is lost.
#[doc(hidden)]
pub fn print_to(mut stream: Stream, arguments: fmt::Arguments<'_>) {
    let _ = stream.write_fmt(arguments);
}

/// Prints on the standard output, as the macro of `std`.
#[macro_export]
macro_rules! print {
    ($($arguments:tt)*) => { $crate::io::print_to($crate::io::stdout(), ::core::format_args!($($arguments)*)) };
}

/// Prints a line on the standard output, as the macro of `std`.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($($arguments:tt)*) => {
        $crate::io::print_to($crate::io::stdout(), ::core::format_args!("{}\n", ::core::format_args!($($arguments)*)))
    };
}

/// Prints on the standard error output, as the macro of `std`.
#[macro_export]
macro_rules! eprint {
    ($($arguments:tt)*) => { $crate::io::print_to($crate::io::stderr(), ::core::format_args!($($arguments)*)) };
}

/// Prints a line on the standard error output, as the macro of `std`.
#[macro_export]
macro_rules! eprintln {
    () => { $crate::eprint!("\n") };
    ($($arguments:tt)*) => {
        $crate::io::print_to($crate::io::stderr(), ::core::format_args!("{}\n", ::core::format_args!($($arguments)*)))
    };
}
