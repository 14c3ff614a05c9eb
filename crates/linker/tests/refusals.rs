//! Every reason to refuse a file, each with a file that gives it: the message has the cause, the place and, where there is
//! one, the way out. All levels refuse alike.

mod common;

use common::elf::{
    ABSOLUTE, EXEC, ElfBuilder, NO_SYMBOL, NOBITS, R_32, R_64, R_CALL_PLT, R_PCREL_HI20, RO, RW, assemble, field,
};
use common::elf::{R_PCREL_LO12_I, Section};
use common::repository;
use pvm_linker::{Config, LinkErrorKind, link};
use pvm_riscv::{AmoOp, AmoWidth, Instruction, LoadKind, Reg, RegImmOp, Xlen};

/// The name of the cause in `LinkErrorKind`, a file that gives it, and the message.
type Case = (&'static str, fn() -> Vec<u8>, &'static str);

const RETURN: Instruction = Instruction::Jalr { rd: Reg::zero, rs1: Reg::ra, offset: 0 };
const AUIPC: Instruction = Instruction::Auipc { rd: Reg::a0, imm: 0 };
const ADDI: Instruction = Instruction::RegImm { op: RegImmOp::Addi, rd: Reg::a0, rs1: Reg::a0, imm: 0 };
const LOAD: Instruction = Instruction::Load { kind: LoadKind::U64, rd: Reg::a0, base: Reg::a0, offset: 0 };
const MOVE: Instruction = Instruction::RegImm { op: RegImmOp::Addi, rd: Reg::a1, rs1: Reg::a0, imm: 0 };
/// The word of a call of the host.
const IMPORT: Instruction =
    Instruction::Custom0 { funct3: 0, funct7: 0, rd: Reg::zero, rs1: Reg::zero, rs2: Reg::zero };

/// A weak symbol of no type.
const WEAK: u8 = 0x20;

/// The index of the code section.
const TEXT: usize = 0;
/// The indices of the sections with records of exports.
const METADATA: usize = 2;
const EXPORTS: usize = 3;
/// The header of a section has the number behind its index.
const HEADER: usize = 1;

const R_HI20: u32 = 26;
const R_GOT_HI20: u32 = 20;
const R_JUMP_SLOT: u32 = 5;
const R_GOT32_PCREL: u32 = 41;
const R_TLS_GD_HI20: u32 = 22;
const R_TPREL_LO12_I: u32 = 30;
const R_TPREL_ADD: u32 = 32;
const R_TLS_DTPREL64: u32 = 9;
const R_TLS_TPREL64: u32 = 11;
const R_ADD8: u32 = 33;
const R_ADD32: u32 = 35;
const R_SUB8: u32 = 37;
const R_SUB6: u32 = 52;
const R_SET6: u32 = 53;

/// A file whose function `main` is this code and a return, with changes.
fn file(code: &[Instruction], change: impl FnOnce(&mut ElfBuilder)) -> Vec<u8> {
    let mut builder = ElfBuilder::new(Xlen::Rv64);
    let text = builder.section(".text", EXEC, assemble(Xlen::Rv64, &[code, &[RETURN]].concat()));
    builder.exports(text, [("main", 0)]);
    change(&mut builder);
    builder.build()
}

/// The same with a byte of the file overwritten.
fn patched(at: usize, byte: u8) -> Vec<u8> {
    let mut file = file(&[], |_| {});
    file[at] = byte;
    file
}

/// The same with a field of a section header overwritten.
fn with_header(section: usize, field: usize, value: u64) -> Vec<u8> {
    file(&[], |builder| builder.patches.push((section + HEADER, field, value)))
}

/// A file with one more section.
fn with_section(name: &'static str, kind: u32, flags: u64, align: u64, size: u64) -> Vec<u8> {
    file(&[], |builder| add_section(builder, name, kind, flags, align, size))
}

/// A file whose `main` returns the address of a table of all sections that are added.
fn with_all_used(add: impl FnOnce(&mut ElfBuilder)) -> Vec<u8> {
    file(&[AUIPC, ADDI], |builder| {
        let first = builder.sections.len();
        add(builder);
        let added = first..builder.sections.len();
        let table = builder.section(".data.rel.ro", RW, vec![0; 8 * added.len()]);
        for (index, section) in added.enumerate() {
            let symbol = builder.symbol("", section, 0);
            builder.relocate(table, 8 * index, R_64, symbol);
        }
        let symbol = builder.symbol("", table, 0);
        builder.relocate(TEXT, 0, R_PCREL_HI20, symbol);
        let label = builder.symbol("", TEXT, 0);
        builder.relocate(TEXT, 4, R_PCREL_LO12_I, label);
    })
}

