//! The targets: what is done with an input. None may panic, whatever the input.

use crate::corpus::{BITMASK_CODE, BLOBS, ELFS, MACRO_BLOCK_CODE};
use crate::random::Random;
use pvm_gas::Rule;
use pvm_interpreter::{Image, Instance, MemoryImage, Paging};
use pvm_isa::{InstructionSet, Reg};
use pvm_linker::{Config, link};
use pvm_num::casts::widen;
use pvm_num::limits::PAGE_SIZE_DEFAULT;
use pvm_program::{JamMetadata, Latest64Layout, ParseOptions, Program, ProgramParts, StandardProgram, Varints};
use pvm_text::{DisassembleOptions, Source};
use std::sync::Arc;

/// A fuzzer.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) run: fn(&mut Random),
}

pub(crate) const TARGETS: &[Target] = &[
    Target { name: "blob", about: "parses mutated .polkavm blobs and looks at everything in them", run: blob },
    Target { name: "spi", about: "parses mutated JAM standard programs and their metadata", run: spi },
    Target { name: "elf", about: "links mutated ELFs, then looks at and lists what came out", run: elf },
    Target { name: "execute", about: "runs random code with little gas, also step by step: same result", run: execute },
];

const GAS: i64 = 10_000;

fn blob(random: &mut Random) {
    let mut bytes = random.pick(&BLOBS).clone();
    random.mutate(&mut bytes);
    // The header's length is checked first; get past it.
    let length = pvm_num::casts::to_u64(bytes.len()).to_le_bytes();
    if let Some(field) = bytes.get_mut(5..13) {
        field.copy_from_slice(&length);
    }
    let latest64_layout = *random.pick(&[Latest64Layout::Detect, Latest64Layout::Bitmask, Latest64Layout::MacroBlock]);
    if let Ok(program) = Program::parse(bytes, &ParseOptions { latest64_layout, ..Default::default() }) {
        look_at(&program);
    }
}

fn look_at(program: &Program) {
    let code = program.code();
    let mut end = 0;
    for located in code.iter() {
        assert_eq!(located.offset, end, "instructions leave no holes");
        end = located.next;
    }
    assert_eq!(end, code.len());
    for offset in 0..code.len().min(64) {
        assert!(!code.is_jump_target(offset) || code.block_start(offset) == Some(offset));
    }
    let _ = code.validate();
    let _ = (program.hash(false), program.hash(true));
    let _ = program.memory_map(PAGE_SIZE_DEFAULT, 0);
    let _ = (program.exports().count(), program.imports().iter().count(), program.jump_table().iter().take(64).count());
    for name in ["simple", "full"] {
        let rule: Rule = name.parse().expect("a known name");
        let _ = rule.blocks(code).count();
    }
    let _ = program.to_spi();
}

fn elf(random: &mut Random) {
    let mut bytes = random.pick(ELFS).to_vec();
    random.mutate(&mut bytes);
    let config = Config { opt_level: *random.pick(&[0, 1]), ..Config::default() };
    let Ok(linked) = link(&bytes, &config) else { return };
    let program = Program::from_parts(linked.parts, Varints::Strict).expect("the linker makes programs in order");
    look_at(&program);
    let options = DisassembleOptions::default();
    let _ = pvm_text::disassemble_to_string(&Source::from(&program), &options);
}

fn spi(random: &mut Random) {
    let mut code = random.pick(&BITMASK_CODE).clone();
    code.truncate(100);
    let mut bytes = vec![4, 0, 0, 2, 0, 0, 1, 0, 0, 16, 0, 1, 2, 3, 4, 5, 6];
    let length = u8::try_from(code.len() + 3).unwrap_or(0);
    bytes.extend_from_slice(&[length, 0, 0, 0, 0, 0, length - 3]);
    bytes.extend_from_slice(&code);
    if random.below(2) == 0 {
        let metadata = JamMetadata { name: "guest", version: "1", license: "MIT", authors: vec!["a", "b"] };
        let mut prefixed = metadata.to_prefix();
        prefixed.append(&mut bytes);
        bytes = prefixed;
    }
    random.mutate(&mut bytes);
    if let Ok(found) = StandardProgram::parse(&bytes) {
        let _ = JamMetadata::parse(&bytes[found.metadata]);
    }
    if let Ok(program) = Program::parse_spi(bytes, InstructionSet::JamV1) {
        look_at(&program);
    }
}

fn execute(random: &mut Random) {
    let set = *random.pick(&InstructionSet::ALL);
    let corpus = if set == InstructionSet::Latest64 { &MACRO_BLOCK_CODE } else { &BITMASK_CODE };
    let mut code = random.pick(corpus).clone();
    random.mutate(&mut code);
    code.truncate(2000);
    let bits: Vec<u8> = (0..code.len().div_ceil(8)).map(|_| random.byte() | random.byte()).collect();
    let state = random.next();
    let plain = outcome(set, &code, &bits, false, state);
    let stepped = outcome(set, &code, &bits, true, state);
    assert_eq!(plain, stepped, "step tracing must not change what a guest does");
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
