//! Guests driven by hand: interrupts, program counters, gas, registers, calls.

use polkavm::{GasMeteringKind, InterruptKind, ModuleConfig, ProgramCounter, RETURN_TO_HOST, RawInstance, Reg};
use pvm_embedder_test::{Guest, SETS_64, add_add_ecalli_trap, instance, ret};
use pvm_isa::{Instruction, InstructionSet, Reg as R};

fn metered() -> ModuleConfig {
    let mut config = ModuleConfig::new();
    config.set_gas_metering(Some(GasMeteringKind::Sync));
    config
}

/// Runs and compares the interrupt, the program counters and the gas.
#[track_caller]
fn check_run(vm: &mut RawInstance, interrupt: InterruptKind, pc: Option<u32>, next: Option<u32>, gas: i64) {
    assert_eq!(vm.run().unwrap(), interrupt);
    let state = (vm.program_counter(), vm.next_program_counter(), vm.gas());
    assert_eq!(state, (pc.map(ProgramCounter), next.map(ProgramCounter), gas));
}

#[test]
fn an_ecalli_is_resumed_and_a_trap_is_not() {
    for set in SETS_64 {
        // ecalli 1 has one operand byte in the encoding of old, and at most as many in the new one.
        let mut vm = instance(&metered(), add_add_ecalli_trap(set));
        vm.set_gas(100);
        vm.set_next_program_counter(ProgramCounter(0));
        check_run(&mut vm, InterruptKind::Ecalli(1), Some(6), Some(8), 96);
        check_run(&mut vm, InterruptKind::Trap, Some(8), None, 96);
        assert!(vm.run().unwrap_err().to_string().contains("next program counter is not set"));
    }
}

#[test]
fn a_new_program_counter_pays_for_its_block_again() {
    let mut vm = instance(&metered(), add_add_ecalli_trap(InstructionSet::ReviveV1));
    vm.set_gas(100);
    vm.set_next_program_counter(ProgramCounter(0));
    check_run(&mut vm, InterruptKind::Ecalli(1), Some(6), Some(8), 96);
    vm.set_next_program_counter(ProgramCounter(8));
    assert_eq!((vm.program_counter(), vm.next_program_counter()), (None, Some(ProgramCounter(8))));
    check_run(&mut vm, InterruptKind::Trap, Some(8), None, 92);
}

#[test]
fn step_tracing_stops_before_the_charge() {
    let mut config = metered();
    config.set_step_tracing(true);
    let mut vm = instance(&config, add_add_ecalli_trap(InstructionSet::ReviveV1));
    vm.set_gas(100);
    vm.set_next_program_counter(ProgramCounter(0));
    check_run(&mut vm, InterruptKind::Step, Some(0), Some(0), 100);
    check_run(&mut vm, InterruptKind::Step, Some(3), Some(3), 96);
    check_run(&mut vm, InterruptKind::Step, Some(6), Some(6), 96);
    check_run(&mut vm, InterruptKind::Ecalli(1), Some(6), Some(8), 96);
    check_run(&mut vm, InterruptKind::Step, Some(8), Some(8), 96);
    check_run(&mut vm, InterruptKind::Trap, Some(8), None, 96);
}

#[test]
fn gas_can_be_added_when_it_runs_out() {
    let mut vm = instance(&metered(), add_add_ecalli_trap(InstructionSet::ReviveV1));
    vm.set_gas(3);
    vm.set_next_program_counter(ProgramCounter(0));
    for _ in 0..2 {
        check_run(&mut vm, InterruptKind::NotEnoughGas, Some(0), Some(0), 3);
    }
    vm.set_gas(4);
    check_run(&mut vm, InterruptKind::Ecalli(1), Some(6), Some(8), 0);
    vm.set_gas(-1);
    check_run(&mut vm, InterruptKind::NotEnoughGas, Some(6), Some(8), -1);
    vm.set_gas(0);
    check_run(&mut vm, InterruptKind::Trap, Some(8), None, 0);
}

#[test]
fn gas_may_run_out_where_the_host_entered_a_block() {
    let mut vm = instance(&metered(), add_add_ecalli_trap(InstructionSet::ReviveV1));
    vm.set_gas(3);
    vm.set_next_program_counter(ProgramCounter(3));
    check_run(&mut vm, InterruptKind::NotEnoughGas, None, Some(3), 3);
    vm.set_gas(5);
    check_run(&mut vm, InterruptKind::Ecalli(1), Some(6), Some(8), 1);
}

