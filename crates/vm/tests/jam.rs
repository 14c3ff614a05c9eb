//! The Gray Paper's containers, code rule and invocations, and what drivers of tests look at.

use pvm::program::{InstructionSetKind, JamNumbering};
use pvm::{
    CodeValidation, CompileError, Config, Engine, GasRule, InterruptKind, JAM_ARGUMENTS_SIZE_MAX, MemoryAccessError,
    Module, ModuleConfig, ProgramBlob, ProgramCounter, RawInstance, Reg,
};
use pvm_isa::{Instruction, InstructionSet, Reg as R};
use pvm_program::{CodeBuilder, Program, ProgramBuilder};

fn program(set: InstructionSet, instructions: &[Instruction]) -> Program {
    let mut code = CodeBuilder::new(set);
    for instruction in instructions {
        code.push(*instruction);
    }
    ProgramBuilder::new(&code.build().unwrap()).ro_data(vec![1, 2, 3]).build().unwrap()
}

fn module(config: &ModuleConfig, blob: ProgramBlob) -> Result<Module, CompileError> {
    let engine = Engine::new(Config::new().set_allow_dynamic_paging(true)).unwrap();
    Module::from_blob(&engine, config, blob)
}

fn instance(config: &ModuleConfig, blob: ProgramBlob) -> RawInstance {
    module(config, blob).unwrap().instantiate().unwrap()
}

/// `a0 = u8 [a0 + 2], ret`: the third byte of the arguments.
fn service() -> ProgramBlob {
    let code = [Instruction::load_indirect_u8(R::a0, R::a0, 2), Instruction::jump_indirect(R::ra, 0)];
    let spi = program(InstructionSet::JamV1, &code).to_spi().unwrap();
    ProgramBlob::parse_spi(spi.into(), InstructionSetKind::JamV1, JamNumbering::Gp08).unwrap()
}

#[test]
fn an_invocation_finds_its_arguments() {
    let mut config = ModuleConfig::new();
    config.set_aux_data_size(JAM_ARGUMENTS_SIZE_MAX);
    let mut vm = instance(&config, service());
    vm.set_reg(Reg::T0, 1);
    vm.prepare_invocation(&[7, 8, 9]).unwrap();
    vm.set_next_program_counter(ProgramCounter(0));
    assert_eq!([vm.reg(Reg::T0), vm.reg(Reg::RA), vm.reg(Reg::A0), vm.reg(Reg::A1)], [0, 0xffff_0000, 0xfeff_0000, 3]);
    assert_eq!(vm.reg(Reg::SP), vm.module().default_sp());
    assert_eq!(vm.run().unwrap(), InterruptKind::Finished);
    assert_eq!(vm.reg(Reg::A0), 9);

    // Fewer arguments: nothing is left of the former ones, and the guest sees one page, then none.
    vm.prepare_invocation(&[5]).unwrap();
    assert_eq!(vm.read_memory(0xfeff_0000, 0x1000).unwrap(), [&[5][..], &[0; 0xfff]].concat());
    assert!(vm.read_memory(0xfeff_1000, 1).is_err());
    vm.prepare_invocation(&[]).unwrap();
    assert!(vm.read_memory(0xfeff_0000, 1).is_err());
}

#[test]
fn arguments_fit_the_auxiliary_region() {
    let mut config = ModuleConfig::new();
    config.set_aux_data_size(0x1000);
    let mut vm = instance(&config, service());
    vm.prepare_invocation(&[0; 0x1000]).unwrap();
    let error = vm.prepare_invocation(&[0; 0x1001]).unwrap_err().to_string();
    assert_eq!(error, "4097 bytes of arguments do not fit the auxiliary region of 4096 bytes");
    let mut paged = instance(ModuleConfig::new().set_dynamic_paging(true), service());
    assert!(paged.prepare_invocation(&[]).is_err());
}

