//! Directives and labels: everything in a text that is not an instruction.

use super::number::{decimal_32, hex_bytes};
use crate::symbol;
use pvm_isa::{Encoding, InstructionSet};

/// A directive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Directive<'a> {
    RoDataSize(u32),
    RwDataSize(u32),
    StackSize(u32),
    RoData(Vec<u8>),
    RwData(Vec<u8>),
    Isa(IsaName),
    Latest64Layout(Encoding),
    Import(Vec<u8>),
    Export(Place<'a>, Vec<u8>),
    JumpTable(Vec<Place<'a>>),
    /// Bytes of one instruction.
    Raw(Vec<u8>),
    /// Bytes where no instruction starts.
    Gap(Vec<u8>),
}

/// A place in the code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place<'a> {
    Label(&'a str),
    Offset(u32),
}

/// A set as a text names it: `latest64` leaves its encoding open.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct IsaName(InstructionSet);

impl IsaName {
    /// The set, with the given encoding if it is `latest64`.
    pub(crate) fn with_layout(self, latest64: Encoding) -> InstructionSet {
        match (self.0, latest64) {
            (InstructionSet::Latest64, Encoding::Bitmask) => InstructionSet::Latest64Bitmask,
            (set, _) => set,
        }
    }

    fn parse(name: &str) -> Option<IsaName> {
        // Of the two sets named latest64, the one listed last stands for both.
        InstructionSet::ALL.into_iter().rev().find(|set| set.name() == name).map(IsaName)
    }
}

/// Parses a line that starts with `%`.
pub(crate) fn parse(line: &str) -> Option<Directive<'_>> {
    let (name, rest) = line.strip_prefix('%')?.split_once(" =")?;
    let value = if rest.is_empty() { rest } else { rest.strip_prefix(' ')? };
    Some(match name {
        "ro_data_size" => Directive::RoDataSize(decimal_32(value)?),
        "rw_data_size" => Directive::RwDataSize(decimal_32(value)?),
        "stack_size" => Directive::StackSize(decimal_32(value)?),
        "ro_data" => Directive::RoData(hex_bytes(value)?),
        "rw_data" => Directive::RwData(hex_bytes(value)?),
        "isa" => Directive::Isa(IsaName::parse(value)?),
        "latest64_layout" => Directive::Latest64Layout(match value {
            "bitmask" => Encoding::Bitmask,
            "macro_block" => Encoding::MacroBlock,
            _ => return None,
        }),
        "import" => Directive::Import(symbol::parse(value)?),
        "export" => {
            let quote = value.find('"')?;
            let place = value[..quote].strip_suffix(' ')?;
            Directive::Export(Place::parse(place)?, symbol::parse(&value[quote..])?)
        }
        "jump_table" => {
            Directive::JumpTable(value.split_ascii_whitespace().map(Place::parse).collect::<Option<Vec<_>>>()?)
        }
        "raw" => Directive::Raw(hex_bytes(value)?),
        "gap" => Directive::Gap(hex_bytes(value)?),
        _ => return None,
    })
}

impl<'a> Place<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        match text.strip_prefix('@') {
            Some(name) => Some(Place::Label(name)),
            None => decimal_32(text).map(Place::Offset),
        }
    }
}

/// A label as written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Label<'a> {
    pub(crate) name: &'a str,
    /// Is it an export?
    pub(crate) public: bool,
    /// May it stand within a block?
    pub(crate) no_fallthrough: bool,
}

/// Parses a line that looks like a label: `[pub ]@NAME:[ %no_fallthrough]`.
pub(crate) fn parse_label(line: &str) -> Option<Label<'_>> {
    let (public, rest) = match line.strip_prefix("pub ") {
        Some(rest) => (true, rest.trim_start()),
        None => (false, line),
    };
    let rest = rest.strip_prefix('@')?;
    let (no_fallthrough, rest) = match rest.strip_suffix(" %no_fallthrough") {
        Some(rest) => (true, rest.trim_end()),
        None => (false, rest),
    };
    Some(Label { name: rest.strip_suffix(':')?, public, no_fallthrough })
}
