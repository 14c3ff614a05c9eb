//! Dynamic paging: the host answers page faults, by hand or through the linker.

use polkavm::{
    CallError, Config, Engine, InterruptKind, Linker, MemoryAccessError, MemoryProtection, Module, ModuleConfig,
    ProgramBlob, ProgramCounter, RawInstance, Reg, Segfault,
};
use pvm_embedder_test::{Guest, instance, module, ret};
use pvm_isa::{Instruction, InstructionSet, Reg as R};

fn paged() -> ModuleConfig {
    let mut config = ModuleConfig::new();
    config.set_dynamic_paging(true);
    config
}

/// `u32 [a0] = u32 [a1]`
fn copy() -> Guest {
    let code =
        [Instruction::load_indirect_u32(R::t0, R::a1, 0), Instruction::store_indirect_u32(R::t0, R::a0, 0), ret()];
    Guest::new(InstructionSet::ReviveV1, &code)
}

#[track_caller]
fn check_segfault(vm: &mut RawInstance, pc: u32, page: u32, write_protected: bool) {
    match vm.run().unwrap() {
        InterruptKind::Segfault(Segfault { page_address, page_size, is_write_protected, .. }) => {
            assert_eq!((page_address, page_size, is_write_protected), (page, 0x1000, write_protected));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!((vm.program_counter(), vm.next_program_counter()), (Some(ProgramCounter(pc)), Some(ProgramCounter(pc))));
}

#[test]
fn faults_are_answered_by_hand() {
    let mut vm = instance(&paged(), copy().blob());
    vm.prepare_call_typed(ProgramCounter(0), (0x30008_u32, 0x20ffe_u32));
    check_segfault(&mut vm, 0, 0x20000, false);
    check_segfault(&mut vm, 0, 0x20000, false);
    vm.zero_memory_with_memory_protection(0x20000, 0x1000, MemoryProtection::Read).unwrap();
    check_segfault(&mut vm, 0, 0x21000, false);
    vm.zero_memory_with_memory_protection(0x21000, 1, MemoryProtection::ReadWrite).unwrap();
    vm.write_u16(0x21000, 0x4321).unwrap();
    check_segfault(&mut vm, 2, 0x30000, false);
    vm.zero_memory_with_memory_protection(0x30000, 0x1000, MemoryProtection::Read).unwrap();
    check_segfault(&mut vm, 2, 0x30000, true);
    vm.unprotect_memory(0x30000, 0x1000).unwrap();
    assert_eq!(vm.run().unwrap(), InterruptKind::Finished);
    assert_eq!(vm.read_u32(0x30008).unwrap(), 0x4321_0000);
}

#[test]
fn a_missing_page_comes_before_a_protected_one() {
    let mut vm = instance(&paged(), copy().blob());
    vm.zero_memory_with_memory_protection(0x20000, 0x1000, MemoryProtection::Read).unwrap();
    vm.prepare_call_typed(ProgramCounter(0), (0x20ffe_u32, 0x20000_u32));
    check_segfault(&mut vm, 2, 0x21000, false);
    vm.zero_memory_with_memory_protection(0x21000, 0x1000, MemoryProtection::ReadWrite).unwrap();
    check_segfault(&mut vm, 2, 0x20000, true);
}

#[test]
fn the_lowest_64_kib_trap() {
    for address in [0, 0x4000, 0xfffe_u32] {
        let mut vm = instance(&paged(), copy().blob());
        vm.prepare_call_typed(ProgramCounter(0), (0_u32, address));
        assert_eq!(vm.run().unwrap(), InterruptKind::Trap);
        assert_eq!((vm.program_counter(), vm.next_program_counter()), (Some(ProgramCounter(0)), None));
    }
}

#[test]
fn what_the_host_does_with_pages() {
    let mut vm = instance(&paged(), copy().blob());
    assert!(!vm.is_memory_accessible(0x10000, 1, MemoryProtection::Read));
    assert!(matches!(vm.read_u8(0x10000), Err(MemoryAccessError::OutOfRangeAccess { address: 0x10000, length: 1 })));
    let error = vm.zero_memory_with_memory_protection(0x10001, 0x1000, MemoryProtection::Read).unwrap_err();
    assert!(error.to_string().contains("address not a multiple of page size"), "{error}");
    vm.zero_memory_with_memory_protection(0x10000, 0x1001, MemoryProtection::Read).unwrap();
    assert!(vm.is_memory_accessible(0x10000, 0x2000, MemoryProtection::Read));
    assert!(!vm.is_memory_accessible(0x10000, 1, MemoryProtection::ReadWrite));
    assert!(vm.write_u8(0x10000, 1).is_err());
    vm.unprotect_memory(0x11000, 0x1000).unwrap();
    vm.write_u8(0x11fff, 1).unwrap();
    assert!(matches!(
        vm.write_u16(0x11fff, 1),
        Err(MemoryAccessError::OutOfRangeAccess { address: 0x11fff, length: 2 })
    ));
    vm.reset_memory().unwrap();
    assert!(!vm.is_memory_accessible(0x10000, 1, MemoryProtection::Read));
}

#[test]
fn pages_need_a_module_with_dynamic_paging() {
    let mut vm = instance(&ModuleConfig::new(), copy().blob());
    let error = vm.zero_memory_with_memory_protection(0x10000, 0x1000, MemoryProtection::Read).unwrap_err();
    assert!(error.to_string().contains("only possible on modules with dynamic paging"), "{error}");
    assert!(vm.protect_memory(0x10000, 0x1000).is_err());
    assert!(vm.unprotect_memory(0x10000, 0x1000).is_err());
}

#[test]
fn dynamic_paging_needs_the_engine_s_permission() {
    let engine = Engine::new(&Config::new()).unwrap();
    let blob = ProgramBlob::parse(copy().blob().into()).unwrap();
    let error = Module::from_blob(&engine, &paged(), blob).err().unwrap().to_string();
    assert!(error.contains("dynamic paging was not enabled"), "{error}");
}

#[test]
fn the_linker_s_instances_load_their_pages() {
    let guest = Guest {
        ro_data: (0..=255).cycle().take(0x1800).collect(),
        rw_data: vec![9; 0x1004],
        rw_data_size: 0x3000,
        stack_size: 0x2000,
        ..copy()
    };
    let module = module(&paged(), guest.blob());
    let map = module.memory_map().clone();
    let linker = Linker::<(), core::convert::Infallible>::new();
    let mut vm = linker.instantiate_pre(&module).unwrap().instantiate().unwrap();
    let (ro, rw, stack) = (map.ro_data_address(), map.rw_data_address(), map.stack_address_high());

    vm.call_typed(&mut (), "main", (stack - 4, ro + 0xffe)).unwrap();
    assert_eq!(vm.read_u32(stack - 4).unwrap(), 0x0100_fffe);
    vm.call_typed(&mut (), "main", (stack - 0x2000, rw + 0x1002)).unwrap();
    assert_eq!(vm.read_u32(stack - 0x2000).unwrap(), 0x0000_0909);
    vm.call_typed(&mut (), "main", (rw + 0x2ffc, ro + 0x17fe)).unwrap();
    assert_eq!(vm.read_u32(rw + 0x2ffc).unwrap(), 0x0000_fffe);
    assert_eq!(vm.reg(Reg::T0), 0xfffe);
    for (to, from) in [(rw, ro + 0x2000), (rw, rw + 0x3000), (stack - 0x2004, rw)] {
        assert!(matches!(vm.call_typed(&mut (), "main", (to, from)), Err(CallError::Trap)), "{to:#x} {from:#x}");
    }
}