fn add_section(builder: &mut ElfBuilder, name: &'static str, kind: u32, flags: u64, align: u64, size: u64) {
    let data = if kind == NOBITS { Vec::new() } else { vec![0; usize::try_from(size).unwrap()] };
    builder.sections.push(Section { name, kind, flags, align, data, size, relocations: Vec::new() });
}

/// A file with a relocation at an offset of eight zero bytes in `.data`, to `main` plus something.
fn with_data(records: &'static [(usize, u32, i64)]) -> Vec<u8> {
    file(&[], |builder| {
        let data = builder.section(".data", RW, vec![0; 8]);
        let main = builder.symbol("target", TEXT, 0);
        for (offset, kind, addend) in records {
            builder.relocate_with(data, *offset, *kind, main, *addend);
        }
    })
}

/// Code with relocations to `word`, which is in `.data`.
fn with_word(code: &[Instruction], records: &[(usize, u32)]) -> Vec<u8> {
    file(code, |builder| {
        let data = builder.section(".data", RW, vec![0; 8]);
        let word = builder.symbol("word", data, 0);
        for (offset, kind) in records {
            builder.relocate(TEXT, *offset, *kind, word);
        }
    })
}

/// A reference from the code to a section of a kind.
fn with_reference(code: &[Instruction], name: &'static str, flags: u64, kind: u32) -> Vec<u8> {
    file(code, |builder| {
        let section = builder.section(name, flags, vec![0; 16]);
        let there = builder.symbol("there", section, 0);
        builder.relocate(TEXT, 0, kind, there);
        let label = builder.symbol("", TEXT, 0);
        if kind == R_PCREL_HI20 {
            builder.relocate(TEXT, 4, R_PCREL_LO12_I, label);
        }
    })
}

