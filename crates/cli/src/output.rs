//! Output: files that appear whole or not at all, and a standard output that may go away.

use crate::failure::{Failure, Outcome};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Attempts at a name nobody uses for a temporary file.
const ATTEMPTS: u32 = 100;

/// Writes bytes to a file, or to standard output if the path is `-`. Refuses to write binary data to a terminal.
///
/// # Errors
/// If the file cannot be written. Whatever was there before is then still there.
pub(crate) fn write_binary(path: &Path, bytes: &[u8]) -> Outcome<()> {
    if path.as_os_str() == "-" {
        if io::stdout().is_terminal() {
            return Err(Failure::usage(
                "standard output is a terminal and the output is binary; redirect it or use -o FILE",
            ));
        }
        return write_stdout(bytes);
    }
    write_file(path, bytes)
}

/// Writes text to a file, or to standard output if there is no path or it is `-`.
///
/// # Errors
/// As [`write_binary`].
pub(crate) fn write_text(path: Option<&Path>, text: &[u8]) -> Outcome<()> {
    match path {
        Some(path) if path.as_os_str() != "-" => write_file(path, text),
        _ => write_stdout(text),
    }
}

/// Writes text as it is made, so that a listing much larger than its program is never held whole.
///
/// # Errors
/// As [`write_binary`].
pub(crate) fn stream_text(path: Option<&Path>, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Outcome<()> {
    match path {
        Some(path) if path.as_os_str() != "-" => stream_file(path, write),
        _ => stream_stdout(write),
    }
}

/// Writes to standard output. That the reader went away is no failure.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write_stdout(bytes: &[u8]) -> Outcome<()> {
    stream_stdout(|out| out.write_all(bytes))
}

fn stream_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Outcome<()> {
    let mut stdout = BufWriter::new(io::stdout().lock());
    match write(&mut stdout).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::io("standard output", &error)),
        _ => Ok(()),
    }
}

/// Prints a value as indented JSON.
///
/// # Errors
/// If standard output cannot be written.
pub(crate) fn print_json(value: &impl serde::Serialize) -> Outcome<()> {
    let mut text = serde_json::to_vec_pretty(value).expect("reports have text keys and no failing parts");
    text.push(b'\n');
    write_stdout(&text)
}

fn write_file(path: &Path, bytes: &[u8]) -> Outcome<()> {
    stream_file(path, |out| out.write_all(bytes))
}

/// Writes a file beside its place, then moves it there.
fn stream_file(path: &Path, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Outcome<()> {
    let write_to = |file: &mut File| {
        let mut out = BufWriter::new(file);
        write(&mut out).and_then(|()| out.flush())
    };
    let failed = |error: io::Error| Failure::io(format_args!("cannot write {}", path.display()), &error);
    let before = fs::metadata(path).ok();
    if before.as_ref().is_some_and(|before| !before.is_file() && !before.is_dir()) {
        // A device or a pipe: there is no place to move a file to.
        return OpenOptions::new().write(true).open(path).and_then(|mut file| write_to(&mut file)).map_err(failed);
    }
    // Through a symbolic link: replace the file it names, not the link.
    let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let (temporary, mut file) = create_beside(&place).map_err(failed)?;
    let written = write_to(&mut file).and_then(|()| match &before {
        Some(before) => file.set_permissions(before.permissions()),
        None => Ok(()),
    });
    drop(file);
    written.and_then(|()| fs::rename(&temporary, &place)).map_err(|error| {
        // The first error tells more than one of removing the rest.
        let _ = fs::remove_file(&temporary);
        failed(error)
    })
}

fn create_beside(place: &Path) -> io::Result<(PathBuf, File)> {
    let name = place.file_name().ok_or(ErrorKind::IsADirectory)?;
    for attempt in 0..ATTEMPTS {
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}-{attempt}.tmp", std::process::id()));
        let temporary = place.with_file_name(hidden);
        match OpenOptions::new().write(true).create_new(true).open(&temporary) {
            Ok(file) => return Ok((temporary, file)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(ErrorKind::AlreadyExists.into())
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut out, byte| {
        write!(out, "{byte:02x}").expect("writing to a string never fails");
        out
    })
}

/// The bytes that hexadecimal digits stand for; none if they are not pairs of digits.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}

/// A symbol as text: any bytes, those that are no text escaped.
pub(crate) fn symbol(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
        _ => bytes.escape_ascii().to_string(),
    }
}
