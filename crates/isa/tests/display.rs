//! Instruction texts against the samples of both releases.

use pvm_isa::display::{Options, Style};
use pvm_isa::encoding::{bitmask, macro_block};
use pvm_isa::{Instruction, InstructionSet, Opcode, Reg, Width};
use std::collections::BTreeSet;
use std::fmt::Write;

fn rows(name: &str) -> Vec<Vec<String>> {
    let path = format!("{}/../../tests/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    text.lines().skip(1).map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

const NARROW: Options<'static> =
    Options { width: Width::Narrow, unaliased: false, numbered_registers: false, style: Style::V037, target: None };

#[test]
fn every_sample_of_release_0_37() {
    let rows = rows("disassembly-text-latest037.tsv");
    assert_eq!(rows.len(), 351);
    let mut seen = BTreeSet::new();
    for row in rows {
        let code = hex(&row[2]);
        let (instruction, length) = macro_block::decode(&code, 0);
        assert_eq!((instruction.opcode().name(), code.len()), (&*row[0], usize::try_from(length).unwrap()));
        assert_eq!(instruction.to_string(), row[3]);
        let unaliased = Options { unaliased: true, ..Options::default() };
        assert_eq!(instruction.display(unaliased).to_string(), row[4]);
        assert_eq!(instruction.display(NARROW).to_string(), row[5]);
        seen.insert(instruction.opcode());
    }
    assert_eq!(seen.len(), Opcode::COUNT - 1, "a row for all but `invalid`");
}

#[test]
fn every_sample_of_release_0_35() {
    let rows = rows("disassembly-text.tsv");
    assert_eq!(rows.len(), 351);
    for row in rows {
        let code = hex(&row[2]);
        let skip = u32::try_from(code.len() - 1).unwrap();
        let instruction = bitmask::decode(InstructionSet::Latest64Bitmask, &code, 0, skip);
        assert_eq!(instruction.opcode().name(), row[0]);
        let wide = Options { style: Style::V035, ..Options::default() };
        assert_eq!(instruction.display(wide).to_string(), row[3]);
        let narrow_exists = InstructionSet::Latest32.supports(instruction.opcode());
        assert_eq!(narrow_exists, row[4] != "-", "{}", row[0]);
        if narrow_exists {
            assert_eq!(instruction.display(Options { style: Style::V035, ..NARROW }).to_string(), row[4]);
        }
    }
}

#[track_caller]
fn check(instruction: Instruction, options: Options<'_>, expected: &str) {
    assert_eq!(instruction.display(options).to_string(), expected);
}

#[test]
fn shorthands_and_their_absence() {
    let plain = Options::default();
    let unaliased = Options { unaliased: true, ..plain };
    check(Instruction::jump_indirect(Reg::ra, 0), plain, "ret");
    check(Instruction::jump_indirect(Reg::ra, 0), unaliased, "jump [ra + 0]");
    check(Instruction::move_reg(Reg::ra, Reg::ra), plain, "ra = ra");
    check(Instruction::invalid(), plain, "invalid");
    check(Instruction::add_imm_64(Reg::a0, Reg::a0, -4095), plain, "a0 = a0 - 4095");
    check(Instruction::add_imm_64(Reg::a0, Reg::a0, -4096), plain, "a0 = a0 + 0xfffffffffffff000");
    check(Instruction::load_indirect_u8(Reg::a0, Reg::a1, i32::MIN), plain, "a0 = u8 [a1 - 2147483648]");
    check(Instruction::store_imm_indirect_u8(Reg::a0, 0, 0), unaliased, "u8 [a0 + 0] = 0");
}

#[test]
fn equal_registers_of_an_indirect_call_keep_the_old_base() {
    let call = Instruction::load_imm_and_jump_indirect(Reg::ra, Reg::ra, 2, -4);
    check(call, Options::default(), "tmp = ra, ra = 2, jump [tmp - 4]");
    check(call, Options { style: Style::V035, ..NARROW }, "tmp = ra, ra = 2, jump [tmp + 0xfffffffc]");
}

#[test]
fn numbered_registers() {
    let numbered = Options { numbered_registers: true, ..Options::default() };
    let exact = Options { style: Style::Exact, ..numbered };
    check(Instruction::memset(), numbered, "[r7..r7 + r9] = u8 r8");
    check(Instruction::store_indirect_u8(Reg::a0, Reg::sp, 4), numbered, "u8 [r1 + 4] = a0");
    check(Instruction::store_indirect_u8(Reg::a0, Reg::sp, 4), exact, "u8 [r1 + 4] = r7");
    check(Instruction::store_indirect_u16(Reg::a0, Reg::sp, 4), numbered, "u16 [r1 + 4] = r7");
    check(Instruction::branch_eq(Reg::ra, Reg::a5, 7), numbered, "jump 7 if r0 == r12");
}

#[test]
fn the_exact_style_tells_apart_what_the_releases_do_not() {
    let exact = Options { style: Style::Exact, ..NARROW };
    check(Instruction::rotate_right_imm_32(Reg::a0, Reg::a1, 5), exact, "a0 = a1 >>r 0x5");
    check(Instruction::rotate_right_imm_alt_32(Reg::a0, Reg::a1, 5), exact, "a0 = 0x5 >>r a1");
    let exact = Options { style: Style::Exact, ..Options::default() };
    check(Instruction::load_imm64(Reg::a0, 5), exact, "a0 = i64 0x5");
    check(Instruction::load_imm64(Reg::a0, 0xffff_ffff), exact, "a0 = 0xffffffff");
}

#[test]
fn the_caller_writes_targets() {
    let write = |target: u32, f: &mut std::fmt::Formatter<'_>| write!(f, "@{}", target / 2);
    let options = Options { target: Some(&write), ..Options::default() };
    check(Instruction::jump(16), options, "jump @8");
    check(Instruction::load_imm_and_jump(Reg::ra, 2, 6), options, "ra = 2, jump @3");
    check(Instruction::branch_not_eq_imm(Reg::a0, -1, 8), options, "jump @4 if a0 != -1");
    let mut text = String::new();
    write!(text, "{}", Instruction::ecalli(-1).display(options)).unwrap();
    assert_eq!(text, "ecalli 4294967295");
}
