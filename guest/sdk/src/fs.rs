//! Files and directories that the host granted.

use crate::abi::{
    Errno, KIND_DIRECTORY, KIND_FILE, OPEN_APPEND, OPEN_CREATE, OPEN_DIRECTORY, OPEN_EXCLUSIVE, OPEN_TRUNCATE,
    OPEN_WRITE, PATH_SIZE_MAX, SEEK_CURRENT, SEEK_END, SEEK_START, STATUS_SIZE,
};
use crate::calls;
use crate::error::{Result, check, check_32, check_size};
use crate::io::{Read, Write};
use crate::prelude::*;
use core::time::Duration;

/// An open file; closes with the value.
#[derive(Debug)]
pub struct File(u32);

/// How a file is opened: for reading, and what else one asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenOptions(u32);

impl OpenOptions {
    /// For reading.
    pub fn new() -> OpenOptions {
        OpenOptions(0)
    }

    /// Also for writing.
    pub fn write(self) -> OpenOptions {
        OpenOptions(self.0 | OPEN_WRITE)
    }

    /// Each write goes to the end.
    pub fn append(self) -> OpenOptions {
        OpenOptions(self.0 | OPEN_WRITE | OPEN_APPEND)
    }

    /// Makes the file if it is not there.
    pub fn create(self) -> OpenOptions {
        OpenOptions(self.0 | OPEN_CREATE)
    }

    /// Makes the file, which must not be there.
    pub fn create_new(self) -> OpenOptions {
        OpenOptions(self.0 | OPEN_CREATE | OPEN_EXCLUSIVE)
    }

    /// Empties the file.
    pub fn truncate(self) -> OpenOptions {
        OpenOptions(self.0 | OPEN_TRUNCATE)
    }

    /// Opens the file.
    ///
    /// # Errors
    /// What the host says; [`Errno::IsDirectory`] for a directory.
    pub fn open(self, path: &str) -> Result<File> {
        let file = File(check_32(calls::open(path.as_bytes(), self.0))?);
        // The host opens directories too.
        match file.status()?.is_directory {
            true => Err(Errno::IsDirectory.into()),
            false => Ok(file),
        }
    }
}

/// A place in a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SeekFrom {
    /// From its start.
    Start(u64),
    /// From the current place.
    Current(i64),
    /// From its end.
    End(i64),
}

/// What is known of an open file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// Is it a file with places?
    pub is_file: bool,
    /// Is it a directory?
    pub is_directory: bool,
    /// Size in bytes.
    pub size: u64,
    /// Time of the last change since 1970; zero unless the time was granted.
    pub modified: Duration,
}

impl File {
    /// Opens a file for reading.
    ///
    /// # Errors
    /// What the host says.
    pub fn open(path: &str) -> Result<File> {
        OpenOptions::new().open(path)
    }

    /// Opens a file for writing, empty; makes it if it is not there.
    ///
    /// # Errors
    /// What the host says.
    pub fn create(path: &str) -> Result<File> {
        OpenOptions::new().write().create().truncate().open(path)
    }

    /// Moves to a place; where that is from the start.
    ///
    /// # Errors
    /// What the host says.
    pub fn seek(&mut self, place: SeekFrom) -> Result<u64> {
        let (whence, offset) = match place {
            SeekFrom::Start(offset) => (SEEK_START, i64::try_from(offset).map_err(|_| Errno::Invalid)?),
            SeekFrom::Current(offset) => (SEEK_CURRENT, offset),
            SeekFrom::End(offset) => (SEEK_END, offset),
        };
        check(calls::seek(self.0, whence, offset))
    }

    /// Cuts the file or extends it by zeros.
    ///
    /// # Errors
    /// What the host says.
    pub fn resize(&mut self, size: u64) -> Result<()> {
        check(calls::resize(self.0, size)).map(|_| ())
    }

    /// What is known of it.
    ///
    /// # Errors
    /// What the host says.
    pub fn status(&self) -> Result<Status> {
        let mut record = [0; STATUS_SIZE];
        check(calls::status(self.0, &mut record))?;
        let [kind, _, size, modified] = {
            let (words, _) = record.as_chunks::<4>();
            let word = |at: usize| u64::from(u32::from_le_bytes(words[at]));
            [word(0), word(1), word(2) | word(3) << 32, word(4) | word(5) << 32]
        };
        Ok(Status {
            is_file: kind == u64::from(KIND_FILE),
            is_directory: kind == u64::from(KIND_DIRECTORY),
            size,
            modified: Duration::from_nanos(modified),
        })
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = calls::close(self.0);
    }
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        check_size(calls::read(self.0, buffer), buffer.len())
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        check_size(calls::write(self.0, bytes), bytes.len())
    }
}

/// The bytes of a file.
///
/// # Errors
/// What the host says.
pub fn read(path: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of a file.
///
/// # Errors
/// What the host says; [`Errno::Invalid`] if it is no UTF-8.
pub fn read_to_string(path: &str) -> Result<String> {
    String::from_utf8(read(path)?).map_err(|_| Errno::Invalid.into())
}

/// Writes a whole file.
///
/// # Errors
/// What the host says.
pub fn write(path: &str, bytes: impl AsRef<[u8]>) -> Result<()> {
    File::create(path)?.write_all(bytes.as_ref())
}

/// Removes a file or an empty directory.
///
/// # Errors
/// What the host says.
pub fn remove(path: &str) -> Result<()> {
    check(calls::remove(path.as_bytes())).map(|_| ())
}

/// Gives a file or directory another path.
///
/// # Errors
/// What the host says.
pub fn rename(from: &str, to: &str) -> Result<()> {
    check(calls::rename(from.as_bytes(), to.as_bytes())).map(|_| ())
}

/// Makes a directory.
///
/// # Errors
/// What the host says.
pub fn make_directory(path: &str) -> Result<()> {
    check(calls::make_directory(path.as_bytes())).map(|_| ())
}

/// An entry of a directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Is it a directory?
    pub is_directory: bool,
    /// Is it a file?
    pub is_file: bool,
}

/// The entries of a directory, sorted by name.
///
/// # Errors
/// What the host says.
pub fn read_directory(path: &str) -> Result<Vec<Entry>> {
    let directory = File(check_32(calls::open(path.as_bytes(), OPEN_DIRECTORY))?);
    let mut buffer = vec![0; usize::try_from(PATH_SIZE_MAX).unwrap_or(usize::MAX)];
    let mut entries = Vec::new();
    loop {
        let size = check_size(calls::next_entry(directory.0, &mut buffer), buffer.len())?;
        let Some((kind, name)) = buffer[..size].split_first() else { return Ok(entries) };
        let name = str::from_utf8(name).map_err(|_| Errno::Io)?.to_owned();
        entries.push(Entry { name, is_directory: *kind == KIND_DIRECTORY, is_file: *kind == KIND_FILE });
    }
}
