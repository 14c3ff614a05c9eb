//! The system interface: what `pvm run` and other hosts offer to a program that was not written for a particular host.
//!
//! A program imports the functions it needs by symbol and exports [`ENTRY`], which the host calls without arguments. The
//! low 32 bits of a0 on return are the exit code. An entry whose metadata declares no output register exits with 0; but
//! only the linker sees metadata, and a linked program does not say how many results an export has, so that an entry should
//! return its code.
//!
//! [`Function`] has every function. Arguments are in a0, a1, ...; one of 64 bits takes two registers of a 32-bit program, the
//! low half first. A result is an i64 in a0, and of a 32-bit program in a0 (low half) and a1 (high half). Negative results are
//! negated error numbers, which are those of Linux ([`Errno`]). Where a function takes an address and a length, it does nothing
//! but give [`Errno::Fault`] unless all these bytes are the guest's to read, or to write where the host writes them. A path is
//! bytes of UTF-8 without a 0, at most [`PATH_SIZE_MAX`]; a relative one starts at `/`. `read`, `write` and `play` may take fewer
//! bytes than they were given.
//!
//! A guest has what its host granted and nothing else: streams 0, 1 and 2, directories, clocks and devices are each there or
//! are not ([`Errno::BadDescriptor`], [`Errno::NoEntry`], [`Errno::NotPermitted`], [`Errno::NoFunction`]).
//!
//! The version is part of each symbol. A function never changes once it has been released: a new behaviour is a new function with
//! a new symbol, so that a program runs on every host that has all symbols it imports, and a host can offer several
//! versions at once.
//!
//! The guest SDK compiles this file too (`guest/sdk`), so that both sides have one table; it depends on nothing.

/// The version that this module describes, as in `pvm_v1_write`.
pub const VERSION: u32 = 1;
/// Name of the interface.
pub const MODULE: &str = "system";

/// The export that `pvm run` calls unless told otherwise.
pub const ENTRY: &str = "main";

macro_rules! functions {
    ($($name:ident $symbol:literal ($($argument:literal),*) $result:literal;)*) => {
        /// A function of the interface.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Function {
            $(#[doc = concat!("`", $symbol, "`: ", $result)] $name,)*
        }

        impl Function {
            /// Every function, in the order of the reference.
            pub const ALL: &[Function] = &[$(Function::$name),*];

            /// The symbol a program imports it by.
            pub const fn symbol(self) -> &'static str {
                match self { $(Function::$name => $symbol,)* }
            }

            /// Its arguments, as `name: type`.
            pub const fn arguments(self) -> &'static [&'static str] {
                match self { $(Function::$name => &[$($argument),*],)* }
            }

            /// What it does and gives, in a sentence of Markdown.
            pub const fn result(self) -> &'static str {
                match self { $(Function::$name => $result,)* }
            }
        }
    };
}

functions! {
    Exit "pvm_v1_exit" ("code: i32")
        "ends the program; does not return";
    Write "pvm_v1_write" ("fd: u32", "address: usize", "length: usize")
        "writes to a stream or file; the number of bytes written";
    Read "pvm_v1_read" ("fd: u32", "address: usize", "length: usize")
        "reads from a stream or file; the number of bytes read, 0 at the end";
    Arguments "pvm_v1_arguments" ("address: usize", "length: usize")
        "copies the program's arguments, each ended by a 0 byte, as far as they fit; the size of all of them";
    Environment "pvm_v1_environment" ("address: usize", "length: usize")
        "copies the variables, each `name=value` ended by a 0 byte, as far as they fit; the size of all of them";
    Ticks "pvm_v1_ticks" ()
        "nanoseconds since the program began; never goes back";
    Time "pvm_v1_time" ()
        "nanoseconds since 1970 without leap seconds";
    Open "pvm_v1_open" ("path: usize", "length: usize", "flags: u32")
        "opens a file or directory; its fd, the lowest that is free";
    Close "pvm_v1_close" ("fd: u32")
        "closes a stream, file or directory; 0";
    Seek "pvm_v1_seek" ("fd: u32", "whence: u32", "offset: i64")
        "moves in a file, from its start (0), the place (1) or its end (2); the new place";
    Status "pvm_v1_status" ("fd: u32", "address: usize")
        "writes a status record; 0";
    Resize "pvm_v1_resize" ("fd: u32", "size: u64")
        "cuts a file or extends it by zeros; 0";
    NextEntry "pvm_v1_next_entry" ("fd: u32", "address: usize", "length: usize")
        "writes the next entry of a directory, in the order of their bytes: a byte for its kind, then its name; the number of bytes written, 0 at the end";
    Remove "pvm_v1_remove" ("path: usize", "length: usize")
        "removes a file or an empty directory; 0";
    Rename "pvm_v1_rename" ("from: usize", "from length: usize", "to: usize", "to length: usize")
        "gives a file or directory another path within its granted directory; 0";
    MakeDirectory "pvm_v1_make_directory" ("path: usize", "length: usize")
        "makes a directory; 0";
    Show "pvm_v1_show" ("address: usize", "width: u32", "height: u32")
        "shows a picture: rows of pixels from the top, each a little-endian 0x00RRGGBB; 0";
    Key "pvm_v1_key" ()
        "the next key event: the USB HID usage of the key on page 7, plus 0x10000 if it went down; -11 if there is none";
    Play "pvm_v1_play" ("address: usize", "frames: u32")
        "plays sound at 44,100 Hz: frames of two signed 16-bit samples, left and right; the number of frames taken";
}

