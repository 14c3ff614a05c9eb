//! `pvm run`: runs a program and passes on its exit code.

use crate::engine::EngineName;
use crate::failure::{Cause, Failure, Outcome, RUN_EXIT_CODES, RUN_RESERVED};
use crate::guest::{self, Arguments};
use crate::input::{FormatArgs, Input, Kind, Loaded};
use crate::lines::place_of;
use crate::output::{hex, symbol, unhex, write_stdout};
use crate::perf;
use crate::project::built_program;
use crate::system::{self, Grants};
use crate::trace::{Tracer, registers};
use clap::Args;
use pvm::{GasRule, InterruptKind, MemoryProtection, Module, ProgramCounter, RawInstance, Reg, Trap};
use pvm_guest_abi::system::ENTRY;
use pvm_isa::InstructionSet;
use pvm_isa::display::Options;
use pvm_num::casts::{low_u32, signed_32, to_u64, widen};
use pvm_num::limits::{ARGUMENT_COUNT_MAX, JAM_ARGUMENTS_SIZE_MAX};
use pvm_system::{Function, Reply, System};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Arguments of `pvm run`.
#[derive(Args, Debug)]
#[command(after_help = format!("{EXAMPLES}\n\n{RUN_EXIT_CODES}"))]
pub(crate) struct RunArgs {
    /// The file, as any command takes it [default: the program that `pvm build` made in this folder]
    #[arg(value_name = "FILE")]
    path: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
    /// The export to call [default: main, else the only one]
    #[arg(long, value_name = "NAME", conflicts_with = "pc")]
    export: Option<String>,
    /// The code offset to start at, instead of an export [default for programs without exports: 0]
    #[arg(long, value_name = "OFFSET", value_parser = number_32)]
    pc: Option<u32>,
    /// Arguments: integers for a0, a1, ..., separated by commas; for a standard program its argument data in hexadecimal
    #[arg(long, value_name = "LIST|HEX", allow_hyphen_values = true, default_value = "", hide_default_value = true)]
    args: String,
    /// The gas to start with [default: as much as it takes]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(0..))]
    gas: Option<i64>,
    /// How gas is counted: per-instruction, simple, full, full-2025-11, and more (docs/gas.md) [default with --gas: full
    /// for jam_v1, per-instruction for gp07, else simple]
    #[arg(long, value_name = "RULE", value_parser = rule)]
    gas_rule: Option<GasRule>,
    /// The engine
    #[arg(long, value_enum, default_value = "auto")]
    engine: EngineName,
    /// Write a map of the machine code for `perf` [default file: /tmp/perf-PID.map]
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, conflicts_with = "trace")]
    perf_map: Option<Option<PathBuf>>,
    /// Print each executed instruction and the registers it changed on standard error
    #[arg(long)]
    trace: bool,
    /// Refuse a program with an import that nobody offers, instead of stopping when it is called
    #[arg(long)]
    strict: bool,
    /// Print what runs the guest, and how it is kept apart from the host, on standard error
    #[arg(short, long)]
    verbose: bool,
    /// Print how it ended as one line of JSON on standard error, after everything else, instead of in words
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    grants: Grants,
}

const EXAMPLES: &str = "\
Examples:
  pvm run hello.elf                            link it, call `main`, exit with its result
  pvm run add.polkavm --export add --args 2,3  call `add` and print a0
  pvm run service.jam --pc 5 --args 0badc0de --gas 1000000 --gas-rule full
  pvm run prog.txt --isa latest64 --trace      assemble it and see every step
  pvm run lua.elf --dir scripts -- main.lua 7  give it arguments and files to read
  perf record pvm run sort.elf --perf-map      then: perf report

A guest may call the functions of the system interface (docs/system.md); files and the time only if granted. What `main`
returns is its exit code. What another export returns in a0 is printed.";

/// How a run ended.
enum End {
    /// The guest returned to the host.
    Returned,
    /// The guest asked to end with this exit code.
    Exited(i32),
    /// The guest trapped; why, if the engine knows.
    Trapped(Option<Trap>),
    OutOfGas,
    MissingImport(u32),
    /// The engine answered what it never answers under this configuration.
    Broken(String),
}

