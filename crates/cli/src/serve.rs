//! `pvm serve`: one JSON request a line on standard input, one JSON reply a line on standard output.
//!
//! Test drivers load a program, set registers, map pages, run, and look at what became of it. A request that cannot be
//! carried out is answered `{"ok":false,"error":"..."}`; the command ends with the input.

use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::{Args, ValueEnum};
use pvm_gas::Rule;
use pvm_interpreter::{Exit, FaultOrder, Image, Instance, Paging, Protection};
use pvm_isa::{InstructionSet, Reg};
use pvm_num::casts::{to_u64, widen};
use pvm_num::limits::{JAM_ARGUMENTS_SIZE_MAX, PAGE_SIZE_DEFAULT, RETURN_TO_HOST};
use pvm_program::{Latest64Layout, MemoryMap, ParseOptions, Program};
use serde_json::{Map, Value, json};
use std::io::{BufRead, Read, Write};
use std::process::ExitCode;
use std::sync::Arc;

/// Longest request in bytes: a program of the largest size as hexadecimal text.
const REQUEST_SIZE_MAX: u64 = 256 << 20;
/// Most bytes one `read` returns.
const READ_SIZE_MAX: u64 = 64 << 20;

/// The engine that runs guests.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Engine {
    /// Runs on every host.
    Interpreter,
}

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
    #[arg(long, value_enum, default_value = "interpreter")]
    engine: Engine,
    /// Where the guests run
    #[arg(long, value_enum, default_value = "in-process")]
    isolation: Isolation,
}

/// Answers requests until the input ends.
///
/// # Errors
/// Only if standard input or output fails.
pub(crate) fn serve(args: &ServeArgs) -> Result<ExitCode> {
    let (Engine::Interpreter, Isolation::InProcess) = (args.engine, args.isolation);
    let mut input = std::io::stdin().lock();
    let mut output = std::io::stdout().lock();
    let mut session = Session { guest: None };
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
    guest: Option<Guest>,
}

struct Guest {
    program: Program,
    rule: Arc<Rule>,
    instance: Instance,
    is_paged: bool,
}

