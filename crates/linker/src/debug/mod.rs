//! Debug information: where in its sources each instruction of the program comes from.
//!
//! ```text
//! ELF --address--> where code lies --sections--> debug sections, relocated
//!     --units--> functions, inlined functions --spans--> address -> innermost function --+
//!     --lines--> line tables ---------------------------> address -> file, line, column  +-> frames of a place
//!     --symbols--> names where there is no debug information --------------------------- +
//! ```
//!
//! Every instruction remembers the place of the file it was made from, whatever the passes did to it, and is looked up
//! when it is written. DWARF 4 and 5 are read. Nothing here is an error: a unit that is malformed is left out, and so is
//! what would take more time or memory than a small multiple of the debug sections.

mod address;
mod lines;
mod names;
mod sections;
mod spans;
mod symbols;
mod units;

use crate::elf::Elf;
use crate::ir::Source;
use crate::limits::DEBUG_SYMBOL_NAME_SIZE;
use address::AddressSpace;
use lines::{Place, Row};
use names::{Name, TextId, Texts};
use pvm_num::casts::{to_usize, widen};
use pvm_program::debug_lines::FRAMES_MAX;
use pvm_program::{CodeLayout, DebugFrame, DebugLineWriter, DebugSections, FrameKind};
use sections::Sections;
use spans::Span;
use symbols::Symbols;
use units::{Budget, Units};

/// The debug sections of a program whose item `i` comes from `sources[i]`. Empty if they would be too big.
pub(crate) fn debug_sections(elf: &Elf<'_>, layout: &CodeLayout, sources: &[Source]) -> DebugSections {
    let space = AddressSpace::new(elf);
    let sections = Sections::read(elf, &space);
    let dwarf = sections.dwarf();
    let budget = Budget::new(sections.size(), gimli::Section::reader(&dwarf.debug_line).len());
    let mut units = Units::read(&dwarf, &space, budget);
    let places = Places {
        elf,
        symbols: Symbols::new(elf, &space),
        spans: spans::spans(std::mem::take(&mut units.ranges), &units.scopes),
        rows: units.lines.take_rows(),
        units,
        space,
    };
    let mut texts = Texts::new(sections.size().saturating_add(places.names_size()));
    let mut writer = DebugLineWriter::new();
    let mut frames = Vec::new();
    let mut items = sources.iter().zip(layout.offsets.windows(2)).peekable();
    while let Some((source, offsets)) = items.next() {
        let place = places.find(*source);
        let mut end = offsets[1];
        while let Some((_, offsets)) = items.next_if(|(source, _)| places.find(**source) == place) {
            end = offsets[1];
        }
        places.frames(place, &mut texts, &mut frames);
        let text = |id| texts.get(id);
        let frames: Vec<DebugFrame<'_>> = frames
            .iter()
            .map(|frame: &Frame| DebugFrame {
                kind: frame.kind,
                namespace: text(frame.name.namespace),
                function: text(frame.name.function),
                path: text(frame.path),
                line: frame.line,
                column: frame.column,
            })
            .collect();
        if writer.push(offsets[0]..end, &frames).is_err() {
            return DebugSections::default();
        }
    }
    writer.finish().unwrap_or_default()
}

/// What is known of all places of a file.
struct Places<'e, 'd> {
    elf: &'d Elf<'e>,
    space: AddressSpace,
    symbols: Symbols,
    units: Units<'d>,
    /// Sorted, without overlap.
    spans: Vec<Span>,
    rows: Vec<Row>,
}

/// What is known of one place: indexes, which are equal only if the frames are.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
struct Found {
    scope: Option<u32>,
    row: Option<usize>,
    symbol: Option<u32>,
}

/// A frame to write.
struct Frame {
    kind: FrameKind,
    name: Name,
    path: TextId,
    line: u32,
    column: u32,
}

impl<'d> Places<'_, 'd> {
    /// Bytes that names of symbols may take: they are not among the debug sections.
    fn names_size(&self) -> usize {
        self.elf.symbols.len().saturating_mul(DEBUG_SYMBOL_NAME_SIZE)
    }

    fn find(&self, source: Source) -> Found {
        let Some(start) = self.space.start(source.section) else { return Found::default() };
        let address = start + widen(source.offset);
        let span = self.spans.partition_point(|span| span.range.start <= address).checked_sub(1);
        let scope = span.map(|index| &self.spans[index]).filter(|span| address < span.range.end);
        let scope = scope.map(|span| span.scope);
        let row = self.rows.partition_point(|row| row.range.start <= address).checked_sub(1);
        let row = row.filter(|index| address < self.rows[*index].range.end);
        let symbol = if scope.is_none() { self.symbols.at(address) } else { None };
        Found { scope, row, symbol }
    }

    /// The frames of a place, outermost first.
    fn frames(&self, found: Found, texts: &mut Texts<'d>, out: &mut Vec<Frame>) {
        out.clear();
        let row = found.row.map(|index| self.rows[index].place);
        // Compilers leave the column as it was where they set the line to none.
        let row = row.map(|row| Place { column: if row.line == 0 { 0 } else { row.column }, ..row });
        let Some(innermost) = found.scope else {
            let symbol = found.symbol.and_then(|index| self.elf.symbols.get(to_usize(index)));
            out.push(Frame {
                kind: if row.is_some() { FrameKind::Line } else { FrameKind::Enter },
                name: symbol.map(|symbol| texts.symbol(self.elf.symbol_name(symbol))).unwrap_or_default(),
                path: row.map(|row| texts.file(&self.units, row.file)).unwrap_or_default(),
                line: row.map_or(0, |row| row.line),
                column: row.map_or(0, |row| row.column),
            });
            return;
        };
        let mut scope = self.units.scopes[to_usize(innermost)];
        let name = texts.function(&self.units, scope.function);
        // Code that belongs to no line belongs to the function as a whole.
        let declared = Texts::declaration(&self.units, scope.function).filter(|_| row.is_none_or(|row| row.line == 0));
        let (kind, file, line, column) = match (declared, row) {
            (Some((file, line)), _) => (FrameKind::Enter, Some(file), line, 0),
            (None, Some(row)) => (FrameKind::Line, Some(row.file), row.line, row.column),
            (None, None) => (FrameKind::Enter, None, 0, 0),
        };
        let path = file.map(|file| texts.file(&self.units, file)).unwrap_or_default();
        out.push(Frame { kind, name, path, line, column });
        while let Some((caller, call)) = scope.caller {
            scope = self.units.scopes[to_usize(caller)];
            // Of more frames than there can be, those in the middle are left out.
            if out.len() + 1 == FRAMES_MAX {
                scope = self.units.scopes[to_usize(scope.root)];
            }
            out.push(Frame {
                kind: FrameKind::Call,
                name: texts.function(&self.units, scope.function),
                path: call.file.map(|file| texts.file(&self.units, file)).unwrap_or_default(),
                line: call.line,
                column: call.column,
            });
        }
        out.reverse();
    }
}
