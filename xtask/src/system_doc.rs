//! docs/system.md: the system interface as a document, generated from its table.

use pvm_guest_abi::system::{
    DESCRIPTORS_MAX, ENTRIES_MAX, Errno, Function, PATH_SIZE_MAX, PICTURE_SIDE_MAX, STATUS_SIZE,
};
use std::fmt::Write;

/// The document.
pub fn text() -> String {
    let mut out = String::from(
        "# System interface\n\n\
         Generated from `crates/guest-abi/src/system.rs` by `cargo bless`; do not edit.\n\n\
         What `pvm run` offers to guests, by imports with these symbols. A guest exports `main`, whose result is the exit code. It\n\
         has what its host granted and nothing else: with `pvm run` its arguments, the standard streams, and what `--dir`,\n\
         `--dir-rw`, `--env` and `--time` give. The version is part of each symbol: a released function never changes.\n\n\
         Arguments are in a0, a1, ...; one of 64 bits takes two registers of a 32-bit program, low half first. The result is in a0,\n\
         with 32-bit registers its high half in a1; a negative one is an error. Unless all bytes that an address and a length\n\
         name are the guest's, nothing happens and the result is -14. `write`, `read` and `play` may take fewer bytes than given.\n\n\
         | symbol | arguments | what it does, and its result |\n|---|---|---|\n",
    );
    for function in Function::ALL {
        let arguments = match function.arguments() {
            [] => "none".to_owned(),
            arguments => arguments.join(", "),
        };
        let _ = writeln!(out, "| `{}` | {arguments} | {} |", function.symbol(), function.result());
    }
    let _ = write!(
        out,
        "\n## Files\n\n\
         A path is UTF-8 without a 0 byte, at most {PATH_SIZE_MAX} bytes; a relative one starts at `/`. `..` is taken away before anything\n\
         is looked up, and a symbolic link that leads out of a granted directory leads nowhere. A program has at most\n\
         {DESCRIPTORS_MAX} descriptors at once; 0, 1 and 2 are the standard streams. The directories among them have\n\
         at most {ENTRIES_MAX} entries together. Only files and directories can be opened.\n\n\
         Flags of `open`, added: 1 for writing, 2 make it if it is not there, 4 it must not be there, 8 empty it, 16 each write goes to\n\
         the end, 32 it must be a directory (alone). Without any it is opened for reading, a directory for `next_entry`.\n\n\
         A status record has {STATUS_SIZE} bytes, little-endian: kind u32 (1 file, 2 directory, 3 stream), flags u32 (1: a terminal), size\n\
         u64, time of the last change in nanoseconds since 1970 i64 (0 unless the time was granted). An entry of a directory is a byte\n\
         for its kind (4: anything else), then its name.\n\n\
         ## Devices\n\n\
         `pvm run` has none: `show`, `key` and `play` give -38. A host with a screen takes pictures of at most {PICTURE_SIDE_MAX} pixels\n\
         a side.\n\n\
         ## Errors\n\n| result | meaning |\n|---|---|\n"
    );
    for error in Errno::ALL {
        let _ = writeln!(out, "| -{} | {} |", error.number(), error.text());
    }
    out
}
