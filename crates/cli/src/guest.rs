//! A guest ready to run: the program on an engine, with registers and memory as its container's rules want them.

use crate::failure::{Cause, Failure, Outcome};
use crate::input::{Kind, Loaded};
use pvm::{
    CodeValidation, CompileError, Engine, GasMeteringKind, GasRule, JAM_ARGUMENTS_SIZE_MAX, Module, ModuleConfig,
    ProgramBlob, ProgramCounter, RawInstance,
};
use pvm_isa::InstructionSet;

/// What a guest starts with.
pub(crate) enum Arguments {
    /// Values for the argument registers, `a0` first; at most nine.
    Registers(Vec<u64>),
    /// The argument data of a JAM invocation, at most 16 MiB.
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
/// If the program does not fit the address space or is no valid `jam_v1` code.
pub(crate) fn prepare(
    loaded: &Loaded,
    engine: &Engine,
    pc: u32,
    arguments: &Arguments,
    rule: Option<GasRule>,
    tracing: bool,
) -> Outcome<RawInstance> {
    let mut config = ModuleConfig::new();
    config
        .set_aux_data_size(aux_data_size(loaded.kind))
        .set_code_validation(CodeValidation::GrayPaper)
        .set_gas_metering(rule.as_ref().map(|_| GasMeteringKind::Sync))
        .set_gas_rule(rule)
        .set_step_tracing(tracing);
    let blob = ProgramBlob::from_program(loaded.program.clone());
    let module = Module::from_blob(engine, &config, blob).map_err(|error| refused(loaded, &error))?;
    let bug = |error: pvm::Error| Failure::new(Cause::Bug, error);
    let mut guest = module.instantiate().map_err(bug)?;
    let pc = ProgramCounter(pc);
    match arguments {
        Arguments::Registers(values) => guest.prepare_call_untyped(pc, values),
        Arguments::Data(data) => {
            guest.prepare_invocation(data).map_err(bug)?;
            guest.set_next_program_counter(pc);
        }
    }
    Ok(guest)
}

fn refused(loaded: &Loaded, error: &CompileError) -> Failure {
    let is_jam = loaded.program.set() == InstructionSet::JamV1;
    match loaded.program.code().validate() {
        Err(offset) if is_jam => Failure::input(
            &loaded.name,
            format_args!(
                "not valid jam_v1 code at offset {offset}: an unknown instruction, or a last one that does not end a block \
                 (blobs of linkers up to 0.30 need --isa gp07)"
            ),
        ),
        _ => Failure::input(&loaded.name, error),
    }
}