#[test]
fn memset_pays_for_every_byte() {
    let code = [Instruction::memset(), ret()];
    let mut vm = instance(&metered(), Guest { rw_data_size: 16, ..Guest::new(InstructionSet::Latest64, &code) }.blob());
    let address = vm.module().memory_map().rw_data_address();
    vm.prepare_call_typed(ProgramCounter(0), (address, 7_u32, 10_u32));
    vm.set_gas(2 + 4);
    check_run(&mut vm, InterruptKind::NotEnoughGas, Some(0), Some(0), 0);
    assert_eq!(vm.read_memory(address, 16).unwrap(), [7, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!((vm.reg(Reg::A0), vm.reg(Reg::A2)), (u64::from(address) + 4, 6));
    vm.set_gas(6);
    check_run(&mut vm, InterruptKind::Finished, None, None, 0);
    assert_eq!(vm.read_memory(address, 12).unwrap(), [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0]);
}

#[test]
fn no_gas_is_counted_without_metering() {
    let mut vm = instance(&ModuleConfig::new(), add_add_ecalli_trap(InstructionSet::ReviveV1));
    vm.set_gas(-5);
    vm.set_next_program_counter(ProgramCounter(0));
    check_run(&mut vm, InterruptKind::NotEnoughGas, None, Some(0), -5);
    vm.set_gas(0);
    check_run(&mut vm, InterruptKind::Ecalli(1), Some(6), Some(8), 0);
}

#[test]
fn a_bad_program_counter_traps_as_often_as_it_is_run() {
    let mut vm = instance(&metered(), add_add_ecalli_trap(InstructionSet::ReviveV1));
    vm.set_gas(100);
    for pc in [1, 2, 9, u32::MAX] {
        vm.set_next_program_counter(ProgramCounter(pc));
        for _ in 0..2 {
            check_run(&mut vm, InterruptKind::Trap, Some(pc), Some(pc), 100);
        }
    }
}

#[test]
fn a_call_starts_with_clean_registers_and_ends_with_its_result() {
    let code = [Instruction::add_64(R::a0, R::a0, R::a1), Instruction::load_imm(R::t2, -1), ret()];
    for set in SETS_64 {
        let mut vm = instance(&ModuleConfig::new(), Guest { stack_size: 1, ..Guest::new(set, &code) }.blob());
        vm.set_reg(Reg::S1, 5);
        vm.prepare_call_typed(ProgramCounter(0), (40_u32, -1_i32, 3_u64));
        assert_eq!(vm.reg(Reg::RA), RETURN_TO_HOST);
        assert_eq!(vm.reg(Reg::SP), vm.module().default_sp());
        assert_eq!((vm.reg(Reg::A1), vm.reg(Reg::A2), vm.reg(Reg::S1)), (u64::MAX, 3, 0));
        assert_eq!(vm.run().unwrap(), InterruptKind::Finished);
        assert_eq!((vm.program_counter(), vm.next_program_counter()), (None, None));
        assert_eq!(vm.get_result_typed::<u64>(), 39);
        assert_eq!(vm.get_result_typed::<u32>(), 39);
        assert_eq!(vm.reg(Reg::T2), u64::MAX);
        vm.clear_regs();
        assert!(Reg::ALL.iter().all(|reg| vm.reg(*reg) == 0));
    }
}

#[test]
fn nine_arguments_fill_the_argument_registers() {
    let mut vm = instance(&ModuleConfig::new(), Guest::new(InstructionSet::ReviveV1, &[ret()]).blob());
    vm.prepare_call_untyped(ProgramCounter(0), &[1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(Reg::ARG_REGS.map(|reg| vm.reg(reg)), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(Reg::ARG_REGS[6..], [Reg::T0, Reg::T1, Reg::T2]);
}

#[test]
fn registers_of_32_bits_keep_the_low_half() {
    let code = [Instruction::add_32(R::a0, R::a0, R::a1), ret()];
    let mut vm = instance(&ModuleConfig::new(), Guest::new(InstructionSet::Latest32, &code).blob());
    assert!(!vm.is_64_bit());
    vm.set_reg(Reg::S0, 0x1234_5678_9abc_def0);
    assert_eq!(vm.reg(Reg::S0), 0x9abc_def0);
    vm.prepare_call_typed(ProgramCounter(0), (-1_i32, -2_i32));
    assert_eq!(vm.reg(Reg::A0), 0xffff_ffff);
    assert_eq!(vm.run().unwrap(), InterruptKind::Finished);
    assert_eq!((vm.get_result_typed::<i32>(), vm.reg(Reg::A0)), (-3, 0xffff_fffd));
    vm.prepare_call_typed(ProgramCounter(0), (0x1_0000_0002_u64, 3_u32));
    assert_eq!((vm.reg(Reg::A0), vm.reg(Reg::A1), vm.reg(Reg::A2)), (2, 1, 3));
    assert_eq!(vm.get_result_typed::<u64>(), 0x1_0000_0002);
}
