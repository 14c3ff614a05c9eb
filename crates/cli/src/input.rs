//! Input: what kind of file this is, and the program in it.
//!
//! ```text
//! bytes --+-- \x7fELF          -> linker  --+
//!         +-- PVM\0            -------------+
//!         +-- .jam, SPI        -------------+--> Program
//!         +-- assembly text    -> assembler +
//!         +-- anything else    -> an error that says what it looks like
//! ```
//!
//! A standard program has no magic, but its lengths must add up to the byte, so it is taken for one only if it parses.

use crate::failure::{Cause, Failure, Outcome};
use clap::{Args, ValueEnum};
use pvm_isa::InstructionSet;
use pvm_num::casts::to_u64;
use pvm_program::{JamNumbering, Latest64Layout, ParseOptions, Program, StandardProgram};
use std::fmt;
use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};

/// Longest file that is read, in bytes.
const FILE_SIZE_MAX: u64 = 256 << 20;

/// Which file to read, and what its bytes do not say.
#[derive(Args, Debug)]
pub(crate) struct InputArgs {
    /// The file: an ELF, a .polkavm blob, a .jam or SPI program or assembly text; - is standard input
    #[arg(value_name = "FILE")]
    pub(crate) path: PathBuf,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
}

/// What a file's bytes do not say.
#[derive(Args, Debug, Clone, Default)]
#[command(next_help_heading = "Input options")]
pub(crate) struct FormatArgs {
    /// Take the file for this kind instead of looking at it
    #[arg(long, value_enum)]
    pub(crate) kind: Option<Kind>,
    /// The instruction set, for files that do not name theirs: SPI and generic programs (default jam_v1), ELFs (default by
    /// class), assembly without %isa; gp07 also says that a jam_v1 blob has the numbering of the Gray Paper 0.7
    #[arg(long, value_enum)]
    pub(crate) isa: Option<Isa>,
    /// How the code of latest64 is encoded
    #[arg(long, value_enum, default_value = "detect")]
    pub(crate) latest64_layout: Layout,
    /// How much the linker optimises an ELF
    #[arg(long, value_name = "0|1|2", default_value_t = 1, value_parser = clap::value_parser!(u8).range(0..=2))]
    pub(crate) opt_level: u8,
}

/// Kinds of files.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Kind {
    /// A RISC-V ELF, which is linked first
    Elf,
    /// A .polkavm blob
    Polkavm,
    /// A JAM standard program, with or without metadata in front
    Spi,
    /// A generic program of the Gray Paper: jump table, code, bitmask (never guessed)
    Generic,
    /// Assembly text
    Text,
}

impl Kind {
    /// The kind in words.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Kind::Elf => "RISC-V ELF",
            Kind::Polkavm => ".polkavm blob",
            Kind::Spi => "JAM standard program",
            Kind::Generic => "generic program",
            Kind::Text => "assembly text",
        }
    }
}

/// Instruction sets by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Isa {
    /// pallet-revive's contracts
    ReviveV1,
    /// Gray Paper 0.8
    JamV1,
    /// Gray Paper 0.7
    Gp07,
    /// 32-bit
    Latest32,
    /// 64-bit; SPI and generic programs have it with a bitmask always
    Latest64,
}

impl Isa {
    /// The set in code with a bitmask.
    pub(crate) const fn with_bitmask(self) -> InstructionSet {
        match self {
            Isa::ReviveV1 => InstructionSet::ReviveV1,
            Isa::JamV1 => InstructionSet::JamV1,
            Isa::Gp07 => InstructionSet::Gp07,
            Isa::Latest32 => InstructionSet::Latest32,
            Isa::Latest64 => InstructionSet::Latest64Bitmask,
        }
    }

    /// The set with latest64 in this layout.
    pub(crate) const fn with_layout(self, layout: Layout) -> InstructionSet {
        match (self, layout) {
            (Isa::Latest64, Layout::Detect | Layout::MacroBlock) => InstructionSet::Latest64,
            _ => self.with_bitmask(),
        }
    }
}

/// Encodings of latest64.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(crate) enum Layout {
    /// Look at a blob's code; write macro blocks
    #[default]
    Detect,
    /// With a bitmask, as releases up to 0.36
    Bitmask,
    /// In macro blocks, as releases from 0.37 on
    MacroBlock,
}

