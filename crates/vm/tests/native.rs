//! Compiled modules: what they tell of their machine code.

use pvm::{BackendKind, Config, CpuFeatures, Engine, Isolation, Module, ModuleConfig, ProgramBlob, Reg};
use pvm_isa::{Instruction, InstructionSet, Reg as R};
use pvm_program::{CodeBuilder, ProgramBuilder};

fn blob(instructions: &[Instruction]) -> ProgramBlob {
    let mut code = CodeBuilder::new(InstructionSet::Latest64);
    for instruction in instructions {
        code.push(*instruction);
    }
    let mut program = ProgramBuilder::new(&code.build().unwrap());
    program.export(0, b"main");
    ProgramBlob::from_program(program.build().unwrap())
}

fn module(backend: BackendKind, features: CpuFeatures, instructions: &[Instruction]) -> Module {
    let mut config = Config::new();
    config.set_backend(Some(backend)).set_cpu_features(features);
    Module::from_blob(&Engine::new(&config).unwrap(), &ModuleConfig::new(), blob(instructions)).unwrap()
}

/// Counts bits, which takes one instruction of a new processor and many of an old one.
const COUNT: [Instruction; 3] = [
    Instruction::count_set_bits_64(R::a0, R::a0),
    Instruction::add_imm_64(R::a0, R::a0, 1),
    Instruction::jump_indirect(R::ra, 0),
];

fn run(module: &Module) -> u64 {
    let mut guest = module.instantiate().unwrap();
    guest.prepare_call_untyped(pvm::ProgramCounter(0), &[0xf0f0_f0f0_f0f0_f0f1]);
    assert_eq!(guest.run().unwrap(), pvm::InterruptKind::Finished);
    guest.reg(Reg::A0)
}

#[test]
fn every_instruction_has_its_place_in_the_machine_code() {
    let interpreted = module(BackendKind::Interpreter, CpuFeatures::Host, &COUNT);
    assert_eq!(interpreted.isolation(), Isolation::Interpreted);
    assert!(interpreted.machine_code().is_none() && interpreted.machine_code_origin().is_none());
    assert!(
        interpreted.program_counter_to_machine_code_offset().is_none() && interpreted.machine_code_extent().is_none()
    );
    if !BackendKind::Compiler.is_supported() {
        return;
    }
    let compiled = module(BackendKind::Compiler, CpuFeatures::Host, &COUNT);
    assert_eq!((compiled.isolation(), compiled.interpreted_because()), (Isolation::InProcess, None));
    let (code, map) = (compiled.machine_code().unwrap(), compiled.program_counter_to_machine_code_offset().unwrap());
    let instructions: Vec<_> = compiled.instructions().map(|instruction| instruction.offset).collect();
    assert_eq!(map.iter().map(|(pc, _)| *pc).collect::<Vec<_>>(), instructions);
    let (guest, end) = compiled.machine_code_extent().unwrap();
    assert!(map.iter().all(|(_, offset)| guest.contains(offset)));
    assert!(guest.end <= end && usize::try_from(end).unwrap() <= code.len());
    let mut guest = compiled.instantiate().unwrap();
    for (pc, offset) in map {
        guest.set_next_program_counter(*pc);
        let native = u64::try_from(guest.next_native_program_counter().unwrap()).unwrap();
        assert_eq!(native, compiled.machine_code_origin().unwrap() + u64::from(*offset));
    }
}

#[test]
fn baseline_code_is_other_code_and_does_the_same() {
    if !BackendKind::Compiler.is_supported() {
        return;
    }
    let modules = [CpuFeatures::Host, CpuFeatures::Baseline].map(|it| module(BackendKind::Compiler, it, &COUNT));
    assert_eq!(modules.each_ref().map(run), [34, 34]);
    if std::arch::is_x86_feature_detected!("popcnt") {
        assert_ne!(modules[0].machine_code(), modules[1].machine_code());
    }
}