/// Runs the program.
///
/// # Errors
/// Whatever keeps it from starting. How it ends is in the exit code.
pub(crate) fn run(args: &RunArgs) -> Outcome {
    let engine = args.engine.engine().map_err(|problem| Failure::new(Cause::Engine, problem))?;
    let path = match &args.path {
        Some(path) => path.clone(),
        None => built_program(Path::new("."))?,
    };
    let loaded = Input::read(&path)?.load(&args.format)?;
    if args.strict {
        check_imports(&loaded)?;
    }
    let entry = entry(args, &loaded)?;
    let arguments = arguments(args, &loaded)?;
    let rule = args.gas_rule.clone().or_else(|| args.gas.map(|_| default_rule(loaded.program.set())));
    let metered = rule.is_some();
    let mut guest = guest::prepare(&loaded, &engine, entry.pc, &arguments, rule, args.trace)?;
    introduce(args, guest.module());
    if let Some(path) = &args.perf_map {
        write_perf_map(path.clone().unwrap_or_else(perf::default_path), guest.module())?;
    }
    let gas = args.gas.unwrap_or(i64::MAX);
    guest.set_gas(gas);
    let mut system = args.grants.system(&loaded.name)?;
    let end =
        drive(&mut guest, &loaded, &mut system, args.trace).map_err(|error| Failure::io("standard error", &error))?;
    let mut run = Finished { loaded: &loaded, guest, entry: &entry, end, gas: metered.then_some(gas) };
    run.finish(args.json)
}

/// Says what runs the guest, if somebody asked or gets something else than asked for.
fn introduce(args: &RunArgs, module: &Module) {
    if args.verbose {
        anstream::eprintln!("engine: {}, isolation: {}", module.backend(), module.isolation());
    }
    if let Some(reason) = module.interpreted_because()
        && (args.verbose || args.engine == EngineName::Compiler)
    {
        anstream::eprintln!("note: interpreted: {reason}");
    }
}

fn write_perf_map(path: PathBuf, module: &Module) -> Outcome<()> {
    let mut text = Vec::new();
    let is_compiled = perf::write_map(module, &mut text).map_err(|error| Failure::io("the map", &error))?;
    if !is_compiled {
        return Err(Failure::new(Cause::Engine, "--perf-map: the guest is interpreted and has no machine code"));
    }
    std::fs::write(&path, text).map_err(|error| Failure::io(path.display(), &error))
}

/// Where a run starts.
struct Entry {
    pc: u32,
    /// Is a result an exit code?
    is_main: bool,
}

fn entry(args: &RunArgs, loaded: &Loaded) -> Outcome<Entry> {
    if let Some(pc) = args.pc {
        return Ok(Entry { pc, is_main: false });
    }
    let exports: Vec<_> = loaded.program.exports().collect();
    let find = |name: &str| exports.iter().find(|export| export.symbol == name.as_bytes());
    let wanted = args.export.as_deref();
    let found = match (find(wanted.unwrap_or(ENTRY)), wanted) {
        (None, None) if exports.len() == 1 => exports.first(),
        (None, None) if exports.is_empty() && matches!(loaded.kind, Kind::Spi | Kind::Generic) => {
            return Ok(Entry { pc: 0, is_main: false });
        }
        (found, _) => found,
    };
    if let Some(export) = found {
        return Ok(Entry { pc: export.offset, is_main: export.symbol == ENTRY.as_bytes() });
    }
    let names: Vec<String> = exports.iter().map(|export| format!("`{}`", symbol(export.symbol))).collect();
    let there = match names.is_empty() {
        true => "it has no exports; --pc OFFSET says where to start".to_owned(),
        false => format!("it exports {}; --export NAME calls one", names.join(", ")),
    };
    Err(Failure::input(&loaded.name, format_args!("no export `{}`; {there}", wanted.unwrap_or(ENTRY))))
}

fn arguments(args: &RunArgs, loaded: &Loaded) -> Outcome<Arguments> {
    if loaded.kind == Kind::Spi {
        let data = unhex(args.args.strip_prefix("0x").unwrap_or(&args.args)).ok_or_else(|| {
            Failure::usage("--args: the argument data of a standard program is an even number of hexadecimal digits")
        })?;
        if to_u64(data.len()) > widen(JAM_ARGUMENTS_SIZE_MAX) {
            return Err(Failure::usage(format_args!("--args: more than {JAM_ARGUMENTS_SIZE_MAX} bytes")));
        }
        return Ok(Arguments::Data(data));
    }
    let texts = args.args.split(',').map(str::trim);
    let texts: Vec<&str> = if args.args.trim().is_empty() { Vec::new() } else { texts.collect() };
    if texts.len() > ARGUMENT_COUNT_MAX {
        return Err(Failure::usage(format_args!("--args: {} arguments, more than {ARGUMENT_COUNT_MAX}", texts.len())));
    }
    let bad = |text: &str| Failure::usage(format_args!("--args: {text:?} is not a 64-bit integer"));
    texts.iter().map(|text| integer(text).ok_or_else(|| bad(text))).collect::<Outcome<_>>().map(Arguments::Registers)
}

