//! `pvm serve`: one JSON request a line on standard input, one JSON reply a line on standard output.
//!
//! Test drivers load a program, set registers, map pages, run, and look at what became of it. A request that cannot be
//! carried out is answered `{"ok":false,"error":"..."}`; the command ends with the input.

use crate::engine::EngineName;
use crate::failure::{Failure, Outcome};
use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::{Args, ValueEnum};
use pvm::program::{ArcBytes, InstructionSetKind, JamNumbering, Latest64Layout, ParseOptions};
use pvm::{
    CodeValidation, Engine, GasMeteringKind, GasRule, InterruptKind, JAM_ARGUMENTS_SIZE_MAX, MemoryProtection, Module,
    ModuleConfig, ProgramBlob, ProgramCounter, RawInstance, Reg,
};
use pvm_isa::InstructionSet;
use pvm_num::casts::widen;
use serde_json::{Map, Value, json};
use std::io::{BufRead, Read, Write};
use std::process::ExitCode;

/// Longest request in bytes: a program of the largest size as hexadecimal text.
const REQUEST_SIZE_MAX: u64 = 256 << 20;
/// Most bytes one `read` returns.
const READ_SIZE_MAX: u64 = 64 << 20;

/// Where guests run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Isolation {
    /// In this process.
    InProcess,
}

/// Arguments of `pvm serve`.
#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// The engine that runs the guests
    #[arg(long, value_enum, default_value = "auto")]
    engine: EngineName,
    /// Where the guests run
    #[arg(long, value_enum, default_value = "in-process")]
    isolation: Isolation,
}

/// Answers requests until the input ends.
///
/// # Errors
/// If the engine is not there, or standard input or output fails.
pub(crate) fn serve(args: &ServeArgs) -> Outcome {
    let Isolation::InProcess = args.isolation;
    let engine = args.engine.engine().map_err(Failure::usage)?;
    answer_all(engine).map_err(Failure::from)
}

fn answer_all(engine: Engine) -> Result<ExitCode> {
    let mut input = std::io::stdin().lock();
    let mut output = std::io::stdout().lock();
    let mut session = Session { engine, guest: None };
    let mut line = Vec::new();
    loop {
        line.clear();
        let length = (&mut input).take(REQUEST_SIZE_MAX).read_until(b'\n', &mut line)?;
        if length == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let reply = match session.answer(&line) {
            Ok(mut reply) => {
                reply.insert("ok".into(), true.into());
                Value::Object(reply)
            }
            Err(error) => json!({ "ok": false, "error": format!("{error:#}") }),
        };
        serde_json::to_writer(&mut output, &reply)?;
        output.write_all(b"\n")?;
        output.flush()?;
    }
}

type Reply = Map<String, Value>;

struct Session {
    engine: Engine,
    guest: Option<Guest>,
}

struct Guest {
    module: Module,
    instance: RawInstance,
    is_paged: bool,
}

impl Session {
    fn answer(&mut self, line: &[u8]) -> Result<Reply> {
        let request: Value = serde_json::from_slice(line).context("the request is not JSON")?;
        let request = request.as_object().context("the request is not an object")?;
        let op = text(request, "op")?.context("the request has no \"op\"")?;
        if op == "load" {
            let guest = load(&self.engine, request)?;
            let reply = guest.describe();
            self.guest = Some(guest);
            return Ok(reply);
        }
        let guest = self.guest.as_mut().context("no program is loaded")?;
        match op {
            "set" => guest.set(request),
            "call" => guest.call(request),
            "map" => guest.map(request),
            "write" => guest.write(request),
            "read" => guest.read(request),
            "run" => guest.run(),
            "blocks" => Ok(guest.blocks()),
            _ => bail!("unknown op {op:?}; there are load, set, call, map, write, read, run, blocks"),
        }
    }
}

