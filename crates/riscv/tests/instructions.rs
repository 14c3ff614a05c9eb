//! Single instructions: every operation of the table, what LLVM 19 does not know, and operands at their limits.

use pvm_riscv::Reg::*;
use pvm_riscv::*;
use std::collections::BTreeSet;

/// The word reads as this text and instruction, and the instruction encodes to it.
#[track_caller]
fn check(xlen: Xlen, word: u32, text: &str, instruction: Instruction) {
    assert_eq!(decode(&word.to_le_bytes(), xlen), Ok((instruction, 4)), "{word:08x}");
    assert_eq!(instruction.to_string(), text);
    assert_eq!(encode(&instruction, xlen), Some(word), "{text}");
}

#[track_caller]
fn check_refused(bytes: &[u8], xlen: Xlen, kind: DecodeErrorKind, message: &str) {
    let error = decode(bytes, xlen).expect_err(message);
    assert_eq!((error.kind, error.to_string().as_str()), (kind, message));
}

/// One instruction of every row of the table.
fn all() -> Vec<Instruction> {
    let (rd, rs1, rs2) = (a0, s11, t6);
    let (aq, rl) = (true, false);
    let mut all = vec![
        Instruction::Lui { rd, imm: -4096 },
        Instruction::Auipc { rd, imm: 0x7fff_f000 },
        Instruction::Jal { rd, offset: -2 },
        Instruction::Jalr { rd, rs1, offset: -2048 },
        Instruction::Fence { sets: FenceSets::FULL },
        Instruction::FenceI,
        Instruction::Ecall,
        Instruction::Ebreak,
        Instruction::Unimp,
        Instruction::MipsCmov { rd, cond: rs1, if_true: rs2, if_false: gp },
        Instruction::Custom0 { funct3: 7, funct7: 127, rd, rs1, rs2 },
    ];
    all.extend(Condition::ALL.iter().map(|&cond| Instruction::Branch { cond, rs1, rs2, offset: -4096 }));
    all.extend(LoadKind::ALL.iter().map(|&kind| Instruction::Load { kind, rd, base: rs1, offset: 2047 }));
    all.extend(StoreKind::ALL.iter().map(|&kind| Instruction::Store { kind, src: rs2, base: rs1, offset: -1 }));
    all.extend(RegImmOp::ALL.iter().map(|&op| Instruction::RegImm { op, rd, rs1, imm: 31 }));
    all.extend(RegRegOp::ALL.iter().map(|&op| Instruction::RegReg { op, rd, rs1, rs2 }));
    all.extend(UnaryOp::ALL.iter().map(|&op| Instruction::Unary { op, rd, rs1 }));
    all.extend(MoveCondition::ALL.iter().map(|&cond| Instruction::CondMov { cond, rd, src: rs1, test: rs2 }));
    for &width in AmoWidth::ALL {
        all.push(Instruction::LoadReserved { width, rd, addr: rs1, aq, rl });
        all.push(Instruction::StoreConditional { width, rd, addr: rs1, src: rs2, aq, rl });
        all.extend(AmoOp::ALL.iter().map(|&op| Instruction::Amo {
            op,
            width,
            rd,
            addr: rs1,
            src: rs2,
            aq: false,
            rl: true,
        }));
    }
    for &op in CsrOp::ALL {
        all.push(Instruction::Csr { op, rd, csr: 0xfff, source: CsrSource::Reg(rs1) });
        all.push(Instruction::Csr { op, rd, csr: 0, source: CsrSource::Imm(31) });
    }
    all
}

#[test]
fn every_operation_encodes_on_its_widths() {
    let mut words = BTreeSet::new();
    let mut only_rv64 = Vec::new();
    for instruction in all() {
        let word = encode(&instruction, Xlen::Rv64).unwrap_or_else(|| panic!("{instruction}"));
        assert_eq!(decode(&word.to_le_bytes(), Xlen::Rv64), Ok((instruction, 4)));
        assert!(words.insert(word), "{instruction} has the word of another");
        match encode(&instruction, Xlen::Rv32) {
            Some(word) => assert_eq!(decode(&word.to_le_bytes(), Xlen::Rv32), Ok((instruction, 4))),
            None => {
                let error = decode(&word.to_le_bytes(), Xlen::Rv32).expect_err("RV32 does not have it");
                assert_eq!(error.kind, DecodeErrorKind::Rv64Only, "{instruction}");
                only_rv64.push(instruction.to_string().split(' ').next().unwrap().to_owned());
            }
        }
    }
    only_rv64.sort();
    assert_eq!(
        only_rv64.join(" "),
        "add.uw addiw addw amoadd.d.rl amoand.d.rl amomax.d.rl amomaxu.d.rl amomin.d.rl amominu.d.rl amoor.d.rl \
         amoswap.d.rl amoxor.d.rl clzw cpopw ctzw divuw divw ld lr.d.aq lwu mulw remuw remw rolw roriw rorw sc.d.aq sd \
         sh1add.uw sh2add.uw sh3add.uw slli.uw slliw sllw sraiw sraw srliw srlw subw"
    );
}

