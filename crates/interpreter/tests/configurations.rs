//! One program, every configuration: what a guest does must not depend on how the interpreter happens to run it.

use pvm_gas::Rule;
use pvm_interpreter::{CacheLimit, Exit, FaultOrder, Image, Instance, MemoryImage, Paging, Protection};
use pvm_isa::{Instruction, InstructionSet, Opcode, Reg, encode};
use pvm_program::{Bytes, MemoryMap, MemoryMapBuilder};
use std::sync::Arc;

/// A small pseudo-random generator (xorshift), so that a failing seed can be run again.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    fn immediate(&mut self) -> i32 {
        let wide = i32::from_le_bytes(self.next().to_le_bytes()[..4].try_into().unwrap());
        self.pick(&[0, 1, -1, 8, 7, 31, 63, 0x7ff, -0x800, 0x20000, 0x20ff8, 0x21ffc, wide, wide >> 16])
    }

    /// Any instruction, or one of those that most code consists of and that the engine runs in groups.
    fn instruction(&mut self, set: InstructionSet, starts: &[u32], is_common: bool) -> Instruction {
        const COMMON: [Opcode; 24] = [
            Opcode::load_indirect_u64,
            Opcode::load_indirect_u64,
            Opcode::load_indirect_u64,
            Opcode::store_indirect_u64,
            Opcode::store_indirect_u64,
            Opcode::store_indirect_u64,
            Opcode::load_indirect_u8,
            Opcode::store_indirect_u8,
            Opcode::add_64,
            Opcode::add_64,
            Opcode::add_imm_64,
            Opcode::add_imm_64,
            Opcode::load_imm,
            Opcode::move_reg,
            Opcode::shift_logical_left_imm_64,
            Opcode::shift_logical_right_imm_64,
            Opcode::rotate_right_imm_64,
            Opcode::xor,
            Opcode::or,
            Opcode::mul_64,
            Opcode::set_less_than_unsigned,
            Opcode::cmov_if_not_zero,
            Opcode::branch_eq,
            Opcode::branch_less_unsigned,
        ];
        loop {
            let opcode = if is_common { self.pick(&COMMON) } else { self.pick(&Opcode::ALL[..Opcode::COUNT - 1]) };
            // Control flow and memory often, host calls rarely; `sbrk` has no paged form to compare with.
            let rare = matches!(opcode, Opcode::trap | Opcode::ecalli) && self.below(8) != 0;
            if set.supports(opcode) && opcode != Opcode::sbrk && !rare {
                return self.operands(opcode, starts);
            }
        }
    }

    fn operands(&mut self, opcode: Opcode, starts: &[u32]) -> Instruction {
        let some = if self.below(2) == 0 { &Reg::ALL[..] } else { &[Reg::sp, Reg::a0, Reg::a1] };
        let (r1, r2, r3) = (self.pick(some), self.pick(some), self.pick(some));
        let (a, b) = (self.immediate(), self.immediate());
        let target = if self.below(16) == 0 { 1 } else { self.pick(starts) };
        let wide = self.next();
        macro_rules! build {
            ($name:ident None) => {
                Instruction::$name()
            };
            ($name:ident Imm) => {
                Instruction::$name(a)
            };
            ($name:ident Offset) => {
                Instruction::$name(target)
            };
            ($name:ident ImmImm) => {
                Instruction::$name(a, b)
            };
            ($name:ident RegImm) => {
                Instruction::$name(r1, a)
            };
            ($name:ident RegImm64) => {
                Instruction::$name(r1, wide)
            };
            ($name:ident RegImmImm) => {
                Instruction::$name(r1, a, b)
            };
            ($name:ident RegImmOffset) => {
                Instruction::$name(r1, a, target)
            };
            ($name:ident RegReg) => {
                Instruction::$name(r1, r2)
            };
            ($name:ident RegRegImm) => {
                Instruction::$name(r1, r2, a)
            };
            ($name:ident RegRegOffset) => {
                Instruction::$name(r1, r2, target)
            };
            ($name:ident RegRegImmImm) => {
                Instruction::$name(r1, r2, a, b)
            };
            ($name:ident RegRegReg) => {
                Instruction::$name(r1, r2, r3)
            };
        }
        macro_rules! by_name {
            ($($name:ident $format:ident $family:ident [$($n:tt)*] [$($b:tt)*] $m:ident $(($($f:tt)*))? {$($c:tt)*};)*) => {
                match opcode { $(Opcode::$name => build!($name $format)),* }
            };
        }
        pvm_isa::instruction_table!(by_name)
    }
}

