//! What guests must not do, on both engines: touch what is not theirs, jump where nothing is, run out of stack; and what hosts
//! may do meanwhile.

use pvm::{
    BackendKind, Caller, Config, Engine, Instance, InterruptKind, Linker, Module, ModuleConfig, ProgramBlob,
    ProgramCounter, RawInstance, Reg, Trap,
};
use pvm_isa::{Instruction, InstructionSet, Opcode, Reg as Guest};
use pvm_program::{CodeBuilder, Item, ProgramBuilder};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;

const RO_SIZE: u32 = 0x2000;
const RW_SIZE: u32 = 0x3000;
const STACK_SIZE: u32 = 0x2000;
const AUX_SIZE: u32 = 0x1000;

/// A program of all four regions.
fn blob(code: &CodeBuilder, imports: &[&str]) -> ProgramBlob {
    let mut program = ProgramBuilder::new(&code.build().unwrap());
    program.ro_data(vec![1; 100]).ro_data_size(RO_SIZE).rw_data(vec![2; 100]).rw_data_size(RW_SIZE);
    program.stack_size(STACK_SIZE).export(0, b"main");
    for import in imports {
        program.import(import.as_bytes());
    }
    ProgramBlob::from_program(program.build().unwrap())
}

/// A module for each engine that runs here.
fn modules(blob: &ProgramBlob) -> Vec<Module> {
    let backends = [BackendKind::Interpreter, BackendKind::Compiler].into_iter().filter(|it| it.is_supported());
    backends
        .map(|backend| {
            let mut config = Config::new();
            config.set_backend(Some(backend));
            let mut module_config = ModuleConfig::new();
            module_config.set_aux_data_size(AUX_SIZE);
            let module = Module::from_blob(&Engine::new(&config).unwrap(), &module_config, blob.clone()).unwrap();
            assert_eq!(module.backend(), backend);
            module
        })
        .collect()
}

fn code(instructions: &[Instruction]) -> CodeBuilder {
    let mut code = CodeBuilder::new(InstructionSet::Latest64Bitmask);
    for instruction in instructions {
        code.push(*instruction);
    }
    code
}

const ACCESSES: [(Opcode, u32, bool); 15] = [
    (Opcode::load_indirect_u8, 1, false),
    (Opcode::load_indirect_i8, 1, false),
    (Opcode::load_indirect_u16, 2, false),
    (Opcode::load_indirect_i16, 2, false),
    (Opcode::load_indirect_u32, 4, false),
    (Opcode::load_indirect_i32, 4, false),
    (Opcode::load_indirect_u64, 8, false),
    (Opcode::store_indirect_u8, 1, true),
    (Opcode::store_indirect_u16, 2, true),
    (Opcode::store_indirect_u32, 4, true),
    (Opcode::store_indirect_u64, 8, true),
    (Opcode::store_imm_indirect_u8, 1, true),
    (Opcode::store_imm_indirect_u16, 2, true),
    (Opcode::store_imm_indirect_u32, 4, true),
    (Opcode::store_imm_indirect_u64, 8, true),
];

#[test]
fn regions_are_guarded_on_all_sides() {
    // Each access by `a0` is a block of its own.
    let access = |(opcode, ..): &(Opcode, u32, bool)| match opcode.format().register_count() {
        1 => Instruction::with_registers(*opcode, [Guest::a0; 3]),
        _ => Instruction::with_registers(*opcode, [Guest::a1, Guest::a0, Guest::a0]),
    };
    let instructions: Vec<_> = ACCESSES.iter().flat_map(|it| [access(it), Instruction::trap()]).collect();
    let code = code(&instructions);
    let offsets = code.build().unwrap().offsets;
    for module in modules(&blob(&code, &[])) {
        let map = module.memory_map().clone();
        let regions = [
            (map.ro_data_range(), false),
            (map.rw_data_range(), true),
            (map.stack_range(), true),
            (map.aux_data_range(), false),
        ];
        let mut places = vec![0, 0x1000, 0x8000_0000, 0xffff_0000, 0xffff_fff8];
        places.extend(regions.iter().flat_map(|(range, _)| [range.start, range.end]));
        let mut guest = module.instantiate().unwrap();
        let mut counts = [0; 2];
        for address in places.iter().flat_map(|place| (0..18).map(|near| place.wrapping_sub(9).wrapping_add(near))) {
            for ((opcode, size, is_write), pc) in ACCESSES.iter().zip(offsets.iter().step_by(2)) {
                let allowed = regions.iter().any(|(range, is_writable)| {
                    let end = address.checked_add(*size);
                    range.start <= address && end.is_some_and(|end| end <= range.end) && (*is_writable || !is_write)
                });
                // Bits 32 and above of the base are not looked at.
                for high in [0, 0xffff_ffff_0000_0000] {
                    guest.set_reg(Reg::A0, high | u64::from(address));
                    guest.set_next_program_counter(ProgramCounter(*pc));
                    assert_eq!(guest.run().unwrap(), InterruptKind::Trap);
                    let fault = Trap::Memory { address, is_write: *is_write };
                    let expected = if allowed { Trap::Instruction } else { fault };
                    assert_eq!(guest.trap_reason(), Some(expected), "{opcode} at {address:#x}, {}", module.backend());
                }
                counts[usize::from(allowed)] += 1;
            }
        }
        assert!(counts.iter().all(|count| *count > 200), "{counts:?}");
    }
}

