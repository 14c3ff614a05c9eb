//! What this crate offers beyond the names it shares with polkavm.

use pvm::program::{JamNumbering, Latest64Layout, ParseOptions};
use pvm::{
    ArcBytes, CallError, Config, CostModel, Engine, FaultOrder, GasMeteringKind, GasRule, InterruptKind, Linker,
    Module, ModuleConfig, ProgramBlob, ProgramCounter, ProgramParts, RawInstance, Reg, Segfault, Trap,
};
use pvm::{MemoryAccessError, MemoryProtection};
use pvm_isa::{Instruction, InstructionSet, Reg as R};
use pvm_program::{CodeBuilder, DebugFrame, DebugLineWriter, Program, ProgramBuilder};
use std::thread;

fn code(set: InstructionSet, instructions: &[Instruction]) -> CodeBuilder {
    let mut code = CodeBuilder::new(set);
    for instruction in instructions {
        code.push(*instruction);
    }
    code
}

fn program(set: InstructionSet, instructions: &[Instruction]) -> Program {
    let mut builder = ProgramBuilder::new(&code(set, instructions).build().unwrap());
    builder.rw_data_size(0x3000).ro_data(vec![1, 2, 3]).stack_size(0x1000).export(0, b"main").import(b"import");
    builder.build().unwrap()
}

fn engine() -> Engine {
    Engine::new(Config::new().set_allow_dynamic_paging(true)).unwrap()
}

fn instance(config: &ModuleConfig, program: Program) -> RawInstance {
    let blob = ProgramBlob::from_program(program);
    Module::from_blob(&engine(), config, blob).unwrap().instantiate().unwrap()
}

#[track_caller]
fn check_trap(instructions: &[Instruction], reason: Trap) {
    let mut vm = instance(&ModuleConfig::new(), program(InstructionSet::Latest64, instructions));
    assert_eq!(vm.trap_reason(), None);
    vm.prepare_call_untyped(ProgramCounter(0), &[]);
    assert_eq!(vm.run().unwrap(), InterruptKind::Trap);
    assert_eq!(vm.trap_reason(), Some(reason));
}

#[test]
fn a_trap_says_why() {
    check_trap(&[Instruction::trap()], Trap::Instruction);
    check_trap(&[Instruction::invalid()], Trap::InvalidInstruction);
    check_trap(&[Instruction::jump(1)], Trap::JumpTarget);
    check_trap(&[Instruction::load_imm(R::a0, 6), Instruction::jump_indirect(R::a0, 0)], Trap::JumpAddress(6));
    check_trap(
        &[Instruction::load_u32(R::a0, 0x20000), Instruction::trap()],
        Trap::Memory { address: 0x20000, is_write: false },
    );
    check_trap(
        &[Instruction::store_u32(R::a0, 0x10000), Instruction::trap()],
        Trap::Memory { address: 0x10000, is_write: true },
    );
}

#[test]
fn a_reason_is_that_of_the_last_run() {
    let mut vm = instance(&ModuleConfig::new(), program(InstructionSet::Latest64, &[Instruction::ecalli(0)]));
    vm.set_next_program_counter(ProgramCounter(1));
    assert_eq!(vm.run().unwrap(), InterruptKind::Trap);
    assert_eq!(vm.trap_reason(), Some(Trap::Entry));
    vm.set_next_program_counter(ProgramCounter(0));
    assert_eq!(vm.run().unwrap(), InterruptKind::Ecalli(0));
    assert_eq!(vm.trap_reason(), None);
}

/// Stores four bytes across the border of a read-only and a missing page.
fn first_fault(set: InstructionSet, order: Option<FaultOrder>) -> Segfault {
    let mut config = ModuleConfig::new();
    config.set_dynamic_paging(true).set_fault_order(order);
    let code = [Instruction::store_u32(R::a0, 0x20ffe), Instruction::trap()];
    let mut vm = instance(&config, program(set, &code));
    vm.zero_memory_with_memory_protection(0x20000, 0x1000, MemoryProtection::Read).unwrap();
    vm.set_next_program_counter(ProgramCounter(0));
    match vm.run().unwrap() {
        InterruptKind::Segfault(segfault) => segfault,
        other => panic!("{other:?}"),
    }
}

#[test]
fn fault_orders_can_be_chosen() {
    let first = |set, order| first_fault(set, order).page_address;
    assert_eq!(first(InstructionSet::Latest64, None), 0x21000);
    assert_eq!(first(InstructionSet::JamV1, None), 0x20000);
    assert_eq!(first(InstructionSet::Latest64, Some(FaultOrder::FirstPage)), 0x20000);
    assert_eq!(first(InstructionSet::JamV1, Some(FaultOrder::MissingPageFirst)), 0x21000);
}

