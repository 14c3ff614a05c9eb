//! Names of functions and paths of files, made once each and only for what is in the program.

use super::lines::{FileId, Path};
use super::units::{EntryOffset, Function, Units};
use crate::demangle::{demangle, demangle_rust};
use crate::limits::{DEBUG_ORIGINS_MAX, DEBUG_TEXT_PER_BYTE, DEBUG_TEXT_SIZE_MAX};
use gimli::{AttributeValue, Dwarf, EndianSlice, LittleEndian, Section, Unit};
use pvm_num::casts::{to_u32, to_usize};
use std::collections::BTreeMap;

/// What debug information is read from.
pub(super) type Slice<'d> = EndianSlice<'d, LittleEndian>;

/// A text that an attribute names, and what follows it: it is cut at its zero when it is used, since any number of
/// attributes can name a long text. Empty if there is none.
pub(super) fn text<'d>(dwarf: &Dwarf<Slice<'d>>, unit: &Unit<Slice<'d>>, value: AttributeValue<Slice<'d>>) -> &'d [u8] {
    let of = |section: &Slice<'d>, offset: usize| section.slice().get(offset..).unwrap_or_default();
    match value {
        AttributeValue::String(text) => text.slice(),
        AttributeValue::DebugStrRef(offset) => of(dwarf.debug_str.reader(), offset.0),
        AttributeValue::DebugLineStrRef(offset) => of(dwarf.debug_line_str.reader(), offset.0),
        AttributeValue::DebugStrOffsetsIndex(index) => match dwarf.string_offset(unit, index) {
            Ok(offset) => of(dwarf.debug_str.reader(), offset.0),
            Err(_) => &[],
        },
        _ => &[],
    }
}

/// A text up to its zero, or to where it is too long.
fn cut(text: &[u8]) -> &[u8] {
    let text = &text[..text.len().min(DEBUG_TEXT_SIZE_MAX)];
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
    &text[..end]
}

/// Index of a text; 0 is the empty one.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct TextId(u32);

/// The name of a function.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct Name {
    pub(super) namespace: TextId,
    pub(super) function: TextId,
}

/// Texts by what they were made of.
pub(super) struct Texts<'d> {
    texts: Vec<String>,
    functions: BTreeMap<EntryOffset, Name>,
    namespaces: BTreeMap<u32, TextId>,
    symbols: BTreeMap<&'d str, Name>,
    files: BTreeMap<FileId, TextId>,
    /// Bytes that may still be made.
    left: usize,
}

impl<'d> Texts<'d> {
    /// No texts yet, for debug information of so many bytes.
    pub(super) fn new(bytes: usize) -> Texts<'d> {
        Texts {
            texts: vec![String::new()],
            functions: BTreeMap::new(),
            namespaces: BTreeMap::new(),
            symbols: BTreeMap::new(),
            files: BTreeMap::new(),
            left: bytes.saturating_mul(DEBUG_TEXT_PER_BYTE).max(DEBUG_TEXT_SIZE_MAX),
        }
    }

    pub(super) fn get(&self, id: TextId) -> &str {
        &self.texts[to_usize(id.0)]
    }

    /// Keeps a text. Once one is too much, there are no more.
    fn add(&mut self, text: String) -> TextId {
        self.left = self.left.saturating_sub(text.len());
        if text.is_empty() || self.left == 0 {
            return TextId(0);
        }
        let id = TextId(to_u32(self.texts.len()));
        self.texts.push(text);
        id
    }

    /// The name of a function: the one its mangled name stands for, if it is Rust's, else its own behind those of the
    /// namespaces and types it is in.
    pub(super) fn function(&mut self, units: &Units<'d>, entry: EntryOffset) -> Name {
        if let Some(name) = self.functions.get(&entry) {
            return *name;
        }
        let (mut name, mut linkage_name, mut namespace) = (&[][..], &[][..], None);
        let mut of = |function: &Function<'d>| {
            name = if name.is_empty() { cut(function.name) } else { name };
            linkage_name = if linkage_name.is_empty() { cut(function.linkage_name) } else { linkage_name };
            // What says the rest is where the function is declared.
            namespace = function.namespace;
        };
        origins(units, entry).for_each(&mut of);
        let mangled = std::str::from_utf8(linkage_name).ok();
        let made = match mangled.and_then(demangle_rust) {
            Some(full) => self.split(full),
            None if name.is_empty() => Name { function: self.add(lossy(linkage_name)), ..Name::default() },
            None => {
                let function = self.add(lossy(name));
                Name { namespace: self.namespace(units, namespace), function }
            }
        };
        self.functions.insert(entry, made);
        made
    }

    /// The name that a symbol stands for.
    pub(super) fn symbol(&mut self, symbol: &'d str) -> Name {
        if let Some(name) = self.symbols.get(symbol) {
            return *name;
        }
        let made = match demangle(symbol) {
            Some(full) => self.split(full),
            None => Name { function: self.add(symbol.to_owned()), ..Name::default() },
        };
        self.symbols.insert(symbol, made);
        made
    }

    /// Where a function is declared, if its entry or the one behind it tells.
    pub(super) fn declaration(units: &Units<'d>, entry: EntryOffset) -> Option<(FileId, u32)> {
        origins(units, entry).find_map(|function| Some((function.file?, function.line))).filter(|(_, line)| *line != 0)
    }

    /// The path of a file: its name behind its directory, both behind the directory of the compiler, as far as they are
    /// relative.
    pub(super) fn file(&mut self, units: &Units<'d>, file: FileId) -> TextId {
        if let Some(path) = self.files.get(&file) {
            return *path;
        }
        let path = units.lines.path(file).map(join).unwrap_or_default();
        let id = self.add(path);
        self.files.insert(file, id);
        id
    }

    fn namespace(&mut self, units: &Units<'d>, namespace: Option<u32>) -> TextId {
        let Some(innermost) = namespace.filter(|_| self.left > 0) else { return TextId(0) };
        if let Some(id) = self.namespaces.get(&innermost) {
            return *id;
        }
        let mut names = Vec::new();
        let mut size = 0;
        let mut next = namespace;
        while let Some(at) = next.map(|id| &units.namespaces[to_usize(id)]) {
            let name = lossy(cut(at.name));
            size += name.len() + 2;
            if size > DEBUG_TEXT_SIZE_MAX {
                break;
            }
            names.push(name);
            next = at.parent;
        }
        names.reverse();
        let id = self.add(names.join("::"));
        self.namespaces.insert(innermost, id);
        id
    }

    /// A full name in its two parts.
    fn split(&mut self, full: String) -> Name {
        let (namespace, function) = split(&full);
        let namespace = self.add(namespace.to_owned());
        Name { namespace, function: self.add(function.to_owned()) }
    }
}