#[test]
fn custom_0_is_what_guests_use() {
    let custom = |funct3, funct7, rd, rs1, rs2| Instruction::Custom0 { funct3, funct7, rd, rs1, rs2 };
    for xlen in Xlen::ALL {
        check(xlen, 0x0000_000b, ".insn r 11, 0, 0, zero, zero, zero", custom(0, 0, zero, zero, zero));
        check(xlen, 0x0005_950b, ".insn r 11, 1, 0, a0, a1, zero", custom(1, 0, a0, a1, zero));
        check(xlen, 0x0000_200b, ".insn r 11, 2, 0, zero, zero, zero", custom(2, 0, zero, zero, zero));
        check(xlen, 0x0000_350b, ".insn r 11, 3, 0, a0, zero, zero", custom(3, 0, a0, zero, zero));
        let cmov = Instruction::MipsCmov { rd: a0, cond: a2, if_true: a1, if_false: a3 };
        check(xlen, 0x6ec5_b50b, "mips.ccmov a0, a2, a1, a3", cmov);
        let cond_mov = Instruction::CondMov { cond: MoveCondition::IfZero, rd: a0, src: a1, test: a2 };
        check(xlen, 0x40c5_950b, "th.mveqz a0, a1, a2", cond_mov);
    }
    // A move is a move, even when spelled by fields.
    assert_eq!(encode(&custom(1, 0x20, a0, a1, a2), Xlen::Rv64), None);
    assert_eq!(encode(&custom(3, 3, a0, a1, a2), Xlen::Rv64), None);
    assert_eq!(encode(&custom(8, 0, a0, a1, a2), Xlen::Rv64), None);
    assert_eq!(encode(&custom(0, 128, a0, a1, a2), Xlen::Rv64), None);
}

#[test]
fn unimp_is_no_access_to_a_counter() {
    check(Xlen::Rv64, 0xc000_1073, "unimp", Instruction::Unimp);
    assert_eq!(decode(&[0, 0], Xlen::Rv32), Ok((Instruction::Unimp, 2)));
    let write = |rd| Instruction::Csr { op: CsrOp::ReadWrite, rd, csr: 0xc00, source: CsrSource::Reg(zero) };
    check(Xlen::Rv32, 0xc000_1573, "csrrw a0, cycle, zero", write(a0));
    assert_eq!(encode(&write(zero), Xlen::Rv64), None);
    let immediate = |number| Instruction::Csr { op: CsrOp::ReadSet, rd: a0, csr: 3, source: CsrSource::Imm(number) };
    check(Xlen::Rv32, 0x003f_e573, "csrrsi a0, fcsr, 31", immediate(31));
    assert_eq!(encode(&immediate(32), Xlen::Rv64), None);
    let number = Instruction::Csr { op: CsrOp::ReadSet, rd: a0, csr: 0x1000, source: CsrSource::Reg(zero) };
    assert_eq!(encode(&number, Xlen::Rv64), None);
}

#[test]
fn fences_are_fences_whatever_is_reserved_in_them() {
    for word in [0x0ff0_000f, 0x0ff5_058f] {
        assert_eq!(decode(&u32::to_le_bytes(word), Xlen::Rv64), Ok((Instruction::Fence { sets: FenceSets::FULL }, 4)));
    }
    check(Xlen::Rv32, 0x8330_000f, "fence.tso", Instruction::Fence { sets: FenceSets::TSO });
    assert_eq!(decode(&u32::to_le_bytes(0x1235_158f), Xlen::Rv64), Ok((Instruction::FenceI, 4)));
}