#[test]
fn pages_are_protected_and_freed() {
    let mut config = ModuleConfig::new();
    config.set_dynamic_paging(true);
    let mut vm = instance(&config, program(InstructionSet::Latest64, &[Instruction::trap()]));
    vm.zero_memory_with_memory_protection(0x10000, 0x2000, MemoryProtection::ReadWrite).unwrap();
    let missing = vm.protect_memory(0x11000, 0x2000);
    assert!(matches!(missing, Err(MemoryAccessError::OutOfRangeAccess { address: 0x11000, length: 0x2000 })));
    vm.protect_memory(0x11000, 0x1000).unwrap();
    assert!(vm.write_u8(0x11000, 1).is_err());
    vm.write_u8(0x10000, 1).unwrap();
    vm.free_pages(0x10000, 1).unwrap();
    assert!(!vm.is_memory_accessible(0x10000, 1, MemoryProtection::Read));
    assert!(vm.is_memory_accessible(0x11000, 0x1000, MemoryProtection::Read));
    assert!(vm.free_pages(0x10800, 1).unwrap_err().to_string().contains("page size"));
    assert!(vm.sbrk(0).is_err());
    assert!(vm.set_accessible_aux_size(0).is_err());
    assert_eq!(vm.heap_size(), 0);
}

#[test]
fn a_store_to_constants_ends_a_call() {
    let mut config = ModuleConfig::new();
    config.set_dynamic_paging(true);
    let code = [Instruction::load_u32(R::a0, 0x10000), Instruction::store_u32(R::a0, 0x10000), Instruction::trap()];
    let blob = ProgramBlob::from_program(program(InstructionSet::Latest64, &code));
    let module = Module::from_blob(&engine(), &config, blob).unwrap();
    let mut vm = Linker::<()>::new().instantiate_pre(&module).unwrap().instantiate().unwrap();
    assert!(matches!(vm.call_typed(&mut (), "main", ()), Err(CallError::Trap)));
    assert_eq!(vm.reg(Reg::A0), 0x0003_0201);
}

#[test]
fn any_gas_rule_can_be_chosen() {
    let cost = |rule: GasRule| {
        let mut config = ModuleConfig::new();
        config.set_gas_metering(Some(GasMeteringKind::Sync)).set_gas_rule(Some(rule));
        let code = [Instruction::load_u32(R::a0, 0x30000), Instruction::trap()];
        let mut vm = instance(&config, program(InstructionSet::JamV1, &code));
        vm.set_gas(1000);
        vm.set_next_program_counter(ProgramCounter(0));
        assert_eq!(vm.run().unwrap(), InterruptKind::Trap);
        let charged = 1000 - vm.gas();
        assert_eq!(vm.module().calculate_gas_cost_for(ProgramCounter(0)), Some(charged));
        charged
    };
    assert_eq!(cost(GasRule::Simple), 2);
    assert_eq!(cost(GasRule::PerInstruction), 2);
    assert_eq!(cost("full".parse().unwrap()), cost("full-2025-11".parse().unwrap()));
    assert!(cost("full-l1-hit".parse().unwrap()) < cost("full-l3-hit".parse().unwrap()));
}

#[test]
fn instructions_can_be_charged_one_by_one() {
    let mut config = ModuleConfig::new();
    config.set_gas_metering(Some(GasMeteringKind::Sync)).set_per_instruction_metering(true);
    let code = [Instruction::load_imm(R::a0, 1), Instruction::load_imm(R::a0, 2), Instruction::trap()];
    let mut vm = instance(&config, program(InstructionSet::Latest64, &code));
    vm.set_gas(1);
    vm.set_next_program_counter(ProgramCounter(0));
    assert_eq!(vm.run().unwrap(), InterruptKind::NotEnoughGas);
    assert_eq!((vm.reg(Reg::A0), vm.gas()), (1, 0));
    config.set_cost_model(Some(pvm::CostModelKind::Full(pvm::CacheModel::L2Hit)));
    let blob = ProgramBlob::from_program(program(InstructionSet::Latest64, &code));
    let error = Module::from_blob(&engine(), &config, blob).err().unwrap().to_string();
    assert!(error.contains("per instruction metering"), "{error}");
}

#[test]
fn cost_tables_are_written_and_read() {
    let mut table = CostModel::naive();
    table.add_64 = 10;
    assert_eq!(CostModel::deserialize(&table.serialize()), Some(table));
    assert_eq!(CostModel::deserialize(&[2, 0, 0, 0]), None);
}

#[test]
fn both_encodings_of_latest64_are_told_apart() {
    let code = [Instruction::add_64(R::a0, R::a0, R::a1), Instruction::jump_indirect(R::ra, 0)];
    for set in [InstructionSet::Latest64, InstructionSet::Latest64Bitmask] {
        let bytes = ArcBytes::from(program(set, &code).to_blob().unwrap());
        let blob = ProgramBlob::parse(bytes.clone()).unwrap();
        assert_eq!(blob.instruction_set(), set);
        let parts = ProgramParts::from_bytes(bytes.clone()).unwrap();
        assert_eq!(ProgramBlob::from_parts(parts).unwrap().instruction_set(), set);
        let mut vm = Module::from_blob(&engine(), &ModuleConfig::new(), blob).unwrap().instantiate().unwrap();
        vm.prepare_call_typed(ProgramCounter(0), (20_u64, 22_u64));
        assert_eq!(vm.run().unwrap(), InterruptKind::Finished);
        assert_eq!(vm.get_result_typed::<u64>(), 42);

        let options = ParseOptions { latest64_layout: Latest64Layout::MacroBlock, ..ParseOptions::default() };
        let told = ProgramBlob::parse_with(bytes, &options).unwrap();
        assert_eq!(told.instruction_set(), InstructionSet::Latest64);
    }
}

