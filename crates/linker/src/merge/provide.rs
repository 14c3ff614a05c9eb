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
    let is_dynamic = |home| match home {
        Home::Section(section) => elf.section(section).name == ".dynamic",
        _ => false,
    };
    // A linker that makes a position-independent file defines this, and start files see from it that there is something
    // to relocate. Here there is not, which is what 0 says.
    let dynamic = elf.symbols.iter().map(|symbol| symbol.name.starts_with(b"_DYNAMIC\0") && is_dynamic(symbol.home));
    let dynamic: Vec<bool> = dynamic.collect();
    for (symbol, is_dynamic) in elf.symbols.iter_mut().zip(dynamic) {
        if is_dynamic {
            (symbol.home, symbol.value) = (Home::Absolute, 0);
        }
        if matches!(symbol.home, Home::Undefined { .. })
            && symbol.name.starts_with(b"_")
            && NOWHERE.contains(&readable(symbol.name))
        {
            symbol.home = Home::Nowhere;
        }
    }
}
