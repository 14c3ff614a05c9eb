//! Execution: what the interpreter does with code, in one go and step by step.

use super::Input;
use crate::corpus::{BITMASK_CODE, MACRO_BLOCK_CODE};
use crate::probe::Probe;
use crate::random::Random;
use pvm_gas::Rule;
use pvm_interpreter::{Image, Instance, MemoryImage, Paging};
use pvm_isa::{InstructionSet, Reg};
use pvm_num::casts::widen;
use pvm_num::limits::PAGE_SIZE_DEFAULT;
use pvm_program::ProgramParts;
use std::sync::Arc;

const GAS: i64 = 10_000;

pub(super) fn generate(random: &mut Random) -> Input {
    let choice = random.next();
    let corpus = if set(choice) == InstructionSet::Latest64 { &MACRO_BLOCK_CODE } else { &BITMASK_CODE };
    let origin = random.pick(corpus).clone();
    let mut bytes = origin.clone();
    random.mutate(&mut bytes);
    bytes.truncate(2000);
    Input { bytes, choice, origin }
}

fn set(choice: u64) -> InstructionSet {
    *Random::new(choice).pick(&InstructionSet::ALL)
}

pub(super) fn check(input: &Input, _: &mut Probe) -> bool {
    let (set, code) = (set(input.choice), &input.bytes[..]);
    let mut random = Random::new(input.choice);
    random.next();
    let bits: Vec<u8> = (0..code.len().div_ceil(8)).map(|_| random.byte() | random.byte()).collect();
    let state = random.next();
    let plain = outcome(set, code, &bits, false, state);
    let stepped = outcome(set, code, &bits, true, state);
    assert_eq!(plain, stepped, "step tracing must not change what a guest does");
    true
}

/// Runs a guest to an exit that is no step; what can be seen then.
fn outcome(set: InstructionSet, code: &[u8], bits: &[u8], step_tracing: bool, state: u64) -> String {
    let parts = ProgramParts { rw_data_size: 8192, stack_size: 4096, ..ProgramParts::empty(set) };
    let map = pvm_program::MemoryMapBuilder::new(PAGE_SIZE_DEFAULT)
        .rw_data_size(parts.rw_data_size)
        .stack_size(parts.stack_size)
        .build()
        .expect("small regions fit");
    let image = Image {
        set,
        code: code.to_vec().into(),
        bitmask: if set == InstructionSet::Latest64 { Vec::new().into() } else { bits.to_vec().into() },
        jump_table: vec![0, 1, 2, 5, 9, 14].into(),
        jump_table_entry_size: 1,
        memory: MemoryImage { map, ro_data: parts.ro_data, rw_data: parts.rw_data, aux_accessible: 0 },
        paging: Paging::Static,
        gas: Some(Arc::new(Rule::Simple)),
        step_tracing,
    };
    let mut random = Random::new(state);
    let mut guest = Instance::new(Arc::new(image));
    for reg in Reg::ALL {
        let value = *random.pick(&[0, 1, 0x20000, 0x20ff0, u64::MAX, 0xffff_0000, 4, random_value(state)]);
        guest.set_reg(reg, value);
    }
    guest.set_gas(GAS);
    guest.set_next_program_counter(pvm_num::casts::low_u32(random.next() % 8));
    let mut exits = Vec::new();
    while exits.len() < 8 {
        let Some(exit) = guest.run() else { break };
        if exit == pvm_interpreter::Exit::Step {
            continue;
        }
        exits.push(format!("{exit:?} {:?} {:?}", guest.program_counter(), guest.next_program_counter()));
    }
    let regs: Vec<u64> = Reg::ALL.iter().map(|reg| guest.reg(*reg)).collect();
    let mut memory = vec![0; 8192];
    let read = guest.read_memory(0x20000, &mut memory);
    format!("{exits:?} {regs:?} {} {read:?} {memory:?}", guest.gas())
}

fn random_value(state: u64) -> u64 {
    widen(pvm_num::casts::low_u32(state))
}