/// A 64-bit integer, decimal or, behind `0x`, hexadecimal, with or without sign.
fn integer(text: &str) -> Option<u64> {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let value = match digits.strip_prefix("0x") {
        Some(digits) if !digits.starts_with('+') => u64::from_str_radix(digits, 16).ok()?,
        None if !digits.starts_with('+') => digits.parse().ok()?,
        _ => return None,
    };
    match is_negative {
        true => (value <= 1 << 63).then_some(value.wrapping_neg()),
        false => Some(value),
    }
}

fn number_32(text: &str) -> Result<u32, String> {
    let value = integer(text).and_then(|value| u32::try_from(value).ok());
    value.ok_or_else(|| "not an unsigned 32-bit integer".to_owned())
}

/// Parses the name of a gas rule.
///
/// # Errors
/// A text for the user.
pub(crate) fn rule(name: &str) -> Result<GasRule, String> {
    name.parse().map_err(|_| {
        "not a gas rule; there are per-instruction, simple, and full[-2025-11][-l1-hit|-l2-hit|-l3-hit][-accelerated]"
            .to_owned()
    })
}

/// The rule that programs of a set are usually metered by.
fn default_rule(set: InstructionSet) -> GasRule {
    match set {
        InstructionSet::JamV1 => GasRule::Full(pvm_gas::Pipeline::GP08),
        InstructionSet::Gp07 => GasRule::PerInstruction,
        _ => GasRule::Simple,
    }
}

fn check_imports(loaded: &Loaded) -> Outcome<()> {
    let imports = loaded.program.imports();
    let missing: Vec<String> = (0..imports.len())
        .filter(|index| !system::is_offered(imports.get(*index)))
        .map(|index| system::import_name(&imports, index))
        .collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(Failure::new(
            Cause::MissingImport,
            format_args!("{}: `pvm run` does not offer {}", loaded.name, missing.join(", ")),
        )),
    }
}

/// Runs the guest to its end and does what it asks for.
fn drive(guest: &mut RawInstance, loaded: &Loaded, system: &mut System, tracing: bool) -> std::io::Result<End> {
    let imports = loaded.program.imports();
    let mut tracer = tracing.then(Tracer::new);
    let end = loop {
        match guest.run() {
            Ok(InterruptKind::Step) => {
                if let Some(tracer) = &mut tracer {
                    tracer.step(guest)?;
                }
            }
            Ok(InterruptKind::Ecalli(index)) => {
                let Some(function) = imports.get(index).and_then(Function::from_symbol) else {
                    break End::MissingImport(index);
                };
                match system.call(function, guest) {
                    Reply::Continue => {}
                    Reply::Exit(code) => break End::Exited(code),
                }
            }
            Ok(InterruptKind::Finished) => break End::Returned,
            Ok(InterruptKind::Trap) => break End::Trapped(guest.trap_reason()),
            Ok(InterruptKind::NotEnoughGas) => break End::OutOfGas,
            Ok(InterruptKind::Segfault(_)) => break End::Broken("page fault without dynamic paging".to_owned()),
            Err(error) => break End::Broken(error.to_string()),
        }
    };
    if let Some(tracer) = &mut tracer {
        tracer.stop(guest)?;
    }
    Ok(end)
}

/// A run that is over.
struct Finished<'a> {
    loaded: &'a Loaded,
    guest: RawInstance,
    entry: &'a Entry,
    end: End,
    /// The gas it started with, if it was metered.
    gas: Option<i64>,
}

