//! Static memory: what the host can reach, auxiliary data, heap, limits.

use core::mem::MaybeUninit;
use polkavm::{
    InterruptKind, MemoryAccessError, MemoryMapBuilder, MemoryProtection, ModuleConfig, ProgramCounter, RawInstance,
    Reg,
};
use pvm_embedder_test::{Guest, instance, ret};
use pvm_isa::{Instruction, InstructionSet, Reg as R};

const RO: u32 = 0x10000;
const RW: u32 = 0x30000;

/// Stores `u8 [a1] = a2` if `a0` is 1, loads `a0 = u8 [a1]` otherwise.
fn access(set: InstructionSet) -> Guest {
    let mut guest = Guest::new(set, &[]);
    let store = 3;
    let mut branch = pvm_program::Item::from(Instruction::branch_eq_imm(R::a0, 1, 0));
    branch.target = Some(store);
    guest.code.push(branch);
    guest.code.push(Instruction::load_indirect_u8(R::a0, R::a1, 0));
    guest.code.push(ret());
    guest.code.push(Instruction::store_indirect_u8(R::a2, R::a1, 0));
    guest.code.push(ret());
    Guest { ro_data: vec![1, 2, 3], rw_data: vec![4, 5], rw_data_size: 0x2000, stack_size: 0x1000, ..guest }
}

fn plain() -> RawInstance {
    instance(&ModuleConfig::new(), access(InstructionSet::Latest64).blob())
}

fn with_aux(size: u32) -> RawInstance {
    let mut config = ModuleConfig::new();
    config.set_aux_data_size(size);
    instance(&config, access(InstructionSet::Latest64).blob())
}

#[track_caller]
fn check_load(vm: &mut RawInstance, address: u32, expected: Option<u8>) {
    vm.prepare_call_typed(ProgramCounter(0), (0_u32, address));
    let expected_interrupt = if expected.is_some() { InterruptKind::Finished } else { InterruptKind::Trap };
    assert_eq!(vm.run().unwrap(), expected_interrupt, "load at {address:#x}");
    if let Some(value) = expected {
        assert_eq!(vm.reg(Reg::A0), u64::from(value));
    }
}

#[track_caller]
fn check_store(vm: &mut RawInstance, address: u32, value: u8, works: bool) {
    vm.prepare_call_typed(ProgramCounter(0), (1_u32, address, u32::from(value)));
    let expected = if works { InterruptKind::Finished } else { InterruptKind::Trap };
    assert_eq!(vm.run().unwrap(), expected, "store at {address:#x}");
}

