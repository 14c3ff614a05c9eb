//! Where a program spends its instructions: by function and by opcode, in the file and in a run.

use crate::measure::calls;
use crate::{Guest, host_result};
use pvm::{
    BackendKind, Config, Engine, GasMeteringKind, InterruptKind, Module, ModuleConfig, ProgramBlob, ProgramCounter, Reg,
};
use pvm_program::{ParseOptions, Program};
use std::collections::BTreeMap;

const GAS: i64 = 1 << 40;
const REGS: [Reg; 13] = [
    Reg::RA,
    Reg::SP,
    Reg::T0,
    Reg::T1,
    Reg::T2,
    Reg::S0,
    Reg::S1,
    Reg::A0,
    Reg::A1,
    Reg::A2,
    Reg::A3,
    Reg::A4,
    Reg::A5,
];

/// How many instructions there are, and how many are executed.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Count {
    /// In the code.
    pub written: u64,
    /// Bytes in the code.
    pub bytes: u64,
    /// In a run of all exports.
    pub executed: u64,
}

/// Counts by name.
pub type Counts = BTreeMap<String, Count>;

/// Counts of one program.
pub struct Profile {
    /// By function, as far as the blob has debug information.
    pub functions: Counts,
    /// By opcode.
    pub opcodes: Counts,
    /// By opcodes of two instructions in a row, the second in the same block.
    pub pairs: Counts,
}

impl Profile {
    /// Runs all exports of a blob.
    ///
    /// # Errors
    /// If it cannot be loaded.
    pub fn new(guest: &Guest, blob: &[u8]) -> Result<Profile, String> {
        let program = Program::parse(blob.to_vec(), &ParseOptions::default()).map_err(|error| error.to_string())?;
        let executed = executed(guest, blob)?;
        let mut profile = Profile { functions: Counts::new(), opcodes: Counts::new(), pairs: Counts::new() };
        let names = functions(&program);
        let mut previous = None;
        for located in program.code().iter().take_while(|located| located.offset < program.code().len()) {
            let index = usize::try_from(located.offset).expect("64 bits");
            let bytes = u64::from(located.next - located.offset);
            let count = Count { written: 1, bytes, executed: executed[index] };
            let opcode = located.instruction.opcode();
            let function = names.get(&located.offset).map_or("?", String::as_str);
            profile.functions.entry(function.into()).or_default().add(count);
            profile.opcodes.entry(opcode.name().into()).or_default().add(count);
            if let Some(previous) = previous {
                profile.pairs.entry(format!("{previous} {}", opcode.name())).or_default().add(count);
            }
            previous = (!opcode.ends_block()).then_some(opcode.name());
        }
        Ok(profile)
    }
}

impl Count {
    fn add(&mut self, other: Count) {
        self.written += other.written;
        self.bytes += other.bytes;
        self.executed += other.executed;
    }
}

/// Two profiles side by side: those names first that differ most in what is executed, then in bytes.
pub fn side_by_side(title: &str, theirs: &Counts, ours: &Counts) -> String {
    let names: Vec<&String> = theirs.keys().chain(ours.keys().filter(|name| !theirs.contains_key(*name))).collect();
    let get = |counts: &Counts, name: &String| counts.get(name).copied().unwrap_or_default();
    let mut rows: Vec<(&String, Count, Count)> =
        names.into_iter().map(|name| (name, get(theirs, name), get(ours, name))).collect();
    let difference = |left: u64, right: u64| left.cast_signed() - right.cast_signed();
    rows.sort_by_key(|(name, theirs, ours)| {
        let executed = difference(theirs.executed, ours.executed);
        (executed, difference(theirs.bytes, ours.bytes), *name)
    });
    let mut text = format!(
        "{title:<60} {:>24} {:>24} {:>32}\n",
        "instructions theirs/ours", "bytes theirs/ours", "executed theirs/ours"
    );
    for (name, theirs, ours) in rows {
        let column = |left: u64, right: u64| format!("{left}/{right} {:+}", difference(right, left));
        let name: String = name.chars().take(60).collect();
        text.push_str(&format!(
            "{name:<60} {:>24} {:>24} {:>32}\n",
            column(theirs.written, ours.written),
            column(theirs.bytes, ours.bytes),
            column(theirs.executed, ours.executed)
        ));
    }
    text
}

/// The function around each instruction, by what the debug sections say of the outermost frame.
fn functions(program: &Program) -> BTreeMap<u32, String> {
    let mut names = BTreeMap::new();
    for located in program.code().iter() {
        let Ok(Some(mut lines)) = program.get_debug_line_program_at(located.offset) else { continue };
        if let Ok(Some(region)) = lines.find(located.offset)
            && let Some(frame) = region.frames().next()
            && let Ok(Some(name)) = frame.full_name()
        {
            names.insert(located.offset, name.to_string());
        }
    }
    names
}

/// How often each instruction is executed, by code offset.
fn executed(guest: &Guest, blob: &[u8]) -> Result<Vec<u64>, String> {
    let mut config = Config::new();
    config.set_backend(Some(BackendKind::Interpreter));
    let engine = Engine::new(&config).map_err(|error| error.to_string())?;
    let mut config = ModuleConfig::new();
    config.set_gas_metering(Some(GasMeteringKind::Sync));
    config.set_step_tracing(true);
    let parsed = ProgramBlob::parse(blob.into()).map_err(|error| error.to_string())?;
    let mut counts = vec![0; parsed.code().len()];
    let module = Module::from_blob(&engine, &config, parsed).map_err(|error| error.to_string())?;
    for (export, args) in calls(guest, blob)? {
        let pc =
            module.exports().find(|other| other.symbol().as_bytes() == export).map(|export| export.program_counter());
        run(&module, pc.ok_or("an export is missing")?, &args, &mut counts)?;
    }
    Ok(counts)
}

fn run(module: &Module, pc: ProgramCounter, args: &[u64; 9], counts: &mut [u64]) -> Result<(), String> {
    let mut instance = module.instantiate().map_err(|error| error.to_string())?;
    instance.set_gas(GAS);
    instance.prepare_call_untyped(pc, args);
    loop {
        match instance.run().map_err(|error| error.to_string())? {
            InterruptKind::Step => {
                let pc = instance.program_counter().expect("an instruction is next");
                counts[usize::try_from(pc.0).expect("64 bits")] += 1;
            }
            InterruptKind::Ecalli(number) => {
                let symbol = module.imports().get(number);
                let symbol = symbol.as_ref().map_or(&b""[..], |symbol| symbol.as_bytes());
                if symbol == b"pvm_v1_exit" {
                    return Ok(());
                }
                let value = host_result(symbol, &REGS.map(|reg| instance.reg(reg)));
                instance.set_reg(Reg::A0, value);
                if !module.is_64_bit() {
                    instance.set_reg(Reg::A1, value >> 32);
                }
            }
            _ => return Ok(()),
        }
    }
}
