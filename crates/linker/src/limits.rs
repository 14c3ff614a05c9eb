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
