//! The assembler's grammar, form by form, and every error text.

use pvm_isa::{Encoding, Instruction, InstructionSet, Reg};
use pvm_text::{AssembleErrorKind, AssembleOptions, Assembled, Reason, assemble, assemble_with};

/// One line in a set gives one instruction.
#[track_caller]
fn line_in(set: InstructionSet, line: &str, expected: Instruction) {
    let text = format!("{line}\ntrap");
    let assembled = assemble(&text, Some(set)).unwrap_or_else(|error| panic!("{line}: {error}"));
    let first = assembled.code().iter().next().unwrap();
    assert_eq!(first.instruction, expected, "{line}");
}

#[track_caller]
fn line(line: &str, expected: Instruction) {
    line_in(InstructionSet::Latest64, line, expected);
}

use Reg::{a0, a1, a2, ra, sp};
type I = Instruction;

#[test]
fn words_and_jumps() {
    line("trap", I::trap());
    line("fallthrough", I::fallthrough());
    line("unlikely", I::unlikely());
    line("ret", I::jump_indirect(ra, 0));
    line("nop", I::move_reg(ra, ra));
    line("ecalli 4294967295", I::ecalli(-1));
    line("ecalli 3 // 'symbol'", I::ecalli(3));
    line("jump [a0]", I::jump_indirect(a0, 0));
    line("jump [r7 + 0x10]", I::jump_indirect(a0, 16));
    line("jump [a0 - 4]", I::jump_indirect(a0, -4));
    line("tmp = a0, a0 = -5, jump [tmp + 8]", I::load_imm_and_jump_indirect(a0, a0, -5, 8));
    line("tmp = a1, a0 = 5, jump [tmp]", I::load_imm_and_jump_indirect(a0, a1, 5, 0));
    line("a0 = 5, jump [a1 - 8]", I::load_imm_and_jump_indirect(a0, a1, 5, -8));
}

#[test]
fn branches() {
    // The label is the line itself, at offset 0.
    let check = |condition: &str, expected: Instruction| line(&format!("@l:\njump @l if {condition}"), expected);
    check("a0 == a1", I::branch_eq(a0, a1, 0));
    check("a0 != a1", I::branch_not_eq(a0, a1, 0));
    check("a0 <u a1", I::branch_less_unsigned(a0, a1, 0));
    check("a0 <s a1", I::branch_less_signed(a0, a1, 0));
    check("a0 >=u a1", I::branch_greater_or_equal_unsigned(a0, a1, 0));
    check("a0 >=s a1", I::branch_greater_or_equal_signed(a0, a1, 0));
    check("a0 >u a1", I::branch_less_unsigned(a1, a0, 0));
    check("a0 >s a1", I::branch_less_signed(a1, a0, 0));
    check("a0 <=u a1", I::branch_greater_or_equal_unsigned(a1, a0, 0));
    check("a0 <=s a1", I::branch_greater_or_equal_signed(a1, a0, 0));
    check("a0 == 0xffffffff", I::branch_eq_imm(a0, -1, 0));
    check("a0 != -1", I::branch_not_eq_imm(a0, -1, 0));
    check("a0 <u 5", I::branch_less_unsigned_imm(a0, 5, 0));
    check("a0 <s 5", I::branch_less_signed_imm(a0, 5, 0));
    check("a0 <=u 5", I::branch_less_or_equal_unsigned_imm(a0, 5, 0));
    check("a0 <=s 5", I::branch_less_or_equal_signed_imm(a0, 5, 0));
    check("a0 >=u 5", I::branch_greater_or_equal_unsigned_imm(a0, 5, 0));
    check("a0 >=s 5", I::branch_greater_or_equal_signed_imm(a0, 5, 0));
    check("a0 >u 5", I::branch_greater_unsigned_imm(a0, 5, 0));
    check("a0 >s 5", I::branch_greater_signed_imm(a0, 5, 0));
    check("5 == a0", I::branch_eq_imm(a0, 5, 0));
    check("5 <u a0", I::branch_greater_unsigned_imm(a0, 5, 0));
    check("5 <=s a0", I::branch_greater_or_equal_signed_imm(a0, 5, 0));
    check("5 >s a0", I::branch_less_signed_imm(a0, 5, 0));
    check("5 >=u a0", I::branch_less_or_equal_unsigned_imm(a0, 5, 0));
}

