//! Descriptors: streams, open files and directories by number.

use crate::files::{Entry, OpenDirectory, OpenFile, error_of};
use crate::guest::{Bytes, Guest};
use pvm_guest_abi::system::{
    DESCRIPTORS_MAX, ENTRIES_MAX, Errno, KIND_DIRECTORY, KIND_FILE, KIND_STREAM, SEEK_CURRENT, SEEK_END, SEEK_START,
    STATUS_SIZE, STATUS_TERMINAL,
};
use pvm_num::casts::{to_u64, to_usize, unsigned_64};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};

/// Bytes copied to or from the guest at once.
const CHUNK: u32 = 64 << 10;

/// What a number stands for.
pub(crate) enum Descriptor {
    Input(Box<dyn Read>),
    Output(Box<dyn Write>),
    File(OpenFile),
    Directory(OpenDirectory),
}

/// All of a guest's descriptors.
#[derive(Default)]
pub(crate) struct Descriptors {
    slots: Vec<Option<Descriptor>>,
    /// Which of the standard streams are terminals.
    terminals: [bool; 3],
}

impl Descriptors {
    pub(crate) fn set(&mut self, fd: usize, descriptor: Descriptor) {
        if self.slots.len() <= fd {
            self.slots.resize_with(fd + 1, || None);
        }
        self.slots[fd] = Some(descriptor);
    }

    pub(crate) fn set_terminal(&mut self, fd: u32) {
        if let Some(is_terminal) = self.terminals.get_mut(to_usize(fd)) {
            *is_terminal = true;
        }
    }

    fn get(&mut self, fd: u32) -> Result<&mut Descriptor, Errno> {
        self.slots.get_mut(to_usize(fd)).and_then(Option::as_mut).ok_or(Errno::BadDescriptor)
    }

    fn file(&mut self, fd: u32) -> Result<&mut OpenFile, Errno> {
        match self.get(fd)? {
            Descriptor::File(file) => Ok(file),
            Descriptor::Directory(_) => Err(Errno::IsDirectory),
            Descriptor::Input(_) | Descriptor::Output(_) => Err(Errno::CannotSeek),
        }
    }

    /// The lowest number that is free, streams' own numbers left to them, for what `open` gives; it is told how many
    /// entries a directory may have.
    pub(crate) fn open(&mut self, open: impl FnOnce(usize) -> Result<Entry, Errno>) -> Result<u64, Errno> {
        let fd = (3..DESCRIPTORS_MAX).find(|fd| self.slots.get(*fd).is_none_or(Option::is_none));
        let fd = fd.ok_or(Errno::TooManyOpen)?;
        let entries = |descriptor: &Descriptor| match descriptor {
            Descriptor::Directory(directory) => directory.len(),
            _ => 0,
        };
        let kept: usize = self.slots.iter().flatten().map(entries).sum();
        let descriptor = match open(ENTRIES_MAX - kept)? {
            Entry::File(file) => Descriptor::File(file),
            Entry::Directory(directory) => Descriptor::Directory(directory),
        };
        self.set(fd, descriptor);
        Ok(to_u64(fd))
    }

    pub(crate) fn close(&mut self, fd: u32) -> Result<u64, Errno> {
        self.get(fd)?;
        self.slots[to_usize(fd)] = None;
        Ok(0)
    }

    /// All or, if some of it is not the guest's to read, nothing. A failure after some bytes tells how many went out.
    pub(crate) fn write(&mut self, fd: u32, guest: &mut Guest<'_>, bytes: Bytes) -> Result<u64, Errno> {
        let out: &mut dyn Write = match self.get(fd)? {
            Descriptor::Output(stream) => stream,
            Descriptor::File(file) if file.is_writable => &mut file.file,
            _ => return Err(Errno::BadDescriptor),
        };
        let (address, length) = guest.readable(bytes)?;
        let mut buffer = vec![0; to_usize(length.min(CHUNK))];
        let mut written = 0;
        while written < length {
            let size = (length - written).min(CHUNK);
            let chunk = &mut buffer[..to_usize(size)];
            guest.read_into(address + written, chunk)?;
            match out.write_all(chunk) {
                Ok(()) => written += size,
                Err(error) if written == 0 => return Err(error_of(&error)),
                Err(_) => break,
            }
        }
        match out.flush() {
            Err(error) if written == length => Err(error_of(&error)),
            _ => Ok(u64::from(written)),
        }
    }

