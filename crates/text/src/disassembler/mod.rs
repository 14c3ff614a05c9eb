//! The disassembler: from code to a listing (assembly.md 5).

mod guest;
mod layout;
mod map;
mod reassemble;
mod source_lines;

use pvm_gas::Rule;
use pvm_isa::display::Style;
use pvm_program::{Code, Export, Imports, JumpTable, Program};
use source_lines::SourceLines;
use std::{fmt, io};

/// The shapes of a listing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Format {
    /// Offset, bytes and text of every instruction, with a line for each block.
    #[default]
    Guest,
    /// The same with `_` in place of every offset and number, so that a change in one place stays in one place.
    DiffFriendly,
    /// Text that the assembler turns into the same code, byte by byte, with the same jump table, data, imports and exports.
    /// Debug sections and the metadata hash are not part of it. Instructions are always written in [`Style::Exact`], with
    /// aliases and, as far as they start blocks, labels for targets.
    Reassemblable,
}

/// What a listing shows.
#[derive(Clone, PartialEq, Debug)]
pub struct DisassembleOptions {
    /// Its shape.
    pub format: Format,
    /// How instructions are written.
    pub style: Style,
    /// No shorthands such as `ret`.
    pub unaliased: bool,
    /// `r0` to `r12` instead of ABI names.
    pub numbered_registers: bool,
    /// Offsets instead of `@N` as targets of jumps.
    pub offset_targets: bool,
    /// The offset of every instruction; of every block in [`Format::Reassemblable`].
    pub show_offsets: bool,
    /// The bytes of every instruction; not in [`Format::Reassemblable`].
    pub show_raw_bytes: bool,
    /// Sizes of the program, first.
    pub show_header: bool,
    /// The exports that start at a block.
    pub show_exports: bool,
    /// The gas of every block.
    pub gas: Option<Rule>,
    /// A comment where the source line changes, if the program has debug sections.
    pub show_source_lines: bool,
}

impl Default for DisassembleOptions {
    fn default() -> Self {
        DisassembleOptions {
            format: Format::default(),
            style: Style::default(),
            unaliased: false,
            numbered_registers: false,
            offset_targets: false,
            show_offsets: true,
            show_raw_bytes: false,
            show_header: true,
            show_exports: true,
            gas: None,
            show_source_lines: false,
        }
    }
}

/// What is disassembled: code, and what surrounds it.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// The code.
    pub code: Code<'a>,
    /// The jump table.
    pub jump_table: JumpTable<'a>,
    /// Read-only data.
    pub ro_data: &'a [u8],
    /// Declared size of the read-only data in bytes.
    pub ro_data_size: u32,
    /// Read-write data.
    pub rw_data: &'a [u8],
    /// Declared size of the read-write data in bytes.
    pub rw_data_size: u32,
    /// Declared size of the stack in bytes.
    pub stack_size: u32,
    /// Imports; none for containers that number host calls themselves.
    pub imports: Option<Imports<'a>>,
    /// Exports in their order.
    pub exports: Vec<Export<'a>>,
    /// The program whose debug sections describe the code.
    pub debug: Option<&'a Program>,
}

impl<'a> Source<'a> {
    /// Code alone, as a generic program has it.
    pub fn from_code(code: Code<'a>, jump_table: JumpTable<'a>) -> Self {
        Source {
            code,
            jump_table,
            ro_data: &[],
            ro_data_size: 0,
            rw_data: &[],
            rw_data_size: 0,
            stack_size: 0,
            imports: None,
            exports: Vec::new(),
            debug: None,
        }
    }
}

impl<'a> From<&'a Program> for Source<'a> {
    fn from(program: &'a Program) -> Self {
        Source {
            code: program.code(),
            jump_table: program.jump_table(),
            ro_data: program.ro_data(),
            ro_data_size: program.ro_data_size(),
            rw_data: program.rw_data(),
            rw_data_size: program.rw_data_size(),
            stack_size: program.stack_size(),
            imports: Some(program.imports()),
            exports: program.exports().collect(),
            debug: Some(program),
        }
    }
}

/// Writes a listing, a line at a time. Takes time in proportion to the program, and memory for maps of it only: at most half a
/// byte for one of code ([`Format::Reassemblable`]: two bytes), 4 bytes for a jump table entry, and 32 for an export.
///
/// # Errors
/// Those of `out` only.
pub fn disassemble(source: &Source<'_>, options: &DisassembleOptions, out: &mut dyn fmt::Write) -> fmt::Result {
    match options.format {
        Format::Guest | Format::DiffFriendly => guest::Listing::new(source, options, out).write(),
        Format::Reassemblable => reassemble::Listing::new(source, options, out).write(),
    }
}

/// Writes a listing to a byte stream, which should be buffered.
///
/// # Errors
/// Those of `out` only.
pub fn disassemble_to(source: &Source<'_>, options: &DisassembleOptions, out: &mut dyn io::Write) -> io::Result<()> {
    /// Keeps the error that `fmt::Error` cannot carry.
    struct Adapter<'a> {
        out: &'a mut dyn io::Write,
        error: io::Result<()>,
    }
    impl fmt::Write for Adapter<'_> {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.out.write_all(text.as_bytes()).map_err(|error| {
                self.error = Err(error);
                fmt::Error
            })
        }
    }
    let mut adapter = Adapter { out, error: Ok(()) };
    match disassemble(source, options, &mut adapter) {
        Ok(()) => adapter.out.flush(),
        Err(fmt::Error) => adapter.error,
    }
}

/// The listing as a string.
pub fn disassemble_to_string(source: &Source<'_>, options: &DisassembleOptions) -> String {
    let mut text = String::new();
    disassemble(source, options, &mut text).expect("strings take everything");
    text
}

/// The sizes at the top of every listing.
fn write_header(source: &Source<'_>, instructions: u32, out: &mut dyn fmt::Write) -> fmt::Result {
    writeln!(out, "// RO data = {}/{} bytes", source.ro_data.len(), source.ro_data_size)?;
    writeln!(out, "// RW data = {}/{} bytes", source.rw_data.len(), source.rw_data_size)?;
    writeln!(out, "// Stack size = {} bytes\n", source.stack_size)?;
    writeln!(out, "// Instructions = {instructions}")?;
    writeln!(out, "// Code size = {} bytes\n", source.code.len())
}

/// The source lines to show, if there are any and they are wanted.
fn source_lines<'a>(source: &Source<'a>, options: &DisassembleOptions) -> Option<SourceLines<'a>> {
    source.debug.filter(|_| options.show_source_lines).map(SourceLines::new)
}

/// Bytes in hex, two digits each, a blank between.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let blank = if index == 0 { "" } else { " " };
            write!(f, "{blank}{byte:02x}")?;
        }
        Ok(())
    }
}