#[track_caller]
fn check_out_of_range<T>(result: Result<T, MemoryAccessError>, wanted: (u32, u64)) {
    match result.err() {
        Some(MemoryAccessError::OutOfRangeAccess { address, length }) => assert_eq!((address, length), wanted),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_memory_map_is_where_it_should_be() {
    let map = MemoryMapBuilder::new(0x1000)
        .ro_data_size(5)
        .rw_data_size(0x10001)
        .stack_size(1)
        .aux_data_size(7)
        .build()
        .unwrap();
    assert_eq!((map.page_size(), map.ro_data_range(), map.rw_data_range()), (0x1000, RO..0x11000, RW..0x41000));
    assert_eq!((map.stack_range(), map.aux_data_range()), (0xfffc_f000..0xfffd_0000, 0xfffe_0000..0xfffe_1000));
    assert_eq!((map.heap_base(), map.max_heap_size()), (0x40001, 0xfff6_ffff));
    let error = |page_size: u32, size: u32| MemoryMapBuilder::new(page_size).rw_data_size(size).build().err();
    assert_eq!(error(0x20000, 0), Some("invalid page size: page size is too big"));
    assert_eq!(error(0x1800, 0), Some("invalid page size: page size is not a power of two"));
    assert_eq!(error(0x1000, u32::MAX), Some("the size of read-write data is too big"));
    assert_eq!(error(0x1000, 0xffff_0000), Some("maximum memory size exceeded"));
    assert_eq!(MemoryMapBuilder::new(0x800).build().err(), Some("invalid page size: page size is too small"));
}

#[test]
fn the_host_reaches_what_is_mapped_and_nothing_else() {
    let mut vm = plain();
    assert_eq!(vm.read_memory(RO, 5).unwrap(), [1, 2, 3, 0, 0]);
    assert_eq!(vm.read_memory(RW, 4).unwrap(), [4, 5, 0, 0]);
    let stack = vm.module().memory_map().stack_address_low();
    for (address, length) in
        [(RO - 1, 1), (0, 1), (RO, 0x1001), (RW - 1, 2), (RW + 0x1fff, 2), (stack - 1, 1), (stack, 0x1001)]
    {
        check_out_of_range(vm.read_memory(address, length), (address, u64::from(length)));
        assert!(!vm.is_memory_accessible(address, length, MemoryProtection::Read));
    }
    check_out_of_range(vm.read_memory(u32::MAX, 2), (u32::MAX, 2));
    check_out_of_range(vm.write_memory(RO, &[1]), (RO, 1));
    check_out_of_range(vm.write_memory(RW + 0x1ffe, &[7, 7, 7]), (RW + 0x1ffe, 3));
    assert_eq!(vm.read_u16(RW + 0x1ffe).unwrap(), 0);
    check_out_of_range(vm.zero_memory(RW + 1, 0x2000), (RW + 1, 0x2000));
    assert_eq!(vm.read_memory(RW, 2).unwrap(), [4, 5]);
    vm.zero_memory(RW + 1, 0x1fff).unwrap();
    assert_eq!(vm.read_memory(RW, 2).unwrap(), [4, 0]);
    assert!(vm.is_memory_accessible(RO, 0x1000, MemoryProtection::Read));
    assert!(!vm.is_memory_accessible(RO, 1, MemoryProtection::ReadWrite));
    assert!(vm.is_memory_accessible(RW, 0x2000, MemoryProtection::ReadWrite));
}

#[test]
fn nothing_can_be_accessed_anywhere() {
    let mut vm = plain();
    for address in [0, 0x20000, u32::MAX] {
        assert!(vm.is_memory_accessible(address, 0, MemoryProtection::ReadWrite));
        assert_eq!(vm.read_memory(address, 0).unwrap(), []);
        vm.write_memory(address, &[]).unwrap();
        vm.zero_memory(address, 0).unwrap();
    }
}

#[test]
fn integers_are_little_endian() {
    let mut vm = plain();
    vm.write_u64(RW, 0x8877_6655_4433_2211).unwrap();
    assert_eq!(vm.read_u8(RW).unwrap(), 0x11);
    assert_eq!(vm.read_u16(RW + 1).unwrap(), 0x3322);
    assert_eq!(vm.read_u32(RW + 2).unwrap(), 0x6655_4433);
    vm.write_u32(RW, 1).unwrap();
    vm.write_u16(RW + 4, 2).unwrap();
    vm.write_u8(RW + 6, 3).unwrap();
    assert_eq!(vm.read_u64(RW).unwrap(), 0x8803_0002_0000_0001);
}

#[test]
fn buffers_are_read_into() {
    let mut vm = plain();
    let mut array = [0xff; 4];
    assert_eq!(vm.read_memory_into(RO, &mut array).unwrap(), [1, 2, 3, 0]);
    let mut vector = vec![0xff; 3];
    assert_eq!(vm.read_memory_into(RW, vector.as_mut_slice()).unwrap(), [4, 5, 0]);
    let mut uninit = [MaybeUninit::<u8>::uninit(); 2];
    assert_eq!(vm.read_memory_into(RO + 1, uninit.as_mut_slice()).unwrap(), [2, 3]);
    let mut uninit = MaybeUninit::<[u8; 2]>::uninit();
    assert_eq!(vm.read_memory_into(RO, &mut uninit).unwrap(), [1, 2]);
    check_out_of_range(vm.read_memory_into(RO - 2, &mut array), (RO - 2, 4));
}

#[test]
fn guests_reach_their_regions() {
    let mut vm = plain();
    let map = vm.module().memory_map().clone();
    check_load(&mut vm, RO + 2, Some(3));
    check_load(&mut vm, RO + 0xfff, Some(0));
    check_load(&mut vm, RO + 0x1000, None);
    check_store(&mut vm, RO, 1, false);
    check_store(&mut vm, RW + 0x1fff, 9, true);
    check_load(&mut vm, RW + 0x1fff, Some(9));
    check_store(&mut vm, RW + 0x2000, 9, false);
    check_store(&mut vm, map.stack_address_low(), 8, true);
    check_load(&mut vm, map.stack_address_low(), Some(8));
    check_load(&mut vm, map.stack_address_low() - 1, None);
    check_load(&mut vm, map.stack_address_high(), None);
    vm.reset_memory().unwrap();
    check_load(&mut vm, RW + 0x1fff, Some(0));
    check_load(&mut vm, RW, Some(4));
    check_load(&mut vm, map.stack_address_low(), Some(0));
}

#[test]
fn auxiliary_data_is_the_host_s() {
    let mut vm = with_aux(0x1800);
    let aux = vm.module().memory_map().aux_data_address();
    assert_eq!(aux, 0xfffe_0000);
    vm.write_memory(aux + 0x1fff, &[7]).unwrap();
    check_load(&mut vm, aux + 0x1fff, Some(7));
    check_store(&mut vm, aux, 1, false);
    check_out_of_range(vm.write_memory(aux + 0x1fff, &[7, 7]), (aux + 0x1fff, 2));

    vm.set_host_side_aux_write_protect(true).unwrap();
    assert!(!vm.is_memory_accessible(aux, 1, MemoryProtection::ReadWrite));
    assert!(vm.is_memory_accessible(aux, 1, MemoryProtection::Read));
    check_out_of_range(vm.write_memory(aux, &[1]), (aux, 1));
    check_out_of_range(vm.zero_memory(aux, 1), (aux, 1));
    vm.set_host_side_aux_write_protect(false).unwrap();
    vm.write_memory(aux, &[1]).unwrap();
}

#[test]
fn hidden_auxiliary_data_is_cleared() {
    let mut vm = with_aux(0x1800);
    let aux = vm.module().memory_map().aux_data_address();
    vm.write_memory(aux, &[1]).unwrap();
    vm.write_memory(aux + 0x1000, &[2]).unwrap();
    vm.set_accessible_aux_size(1).unwrap();
    check_load(&mut vm, aux, Some(1));
    check_load(&mut vm, aux + 0x1000, None);
    check_out_of_range(vm.read_memory(aux + 0x1000, 1), (aux + 0x1000, 1));
    vm.set_accessible_aux_size(0x2000).unwrap();
    check_load(&mut vm, aux + 0x1000, Some(0));
    let error = vm.set_accessible_aux_size(0x2001).unwrap_err().to_string();
    assert!(error.contains("cannot set accessible aux size: the maximum is"), "{error}");
    vm.set_accessible_aux_size(0).unwrap();
    check_load(&mut vm, aux, None);
    vm.reset_memory().unwrap();
    check_load(&mut vm, aux, Some(0));
}

#[test]
fn the_heap_grows_in_front_of_the_stack() {
    let mut vm = plain();
    assert_eq!(vm.heap_size(), 0);
    assert_eq!(vm.sbrk(0).unwrap(), Some(RW + 0x2000));
    check_store(&mut vm, RW + 0x2000, 1, false);
    assert_eq!(vm.sbrk(1).unwrap(), Some(RW + 0x2001));
    assert_eq!(vm.heap_size(), 1);
    check_store(&mut vm, RW + 0x2fff, 1, true);
    check_store(&mut vm, RW + 0x3000, 1, false);
    assert_eq!(vm.sbrk(u32::MAX).unwrap(), None);
    let most = vm.module().memory_map().max_heap_size();
    assert_eq!(vm.sbrk(most).unwrap(), None);
    assert_eq!(vm.heap_size(), 1);
    vm.write_u8(RW + 0x2fff, 2).unwrap();
    vm.reset_memory().unwrap();
    assert_eq!(vm.heap_size(), 0);
    check_store(&mut vm, RW + 0x2000, 1, false);
}

#[test]
fn memory_can_be_limited() {
    let guest = Guest { rw_data_size: 0x20000, stack_size: 0x10000, ..access(InstructionSet::Latest64) };
    let mut vm = instance(&ModuleConfig::new(), guest.blob());
    vm.set_interpreter_max_allocation_size(Some(0x4000));
    check_store(&mut vm, RW + 0x3fff, 1, true);
    check_store(&mut vm, RW + 0x4000, 1, false);
    assert!(matches!(vm.write_memory(RW + 0x4000, &[1]), Err(MemoryAccessError::MemoryLimitReached)));
    assert_eq!(vm.read_memory(RW + 0x4000, 2).unwrap(), [0, 0]);
    vm.set_interpreter_max_allocation_size(None);
    check_store(&mut vm, RW + 0x4000, 1, true);
}

#[test]
fn translations_can_be_limited_and_dropped() {
    let mut vm = plain();
    vm.set_interpreter_cache_size_limit(Some(polkavm::SetCacheSizeLimitArgs {
        max_block_size: 100,
        max_cache_size_bytes: 256 * 1024,
    }))
    .unwrap();
    check_load(&mut vm, RO, Some(1));
    vm.reset_interpreter_cache();
    check_load(&mut vm, RO + 1, Some(2));
    let too_small = polkavm::SetCacheSizeLimitArgs { max_block_size: 100, max_cache_size_bytes: 100 };
    assert!(vm.set_interpreter_cache_size_limit(Some(too_small)).is_err());
    vm.set_interpreter_cache_size_limit(None).unwrap();
    check_load(&mut vm, RO + 2, Some(3));
}