/// A file that was read.
pub(crate) struct Input {
    /// Its name, for messages.
    pub(crate) name: String,
    /// Its contents.
    pub(crate) bytes: Vec<u8>,
}

/// A program and where it came from.
pub(crate) struct Loaded {
    /// The file's name, for messages.
    pub(crate) name: String,
    /// The file's size in bytes.
    pub(crate) file_size: u64,
    /// The kind of file.
    pub(crate) kind: Kind,
    /// The program.
    pub(crate) program: Program,
    /// What only standard programs have.
    pub(crate) standard: Option<StandardProgram>,
    /// The bytes of the file, but for ELF and text those of the blob that was made of it.
    pub(crate) bytes: Vec<u8>,
    /// How `bytes` are parsed if they are a blob.
    pub(crate) options: ParseOptions,
}

impl Input {
    /// Reads a file, or standard input if the path is `-`.
    ///
    /// # Errors
    /// If it cannot be read or is larger than 256 MiB.
    pub(crate) fn read(path: &Path) -> Outcome<Input> {
        let is_stdin = path.as_os_str() == "-";
        let name = if is_stdin { "standard input".to_owned() } else { path.display().to_string() };
        if is_stdin && io::stdin().is_terminal() {
            return Err(Failure::usage("standard input is a terminal; redirect a file to it or name one"));
        }
        let mut bytes = Vec::new();
        let read = match is_stdin {
            true => io::stdin().lock().take(FILE_SIZE_MAX + 1).read_to_end(&mut bytes),
            false => File::open(path).and_then(|file| file.take(FILE_SIZE_MAX + 1).read_to_end(&mut bytes)),
        };
        read.map_err(|error| Failure::io(format_args!("cannot read {name}"), &error))?;
        if to_u64(bytes.len()) > FILE_SIZE_MAX {
            return Err(Failure::input(&name, format_args!("larger than {} MiB", FILE_SIZE_MAX >> 20)));
        }
        Ok(Input { name, bytes })
    }

    /// What kind of file this is.
    ///
    /// # Errors
    /// If it is none that is known.
    pub(crate) fn detect(&self, format: &FormatArgs) -> Outcome<Kind> {
        if let Some(kind) = format.kind {
            return Ok(kind);
        }
        if self.bytes.starts_with(b"\x7fELF") {
            return Ok(Kind::Elf);
        }
        if self.bytes.starts_with(&pvm_program::sections::MAGIC) {
            return Ok(Kind::Polkavm);
        }
        if StandardProgram::parse(&self.bytes).is_ok() {
            return Ok(Kind::Spi);
        }
        if looks_like_assembly(&self.bytes) {
            return Ok(Kind::Text);
        }
        Err(Failure::input(
            &self.name,
            format_args!(
                "not recognised: {}\n\
                 known are: a RISC-V ELF, a .polkavm blob (starts with \"PVM\\0\"), a JAM standard program (.jam, .spi: \
                 its lengths must add up), assembly text (starts with a directive, a label or an instruction)\n\
                 --kind says what it is, if it is one of these or a generic program",
                Resemblance(&self.bytes)
            ),
        ))
    }

    /// The program in it; links an ELF and assembles text first.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(crate) fn load(self, format: &FormatArgs) -> Outcome<Loaded> {
        let kind = self.detect(format)?;
        let file_size = to_u64(self.bytes.len());
        let Input { name, bytes } = self;
        let bad = |error: &dyn fmt::Display| Failure::input(&name, format_args!("{error:#}"));
        let options = parse_options(format);
        let bitmask_set = format.isa.unwrap_or(Isa::JamV1).with_bitmask();
        let (program, standard, bytes) = match kind {
            Kind::Elf => {
                let program = crate::link::link_for(&name, &bytes, format)?;
                let blob = program.to_blob().map_err(|error| bad(&error))?;
                (program, None, blob)
            }
            Kind::Polkavm => {
                let program = Program::parse(&bytes[..], &options).map_err(|error| bad(&error))?;
                check_isa(&name, &program, format)?;
                (program, None, bytes)
            }
            Kind::Spi => {
                let standard = StandardProgram::parse(&bytes).map_err(|error| bad(&error))?;
                let program = Program::parse_spi(&bytes[..], bitmask_set).map_err(|error| bad(&error))?;
                (program, Some(standard), bytes)
            }
            Kind::Generic => {
                let program = Program::parse_generic(&bytes[..], bitmask_set).map_err(|error| bad(&error))?;
                (program, None, bytes)
            }
            Kind::Text => {
                let program = crate::asm::assemble(&name, &bytes, format)?;
                let blob = program.to_blob().map_err(|error| bad(&error))?;
                (program, None, blob)
            }
        };
        Ok(Loaded { name, file_size, kind, program, standard, bytes, options })
    }
}

