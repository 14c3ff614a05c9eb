//! `pvm link`: from RISC-V ELFs and archives of them to a program.

use crate::asm::{Container, container};
use crate::failure::{Cause, Failure, Outcome};
use crate::input::{FormatArgs, Input, Isa, Layout};
use crate::output::{hex, print_json, unhex, write_binary, write_text};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use pvm_isa::InstructionSet;
use pvm_linker::{Config, PassSelection};
use pvm_num::casts::to_u64;
use pvm_num::limits::STACK_SIZE_DEFAULT;
use pvm_program::{JamMetadata, Program, Varints};
use serde::Serialize;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

/// Files from this size on take long enough to show that something happens.
const SLOW_SIZE: usize = 1 << 20;
/// Exports that a JAM program's entry points go to, if it has all of one row.
const JAM_ENTRY_POINTS: [&[&str]; 2] = [&["refine_ext", "accumulate_ext"], &["is_authorized_ext"]];

/// Arguments of `pvm link`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  pvm link hello.elf -o hello.polkavm
  pvm link contract.elf -o contract.polkavm --target revive_v1 --strip
  pvm link service.elf -o service.spi --target jam-spi --dispatch-table refine_ext,accumulate_ext
  pvm link service.elf -o service.jam --target jam-spi --name service --program-version 1.0 --author me
  pvm link hello.elf -o hello.polkavm --map -
  pvm link hello.elf --emit ir --opt-level 0
  pvm link hello.elf -o hello.polkavm --passes=-inline,-thread
  pvm link --list-passes
  pvm link main.o printf.o libc.a -o hello.polkavm

An executable or shared object must keep its relocations: link it with --emit-relocs. Relocatable files and static libraries
need no linker before this one.")]
pub(crate) struct LinkArgs {
    /// One linked ELF, or relocatable ELFs and static libraries; - is standard input
    #[arg(value_name = "FILE", required_unless_present = "list_passes")]
    paths: Vec<PathBuf>,
    /// Where to write the program; - is standard output [default with --emit ir: -]
    #[arg(short, long, value_name = "FILE", required_unless_present_any = ["emit", "list_passes"])]
    output: Option<PathBuf>,
    /// The instruction set and container [default: latest64 or latest32, as the ELF is 64-bit or 32-bit]
    #[arg(long, value_enum)]
    target: Option<Target>,
    /// 0 keeps everything, 1 drops what cannot be reached, 2 optimises
    #[arg(long, value_name = "0|1|2", default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=2))]
    opt_level: u8,
    /// Passes to switch off (-name) or on (+name), or the only ones to run (name)
    #[arg(long, value_name = "NAMES", allow_hyphen_values = true, default_value = "", value_parser = PassSelection::parse)]
    passes: PassSelection,
    /// Stop after so many applications of passes, to find the one that breaks a program
    #[arg(long, value_name = "N")]
    stop_after: Option<u32>,
    /// List the passes; of a FILE, their applications as --stop-after counts them
    #[arg(long)]
    list_passes: bool,
    /// What to make small
    #[arg(long, value_enum, default_value_t = Optimize::Size)]
    optimize: Optimize,
    /// What level 2 may take for granted about the code
    #[arg(long, value_enum, default_value_t = Trust::Convention)]
    trust: Trust,
    /// Leave out debug information
    #[arg(short, long)]
    strip: bool,
    /// Least size of the stack in bytes; the program can ask for more
    #[arg(long, value_name = "BYTES", default_value_t = STACK_SIZE_DEFAULT)]
    min_stack_size: u32,
    /// Exports that get a fixed place: entry i at offset 5 * i [default for jam-spi: refine_ext,accumulate_ext or
    /// is_authorized_ext, if the program exports them]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    dispatch_table: Vec<String>,
    /// Take what defines this symbol from a static library, as if a file referred to it
    #[arg(short = 'u', long = "undefined", value_name = "SYMBOL")]
    undefined: Vec<String>,
    /// A hash of metadata kept elsewhere, in hexadecimal, to put into the blob
    #[arg(long, value_name = "HEX")]
    metadata_hash: Option<String>,
    /// Also write what went where, and the chain of references from an export that keeps it
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    #[command(flatten)]
    metadata: MetadataArgs,
    /// Write something else than the program
    #[arg(long, value_enum)]
    emit: Option<Emit>,
    /// Print what was made on standard error
    #[arg(short, long)]
    verbose: bool,
    /// Print what was made as JSON on standard output
    #[arg(long)]
    json: bool,
}