/// Calls of the host with numbers.
fn with_imports(numbers: &[(&str, Option<u32>)]) -> Vec<u8> {
    let code: Vec<Instruction> = numbers.iter().flat_map(|_| [IMPORT, AUIPC_ZERO, AUIPC_ZERO]).collect();
    file(&code, |builder| {
        let names = builder.section(".rodata.imports", RO, Vec::new());
        for (index, (name, number)) in numbers.iter().enumerate() {
            let name_at = u64::try_from(builder.sections[names].data.len()).unwrap();
            builder.sections[names].data.extend_from_slice(name.as_bytes());
            let record = builder.sections[METADATA].data.len();
            let length = u8::try_from(name.len()).unwrap();
            let data = &mut builder.sections[METADATA].data;
            data.extend_from_slice(&[2, 0, 0, 0, 0, length, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            data.push(u8::from(number.is_some()));
            data.extend_from_slice(&number.unwrap_or(0).to_le_bytes());
            let symbol = builder.symbol("", names, name_at);
            builder.relocate(METADATA, record + 9, R_64, symbol);
            let symbol = builder.symbol("", METADATA, u64::try_from(record).unwrap());
            builder.relocate(TEXT, 12 * index + 4, R_64, symbol);
        }
    })
}

/// Four bytes of an import's pointer.
const AUIPC_ZERO: Instruction = Instruction::Auipc { rd: Reg::zero, imm: 0 };

const CASES: &[Case] = &[
    // The file.
    ("NotAnElf", || patched(0, 0), "not an ELF file"),
    ("BigEndian", || patched(5, 2), "big-endian ELF file; RISC-V guests are little-endian"),
    ("UnsupportedOsAbi", || patched(7, 9), "ELF file for OS ABI 9; expected 0 (System V) or 3 (GNU)"),
    ("UnsupportedMachine", || patched(18, 62), "ELF file for machine 62; expected 243 (RISC-V)"),
    (
        "UnsupportedFileType",
        || patched(16, 4),
        "ELF file of type 4; expected an executable, a shared object or a relocatable file",
    ),
    ("TableOutOfFile", || patched(40 + 3, 1), "the section header table is malformed or not within the file"),
    (
        "SectionsOverlap",
        || with_header(METADATA, field::SIZE, 1500),
        "the sections overlap: they claim 1794 bytes of a file of 1017",
    ),
    ("MalformedArchive", || b"!<arch>\nnothing".to_vec(), "malformed archive"),
    (
        "SymbolNamesTooLong",
        || {
            file(&[], |builder| {
                let name = "x".repeat(16 << 20);
                for _ in 0..17 {
                    let symbol = builder.symbol(&name, TEXT, 0);
                    builder.symbols[symbol].info = WEAK;
                }
            })
        },
        "the names of all symbols take more than 268435456 bytes",
    ),
    (
        "SectionKindsDiffer",
        || {
            file(&[], |builder| {
                builder.section("mine", RO, vec![0; 8]);
                builder.section("mine", RW, vec![0; 8]);
                let start = builder.symbol("__start_mine", TEXT, 0);
                builder.symbols[start].section = None;
            })
        },
        "sections named `mine` are of different kinds at mine+0x0",
    ),
    // Sections.
    (
        "BadSectionName",
        || with_header(METADATA, field::NAME, 1 << 20),
        "bad section name at offset 1048576 of the section name table",
    ),
    (
        "SectionOutOfFile",
        || with_header(METADATA, field::OFFSET, 1 << 20),
        "contents are not within the file in section .polkavm_metadata",
    ),
    (
        "SectionWritable",
        || with_section(".text.hot", 1, EXEC | RW, 4, 4),
        "section must not be writable in section .text.hot",
    ),
    ("SectionNotWritable", || with_section(".data.x", 1, RO, 4, 4), "section must be writable in section .data.x"),
    (
        "UnsupportedSection",
        || with_section(".special", 0x7000_0001, RO, 4, 4),
        "unsupported kind of section (type 0x70000001) in section .special: merge the section into .data with a linker script",
    ),
    (
        "CompressedSection",
        || with_section(".rodata.z", 1, RO | 0x800, 4, 4),
        "compressed contents of a section that is loaded in section .rodata.z",
    ),
    (
        "SectionTooBig",
        || with_section(".bss", NOBITS, RW, 4, 1 << 32),
        "section of 4294967296 bytes does not fit a 32-bit address space in section .bss",
    ),
    (
        "BadAlignment",
        || with_section(".data", 1, RW, 3, 4),
        "alignment of 3 bytes; expected a power of two up to 65536 in section .data",
    ),
    (
        "BadAlignment",
        || with_section(".data", 1, RW, 0x2_0000, 4),
        "alignment of 131072 bytes; expected a power of two up to 65536 in section .data",
    ),
    (
        "OddCodeSize",
        || with_section(".text.hot", 1, EXEC, 4, 3),
        "code of an odd number of bytes: 3 in section .text.hot",
    ),
    ("NoCode", || ElfBuilder::new(Xlen::Rv64).build(), "no code section"),
    // Symbols.
    (
        "SymbolInMissingSection",
        || {
            file(&[], |builder| {
                let lost = builder.symbol("lost", TEXT, 0);
                builder.symbols[lost].section = Some(4095);
            })
        },
        "symbol `lost` is defined in section 4096, which does not exist",
    ),
    (
        "UnsupportedSymbolKind",
        || {
            file(&[Instruction::Jal { rd: Reg::ra, offset: 0 }], |builder| {
                let indirect = builder.symbol("indirect", TEXT, 0);
                builder.symbols[indirect].info = 0x1a;
                builder.relocate(TEXT, 0, 17, indirect);
            })
        },
        "symbol `indirect` is of an unsupported kind (type 10) at .text+0x0 (in `main`)",
    ),
    ("AddendTooBig", || with_data(&[(0, R_64, 1 << 40)]), "addend 1099511627776 to `target` is too big at .data+0x0"),
    // Relocations.
    (
        "RelocationsOfMissingSection",
        || with_header(7, field::INFO, 99),
        "relocations of section 99, which does not exist in section .rela",
    ),
    (
        "ImplicitAddends",
        || with_header(7, field::KIND, 9),
        "relocations with implicit addends (REL, CREL) are not supported in section .rela",
    ),
    (
        "RelocationOutOfSection",
        || with_data(&[(9, R_64, 0)]),
        "relocation at address 0x9 is outside of its section in section .rela",
    ),
    (
        "RelocationOfMissingSymbol",
        || {
            file(&[], |builder| {
                let data = builder.section(".data", RW, vec![0; 8]);
                builder.relocate(data, 0, R_64, 1000);
            })
        },
        "relocation with symbol 1001, which does not exist in section .rela",
    ),
    (
        "RelocationWithoutSymbol",
        || {
            file(&[], |builder| {
                let data = builder.section(".data", RW, vec![0; 8]);
                builder.relocate_with(data, 0, R_64, NO_SYMBOL, 5);
            })
        },
        "R_RISCV_64 without a symbol at .data+0x0",
    ),
    ("UnsupportedRelocation", || with_data(&[(0, 200, 0)]), "relocation type 200 is not supported here at .data+0x0"),
    (
        "UnsupportedRelocation",
        || with_data(&[(0, R_GOT32_PCREL, 0)]),
        "R_RISCV_GOT32_PCREL is not supported here at .data+0x0",
    ),
    (
        "UnsupportedRelocation",
        || with_word(&[AUIPC], &[(0, R_JUMP_SLOT)]),
        "R_RISCV_JUMP_SLOT is not supported here at .text+0x0 (in `main`)",
    ),
    (
        "ThreadLocalRelocation",
        || with_data(&[(0, R_TLS_DTPREL64, 0)]),
        "R_RISCV_TLS_DTPREL64: thread-local variable `target` at .data+0x0: guests have one thread: drop _Thread_local (-D_Thread_local=, -Dthread_local=), -Ctarget-feature=+singlethread for Rust",
    ),
    (
        "ThreadLocalRelocation",
        || with_data(&[(0, R_TLS_TPREL64, 0)]),
        "R_RISCV_TLS_TPREL64: thread-local variable `target` at .data+0x0: guests have one thread: drop _Thread_local (-D_Thread_local=, -Dthread_local=), -Ctarget-feature=+singlethread for Rust",
    ),
    (
        "ThreadLocalAccess",
        || with_word(&[AUIPC], &[(0, R_TLS_GD_HI20)]),
        "R_RISCV_TLS_GD_HI20 on `auipc a0, 0`: thread-local variable `word` at .text+0x0 (in `main`): guests have one thread: drop _Thread_local (-D_Thread_local=, -Dthread_local=), -Ctarget-feature=+singlethread for Rust",
    ),
    (
        "ThreadLocalAccess",
        || with_word(&[ADDI], &[(0, R_TPREL_ADD)]),
        "R_RISCV_TPREL_ADD on `addi a0, a0, 0`: thread-local variable `word` at .text+0x0 (in `main`): guests have one thread: drop _Thread_local (-D_Thread_local=, -Dthread_local=), -Ctarget-feature=+singlethread for Rust",
    ),
    (
        "ThreadLocalAccess",
        || with_word(&[LOAD], &[(0, R_TPREL_LO12_I)]),
        "R_RISCV_TPREL_LO12_I on `ld a0, 0(a0)`: thread-local variable `word` at .text+0x0 (in `main`): guests have one thread: drop _Thread_local (-D_Thread_local=, -Dthread_local=), -Ctarget-feature=+singlethread for Rust",
    ),
    (
        "ConflictingRelocations",
        || with_word(&[AUIPC], &[(0, R_PCREL_HI20), (0, R_GOT_HI20)]),
        "R_RISCV_PCREL_HI20 and R_RISCV_GOT_HI20 at the same place at .text+0x0 (in `main`)",
    ),
    (
        "ConflictingRelocations",
        || with_data(&[(0, R_64, 0), (0, R_32, 0)]),
        "R_RISCV_64 and R_RISCV_32 at the same place at .data+0x0",
    ),
    (
        "MisplacedRelocation",
        || with_word(&[AUIPC], &[(2, R_PCREL_HI20)]),
        "R_RISCV_PCREL_HI20 at a place where it has no meaning at .text+0x2 (in `main`)",
    ),
    (
        "RelocationMismatch",
        || with_word(&[ADDI], &[(0, R_HI20)]),
        "R_RISCV_HI20 on `addi a0, a0, 0` at .text+0x0 (in `main`)",
    ),
    (
        "CallWithoutJalr",
        || with_word(&[AUIPC, ADDI], &[(0, R_CALL_PLT)]),
        "R_RISCV_CALL_PLT on an auipc that is not followed by the jalr of the pair at .text+0x0 (in `main`)",
    ),
    (
        "GotSlotAddressUsed",
        || {
            file(&[AUIPC, MOVE, LOAD], |builder| {
                let main = builder.symbol("target", TEXT, 0);
                builder.relocate(TEXT, 0, R_GOT_HI20, main);
                builder.relocate(TEXT, 8, R_PCREL_LO12_I, main);
            })
        },
        "the address of a GOT slot is used otherwise than for loading the slot at .text+0x0 (in `main`)",
    ),
    ("OverlappingRelocations", || with_data(&[(0, R_64, 0), (4, R_32, 0)]), "relocations overlap at .data+0x4"),
    (
        "RelocationPastSection",
        || with_data(&[(1, R_64, 0)]),
        "relocated field of 8 bytes reaches beyond the end of the section at .data+0x1",
    ),
    (
        "HalfADifference",
        || with_data(&[(0, R_ADD32, 0)]),
        "R_RISCV_ADD32 without the other half of the difference at .data+0x0",
    ),
    (
        "UnsupportedDifference",
        || with_data(&[(0, R_SET6, 0), (0, R_SUB6, 0)]),
        "difference of a width that only debug information may have at .data+0x0",
    ),
    (
        "ValueDoesNotFit",
        || {
            with_all_used(|builder| {
                let data = builder.section(".data", RW, vec![0; 8]);
                let number = builder.symbol("number", ABSOLUTE, 1 << 40);
                builder.relocate(data, 0, R_32, number);
            })
        },
        "value 0x10000000000 does not fit a field of 4 bytes at .data+0x0",
    ),
    (
        "ValueDoesNotFit",
        || {
            with_all_used(|builder| {
                let data = builder.section(".data", RW, vec![0; 512]);
                let (start, end) = (builder.symbol("start", data, 0), builder.symbol("end", data, 256));
                builder.relocate(data, 0, R_ADD8, end);
                builder.relocate(data, 0, R_SUB8, start);
            })
        },
        "value 0x100 does not fit a field of 1 bytes at .data+0x0",
    ),
    // References.
    (
        "TargetNotLoaded",
        || with_reference(&[AUIPC, ADDI], ".eh_frame", RO, R_PCREL_HI20),
        "reference to section .eh_frame, which is not part of the program at .text+0x4 (in `main`)",
    ),
    (
        "JumpIntoData",
        || with_reference(&[AUIPC, RETURN_A0], ".data", RW, R_CALL_PLT),
        "jump to .data, which is not code at .text+0x0 (in `main`)",
    ),
    (
        "CodeTargetOutOfSection",
        || file(&[Instruction::Jal { rd: Reg::zero, offset: 64 }], |_| {}),
        "reference to .text+0x40, where there is no code at .text+0x0 (in `main`)",
    ),
    (
        "AbsoluteJump",
        || file(&[Instruction::Jalr { rd: Reg::zero, rs1: Reg::zero, offset: 64 }], |_| {}),
        "`jalr zero, 64(zero)` jumps to a fixed address at .text+0x0 (in `main`)",
    ),
    (
        "UnrelocatedAuipc",
        || file(&[AUIPC, LOAD_FAR], |_| {}),
        "auipc without relocation at .text+0x0 (in `main`): compile with -mrelax (LLVM feature +relax), link with --emit-relocs --no-relax",
    ),
    // Records.
    (
        "BadRecord",
        || file(&[], |builder| builder.sections[EXPORTS].data[0] = 9),
        "export record of version 9, known is 1 at .polkavm_exports+0x0",
    ),
    (
        "RecordWithoutPointer",
        || file(&[], |builder| builder.sections[EXPORTS].relocations.clear()),
        "pointer in a record of an import or export has no relocation at .polkavm_exports+0x1: link with --emit-relocs",
    ),
    (
        "RecordPointsNowhere",
        || {
            file(&[], |builder| {
                let number = builder.symbol("number", ABSOLUTE, 8);
                builder.sections[EXPORTS].relocations[0].symbol = number;
            })
        },
        "pointer in a record of an import or export does not lead to contents of the file at .polkavm_exports+0x1",
    ),
    (
        "NameTooLong",
        || file(&[], |builder| builder.sections[METADATA].data[6] = 0x20),
        "name of 8196 bytes; at most 4096 at .polkavm_metadata+0x0",
    ),
    (
        "ExportNamesTooLong",
        || {
            let name = "x".repeat(4096);
            file(&[], |builder| {
                builder.exports(TEXT, (0..4097).map(|_| (name.as_str(), 0)));
                builder.symbols.iter_mut().for_each(|symbol| symbol.info = WEAK);
            })
        },
        "the names of all exports take more than 16777216 bytes at .polkavm_exports+0x10ff0",
    ),
    (
        "ImportWithoutPointer",
        || file(&[IMPORT, AUIPC_ZERO, AUIPC_ZERO], |_| {}),
        "call of the host (0x0000000b) without a relocated pointer behind it at .text+0x0 (in `main`): link with --emit-relocs",
    ),
    ("ImportIndexTaken", || with_imports(&[("a", Some(3)), ("b", Some(3))]), "imports `a` and `b` both have index 3"),
    (
        "ImportWithoutIndex",
        || with_imports(&[("a", Some(3)), ("b", None)]),
        "import `b` has no index although others have one",
    ),
    ("TooManyImports", || with_imports(&[("a", Some(1024))]), "import index 1024; at most 1024 imports are possible"),
    // Too much.
    (
        "DataTooBig",
        || with_all_used(|builder| add_section(builder, ".bss", NOBITS, RW, 4, 0xffff_0000)),
        "data of 4294901776 bytes and a stack of 8192 do not fit the address space",
    ),
    (
        "TooMuchPadding",
        || {
            with_all_used(|builder| {
                (0..258).for_each(|_| add_section(builder, ".data", 1, RW, 0x1_0000, 1));
            })
        },
        "alignment of data sections takes 16842499 bytes of padding, more than 16777216",
    ),
];

const RETURN_A0: Instruction = Instruction::Jalr { rd: Reg::ra, rs1: Reg::a0, offset: 0 };
const LOAD_FAR: Instruction = Instruction::Load { kind: LoadKind::U64, rd: Reg::a0, base: Reg::a0, offset: 1024 };

/// Causes that other tests have files for, with the test's file and a piece of the message there.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    ("WidthMismatch", "crates/linker/tests/fixtures.rs", "WidthMismatch"),
    ("NothingToLink", "crates/linker/tests/files.rs", "nothing to link"),
    ("ThinArchive", "crates/linker/tests/files.rs", "thin archive"),
    ("LinkedAmongSeveral", "crates/linker/tests/files.rs", "among other files"),
    ("MixedWidths", "crates/linker/tests/files.rs", "32-bit file, but"),
    ("MixedAbis", "crates/linker/tests/files.rs", "file for lp64, but"),
    ("DuplicateSymbol", "crates/linker/tests/files.rs", "is defined in two.64.o and in"),
    ("NoRelocations", "tests/link/error-no-relocations.txt", "error: the file has no relocations"),
    ("UndefinedSymbol", "tests/link/error-undefined.txt", "error: undefined symbol"),
    ("LowWithoutHigh", "tests/link/error-no-high.txt", "error: R_RISCV_PCREL_LO12_I without its HI20"),
    ("JumpIntoInstruction", "tests/link/error-into-pair.txt", "in the middle of an instruction"),
    ("CodeAsData", "tests/link/error-code-as-data.txt", "accesses code as data"),
    ("UnsupportedEncoding", "tests/link/error-float.txt", "error: unsupported instruction: 0x"),
    ("UnsupportedInstruction", "tests/link/error-ecall.txt", "error: unsupported instruction `ecall`"),
    ("UnsupportedRegister", "tests/link/error-register.txt", "uses register s2"),
    ("AbsoluteAccess", "tests/link/error-absolute-load.txt", "accesses memory at a fixed address"),
    ("JumpWithOffset", "tests/link/error-jump-offset.txt", "jumps to a code address with an offset"),
    ("NotInInstructionSet", "crates/linker/tests/fixtures.rs", "NotInInstructionSet"),
    ("ExportIsNotCode", "tests/link/error-export-data.txt", "is not a function"),
    ("ImportDeclaredTwice", "tests/link/error-imports-differ.txt", "is declared twice, differently"),
];

/// It takes a file with 16 million blocks, which is more than a test may ask a machine for.
const TOO_MUCH_TO_TEST: &str = "JumpTableTooLong";

/// The name of a cause, without what it holds.
fn name(kind: &LinkErrorKind) -> String {
    format!("{kind:?}").chars().take_while(|c| c.is_alphanumeric()).collect()
}

#[test]
fn every_cause_has_its_message() {
    for (kind, make, message) in CASES {
        let elf = make();
        for opt_level in 0..=2 {
            let linked = link(&elf, &Config { opt_level, ..Config::default() });
            let error = linked.expect_err(kind);
            assert_eq!(name(&error.kind), *kind, "at {opt_level}: {error}");
            // The others may have left out a part of what there is too much of.
            if opt_level == 0 {
                assert_eq!(error.to_string(), *message);
            }
        }
    }
}

#[test]
fn what_is_asked_for_can_be_too_much() {
    let elf = file(&[], |_| {});
    let refused = |config: &Config, message: &str| assert_eq!(link(&elf, config).unwrap_err().to_string(), message);
    let config = Config { min_stack_size: u32::MAX, ..Config::default() };
    refused(&config, "stack of 4294967296 bytes does not fit a 32-bit address space");
    let config = Config { min_stack_size: 0xffff_0000, ..Config::default() };
    refused(&config, "data of 0 bytes and a stack of 4294901760 do not fit the address space");
    let config = Config { dispatch_table: vec![b"nobody".to_vec()], ..Config::default() };
    refused(&config, "dispatch table names `nobody`, which is not exported");
}

/// 4.2 MB of instructions that become more than 32 MiB of program.
#[test]
fn code_can_be_too_long() {
    let amo = Instruction::Amo {
        op: AmoOp::Min,
        width: AmoWidth::Word,
        rd: Reg::a0,
        addr: Reg::a0,
        src: Reg::a0,
        aq: false,
        rl: false,
    };
    let elf = file(&vec![amo; 1_060_000], |_| {});
    let error = link(&elf, &Config { opt_level: 0, ..Config::default() }).unwrap_err();
    assert_eq!((name(&error.kind).as_str(), error.to_string().as_str()), ("Program", "the code section is too long"));
}

/// What is one less than refused above.
#[test]
fn limits_themselves_are_allowed() {
    let name = "x".repeat(4096);
    let section: &'static str = Box::leak(format!(".rodata.{}", "x".repeat(4096 - 8)).into_boxed_str());
    let elfs = [
        file(&[], |builder| builder.exports(TEXT, [(name.as_str(), 0)])),
        with_all_used(|builder| add_section(builder, section, 1, RO, 4, 4)),
        with_all_used(|builder| add_section(builder, ".data", 1, RW, 0x1_0000, 4)),
        with_imports(&[("a", Some(1023))]),
        with_all_used(|builder| (0..257).for_each(|_| add_section(builder, ".data", 1, RW, 0x1_0000, 1))),
        // The rest is 64 KiB without anything at both ends, around the stack, and for each region that is not quite full.
        with_all_used(|builder| add_section(builder, ".bss", NOBITS, RW, 4, 0xffff_0000 - 8192 - 8 * 0x1_0000)),
    ];
    for (number, elf) in elfs.iter().enumerate() {
        for opt_level in 0..=2 {
            let linked = link(elf, &Config { opt_level, ..Config::default() });
            assert!(linked.is_ok(), "file {number} at {opt_level}: {}", linked.unwrap_err());
        }
    }
}

#[test]
fn every_cause_is_tested() {
    let source = std::fs::read_to_string(repository("crates/linker/src/error.rs")).unwrap();
    let body = source.split_once("pub enum LinkErrorKind {").unwrap().1.split_once("\n}").unwrap().0;
    let causes =
        body.lines().filter_map(|line| line.strip_prefix("    ")).filter(|line| line.starts_with(char::is_uppercase));
    let causes: Vec<String> = causes.map(|line| line.chars().take_while(|c| c.is_alphanumeric()).collect()).collect();
    assert!(causes.len() > 70, "{causes:?}");
    let here = ["StackTooBig", "UnknownDispatchEntry", "Program"];
    for cause in causes.iter().filter(|cause| *cause != TOO_MUCH_TO_TEST) {
        let has_case = CASES.iter().any(|(kind, ..)| kind == cause) || here.contains(&cause.as_str());
        let other = ELSEWHERE.iter().find(|(kind, ..)| kind == cause);
        assert!(has_case != other.is_some(), "{cause} has no test, or two places that claim it");
        if let Some((_, file, piece)) = other {
            assert!(std::fs::read_to_string(repository(file)).unwrap().contains(piece), "{cause}: {file}");
        }
    }
}
