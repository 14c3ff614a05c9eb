//! `pvm inspect`: what is in a program.

use crate::failure::{Failure, Outcome};
use crate::guest::aux_data_size;
use crate::input::{InputArgs, Kind, Loaded};
use crate::output::{hex, print_json, symbol, write_stdout};
use crate::system::is_offered;
use clap::Args;
use pvm_isa::{Encoding, InstructionSet};
use pvm_num::casts::{to_u64, widen};
use pvm_num::limits::PAGE_SIZE_DEFAULT;
use pvm_program::sections::{Section, Sections};
use pvm_program::{JamMetadata, Program};
use serde::Serialize;
use std::fmt::{self, Write};
use std::process::ExitCode;

/// Arguments of `pvm inspect`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  pvm inspect program.polkavm
  pvm inspect hello.elf --json | jq -r '.exports[].symbol'
  pvm inspect service.jam --isa gp07")]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Shows a program.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn inspect(args: &InspectArgs) -> Outcome {
    let loaded = args.input.load()?;
    let report = Report::new(&loaded)?;
    match args.json {
        true => print_json(&report)?,
        false => write_stdout(report.to_string().as_bytes())?,
    }
    Ok(ExitCode::SUCCESS)
}

#[derive(Serialize)]
struct Report {
    file: String,
    kind: &'static str,
    file_size: u64,
    instruction_set: &'static str,
    encoding: &'static str,
    register_bits: u32,
    /// Whether the Gray Paper 0.8 accepts the code, if it is jam_v1; if not, from which offset on.
    valid_for_jam: Option<bool>,
    invalid_at: Option<u32>,
    /// BLAKE3 of everything but debug information (docs/cli.md).
    program_hash: String,
    program_hash_with_debug: String,
    metadata_hash: Option<String>,
    sections: Vec<SectionReport>,
    code: CodeReport,
    data: DataReport,
    memory_map: Vec<RegionReport>,
    heap_base: u32,
    heap_size_max: u32,
    imports: Vec<ImportReport>,
    exports: Vec<ExportReport>,
    standard_program: Option<StandardReport>,
}

#[derive(Serialize)]
struct SectionReport {
    id: u8,
    name: &'static str,
    offset: u64,
    size: u64,
}

#[derive(Serialize)]
struct CodeReport {
    size: u32,
    bitmask_size: u64,
    instructions: u64,
    blocks: u64,
    jump_table_entries: u32,
    jump_table_entry_size: u8,
}

#[derive(Serialize)]
struct DataReport {
    ro_data_size: u32,
    ro_data_stored: u64,
    rw_data_size: u32,
    rw_data_stored: u64,
    stack_size: u32,
}

#[derive(Serialize)]
struct RegionReport {
    name: &'static str,
    address: u32,
    end: u64,
    size: u32,
    access: &'static str,
}

#[derive(Serialize)]
struct ImportReport {
    index: u32,
    symbol: Option<String>,
    offered_by_run: bool,
}

#[derive(Serialize)]
struct ExportReport {
    offset: u32,
    symbol: String,
}

#[derive(Serialize)]
struct StandardReport {
    zero_pages: u32,
    metadata_size: u64,
    metadata: Option<MetadataReport>,
    /// Why the metadata is not shown, if there is some that is not of the released tools' format.
    metadata_problem: Option<String>,
}

#[derive(Serialize)]
struct MetadataReport {
    name: String,
    version: String,
    license: String,
    authors: Vec<String>,
}

