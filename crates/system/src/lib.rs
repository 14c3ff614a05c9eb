//! The host's side of the system interface: gives a guest what was granted and nothing else.
//!
//! ```text
//! import symbol -> Function -> System::call -> { streams | files | clocks | devices } -> a0, a1 of the guest
//! ```
//!
//! [`pvm_guest_abi::system`] describes the interface. A new [`System`] grants nothing. Files are reached through `cap-std`
//! directories only, so that neither `..` nor a symbolic link leads out of them.
//!
//! What it deliberately does not do: it neither loads nor runs guests, so that a host may answer some imports itself.
#![forbid(unsafe_code)]

mod descriptors;
mod devices;
mod files;
mod guest;

pub use cap_std::ambient_authority;
pub use cap_std::fs::Dir;
pub use devices::{Devices, KeyEvent, Picture};
pub use pvm_guest_abi::system::Function;

use descriptors::{Descriptor, Descriptors};
use files::Directories;
use guest::{Bytes, Guest};
use pvm::RawInstance;
use pvm_guest_abi::system::{Errno, PICTURE_SIDE_MAX};
use pvm_num::casts::{signed_32, signed_64, to_u64, to_usize_saturating, unsigned_64};
use std::io::{Read, Write};
use std::time::{Duration, Instant, SystemTime};

/// What a guest's call leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reply {
    /// The guest runs on.
    Continue,
    /// The guest ends with this exit code.
    Exit(i32),
}

/// Why a call gives no value.
enum Stop {
    Error(Errno),
    Exit(i32),
}

impl From<Errno> for Stop {
    fn from(error: Errno) -> Stop {
        Stop::Error(error)
    }
}

/// Where `ticks` come from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ticks {
    /// The host's monotonic clock.
    Clock,
    /// Each call is so much later than the one before: the same run every time.
    Steps(Duration),
}

/// What one guest has been granted, and where it is in its files.
pub struct System {
    arguments: Vec<u8>,
    environment: Vec<u8>,
    descriptors: Descriptors,
    directories: Directories,
    devices: Option<Box<dyn Devices>>,
    ticks: Ticks,
    began: Instant,
    stepped: Duration,
    has_time: bool,
}

impl Default for System {
    fn default() -> System {
        System::new()
    }
}

/// Granting.
impl System {
    /// Grants nothing but monotonic ticks.
    pub fn new() -> System {
        System {
            arguments: Vec::new(),
            environment: Vec::new(),
            descriptors: Descriptors::default(),
            directories: Directories::default(),
            devices: None,
            ticks: Ticks::Clock,
            began: Instant::now(),
            stepped: Duration::ZERO,
            has_time: false,
        }
    }

    /// Grants a standard input.
    pub fn set_stdin(&mut self, stream: Box<dyn Read>) -> &mut System {
        self.descriptors.set(0, Descriptor::Input(stream));
        self
    }

    /// Grants a standard output.
    pub fn set_stdout(&mut self, stream: Box<dyn Write>) -> &mut System {
        self.descriptors.set(1, Descriptor::Output(stream));
        self
    }

    /// Grants a standard error output.
    pub fn set_stderr(&mut self, stream: Box<dyn Write>) -> &mut System {
        self.descriptors.set(2, Descriptor::Output(stream));
        self
    }

    /// Tells the guest that one of the standard streams, 0 to 2, is a terminal: programs then prompt and write each line at once.
    pub fn set_terminal(&mut self, fd: u32) -> &mut System {
        self.descriptors.set_terminal(fd);
        self
    }

    /// Adds an argument; the first one is by custom the program's name. What is behind a 0 byte is cut off.
    pub fn add_argument(&mut self, argument: &[u8]) -> &mut System {
        push_text(&mut self.arguments, argument);
        self
    }

    /// Adds an environment variable. What is behind a 0 byte is cut off.
    pub fn add_variable(&mut self, name: &[u8], value: &[u8]) -> &mut System {
        push_text(&mut self.environment, &[name, b"=", value].concat());
        self
    }

    /// Grants what is below a directory, which the guest sees at the path `at`; for reading, or also for writing. Of nested
    /// grants the innermost counts.
    pub fn add_directory(&mut self, at: &str, directory: Dir, is_writable: bool) -> &mut System {
        self.directories.add(at, directory, is_writable);
        self
    }

    /// Grants a screen, keys and sound.
    pub fn set_devices(&mut self, devices: Box<dyn Devices>) -> &mut System {
        self.devices = Some(devices);
        self
    }

    /// Chooses where ticks come from. They begin anew.
    pub fn set_ticks(&mut self, ticks: Ticks) -> &mut System {
        (self.ticks, self.began, self.stepped) = (ticks, Instant::now(), Duration::ZERO);
        self
    }

    /// Grants the time of day.
    pub fn grant_time(&mut self) -> &mut System {
        self.has_time = true;
        self
    }
}

