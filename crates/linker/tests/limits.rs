//! What the existing linker rejects or gets wrong, and what becomes of it here: it runs, or is refused with an error that
//! names section, offset, function, what is in the way, and the flag that would avoid it.

mod common;

use common::{call, no_host, repository};
use pvm_linker::{Config, Input, link, link_files};
use pvm_num::casts::low_u32;

enum Outcome {
    /// Every variant gives this, at every level.
    Runs(u32),
    /// Every variant is refused with all of this in the message, at every level.
    Refused(&'static [&'static str]),
}
use Outcome::{Refused, Runs};

/// What it is about; the start of the names of the files in `tests/link`; what happens.
const LIMITS: &[(&str, &str, Outcome)] = &[
    ("auipc without relocation from code built with -mno-relax", "local-pairs.", Runs(1660)),
    ("the same from a compiler, PIE", "toolchains/clang.64.pie.no-relax.", Runs(3_184_521_469)),
    ("lld --relax -pie, whose records of pointers are empty", "toolchains/clang.64.pie.relax", Runs(3_184_521_469)),
    ("the same, 32 bits", "toolchains/clang.32.pie.relax", Runs(3_184_521_469)),
    ("lld --relax -static: calls become jal", "toolchains/clang.64.medany.relax.", Runs(3_184_521_469)),
    ("code relative to gp, by lld", "toolchains/clang.64.medlow.relax-gp.", Runs(3_184_521_469)),
    ("code relative to gp, by GNU ld", "toolchains/gcc.32.medlow.relax.", Runs(3_184_521_469)),
    ("libgcc's save and restore through t0", "toolchains/gcc.32.", Runs(3_184_521_469)),
    ("the same by hand, and R_RISCV_CALL of older compilers", "millicode.", Runs(42)),
    ("ld -r", "toolchains/clang.64.partial.", Runs(3_184_521_469)),
    ("addends that lead out of their section, and ld -r", "rodata-fold.", Runs(122)),
    ("non-PIC loads of relocated pointers from .rodata", "rodata-fold.64.static.", Runs(122)),
    ("undefined weak symbols that are referenced", "got.", Runs(42)),
    ("_DYNAMIC, __dso_handle, __global_pointer$, _GLOBAL_OFFSET_TABLE_", "provided.", Runs(7)),
    (".init_array, __start_ and __stop_ symbols", "constructors.64.object.", Runs(12345)),
    (".init_array of a linked file", "constructors.64.static.", Runs(12345)),
    ("fences, atomics, calls through t1 and t2, tables for unwinding", "stock.", Runs(51)),
    ("rv32em: neither compressed instructions nor atomics", "toolchains/clang.32.em.", Runs(3_184_521_469)),
    ("rv64imac without the upper registers (-ffixed-x16...)", "toolchains/clang.64.fixed.", Runs(3_184_521_469)),
    ("R_RISCV_SET32 and R_RISCV_32_PCREL in data", "data.", Runs(2117)),
    (
        ".tbss and R_RISCV_TPREL_*",
        "error-thread-local.",
        Refused(&["R_RISCV_TPREL_HI20 on `lui", "`errno`", ".text+0x0", "`main`", "_Thread_local"]),
    ),
    (
        "R_RISCV_TLS_*",
        "error-thread-dynamic.",
        Refused(&["R_RISCV_TLS_GOT_HI20 on `auipc", "`errno`", ".text+0x0", "`main`", "_Thread_local"]),
    ),
    ("tp", "error-thread-pointer.", Refused(&["`add a0, zero, tp`", ".text+0x0", "`main`", "_Thread_local"])),
    ("registers above x15", "error-register.", Refused(&["`addi s2, a0, 0`", ".text+0x0", "`main`", "-mabi=lp64e"])),
    ("a6 and a7", "error-argument-register.", Refused(&["`addi a7", ".text+0x0", "`main`", "-march=rv64emac"])),
    ("F", "error-float.", Refused(&["0x00b57553", "floating-point", ".text+0x0", "`main`", "-mabi=lp64e", "=-f,-d"])),
    ("D, compressed", "error-double.", Refused(&["0x2522", "floating-point", ".text+0x0", "`main`", "-mabi=lp64e"])),
    ("V", "error-vector.", Refused(&["0x0c05f557", "vector", ".text+0x2", "`main`", "=-v"])),
    ("CSRs of counters", "error-csr.", Refused(&["`csrrs a0, cycle, zero`", ".text+0x0", "`main`", "zicntr"])),
    ("CSRs of floating point", "error-frm.", Refused(&["`csrrs a0, frm, zero`", ".text+0x2", "`main`", "-march"])),
    ("ecall", "error-ecall.", Refused(&["`ecall`", ".text+0x0", "`main`", "POLKAVM_IMPORT"])),
    ("ebreak", "error-ebreak.", Refused(&["`ebreak`", ".text+0x0", "`main`", "POLKAVM_TRAP"])),
    ("no relocations", "error-no-relocations.", Refused(&["no relocations", "--emit-relocs"])),
];

/// The files whose names start so.
fn files(prefix: &str) -> Vec<(String, Vec<u8>)> {
    let (folder, prefix) = prefix.rsplit_once('/').map_or(("", prefix), |(folder, name)| (folder, name));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(repository("tests/link").join(folder)).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with(prefix) && name.ends_with(".elf") {
            files.push((name, std::fs::read(&path).unwrap()));
        }
    }
    files
}

#[test]
fn every_limit_of_the_existing_linker_is_none_or_is_explained() {
    for (about, prefix, outcome) in LIMITS {
        let files = files(prefix);
        assert!(!files.is_empty(), "{about}: there is no file {prefix}*");
        for ((name, elf), opt_level) in files.iter().flat_map(|file| (0..=2).map(move |level| (file, level))) {
            let linked = link(elf, &Config { opt_level, ..Config::default() });
            match (outcome, linked) {
                (Runs(expected), Ok(linked)) => {
                    let result = call(&linked.parts, "main", &[], no_host).map(low_u32);
                    assert_eq!(result, Ok(*expected), "{about}: {name} at {opt_level}");
                }
                (Refused(parts), Err(error)) => {
                    let text = error.to_string();
                    for part in *parts {
                        assert!(text.contains(part), "{about}: {name} at {opt_level}: {part:?} is not in {text:?}");
                    }
                }
                (Runs(_), Err(error)) => panic!("{about}: {name} at {opt_level}: {error}"),
                (Refused(_), Ok(_)) => panic!("{about}: {name} at {opt_level} was linked"),
            }
        }
    }
}

/// GCC has no 64-bit E profile, and objects for lp64 and lp64e cannot call each other.
#[test]
fn objects_of_two_abis_are_refused() {
    let folder = repository("tests/link/files");
    let files: Vec<(&str, Vec<u8>)> =
        ["main.64.o", "two.lp64.o"].into_iter().map(|name| (name, std::fs::read(folder.join(name)).unwrap())).collect();
    let inputs: Vec<Input<'_>> = files.iter().map(|(name, bytes)| Input { name, bytes }).collect();
    let text = link_files(&inputs, &Config::default()).unwrap_err().to_string();
    assert!(text.contains("lp64e") && text.contains("two.lp64.o") && text.contains("-mabi"), "{text}");
}