impl Report {
    fn new(loaded: &Loaded) -> Outcome<Report> {
        let program = &loaded.program;
        let bad = |error: pvm_program::ProgramError| Failure::input(&loaded.name, format_args!("{error:#}"));
        let map = program.memory_map(PAGE_SIZE_DEFAULT, aux_data_size(loaded.kind)).map_err(bad)?;
        let region = |name, address: u32, size: u32, access| RegionReport {
            name,
            address,
            end: widen(address) + widen(size),
            size,
            access,
        };
        let regions = [
            region("ro data", map.ro_data_address(), map.ro_data_size(), "r"),
            region("rw data", map.rw_data_address(), map.rw_data_size(), "rw"),
            region("stack", map.stack_address_low(), map.stack_size(), "rw"),
            region("arguments", map.aux_data_address(), map.aux_data_size(), "r"),
        ];
        let is_jam = program.set() == InstructionSet::JamV1;
        let validity = is_jam.then(|| program.code().validate());
        let invalid_at = validity.and_then(Result::err);
        Ok(Report {
            file: loaded.name.clone(),
            kind: loaded.kind.words(),
            file_size: loaded.file_size,
            instruction_set: program.set().name(),
            encoding: match program.set().encoding() {
                Encoding::Bitmask => "bitmask",
                Encoding::MacroBlock => "macro blocks",
            },
            register_bits: if program.set().is_64_bit() { 64 } else { 32 },
            valid_for_jam: is_jam.then_some(invalid_at.is_none()),
            invalid_at,
            program_hash: hex(&program.hash(false)),
            program_hash_with_debug: hex(&program.hash(true)),
            metadata_hash: Some(program.metadata_hash()).filter(|hash| !hash.is_empty()).map(hex),
            sections: sections(loaded).map_err(bad)?,
            code: code(program),
            data: DataReport {
                ro_data_size: program.ro_data_size(),
                ro_data_stored: to_u64(program.ro_data().len()),
                rw_data_size: program.rw_data_size(),
                rw_data_stored: to_u64(program.rw_data().len()),
                stack_size: program.stack_size(),
            },
            memory_map: regions.into_iter().filter(|region| region.size > 0).collect(),
            heap_base: map.heap_base(),
            heap_size_max: map.max_heap_size(),
            imports: imports(program),
            exports: program
                .exports()
                .map(|export| ExportReport { offset: export.offset, symbol: symbol(export.symbol) })
                .collect(),
            standard_program: loaded.standard.as_ref().map(|standard| {
                let metadata = &loaded.bytes[standard.metadata.clone()];
                let parsed = (!metadata.is_empty()).then(|| JamMetadata::parse(metadata));
                StandardReport {
                    zero_pages: standard.zero_pages,
                    metadata_size: to_u64(metadata.len()),
                    metadata_problem: parsed
                        .as_ref()
                        .and_then(|parsed| parsed.as_ref().err().map(|error| format!("{error:#}"))),
                    metadata: parsed.and_then(Result::ok).map(|metadata| MetadataReport {
                        name: metadata.name.to_owned(),
                        version: metadata.version.to_owned(),
                        license: metadata.license.to_owned(),
                        authors: metadata.authors.iter().map(|author| (*author).to_owned()).collect(),
                    }),
                }
            }),
        })
    }
}

fn sections(loaded: &Loaded) -> Result<Vec<SectionReport>, pvm_program::ProgramError> {
    if matches!(loaded.kind, Kind::Spi | Kind::Generic) {
        return Ok(Vec::new());
    }
    let sections = Sections::parse(&loaded.bytes, &loaded.options)?;
    let report = Section::ALL.into_iter().filter_map(|section| {
        let range = sections.range(section);
        (!range.is_empty()).then(|| SectionReport {
            id: section.id(),
            name: section_name(section),
            offset: to_u64(range.start),
            size: to_u64(range.len()),
        })
    });
    Ok(report.collect())
}

const fn section_name(section: Section) -> &'static str {
    match section {
        Section::MemoryConfig => "memory config",
        Section::RoData => "ro data",
        Section::RwData => "rw data",
        Section::Imports => "imports",
        Section::Exports => "exports",
        Section::Code => "code and jump table",
        Section::DebugStrings => "debug strings",
        Section::DebugLinePrograms => "debug line programs",
        Section::DebugLineProgramRanges => "debug line program ranges",
        Section::MetadataHash => "metadata hash",
    }
}

fn code(program: &Program) -> CodeReport {
    let code = program.code();
    let mut report = CodeReport {
        size: code.len(),
        bitmask_size: to_u64(code.bitmask().len()),
        instructions: 0,
        blocks: 0,
        jump_table_entries: program.jump_table().len(),
        jump_table_entry_size: program.jump_table_entry_size(),
    };
    for block in crate::stats::Blocks::new(code) {
        report.instructions += block.instructions;
        report.blocks += 1;
    }
    report
}

