//! Instances one after the other, and what they cost: nothing of one is visible to the next.

use pvm::{
    BackendKind, Config, Engine, InterruptKind, MemoryProtection, Module, ModuleConfig, ProgramBlob, ProgramCounter,
    RawInstance, Reg,
};
use pvm_isa::{Instruction, InstructionSet, Reg as Guest};
use pvm_program::{CodeBuilder, ProgramBuilder};
use std::borrow::Cow;

/// Grows the heap by `a0`, stores `a1` at `a2`, and traps.
fn blob() -> ProgramBlob {
    let mut code = CodeBuilder::new(InstructionSet::Latest64Bitmask);
    code.push(Instruction::sbrk(Guest::a0, Guest::a0));
    code.push(Instruction::store_indirect_u64(Guest::a1, Guest::a2, 0));
    code.push(Instruction::ecalli(0));
    let mut program = ProgramBuilder::new(&code.build().unwrap());
    program.ro_data(vec![1; 5000]).rw_data(vec![2; 5000]).rw_data_size(9000).stack_size(10000);
    ProgramBlob::from_program(program.build().unwrap())
}

fn modules(change: impl Fn(&mut ModuleConfig)) -> Vec<Module> {
    let mut modules = Vec::new();
    for backend in [BackendKind::Interpreter, BackendKind::Compiler] {
        if !backend.is_supported() {
            continue;
        }
        let mut config = Config::new();
        config.set_backend(Some(backend)).set_allow_dynamic_paging(true);
        let engine = Engine::new(&config).unwrap();
        let mut config = ModuleConfig::new();
        change(&mut config);
        let module = Module::from_blob(&engine, &config, blob()).unwrap();
        assert_eq!((module.backend(), module.interpreted_because()), (backend, None));
        // The engine goes; what modules need of it stays.
        modules.push(module);
    }
    modules
}

fn run(instance: &mut RawInstance, heap: u64, value: u64, address: u32) -> InterruptKind {
    instance.prepare_call_untyped(ProgramCounter(0), &[heap, value, u64::from(address)]);
    instance.run().unwrap()
}

#[track_caller]
fn is_new(instance: &mut RawInstance) {
    assert!(Reg::ALL.into_iter().all(|reg| instance.reg(reg) == 0));
    assert_eq!((instance.gas(), instance.program_counter(), instance.next_program_counter()), (0, None, None));
    assert_eq!((instance.heap_size(), instance.trap_reason()), (0, None));
    assert!(instance.run().is_err(), "it has nowhere to go on");
}

#[test]
fn static_memory_is_as_at_first() {
    for module in modules(|config| {
        config.set_aux_data_size(0x3000);
    }) {
        let map = module.memory_map().clone();
        for round in 0..6 {
            let mut instance = module.instantiate().unwrap();
            is_new(&mut instance);
            for (range, data, value) in [
                (map.ro_data_range(), 5000, 1),
                (map.rw_data_range(), 5000, 2),
                (map.stack_range(), 0, 0),
                (map.aux_data_range(), 0, 0),
            ] {
                let bytes = instance.read_memory(range.start, range.end - range.start).unwrap();
                assert!(bytes[..data].iter().all(|byte| *byte == value), "round {round}");
                assert!(bytes[data..].iter().all(|byte| *byte == 0), "round {round}");
            }
            let heap = map.heap_base().next_multiple_of(0x1000) + 0x10_0000;
            assert!(!instance.is_memory_accessible(heap, 8, MemoryProtection::Read));
            assert_eq!(run(&mut instance, 0, 7, heap), InterruptKind::Trap);
            // And now everything that an instance can change.
            assert_eq!(run(&mut instance, 0x20_0000, u64::MAX, heap), InterruptKind::Ecalli(0));
            assert_eq!(instance.read_u64(heap).unwrap(), u64::MAX);
            for range in [map.ro_data_range(), map.rw_data_range(), map.stack_range(), map.aux_data_range()] {
                let size = usize::try_from(range.end - range.start).unwrap();
                instance.write_memory_forced(range.start, &vec![0xaa; size]).unwrap();
            }
            if round % 2 == 0 {
                instance.set_accessible_aux_size(0x1000).unwrap();
            }
            for reg in Reg::ALL {
                instance.set_reg(reg, u64::MAX);
            }
            instance.set_gas(i64::MAX);
            if round % 3 == 0 {
                instance.reset_memory().unwrap();
                assert_eq!((instance.heap_size(), instance.read_u8(map.ro_data_address()).unwrap()), (0, 1));
                assert!(!instance.is_memory_accessible(heap, 8, MemoryProtection::Read));
            }
        }
    }
}

#[test]
fn pages_are_gone() {
    for module in modules(|config| {
        config.set_dynamic_paging(true);
    }) {
        for pages in [0_u32, 1, 5, 50] {
            let mut instance = module.instantiate().unwrap();
            is_new(&mut instance);
            for page in 0..50 {
                assert!(!instance.is_memory_accessible(0x10_0000 + page * 0x2000, 1, MemoryProtection::Read));
            }
            assert!(
                matches!(run(&mut instance, 0, 7, 0x10_0000), InterruptKind::Trap),
                "there is no heap under dynamic paging"
            );
            for page in 0..pages {
                let rights = if page % 2 == 0 { MemoryProtection::ReadWrite } else { MemoryProtection::Read };
                let address = 0x10_0000 + page * 0x2000;
                instance.zero_memory_with_memory_protection(address, 0x1000, rights).unwrap();
                instance.write_memory_forced(address, &[0xaa; 0x1000]).unwrap();
            }
        }
    }
}

#[test]
fn instances_outlive_their_engine() {
    for module in modules(|_| {}) {
        let mut instances = [module.instantiate().unwrap(), module.instantiate().unwrap()];
        let stack = module.memory_map().stack_address_low();
        drop(module);
        for instance in &mut instances {
            assert_eq!(run(instance, 0, 7, stack), InterruptKind::Ecalli(0));
            assert_eq!(instance.read_u64(stack).unwrap(), 7);
        }
    }
}

#[test]
fn memory_is_viewed_where_it_can_be_read() {
    for module in modules(|_| {}) {
        let mut instance = module.instantiate().unwrap();
        let map = module.memory_map().clone();
        let borrowed = |view: Cow<'_, [u8]>| matches!(view, Cow::Borrowed(_));
        instance.write_memory(map.stack_address_low(), &[7, 8, 9]).unwrap();
        assert_eq!(*instance.view_memory(map.stack_address_low(), 4).unwrap(), [7, 8, 9, 0]);
        assert_eq!(*instance.view_memory(map.ro_data_address() + 4999, 2).unwrap(), [1, 0]);
        let is_compiled = module.backend() == BackendKind::Compiler;
        assert_eq!(borrowed(instance.view_memory(map.ro_data_address(), 8).unwrap()), is_compiled);
        for (address, length) in
            [(0, 1), (0xffff, 2), (map.ro_data_range().end - 1, 2), (0xffff_ffff, 2), (0, u32::MAX)]
        {
            assert!(instance.view_memory(address, length).is_err(), "{address:#x} {length}");
        }
        assert!(instance.view_memory(0, 0).unwrap().is_empty());
    }
}
