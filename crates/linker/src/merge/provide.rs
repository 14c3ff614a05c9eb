//! Symbols that no file defines because a linker does.

use crate::elf::{Elf, Home, readable};

/// Names of places that a program does not have: what stands there is only compared, passed on or, for the global pointer,
/// put into a register that no code of the E profile reads. All of them are one address that is not null. The ends of a list
/// of constructors are among them, so that an absent list is an empty one.
const NOWHERE: [&str; 11] = [
    "_GLOBAL_OFFSET_TABLE_",
    "__dso_handle",
    "__ehdr_start",
    "__executable_start",
    "__fini_array_end",
    "__fini_array_start",
    "__global_pointer$",
    "__init_array_end",
    "__init_array_start",
    "__preinit_array_end",
    "__preinit_array_start",
];

/// Defines them where something names them.
pub(super) fn provide(elf: &mut Elf<'_>) {
    for symbol in &mut elf.symbols {
        if matches!(symbol.home, Home::Undefined { .. })
            && symbol.name.starts_with(b"_")
            && NOWHERE.contains(&readable(symbol.name))
        {
            symbol.home = Home::Nowhere;
        }
    }
}