fn imports(program: &Program) -> Vec<ImportReport> {
    (0..)
        .zip(program.imports().iter())
        .map(|(index, name)| ImportReport { index, symbol: name.map(symbol), offered_by_run: is_offered(name) })
        .collect()
}

/// A line of the report: a name in a column of its own, then text.
macro_rules! line {
    ($f:ident, $name:expr, $($text:tt)*) => {{
        write!($f, "{:<17} ", $name)?;
        writeln!($f, $($text)*)?;
    }};
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line!(f, "file", "{}", self.file);
        line!(f, "kind", "{}, {} bytes", self.kind, self.file_size);
        line!(f, "instruction set", "{} ({}, {} bits)", self.instruction_set, self.encoding, self.register_bits);
        line!(f, "program hash", "{}", self.program_hash);
        line!(f, "  with debug info", "{}", self.program_hash_with_debug);
        if let Some(hash) = &self.metadata_hash {
            line!(f, "metadata hash", "{hash}");
        }
        let code = &self.code;
        line!(
            f,
            "code",
            "{} bytes, {} instructions in {} blocks, bitmask {} bytes",
            code.size,
            code.instructions,
            code.blocks,
            code.bitmask_size
        );
        if let Some(offset) = self.invalid_at {
            line!(f, "", "not valid under the Gray Paper 0.8's rules from offset {offset} on");
        }
        line!(f, "jump table", "{} entries of {} bytes", code.jump_table_entries, code.jump_table_entry_size);
        let data = &self.data;
        line!(f, "ro data", "{} bytes, {} stored", data.ro_data_size, data.ro_data_stored);
        line!(f, "rw data", "{} bytes, {} stored", data.rw_data_size, data.rw_data_stored);
        line!(f, "stack", "{} bytes", data.stack_size);
        if let Some(standard) = &self.standard_program {
            standard.fmt(f)?;
        }
        heading(f, "Memory map")?;
        for region in &self.memory_map {
            let RegionReport { name, address, end, size, access } = region;
            writeln!(f, "  {address:#010x}..{end:#010x}  {access:<2}  {name} ({size} bytes)")?;
        }
        writeln!(f, "  heap from {:#010x}, at most {} bytes", self.heap_base, self.heap_size_max)?;
        if !self.sections.is_empty() {
            heading(f, "Sections")?;
            for SectionReport { id, name, offset, size } in &self.sections {
                writeln!(f, "  {id:>3}  {name:<26} {size:>9} bytes at {offset:#x}")?;
            }
        }
        if !self.imports.is_empty() {
            heading(f, "Imports")?;
        }
        for import in &self.imports {
            let name = import.symbol.as_deref().unwrap_or("(not readable)");
            let offered = if import.offered_by_run { "  (offered by pvm run)" } else { "" };
            writeln!(f, "  {:>4}  {name}{offered}", import.index)?;
        }
        if !self.exports.is_empty() {
            heading(f, "Exports")?;
        }
        for export in &self.exports {
            writeln!(f, "  {:>8}  {}", export.offset, export.symbol)?;
        }
        Ok(())
    }
}

impl fmt::Display for StandardReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        line!(f, "zero pages", "{}", self.zero_pages);
        match (&self.metadata, &self.metadata_problem) {
            (Some(metadata), _) => {
                let MetadataReport { name, version, license, authors } = metadata;
                line!(f, "metadata", "{} {}", symbol(name.as_bytes()), symbol(version.as_bytes()));
                line!(f, "  license", "{}", symbol(license.as_bytes()));
                for author in authors {
                    line!(f, "  author", "{}", symbol(author.as_bytes()));
                }
            }
            (None, Some(problem)) => line!(f, "metadata", "{} bytes: {problem}", self.metadata_size),
            (None, None) => line!(f, "metadata", "none"),
        }
        Ok(())
    }
}

fn heading(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('\n')?;
    writeln!(f, "{text}")
}
