//! Granted directories: from a guest's path to a file below one of them.

use cap_std::fs::{Dir, File, Metadata, OpenOptions};
use pvm_guest_abi::system::{
    Errno, KIND_DIRECTORY, KIND_FILE, KIND_OTHER, OPEN_APPEND, OPEN_CREATE, OPEN_DIRECTORY, OPEN_EXCLUSIVE,
    OPEN_TRUNCATE, OPEN_WRITE,
};
use std::io::{self, ErrorKind};
use std::time::SystemTime;

/// An open file.
pub(crate) struct OpenFile {
    pub(crate) file: File,
    pub(crate) is_writable: bool,
}

impl OpenFile {
    /// Size in bytes and time of the last change in nanoseconds since 1970.
    pub(crate) fn size_and_time(&self) -> Result<(u64, i64), Errno> {
        let metadata = self.file.metadata().map_err(|error| error_of(&error))?;
        Ok((metadata.len(), modified(&metadata).unwrap_or(0)))
    }
}

fn modified(metadata: &Metadata) -> Option<i64> {
    let since = metadata.modified().ok()?.into_std().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_nanos()).ok()
}

/// An open directory: its entries when it was opened, sorted by name.
pub(crate) struct OpenDirectory {
    entries: Vec<(u8, String)>,
    next: usize,
}

impl OpenDirectory {
    /// Reads all entries or, if there are more than `room`, fails rather than show a part.
    fn read(directory: &Dir, room: usize) -> Result<OpenDirectory, Errno> {
        let mut entries = Vec::new();
        for entry in directory.entries().map_err(|error| error_of(&error))? {
            let entry = entry.map_err(|error| error_of(&error))?;
            let kind = entry.file_type().map_or(KIND_OTHER, |kind| match (kind.is_file(), kind.is_dir()) {
                (true, _) => KIND_FILE,
                (_, true) => KIND_DIRECTORY,
                _ => KIND_OTHER,
            });
            // A name that is no UTF-8 could not be opened either.
            if let Ok(name) = entry.file_name().into_string() {
                entries.push((kind, name));
            }
            if entries.len() > room {
                return Err(Errno::NoMemory);
            }
        }
        entries.sort_by(|left, right| left.1.cmp(&right.1));
        Ok(OpenDirectory { entries, next: 0 })
    }

    /// How many entries it has.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The next entry's kind and name.
    pub(crate) fn peek(&self) -> Option<(u8, &str)> {
        self.entries.get(self.next).map(|(kind, name)| (*kind, name.as_str()))
    }

    pub(crate) fn advance(&mut self) {
        self.next += 1;
    }
}

/// What opening a path gives.
pub(crate) enum Entry {
    File(OpenFile),
    Directory(OpenDirectory),
}

/// A directory of the host at a path of the guest.
struct Grant {
    at: Vec<String>,
    directory: Dir,
    is_writable: bool,
}

/// All granted directories.
#[derive(Default)]
pub(crate) struct Directories {
    grants: Vec<Grant>,
}

/// A path below a grant: `.` for the granted directory itself.
struct Place<'a> {
    grant: &'a Grant,
    path: String,
}

impl Place<'_> {
    fn writable(&self) -> Result<(), Errno> {
        match self.grant.is_writable {
            true => Ok(()),
            false => Err(Errno::ReadOnly),
        }
    }
}

impl Directories {
    pub(crate) fn add(&mut self, at: &str, directory: Dir, is_writable: bool) {
        self.grants.push(Grant { at: components(at), directory, is_writable });
    }