#[test]
fn values_and_moves() {
    line("a0 = a1", I::move_reg(a0, a1));
    line("a0 = 0xffffffffffffffff", I::load_imm(a0, -1));
    line("a0 = -2147483648", I::load_imm(a0, i32::MIN));
    line("a0 = 0b1010", I::load_imm(a0, 10));
    line("a0 = 0xffffffff", I::load_imm64(a0, 0xffff_ffff));
    line("a0 = 18446744073709551615", I::load_imm(a0, -1));
    line("a0 = 9223372036854775807", I::load_imm64(a0, i64::MAX.unsigned_abs()));
    line("a0 = i64 5", I::load_imm64(a0, 5));
    line("a0 = i64 -1", I::load_imm64(a0, u64::MAX));
    line("a0 = a1 if a2 == 0", I::cmov_if_zero(a0, a1, a2));
    line("a0 = a1 if a2 != 0", I::cmov_if_not_zero(a0, a1, a2));
    line("a0 = -7 if a2 == 0", I::cmov_if_zero_imm(a0, a2, -7));
    line("a0 = 7 if a2 != 0", I::cmov_if_not_zero_imm(a0, a2, 7));
    line("a0 = sbrk a1", I::sbrk(a0, a1));
    line("a0 = reverse a1", I::reverse_byte(a0, a1));
    line("a0 = cpop a1", I::count_set_bits_64(a0, a1));
    line("i32 a0 = cpop a1", I::count_set_bits_32(a0, a1));
    line("i32 a0 = clz a1", I::count_leading_zero_bits_32(a0, a1));
    line("i32 a0 = ctz a1", I::count_trailing_zero_bits_32(a0, a1));
    line("a0 = ~(a1 ^ a2)", I::xnor(a0, a1, a2));
    line("a0 = maxs(a1, a2)", I::maximum(a0, a1, a2));
    line("a0 = minu(a1,a2)", I::minimum_unsigned(a0, a1, a2));
    line("a0 = a1 mulh a2", I::mul_upper_signed_signed(a0, a1, a2));
    line("a0 = a1 mulhu a2", I::mul_upper_unsigned_unsigned(a0, a1, a2));
    line("a0 = a1 mulhsu a2", I::mul_upper_signed_unsigned(a0, a1, a2));
    line("[a0..a0 + a2] = u8 a1", I::memset());
    line("[r7..r7 + r9] = u8 r8", I::memset());
}

