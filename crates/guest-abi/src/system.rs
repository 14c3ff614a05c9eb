//! The system interface: what `pvm run` offers to a program that was not written for a particular host.
//!
//! A program imports the functions it needs by symbol and exports [`ENTRY`], which `pvm run` calls without arguments. The
//! low 32 bits of a0 on return are the exit code. An entry whose metadata declares no output register exits with 0; but
//! only the linker sees metadata, and a linked program does not say how many results an export has, so that an entry should
//! return its code.
//!
//! | symbol | arguments | result |
//! |---|---|---|
//! | [`WRITE`] | fd: u32, address: usize, length: usize | i64: bytes written, or a negative error number |
//! | [`EXIT`] | code: i32 | none; it does not return |
//!
//! Arguments are in a0, a1, a2. An i64 result is in a0 of a 64-bit program, and in a0 (low half) and a1 (high half) of a
//! 32-bit one. `write` takes the streams [`STDOUT`] and [`STDERR`]; anything else is [`EBADF`]. It writes nothing and gives
//! [`EFAULT`] if not all bytes are readable memory of the guest. It may write fewer bytes than it was asked to.
//!
//! The version is part of each symbol. A function never changes once it has been released: a new behaviour is a new function with
//! a new symbol, so that a program runs on every host that has all symbols it imports, and a host can offer several
//! versions at once.

/// The version that this module describes, as in `pvm_v1_write`.
pub const VERSION: u32 = 1;
/// Name of the interface.
pub const MODULE: &str = "system";

/// Writes to a stream.
pub const WRITE: &str = "pvm_v1_write";
/// Ends the program with an exit code.
pub const EXIT: &str = "pvm_v1_exit";
/// Every symbol of the interface, in order.
pub const SYMBOLS: [&str; 2] = [EXIT, WRITE];

/// The export that `pvm run` calls unless told otherwise.
pub const ENTRY: &str = "main";

/// The standard output, as `fd`.
pub const STDOUT: u32 = 1;
/// The standard error output, as `fd`.
pub const STDERR: u32 = 2;

/// Error number: the stream failed. Results are the negated numbers; they are those of Linux.
pub const EIO: i64 = 5;
/// Error number: no such stream.
pub const EBADF: i64 = 9;
/// Error number: the bytes are not all readable.
pub const EFAULT: i64 = 14;