#[test]
fn code_may_end_with_a_branch_where_the_gray_paper_rules() {
    let branch = [Instruction::branch_eq_imm(R::a0, 1, 0)];
    let unknown = [Instruction::invalid(), Instruction::trap()];
    let refused = |code: &[Instruction], validation| {
        let blob = ProgramBlob::from_program(program(InstructionSet::JamV1, code));
        let mut config = ModuleConfig::new();
        match module(config.set_code_validation(validation), blob) {
            Ok(_) => None,
            Err(error) => Some(error.to_string()),
        }
    };
    let end = "module validation failed: validation failed at offset 3".to_owned();
    let start = "module validation failed: validation failed at offset 0".to_owned();
    assert_eq!(refused(&branch, CodeValidation::Polkavm), Some(end));
    assert_eq!(refused(&branch, CodeValidation::GrayPaper), None);
    assert_eq!(refused(&unknown, CodeValidation::GrayPaper), Some(start));
    assert_eq!(refused(&unknown, CodeValidation::Off), None);
}

#[test]
fn generic_programs_are_loaded_in_any_numbering() {
    // isa.md 10 does not judge the code of a generic program that is not jam_v1.
    let generic =
        program(InstructionSet::ReviveV1, &[Instruction::trap(), Instruction::ecalli(5)]).to_generic().to_vec();
    for (isa, numbering, set) in [
        (InstructionSetKind::JamV1, JamNumbering::Gp08, InstructionSet::JamV1),
        (InstructionSetKind::JamV1, JamNumbering::Gp07, InstructionSet::Gp07),
        (InstructionSetKind::ReviveV1, JamNumbering::Gp08, InstructionSet::ReviveV1),
        (InstructionSetKind::Latest32, JamNumbering::Gp08, InstructionSet::Latest32),
        (InstructionSetKind::Latest64, JamNumbering::Gp08, InstructionSet::Latest64Bitmask),
    ] {
        let blob = ProgramBlob::parse_generic(generic.clone().into(), isa, numbering).unwrap();
        assert_eq!(blob.instruction_set(), set);
        assert_eq!(blob.ro_data_size(), 0);
    }
    let short = ProgramBlob::parse_generic(vec![0].into(), InstructionSetKind::JamV1, JamNumbering::Gp08);
    assert!(short.is_err());
}

#[test]
fn blocks_have_prices() {
    let code = [Instruction::ecalli(0), Instruction::fallthrough(), Instruction::trap()];
    let blob = ProgramBlob::from_program(program(InstructionSet::JamV1, &code));
    let mut config = ModuleConfig::new();
    let simple = module(config.set_gas_rule(Some(GasRule::Simple)), blob.clone()).unwrap();
    assert_eq!(simple.block_costs().collect::<Vec<_>>(), [(ProgramCounter(0), 2), (ProgramCounter(2), 1)]);
    let full = module(config.set_gas_rule(Some("full".parse().unwrap())), blob).unwrap();
    for (offset, cost) in full.block_costs() {
        assert_eq!(full.calculate_gas_cost_for(offset), Some(cost.into()));
    }
}

#[test]
fn the_last_instruction_is_known_whatever_stopped_it() {
    let code = [Instruction::ecalli(0), Instruction::jump_indirect(R::ra, 0)];
    let mut vm = instance(&ModuleConfig::new(), ProgramBlob::from_program(program(InstructionSet::ReviveV1, &code)));
    assert_eq!(vm.last_program_counter(), None);
    vm.prepare_call_untyped(ProgramCounter(0), &[]);
    assert_eq!(vm.run().unwrap(), InterruptKind::Ecalli(0));
    assert_eq!(vm.last_program_counter(), Some(ProgramCounter(0)));
    assert_eq!(vm.run().unwrap(), InterruptKind::Finished);
    assert_eq!(vm.program_counter(), None);
    assert_eq!(vm.last_program_counter(), Some(ProgramCounter(1)));
}

#[test]
fn constants_can_be_written_by_force() {
    let code = [Instruction::trap()];
    let mut vm = instance(&ModuleConfig::new(), ProgramBlob::from_program(program(InstructionSet::ReviveV1, &code)));
    assert!(vm.write_memory(0x10001, &[9]).is_err());
    vm.write_memory_forced(0x10001, &[9]).unwrap();
    assert_eq!(vm.read_memory(0x10000, 3).unwrap(), [1, 9, 3]);
    let beyond = vm.write_memory_forced(0x10fff, &[9, 9]);
    assert!(matches!(beyond, Err(MemoryAccessError::OutOfRangeAccess { address: 0x10fff, length: 2 })));
    assert_eq!(vm.read_u8(0x10fff).unwrap(), 0);
}