#[test]
fn sums_of_addresses_wrap_at_2_to_the_32() {
    let rw = 0x3_0000u32;
    for offset in [0, 1, -1, 0x100, -0x100, i32::MAX, i32::MIN, 0x3_0000, -0x3_0000] {
        let code = code(&[
            Instruction::store_indirect_u32(Guest::a1, Guest::a0, offset),
            Instruction::load_indirect_u32(Guest::a2, Guest::a0, offset),
            Instruction::trap(),
        ]);
        for module in modules(&blob(&code, &[])) {
            assert_eq!(module.memory_map().rw_data_address(), rw);
            let mut guest = module.instantiate().unwrap();
            for (address, is_good) in [(rw, true), (rw + 8, true), (rw - 4, false), (rw + RW_SIZE, false)] {
                let base = address.wrapping_sub(offset.cast_unsigned());
                guest.prepare_call_untyped(ProgramCounter(0), &[u64::from(base), 0x0102_0304]);
                guest.run().unwrap();
                let trap = if is_good { Trap::Instruction } else { Trap::Memory { address, is_write: true } };
                assert_eq!(guest.trap_reason(), Some(trap), "{base:#x} + {offset:#x}");
                assert_eq!(guest.reg(Reg::A2), if is_good { 0x0102_0304 } else { 0 });
            }
        }
    }
}

#[test]
fn jump_addresses_of_every_residue() {
    let mut code = code(&[Instruction::jump_indirect(Guest::a0, 0)]);
    let first = code.push(Instruction::ecalli(0));
    let within = code.push(Instruction::ecalli(1));
    code.push(Instruction::trap());
    let second = code.push(Instruction::ecalli(2));
    code.push(Instruction::trap());
    // The second entry leads into the middle of a block.
    code.jump_table = vec![first, within, second];
    for module in modules(&blob(&code, &[])) {
        let mut guest = module.instantiate().unwrap();
        let mut run = |address: u64| {
            guest.prepare_call_untyped(ProgramCounter(0), &[address]);
            (guest.run().unwrap(), guest.trap_reason())
        };
        let bounds = [0x7fff_fffe, 0x8000_0000, 0xfffe_fffe, 0xffff_fffe];
        for address in (0..70).chain(bounds.iter().flat_map(|bound| bound - 5..=*bound + 1)) {
            for high in [0, 1 << 32, 0xffff_ffff_0000_0000] {
                let (exit, trap) = run(high | u64::from(address));
                match address {
                    2 => assert_eq!((exit, trap), (InterruptKind::Ecalli(0), None)),
                    6 => assert_eq!((exit, trap), (InterruptKind::Ecalli(2), None)),
                    _ => {
                        let expected = Some(Trap::JumpAddress(address));
                        assert_eq!((exit, trap), (InterruptKind::Trap, expected), "{address:#x}");
                    }
                }
            }
        }
        for high in [0, 1 << 40] {
            assert_eq!(run(high | 0xffff_0000), (InterruptKind::Finished, None));
        }
    }
}

/// Calls itself until its stack ends.
fn recursion() -> CodeBuilder {
    let mut code = code(&[
        Instruction::add_imm_64(Guest::sp, Guest::sp, -16),
        Instruction::store_indirect_u64(Guest::ra, Guest::sp, 8),
    ]);
    code.push(Item { instruction: Instruction::load_imm_and_jump(Guest::ra, 2, 0), target: Some(0) });
    code.jump_table = vec![0];
    code
}

#[test]
fn a_stack_that_ends_is_a_trap() {
    for module in modules(&blob(&recursion(), &[])) {
        let mut guest = module.instantiate().unwrap();
        for _ in 0..3 {
            guest.prepare_call_untyped(ProgramCounter(0), &[]);
            assert_eq!(guest.run().unwrap(), InterruptKind::Trap);
            let low = module.memory_map().stack_address_low();
            assert_eq!(guest.trap_reason(), Some(Trap::Memory { address: low - 8, is_write: true }));
            assert_eq!(guest.reg(Reg::SP), u64::from(low - 16));
        }
    }
}

