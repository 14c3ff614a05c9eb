//! The system interface over `std`, for guest code that is built for the host: its tests, and a look at it in a debugger.
//!
//! Everything of the user's is granted; devices are not there.

use crate::abi::{
    DESCRIPTORS_MAX, Errno, KIND_DIRECTORY, KIND_FILE, KIND_OTHER, KIND_STREAM, OPEN_APPEND, OPEN_CREATE,
    OPEN_DIRECTORY, OPEN_EXCLUSIVE, OPEN_TRUNCATE, OPEN_WRITE, SEEK_CURRENT, SEEK_END, SEEK_START, STATUS_SIZE, STDERR,
    STDIN, STDOUT,
};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

enum Open {
    Stream,
    File(File),
    /// Entries as `next_entry` gives them, the next one last.
    Directory(Vec<Vec<u8>>),
}

static OPEN: Mutex<BTreeMap<u32, Open>> = Mutex::new(BTreeMap::new());
static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

fn open_descriptors() -> MutexGuard<'static, BTreeMap<u32, Open>> {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    if open.is_empty() {
        open.extend([STDIN, STDOUT, STDERR].map(|fd| (fd, Open::Stream)));
    }
    open
}

/// A result as the interface gives it.
fn answer(result: Result<u64, Errno>) -> i64 {
    result.map_or_else(|error| -error.number(), |value| i64::try_from(value).unwrap_or(i64::MAX))
}

fn error_of(error: &io::Error) -> Errno {
    let number = error.raw_os_error().map(i64::from);
    let known = Errno::ALL.iter().find(|errno| Some(errno.number()) == number);
    known.copied().unwrap_or(match error.kind() {
        ErrorKind::InvalidInput => Errno::Invalid,
        ErrorKind::AlreadyExists => Errno::Exists,
        _ => Errno::Io,
    })
}

fn done(result: io::Result<()>) -> i64 {
    answer(result.map(|()| 0).map_err(|error| error_of(&error)))
}

fn length(result: io::Result<usize>) -> i64 {
    answer(result.map_err(|error| error_of(&error)).and_then(|size| u64::try_from(size).map_err(|_| Errno::Io)))
}

fn path(bytes: &[u8]) -> Result<&str, Errno> {
    str::from_utf8(bytes).ok().filter(|path| !path.contains('\0')).ok_or(Errno::Invalid)
}

fn with_path(bytes: &[u8], act: impl FnOnce(&str) -> io::Result<()>) -> i64 {
    match path(bytes) {
        Ok(path) => done(act(path)),
        Err(error) => answer(Err(error)),
    }
}

fn with_file(fd: u32, act: impl FnOnce(&mut File) -> io::Result<u64>) -> i64 {
    answer(match open_descriptors().get_mut(&fd) {
        Some(Open::File(file)) => act(file).map_err(|error| error_of(&error)),
        Some(Open::Stream) => Err(Errno::CannotSeek),
        Some(Open::Directory(_)) => Err(Errno::IsDirectory),
        None => Err(Errno::BadDescriptor),
    })
}

pub(crate) fn exit(code: i32) -> ! {
    std::process::exit(code)
}

pub(crate) fn write(fd: u32, bytes: &[u8]) -> i64 {
    // `cargo test` keeps apart what the macros print.
    match (open_descriptors().get_mut(&fd), str::from_utf8(bytes)) {
        (Some(Open::Stream), Ok(text)) if fd == STDOUT => std::print!("{text}"),
        (Some(Open::Stream), Ok(text)) if fd == STDERR => std::eprint!("{text}"),
        (Some(Open::Stream), _) if fd == STDOUT => return length(io::stdout().write(bytes)),
        (Some(Open::Stream), _) if fd == STDERR => return length(io::stderr().write(bytes)),
        (Some(Open::File(file)), _) => return length(file.write(bytes)),
        _ => return answer(Err(Errno::BadDescriptor)),
    }
    length(Ok(bytes.len()))
}

pub(crate) fn read(fd: u32, bytes: &mut [u8]) -> i64 {
    match open_descriptors().get_mut(&fd) {
        Some(Open::Stream) if fd == STDIN => length(io::stdin().read(bytes)),
        Some(Open::File(file)) => length(file.read(bytes)),
        Some(Open::Directory(_)) => answer(Err(Errno::IsDirectory)),
        _ => answer(Err(Errno::BadDescriptor)),
    }
}

/// Copies texts, each ended by a 0 byte, as far as they fit.
fn copy_texts(texts: impl Iterator<Item = String>, to: &mut [u8]) -> i64 {
    let all: Vec<u8> = texts.flat_map(|text| text.into_bytes().into_iter().chain([0])).collect();
    let size = all.len().min(to.len());
    to[..size].copy_from_slice(&all[..size]);
    length(Ok(all.len()))
}

pub(crate) fn arguments(bytes: &mut [u8]) -> i64 {
    copy_texts(std::env::args_os().map(|text| text.to_string_lossy().into_owned()), bytes)
}

pub(crate) fn environment(bytes: &mut [u8]) -> i64 {
    let variables = std::env::vars_os();
    copy_texts(variables.map(|(name, value)| format!("{}={}", name.to_string_lossy(), value.to_string_lossy())), bytes)
}

pub(crate) fn ticks() -> i64 {
    answer(u64::try_from(BEGAN.elapsed().as_nanos()).map_err(|_| Errno::Io))
}

pub(crate) fn time() -> i64 {
    answer(nanoseconds(SystemTime::now()))
}

