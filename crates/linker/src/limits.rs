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

#[cfg(test)]
mod tests {
    use super::*;
    use pvm_num::casts::{to_u64, widen};
    use pvm_num::limits::{CODE_SIZE_MAX, IMPORT_COUNT_MAX, JUMP_TABLE_LENGTH_MAX, STACK_SIZE_DEFAULT};
    use pvm_program::debug_lines::FRAMES_MAX;

    /// A number as the documentation writes it.
    fn amount(number: u64) -> String {
        match number {
            _ if number > 4096 && number.is_multiple_of(1 << 20) => format!("{} Mi", number >> 20),
            _ if number > 4096 && number.is_multiple_of(1 << 10) => format!("{} Ki", number >> 10),
            _ => number.to_string(),
        }
    }

    #[test]
    fn the_documentation_has_every_limit() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/linker.md");
        let documentation = std::fs::read_to_string(path).unwrap();
        let limits = [
            ("code of a program", widen(CODE_SIZE_MAX)),
            ("entries of the jump table", widen(JUMP_TABLE_LENGTH_MAX)),
            ("imports", widen(IMPORT_COUNT_MAX)),
            ("alignment of a section", SECTION_ALIGN_MAX),
            ("padding between data sections", DATA_PADDING_MAX),
            ("name of a section", to_u64(SECTION_NAME_SIZE_MAX)),
            ("name of an import or export", widen(HOST_SYMBOL_SIZE_MAX)),
            ("names of all exports", to_u64(EXPORT_SYMBOLS_SIZE_MAX)),
            ("names of all symbols", to_u64(SYMBOL_NAMES_SIZE_MAX)),
            ("frames of an instruction", to_u64(FRAMES_MAX)),
            ("name of a function", to_u64(DEBUG_TEXT_SIZE_MAX)),
            ("steps from a function", to_u64(DEBUG_ORIGINS_MAX)),
            ("names and directories of files", to_u64(DEBUG_LINE_HEADER_SIZE_MAX)),
            ("entries, attributes and ranges", DEBUG_WORK_PER_BYTE),
            ("bytes of names", to_u64(DEBUG_TEXT_PER_BYTE)),
        ];
        for (what, limit) in limits {
            let row = documentation.lines().find(|line| line.starts_with(&format!("| {what}")));
            let row = row.unwrap_or_else(|| panic!("{what} is not in docs/linker.md"));
            let cell = row.trim_end_matches('|').rsplit('|').next().unwrap().trim().trim_end_matches('B');
            assert_eq!(cell, amount(limit), "{what}");
        }
        for (text, limit) in [
            ("The stack has ", widen(STACK_SIZE_DEFAULT)),
            ("cut where they are shown, after ", to_u64(SYMBOL_NAME_SIZE_MAX)),
        ] {
            assert!(documentation.contains(&format!("{text}{}", amount(limit))), "{text}");
        }
    }
}