/// Serving.
impl System {
    /// Does what the guest asks for with its call of `function`, and sets its result.
    pub fn call(&mut self, function: Function, instance: &mut RawInstance) -> Reply {
        let mut guest = Guest::new(instance);
        let result = match self.answer(function, &mut guest) {
            Ok(value) => signed_64(value),
            Err(Stop::Error(error)) => -error.number(),
            Err(Stop::Exit(code)) => return Reply::Exit(code),
        };
        guest.set_result(unsigned_64(result));
        Reply::Continue
    }

    fn answer(&mut self, function: Function, guest: &mut Guest<'_>) -> Result<u64, Stop> {
        let result = match function {
            Function::Exit => return Err(Stop::Exit(signed_32(guest.number()))),
            Function::Write => {
                let fd = guest.number();
                let bytes = guest.bytes();
                self.descriptors.write(fd, guest, bytes)
            }
            Function::Read => {
                let fd = guest.number();
                let bytes = guest.bytes();
                self.descriptors.read(fd, guest, bytes)
            }
            Function::Arguments => {
                let bytes = guest.bytes();
                copy_out(guest, bytes, &self.arguments)
            }
            Function::Environment => {
                let bytes = guest.bytes();
                copy_out(guest, bytes, &self.environment)
            }
            Function::Ticks => Ok(self.now()),
            Function::Time if self.has_time => {
                let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_err(|_| Errno::Io)?;
                u64::try_from(since.as_nanos()).map_err(|_| Errno::Io)
            }
            Function::Time => Err(Errno::NotPermitted),
            Function::Open => {
                let path = guest.bytes();
                let flags = guest.number();
                let path = guest.path(path)?;
                self.descriptors.open(|room| self.directories.open(&path, flags, room))
            }
            Function::Close => self.descriptors.close(guest.number()),
            Function::Seek => {
                let (fd, whence, offset) = (guest.number(), guest.number(), signed_64(guest.wide()));
                self.descriptors.seek(fd, whence, offset)
            }
            Function::Status => {
                let (fd, address) = (guest.number(), guest.argument());
                self.descriptors.status(fd, guest, address, self.has_time)
            }
            Function::Resize => {
                let (fd, size) = (guest.number(), guest.wide());
                self.descriptors.resize(fd, size)
            }
            Function::NextEntry => {
                let fd = guest.number();
                let bytes = guest.bytes();
                self.descriptors.next_entry(fd, guest, bytes)
            }
            Function::Remove => {
                let path = guest.bytes();
                self.directories.remove(&guest.path(path)?)
            }
            Function::Rename => {
                let (from, to) = (guest.bytes(), guest.bytes());
                self.directories.rename(&guest.path(from)?, &guest.path(to)?)
            }
            Function::MakeDirectory => {
                let path = guest.bytes();
                self.directories.make(&guest.path(path)?)
            }
            Function::Show => self.show(guest),
            Function::Key => match self.devices.as_mut().ok_or(Errno::NoFunction)?.key() {
                Some(event) => Ok(event.code()),
                None => Err(Errno::Again),
            },
            Function::Play => self.play(guest),
        };
        result.map_err(Stop::Error)
    }

    fn now(&mut self) -> u64 {
        let since = match self.ticks {
            Ticks::Clock => self.began.elapsed(),
            Ticks::Steps(step) => {
                self.stepped = self.stepped.saturating_add(step);
                self.stepped
            }
        };
        // More than 292 years do not fit; nobody waits so long.
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX >> 1)
    }

    fn show(&mut self, guest: &mut Guest<'_>) -> Result<u64, Errno> {
        let (address, width, height) = (guest.argument(), guest.number(), guest.number());
        let devices = self.devices.as_mut().ok_or(Errno::NoFunction)?;
        if [width, height].iter().any(|side| !(1..=PICTURE_SIDE_MAX).contains(side)) {
            return Err(Errno::Invalid);
        }
        // At most 4096 * 4096 * 4 bytes.
        let bytes = guest.read(Bytes { address, length: u64::from(width * height * 4) })?;
        devices.show(&Picture { width, height, pixels: &bytes });
        Ok(0)
    }

    fn play(&mut self, guest: &mut Guest<'_>) -> Result<u64, Errno> {
        let (address, frames) = (guest.argument(), guest.number());
        let devices = self.devices.as_mut().ok_or(Errno::NoFunction)?;
        let frames = frames.min(devices::FRAMES_MAX);
        let bytes = guest.read(Bytes { address, length: u64::from(frames) * 4 })?;
        let (samples, _) = bytes.as_chunks::<2>();
        let samples: Vec<i16> = samples.iter().map(|sample| i16::from_le_bytes(*sample)).collect();
        Ok(to_u64(devices.play(&samples)))
    }
}

fn push_text(texts: &mut Vec<u8>, text: &[u8]) {
    texts.extend(text.iter().take_while(|byte| **byte != 0));
    texts.push(0);
}

/// Copies as much of `source` as fits; its whole size.
fn copy_out(guest: &mut Guest<'_>, to: Bytes, source: &[u8]) -> Result<u64, Errno> {
    let size = source.len().min(to_usize_saturating(to.length));
    guest.write(Bytes { length: to_u64(size), ..to }, &source[..size])?;
    Ok(to_u64(source.len()))
}
