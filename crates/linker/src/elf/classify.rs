//! What becomes of a section, decided by its name first and by its flags second (elf.md 1).

/// What a section is to the program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Class {
    /// Read-only data.
    RoData,
    /// Writable data.
    RwData,
    /// Writable, zero at the start, without contents in the file.
    Bss,
    /// Instructions.
    Code,
    /// Import and export records. Readable by the linker only.
    Metadata,
    /// Export records.
    Exports,
    /// Stack sizes.
    MinStackSize,
    /// Loaded by other systems, but no part of a PVM program.
    Skipped,
    /// Left out: another file has the same, or nothing refers to it.
    Discarded,
    /// Not loaded; debug information among them.
    NotLoaded,
}

impl Class {
    /// Is it data that the program can address?
    pub(crate) const fn is_data(self) -> bool {
        matches!(self, Class::RoData | Class::RwData | Class::Bss)
    }

    /// Is it part of the program?
    pub(crate) const fn is_loaded(self) -> bool {
        self.is_data() || matches!(self, Class::Code)
    }
}

/// The properties of a section that decide.
#[derive(Clone, Copy)]
pub(crate) struct Traits {
    pub(crate) allocated: bool,
    pub(crate) writable: bool,
    pub(crate) executable: bool,
    pub(crate) thread_local: bool,
    pub(crate) kind: Kind,
}

/// Section types that matter.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    ProgBits,
    NoBits,
    /// Notes, hash, symbol and string tables, dynamic relocations.
    Bookkeeping,
    /// Addresses of functions to call before or after the program.
    Array(ArrayKind),
    Other,
}

/// Lists of functions.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum ArrayKind {
    PreInit,
    Init,
    Fini,
}

/// The list a section is part of, by its type or, since some assemblers know the types by flags only, by its name.
pub(crate) fn array(name: &str, kind: Kind) -> Option<ArrayKind> {
    match kind {
        Kind::Array(array) => Some(array),
        Kind::ProgBits if family(name, ".init_array") => Some(ArrayKind::Init),
        Kind::ProgBits if family(name, ".fini_array") => Some(ArrayKind::Fini),
        Kind::ProgBits if family(name, ".preinit_array") => Some(ArrayKind::PreInit),
        _ => None,
    }
}

/// Why a section cannot be classified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    Writable,
    NotWritable,
    Unsupported,
}