struct Program {
    set: InstructionSet,
    code: Vec<u8>,
    bitmask: Vec<u8>,
    starts: Vec<u32>,
}

/// Random code whose jumps mostly hit instructions, in bitmask or macro-block encoding (the latter unpadded: cut
/// instructions are part of the test).
fn program(random: &mut Random, set: InstructionSet) -> Program {
    let mut starts: Vec<u32> = vec![0];
    let (mut code, mut marks) = (Vec::new(), Vec::new());
    let count = 5 + random.below(60);
    let has_common = set.supports(Opcode::add_64) && random.below(2) == 0;
    for _ in 0..count {
        let offset = u32::try_from(code.len()).unwrap();
        let is_common = has_common && random.below(8) != 0;
        let mut instruction = random.instruction(set, &starts, is_common);
        if random.below(5) == 0 {
            // A forward jump to somewhere near, which may or may not hit an instruction.
            instruction = instruction.with_target(offset + 2 + u32::try_from(random.below(30)).unwrap());
        }
        starts.push(offset);
        let bytes = encode(set, offset, &instruction).unwrap();
        marks.push(true);
        marks.extend(std::iter::repeat_n(false, bytes.len() - 1));
        code.extend_from_slice(&bytes);
    }
    let mut bitmask = vec![0; code.len().div_ceil(8)];
    for (at, mark) in marks.iter().enumerate() {
        bitmask[at / 8] |= u8::from(*mark) << (at % 8);
    }
    Program { set, code, bitmask, starts }
}

#[derive(Clone, Copy, Debug)]
enum Configuration {
    Plain,
    StepTracing,
    ResetCache,
    SmallCache,
    Paged,
}

fn instance(program: &Program, configuration: Configuration, rule: Option<Rule>) -> Instance {
    let paged = matches!(configuration, Configuration::Paged);
    let jump_table: Vec<u8> = program.starts.iter().flat_map(|start| start.to_le_bytes()).collect();
    let rw_data: Vec<u8> = (0..8192u32).map(|at| (at % 251).to_le_bytes()[0]).collect();
    let image = Image {
        set: program.set,
        code: Bytes::from(program.code.clone()),
        bitmask: Bytes::from(program.bitmask.clone()),
        jump_table: Bytes::from(jump_table),
        jump_table_entry_size: 4,
        memory: MemoryImage {
            map: map(),
            ro_data: Bytes::from(vec![]),
            rw_data: Bytes::from(rw_data.clone()),
            aux_accessible: 0,
        },
        paging: if paged {
            Paging::Dynamic { page_size: 0x1000, order: FaultOrder::MissingPageFirst }
        } else {
            Paging::Static
        },
        gas: rule.map(Arc::new),
        step_tracing: matches!(configuration, Configuration::StepTracing),
    };
    let mut guest = Instance::new(Arc::new(image));
    if paged {
        guest.zero_pages(0x20000, 8192, Protection::ReadWrite).unwrap();
        guest.write_memory(0x20000, &rw_data).unwrap();
        guest.zero_pages(0xfffd_f000, 4096, Protection::ReadWrite).unwrap();
    }
    if matches!(configuration, Configuration::SmallCache) {
        let least = guest.set_cache_limit(Some(CacheLimit { bytes_max: 0 })).unwrap_err();
        guest.set_cache_limit(Some(least)).unwrap();
    }
    guest
}

