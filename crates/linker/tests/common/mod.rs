//! Runs a linked program in the interpreter, with the host's side of the calling convention.
#![allow(dead_code, reason = "every test file uses its own part")]

use pvm_interpreter::{Exit, Image, Instance, MemoryImage, Paging};
use pvm_isa::Reg;
use pvm_num::limits::{PAGE_SIZE_DEFAULT, RETURN_TO_HOST};
use pvm_program::{Program, ProgramParts, Varints};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Calls an export and returns `a0`, or how else the run ended. Imports are answered by `host`, which gets the number of
/// the call and the instance.
pub(crate) fn call(
    parts: &ProgramParts,
    export: &str,
    arguments: &[u64],
    mut host: impl FnMut(u32, &mut Instance),
) -> Result<u64, Exit> {
    let program = Program::from_parts(parts.clone(), Varints::Strict).unwrap();
    let map = program.memory_map(PAGE_SIZE_DEFAULT, 0).unwrap();
    let image = Image {
        set: program.set(),
        code: program.code_bytes().clone(),
        bitmask: program.bitmask_bytes().clone(),
        jump_table: program.jump_table_bytes().clone(),
        jump_table_entry_size: program.jump_table_entry_size(),
        memory: MemoryImage {
            map: map.clone(),
            ro_data: program.parts().ro_data.clone(),
            rw_data: program.parts().rw_data.clone(),
            aux_accessible: 0,
        },
        paging: Paging::Static,
        gas: Some(Arc::new(pvm_gas::Rule::Simple)),
        step_tracing: false,
    };
    let mut instance = Instance::new(Arc::new(image));
    instance.set_gas(1_000_000_000);
    let entry = program.exports().find(|item| item.symbol == export.as_bytes());
    let entry = entry.unwrap_or_else(|| panic!("the program exports no `{export}`"));
    instance.set_reg(Reg::sp, u64::from(map.stack_address_high()));
    instance.set_reg(Reg::ra, u64::from(RETURN_TO_HOST));
    for (reg, value) in Reg::ARGUMENTS.into_iter().zip(arguments) {
        instance.set_reg(reg, *value);
    }
    instance.set_next_program_counter(entry.offset);
    loop {
        match instance.run().expect("a program counter is set") {
            Exit::Finished => return Ok(instance.reg(Reg::a0)),
            Exit::Ecalli(number) => host(number, &mut instance),
            other => return Err(other),
        }
    }
}

/// A host that knows no calls.
pub(crate) fn no_host(number: u32, _: &mut Instance) {
    panic!("unexpected host call {number}");
}

/// A file or folder of the repository.
pub(crate) fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}
