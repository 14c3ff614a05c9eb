//! `pvm asm`: from assembly text to a program.

use crate::failure::{Cause, Failure, Outcome};
use crate::input::{FormatArgs, Input, Isa, Layout};
use crate::output::write_binary;
use clap::{Args, ValueEnum};
use pvm_isa::{Encoding, InstructionSet};
use pvm_program::Program;
use pvm_text::{AssembleErrorKind, AssembleOptions};
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `pvm asm`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  pvm asm program.txt -o program.polkavm
  pvm asm program.txt -o service.spi --isa jam_v1 --format spi
  echo trap | pvm asm - -o - --isa latest64 | pvm disasm -")]
pub(crate) struct AsmArgs {
    /// The text; - is standard input
    #[arg(value_name = "FILE")]
    path: PathBuf,
    /// Where to write the program; - is standard output
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The instruction set of a text without %isa
    #[arg(long, value_enum)]
    isa: Option<Isa>,
    /// How latest64 is encoded in a text without %latest64_layout: detect means macro blocks
    #[arg(long, value_enum, default_value = "detect")]
    latest64_layout: Layout,
    /// The container
    #[arg(long, value_enum, default_value = "polkavm")]
    format: Container,
}

/// Containers a program can be written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Container {
    /// A .polkavm blob
    Polkavm,
    /// A JAM standard program without metadata; it has neither imports nor exports
    Spi,
    /// A generic program of the Gray Paper: jump table, code and bitmask only
    Generic,
}

/// Assembles.
///
/// # Errors
/// The first line that is wrong, or a file that cannot be read or written.
pub(crate) fn asm(args: &AsmArgs) -> Outcome {
    let input = Input::read(&args.path)?;
    let format = FormatArgs { isa: args.isa, latest64_layout: args.latest64_layout, ..FormatArgs::default() };
    let program = assemble(&input.name, &input.bytes, &format)?;
    write_binary(&args.output, &container(&input.name, &program, args.format)?)?;
    Ok(ExitCode::SUCCESS)
}

/// The program in a container.
///
/// # Errors
/// If the container cannot hold it.
pub(crate) fn container(name: &str, program: &Program, format: Container) -> Outcome<Vec<u8>> {
    let bad = |error| Failure::input(name, format_args!("{error:#}"));
    if format != Container::Polkavm && program.set().encoding() == Encoding::MacroBlock {
        return Err(Failure::input(
            name,
            "latest64 in macro blocks has no bitmask, which this container needs; --latest64-layout bitmask gives it one, --isa jam_v1 is for JAM",
        ));
    }
    match format {
        Container::Polkavm => program.to_blob().map_err(bad),
        Container::Spi => program.to_spi().map_err(bad),
        Container::Generic => Ok(program.to_generic().to_vec()),
    }
}

/// The program that a text stands for.
///
/// # Errors
/// The first line that is wrong.
pub(crate) fn assemble(name: &str, bytes: &[u8], format: &FormatArgs) -> Outcome<Program> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        Failure::input(name, format_args!("not UTF-8 from byte {} on, so no assembly text", error.valid_up_to()))
    })?;
    let options = AssembleOptions {
        default_set: format.isa.map(|isa| isa.with_layout(format.latest64_layout)),
        latest64_layout: match format.latest64_layout {
            Layout::Bitmask => Encoding::Bitmask,
            Layout::Detect | Layout::MacroBlock => Encoding::MacroBlock,
        },
    };
    let assembled = pvm_text::assemble_with(text, &options).map_err(|error| {
        Failure::new(Cause::BadInput, format_args!("{name}:{}: {}", error.line, problem(&error.kind)))
    })?;
    assembled.to_program().map_err(|error| Failure::input(name, format_args!("{error:#}")))
}

/// What is wrong with a line whose number has been named.
fn problem(kind: &AssembleErrorKind) -> String {
    use AssembleErrorKind as K;
    match kind {
        K::UnknownLine { text } => {
            format!("neither instruction nor label nor directive: {text:?} (see docs/assembly.md)")
        }
        K::BadLine(reason) => reason.to_string(),
        K::BadDirective => "an unknown directive, or a malformed value (see docs/assembly.md)".to_owned(),
        K::NoInstructionSet => {
            let names = InstructionSet::ALL.map(InstructionSet::name);
            format!("no instruction set; --isa or a line `%isa = NAME` names one of {}", names[..5].join(", "))
        }
        K::DuplicateLabel { name } => format!("the label \"{name}\" is there already"),
        K::UndefinedLabel { name } => format!("there is no label \"{name}\""),
        K::LabelAtEnd { name } => format!("no instruction follows the label \"{name}\""),
        K::Unavailable { opcode, set } => format!("{set} has no {opcode}"),
        K::NoInstructionAt { offset } => format!("the jump goes to offset {offset}, where no instruction starts"),
        K::TooLong { what, limit } => format!("the {what} is too long; at most {limit}"),
    }
}
