//! Where a program's bytes go: by function, by section, and by the crate that a function belongs to.
//!
//! An ELF is linked, and the linker's map has the names; a program has those of its debug sections, and one without has none.

use crate::failure::{Failure, Outcome};
use crate::input::{Input, InputArgs, Kind};
use crate::output::print_json;
use pvm_num::casts::widen;
use pvm_program::Program;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// Bytes of something.
#[derive(Serialize)]
struct Size {
    name: String,
    bytes: u64,
}

/// Everything, the biggest first.
#[derive(Serialize)]
struct Sizes {
    file: String,
    sections: Vec<Size>,
    crates: Vec<Size>,
    functions: Vec<Size>,
}

/// Bytes by name.
#[derive(Default)]
struct Sums(BTreeMap<String, u64>);

impl Sums {
    fn add(&mut self, name: &str, bytes: u64) {
        *self.0.entry(if name.is_empty() { "?" } else { name }.to_owned()).or_default() += bytes;
    }

    fn sorted(self) -> Vec<Size> {
        let mut sizes: Vec<Size> = self.0.into_iter().map(|(name, bytes)| Size { name, bytes }).collect();
        sizes.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
        sizes
    }
}

/// Adds up and prints, as text or as JSON.
///
/// # Errors
/// If the program cannot be read.
pub(crate) fn why_big(args: &InputArgs, is_json: bool) -> Outcome<()> {
    let input = Input::read(&args.path)?;
    let file = input.name.clone();
    let (mut sections, mut functions) = (Sums::default(), Sums::default());
    if input.detect(&args.format)? == Kind::Elf {
        let config = crate::link::config_for(&args.format);
        let inputs = [pvm_linker::Input { name: "", bytes: &input.bytes }];
        let map = pvm_linker::link_map(&inputs, &config).map_err(|error| Failure::input(&file, error))?;
        for entry in &map.code {
            sections.add(&entry.section, widen(entry.size));
            functions.add(&entry.name, widen(entry.size));
        }
        map.data.iter().for_each(|entry| sections.add(&entry.name, widen(entry.size)));
    } else {
        let program = input.load(&args.format)?.program;
        sections.add("code", widen(program.code().len()));
        sections.add("ro data", widen(program.ro_data_size()));
        sections.add("rw data", widen(program.rw_data_size()));
        add_functions(&program, &mut functions);
    }
    let mut crates = Sums::default();
    functions.0.iter().for_each(|(name, bytes)| crates.add(crate_of(name), *bytes));
    let sizes = Sizes { file, sections: sections.sorted(), crates: crates.sorted(), functions: functions.sorted() };
    match is_json {
        true => print_json(&sizes),
        false => crate::output::write_stdout(sizes.text().as_bytes()),
    }
}

/// The functions that debug sections name, by their instructions.
fn add_functions(program: &Program, functions: &mut Sums) {
    let code = program.code();
    for located in code.iter().take_while(|located| located.offset < code.len()) {
        let mut name = String::new();
        if let Ok(Some(mut lines)) = program.get_debug_line_program_at(located.offset)
            && let Ok(Some(region)) = lines.find(located.offset)
            && let Some(frame) = region.frames().next()
            && let Ok(Some(full)) = frame.full_name()
        {
            name = full.to_string();
        }
        functions.add(&name, widen(located.next - located.offset));
    }
}

/// The crate of a Rust function, or the outermost namespace of a C++ one. Of others nothing is known.
fn crate_of(name: &str) -> &str {
    if name.starts_with("(anonymous namespace)") {
        return "(anonymous namespace)";
    }
    // The word in front of the first path separator, which may have a disambiguator behind it.
    let Some(end) = name.find("::") else { return "?" };
    let word =
        name[..end].strip_suffix(']').and_then(|word| word.rsplit_once('[')).map_or(&name[..end], |(word, _)| word);
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    Some(word.rsplit(|c| !is_word(c)).next().unwrap_or_default()).filter(|word| !word.is_empty()).unwrap_or("?")
}

impl Sizes {
    fn text(&self) -> String {
        let mut text = format!("{}\n", self.file);
        for (title, sizes) in [("section", &self.sections), ("crate", &self.crates), ("function", &self.functions)] {
            let all: u64 = sizes.iter().map(|size| size.bytes).sum();
            let _ = writeln!(text, "\n{:>10} {:>7} {title}", "bytes", "");
            for Size { name, bytes } in sizes {
                let _ = writeln!(text, "{bytes:>10} {:>7} {name}", crate::stats::percent(*bytes, all));
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::crate_of;

    #[test]
    fn crates_are_found_in_names() {
        let cases = [
            ("_RNvNtCscjIxqi4tWJ4_5hello4main3run", "hello"),
            ("_RINvNtC4core3mem4swapmE", "core"),
            ("_ZN4core9panicking5panic17h0123456789abcdefE", "core"),
            ("_ZNSt6vectorIiSaIiEE9push_backERKi", "std"),
            ("_ZN12_GLOBAL__N_13runEv", "(anonymous namespace)"),
            ("<alloc[1cfc]::vec::Vec<u8>>::push", "alloc"),
            ("<&mut core::fmt::Formatter as core::fmt::Write>::write_str", "core"),
            ("<&T as core::fmt::Debug>::fmt", "core"),
            ("<[u8] as alloc::slice::Join>::join", "alloc"),
            ("<u8 as core::fmt::Debug>::fmt", "core"),
            ("core::fmt::write", "core"),
            ("memcpy", "?"),
            ("_R", "?"),
        ];
        for (name, expected) in cases {
            let readable = pvm_linker::demangle(name).unwrap_or_else(|| name.into());
            assert_eq!(crate_of(&readable), expected, "{name}: {readable}");
        }
    }
}