/// What stands in front of a JAM standard program for people to read.
#[derive(Args, Debug)]
#[command(next_help_heading = "Metadata (.jam: jam-spi only)")]
struct MetadataArgs {
    /// Name of the program
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Its version
    #[arg(long, value_name = "TEXT", requires = "name")]
    program_version: Option<String>,
    /// Its licence
    #[arg(long, value_name = "TEXT", requires = "name")]
    license: Option<String>,
    /// An author; may be repeated
    #[arg(long = "author", value_name = "TEXT", requires = "name")]
    authors: Vec<String>,
}

impl MetadataArgs {
    /// The bytes to write in front of the program, if there is metadata.
    fn prefix(&self) -> Option<Vec<u8>> {
        let metadata = JamMetadata {
            name: self.name.as_deref()?,
            version: self.program_version.as_deref().unwrap_or_default(),
            license: self.license.as_deref().unwrap_or_default(),
            authors: self.authors.iter().map(String::as_str).collect(),
        };
        Some(metadata.to_prefix())
    }
}

/// What a program is linked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Target {
    /// 64-bit, in macro blocks (polkavm from 0.37 on)
    #[value(alias = "64")]
    Latest64,
    /// 64-bit, with a bitmask (polkavm up to 0.36)
    Latest64Bitmask,
    /// 32-bit
    #[value(alias = "32")]
    Latest32,
    /// pallet-revive's contracts
    #[value(name = "revive_v1")]
    ReviveV1,
    /// Gray Paper 0.8, as a .polkavm blob
    #[value(name = "jam_v1")]
    JamV1,
    /// Gray Paper 0.8, as a standard program
    JamSpi,
}

impl Target {
    /// Its name on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    const fn set(self) -> InstructionSet {
        match self {
            Target::Latest64 => InstructionSet::Latest64,
            Target::Latest64Bitmask => InstructionSet::Latest64Bitmask,
            Target::Latest32 => InstructionSet::Latest32,
            Target::ReviveV1 => InstructionSet::ReviveV1,
            Target::JamV1 | Target::JamSpi => InstructionSet::JamV1,
        }
    }
}

/// What the linker aims for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Optimize {
    /// The code
    Size,
    /// What the pipeline gas model charges
    Gas,
}

/// What is taken for granted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Trust {
    /// Functions keep the calling convention, as those of compilers do
    Convention,
    /// Nothing: for assembly by hand that keeps no convention; the program gets bigger
    Nothing,
}

/// Other outputs of the linker.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Emit {
    /// The intermediate form behind the passes, as text
    Ir,
}

#[derive(Serialize)]
struct Summary {
    input: String,
    input_size: u64,
    output: String,
    output_size: u64,
    instruction_set: &'static str,
    opt_level: u8,
    program_hash: String,
    code_size: u32,
    jump_table_entries: u32,
    ro_data_size: u32,
    rw_data_size: u32,
    stack_size: u32,
    imports: u32,
    exports: u64,
}

/// Links.
///
/// # Errors
/// What the linker does not accept, or a file that cannot be read or written.
pub(crate) fn link(args: &LinkArgs) -> Outcome {
    let stdout_taken = args.output.as_ref().is_some_and(|path| path.as_os_str() == "-");
    if args.json && (stdout_taken || args.emit.is_some()) {
        return Err(Failure::usage("--json and the output would both go to standard output"));
    }
    if args.metadata.name.is_some() && args.target != Some(Target::JamSpi) {
        return Err(Failure::usage("--name needs --target jam-spi: no other container has a place for it"));
    }
    let mut config = config(args)?;
    if args.list_passes {
        return list_passes(args, &config);
    }
    let inputs = read_all(&args.paths)?;
    let files = Files::new(&inputs);
    if args.emit == Some(Emit::Ir) {
        let _progress = files.progress();
        let text = pvm_linker::link_files_to_ir(&files.inputs, &config).map_err(|error| files.bad(&error))?;
        write_text(args.output.as_deref(), text.as_bytes())?;
        return Ok(ExitCode::SUCCESS);
    }
    let program = files.link_for_target(&mut config, args.target)?;
    let bytes = contained(&files.name, &program, args.target, args.metadata.prefix().unwrap_or_default())?;
    if let Some(path) = &args.map {
        let map = pvm_linker::link_map(&files.inputs, &config).map_err(|error| files.bad(&error))?;
        write_text(Some(path), map.to_string().as_bytes())?;
    }
    let output = args.output.as_ref().expect("required unless something else is emitted");
    write_binary(output, &bytes)?;
    let summary = Summary {
        input_size: to_u64(files.size()),
        input: files.name,
        output: output.display().to_string(),
        output_size: to_u64(bytes.len()),
        instruction_set: program.set().name(),
        opt_level: args.opt_level,
        program_hash: hex(&program.hash(false)),
        code_size: program.code().len(),
        jump_table_entries: program.jump_table().len(),
        ro_data_size: program.ro_data_size(),
        rw_data_size: program.rw_data_size(),
        stack_size: program.stack_size(),
        imports: program.imports().len(),
        exports: to_u64(program.exports().count()),
    };
    if args.json {
        print_json(&summary)?;
    }
    if args.verbose {
        summary.print();
    }
    Ok(ExitCode::SUCCESS)
}

