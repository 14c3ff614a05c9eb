//! Laid-out code reads back as what went in, in both encodings, and labels stay on their instructions.

mod common;

use proptest::prelude::*;
use pvm_isa::{Instruction, InstructionSet, Opcode, Reg};
use pvm_program::{Code, CodeBuilder, CodeLayout, Item, JumpTable, ProgramErrorKind};

fn jump(target: u32) -> Item {
    Item { instruction: Instruction::jump(0), target: Some(target) }
}

/// The layout read back must list the items in order with nothing between but padding, and targets must be the labels.
#[track_caller]
fn check(builder: &CodeBuilder) -> CodeLayout {
    let layout = builder.build().unwrap();
    let code = Code::new(layout.set, &layout.code, &layout.bitmask);
    for (index, item) in builder.items.iter().enumerate() {
        let at = layout.offsets[index];
        let located = code.instruction_at(at).unwrap_or_else(|| panic!("no instruction at {at}, item {index}"));
        let wanted = match item.target {
            Some(label) => item.instruction.with_target(layout.offsets[usize::try_from(label).unwrap()]),
            None => item.instruction,
        };
        assert_eq!(located.instruction, wanted, "item {index} at {at}");
        // What is between an item and the next is padding.
        let mut at = located.next;
        while index + 1 < builder.items.len() && at < layout.offsets[index + 1] {
            let padding = code.instruction_at(at).unwrap();
            assert_ne!(at % 1024, 0);
            assert!(matches!(padding.instruction.opcode(), Opcode::unlikely | Opcode::fallthrough));
            at = padding.next;
        }
        if index + 1 < builder.items.len() {
            assert_eq!(at, layout.offsets[index + 1]);
        } else {
            assert_eq!(at, *layout.offsets.last().unwrap());
        }
    }
    let table = JumpTable::new(&layout.jump_table, layout.jump_table_entry_size);
    let wanted: Vec<_> =
        builder.jump_table.iter().map(|label| layout.offsets[usize::try_from(*label).unwrap()]).collect();
    assert_eq!(table.iter().collect::<Vec<_>>(), wanted);
    layout
}

fn instruction() -> impl Strategy<Value = Instruction> {
    let reg = proptest::sample::select(&Reg::ALL[..]);
    let imm = prop_oneof![-3..3, -300..300, any::<i32>()];
    prop_oneof![
        (reg.clone(), reg.clone(), imm.clone()).prop_map(|(d, a, imm)| Instruction::add_imm_32(d, a, imm)),
        (reg.clone(), imm.clone()).prop_map(|(d, imm)| Instruction::load_imm(d, imm)),
        (reg.clone(), imm.clone(), imm.clone()).prop_map(|(a, o, v)| Instruction::store_imm_indirect_u32(a, o, v)),
        (reg.clone(), reg.clone(), imm.clone(), imm.clone())
            .prop_map(|(d, a, i, o)| Instruction::load_imm_and_jump_indirect(d, a, i, o)),
        imm.clone().prop_map(Instruction::ecalli),
        Just(Instruction::fallthrough()),
        (reg.clone(), imm.clone()).prop_map(|(d, imm)| Instruction::load_imm_and_jump(d, imm, 0)),
        (reg.clone(), imm).prop_map(|(a, imm)| Instruction::branch_eq_imm(a, imm, 0)),
        (reg.clone(), reg).prop_map(|(a, b)| Instruction::branch_less_signed(a, b, 0)),
        Just(Instruction::jump(0)),
    ]
}

fn builder() -> impl Strategy<Value = CodeBuilder> {
    let item = (instruction(), any::<proptest::sample::Index>(), 0_usize..40);
    (proptest::sample::select(&InstructionSet::ALL[..]), proptest::collection::vec(item, 1..1500), 0_usize..4).prop_map(
        |(set, items, dispatch)| {
            let mut builder = CodeBuilder::new(set);
            let count = items.len();
            for (at, (instruction, target, near)) in items.into_iter().enumerate() {
                let label = if near < 30 { (at + near).saturating_sub(15).min(count - 1) } else { target.index(count) };
                let label = u32::try_from(label).unwrap();
                if near == 0 {
                    builder.jump_table.push(label);
                }
                if builder.dispatch_table.len() < dispatch {
                    builder.dispatch_table.push(label);
                }
                let target = instruction.opcode().format().has_target().then_some(label);
                builder.push(Item { instruction, target });
            }
            builder
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 2 } else { 150 }))]
    #[test]
    fn what_is_laid_out_reads_back(
        mut builder in builder(),
        aligned in any::<bool>(),
        heat in proptest::collection::vec(0..3u8, 0..1500),
    ) {
        builder.aligned = aligned;
        builder.heat = heat;
        check(&builder);
    }
}