    /// The innermost grant that holds a path.
    fn find(&self, path: &str) -> Result<Place<'_>, Errno> {
        let parts = components(path);
        let holds = |grant: &&Grant| parts.starts_with(&grant.at);
        let grant = self.grants.iter().filter(holds).max_by_key(|grant| grant.at.len()).ok_or(Errno::NoEntry)?;
        let rest = &parts[grant.at.len()..];
        Ok(Place { grant, path: if rest.is_empty() { ".".to_owned() } else { rest.join("/") } })
    }

    /// Opens a file or a directory of at most `room` entries.
    pub(crate) fn open(&self, path: &str, flags: u32, room: usize) -> Result<Entry, Errno> {
        const KNOWN: u32 = OPEN_WRITE | OPEN_CREATE | OPEN_EXCLUSIVE | OPEN_TRUNCATE | OPEN_APPEND | OPEN_DIRECTORY;
        let has = |flag: u32| flags & flag != 0;
        if flags & !KNOWN != 0 || (has(OPEN_DIRECTORY) && flags != OPEN_DIRECTORY) {
            return Err(Errno::Invalid);
        }
        let place = self.find(path)?;
        let is_writable = has(OPEN_WRITE) || has(OPEN_APPEND);
        let changes = is_writable || has(OPEN_CREATE) || has(OPEN_TRUNCATE);
        let directory = &place.grant.directory;
        match directory.metadata(&place.path) {
            Ok(metadata) if metadata.is_dir() => {
                if changes {
                    return Err(Errno::IsDirectory);
                }
                let opened = directory.open_dir(&place.path).map_err(|error| error_of(&error))?;
                return OpenDirectory::read(&opened, room).map(Entry::Directory);
            }
            // Opening a pipe or a device could wait for ever, or do things.
            Ok(metadata) if !metadata.is_file() => return Err(Errno::Access),
            Ok(_) if has(OPEN_DIRECTORY) => return Err(Errno::NotDirectory),
            Err(error) if error.kind() != ErrorKind::NotFound || !has(OPEN_CREATE) => return Err(error_of(&error)),
            _ => {}
        }
        if changes {
            place.writable()?;
        }
        let mut options = OpenOptions::new();
        // The host opens for writing what it makes or empties, and does not empty what it appends to: that comes after.
        let appends = has(OPEN_APPEND);
        options.read(true).write(changes && !appends).append(appends);
        options.truncate(has(OPEN_TRUNCATE) && !appends).create(has(OPEN_CREATE) && !has(OPEN_EXCLUSIVE));
        options.create_new(has(OPEN_CREATE) && has(OPEN_EXCLUSIVE));
        let file = directory.open_with(&place.path, &options).map_err(|error| error_of(&error))?;
        if has(OPEN_TRUNCATE) && appends {
            file.set_len(0).map_err(|error| error_of(&error))?;
        }
        Ok(Entry::File(OpenFile { file, is_writable }))
    }

    pub(crate) fn remove(&self, path: &str) -> Result<u64, Errno> {
        let place = self.find(path)?;
        place.writable()?;
        let directory = &place.grant.directory;
        let metadata = directory.symlink_metadata(&place.path).map_err(|error| error_of(&error))?;
        match metadata.is_dir() {
            true => directory.remove_dir(&place.path),
            false => directory.remove_file(&place.path),
        }
        .map_err(|error| error_of(&error))?;
        Ok(0)
    }

    pub(crate) fn rename(&self, from: &str, to: &str) -> Result<u64, Errno> {
        let (from, to) = (self.find(from)?, self.find(to)?);
        from.writable()?;
        to.writable()?;
        if !std::ptr::eq(from.grant, to.grant) {
            return Err(Errno::CrossDevice);
        }
        let directory = &from.grant.directory;
        directory.rename(&from.path, directory, &to.path).map_err(|error| error_of(&error))?;
        Ok(0)
    }

    pub(crate) fn make(&self, path: &str) -> Result<u64, Errno> {
        let place = self.find(path)?;
        place.writable()?;
        place.grant.directory.create_dir(&place.path).map_err(|error| error_of(&error))?;
        Ok(0)
    }
}

/// The parts of a path, from `/`. `..` goes up one part and never above `/`, whatever lies there.
fn components(path: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part.to_owned()),
        }
    }
    parts
}

/// The error of the interface that says what the host's error says.
pub(crate) fn error_of(error: &io::Error) -> Errno {
    match error.kind() {
        ErrorKind::NotFound => Errno::NoEntry,
        ErrorKind::PermissionDenied => Errno::Access,
        ErrorKind::AlreadyExists => Errno::Exists,
        ErrorKind::NotADirectory => Errno::NotDirectory,
        ErrorKind::IsADirectory => Errno::IsDirectory,
        ErrorKind::DirectoryNotEmpty => Errno::NotEmpty,
        ErrorKind::ReadOnlyFilesystem => Errno::ReadOnly,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => Errno::NoSpace,
        ErrorKind::InvalidInput => Errno::Invalid,
        ErrorKind::InvalidFilename => Errno::NameTooLong,
        ErrorKind::Interrupted => Errno::Interrupted,
        ErrorKind::WouldBlock => Errno::Again,
        ErrorKind::BrokenPipe => Errno::BrokenPipe,
        ErrorKind::CrossesDevices => Errno::CrossDevice,
        _ => Errno::Io,
    }
}
