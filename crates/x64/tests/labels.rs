//! References to labels, and what becomes of those that cannot be written.

use iced_x86::{Decoder, DecoderOptions, Mnemonic};
use pvm_x64::{Assembler, Cond, FixupErrorKind, Mem, Reg, inst};

#[test]
fn references_reach_their_labels_in_both_directions() {
    let mut asm = Assembler::new();
    let start = asm.label_here();
    let end = asm.label();
    asm.jcc_short(Cond::NE, end);
    asm.lea(Reg::R9, end);
    asm.jmp(end);
    asm.jmp(start);
    asm.bind(end);
    asm.emit(inst::ret());
    let target = u64::try_from(asm.len() - 1).unwrap();
    let code = asm.finish().unwrap();
    let targets: Vec<u64> = Decoder::new(64, &code, DecoderOptions::NONE)
        .iter()
        .filter(|i| i.mnemonic() != Mnemonic::Ret)
        .map(|i| if i.mnemonic() == Mnemonic::Lea { i.memory_displacement64() } else { i.near_branch_target() })
        .collect();
    assert_eq!(targets, [target, target, target, 0]);
}

#[test]
fn backward_jumps_are_short_as_far_as_they_reach() {
    for (padding, length) in [(0, 2), (126, 2), (127, 5), (200, 5)] {
        let mut asm = Assembler::new();
        let start = asm.label_here();
        asm.bytes(&vec![0x90; padding]);
        asm.jmp(start);
        assert_eq!(asm.len() - padding, length, "{padding}");
    }
}

#[test]
fn labels_too_far_or_unbound_are_errors() {
    let mut asm = Assembler::new();
    let end = asm.label();
    asm.jmp_short(end);
    asm.bytes(&[0x90; 128]);
    asm.bind(end);
    let error = asm.finish().unwrap_err();
    assert_eq!((error.at, error.kind), (1, FixupErrorKind::TooFar { distance: 128, size: 1 }));

    let mut asm = Assembler::new();
    let nowhere = asm.label();
    asm.jcc(Cond::A, nowhere);
    let error = asm.finish().unwrap_err();
    assert_eq!(error.to_string(), "at code offset 0x2: label 0 was never bound");
}

#[test]
fn padding_is_made_of_no_operations() {
    for before in 0..32 {
        let mut asm = Assembler::new();
        for _ in 0..before {
            asm.emit(inst::ret());
        }
        asm.align(32);
        let code = asm.finish().unwrap();
        assert_eq!(code.len() % 32, 0);
        assert!(code.len() < before + 32);
        let nops =
            Decoder::new(64, &code[before..], DecoderOptions::NONE).iter().map(|i| i.mnemonic()).collect::<Vec<_>>();
        assert!(nops.iter().all(|mnemonic| *mnemonic == Mnemonic::Nop), "{nops:?}");
    }
}

#[test]
fn the_buffer_grows() {
    let mut asm = Assembler::new();
    for at in 0..10_000 {
        asm.emit(inst::mov_rm64_imm32(Mem::base(Reg::R12).disp(at), at));
    }
    let code = asm.finish().unwrap();
    assert_eq!(
        Decoder::new(64, &code, DecoderOptions::NONE).iter().filter(|i| i.mnemonic() == Mnemonic::Mov).count(),
        10_000
    );
}
