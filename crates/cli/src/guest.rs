//! A guest ready to run: the program in an interpreter, with registers and memory as its container's rules want them.

use crate::failure::{Cause, Failure, Outcome};
use crate::input::{Kind, Loaded};
use pvm_gas::Rule;
use pvm_interpreter::{Image, Instance, MemoryError};
use pvm_isa::{InstructionSet, Reg};
use pvm_num::casts::{to_u32, to_u64, widen};
use pvm_num::limits::{JAM_ARGUMENTS_SIZE_MAX, PAGE_SIZE_DEFAULT, RETURN_TO_HOST};
use std::sync::Arc;

/// What a guest starts with.
pub(crate) enum Arguments {
    /// Values for the argument registers, `a0` first.
    Registers(Vec<u64>),
    /// The argument data of a JAM invocation.
    Data(Vec<u8>),
}

/// The size of the auxiliary region, which holds the argument data of standard programs.
pub(crate) const fn aux_data_size(kind: Kind) -> u32 {
    match kind {
        Kind::Spi => JAM_ARGUMENTS_SIZE_MAX,
        _ => 0,
    }
}

/// Makes a guest that will start at `pc`.
///
/// # Errors
/// If the program does not fit the address space or is no valid `jam_v1` code, or the arguments are too many.
pub(crate) fn prepare(
    loaded: &Loaded,
    pc: u32,
    arguments: &Arguments,
    rule: Option<Rule>,
    tracing: bool,
) -> Outcome<Instance> {
    let program = &loaded.program;
    let bad = |problem: String| Failure::input(&loaded.name, problem);
    if program.set() == InstructionSet::JamV1 {
        program.code().validate().map_err(|offset| {
            bad(format!(
                "not valid jam_v1 code at offset {offset}: an unknown instruction, or a last one that does not end a block \
                 (blobs of linkers up to 0.30 need --isa gp07)"
            ))
        })?;
    }
    let aux_data_size = aux_data_size(loaded.kind);
    let map = program.memory_map(PAGE_SIZE_DEFAULT, aux_data_size).map_err(|error| bad(format!("{error:#}")))?;
    let image = Image { gas: rule.map(Arc::new), step_tracing: tracing, ..Image::new(program, map.clone()) };
    let mut instance = Instance::new(Arc::new(image));
    instance.set_reg(Reg::ra, widen(RETURN_TO_HOST));
    instance.set_reg(Reg::sp, widen(map.stack_address_high()));
    match arguments {
        Arguments::Registers(values) => {
            for (reg, value) in Reg::ARGUMENTS.into_iter().zip(values) {
                instance.set_reg(reg, *value);
            }
        }
        Arguments::Data(data) => {
            place(&mut instance, map.aux_data_address(), data).map_err(|error| Failure::new(Cause::Bug, error))?;
        }
    }
    instance.set_next_program_counter(pc);
    Ok(instance)
}

/// Argument data as a JAM invocation finds it (blob.md 8.2). At most 16 MiB, which the caller has checked.
fn place(instance: &mut Instance, address: u32, data: &[u8]) -> Result<(), MemoryError> {
    instance.write_memory(address, data)?;
    instance.set_accessible_aux_size(to_u32(data.len()))?;
    instance.set_reg(Reg::a0, widen(address));
    instance.set_reg(Reg::a1, to_u64(data.len()));
    Ok(())
}