/// The file of a program for a target, with metadata in front if there is any.
fn contained(name: &str, program: &Program, target: Option<Target>, metadata: Vec<u8>) -> Outcome<Vec<u8>> {
    let format = if target == Some(Target::JamSpi) { Container::Spi } else { Container::Polkavm };
    let mut bytes = metadata;
    bytes.extend(container(name, program, format)?);
    Ok(bytes)
}

/// What `pvm build` has linked.
pub(crate) struct ProjectLink<'a> {
    /// What the toolchain made.
    pub(crate) elf: &'a Path,
    /// Where the program goes.
    pub(crate) output: &'a Path,
    /// What it is for.
    pub(crate) target: Option<Target>,
    /// Leave out debug information?
    pub(crate) strip: bool,
    /// What stands in front of a standard program.
    pub(crate) metadata: Vec<u8>,
}

/// Links the ELF of a project at level 2; the size of the program in bytes.
///
/// # Errors
/// What the linker does not accept, or a file that cannot be read or written.
pub(crate) fn link_project(link: &ProjectLink<'_>) -> Outcome<u64> {
    let inputs = [Input::read(link.elf)?];
    let files = Files::new(&inputs);
    let mut config = Config { target: link.target.map(Target::set), strip: link.strip, ..Config::default() };
    let program = files.link_for_target(&mut config, link.target)?;
    let bytes = contained(&files.name, &program, link.target, link.metadata.clone())?;
    write_binary(link.output, &bytes)?;
    Ok(to_u64(bytes.len()))
}

fn config(args: &LinkArgs) -> Outcome<Config> {
    let metadata_hash = match &args.metadata_hash {
        Some(text) => unhex(text).ok_or_else(|| Failure::usage("--metadata-hash: not pairs of hexadecimal digits"))?,
        None => Vec::new(),
    };
    Ok(Config {
        target: args.target.map(Target::set),
        opt_level: args.opt_level,
        passes: args.passes,
        stop_after: args.stop_after,
        optimize: match args.optimize {
            Optimize::Size => pvm_linker::Optimize::Size,
            Optimize::Gas => pvm_linker::Optimize::Gas,
        },
        trust: match args.trust {
            Trust::Convention => pvm_linker::Trust::CallingConvention,
            Trust::Nothing => pvm_linker::Trust::Nothing,
        },
        min_stack_size: args.min_stack_size,
        dispatch_table: args.dispatch_table.iter().map(|name| name.as_bytes().to_vec()).collect(),
        metadata_hash,
        required_symbols: args.undefined.iter().map(|name| name.as_bytes().to_vec()).collect(),
        strip: args.strip,
    })
}