fn nanoseconds(time: SystemTime) -> Result<u64, Errno> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).map_err(|_| Errno::Io)?;
    u64::try_from(since.as_nanos()).map_err(|_| Errno::Io)
}

pub(crate) fn open(bytes: &[u8], flags: u32) -> i64 {
    answer(open_path(bytes, flags))
}

fn open_path(bytes: &[u8], flags: u32) -> Result<u64, Errno> {
    let has = |flag: u32| flags & flag != 0;
    let path = path(bytes)?;
    let is_directory = fs::metadata(path).is_ok_and(|metadata| metadata.is_dir());
    let opened = if is_directory {
        if flags & !OPEN_DIRECTORY != 0 {
            return Err(Errno::IsDirectory);
        }
        Open::Directory(entries(path).map_err(|error| error_of(&error))?)
    } else {
        let mut options = OpenOptions::new();
        options.read(true).write(has(OPEN_WRITE) && !has(OPEN_APPEND)).append(has(OPEN_APPEND));
        options
            .truncate(has(OPEN_TRUNCATE))
            .create(has(OPEN_CREATE))
            .create_new(has(OPEN_CREATE) && has(OPEN_EXCLUSIVE));
        let file = options.open(path).map_err(|error| error_of(&error))?;
        if has(OPEN_DIRECTORY) {
            return Err(Errno::NotDirectory);
        }
        Open::File(file)
    };
    let mut open = open_descriptors();
    let fd = (0..).take(DESCRIPTORS_MAX).find(|fd| !open.contains_key(fd)).ok_or(Errno::TooManyOpen)?;
    open.insert(fd, opened);
    Ok(u64::from(fd))
}

fn entries(path: &str) -> io::Result<Vec<Vec<u8>>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let kind = if kind.is_file() {
            KIND_FILE
        } else if kind.is_dir() {
            KIND_DIRECTORY
        } else {
            KIND_OTHER
        };
        if let Ok(name) = entry.file_name().into_string() {
            entries.push([&[kind], name.as_bytes()].concat());
        }
    }
    entries.sort_by(|left, right| right[1..].cmp(&left[1..]));
    Ok(entries)
}

pub(crate) fn close(fd: u32) -> i64 {
    answer(open_descriptors().remove(&fd).map(|_| 0).ok_or(Errno::BadDescriptor))
}

pub(crate) fn seek(fd: u32, whence: u32, offset: i64) -> i64 {
    let place = match (whence, u64::try_from(offset)) {
        (SEEK_START, Ok(offset)) => SeekFrom::Start(offset),
        (SEEK_CURRENT, _) => SeekFrom::Current(offset),
        (SEEK_END, _) => SeekFrom::End(offset),
        _ => return answer(Err(Errno::Invalid)),
    };
    with_file(fd, |file| file.seek(place))
}

pub(crate) fn status(fd: u32, record: &mut [u8; STATUS_SIZE]) -> i64 {
    let (kind, size, modified) = match open_descriptors().get_mut(&fd) {
        Some(Open::Stream) => (KIND_STREAM, 0, 0),
        Some(Open::Directory(_)) => (KIND_DIRECTORY, 0, 0),
        Some(Open::File(file)) => match file.metadata() {
            Ok(metadata) => (
                KIND_FILE,
                metadata.len(),
                metadata.modified().ok().and_then(|time| nanoseconds(time).ok()).unwrap_or(0),
            ),
            Err(error) => return done(Err(error)),
        },
        None => return answer(Err(Errno::BadDescriptor)),
    };
    record[..4].copy_from_slice(&u32::from(kind).to_le_bytes());
    record[4..8].fill(0);
    record[8..16].copy_from_slice(&size.to_le_bytes());
    record[16..].copy_from_slice(&modified.to_le_bytes());
    0
}

pub(crate) fn resize(fd: u32, size: u64) -> i64 {
    with_file(fd, |file| file.set_len(size).map(|()| 0))
}

pub(crate) fn next_entry(fd: u32, bytes: &mut [u8]) -> i64 {
    match open_descriptors().get_mut(&fd) {
        Some(Open::Directory(entries)) => match entries.pop() {
            Some(entry) if entry.len() > bytes.len() => {
                entries.push(entry);
                answer(Err(Errno::Range))
            }
            Some(entry) => {
                bytes[..entry.len()].copy_from_slice(&entry);
                length(Ok(entry.len()))
            }
            None => 0,
        },
        Some(_) => answer(Err(Errno::NotDirectory)),
        None => answer(Err(Errno::BadDescriptor)),
    }
}

pub(crate) fn remove(bytes: &[u8]) -> i64 {
    with_path(bytes, |path| match fs::symlink_metadata(path)?.is_dir() {
        true => fs::remove_dir(path),
        false => fs::remove_file(path),
    })
}

pub(crate) fn rename(from: &[u8], to: &[u8]) -> i64 {
    match (path(from), path(to)) {
        (Ok(from), Ok(to)) => done(fs::rename(from, to)),
        (Err(error), _) | (_, Err(error)) => answer(Err(error)),
    }
}

pub(crate) fn make_directory(bytes: &[u8]) -> i64 {
    with_path(bytes, |path| fs::create_dir(path))
}

pub(crate) fn show(_pixels: &[u32], _width: u32, _height: u32) -> i64 {
    answer(Err(Errno::NoFunction))
}

pub(crate) fn key() -> i64 {
    answer(Err(Errno::NoFunction))
}

pub(crate) fn play(_frames: &[[i16; 2]]) -> i64 {
    answer(Err(Errno::NoFunction))
}
