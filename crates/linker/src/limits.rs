//! The linker's own limits; those of programs are in `pvm_num::limits`.

/// Longest section name in bytes.
pub(crate) const SECTION_NAME_SIZE_MAX: usize = 4096;
/// Longest symbol name in bytes that error messages and debug information show; the rest is cut.
pub(crate) const SYMBOL_NAME_SIZE_MAX: usize = 4096;
/// Largest alignment of a section in bytes: the memory map aligns no region more.
pub(crate) const SECTION_ALIGN_MAX: u64 = 0x1_0000;
/// Most padding between data sections, in bytes (16 MiB). Padding is stored in the program, so a file must not be able
/// to ask for much of it with a few section headers.
pub(crate) const DATA_PADDING_MAX: u64 = 16 << 20;
/// Longest name of an import or export in bytes.
pub(crate) const HOST_SYMBOL_SIZE_MAX: u32 = 4096;
/// Most bytes of all export names together (16 MiB).
pub(crate) const EXPORT_SYMBOLS_SIZE_MAX: usize = 16 << 20;
/// Most bytes of all names of symbols that are resolved among files (256 MiB).
pub(crate) const SYMBOL_NAMES_SIZE_MAX: usize = 256 << 20;
/// Longest name, path or directory in bytes that is taken from debug information; the rest is cut.
pub(crate) const DEBUG_TEXT_SIZE_MAX: usize = 4096;
/// Bytes of all texts that debug information may be made of, for each byte of the debug sections: names of namespaces are
/// written once in a file, but once for each function in a program.
pub(crate) const DEBUG_TEXT_PER_BYTE: usize = 4;
/// Bytes of a symbol that count as bytes of debug information.
pub(crate) const DEBUG_SYMBOL_NAME_SIZE: usize = 64;
/// Entries, attributes and ranges that are looked at for each byte of the debug sections. An entry takes a byte at least and
/// has a dozen attributes without bytes of their own at most, unless it is made to keep readers busy.
pub(crate) const DEBUG_WORK_PER_BYTE: u64 = 16;
/// Longest header of a line program in bytes (256 KiB), which is files and directories and takes much more memory.
pub(crate) const DEBUG_LINE_HEADER_SIZE_MAX: usize = 256 << 10;
/// Most steps from a function to the entry that has its name.
pub(crate) const DEBUG_ORIGINS_MAX: usize = 8;
