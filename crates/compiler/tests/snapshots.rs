//! Machine code by instruction family and by fusion, in `tests/codegen/`.
//!
//! A file is a comment, then cases apart by blank lines: lines of assembly (`docs/assembly.md`), and behind each what it became,
//! indented. What is fused stands behind the last line of its group. `%isa`, `%gas`, `%check` and `%features` hold for the rest of the
//! file; without them it is `latest64`, no gas and all features. `PVM_BLESS=1 cargo test -p pvm-compiler` renews them.

use iced_x86::{Decoder, DecoderOptions, Formatter, IntelFormatter, OpKind};
use pvm_compiler::{Check, Features, Output, Scratch, compile};
use pvm_gas::Rule;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/codegen")
}

/// What holds for the cases of a file.
struct Settings {
    isa: String,
    gas: Option<Rule>,
    check: Check,
    features: Features,
}

fn formatter() -> IntelFormatter {
    let mut formatter = IntelFormatter::new();
    let options = formatter.options_mut();
    options.set_hex_prefix("0x");
    options.set_hex_suffix("");
    options.set_space_after_operand_separator(true);
    options.set_small_hex_numbers_in_decimal(true);
    options.set_branch_leading_zeros(false);
    options.set_show_branch_size(false);
    options.set_rip_relative_addresses(true);
    formatter
}

/// The native instructions between two offsets in the text, indented, one a line with the bytes it takes.
fn disassemble(output: &Output<'_>, start: u32, end: u32) -> String {
    let bytes = &output.text()[usize::try_from(start).unwrap()..usize::try_from(end).unwrap()];
    let mut listing = String::new();
    let mut formatter = formatter();
    for instruction in &mut Decoder::with_ip(64, bytes, 0, DecoderOptions::NONE) {
        let mut text = String::new();
        formatter.format(&instruction, &mut text);
        let is_near = matches!(instruction.op0_kind(), OpKind::NearBranch64);
        let inside = instruction.near_branch_target() < u64::from(end - start);
        if is_near && !inside {
            // Where it goes to is no matter of this case.
            text = format!("{} out", text.split(' ').next().unwrap());
        }
        writeln!(listing, "        {:2} {text}", instruction.len()).unwrap();
    }
    listing
}

/// The lines of a case, each with its machine code.
fn result(settings: &Settings, lines: &[&str]) -> String {
    let text = format!("%isa = {}\n{}\ntrap\n", settings.isa, lines.join("\n"));
    let program = pvm_text::assemble(&text, None).unwrap().to_program().unwrap();
    let code = program.code();
    let mut scratch = Scratch::default();
    let output = compile(
        code,
        program.jump_table(),
        settings.gas.as_ref().map(|rule| (rule, settings.check)),
        settings.features,
        &mut scratch,
    )
    .unwrap();
    let mut listing = String::new();
    let mut instructions = code.iter();
    let mut start = None;
    for line in lines {
        if line.starts_with('@') {
            writeln!(listing, "{line}").unwrap();
            continue;
        }
        let located = instructions.next().expect("a line is an instruction");
        writeln!(listing, "{line}").unwrap();
        start = start.or(output.map().at(located.offset));
        if let Some(end) = output.map().at(located.next) {
            listing += &disassemble(&output, start.take().expect("a case starts a block"), end);
        }
    }
    listing
}

fn renewed(text: &str) -> String {
    let mut settings = Settings { isa: "latest64".into(), gas: None, check: Check::Every, features: Features::ALL };
    let mut parts = Vec::new();
    for part in text.trim_end().split("\n\n") {
        if part.starts_with("//") {
            parts.push(part.to_owned());
        } else if let Some(directive) = part.strip_prefix('%') {
            match directive.split_once(" = ").expect("a directive") {
                ("isa", isa) => settings.isa = isa.into(),
                ("gas", rule) => settings.gas = Some(rule.parse().unwrap()),
                ("check", "coarse") => settings.check = Check::Coarse,
                ("features", "baseline") => settings.features = Features::BASELINE,
                other => panic!("{other:?}"),
            }
            parts.push(part.to_owned());
        } else {
            let lines: Vec<&str> = part.lines().filter(|line| !line.starts_with(' ')).collect();
            parts.push(result(&settings, &lines).trim_end().to_owned());
        }
    }
    format!("{}\n", parts.join("\n\n"))
}

#[test]
fn machine_code_is_as_recorded() {
    let bless = std::env::var_os("PVM_BLESS").is_some();
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    let mut different = Vec::new();
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let new = renewed(&text);
        if new != text && bless {
            std::fs::write(&path, &new).unwrap();
        } else if new != text {
            different.push(format!("{}:\n{new}", path.display()));
        }
    }
    assert!(different.is_empty(), "PVM_BLESS=1 accepts these changes:\n{}", different.join("\n"));
}