#[test]
fn operators_on_both_sides() {
    line("a0 = a1 + a2", I::add_64(a0, a1, a2));
    line("i32 a0 = a1 + a2", I::add_32(a0, a1, a2));
    line("a0 = a1 + -5", I::add_imm_64(a0, a1, -5));
    line("a0 = 5 + a1", I::add_imm_64(a0, a1, 5));
    line("a0 = a1 - 5", I::add_imm_64(a0, a1, -5));
    line("a0 = a1 - -5", I::add_imm_64(a0, a1, 5));
    line("i32 a0 = a1 - -2147483648", I::add_imm_32(a0, a1, i32::MIN));
    line("a0 = 5 - a1", I::negate_and_add_imm_64(a0, a1, 5));
    line("a0 = -5 - a1", I::negate_and_add_imm_64(a0, a1, -5));
    line("a0 = -a1", I::negate_and_add_imm_64(a0, a1, 0));
    line("i32 a0 = -a1", I::negate_and_add_imm_32(a0, a1, 0));
    line("a0 = a1 - a2", I::sub_64(a0, a1, a2));
    line("a0 = a1 & ~a2", I::and_inverted(a0, a1, a2));
    line("a0 = a1 | ~a2", I::or_inverted(a0, a1, a2));
    line("a0 = 0xff & a1", I::and_imm(a0, a1, 255));
    line("a0 = a1 * 0xfffffffffffffffb", I::mul_imm_64(a0, a1, -5));
    line("i32 a0 = a1 %s a2", I::rem_signed_32(a0, a1, a2));
    line("a0 = a1 /u a2", I::div_unsigned_64(a0, a1, a2));
    line("a0 = a1 >>a 3", I::shift_arithmetic_right_imm_64(a0, a1, 3));
    line("a0 = 3 >>a a1", I::shift_arithmetic_right_imm_alt_64(a0, a1, 3));
    line("i32 a0 = 3 >>r a1", I::rotate_right_imm_alt_32(a0, a1, 3));
    line("a0 = a1 >>r a2", I::rotate_right_64(a0, a1, a2));
    line("a0 = a1 <<r a2", I::rotate_left_64(a0, a1, a2));
    line("a0 = 3 << a1", I::shift_logical_left_imm_alt_64(a0, a1, 3));
    line("a0 = a1 >> a2", I::shift_logical_right_64(a0, a1, a2));
    line("a0 = a1 <u 5", I::set_less_than_unsigned_imm(a0, a1, 5));
    line("a0 = 5 <u a1", I::set_greater_than_unsigned_imm(a0, a1, 5));
    line("a0 = a1 >s a2", I::set_less_than_signed(a0, a2, a1));
    line("a0 = a1 >s 5", I::set_greater_than_signed_imm(a0, a1, 5));
    line("a0 = 5 >u a1", I::set_less_than_unsigned_imm(a0, a1, 5));
}

#[test]
fn loads_and_stores() {
    line("a0 = u8 [a1]", I::load_indirect_u8(a0, a1, 0));
    line("a0 = u16 [a1 ]", I::load_indirect_u16(a0, a1, 0));
    line("a0 = i32 [a1 + 4]", I::load_indirect_i32(a0, a1, 4));
    line("a0 = i32 [a1 + -4]", I::load_indirect_i32(a0, a1, -4));
    line("a0 = i32 [a1 - 4]", I::load_indirect_i32(a0, a1, -4));
    line("a0 = i32 [a1 + 0xfffffffc]", I::load_indirect_i32(a0, a1, -4));
    line("a0 = i32 [a1 + 0xfffffffffffffffc]", I::load_indirect_i32(a0, a1, -4));
    line("a0 = u64 [a1 - 2147483648]", I::load_indirect_u64(a0, a1, i32::MIN));
    line("a0 = u64 [0x20000]", I::load_u64(a0, 0x2_0000));
    line("a0 = i8 [-1]", I::load_i8(a0, -1));
    line("u8 [a0] = a1", I::store_indirect_u8(a1, a0, 0));
    line("u32 [sp - 8] = ra", I::store_indirect_u32(ra, sp, -8));
    line("u64 [0x20000] = a1", I::store_u64(a1, 0x2_0000));
    line("u8 [0x20000] = 255", I::store_imm_u8(0x2_0000, 255));
    line("u16 [0x20000] = 65535", I::store_imm_u16(0x2_0000, 65535));
    line("u32 [a0 + 4] = -1", I::store_imm_indirect_u32(a0, 4, -1));
    line("u8 [a0 + 4] = 0xfffffffffffffffb", I::store_imm_indirect_u8(a0, 4, -5));
}

#[test]
fn thirty_two_bit_registers() {
    let narrow = |text, expected| line_in(InstructionSet::Latest32, text, expected);
    narrow("i32 a0 = a1 + 5", I::add_imm_32(a0, a1, 5));
    narrow("a0 = a1 + 5", I::add_imm_32(a0, a1, 5));
    narrow("a0 = a1 - a2", I::sub_32(a0, a1, a2));
    narrow("a0 = a1 & 0xfffffffb", I::and_imm(a0, a1, -5));
    narrow("a0 = 0xfffffffb", I::load_imm(a0, -5));
    narrow("a0 = clz a1", I::count_leading_zero_bits_32(a0, a1));
    narrow("a0 = -a1", I::negate_and_add_imm_32(a0, a1, 0));
    narrow("a0 = a1 >>r 5", I::rotate_right_imm_32(a0, a1, 5));
    narrow("u8 [0x20000] = 0xfffffffb", I::store_imm_u8(0x2_0000, -5));
}