/// The entry of a function and those that say the rest.
fn origins<'u, 'd>(units: &'u Units<'d>, entry: EntryOffset) -> impl Iterator<Item = &'u Function<'d>> {
    let find = |entry: EntryOffset| {
        let index = units.functions.binary_search_by_key(&entry, |function| function.entry);
        index.ok().map(|index| &units.functions[index])
    };
    std::iter::successors(find(entry), move |function| function.origin.and_then(find)).take(DEBUG_ORIGINS_MAX)
}

fn lossy(text: &[u8]) -> String {
    String::from_utf8_lossy(text).into_owned()
}

fn join(path: Path<'_>) -> String {
    let is_absolute = |text: &[u8]| {
        // A drive's letter comes before the slash on other systems.
        text.starts_with(b"/") || text.starts_with(b"\\") || matches!(text, [_, b':', b'/' | b'\\', ..])
    };
    let mut joined: Vec<u8> = Vec::new();
    for piece in [path.base, path.directory, path.name].map(cut).into_iter().filter(|piece| !piece.is_empty()) {
        if is_absolute(piece) {
            joined.clear();
        } else if joined.last().is_some_and(|last| *last != b'/') {
            joined.push(b'/');
        }
        joined.extend_from_slice(piece);
    }
    // Without a name it is no file.
    if cut(path.name).is_empty() { String::new() } else { lossy(&joined) }
}

/// A full name of Rust's as namespace and name: cut at the last `::` that is not within brackets, and not before brackets,
/// which belong to the name in front of them.
fn split(full: &str) -> (&str, &str) {
    let bytes = full.as_bytes();
    let mut depth = 0_i32;
    let mut at = None;
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            b'<' | b'(' | b'[' | b'{' => depth += 1,
            b'>' if index > 0 && bytes[index - 1] == b'-' => {} // the arrow of a function's type
            b'>' | b')' | b']' | b'}' => depth -= 1,
            b':' if depth == 0 && bytes[index..].starts_with(b"::") && !bytes[index..].starts_with(b"::<") => {
                at = Some(index);
            }
            _ => {}
        }
    }
    match at {
        Some(at) => (&full[..at], &full[at + 2..]),
        None => ("", full),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_rust_are_cut_before_the_last_part() {
        for (full, namespace, function) in [
            ("main", "", "main"),
            ("core::fmt::write", "core::fmt", "write"),
            ("<usize as core::convert::TryFrom<i64>>::try_from", "<usize as core::convert::TryFrom<i64>>", "try_from"),
            ("a::b::c::<x::y, z>", "a::b", "c::<x::y, z>"),
            ("<fn() -> a::b as c::D>::e", "<fn() -> a::b as c::D>", "e"),
            ("a::b::{closure#0}", "a::b", "{closure#0}"),
            ("a:::b", "a:", "b"),
            ("::", "", ""),
            ("", "", ""),
        ] {
            assert_eq!(split(full), (namespace, function), "{full}");
        }
    }

    #[test]
    fn paths_are_joined_as_far_as_they_are_relative() {
        for (base, directory, name, path) in [
            ("/build", "src\0rest", "a.c\0b.c", "/build/src/a.c"),
            ("/build/", "/usr/include", "stdio.h", "/usr/include/stdio.h"),
            ("/build", "src", "/a.c", "/a.c"),
            ("", "src", "a.c", "src/a.c"),
            ("C:\\work", "", "a.c", "C:\\work/a.c"),
            ("/build", "C:/src", "a.c", "C:/src/a.c"),
            ("/build", "src", "\0", ""),
        ] {
            let pieces = Path { base: base.as_bytes(), directory: directory.as_bytes(), name: name.as_bytes() };
            assert_eq!(join(pieces), path);
        }
    }
}