#[test]
fn distances_grow_jumps() {
    for set in [InstructionSet::JamV1, InstructionSet::Latest64] {
        for distance in [0, 1, 60, 62, 63, 64, 127, 5000, 20_000] {
            let mut builder = CodeBuilder::new(set);
            builder.push(jump(distance + 1));
            for _ in 0..distance {
                builder.push(Instruction::move_reg(Reg::a0, Reg::a1));
            }
            builder.push(jump(0));
            check(&builder);
        }
    }
}

#[test]
fn sizes_are_the_least_that_stand() {
    // A jump over 125 bytes and itself: 1 + 1 + 125 = 127 fits one byte, one more does not.
    for (padding, size) in [(125, 2), (126, 3)] {
        let mut builder = CodeBuilder::new(InstructionSet::JamV1);
        builder.push(jump(padding + 1));
        for _ in 0..padding {
            builder.push(Instruction::fallthrough());
        }
        builder.push(Instruction::trap());
        assert_eq!(check(&builder).item_range(0), 0..size);
    }
}

#[test]
fn a_cascade_of_jumps_converges() {
    // Each jump fits its size only as long as the next one keeps its own, so that sizes settle one a round.
    for set in [InstructionSet::JamV1, InstructionSet::Latest64] {
        let mut builder = CodeBuilder::new(set);
        for at in 0..4000 {
            builder.push(jump((at + 63).min(4000)));
        }
        builder.push(jump(0));
        check(&builder);
    }
}

#[test]
fn code_of_macro_blocks_ends_with_a_terminator() {
    let mut builder = CodeBuilder::new(InstructionSet::Latest64);
    assert!(builder.build().unwrap().code.is_empty());
    builder.push(Instruction::ecalli(1));
    let layout = check(&builder);
    assert_eq!(layout.code, [0xdd, 1, 0]);
    assert_eq!(layout.offsets, [0, 2]);
    builder.push(Instruction::trap());
    assert_eq!(check(&builder).code, [0xdd, 1, 0]);
    // A non-terminator that would touch the boundary moves behind it, a terminator stays.
    for (last, end) in [(Instruction::trap(), 1024), (Instruction::unlikely(), 1026)] {
        let mut builder = CodeBuilder::new(InstructionSet::Latest64);
        for _ in 0..1023 {
            builder.push(Instruction::fallthrough());
        }
        builder.push(last);
        let layout = check(&builder);
        assert_eq!(layout.code.len(), end);
        assert_eq!(layout.code[1023], if end == 1024 { 0 } else { 1 });
    }
}

#[test]
fn boundaries_move_to_ends_of_blocks() {
    let add = Instruction::add_imm_64(Reg::a0, Reg::a0, 1);
    let executed = |layout: &CodeLayout| {
        let code = Code::new(layout.set, &layout.code, &layout.bitmask);
        code.iter().filter(|at| matches!(at.instruction.opcode(), Opcode::fallthrough | Opcode::unlikely)).count()
    };
    // A branch that ends up to so many bytes before the boundary ends at it; further away it stays where it is.
    for (behind, wanted) in [(0, 0), (1, 0), (9, 0), (20, 1)] {
        let mut builder = CodeBuilder::new(InstructionSet::Latest64);
        for _ in 0..338 - behind {
            builder.push(add);
        }
        builder.push(Item { instruction: Instruction::branch_eq(Reg::a0, Reg::a1, 0), target: Some(0) });
        for _ in 0..behind + 10 {
            builder.push(add);
        }
        builder.push(Instruction::trap());
        let plain = check(&builder);
        assert!(executed(&plain) >= 1, "{behind}");
        builder.aligned = true;
        let layout = check(&builder);
        assert_eq!(executed(&layout), wanted, "{behind}");
        let branch = usize::try_from(338 - behind).unwrap();
        assert_eq!(layout.offsets[branch + 1].is_multiple_of(1024), wanted == 0);
    }
}