#[track_caller]
fn assembled(text: &str) -> Assembled {
    assemble(text, None).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn directives() {
    let program = assembled(
        "  // a comment\n\n%isa = latest32\n%isa = jam_v1\n%ro_data_size = 10\n%ro_data = 0a 0B0c\n%rw_data_size = 7\n\
         %rw_data = \n%stack_size = 4294967295\n%import = \"puts\"\n%import = \"\\x00\\\"\"\ntrap",
    );
    assert_eq!(program.set(), InstructionSet::JamV1);
    assert_eq!((program.ro_data, program.ro_data_size), (vec![10, 11, 12], 10));
    assert_eq!((program.rw_data, program.rw_data_size, program.stack_size), (vec![], 7, u32::MAX));
    assert_eq!(program.imports, [b"puts".to_vec(), b"\0\"".to_vec()]);
    assert_eq!(program.layout.code, [0]);

    for set in InstructionSet::ALL.into_iter().filter(|set| *set != InstructionSet::Latest64Bitmask) {
        assert_eq!(assembled(&format!("%isa = {set}\ntrap")).set(), set);
    }
    assert_eq!(assemble("trap", Some(InstructionSet::Gp07)).unwrap().set(), InstructionSet::Gp07);
}

#[test]
fn both_encodings_of_latest64() {
    let set = |text: &str, latest64_layout| {
        let options = AssembleOptions { latest64_layout, ..AssembleOptions::default() };
        assemble_with(text, &options).unwrap().set()
    };
    let text = "%isa = latest64\ntrap";
    assert_eq!(set(text, Encoding::MacroBlock), InstructionSet::Latest64);
    assert_eq!(set(text, Encoding::Bitmask), InstructionSet::Latest64Bitmask);
    let text = "%latest64_layout = bitmask\n%isa = latest64\ntrap";
    assert_eq!(set(text, Encoding::MacroBlock), InstructionSet::Latest64Bitmask);
    let text = "%latest64_layout = macro_block\n%isa = latest64\ntrap";
    assert_eq!(set(text, Encoding::Bitmask), InstructionSet::Latest64);
    // The default set is what it is, whatever the layout.
    assert_eq!(assemble("trap", Some(InstructionSet::Latest64Bitmask)).unwrap().set(), InstructionSet::Latest64Bitmask);
}

#[test]
fn labels_start_blocks() {
    let program = assembled("%isa = jam_v1\na0 = 1\n@next:\na0 = 2\ntrap\n@last one:\njump @next\n@:\njump @last one");
    let texts: Vec<String> = program.code().iter().map(|at| at.instruction.to_string()).collect();
    assert_eq!(texts, ["a0 = 0x1", "fallthrough", "a0 = 0x2", "trap", "jump 4", "jump 8"]);
    assert_eq!(program.labels["next"], 4);
    assert_eq!(program.labels["last one"], 8);
    assert_eq!(program.labels[""], 10);
    assert!(program.exports.is_empty());
    assert_eq!(program.lines, [(0, 2), (3, 3), (4, 4), (7, 5), (8, 7), (10, 9)]);
}

#[test]
fn labels_within_a_block() {
    let text =
        "%isa = jam_v1\ntrap\na0 = 1\npub @z: %no_fallthrough\na0 = 2\npub @a: %no_fallthrough\njump @z\na0 = @z\ntrap";
    let program = assembled(text);
    let texts: Vec<String> = program.code().iter().map(|at| at.instruction.to_string()).collect();
    // Jumps go to the start of the block, exports are where they stand.
    assert_eq!(texts, ["trap", "a0 = 0x1", "a0 = 0x2", "jump 1", "a0 = 0x2", "trap"]);
    assert_eq!(program.jump_table().iter().collect::<Vec<_>>(), [1]);
    let exports: Vec<_> = program.exports.iter().map(|export| (&export.symbol[..], export.offset)).collect();
    assert_eq!(exports, [(&b"a"[..], 7), (b"z", 4)]);
}

#[test]
fn addresses_of_labels_are_entries_of_the_jump_table() {
    let program = assembled(
        "%isa = jam_v1\n%jump_table = @b 7\na0 = @b\na1 = @b\n@b:\na0 = @b\ntrap\n%export = @b \"b c\"\n%export = 3 \"x\"",
    );
    assert_eq!(program.jump_table().iter().collect::<Vec<_>>(), [7, 7, 7, 7, 7]);
    let texts: Vec<String> = program.code().iter().map(|at| at.instruction.to_string()).collect();
    assert_eq!(texts, ["a0 = 0x6", "a1 = 0x8", "fallthrough", "a0 = 0xa", "trap"]);
    let exports: Vec<_> = program.exports.iter().map(|export| (&export.symbol[..], export.offset)).collect();
    assert_eq!(exports, [(&b"b c"[..], 7), (b"x", 3)]);
}

#[test]
fn jumps_to_offsets() {
    let program = assembled("%isa = jam_v1\njump 2\na0 = 5, jump 0\njump 6 if a0 == 0\njump 2");
    let texts: Vec<String> = program.code().iter().map(|at| at.instruction.to_string()).collect();
    assert_eq!(texts, ["jump 2", "a0 = 5, jump 0", "jump 6 if a0 == 0", "jump 2"]);
}

#[test]
fn bytes_as_they_are() {
    let program = assembled("%isa = jam_v1\n%gap = 01 02\n%raw = 28 05\n@l:\njump @l\n");
    assert_eq!(program.layout.code, [1, 2, 0x28, 5, 40]);
    assert_eq!(program.layout.bitmask, [0b1_0100]);
    assert_eq!(assembled("%isa = latest64\n%raw = f0").layout.code, [0xf0], "no trap behind bytes nobody knows");
}

#[track_caller]
fn error(text: &str, message: &str) -> AssembleErrorKind {
    let error = assemble(text, Some(InstructionSet::Latest64)).expect_err(text);
    assert_eq!(error.to_string(), message, "{text}");
    error.kind
}

#[test]
fn error_texts() {
    error("trap\n  what is this ", "cannot parse line 2: \"what is this\"");
    error("%isa = latest65\ntrap", "cannot parse line 1");
    error("%isa=latest64\ntrap", "cannot parse line 1");
    error("%stack_size = 0x10\ntrap", "cannot parse line 1");
    error("%ro_data = 012\ntrap", "cannot parse line 1");
    error("%unknown = 1", "cannot parse line 1");
    let missing = assemble("trap", None).unwrap_err();
    assert_eq!((missing.to_string(), missing.line), ("no ISA was declared in the program".into(), 1));
    error("@a:\ntrap\n@a:\ntrap", "duplicate label \"a\" on line 3");
    let kind = error("jump @b c", "label is not defined: \"b c\"");
    assert_eq!(kind, AssembleErrorKind::UndefinedLabel { name: "b c".into() });
    error("a0 = @b\ntrap", "label is not defined: \"b\"");
    error("trap\n@end:", "label \"end\" on line 2 has no instruction after it");
    error("a0 = 1\n@end:\n// nothing", "label \"end\" on line 2 has no instruction after it");
    let text = "failed to build a program: the instruction 'memset' is not available in the 'jam_v1' instruction set";
    error("%isa = jam_v1\n[a0..a0 + a2] = u8 a1", text);
    let text =
        "failed to build a program: the instruction 'load_imm64' is not available in the 'latest32' instruction set";
    error("%isa = latest32\na0 = 0x100000000", text);
    error("jump 1\na0 = 5\ntrap", "the jump on line 1 goes to offset 1, where no instruction starts");
}

#[test]
fn reasons() {
    let reason = |text: &str, expected: &str| match error(text, &format!("cannot parse line 1: {expected}")) {
        AssembleErrorKind::BadLine(reason) => reason,
        kind => panic!("{kind:?}"),
    };
    reason("jump @x if a0 ~ a1", "invalid condition");
    reason("jump @x if a0", "invalid condition");
    reason("a0 = a1 if a2 == 1", "invalid condition");
    reason("a0 = a1 if a2 <u 0", "invalid condition");
    reason("jump @x if 1 == 2", "both arguments cannot be immediates");
    reason("a0 = 1 + 2", "both arguments cannot be immediates");
    reason("u8 [a0] = 256", "immediate larger than u8");
    reason("u16 [0x20000] = 65536", "immediate larger than u16");
    reason("u32 [a0] = 0xffffffff", "immediate does not fit into 32 bits");
    reason("u64 [a0] = 0xffffffff", "immediate does not fit into 32 bits");
    for text in
        ["i32 a0 = a1 & a2", "i32 a0 = a1 <u a2", "i32 a0 = sext8 a1", "i32 a0 = a1", "i32 a0 = 5", "i32 a0 = u8 [a1]"]
    {
        reason(text, "i32 not supported for operation");
    }
    reason("a0 = a1 /u 5", "division is not supported for immediates");
    reason("i32 a0 = 5 %s a1", "division is not supported for immediates");
    reason("a0 = a1 & ~5", "immediates are not supported for operation");
    reason("a0 = 5 <<r a1", "immediates are not supported for operation");
    let text = "the jump's base is overwritten; write `tmp = base, destination = value, jump [tmp + offset]`";
    assert_eq!(reason("a0 = 5, jump [a0 + 4]", text), Reason::BaseOverwritten);
    reason("%gap = 00", "a gap needs an instruction set with a bitmask");
    reason("%raw = ", "an instruction has at least one byte");
}

#[test]
fn lines_that_are_nothing() {
    for text in [
        "a0 = ",
        "= a0",
        "a0",
        "a0 = a1 +",
        "a0 = + a1",
        "a6 = 1",
        "a0 = r13",
        "r7 = r+1",
        "jump",
        "jump -1",
        "jump [5]",
        "jump [a0 + a1]",
        "jump [a0",
        "ecalli",
        "ecalli -1",
        "ecalli 0x5",
        "ecalli 4294967296",
        "trap // no",
        "a0 = u8[a1]",
        "a0 = u128 [a1]",
        "i8 [a0] = a1",
        "u8 [a0 = a1",
        "u8 [a0] = u8 [a1]",
        "[a0..a0 + a1] = u8 a2",
        "a0 = -",
        "a0 = i64",
        "a0 = i64 a1",
        "a0 = 5 5",
        "a0 = maxs(a1)",
        "a0 = maxs(a1, 5)",
        "a0 = ~(a1 ^ 5)",
        "a0 = a1 mulh 5",
        "a0 = a1 - 0xffffffff",
        "a0 = 0xffffffff if a1 == 0",
        "a0 = 0xffffffff, jump @x",
        "a0 = 5, jump",
        "pub a0 = 5",
        "@x",
        "pub @x",
        "tmp = a0",
        "tmp = a0, a1 = 5, jump [a0]",
        "a0 = -2147483649",
        "A0 = 5",
        "a0 = clz 5",
        "ü = 5",
        "é",
        "[",
        "]",
        "[] = u8 a1",
        "u8 [] = 5",
        "a0 = [a1]",
        "i32 a0",
        "i32",
        "i32 a0 = what",
        "a0 = u8 [a1 - -4]",
    ] {
        let error = assemble(text, Some(InstructionSet::Latest64)).expect_err(text);
        assert_eq!(error.kind, AssembleErrorKind::UnknownLine { text: text.trim().into() }, "{text}");
        assert_eq!(error.line, 1);
    }
}