#[test]
fn standard_programs_are_loaded() {
    let code = [Instruction::load_u8(R::a0, 0x10001), Instruction::jump_indirect(R::ra, 0)];
    let spi = program(InstructionSet::JamV1, &code).to_spi().unwrap();
    let parts = ProgramParts::from_spi(spi.clone().into(), &ParseOptions::default()).unwrap();
    let mut vm = instance(&ModuleConfig::new(), ProgramBlob::from_parts(parts).unwrap().program().clone());
    vm.prepare_call_untyped(ProgramCounter(0), &[]);
    assert_eq!(vm.run().unwrap(), InterruptKind::Finished);
    assert_eq!(vm.reg(Reg::A0), 2);
    let old = ParseOptions { jam_numbering: JamNumbering::Gp07, ..ParseOptions::default() };
    let blob = ProgramBlob::from_parts(ProgramParts::from_spi(spi.into(), &old).unwrap()).unwrap();
    assert_eq!(blob.instruction_set(), InstructionSet::Gp07);
}

#[test]
fn strict_mode_refuses_double_exports() {
    let mut builder = ProgramBuilder::new(&code(InstructionSet::Latest64, &[Instruction::trap()]).build().unwrap());
    builder.export(0, b"twice").export(0, b"twice");
    let blob = ProgramBlob::from_program(builder.build().unwrap());
    let module = Module::from_blob(&engine(), ModuleConfig::new().set_strict(true), blob).unwrap();
    let error = Linker::<()>::new().instantiate_pre(&module).err().unwrap().to_string();
    assert_eq!(error, "duplicate export: 'twice'");
}

#[test]
fn arguments_of_host_functions_fit_the_registers() {
    let blob = ProgramBlob::from_program(program(InstructionSet::Latest32, &[Instruction::trap()]));
    let module = Module::from_blob(&engine(), &ModuleConfig::new(), blob).unwrap();
    let mut linker = Linker::<()>::new();
    linker.define_typed("import", |_: u64, _: u64, _: u64, _: u64, _: u64| {}).unwrap();
    let error = linker.instantiate_pre(&module).err().unwrap().to_string();
    assert_eq!(error, "the arguments of host function 'import' take 10 registers; there are 9");
}

#[test]
fn code_knows_its_source() {
    let layout =
        code(InstructionSet::Latest64, &[Instruction::load_imm(R::a0, 1), Instruction::trap()]).build().unwrap();
    let frame = DebugFrame {
        kind: pvm::debug_info::FrameKind::Line,
        namespace: "guest",
        function: "main",
        path: "src/main.rs",
        line: 7,
        column: 3,
    };
    let mut lines = DebugLineWriter::new();
    lines.push(0..2, &[frame]).unwrap();
    let mut builder = ProgramBuilder::new(&layout);
    builder.debug(lines.finish().unwrap());
    let blob = ProgramBlob::from_program(builder.build().unwrap());
    let module = Module::from_blob(&engine(), &ModuleConfig::new(), blob).unwrap();
    let frames = module.get_debug_location(ProgramCounter(1)).unwrap();
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].full_name().unwrap().to_string(), "guest::main");
    assert_eq!(frames[0].location().unwrap().unwrap().to_string(), "src/main.rs:7:3");
    assert!(module.get_debug_location(ProgramCounter(2)).unwrap().is_empty());
    let mut line_program = module.get_debug_line_program_at(ProgramCounter(0)).unwrap().unwrap();
    let region = line_program.run().unwrap().unwrap();
    assert_eq!(region.instruction_range(), ProgramCounter(0)..ProgramCounter(2));
    assert_eq!(module.blob().get_frame_info_for(ProgramCounter(0), Some(0)).count(), 0);
    assert_eq!(module.blob().get_frame_info_for(ProgramCounter(0), None).count(), 1);
}

#[test]
fn threads_share_an_engine() {
    let engine = Engine::new(Config::new().set_lru_cache_size(1)).unwrap();
    let code = [Instruction::add_64(R::a0, R::a0, R::a1), Instruction::jump_indirect(R::ra, 0)];
    let blob = ProgramBlob::from_program(program(InstructionSet::Latest64, &code));
    thread::scope(|scope| {
        for number in 0..8_u64 {
            let (engine, blob) = (engine.clone(), blob.clone());
            scope.spawn(move || {
                for round in 0..50 {
                    let module = Module::from_blob(&engine, &ModuleConfig::new(), blob.clone()).unwrap();
                    let mut vm = module.instantiate().unwrap();
                    vm.prepare_call_typed(ProgramCounter(0), (number, round));
                    assert_eq!(vm.run().unwrap(), InterruptKind::Finished);
                    assert_eq!(vm.get_result_typed::<u64>(), number + round);
                }
            });
        }
    });
    assert!(Module::from_cache(&engine, &ModuleConfig::new(), &blob).is_some());
}
