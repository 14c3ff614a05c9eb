//! The output stays within its promised size, whatever the code, and is the same each time.

use proptest::prelude::*;
use pvm_compiler::{BYTES_PER_BYTE_MAX, Check, FIXED_SIZE, Features, Scratch, compile};
use pvm_gas::Rule;
use pvm_isa::InstructionSet;
use pvm_program::{Code, JumpTable};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn output_is_linear_in_the_code(
        set in prop::sample::select(InstructionSet::ALL.to_vec()),
        code in prop::collection::vec(any::<u8>(), 1..2000),
        bits in prop::collection::vec(any::<u8>(), 250),
        table in prop::collection::vec(any::<u8>(), 0..20),
        check in prop::sample::select(vec![None, Some(Check::Every), Some(Check::Coarse)]),
        modern in any::<bool>(),
    ) {
        let bits = if set == InstructionSet::Latest64 { &[][..] } else { &bits[..code.len().div_ceil(8)] };
        let code = Code::new(set, &code, bits);
        let features = if modern { Features::ALL } else { Features::BASELINE };
        let gas = check.map(|check| (&Rule::Simple, check));
        let (mut scratch, mut other) = (Scratch::default(), Scratch::default());
        let output = compile(code, JumpTable::new(&table, 1), gas, features, &mut scratch).unwrap();
        let bytes = usize::try_from(code.len()).unwrap();
        prop_assert!(output.text().len() <= bytes * BYTES_PER_BYTE_MAX + FIXED_SIZE);
        prop_assert_eq!(output.jump_table().len(), table.len());
        // Neither what was compiled before nor where matters.
        compile(Code::new(set, &[0; 99], &[1; 13]), JumpTable::new(&[], 0), None, features, &mut other).unwrap();
        prop_assert!(output == compile(code, JumpTable::new(&table, 1), gas, features, &mut other).unwrap());
        let mut starts_block = true;
        for located in code.iter().filter(|located| located.offset < code.len()) {
            prop_assert!(!starts_block || output.map().at(located.offset).is_some());
            starts_block = located.instruction.opcode().ends_block();
        }
    }
}

#[test]
fn every_instruction_in_a_row_stays_linear() {
    let mut scratch = Scratch::default();
    // A program of one instruction over and over is the worst case of that instruction.
    for opcode in pvm_isa::Opcode::ALL.iter().filter(|opcode| InstructionSet::Latest64Bitmask.supports(**opcode)) {
        let instruction = pvm_isa::Instruction::with_registers(*opcode, [pvm_isa::Reg::a0; 3]);
        let mut builder = pvm_program::CodeBuilder::new(InstructionSet::Latest64Bitmask);
        for _ in 0..1000 {
            builder.push(instruction);
        }
        builder.jump_table = vec![0];
        let layout = builder.build().unwrap();
        let code = Code::new(layout.set, &layout.code, &layout.bitmask);
        let output = compile(
            code,
            JumpTable::new(&layout.jump_table, layout.jump_table_entry_size),
            Some((&Rule::Simple, Check::Every)),
            Features::BASELINE,
            &mut scratch,
        )
        .unwrap();
        assert!(output.text().len() <= layout.code.len() * BYTES_PER_BYTE_MAX + FIXED_SIZE, "{opcode:?}");
    }
}