fn load(engine: &Engine, request: &Reply) -> Result<Guest> {
    let kind = text(request, "kind")?.context("load needs a \"kind\"")?;
    let bytes = match (text(request, "path")?, text(request, "hex")?) {
        (Some(path), None) => std::fs::read(path).with_context(|| path.to_owned())?,
        (None, Some(hex)) => unhex(hex)?,
        _ => bail!("load needs either \"path\" or \"hex\""),
    };
    let isa = text(request, "isa")?;
    let rule: GasRule = match text(request, "gas")? {
        Some(name) => name.parse().map_err(|error| anyhow!("gas rule {name:?}: {error}"))?,
        None => GasRule::Simple,
    };
    let is_strict = boolean(request, "strict")?;
    let mut config = ModuleConfig::new();
    config
        .set_gas_metering(Some(GasMeteringKind::Sync))
        .set_gas_rule(Some(rule))
        .set_code_validation(CodeValidation::GrayPaper)
        .set_strict(is_strict);
    let guest = match kind {
        "generic" => {
            let (isa, numbering) = bitmask_set(isa)?;
            let blob = ProgramBlob::parse_generic(bytes.into(), isa, numbering)?;
            config.set_dynamic_paging(true);
            Guest::new(engine, &config, blob)
        }
        "spi" => {
            let arguments = unhex(text(request, "args")?.unwrap_or(""))?;
            let (isa, numbering) = bitmask_set(isa)?;
            let blob = ProgramBlob::parse_spi(bytes.into(), isa, numbering)?;
            config.set_aux_data_size(JAM_ARGUMENTS_SIZE_MAX);
            let mut guest = Guest::new(engine, &config, blob)?;
            guest.instance.prepare_invocation(&arguments)?;
            Ok(guest)
        }
        "polkavm" => {
            let options = match isa {
                Some("gp07") => ParseOptions { jam_numbering: JamNumbering::Gp07, ..Default::default() },
                _ => ParseOptions { latest64_layout: Latest64Layout::Detect, ..Default::default() },
            };
            Guest::new(engine, &config, ProgramBlob::parse_with(bytes.into(), &options)?)
        }
        "elf" => {
            let level = number(request, "opt")?.unwrap_or(1);
            Guest::new(engine, &config, ProgramBlob::parse(link(&bytes, isa, level)?)?)
        }
        _ => bail!("unknown kind {kind:?}; there are generic, spi, polkavm, elf"),
    }?;
    if is_strict {
        check_exports(&guest.module)?;
    }
    Ok(guest)
}

fn link(elf: &[u8], isa: Option<&str>, level: u64) -> Result<ArcBytes> {
    let target = match isa {
        None => None,
        Some("latest64") => Some(InstructionSet::Latest64),
        Some("latest32") => Some(InstructionSet::Latest32),
        Some("jam_v1") => Some(InstructionSet::JamV1),
        Some("revive_v1") => Some(InstructionSet::ReviveV1),
        Some(other) => bail!("unknown isa {other:?}; there are jam_v1, latest64, latest32, revive_v1"),
    };
    let opt_level = u8::try_from(level).ok().filter(|level| *level <= 2).context("opt is 0, 1 or 2")?;
    let config = pvm_linker::Config { target, opt_level, ..Default::default() };
    Ok(pvm_linker::link(elf, &config)?.to_polkavm_blob()?.into())
}

/// Bitmask code in the numbering of this name: what generic programs and SPI always carry.
fn bitmask_set(isa: Option<&str>) -> Result<(InstructionSetKind, JamNumbering)> {
    Ok(match isa.unwrap_or("jam_v1") {
        "jam_v1" => (InstructionSetKind::JamV1, JamNumbering::Gp08),
        "gp07" => (InstructionSetKind::JamV1, JamNumbering::Gp07),
        "latest64" => (InstructionSetKind::Latest64, JamNumbering::Gp08),
        "latest32" => (InstructionSetKind::Latest32, JamNumbering::Gp08),
        "revive_v1" => (InstructionSetKind::ReviveV1, JamNumbering::Gp08),
        other => bail!("unknown isa {other:?}; there are jam_v1, latest64, latest32, revive_v1, gp07"),
    })
}