#[test]
fn boundaries_keep_away_from_loops() {
    let mut builder = CodeBuilder::new(InstructionSet::Latest64);
    builder.aligned = true;
    let push = |builder: &mut CodeBuilder, count: usize, instruction: Instruction, heat: u8| {
        for _ in 0..count {
            builder.push(instruction);
            builder.heat.push(heat);
        }
    };
    let add = Instruction::add_imm_64(Reg::a0, Reg::a0, 1);
    push(&mut builder, 320, add, 0);
    push(&mut builder, 1, Instruction::fallthrough(), 0);
    let start = builder.items.len();
    push(&mut builder, 40, add, 1);
    builder.push(Item { instruction: Instruction::branch_eq(Reg::a0, Reg::a1, 0), target: Some(321) });
    builder.heat.push(1);
    push(&mut builder, 1, Instruction::trap(), 0);
    // The loop starts 61 bytes before the boundary.
    let mut cold = builder.clone();
    cold.heat.clear();
    assert!(check(&cold).offsets[start] < 1024);
    assert_eq!(check(&builder).offsets[start], 1024);
}

#[test]
fn dispatch_entries_stand_five_bytes_apart() {
    for set in [InstructionSet::JamV1, InstructionSet::Latest64] {
        let mut builder = CodeBuilder::new(set);
        builder.push(Instruction::trap());
        builder.push(Instruction::trap());
        builder.push(Instruction::trap());
        builder.dispatch_table = vec![2, 0, 1];
        let layout = check(&builder);
        let code = Code::new(set, &layout.code, &layout.bitmask);
        let entries: Vec<_> = code.iter().take(3).map(|at| (at.offset, at.instruction.target().unwrap())).collect();
        assert_eq!(entries, [(0, 14), (5, 12), (10, 13)]);
        assert_eq!(layout.offsets, [12, 13, 14, 15]);
    }
    let mut builder = CodeBuilder::new(InstructionSet::Latest64);
    builder.push(Instruction::trap());
    builder.dispatch_table = vec![0; 204];
    check(&builder);
    builder.dispatch_table = vec![0; 205];
    let error = builder.build().unwrap_err();
    assert_eq!(error.kind, ProgramErrorKind::DispatchTableTooBig { length: 1025, limit: 1024 });
}

#[test]
fn entry_sizes_hold_the_largest_entry() {
    for (at, size) in [(0, 1), (1, 1), (255, 1), (256, 2), (65_535, 2), (65_536, 3)] {
        let mut builder = CodeBuilder::new(InstructionSet::ReviveV1);
        for _ in 0..=at {
            builder.push(Instruction::fallthrough());
        }
        builder.jump_table = vec![at];
        assert_eq!(check(&builder).jump_table_entry_size, size, "{at}");
    }
}

#[test]
fn bad_items_are_refused() {
    let kind = |builder: &CodeBuilder| {
        let error = builder.build().unwrap_err();
        (error.kind, error.at.offset)
    };
    let mut builder = CodeBuilder::new(InstructionSet::JamV1);
    builder.push(Instruction::trap());
    builder.push(jump(3));
    assert_eq!(kind(&builder), (ProgramErrorKind::UnknownLabel { label: 3, items: 2 }, 1));
    builder.items[1] = Item { instruction: Instruction::trap(), target: Some(0) };
    assert_eq!(kind(&builder), (ProgramErrorKind::NoTargetOperand { opcode: Opcode::trap }, 1));
    builder.items[1] = Instruction::memset().into();
    let unsupported = ProgramErrorKind::UnsupportedInstruction { opcode: Opcode::memset, set: InstructionSet::JamV1 };
    assert_eq!(kind(&builder), (unsupported, 1));
    builder.items[1] = jump(2);
    builder.jump_table = vec![0, 9];
    assert_eq!(kind(&builder), (ProgramErrorKind::UnknownLabel { label: 9, items: 2 }, 1));
}

