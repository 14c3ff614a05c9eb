//! What the compiler fuses, entered in the middle: the host executes the rest as the guest would.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use pvm::{BackendKind, Config, Engine, InterruptKind, Module, ModuleConfig, ProgramBlob, ProgramCounter, Reg};
use pvm_isa::{Instruction as I, InstructionSet, Reg as R};
use pvm_program::{CodeBuilder, ProgramBuilder};

fn blob(code: &[I]) -> ProgramBlob {
    let mut builder = CodeBuilder::new(InstructionSet::Latest64);
    for instruction in code {
        builder.push(*instruction);
    }
    let mut program = ProgramBuilder::new(&builder.build().unwrap());
    program.export(0, b"main");
    ProgramBlob::from_program(program.build().unwrap())
}

fn offset_of(code: &[I], number: usize) -> u32 {
    blob(code).program().code().iter().nth(number).unwrap().offset
}

/// Runs both engines from the instruction with this number: how and at which code offset they ended, and what `a0` is.
fn run(code: &[I], entry: usize, regs: &[(Reg, u64)]) -> (InterruptKind, u32, u64) {
    let blob = blob(code);
    let offset = offset_of(code, entry);
    let mut config = ModuleConfig::new();
    config.set_gas_metering(Some(pvm::GasMeteringKind::Sync));
    config.set_aux_data_size(4096);
    let ends = [BackendKind::Interpreter, BackendKind::Compiler].map(|backend| {
        let mut engine = Config::new();
        engine.set_backend(Some(backend));
        let module = Module::from_blob(&Engine::new(&engine).unwrap(), &config, blob.clone()).unwrap();
        let mut instance = module.instantiate().unwrap();
        instance.set_gas(1000);
        for (reg, value) in regs {
            instance.set_reg(*reg, *value);
        }
        instance.set_next_program_counter(ProgramCounter(offset));
        let exit = instance.run().unwrap();
        let pc = instance.last_program_counter().expect("it ran");
        (exit, pc.0, instance.reg(Reg::A0))
    });
    let [interpreted, compiled] = ends;
    assert_eq!(interpreted, compiled);
    compiled
}

#[test]
fn a_store_to_what_only_the_host_may_write_traps() {
    // The store is entered while `t0` may still have to be computed; auxiliary data starts a zone below the top.
    let aux = 0xfffe_0000_u32.cast_signed();
    let code = [
        I::add_64(R::t0, R::a1, R::a2),
        I::store_indirect_u8(R::a0, R::t0, 0),
        I::store_imm_u64(aux, 7),
        I::move_reg(R::t0, R::a0),
        I::trap(),
    ];
    let (exit, pc, _) = run(&code, 2, &[]);
    assert_eq!((exit, pc), (InterruptKind::Trap, offset_of(&code, 2)));
}

#[test]
fn an_operand_of_its_own_is_taken() {
    // Entered behind the sum, whose register holds something else.
    let code = [
        I::add_64(R::a0, R::a1, R::a2),
        I::add_imm_64(R::a0, R::a0, 5),
        I::add_imm_64(R::a0, R::a0, 6),
        I::jump_indirect(R::ra, 0),
    ];
    let regs = [(Reg::A0, 100), (Reg::A1, 1), (Reg::A2, 2), (Reg::RA, 0xffff_0000)];
    assert_eq!(run(&code, 0, &regs).2, 14);
    assert_eq!(run(&code, 1, &regs).2, 111);
    assert_eq!(run(&code, 2, &regs).2, 106);
    assert_eq!(run(&code, 3, &regs).2, 100);
}

#[test]
fn an_update_of_memory_is_entered_anywhere() {
    // Auxiliary data the guest may only read.
    let aux = 0xfffe_0000_u32.cast_signed();
    let code = [
        I::load_indirect_u64(R::t0, R::a1, aux),
        I::add_64(R::t0, R::t0, R::a0),
        I::store_indirect_u64(R::t0, R::a1, aux),
        I::load_imm(R::t0, 0),
        I::trap(),
    ];
    for entry in 0..3 {
        let (exit, pc, _) = run(&code, entry, &[(Reg::A0, 5)]);
        assert_eq!((exit, pc), (InterruptKind::Trap, offset_of(&code, 2)));
    }
    let (exit, pc, _) = run(&code, 0, &[(Reg::A1, 1 << 16)]);
    assert_eq!((exit, pc), (InterruptKind::Trap, 0));
    let (exit, pc, _) = run(&code, 3, &[]);
    assert_eq!((exit, pc), (InterruptKind::Trap, offset_of(&code, 4)));
}