impl Guest {
    fn new(engine: &Engine, config: &ModuleConfig, blob: ProgramBlob) -> Result<Guest> {
        let module = Module::from_blob(engine, config, blob)?;
        let instance = module.instantiate()?;
        Ok(Guest { module, instance, is_paged: config.dynamic_paging() })
    }

    fn describe(&self) -> Reply {
        let map = self.module.memory_map();
        let exports: Vec<Value> = self
            .module
            .exports()
            .map(|export| json!([String::from_utf8_lossy(export.symbol().as_bytes()), export.program_counter().0]))
            .collect();
        let imports: Vec<Value> = self
            .module
            .imports()
            .iter()
            .map(|symbol| symbol.map_or(Value::Null, |symbol| String::from_utf8_lossy(symbol.as_bytes()).into()))
            .collect();
        let area = |address: u32, length: u32| json!([address, length]);
        object(json!({
            "isa": self.module.blob().instruction_set().name(),
            "imports": imports,
            "exports": exports,
            "map": {
                "ro": area(map.ro_data_address(), map.ro_data_size()),
                "rw": area(map.rw_data_address(), map.rw_data_size()),
                "stack": area(map.stack_address_low(), map.stack_size()),
            },
        }))
    }

    fn set(&mut self, request: &Reply) -> Result<Reply> {
        let registers = match request.get("regs") {
            None | Some(Value::Null) => Vec::new(),
            Some(value) => {
                let values = value.as_array().filter(|values| values.len() == Reg::ALL.len());
                let values = values.context("regs is a list of 13 numbers or nulls")?;
                let one = |value: &Value| match value {
                    Value::Null => Ok(None),
                    value => value.as_u64().map(Some).context("a register is an unsigned 64-bit number or null"),
                };
                values.iter().map(one).collect::<Result<Vec<_>>>()?
            }
        };
        let gas = match request.get("gas") {
            None | Some(Value::Null) => None,
            Some(value) => Some(value.as_i64().context("gas is a signed 64-bit number")?),
        };
        let pc = number_32(request, "pc")?;
        for (reg, value) in Reg::ALL.into_iter().zip(registers) {
            if let Some(value) = value {
                self.instance.set_reg(reg, value);
            }
        }
        if let Some(gas) = gas {
            self.instance.set_gas(gas);
        }
        if let Some(pc) = pc {
            self.instance.set_next_program_counter(ProgramCounter(pc));
        }
        Ok(Reply::new())
    }

    fn call(&mut self, request: &Reply) -> Result<Reply> {
        let name = text(request, "export")?.context("call needs an \"export\"")?;
        let export = self.module.exports().find(|export| *export == name);
        let pc = export.with_context(|| format!("export not found: '{name}'"))?.program_counter();
        self.instance.prepare_call_untyped(pc, &[]);
        Ok(Reply::new())
    }

    fn map(&mut self, request: &Reply) -> Result<Reply> {
        ensure!(self.is_paged, "only generic programs map pages");
        let address = number_32(request, "addr")?.context("map needs an \"addr\"")?;
        let length = number_32(request, "len")?.context("map needs a \"len\"")?;
        let protection = match boolean(request, "writable")? {
            true => MemoryProtection::ReadWrite,
            false => MemoryProtection::Read,
        };
        ensure!(widen(length) <= READ_SIZE_MAX, "at most {READ_SIZE_MAX} bytes are mapped at once");
        self.instance.zero_memory_with_memory_protection(address, length, protection)?;
        Ok(Reply::new())
    }