/// What can be seen of a guest after an exit; a fault under paging counts as the trap it is without.
fn observed(guest: &Instance, exit: Exit) -> (String, Option<u32>, Option<u32>, i64, Vec<u64>, Vec<u8>) {
    let (status, next) = match exit {
        Exit::Trap(_) | Exit::Segfault { .. } => ("Trap".into(), None),
        exit => (format!("{exit:?}"), guest.next_program_counter()),
    };
    let mut memory = vec![0; 8192];
    guest.read_memory(0x20000, &mut memory).unwrap();
    let regs = Reg::ALL.iter().map(|reg| guest.reg(*reg)).collect();
    (status, guest.program_counter(), next, guest.gas(), regs, memory)
}

fn run(
    program: &Program,
    configuration: Configuration,
    rule: Option<Rule>,
    seed: u64,
) -> Vec<impl PartialEq + std::fmt::Debug + use<>> {
    let mut random = Random(seed);
    let metered = rule.is_some();
    let mut guest = instance(program, configuration, rule);
    for reg in Reg::ALL {
        let value = random.next();
        let value =
            random.pick(&[0, 1, u64::MAX, 0x20000, 0x20800, 0xfffd_fff0, 2, 6, 10, value, value >> 32, 1 << 31]);
        guest.set_reg(reg, value);
    }
    guest.set_gas(i64::try_from(random.below(3000)).unwrap());
    guest.set_next_program_counter(random.pick(&program.starts));
    let mut seen = Vec::new();
    let mut steps = 0;
    while seen.len() < 6 && steps < 5000 {
        let exit = guest.run().unwrap();
        if matches!(configuration, Configuration::ResetCache) {
            guest.reset_cache();
        }
        match exit {
            Exit::Step => steps += 1,
            Exit::Ecalli(_) => seen.push(observed(&guest, exit)),
            Exit::OutOfGas if seen.len() < 3 => {
                seen.push(observed(&guest, exit));
                guest.set_gas(guest.gas() + i64::try_from(random.below(500)).unwrap());
            }
            _ => {
                seen.push(observed(&guest, exit));
                break;
            }
        }
    }
    assert!(metered || steps < 5000, "unmetered runs are bounded by the test");
    seen
}

#[test]
fn all_configurations_agree() {
    let sets = [
        InstructionSet::Latest64,
        InstructionSet::JamV1,
        InstructionSet::Latest32,
        InstructionSet::ReviveV1,
        InstructionSet::Latest64Bitmask,
    ];
    let mut exits = std::collections::BTreeMap::new();
    for seed in 1..6_000u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let set = random.pick(&sets);
        let program = program(&mut random, set);
        let rule = random.pick(&[0, 1, 2]);
        let rule = || match rule {
            0 => Rule::Simple,
            1 => Rule::PerInstruction,
            _ => "full".parse().unwrap(),
        };
        let start = random.next();
        let plain = run(&program, Configuration::Plain, Some(rule()), start);
        *exits.entry(plain.len()).or_insert(0) += 1;
        for other in
            [Configuration::StepTracing, Configuration::ResetCache, Configuration::SmallCache, Configuration::Paged]
        {
            let found = run(&program, other, Some(rule()), start);
            assert!(found == plain, "seed {seed}, {other:?}, {:?}:\n{found:?}\n{plain:?}", program.set);
        }
    }
    assert!(exits.len() > 2, "the programs are too dull to show anything: {exits:?}");
}

#[test]
fn a_tiny_block_of_endless_jumps_keeps_the_stack_flat() {
    let target = encode(InstructionSet::JamV1, 0, &Instruction::jump(0)).unwrap();
    let program = Program { set: InstructionSet::JamV1, code: target.to_vec(), bitmask: vec![1], starts: vec![0] };
    let mut guest = instance(&program, Configuration::Plain, Some(Rule::Simple));
    guest.set_gas(3_000_000);
    guest.set_next_program_counter(0);
    assert_eq!(guest.run(), Some(Exit::OutOfGas));
    assert_eq!(guest.gas(), 0);
}

fn map() -> MemoryMap {
    MemoryMapBuilder::new(0x1000).rw_data_size(8192).stack_size(4096).build().unwrap()
}
