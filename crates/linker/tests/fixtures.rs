//! Real guests link, at every level, to programs that parse; the same input gives the same bytes.

use pvm_isa::InstructionSet;
use pvm_linker::{Config, LinkErrorKind, link, link_to_ir};
use pvm_program::{ParseOptions, Program};

fn fixtures() -> Vec<(String, Vec<u8>)> {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest/fixtures");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "elf") {
            found.push((path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()));
        }
    }
    found.sort();
    assert!(found.len() >= 5);
    found
}

#[test]
fn fixtures_link_and_parse_at_every_level() {
    for (name, elf) in fixtures() {
        let mut sizes = Vec::new();
        for opt_level in 0..=2 {
            let config = Config { opt_level, ..Config::default() };
            let blob = link(&elf, &config).unwrap_or_else(|error| panic!("{name}: {error}")).to_polkavm_blob().unwrap();
            assert_eq!(
                link(&elf, &config).unwrap().to_polkavm_blob().unwrap(),
                blob,
                "{name}: linking is deterministic"
            );
            let program =
                Program::parse(blob, &ParseOptions::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
            let set = if name.contains("32") { InstructionSet::Latest32 } else { InstructionSet::Latest64 };
            assert_eq!(program.set(), set, "{name}");
            assert!(program.exports().count() > 0, "{name}");
            for export in program.exports() {
                assert!(program.code().is_jump_target(export.offset), "{name}: exports start blocks");
            }
            sizes.push(program.code().len());
        }
        assert!(sizes[1] <= sizes[0], "{name}: level 1 only drops");
    }
}

#[test]
fn other_targets_have_the_same_exports() {
    for (name, elf) in fixtures().into_iter().filter(|(name, _)| !name.contains("32")) {
        for set in [InstructionSet::ReviveV1, InstructionSet::JamV1, InstructionSet::Latest64Bitmask] {
            let linked = link(&elf, &Config { target: Some(set), ..Config::default() });
            // They grow the heap, which these sets cannot.
            if ["abi-c", "libc", "sdk"].iter().any(|hosted| name.starts_with(hosted))
                && set != InstructionSet::Latest64Bitmask
            {
                assert!(matches!(
                    linked.unwrap_err().kind,
                    LinkErrorKind::NotInInstructionSet { instruction: "sbrk", .. }
                ));
                continue;
            }
            let program = Program::from_parts(linked.unwrap().parts, pvm_program::Varints::Strict).unwrap();
            assert_eq!(program.set(), set, "{name}");
            assert_eq!(program.code().validate(), Ok(()), "{name}: {set:?}");
        }
        let wrong = link(&elf, &Config { target: Some(InstructionSet::Latest32), ..Config::default() });
        assert!(matches!(wrong.unwrap_err().kind, LinkErrorKind::WidthMismatch { bits: 64, .. }));
    }
}

#[test]
fn the_intermediate_form_names_exports() {
    for (name, elf) in fixtures() {
        let text = link_to_ir(&elf, &Config::default()).unwrap();
        assert!(text.contains("export \""), "{name}: {text}");
    }
}

#[test]
fn cut_files_are_refused_or_linked_but_never_crash() {
    let (_, elf) = fixtures().swap_remove(0);
    for length in (0..elf.len()).step_by(37) {
        let _ = link(&elf[..length], &Config::default());
    }
    assert!(matches!(link(b"\x7fELF", &Config::default()).unwrap_err().kind, LinkErrorKind::NotAnElf));
}
