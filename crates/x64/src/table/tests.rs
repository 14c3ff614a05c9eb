//! Every row with random operands against the decoder of `iced-x86`.

use super::{alu, bmi, branch, mov, muldiv, shift, sys};
use crate::encoding::Inst;
use crate::operand::{Base, Mem, Rm, Scale, Segment};
use crate::reg::{Cond, Reg};
use iced_x86::{Decoder, DecoderOptions, Instruction, OpKind, Register};
use proptest::prelude::*;
use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

/// A row with a function that takes its operands by position.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) kinds: &'static [&'static str],
    pub(crate) encode: fn(&[Value]) -> Inst,
}

/// One operand of any kind; a row takes from it what it needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value {
    pub(crate) reg: Reg,
    pub(crate) rm: Rm,
    pub(crate) mem: Mem,
    pub(crate) cond: Cond,
    pub(crate) imm: i64,
}

macro_rules! row {
    ($name:ident () $encoding:literal) => {
        crate::table::tests::Row { name: stringify!($name), kinds: &[], encode: |_| $name() }
    };
    ($name:ident ($($kind:ident),+) $encoding:literal) => {
        crate::table::tests::Row {
            name: stringify!($name),
            kinds: &[$(stringify!($kind)),+],
            encode: |values| {
                let mut values = values.iter().copied();
                $name($(crate::table::tests::take!($kind, values.next().expect("an operand for each kind"))),+)
            },
        }
    };
}

macro_rules! take {
    (rm64, $value:expr) => {
        $value.rm
    };
    (rm32, $value:expr) => {
        $value.rm
    };
    (rm16, $value:expr) => {
        $value.rm
    };
    (rm8, $value:expr) => {
        $value.rm
    };
    (m, $value:expr) => {
        $value.mem
    };
    (cc, $value:expr) => {
        $value.cond
    };
    (imm8, $value:expr) => {
        pvm_num::casts::low_u8(pvm_num::casts::unsigned_64($value.imm)).cast_signed()
    };
    (rel8, $value:expr) => {
        pvm_num::casts::low_u8(pvm_num::casts::unsigned_64($value.imm)).cast_signed()
    };
    (imm16, $value:expr) => {
        pvm_num::casts::low_u16(pvm_num::casts::unsigned_64($value.imm)).cast_signed()
    };
    (imm32, $value:expr) => {
        pvm_num::casts::low_u32(pvm_num::casts::unsigned_64($value.imm)).cast_signed()
    };
    (rel32, $value:expr) => {
        pvm_num::casts::low_u32(pvm_num::casts::unsigned_64($value.imm)).cast_signed()
    };
    (imm64, $value:expr) => {
        $value.imm
    };
    ($register:ident, $value:expr) => {
        $value.reg
    };
}

pub(crate) use {row, take};

fn rows() -> impl Iterator<Item = &'static Row> {
    [alu::ROWS, bmi::ROWS, branch::ROWS, mov::ROWS, muldiv::ROWS, shift::ROWS, sys::ROWS].into_iter().flatten()
}

fn any_reg() -> impl Strategy<Value = Reg> {
    prop::sample::select(Reg::ALL.to_vec())
}

fn any_mem() -> impl Strategy<Value = Mem> {
    let index = any_reg().prop_filter("rsp is no index", |reg| *reg != Reg::RSP);
    let scale = prop::sample::select(std::vec![Scale::X1, Scale::X2, Scale::X4, Scale::X8]);
    let base = prop_oneof![1 => Just(Base::None), 1 => Just(Base::Rip), 6 => any_reg().prop_map(Base::Reg)];
    let disp = prop_oneof![Just(0), Just(127), Just(128), Just(-128), Just(-129), any::<i32>()];
    let segment = prop::option::of(prop::sample::select(std::vec![Segment::Fs, Segment::Gs]));
    (base, prop::option::of((index, scale)), disp, segment, any::<bool>()).prop_map(
        |(base, index, disp, segment, narrow)| Mem {
            base,
            index: index.filter(|_| base != Base::Rip),
            disp,
            segment,
            narrow: narrow && base != Base::Rip,
        },
    )
}

fn any_value() -> impl Strategy<Value = Value> {
    let rm = prop_oneof![any_reg().prop_map(Rm::Reg), any_mem().prop_map(Rm::Mem)];
    let cond = prop::sample::select(Cond::ALL.to_vec());
    (any_reg(), rm, any_mem(), cond, any::<i64>()).prop_map(|(reg, rm, mem, cond, imm)| Value {
        reg,
        rm,
        mem,
        cond,
        imm,
    })
}