impl Session {
    fn answer(&mut self, line: &[u8]) -> Result<Reply> {
        let request: Value = serde_json::from_slice(line).context("the request is not JSON")?;
        let request = request.as_object().context("the request is not an object")?;
        let op = text(request, "op")?.context("the request has no \"op\"")?;
        if op == "load" {
            let guest = load(request)?;
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

fn load(request: &Reply) -> Result<Guest> {
    let kind = text(request, "kind")?.context("load needs a \"kind\"")?;
    let bytes = match (text(request, "path")?, text(request, "hex")?) {
        (Some(path), None) => std::fs::read(path).with_context(|| path.to_owned())?,
        (None, Some(hex)) => unhex(hex)?,
        _ => bail!("load needs either \"path\" or \"hex\""),
    };
    let isa = text(request, "isa")?;
    let rule: Rule = match text(request, "gas")? {
        Some(name) => name.parse().map_err(|error| anyhow!("gas rule {name:?}: {error}"))?,
        None => Rule::Simple,
    };
    let strict = boolean(request, "strict")?;
    match kind {
        "generic" => {
            let program = Program::parse_generic(bytes, bitmask_set(isa)?)?;
            Guest::new(program, rule, Placement::Paged, strict)
        }
        "spi" => {
            let arguments = unhex(text(request, "args")?.unwrap_or(""))?;
            let program = Program::parse_spi(bytes, bitmask_set(isa)?)?;
            Guest::new(program, rule, Placement::Spi(arguments), strict)
        }
        "polkavm" => {
            let options = match isa {
                Some("gp07") => ParseOptions { jam_numbering: pvm_program::JamNumbering::Gp07, ..Default::default() },
                _ => ParseOptions { latest64_layout: Latest64Layout::Detect, ..Default::default() },
            };
            Guest::new(Program::parse(bytes, &options)?, rule, Placement::Static, strict)
        }
        "elf" => {
            let level = number(request, "opt")?.unwrap_or(1);
            let program = link(&bytes, isa, level)?;
            Guest::new(program, rule, Placement::Static, strict)
        }
        _ => bail!("unknown kind {kind:?}; there are generic, spi, polkavm, elf"),
    }
}

fn link(elf: &[u8], isa: Option<&str>, level: u64) -> Result<Program> {
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
    let blob = pvm_linker::link(elf, &config)?.to_polkavm_blob()?;
    Ok(Program::parse(blob, &ParseOptions::default())?)
}

/// Bitmask code in the numbering of this name: what generic programs and SPI always carry.
fn bitmask_set(isa: Option<&str>) -> Result<InstructionSet> {
    Ok(match isa.unwrap_or("jam_v1") {
        "jam_v1" => InstructionSet::JamV1,
        "latest64" => InstructionSet::Latest64Bitmask,
        "latest32" => InstructionSet::Latest32,
        "revive_v1" => InstructionSet::ReviveV1,
        "gp07" => InstructionSet::Gp07,
        other => bail!("unknown isa {other:?}; there are jam_v1, latest64, latest32, revive_v1, gp07"),
    })
}

enum Placement {
    /// Nothing is mapped, the driver maps pages.
    Paged,
    /// The program's memory map.
    Static,
    /// The program's memory map, with argument data.
    Spi(Vec<u8>),
}

impl Guest {
    fn new(program: Program, rule: Rule, placement: Placement, strict: bool) -> Result<Guest> {
        if program.set() == InstructionSet::JamV1 {
            program.code().validate().map_err(|offset| anyhow!("validation failed at offset {offset}"))?;
        }
        if strict {
            strict_checks(&program)?;
        }
        let arguments = match &placement {
            Placement::Spi(arguments) => &arguments[..],
            _ => &[],
        };
        let aux_size = if matches!(placement, Placement::Spi(_)) { JAM_ARGUMENTS_SIZE_MAX } else { 0 };
        ensure!(to_u64(arguments.len()) <= widen(aux_size), "the arguments are longer than {aux_size} bytes");
        let map = program.memory_map(PAGE_SIZE_DEFAULT, aux_size)?;
        let is_paged = matches!(placement, Placement::Paged);
        let order = FaultOrder::of(program.set());
        let rule = Arc::new(rule);
        let image = Image {
            paging: if is_paged { Paging::Dynamic { page_size: PAGE_SIZE_DEFAULT, order } } else { Paging::Static },
            gas: Some(Arc::clone(&rule)),
            ..Image::new(&program, map.clone())
        };
        let mut instance = Instance::new(Arc::new(image));
        if let Placement::Spi(arguments) = &placement {
            place_arguments(&mut instance, &map, arguments)?;
        }
        Ok(Guest { program, rule, instance, is_paged })
    }

    fn describe(&self) -> Reply {
        let map = self.instance.image().memory.map.clone();
        let exports: Vec<Value> = self
            .program
            .exports()
            .map(|export| json!([String::from_utf8_lossy(export.symbol), export.offset]))
            .collect();
        let imports: Vec<Value> = self
            .program
            .imports()
            .iter()
            .map(|symbol| symbol.map_or(Value::Null, |symbol| String::from_utf8_lossy(symbol).into()))
            .collect();
        let area = |address: u32, length: u32| json!([address, length]);
        object(json!({
            "isa": self.program.set().name(),
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
            self.instance.set_next_program_counter(pc);
        }
        Ok(Reply::new())
    }

    fn call(&mut self, request: &Reply) -> Result<Reply> {
        let name = text(request, "export")?.context("call needs an \"export\"")?;
        let export = self.program.exports().find(|export| export.symbol == name.as_bytes());
        let pc = export.with_context(|| format!("export not found: '{name}'"))?.offset;
        for reg in Reg::ALL {
            self.instance.set_reg(reg, 0);
        }
        let sp = self.instance.image().memory.map.stack_address_high();
        self.instance.set_reg(Reg::sp, widen(sp));
        self.instance.set_reg(Reg::ra, widen(RETURN_TO_HOST));
        self.instance.set_next_program_counter(pc);
        Ok(Reply::new())
    }

    fn map(&mut self, request: &Reply) -> Result<Reply> {
        ensure!(self.is_paged, "only generic programs map pages");
        let address = number_32(request, "addr")?.context("map needs an \"addr\"")?;
        let length = number_32(request, "len")?.context("map needs a \"len\"")?;
        let protection = if boolean(request, "writable")? { Protection::ReadWrite } else { Protection::Read };
        ensure!(widen(length) <= READ_SIZE_MAX, "at most {READ_SIZE_MAX} bytes are mapped at once");
        self.instance.zero_pages(address, length, protection).map_err(memory_error)?;
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
        result.map_err(memory_error)?;
        Ok(Reply::new())
    }

    fn read(&mut self, request: &Reply) -> Result<Reply> {
        let address = number_32(request, "addr")?.context("read needs an \"addr\"")?;
        let length = number(request, "len")?.context("read needs a \"len\"")?;
        ensure!(length <= READ_SIZE_MAX, "at most {READ_SIZE_MAX} bytes are read at once");
        let mut data = vec![0; usize::try_from(length)?];
        self.instance.read_memory(address, &mut data).map_err(memory_error)?;
        Ok(object(json!({ "data": hex(&data) })))
    }

    fn run(&mut self) -> Result<Reply> {
        let exit = self.instance.run().context("no program counter is set")?;
        let (status, arg) = match exit {
            Exit::Finished => ("halt", None),
            Exit::Trap(_) => ("panic", None),
            Exit::Ecalli(index) => ("ecalli", Some(index)),
            Exit::Segfault { page_address, .. } => ("page-fault", Some(page_address)),
            Exit::OutOfGas => ("out-of-gas", None),
            Exit::Step => unreachable!("step tracing is off"),
        };
        let regs: Vec<u64> = Reg::ALL.iter().map(|reg| self.instance.reg(*reg)).collect();
        Ok(object(json!({
            "status": status,
            "arg": arg,
            "pc": self.instance.last_program_counter(),
            "gas": self.instance.gas(),
            "regs": regs,
        })))
    }

    fn blocks(&self) -> Reply {
        let blocks: Map<String, Value> =
            self.rule.blocks(self.program.code()).map(|(offset, cost)| (offset.to_string(), cost.into())).collect();
        object(json!({ "blocks": blocks }))
    }
}

/// Registers and argument data as a JAM invocation starts with them (blob.md 8.2).
fn place_arguments(instance: &mut Instance, map: &MemoryMap, arguments: &[u8]) -> Result<()> {
    let address = map.aux_data_address();
    instance.write_memory(address, arguments).map_err(memory_error)?;
    instance.set_accessible_aux_size(u32::try_from(arguments.len())?).map_err(memory_error)?;
    instance.set_reg(Reg::ra, widen(RETURN_TO_HOST));
    instance.set_reg(Reg::sp, widen(map.stack_address_high()));
    instance.set_reg(Reg::a0, widen(address));
    instance.set_reg(Reg::a1, to_u64(arguments.len()));
    Ok(())
}

/// What strict loading refuses (host-api.md 2).
fn strict_checks(program: &Program) -> Result<()> {
    let length = program.code().len();
    if let Some(index) = program.imports().iter().position(|symbol| symbol.is_none()) {
        bail!("import {index} has no readable symbol");
    }
    if let Some(target) = program.jump_table().iter().find(|target| *target >= length) {
        bail!("a jump table entry points to offset {target}, beyond the code's {length} bytes");
    }
    let mut seen = std::collections::BTreeSet::new();
    for export in program.exports() {
        let name = String::from_utf8_lossy(export.symbol);
        ensure!(export.offset < length, "export '{name}' is at offset {}, beyond the code", export.offset);
        ensure!(seen.insert(export.symbol), "export '{name}' occurs twice");
    }
    Ok(())
}

fn memory_error(error: pvm_interpreter::MemoryError) -> anyhow::Error {
    anyhow!(error)
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