#[test]
fn a_thousand_guests_fault_on_eight_threads_at_once() {
    let code = code(&[
        Instruction::add_imm_64(Guest::a0, Guest::a0, 1),
        Instruction::store_indirect_u64(Guest::a0, Guest::a1, 0),
        Instruction::trap(),
    ]);
    for module in modules(&blob(&code, &[])) {
        let start = Barrier::new(8);
        std::thread::scope(|scope| {
            for thread in 0..8u32 {
                let (module, start) = (&module, &start);
                scope.spawn(move || {
                    let mut guests: Vec<RawInstance> = (0..125).map(|_| module.instantiate().unwrap()).collect();
                    start.wait();
                    for round in 0..4 {
                        for (number, guest) in (0..).zip(&mut guests) {
                            // All over the address space, but in no region.
                            let address = 0x1000_0000 + thread * 0x1000_0000 + number * 0x10_0008 + round;
                            let value = u64::from(address) << 20;
                            guest.prepare_call_untyped(ProgramCounter(0), &[value, u64::from(address)]);
                            assert_eq!(guest.run().unwrap(), InterruptKind::Trap);
                            assert_eq!(guest.trap_reason(), Some(Trap::Memory { address, is_write: true }));
                            assert_eq!(guest.reg(Reg::A0), value + 1);
                        }
                    }
                });
            }
        });
    }
}

/// `a0` + what the host makes of it, and `s0` as it was.
fn asking() -> ProgramBlob {
    let code = code(&[
        Instruction::move_reg(Guest::s0, Guest::a0),
        Instruction::ecalli(0),
        Instruction::add_64(Guest::a0, Guest::a0, Guest::s0),
        Instruction::jump_indirect(Guest::ra, 0),
    ]);
    blob(&code, &["ask"])
}

fn instance(
    module: &Module,
    ask: impl Fn(u64) -> u64 + Send + Sync + 'static,
) -> Instance<(), core::convert::Infallible> {
    let mut linker = Linker::new();
    linker.define_typed("ask", move |_: Caller<'_, ()>, value: u64| ask(value)).unwrap();
    linker.instantiate_pre(module).unwrap().instantiate().unwrap()
}

#[test]
fn guests_run_in_host_calls_of_other_guests() {
    let askers = modules(&asking());
    let faulting = modules(&blob(&recursion(), &[]));
    for (outer, inner) in askers.iter().flat_map(|outer| askers.iter().map(move |inner| (outer, inner))) {
        for fault in &faulting {
            let (inner, fault) = (inner.clone(), fault.clone());
            let mut guest = instance(outer, move |value| {
                let fault = fault.clone();
                let mut guest = instance(&inner, move |value| {
                    let mut guest = fault.instantiate().unwrap();
                    guest.prepare_call_untyped(ProgramCounter(0), &[]);
                    assert_eq!(guest.run().unwrap(), InterruptKind::Trap);
                    assert!(matches!(guest.trap_reason(), Some(Trap::Memory { .. })));
                    value * 2
                });
                guest.call_typed_and_get_result::<u64, _>(&mut (), "main", (value + 1,)).unwrap()
            });
            for value in [1u64, 50] {
                let result: u64 = guest.call_typed_and_get_result(&mut (), "main", (value,)).unwrap();
                assert_eq!(result, value + 3 * (value + 1));
            }
        }
    }
}

#[test]
fn a_panic_in_a_host_function_unwinds_through_the_run() {
    for module in modules(&asking()) {
        let mut guest = instance(&module, |value| {
            assert_ne!(value, 7, "the host does not like it");
            value
        });
        for _ in 0..3 {
            let mut call = |value: u64| {
                catch_unwind(AssertUnwindSafe(|| {
                    guest.call_typed_and_get_result::<u64, _>(&mut (), "main", (value,)).unwrap()
                }))
            };
            assert_eq!(call(5).unwrap(), 10);
            let panic = call(7).unwrap_err();
            assert!(panic.downcast_ref::<String>().unwrap().contains("does not like it"));
            assert_eq!(call(8).unwrap(), 16);
        }
        // Others fault as before.
        let mut other = modules(&blob(&recursion(), &[])).pop().unwrap().instantiate().unwrap();
        other.prepare_call_untyped(ProgramCounter(0), &[]);
        assert_eq!(other.run().unwrap(), InterruptKind::Trap);
    }
}

/// Addresses, and rights as in `r-xp`, of this process's memory.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
fn mappings() -> Vec<(std::ops::Range<u64>, String)> {
    let text = std::fs::read_to_string("/proc/self/maps").unwrap();
    let number = |text: &str| u64::from_str_radix(text, 16).unwrap();
    text.lines()
        .map(|line| {
            let (range, rest) = line.split_once(' ').unwrap();
            let (start, end) = range.split_once('-').unwrap();
            (number(start)..number(end), rest[..4].to_owned())
        })
        .collect()
}

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[test]
fn only_machine_code_can_be_executed_and_nobody_writes_it() {
    for module in modules(&blob(&recursion(), &[])) {
        let mut guest = module.instantiate().unwrap();
        guest.prepare_call_untyped(ProgramCounter(0), &[]);
        guest.run().unwrap();
        let all = mappings();
        assert!(all.iter().all(|(_, rights)| !(rights.contains('w') && rights.contains('x'))), "{all:?}");
        let (Some(start), Some(text)) = (module.machine_code_origin(), module.machine_code()) else { continue };
        let (code, rights) = all.iter().find(|(range, _)| range.contains(&start)).unwrap();
        assert_eq!(rights, "r-xp");
        assert!(code.end - start >= u64::try_from(text.len()).unwrap());
    }
}
