//! Guests for an embedder's tests, assembled by hand, and the engine they run on.
//!
//! Everything in this package that touches `polkavm` is written as against release 0.37. It is compiled against `pvm` here,
//! and against the real crate under `oracle/embedder`: what passes with one has to pass with the other.

use polkavm::{BackendKind, Config, Engine, Module, ModuleConfig, ProgramBlob, RawInstance};
use pvm_isa::{Instruction, InstructionSet, Reg};
use pvm_program::{CodeBuilder, ProgramBuilder};

/// The instruction sets whose blobs do not depend on the release.
pub const SETS_64: [InstructionSet; 3] = [InstructionSet::ReviveV1, InstructionSet::JamV1, InstructionSet::Latest64];

/// An interpreting engine that allows dynamic paging.
pub fn engine() -> Engine {
    let mut config = Config::new();
    config.set_backend(Some(BackendKind::Interpreter));
    config.set_allow_dynamic_paging(true);
    Engine::new(&config).expect("the interpreter is always there")
}

/// A module of these bytes.
pub fn module(config: &ModuleConfig, blob: Vec<u8>) -> Module {
    let blob = ProgramBlob::parse(blob.into()).expect("the test's program is well-formed");
    Module::from_blob(&engine(), config, blob).expect("the test's program suits its configuration")
}

/// An instance of these bytes.
pub fn instance(config: &ModuleConfig, blob: Vec<u8>) -> RawInstance {
    module(config, blob).instantiate().expect("a module can be instantiated")
}

/// Code, and what a blob has besides.
#[derive(Clone, Debug)]
pub struct Guest {
    /// Instructions; each label is an index.
    pub code: CodeBuilder,
    /// Names of imports.
    pub imports: Vec<&'static str>,
    /// Names of exports and their labels.
    pub exports: Vec<(&'static str, u32)>,
    /// Initial read-only data.
    pub ro_data: Vec<u8>,
    /// Initial read-write data.
    pub rw_data: Vec<u8>,
    /// Size of the read-write region.
    pub rw_data_size: u32,
    /// Size of the stack.
    pub stack_size: u32,
}

impl Guest {
    /// Of these instructions alone.
    pub fn new(set: InstructionSet, instructions: &[Instruction]) -> Self {
        let mut code = CodeBuilder::new(set);
        for instruction in instructions {
            code.push(*instruction);
        }
        Guest {
            code,
            imports: Vec::new(),
            exports: vec![("main", 0)],
            ro_data: Vec::new(),
            rw_data: Vec::new(),
            rw_data_size: 0,
            stack_size: 0,
        }
    }

    /// The blob.
    pub fn blob(&self) -> Vec<u8> {
        let layout = self.code.build().expect("the test's code fits");
        let mut program = ProgramBuilder::new(&layout);
        program.ro_data(self.ro_data.clone()).rw_data(self.rw_data.clone());
        program.rw_data_size(self.rw_data_size).stack_size(self.stack_size);
        for import in &self.imports {
            program.import(import.as_bytes());
        }
        for (name, label) in &self.exports {
            let label = usize::try_from(*label).expect("labels are small");
            program.export(layout.offsets[label], name.as_bytes());
        }
        let program = program.build().expect("the test's program is well-formed");
        program.to_blob().expect("the test's program fits a blob")
    }
}

/// The return to the caller.
pub fn ret() -> Instruction {
    Instruction::jump_indirect(Reg::ra, 0)
}

/// `add, add, ecalli 1, trap`: at offsets 0, 3, 6 and 8 in sets with a bitmask.
pub fn add_add_ecalli_trap(set: InstructionSet) -> Vec<u8> {
    let code = [
        Instruction::add_64(Reg::a0, Reg::a0, Reg::a1),
        Instruction::add_64(Reg::a0, Reg::a0, Reg::a1),
        Instruction::ecalli(1),
        Instruction::trap(),
    ];
    Guest { imports: vec!["zero", "one"], ..Guest::new(set, &code) }.blob()
}