#[test]
fn given_bytes_are_taken_as_they_are() {
    let mut builder = CodeBuilder::new(InstructionSet::JamV1);
    assert_eq!(builder.push_verbatim(&[0; 30], false), 0);
    builder.push(jump(3));
    assert_eq!(builder.push_verbatim(&[149, 0x87, 0, 0, 0, 0], true), 2);
    builder.push(Instruction::trap());
    let layout = builder.build().unwrap();
    assert_eq!(layout.offsets, [0, 30, 32, 38, 39]);
    assert_eq!(layout.code[30..], [40, 8, 149, 0x87, 0, 0, 0, 0, 0]);
    assert_eq!(layout.bitmask, [0, 0, 0, 0b0100_0000, 0b0100_0001]);

    let mut builder = CodeBuilder::new(InstructionSet::Latest64);
    builder.push(Instruction::trap());
    builder.push_verbatim(&[0xf0; 1023], true);
    builder.push_verbatim(&[0xf0; 3], true);
    let layout = builder.build().unwrap();
    assert_eq!(layout.offsets, [0, 1, 1024, 1027], "no trap behind bytes nobody knows");
}

#[test]
fn a_jump_table_of_any_offsets() {
    let mut layout = CodeBuilder::new(InstructionSet::JamV1).build().unwrap();
    layout.set_jump_table(&[7, 0x1_0000, u32::MAX]);
    let table = JumpTable::new(&layout.jump_table, layout.jump_table_entry_size);
    assert_eq!(table.iter().collect::<Vec<_>>(), [7, 0x1_0000, u32::MAX]);
    layout.set_jump_table(&[]);
    assert_eq!((layout.jump_table, layout.jump_table_entry_size), (vec![], 0));
}

/// What polkavm wrote, taken apart and laid out again, gives the same bytes. Targets stay absolute, so every size must come
/// out right the first time.
#[test]
fn canonical_vectors_are_laid_out_byte_for_byte() {
    let (mut programs, mut long) = (0, 0);
    for row in common::json_lines("vectors-latest037.jsonl") {
        let bytes = common::hex(row["code"].as_str().unwrap());
        if row["canonical"] != true || bytes.is_empty() {
            continue;
        }
        let code = Code::new(InstructionSet::Latest64, &bytes, &[]);
        let mut builder = CodeBuilder::new(InstructionSet::Latest64);
        builder.items = code.iter().map(|at| Item::from(at.instruction)).collect();
        assert_eq!(builder.build().unwrap().code, bytes, "{}", row["id"]);

        // Labels instead of offsets, where all targets are instructions.
        let label = |target: u32| code.iter().position(|at| at.offset == target);
        let targets = code.iter().filter_map(|at| at.instruction.target());
        if targets.clone().all(|target| label(target).is_some()) {
            for item in &mut builder.items {
                item.target = item.instruction.target().and_then(label).map(|label| u32::try_from(label).unwrap());
            }
            assert_eq!(check(&builder).code, bytes, "{}", row["id"]);
        }
        programs += 1;
        long += u32::from(bytes.len() > 1024);
    }
    assert_eq!((programs, long), (91, 11));
}

#[test]
fn what_lies_in_front_of_a_block_that_starts_at_a_boundary_stays_as_it_is() {
    // 341 times 3 bytes and one more: the first macro block is full, nothing was moved.
    let mut builder = CodeBuilder::new(InstructionSet::Latest64);
    builder.aligned = true;
    for _ in 0..341 {
        builder.push(Instruction::add_imm_64(Reg::a0, Reg::a0, 1));
    }
    builder.push(Instruction::fallthrough());
    // In the second one nothing can be lengthened, so that the branch does not reach its end.
    let longest = Instruction::store_imm_indirect_u32(Reg::a0, i32::MAX, i32::MAX);
    for at in 0..150 {
        builder.push(match at {
            70 => Instruction::branch_eq_imm(Reg::a0, i32::MAX, 0).with_target(u32::MAX / 2).into(),
            _ => Item::from(longest),
        });
    }
    builder.push(Instruction::trap());
    builder.heat = vec![1; builder.items.len()];
    let layout = check(&builder);
    assert_eq!(layout.offsets[342], 1024);
}
