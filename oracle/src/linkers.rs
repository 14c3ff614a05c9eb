//! Both linkers behind the same signature.

/// What to link for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// `latest64` in the encoding of 0.37, or `latest32`, by the file's width.
    Latest,
    /// `revive_v1`.
    ReviveV1,
    /// `jam_v1`.
    JamV1,
}

/// All optimisation levels of both linkers.
pub const LEVELS: [u8; 3] = [0, 1, 2];

/// A blob by this repository's linker, without debug information.
///
/// # Errors
/// What the linker says, as text.
pub fn link_ours(elf: &[u8], target: Target, level: u8) -> Result<Vec<u8>, String> {
    ours(elf, target, level, pvm_linker::Optimize::Size, true)
}

/// As [`link_ours`] at level 2, for less pipeline gas rather than for size.
///
/// # Errors
/// What the linker says, as text.
pub fn link_ours_for_gas(elf: &[u8], target: Target) -> Result<Vec<u8>, String> {
    ours(elf, target, 2, pvm_linker::Optimize::Gas, true)
}

/// As [`link_ours`], with the names of functions.
///
/// # Errors
/// What the linker says, as text.
pub fn link_ours_with_names(elf: &[u8], target: Target, level: u8) -> Result<Vec<u8>, String> {
    ours(elf, target, level, pvm_linker::Optimize::Size, false)
}

fn ours(elf: &[u8], target: Target, level: u8, optimize: pvm_linker::Optimize, strip: bool) -> Result<Vec<u8>, String> {
    let config = pvm_linker::Config {
        target: match target {
            Target::Latest => None,
            Target::ReviveV1 => Some(pvm_isa::InstructionSet::ReviveV1),
            Target::JamV1 => Some(pvm_isa::InstructionSet::JamV1),
        },
        opt_level: level,
        optimize,
        strip,
        ..pvm_linker::Config::default()
    };
    let linked = pvm_linker::link(elf, &config).map_err(|error| error.to_string())?;
    linked.to_polkavm_blob().map_err(|error| error.to_string())
}

/// A blob by `polkavm-linker` 0.37, without debug information.
///
/// # Errors
/// What the linker says, as text.
pub fn link_theirs(elf: &[u8], target: Target, level: u8) -> Result<Vec<u8>, String> {
    theirs(elf, target, level, true)
}

/// As [`link_theirs`], with the names of functions.
///
/// # Errors
/// What the linker says, as text.
pub fn link_theirs_with_names(elf: &[u8], target: Target, level: u8) -> Result<Vec<u8>, String> {
    theirs(elf, target, level, false)
}

fn theirs(elf: &[u8], target: Target, level: u8, strip: bool) -> Result<Vec<u8>, String> {
    use polkavm_linker::{Config, OptLevel, TargetInstructionSet, program_from_elf};
    let mut config = Config::default();
    config.set_strip(strip);
    config.set_opt_level(match level {
        0 => OptLevel::O0,
        1 => OptLevel::O1,
        _ => OptLevel::O2,
    });
    let target = match target {
        Target::Latest => TargetInstructionSet::Latest,
        Target::ReviveV1 => TargetInstructionSet::ReviveV1,
        Target::JamV1 => TargetInstructionSet::JamV1,
    };
    program_from_elf(config, target, elf).map_err(|error| error.to_string())
}