#[test]
fn operands_beyond_their_fields_do_not_encode() {
    let branch = |offset| Instruction::Branch { cond: Condition::Equal, rs1: a0, rs2: a1, offset };
    let add = |imm| Instruction::RegImm { op: RegImmOp::Addi, rd: a0, rs1: a0, imm };
    let shift = |imm| Instruction::RegImm { op: RegImmOp::Slli, rd: a0, rs1: a0, imm };
    let shift_w = |imm| Instruction::RegImm { op: RegImmOp::SlliW, rd: a0, rs1: a0, imm };
    let store = |offset| Instruction::Store { kind: StoreKind::U8, src: a0, base: a1, offset };
    let jump = |offset| Instruction::Jal { rd: ra, offset };
    let lui = |imm| Instruction::Lui { rd: a0, imm };
    for (fits, does_not) in [
        (branch(4094), branch(4096)),
        (branch(-4096), branch(-4098)),
        (branch(2), branch(1)),
        (add(2047), add(2048)),
        (add(-2048), add(-2049)),
        (add(0), add(i32::MIN)),
        (shift(63), shift(64)),
        (shift(0), shift(-1)),
        (shift_w(31), shift_w(32)),
        (store(-2048), store(2048)),
        (jump((1 << 20) - 2), jump(1 << 20)),
        (jump(-1 << 20), jump((-1 << 20) - 2)),
        (jump(0), jump(3)),
        (lui(i32::MIN), lui(0x800)),
    ] {
        let word = encode(&fits, Xlen::Rv64).unwrap_or_else(|| panic!("{fits}"));
        assert_eq!(decode(&word.to_le_bytes(), Xlen::Rv64), Ok((fits, 4)));
        assert_eq!(encode(&does_not, Xlen::Rv64), None, "{does_not}");
    }
    assert!(encode(&shift(31), Xlen::Rv32).is_some());
    assert_eq!(encode(&shift(32), Xlen::Rv32), None);
}

#[test]
fn bytes_that_end_too_early_say_how_many_are_missing() {
    let short = |required, available| DecodeErrorKind::TooShort { required, available };
    check_refused(&[], Xlen::Rv64, short(2, 0), "end of code: instruction of 2 bytes, of which 0 are left");
    check_refused(&[1], Xlen::Rv64, short(2, 1), "0x01: instruction of 2 bytes, of which 1 are left");
    check_refused(&[0x13, 5], Xlen::Rv32, short(4, 2), "0x0513: instruction of 4 bytes, of which 2 are left");
    check_refused(&[0x13, 5, 9], Xlen::Rv32, short(4, 3), "0x090513: instruction of 4 bytes, of which 3 are left");
    assert!(decode(&[1, 0, 0xff], Xlen::Rv64).is_ok(), "what follows an instruction does not count");
}

#[test]
fn errors_show_the_bytes_and_the_cause() {
    use DecodeErrorKind as Kind;
    check_refused(
        &[0, 0x20],
        Xlen::Rv64,
        Kind::FloatingPoint,
        "0x2000: floating-point instruction (F, D, Q, Zfh, Zfa)",
    );
    check_refused(&[1, 0x60], Xlen::Rv64, Kind::Reserved, "0x6001: reserved compressed encoding");
    check_refused(&[0x2b, 0, 0, 0], Xlen::Rv64, Kind::Vendor, "0x0000002b: vendor-specific instruction");
    check_refused(&[0x1f, 0, 0, 0], Xlen::Rv32, Kind::TooLong, "0x0000001f: instruction longer than 32 bits");
    check_refused(&[0xff; 4], Xlen::Rv64, Kind::TooLong, "0xffffffff: instruction longer than 32 bits");
    check_refused(&[0x33, 0, 0, 0xfe], Xlen::Rv64, Kind::Unknown, "0xfe000033: unknown instruction");
    check_refused(
        &[0x3b, 5, 0xb5, 0],
        Xlen::Rv32,
        Kind::Rv64Only,
        "0x00b5053b: instruction of RV64 in an RV32 program",
    );
}

#[test]
fn registers_have_numbers_and_names() {
    for (number, reg) in (0..).zip(Reg::ALL) {
        assert_eq!((reg.number(), Reg::from_number(number)), (number, Some(reg)));
    }
    assert_eq!(Reg::from_number(32), None);
    assert_eq!(format!("{:>5}|{}", a7, tp), "   a7|tp");
}
