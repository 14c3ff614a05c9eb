//! `pvm disasm`: a listing of a program's code.

use crate::failure::{Failure, Outcome};
use crate::input::InputArgs;
use crate::native::{Cpu, Listing};
use crate::output::stream_text;
use crate::run::rule;
use clap::{Args, ValueEnum};
use pvm_gas::Rule;
use pvm_text::{DisassembleOptions, Format, Source, Style};
use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `pvm disasm`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  pvm disasm program.polkavm
  pvm disasm hello.elf --lines --raw-bytes --gas full
  pvm disasm a.polkavm --format diff -o a.txt
  pvm disasm a.polkavm --native --gas full
  pvm disasm a.polkavm --format reassemblable | pvm asm - -o b.polkavm")]
pub(crate) struct DisasmArgs {
    #[command(flatten)]
    input: InputArgs,
    /// Where to write the listing [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The shape of the listing
    #[arg(long, value_enum, default_value = "guest")]
    format: Shape,
    /// Show the bytes of every instruction
    #[arg(long)]
    raw_bytes: bool,
    /// Show what every block costs under this gas rule
    #[arg(long, value_name = "RULE", value_parser = rule)]
    gas: Option<Rule>,
    /// Show source lines where the debug information has them
    #[arg(long)]
    lines: bool,
    /// Leave out the offsets of instructions
    #[arg(long)]
    no_offsets: bool,
    /// Leave out the sizes at the top
    #[arg(long)]
    no_header: bool,
    /// Leave out the names of exports
    #[arg(long)]
    no_exports: bool,
    /// Name registers r0 to r12
    #[arg(long)]
    numbered_registers: bool,
    /// Write every instruction in full: no `ret`, no subtraction of an immediate
    #[arg(long)]
    unaliased: bool,
    /// Show the targets of jumps as offsets instead of block numbers
    #[arg(long)]
    offset_targets: bool,
    /// Show the machine code that the compiler makes of every instruction
    #[arg(long, conflicts_with_all = [
        "format", "raw_bytes", "lines", "no_offsets", "no_header", "no_exports", "numbered_registers", "unaliased",
        "offset_targets", "style",
    ])]
    native: bool,
    /// The processor that machine code is for
    #[arg(long, value_enum, default_value = "host", requires = "native")]
    cpu: Cpu,
    /// Write instructions as this release of polkavm does
    #[arg(long, value_enum, default_value = "0.37")]
    style: StyleName,
}

/// Shapes of listings.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Shape {
    /// A line for every block and instruction
    Guest,
    /// The same with _ in place of offsets and numbers, for comparing two programs
    Diff,
    /// Text that `pvm asm` turns into the same program again
    Reassemblable,
}

/// Ways of writing instructions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum StyleName {
    /// Offsets signed and decimal
    #[value(name = "0.37")]
    V037,
    /// Offsets in hexadecimal
    #[value(name = "0.35")]
    V035,
    /// As 0.37, but no two instructions look the same
    Exact,
}

/// Disassembles.
///
/// # Errors
/// If the program cannot be read or the listing not be written.
pub(crate) fn disasm(args: &DisasmArgs) -> Outcome {
    let format = match args.format {
        Shape::Guest => Format::Guest,
        Shape::Diff => Format::DiffFriendly,
        Shape::Reassemblable => Format::Reassemblable,
    };
    if format == Format::Reassemblable && (args.raw_bytes || args.no_exports || args.unaliased) {
        return Err(Failure::usage(
            "--format reassemblable goes neither with --raw-bytes nor with --no-exports nor with --unaliased",
        ));
    }
    let loaded = args.input.load()?;
    if args.native {
        let listing = Listing::new(&loaded, args.gas.as_ref(), args.cpu)?;
        stream_text(args.output.as_deref(), |out| listing.write(out))?;
        return Ok(ExitCode::SUCCESS);
    }
    let options = DisassembleOptions {
        format,
        style: match args.style {
            StyleName::V037 => Style::V037,
            StyleName::V035 => Style::V035,
            StyleName::Exact => Style::Exact,
        },
        unaliased: args.unaliased,
        numbered_registers: args.numbered_registers,
        offset_targets: args.offset_targets,
        show_offsets: !args.no_offsets,
        show_raw_bytes: args.raw_bytes,
        show_source_lines: args.lines,
        show_header: !args.no_header,
        show_exports: !args.no_exports,
        gas: args.gas.clone(),
    };
    let source = Source::from(&loaded.program);
    stream_text(args.output.as_deref(), |out| pvm_text::disassemble_to(&source, &options, out))?;
    Ok(ExitCode::SUCCESS)
}