/// A name of the table as `iced-x86` writes the manual's line.
fn name_of(instruction: &Instruction) -> String {
    let line = instruction.op_code().instruction_string().to_lowercase();
    let words = line.split([' ', ',']).filter(|word| !word.is_empty());
    let words = words.map(|word| match word {
        "r64a" | "r64b" => "r64",
        "r32a" | "r32b" => "r32",
        _ => word,
    });
    let name = words.collect::<Vec<_>>().join("_").replace('/', "");
    if instruction.has_rep_prefix() { format!("rep_{name}") } else { name }
}

fn check_reg(kind: &str, reg: Reg, found: Register) {
    // ah, ch, dh and bh, which the numbers 4 to 7 mean without a REX prefix, belong to the registers 0 to 3.
    assert_eq!(usize::from(reg.number()), found.full_register().number(), "{kind}");
    let size = match &kind[1..] {
        "8" => 1,
        "16" => 2,
        "32" => 4,
        _ => 8,
    };
    assert_eq!(found.size(), size, "{kind}");
}

fn check_mem(mem: Mem, found: &Instruction) {
    let expected_base = match mem.base {
        Base::Reg(reg) => Some(reg),
        Base::None | Base::Rip => None,
    };
    let base = found.memory_base();
    match expected_base {
        Some(reg) => assert_eq!((base.number(), base.size()), (reg.number().into(), if mem.narrow { 4 } else { 8 })),
        None if mem.base == Base::Rip => assert_eq!(base, Register::RIP),
        None => assert_eq!(base, Register::None),
    }
    match mem.index {
        Some((index, scale)) => {
            assert_eq!(found.memory_index().number(), usize::from(index.number()));
            let scale = match scale {
                Scale::X1 => 1,
                Scale::X2 => 2,
                Scale::X4 => 4,
                Scale::X8 => 8,
            };
            assert_eq!(found.memory_index_scale(), scale);
        }
        None => assert_eq!(found.memory_index(), Register::None),
    }
    let segment = match mem.segment {
        Some(Segment::Fs) => Register::FS,
        Some(Segment::Gs) => Register::GS,
        None => Register::None,
    };
    assert_eq!(found.segment_prefix(), segment);
    if mem.base == Base::Rip {
        assert_eq!(found.memory_displacement64(), found.next_ip().wrapping_add_signed(mem.disp.into()));
    } else {
        assert_eq!(pvm_num::casts::low_u32(found.memory_displacement64()), mem.disp.cast_unsigned());
    }
}

fn check(row: &Row, values: &[Value]) {
    let inst = (row.encode)(values);
    let mut bytes = [0xcc; Inst::ROOM];
    inst.write(&mut bytes);
    let mut decoder = Decoder::with_ip(64, &bytes[..inst.len()], 0x1000_0000, DecoderOptions::NONE);
    let found = decoder.decode();
    assert!(!found.is_invalid(), "{bytes:02x?} is no instruction");
    assert_eq!(found.len(), inst.len(), "{bytes:02x?}");

    let conds = row.kinds.iter().zip(values).find(|(kind, _)| **kind == "cc");
    let expected = match (conds, row.name.split_once('_')) {
        (Some((_, value)), Some((first, rest))) => format!("{first}{}_{rest}", value.cond),
        _ => row.name.to_string(),
    };
    assert_eq!(name_of(&found), expected);

    let operands = row.kinds.iter().zip(values).filter(|(kind, _)| **kind != "cc");
    for (position, (kind, value)) in (0..).zip(operands) {
        let op = found.op_kind(position);
        let mem = match (kind.as_bytes(), value.rm) {
            (b"m", _) => Some(value.mem),
            ([b'r', b'm', ..], Rm::Mem(mem)) => Some(mem),
            _ => None,
        };
        if let Some(mem) = mem {
            assert_eq!(op, OpKind::Memory);
            check_mem(mem, &found);
        } else if let ([b'r', b'm', ..], Rm::Reg(reg)) = (kind.as_bytes(), value.rm) {
            check_reg(&kind[1..], reg, found.op_register(position));
        } else if let Some(bits) = kind.strip_prefix("imm") {
            let bits: u32 = bits.parse().unwrap();
            assert_eq!(found.immediate(position) << (64 - bits), value.imm.cast_unsigned() << (64 - bits), "{kind}");
        } else if kind.starts_with("rel") {
            let distance = match *kind {
                "rel8" => i64::from(pvm_num::casts::low_u8(value.imm.cast_unsigned()).cast_signed()),
                _ => i64::from(pvm_num::casts::low_u32(value.imm.cast_unsigned()).cast_signed()),
            };
            assert_eq!(found.near_branch_target(), found.next_ip().wrapping_add_signed(distance));
        } else {
            check_reg(kind, value.reg, found.op_register(position));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 2 } else { 400 }, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_row_decodes_to_itself(values in prop::collection::vec(any_value(), 4)) {
        for row in rows() {
            check(row, &values);
        }
    }
}

#[test]
fn names_are_unique() {
    let mut names: Vec<&str> = rows().map(|row| row.name).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