fn list_passes(args: &LinkArgs, config: &Config) -> Outcome {
    let mut text = String::new();
    if args.paths.is_empty() {
        for pass in pvm_linker::passes() {
            text += &format!("{:16}level {}  {}\n", pass.name, pass.level, pass.about);
        }
    } else {
        let inputs = read_all(&args.paths)?;
        let files = Files::new(&inputs);
        let passes = pvm_linker::trace_passes(&files.inputs, config).map_err(|error| files.bad(&error))?;
        for (number, application) in (1..).zip(passes) {
            let outcome = if application.changed { "" } else { "  no change" };
            text += &format!("{number:4} {}{outcome}\n", application.pass);
        }
    }
    write_text(args.output.as_deref(), text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn read_all(paths: &[PathBuf]) -> Outcome<Vec<Input>> {
    paths.iter().map(|path| Input::read(path)).collect()
}

/// A sign of life for files that take long, if somebody looks; goes away with the value.
struct Progress(ProgressBar);

impl Progress {
    fn new(name: &str, size: usize) -> Progress {
        if size < SLOW_SIZE || !std::io::stderr().is_terminal() {
            return Progress(ProgressBar::hidden());
        }
        let bar = ProgressBar::new_spinner().with_message(format!("linking {name}"));
        bar.enable_steady_tick(Duration::from_millis(100));
        Progress(bar)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

/// What is linked.
struct Files<'a> {
    /// All names.
    name: String,
    inputs: Vec<pvm_linker::Input<'a>>,
}

impl<'a> Files<'a> {
    fn new(inputs: &'a [Input]) -> Files<'a> {
        let names: Vec<&str> = inputs.iter().map(|input| &*input.name).collect();
        // A file that is alone is named once, in front of the message.
        let name = |input: &'a Input| if inputs.len() == 1 { "" } else { &input.name };
        let files = inputs.iter().map(|input| pvm_linker::Input { name: name(input), bytes: &input.bytes });
        Files { name: names.join(" "), inputs: files.collect() }
    }

    fn size(&self) -> usize {
        self.inputs.iter().map(|input| input.bytes.len()).sum()
    }

    fn progress(&self) -> Progress {
        Progress::new(&self.name, self.size())
    }

    fn bad(&self, error: &pvm_linker::LinkError) -> Failure {
        match self.inputs.len() {
            1 => Failure::input(&self.name, error),
            _ => Failure::new(Cause::BadInput, error),
        }
    }

    fn link(&self, config: &Config) -> Outcome<Program> {
        let _progress = self.progress();
        let parts = pvm_linker::link_files(&self.inputs, config).map_err(|error| self.bad(&error))?.parts;
        let bad = |error| Failure::input(&self.name, format_args!("{error:#}"));
        Program::from_parts(parts, Varints::Strict).map_err(bad)
    }

    /// Links; a standard program without a dispatch table has the entry points that its exports are named for.
    fn link_for_target(&self, config: &mut Config, target: Option<Target>) -> Outcome<Program> {
        let program = self.link(config)?;
        if target == Some(Target::JamSpi) && config.dispatch_table.is_empty() {
            let has = |name: &&str| program.exports().any(|export| export.symbol == name.as_bytes());
            if let Some(names) = JAM_ENTRY_POINTS.iter().find(|names| names.iter().all(has)) {
                config.dispatch_table = names.iter().map(|name| name.as_bytes().to_vec()).collect();
                return self.link(config);
            }
        }
        Ok(program)
    }
}

/// Links an ELF for a command that takes any program.
///
/// # Errors
/// What the linker does not accept.
pub(crate) fn link_for(name: &str, elf: &[u8], format: &FormatArgs) -> Outcome<Program> {
    let inputs = vec![pvm_linker::Input { name: "", bytes: elf }];
    Files { name: name.into(), inputs }.link(&config_for(format))
}

/// How an ELF is linked for a command that takes any program.
pub(crate) fn config_for(format: &FormatArgs) -> Config {
    let asked = format.isa.or((format.latest64_layout != Layout::Detect).then_some(Isa::Latest64));
    let target = asked.map(|isa| isa.with_layout(format.latest64_layout));
    Config { target, opt_level: format.opt_level, ..Config::default() }
}

impl Summary {
    fn print(&self) {
        // Nobody is left to tell if standard error is gone.
        let _ = writeln!(
            std::io::stderr(),
            "{} ({} bytes) -> {} ({} bytes): {}, level {}\n\
             code {} bytes, jump table {} entries, ro data {} bytes, rw data {} bytes, stack {} bytes, \
             {} imports, {} exports\n\
             hash {}",
            self.input,
            self.input_size,
            self.output,
            self.output_size,
            self.instruction_set,
            self.opt_level,
            self.code_size,
            self.jump_table_entries,
            self.ro_data_size,
            self.rw_data_size,
            self.stack_size,
            self.imports,
            self.exports,
            self.program_hash
        );
    }
}
