//! Runs a linked program in the interpreter, with the host's side of the calling convention.
#![allow(dead_code, reason = "every test file uses its own part")]

use pvm_interpreter::{Exit, Image, Instance};
use pvm_isa::Reg;
use pvm_num::limits::{PAGE_SIZE_DEFAULT, RETURN_TO_HOST};
use pvm_program::{Program, ProgramParts, Varints};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) mod elf;
pub(crate) mod riscv;

/// A linked program, ready to run.
pub(crate) struct Guest {
    pub(crate) instance: Instance,
    exports: BTreeMap<Vec<u8>, u32>,
}

/// Loads a program with empty registers.
pub(crate) fn guest(parts: &ProgramParts) -> Guest {
    let program = Program::from_parts(parts.clone(), Varints::Strict).unwrap();
    let map = program.memory_map(PAGE_SIZE_DEFAULT, 0).unwrap();
    let image = Image { gas: Some(Arc::new(pvm_gas::Rule::Simple)), ..Image::new(&program, map) };
    let exports = program.exports().map(|export| (export.symbol.to_vec(), export.offset)).collect();
    Guest { instance: Instance::new(Arc::new(image)), exports }
}

impl Guest {
    /// Runs an export with registers and memory as they are, until it returns, calls the host or fails.
    pub(crate) fn run(&mut self, export: &str) -> Result<(), Exit> {
        let entry = self.exports.get(export.as_bytes());
        let entry = *entry.unwrap_or_else(|| panic!("the program exports no `{export}`"));
        self.instance.set_gas(1_000_000_000);
        self.instance.set_next_program_counter(entry);
        match self.instance.run().expect("a program counter is set") {
            Exit::Finished => Ok(()),
            other => Err(other),
        }
    }

    /// Calls an export with arguments and returns `a0`, or how else the run ended. Calls of the host are answered by
    /// `host`, which gets their number and the instance.
    pub(crate) fn call(
        &mut self,
        export: &str,
        arguments: &[u64],
        mut host: impl FnMut(u32, &mut Instance),
    ) -> Result<u64, Exit> {
        let sp = self.instance.image().memory.map.stack_address_high();
        self.instance.set_reg(Reg::sp, u64::from(sp));
        self.instance.set_reg(Reg::ra, u64::from(RETURN_TO_HOST));
        for (reg, value) in Reg::ARGUMENTS.into_iter().zip(arguments) {
            self.instance.set_reg(reg, *value);
        }
        let mut exit = self.run(export);
        while let Err(Exit::Ecalli(number)) = exit {
            host(number, &mut self.instance);
            exit = match self.instance.run().expect("a host call can be resumed") {
                Exit::Finished => Ok(()),
                other => Err(other),
            };
        }
        exit.map(|()| self.instance.reg(Reg::a0))
    }
}

/// Calls an export of a program.
pub(crate) fn call(
    parts: &ProgramParts,
    export: &str,
    arguments: &[u64],
    host: impl FnMut(u32, &mut Instance),
) -> Result<u64, Exit> {
    guest(parts).call(export, arguments, host)
}

/// A host that knows no calls.
pub(crate) fn no_host(number: u32, _: &mut Instance) {
    panic!("unexpected host call {number}");
}

/// A file or folder of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}
