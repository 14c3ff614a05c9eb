//! Decoder and encoder are views of one table: whatever decodes encodes again, and nothing panics.

use pvm_riscv::*;

const SAMPLE: u32 = 2_000_000;

/// Numbers without order but the same on every run (splitmix64).
struct Random(u64);

impl Random {
    fn word(&mut self) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        pvm_num::casts::high_u32(value ^ value >> 31)
    }
}

/// The instruction must encode to a word that decodes to it.
#[track_caller]
fn check_round_trip(instruction: Instruction, xlen: Xlen) -> u32 {
    let word = encode(&instruction, xlen).unwrap_or_else(|| panic!("{instruction} ({xlen:?}) does not encode"));
    assert_eq!(decode(&word.to_le_bytes(), xlen), Ok((instruction, 4)), "{word:08x} {xlen:?}");
    word
}

/// The bits that decoding ignores: rd, rs1 (and the immediate) of fences.
fn ignored_bits(instruction: &Instruction) -> u32 {
    match instruction {
        Instruction::Fence { .. } => 0x000f_8f80,
        Instruction::FenceI => 0xffff_8f80,
        _ => 0,
    }
}

#[test]
fn every_compressed_halfword_round_trips_or_is_refused() {
    for (xlen, accepted_count) in [(Xlen::Rv32, 28_824), (Xlen::Rv64, 38_552)] {
        let mut accepted = 0;
        for half in (0..=u16::MAX).filter(|half| half & 3 != 3) {
            match decode(&half.to_le_bytes(), xlen) {
                Ok((instruction, length)) => {
                    assert_eq!(length, 2);
                    check_round_trip(instruction, xlen);
                    accepted += 1;
                }
                Err(error) => {
                    assert_eq!(error.word, u32::from(half));
                    assert!(!matches!(error.kind, DecodeErrorKind::TooShort { .. }));
                    assert!(error.to_string().starts_with(&format!("0x{half:04x}: ")));
                }
            }
        }
        assert_eq!(accepted, accepted_count, "{xlen:?}");
    }
}

#[test]
fn random_words_round_trip_or_are_refused() {
    let mut random = Random(1);
    let mut accepted = 0;
    for _ in 0..SAMPLE {
        let word = random.word() | 3;
        for xlen in Xlen::ALL {
            if let Ok((instruction, length)) = decode(&word.to_le_bytes(), xlen) {
                assert_eq!(length, 4);
                let again = check_round_trip(instruction, xlen);
                assert_eq!(again, word & !ignored_bits(&instruction), "{instruction}");
                accepted += 1;
            }
        }
    }
    assert!(accepted > SAMPLE / 4, "{accepted}");
}