    fn write(&mut self, request: &Reply) -> Result<Reply> {
        let address = number_32(request, "addr")?.context("write needs an \"addr\"")?;
        let data = unhex(text(request, "data")?.context("write needs \"data\"")?)?;
        let result = if boolean(request, "force")? {
            self.instance.write_memory_forced(address, &data)
        } else {
            self.instance.write_memory(address, &data)
        };
        result?;
        Ok(Reply::new())
    }

    fn read(&mut self, request: &Reply) -> Result<Reply> {
        let address = number_32(request, "addr")?.context("read needs an \"addr\"")?;
        let length = number(request, "len")?.context("read needs a \"len\"")?;
        ensure!(length <= READ_SIZE_MAX, "at most {READ_SIZE_MAX} bytes are read at once");
        let data = self.instance.read_memory(address, u32::try_from(length)?)?;
        Ok(object(json!({ "data": hex(&data) })))
    }

    fn run(&mut self) -> Result<Reply> {
        let (status, arg) = match self.instance.run()? {
            InterruptKind::Finished => ("halt", None),
            InterruptKind::Trap => ("panic", None),
            InterruptKind::Ecalli(index) => ("ecalli", Some(index)),
            InterruptKind::Segfault(fault) => ("page-fault", Some(fault.page_address)),
            InterruptKind::NotEnoughGas => ("out-of-gas", None),
            InterruptKind::Step => unreachable!("step tracing is off"),
        };
        let regs: Vec<u64> = Reg::ALL.iter().map(|reg| self.instance.reg(*reg)).collect();
        Ok(object(json!({
            "status": status,
            "arg": arg,
            "pc": self.instance.last_program_counter().map(|pc| pc.0),
            "gas": self.instance.gas(),
            "regs": regs,
        })))
    }

    fn blocks(&self) -> Reply {
        let blocks: Map<String, Value> =
            self.module.block_costs().map(|(offset, cost)| (offset.to_string(), cost.into())).collect();
        object(json!({ "blocks": blocks }))
    }
}

/// What strict mode leaves to pvm's linker of host functions, which is not used here (host-api.md 2).
fn check_exports(module: &Module) -> Result<()> {
    let mut seen = std::collections::BTreeSet::new();
    for export in module.exports() {
        let name = export.symbol().as_bytes().to_vec();
        let shown = String::from_utf8_lossy(export.symbol().as_bytes());
        ensure!(seen.insert(name), "export '{shown}' occurs twice");
    }
    Ok(())
}

fn object(value: Value) -> Reply {
    match value {
        Value::Object(object) => object,
        _ => Reply::new(),
    }
}

fn text<'a>(request: &'a Reply, key: &str) -> Result<Option<&'a str>> {
    match request.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_str().map(Some).with_context(|| format!("{key:?} is not a text")),
    }
}

fn number(request: &Reply, key: &str) -> Result<Option<u64>> {
    match request.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_u64().map(Some).with_context(|| format!("{key:?} is not an unsigned number")),
    }
}

fn number_32(request: &Reply, key: &str) -> Result<Option<u32>> {
    let Some(value) = number(request, key)? else { return Ok(None) };
    u32::try_from(value).map(Some).with_context(|| format!("{key:?} exceeds 32 bits"))
}

fn boolean(request: &Reply, key: &str) -> Result<bool> {
    match request.get(key) {
        None | Some(Value::Null) => Ok(false),
        Some(value) => value.as_bool().with_context(|| format!("{key:?} is not true or false")),
    }
}

fn unhex(text: &str) -> Result<Vec<u8>> {
    ensure!(text.len().is_multiple_of(2), "hexadecimal text of odd length");
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.as_bytes()
        .chunks_exact(2)
        .map(|pair| Some(digit(&pair[0])? << 4 | digit(&pair[1])?))
        .collect::<Option<Vec<u8>>>()
        .context("not hexadecimal text")
}

fn hex(data: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::with_capacity(2 * data.len());
    for byte in data {
        out.push(char::from(DIGITS[usize::from(byte >> 4)]));
        out.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    out
}