impl Finished<'_> {
    fn finish(&mut self, as_json: bool) -> Outcome {
        let output = self.output();
        if let (End::Returned, false, Some(text)) = (&self.end, as_json, &output) {
            write_stdout(format!("{text}\n").as_bytes())?;
        }
        let failure = self.failure();
        if as_json {
            // Nobody is left to tell if standard error is gone.
            let _ = writeln!(std::io::stderr(), "{}", self.summary(output.as_deref()));
        }
        match failure {
            Some(failure) if as_json => Ok(ExitCode::from(failure.cause.exit_code(true))),
            Some(failure) => Err(failure),
            None => Ok(ExitCode::from(self.exit_code().and_then(|code| fitting(i64::from(code))).unwrap_or(0))),
        }
    }

    /// The exit code the guest gave, if its end gives one.
    fn exit_code(&self) -> Option<i32> {
        match self.end {
            End::Exited(code) => Some(code),
            End::Returned if self.entry.is_main => Some(signed_32(low_u32(self.guest.reg(Reg::A0)))),
            _ => None,
        }
    }

    /// What a guest that returned gives back other than an exit code: a number or, from a standard program, bytes in hex.
    fn output(&mut self) -> Option<String> {
        let [a0, a1] = [Reg::A0, Reg::A1].map(|reg| self.guest.reg(reg));
        match (&self.end, self.loaded.kind) {
            (End::Returned, Kind::Spi) => {
                let (address, length) = (u32::try_from(a0).ok()?, u32::try_from(a1).ok()?);
                if !self.guest.is_memory_accessible(address, length, MemoryProtection::Read) {
                    return Some(String::new());
                }
                self.guest.read_memory(address, length).ok().map(|data| hex(&data))
            }
            (End::Returned, _) if !self.entry.is_main => Some(a0.to_string()),
            _ => None,
        }
    }

    fn failure(&self) -> Option<Failure> {
        let name = &self.loaded.name;
        let (cause, text) = match &self.end {
            End::Trapped(Some(trap)) => (Cause::Trap, format!("the guest trapped: {trap}")),
            End::Trapped(None) => (Cause::Trap, "the guest trapped".to_owned()),
            End::OutOfGas => (Cause::OutOfGas, format!("the guest ran out of gas; {} left", self.guest.gas())),
            End::MissingImport(index) => {
                let import = system::import_name(&self.loaded.program.imports(), *index);
                let hint = match self.loaded.kind {
                    // They carry no names.
                    Kind::Spi | Kind::Generic => ": its host is not `pvm run` but a JAM node",
                    _ => "; docs/cli.md lists what it offers",
                };
                (Cause::MissingImport, format!("the guest called {import}, which `pvm run` does not offer{hint}"))
            }
            End::Broken(what) => (Cause::Bug, format!("the engine answered: {what}")),
            End::Exited(_) | End::Returned => {
                let code = self.exit_code().filter(|code| fitting(i64::from(*code)).is_none())?;
                return Some(Failure::new(
                    Cause::UnfitExitCode,
                    format_args!("{name}: the guest's exit code is {code}, which `pvm run` cannot pass on"),
                ));
            }
        };
        Some(Failure::new(cause, format_args!("{name}: {text}{}", self.place())))
    }

    /// Where the guest stopped and with which registers, in lines of their own.
    fn place(&self) -> String {
        let mut text = String::new();
        let pc = self.pc();
        let mut line = |line: std::fmt::Arguments<'_>| {
            text.push_str("\n  ");
            text.write_fmt(line).expect("writing to a string never fails");
        };
        if let Some(pc) = pc {
            let code = self.loaded.program.code();
            let options = Options { width: code.set().width(), ..Options::default() };
            match code.instruction_at(pc) {
                Some(at) => line(format_args!("at offset {pc}: {}", at.instruction.display(options))),
                None => line(format_args!("at offset {pc}, where no instruction starts")),
            }
            if let Some(place) = place_of(&self.loaded.program, pc) {
                line(format_args!("in {place}"));
            }
        }
        let named: Vec<String> = Reg::ALL.iter().map(|reg| format!("{reg:>2} = {:#x}", self.guest.reg(*reg))).collect();
        for row in named.chunks(4) {
            let padded: Vec<String> = row.iter().map(|text| format!("{text:<23}")).collect();
            line(format_args!("{}", padded.join(" ").trim_end()));
        }
        text
    }

    fn pc(&self) -> Option<u32> {
        self.guest.program_counter().or(self.guest.last_program_counter()).map(|ProgramCounter(pc)| pc)
    }

    /// How it ended, for scripts.
    fn summary(&self, output: Option<&str>) -> Value {
        let (status, reason) = match &self.end {
            End::Returned => ("returned", None),
            End::Exited(_) => ("exited", None),
            End::Trapped(trap) => ("trapped", trap.map(|trap| trap.to_string())),
            End::OutOfGas => ("out-of-gas", None),
            End::MissingImport(index) => {
                ("missing-import", Some(system::import_name(&self.loaded.program.imports(), *index)))
            }
            End::Broken(what) => ("failed", Some(what.clone())),
        };
        let registers: Map<String, Value> = Reg::ALL
            .iter()
            .zip(registers(&self.guest))
            .map(|(reg, value)| (reg.name().to_owned(), value.into()))
            .collect();
        json!({
            "file": self.loaded.name,
            "engine": self.guest.module().backend().to_string(),
            "isolation": self.guest.module().isolation().to_string(),
            "status": status,
            "reason": reason,
            "exit_code": self.exit_code(),
            "output": output,
            "pc": self.pc(),
            "place": self.pc().and_then(|pc| place_of(&self.loaded.program, pc)),
            "gas_used": self.gas.map(|start| start - self.guest.gas()),
            "gas_left": self.gas.map(|_| self.guest.gas()),
            "registers": registers,
        })
    }
}

/// The process exit code that stands for a guest's, if one does.
fn fitting(code: i64) -> Option<u8> {
    u8::try_from(code).ok().filter(|_| !RUN_RESERVED.contains(&code))
}