impl InputArgs {
    /// Reads the file and loads the program in it.
    ///
    /// # Errors
    /// As [`Input::read`] and [`Input::load`].
    pub(crate) fn load(&self) -> Outcome<Loaded> {
        Input::read(&self.path)?.load(&self.format)
    }
}

/// How a blob is read.
pub(crate) fn parse_options(format: &FormatArgs) -> ParseOptions {
    ParseOptions {
        latest64_layout: match format.latest64_layout {
            Layout::Detect => Latest64Layout::Detect,
            Layout::Bitmask => Latest64Layout::Bitmask,
            Layout::MacroBlock => Latest64Layout::MacroBlock,
        },
        jam_numbering: if format.isa == Some(Isa::Gp07) { JamNumbering::Gp07 } else { JamNumbering::Gp08 },
        ..ParseOptions::default()
    }
}

/// A blob names its set; asking for another is a mistake.
fn check_isa(name: &str, program: &Program, format: &FormatArgs) -> Outcome<()> {
    match format.isa {
        Some(isa) if isa.with_bitmask().name() != program.set().name() => Err(Failure::new(
            Cause::Usage,
            format_args!("{name}: --isa {} does not fit a blob of {}", isa.with_bitmask().name(), program.set().name()),
        )),
        _ => Ok(()),
    }
}

/// Is this text whose first line that says something starts as assembly does, or assembles by itself?
fn looks_like_assembly(bytes: &[u8]) -> bool {
    let Some(line) = std::str::from_utf8(bytes).ok().and_then(first_line) else {
        return false;
    };
    let is_directive = line.strip_prefix('%').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
    is_directive
        || line.starts_with('@')
        || line.starts_with("pub @")
        || pvm_text::assemble(line, Some(InstructionSet::Latest64)).is_ok()
}

/// The first line that is neither empty nor a comment.
fn first_line(text: &str) -> Option<&str> {
    text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with("//"))
}

/// What a file that is none of ours looks like, in words.
struct Resemblance<'a>(&'a [u8]);

impl fmt::Display for Resemblance<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MAGICS: [(&[u8], &str); 11] = [
            (b"!<arch>\n", "a static library; `pvm link` it first"),
            (b"!<thin>\n", "a thin static library; make it without --thin and `pvm link` it first"),
            (b"\0asm", "a WebAssembly module"),
            (b"MZ", "a Windows executable"),
            (b"\xcf\xfa\xed\xfe", "a Mach-O file"),
            (b"\xca\xfe\xba\xbe", "a Mach-O or Java class file"),
            (b"\x1f\x8b", "compressed with gzip; unpack it first"),
            (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it first"),
            (b"PK\x03\x04", "a zip archive; unpack it first"),
            (b"#!", "a script"),
            (b"PVM", "starts with \"PVM\" but not with \"PVM\\0\""),
        ];
        if self.0.is_empty() {
            return f.write_str("the file is empty");
        }
        if let Some((_, words)) = MAGICS.iter().find(|(magic, _)| self.0.starts_with(magic)) {
            return f.write_str(words);
        }
        match std::str::from_utf8(self.0).ok().and_then(first_line) {
            Some(line) if !line.chars().any(char::is_control) => {
                let shown: String = line.chars().take(40).collect();
                write!(f, "text, but {shown:?} is not assembly")
            }
            _ => {
                f.write_str("binary, starting with")?;
                self.0.iter().take(8).try_for_each(|byte| write!(f, " {byte:02x}"))
            }
        }
    }
}