impl Function {
    /// The function of a symbol.
    pub fn from_symbol(symbol: &[u8]) -> Option<Function> {
        Function::ALL.iter().copied().find(|function| function.symbol().as_bytes() == symbol)
    }
}

macro_rules! errors {
    ($($name:ident $number:literal $text:literal;)*) => {
        /// An error; functions give its negated number.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Errno {
            $(#[doc = concat!($number, ": ", $text)] $name,)*
        }

        impl Errno {
            /// Every error, by number.
            pub const ALL: &[Errno] = &[$(Errno::$name),*];

            /// Its number, the one of Linux.
            pub const fn number(self) -> i64 {
                match self { $(Errno::$name => $number,)* }
            }

            /// What it says.
            pub const fn text(self) -> &'static str {
                match self { $(Errno::$name => $text,)* }
            }
        }
    };
}

errors! {
    NotPermitted 1 "the host did not grant this";
    NoEntry 2 "no such file or directory, or not in a granted directory";
    Interrupted 4 "interrupted; try again";
    Io 5 "the stream or file failed";
    BadDescriptor 9 "no such descriptor, or not one for this";
    Again 11 "nothing there now";
    NoMemory 12 "more directory entries than the host keeps";
    Access 13 "the host may not";
    Fault 14 "not all bytes are the guest's";
    Exists 17 "it exists already";
    CrossDevice 18 "from one granted directory to another";
    NotDirectory 20 "not a directory";
    IsDirectory 21 "a directory";
    Invalid 22 "an argument has no meaning";
    TooManyOpen 24 "too many open descriptors";
    NoSpace 28 "the disk is full or the file too large";
    CannotSeek 29 "a stream has no places";
    ReadOnly 30 "the directory was granted for reading";
    BrokenPipe 32 "nobody reads the stream any more";
    Range 34 "the buffer is too small";
    NameTooLong 36 "the path is too long";
    NoFunction 38 "the host has no such device";
    NotEmpty 39 "the directory is not empty";
}

/// The standard input, as `fd`.
pub const STDIN: u32 = 0;
/// The standard output, as `fd`.
pub const STDOUT: u32 = 1;
/// The standard error output, as `fd`.
pub const STDERR: u32 = 2;

/// Flag of `open`: for writing; without it for reading only.
pub const OPEN_WRITE: u32 = 1;
/// Flag of `open`: make the file if it does not exist.
pub const OPEN_CREATE: u32 = 2;
/// Flag of `open`: with [`OPEN_CREATE`], the file must not exist.
pub const OPEN_EXCLUSIVE: u32 = 4;
/// Flag of `open`: empty the file.
pub const OPEN_TRUNCATE: u32 = 8;
/// Flag of `open`: each write goes to the end.
pub const OPEN_APPEND: u32 = 16;
/// Flag of `open`: it must be a directory.
pub const OPEN_DIRECTORY: u32 = 32;

/// Whence of `seek`: the start of the file.
pub const SEEK_START: u32 = 0;
/// Whence of `seek`: the current place.
pub const SEEK_CURRENT: u32 = 1;
/// Whence of `seek`: the end of the file.
pub const SEEK_END: u32 = 2;

/// Size of a status record: kind u32, flags u32, size in bytes u64, time of the last change in nanoseconds since 1970 i64
/// (0 where the host did not grant the time).
pub const STATUS_SIZE: usize = 24;
/// Flag in a status record: a stream that is a terminal.
pub const STATUS_TERMINAL: u8 = 1;
/// A kind: a file.
pub const KIND_FILE: u8 = 1;
/// A kind: a directory.
pub const KIND_DIRECTORY: u8 = 2;
/// A kind: a stream.
pub const KIND_STREAM: u8 = 3;
/// A kind: anything else; it cannot be opened.
pub const KIND_OTHER: u8 = 4;

/// Longest path in bytes.
pub const PATH_SIZE_MAX: u32 = 4096;
/// Descriptors a program has at once, streams included.
pub const DESCRIPTORS_MAX: usize = 256;
/// Entries that the directories a program has open have together: the host keeps them.
pub const ENTRIES_MAX: usize = 1 << 16;
/// Width and height of a picture, each.
pub const PICTURE_SIDE_MAX: u32 = 4096;
/// In a key event: the key went down.
pub const KEY_DOWN: u32 = 0x1_0000;
/// Frames of sound a second.
pub const SAMPLE_RATE: u32 = 44_100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_found_by_their_symbols() {
        for function in Function::ALL {
            assert_eq!(Function::from_symbol(function.symbol().as_bytes()), Some(*function));
        }
        assert_eq!(Function::from_symbol(b"pvm_v0_write"), None);
    }
}