    /// What one read of the stream or file gives.
    pub(crate) fn read(&mut self, fd: u32, guest: &mut Guest<'_>, bytes: Bytes) -> Result<u64, Errno> {
        let source: &mut dyn Read = match self.get(fd)? {
            Descriptor::Input(stream) => stream,
            Descriptor::File(file) => &mut file.file,
            Descriptor::Directory(_) => return Err(Errno::IsDirectory),
            Descriptor::Output(_) => return Err(Errno::BadDescriptor),
        };
        // Nothing may be taken from a stream that the guest cannot be given.
        let (_, length) = guest.writable(bytes)?;
        let mut buffer = vec![0; to_usize(length.min(CHUNK))];
        let size = read_some(source, &mut buffer).map_err(|error| error_of(&error))?;
        guest.write(bytes, &buffer[..size])?;
        Ok(to_u64(size))
    }

    pub(crate) fn seek(&mut self, fd: u32, whence: u32, offset: i64) -> Result<u64, Errno> {
        let file = self.file(fd)?;
        let to = match whence {
            SEEK_START => SeekFrom::Start(u64::try_from(offset).map_err(|_| Errno::Invalid)?),
            SEEK_CURRENT => SeekFrom::Current(offset),
            SEEK_END => SeekFrom::End(offset),
            _ => return Err(Errno::Invalid),
        };
        file.file.seek(to).map_err(|error| error_of(&error))
    }

    pub(crate) fn status(
        &mut self,
        fd: u32,
        guest: &mut Guest<'_>,
        address: u64,
        has_time: bool,
    ) -> Result<u64, Errno> {
        let (kind, (size, modified)) = match self.get(fd)? {
            Descriptor::File(file) => (KIND_FILE, file.size_and_time()?),
            Descriptor::Directory(_) => (KIND_DIRECTORY, (0, 0)),
            Descriptor::Input(_) | Descriptor::Output(_) => (KIND_STREAM, (0, 0)),
        };
        let mut record = [0; STATUS_SIZE];
        record[0] = kind;
        if kind == KIND_STREAM && self.terminals.get(to_usize(fd)) == Some(&true) {
            record[4] = STATUS_TERMINAL;
        }
        record[8..16].copy_from_slice(&size.to_le_bytes());
        let modified = if has_time { modified } else { 0 };
        record[16..24].copy_from_slice(&unsigned_64(modified).to_le_bytes());
        guest.write(Bytes { address, length: to_u64(STATUS_SIZE) }, &record)?;
        Ok(0)
    }

    pub(crate) fn resize(&mut self, fd: u32, size: u64) -> Result<u64, Errno> {
        let file = self.file(fd)?;
        if !file.is_writable {
            return Err(Errno::BadDescriptor);
        }
        file.file.set_len(size).map_err(|error| error_of(&error))?;
        Ok(0)
    }

    pub(crate) fn next_entry(&mut self, fd: u32, guest: &mut Guest<'_>, bytes: Bytes) -> Result<u64, Errno> {
        let Descriptor::Directory(directory) = self.get(fd)? else {
            return Err(Errno::NotDirectory);
        };
        let Some((kind, name)) = directory.peek() else {
            return Ok(0);
        };
        let record = [&[kind], name.as_bytes()].concat();
        guest.write(bytes, &record)?;
        directory.advance();
        Ok(to_u64(record.len()))
    }
}

/// A read that no signal of the host interrupts.
fn read_some(source: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}