/// Is `name` the section `base` or one of its pieces `base.something`?
fn family(name: &str, base: &str) -> bool {
    name.strip_prefix(base).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn any_family(name: &str, bases: &[&str]) -> bool {
    bases.iter().any(|base| family(name, base))
}

/// The first rule that fits.
pub(crate) fn classify(name: &str, traits: Traits) -> Result<Class, Refusal> {
    let Traits { allocated, writable, executable, thread_local, kind } = traits;
    match name {
        ".polkavm_metadata" => return Ok(Class::Metadata),
        ".polkavm_exports" => return Ok(Class::Exports),
        ".polkavm_min_stack_size" => return Ok(Class::MinStackSize),
        _ if !allocated => return Ok(Class::NotLoaded),
        // Refused where code refers to it, which tells the author more than the section does.
        _ if thread_local => return Ok(Class::Skipped),
        ".rodata" if writable => return Err(Refusal::Writable),
        ".got" | ".got.plt" | ".relro_padding" => return Ok(Class::RoData),
        // Nothing unwinds a PVM program.
        ".eh_frame" | ".eh_frame_hdr" | ".dynsym" | ".dynstr" | ".dynamic" => return Ok(Class::Skipped),
        _ if family(name, ".gcc_except_table") => return Ok(Class::Skipped),
        _ => {}
    }
    // Written by a dynamic linker only, which a program does not have.
    if array(name, kind).is_some() {
        return Ok(Class::RoData);
    }
    if any_family(name, &[".rodata", ".srodata", ".data.rel.ro"]) {
        return Ok(Class::RoData);
    }
    if any_family(name, &[".data", ".sdata", ".bss", ".sbss"]) {
        return match (writable, kind) {
            (false, _) => Err(Refusal::NotWritable),
            (true, Kind::NoBits) => Ok(Class::Bss),
            (true, _) => Ok(Class::RwData),
        };
    }
    if executable || family(name, ".text") {
        return match (writable, kind) {
            (true, _) => Err(Refusal::Writable),
            (false, Kind::ProgBits) => Ok(Class::Code),
            (false, _) => Err(Refusal::Unsupported),
        };
    }
    match kind {
        Kind::Bookkeeping => Ok(Class::Skipped),
        Kind::ProgBits if writable => Ok(Class::RwData),
        Kind::ProgBits => Ok(Class::RoData),
        Kind::NoBits if writable => Ok(Class::Bss),
        Kind::NoBits | Kind::Array(_) | Kind::Other => Err(Refusal::Unsupported),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RO: Traits =
        Traits { allocated: true, writable: false, executable: false, thread_local: false, kind: Kind::ProgBits };
    const RW: Traits = Traits { writable: true, ..RO };
    const RX: Traits = Traits { executable: true, ..RO };
    const ZERO: Traits = Traits { writable: true, kind: Kind::NoBits, ..RO };

    #[track_caller]
    fn check(name: &str, traits: Traits, expected: Result<Class, Refusal>) {
        assert_eq!(classify(name, traits), expected, "{name}");
    }

    #[test]
    fn names_decide_before_flags() {
        check(".rodata", RO, Ok(Class::RoData));
        check(".rodata", RW, Err(Refusal::Writable));
        check(".rodata.str1.1", RO, Ok(Class::RoData));
        check(".rodatax", RW, Ok(Class::RwData));
        check(".srodata.cst8", RO, Ok(Class::RoData));
        check(".data.rel.ro", RW, Ok(Class::RoData));
        check(".data.rel.ro.local", RW, Ok(Class::RoData));
        check(".data.rel", RW, Ok(Class::RwData));
        check(".got", RW, Ok(Class::RoData));
        check(".relro_padding", ZERO, Ok(Class::RoData));
        check(".sdata", RO, Err(Refusal::NotWritable));
        check(".bss.x", ZERO, Ok(Class::Bss));
        check(".sbss", Traits { kind: Kind::NoBits, ..RO }, Err(Refusal::NotWritable));
        check(".text.unlikely.", RX, Ok(Class::Code));
        check(".text", Traits { writable: true, ..RX }, Err(Refusal::Writable));
        check(".polkavm_exports", Traits { allocated: false, ..RO }, Ok(Class::Exports));
        check(".eh_frame", RO, Ok(Class::Skipped));
        check(".eh_frame_hdr", RO, Ok(Class::Skipped));
        check(".gcc_except_table.main", RO, Ok(Class::Skipped));
        check(".dynamic", RW, Ok(Class::Skipped));
    }

    #[test]
    fn flags_decide_the_rest() {
        check("mine", RO, Ok(Class::RoData));
        check("mine", RW, Ok(Class::RwData));
        check("mine", ZERO, Ok(Class::Bss));
        check("mine", RX, Ok(Class::Code));
        check("mine", Traits { kind: Kind::NoBits, ..RO }, Err(Refusal::Unsupported));
        check(".gnu.hash", Traits { kind: Kind::Bookkeeping, ..RO }, Ok(Class::Skipped));
        check("mine", Traits { kind: Kind::Other, ..RW }, Err(Refusal::Unsupported));
        check("mine", Traits { kind: Kind::Array(ArrayKind::Init), ..RW }, Ok(Class::RoData));
        check(".init_array.101", RW, Ok(Class::RoData));
        check(".init_arrays", RW, Ok(Class::RwData));
        check(".tbss", Traits { thread_local: true, ..ZERO }, Ok(Class::Skipped));
        check(".debug_line", Traits { allocated: false, ..RO }, Ok(Class::NotLoaded));
    }
}
