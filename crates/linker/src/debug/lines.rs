//! Line tables: which line of which file a range of addresses comes from.

use super::address::AddressSpace;
use super::names::Slice;
use super::units::Budget;
use crate::limits::DEBUG_LINE_HEADER_SIZE_MAX;
use gimli::{AttributeValue, DebugLineOffset, Dwarf, LineProgramHeader, Reader, Unit};
use pvm_num::casts::{to_u32, to_u64, to_usize_saturating};
use std::collections::BTreeMap;
use std::ops::Range;

/// A file of a line table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct FileId {
    /// Index of the table.
    table: u32,
    /// The number the table gives it.
    index: u32,
}

/// A place in a source file; line and column are 0 where they are not known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) file: FileId,
    pub(super) line: u32,
    pub(super) column: u32,
}

/// What a range of addresses comes from.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) range: Range<u64>,
    pub(super) place: Place,
}

/// Path of a file in pieces that may be relative to the one before. A piece goes on behind its text, which ends at a zero.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Path<'d> {
    pub(super) base: &'d [u8],
    pub(super) directory: &'d [u8],
    pub(super) name: &'d [u8],
}

/// Files of a line program.
struct Table<'d> {
    /// Number of the first file: 1 up to DWARF 4, 0 in DWARF 5.
    first: u32,
    files: Vec<Path<'d>>,
}

/// All line tables of a file.
#[derive(Default)]
pub(super) struct Lines<'d> {
    tables: Vec<Table<'d>>,
    /// Which table was made of the program at an offset; none if it is malformed.
    by_offset: BTreeMap<usize, Option<u32>>,
    rows: Vec<Row>,
}

impl<'d> Lines<'d> {
    /// Runs the line program of a unit, unless it was run already. Gives the number of its table.
    pub(super) fn run(
        &mut self,
        dwarf: &Dwarf<Slice<'d>>,
        unit: &Unit<Slice<'d>>,
        offset: DebugLineOffset,
        space: &AddressSpace,
        budget: &mut Budget,
    ) -> Option<u32> {
        if let Some(table) = self.by_offset.get(&offset.0) {
            return *table;
        }
        let rows = self.rows.len();
        let table = self.run_new(dwarf, unit, offset, space, budget);
        if table.is_none() {
            self.rows.truncate(rows);
        }
        self.by_offset.insert(offset.0, table);
        table
    }

    fn run_new(
        &mut self,
        dwarf: &Dwarf<Slice<'d>>,
        unit: &Unit<Slice<'d>>,
        offset: DebugLineOffset,
        space: &AddressSpace,
        budget: &mut Budget,
    ) -> Option<u32> {
        let (size, header_size) = sizes(dwarf, offset)?;
        // Line programs do not share bytes, unless they are made to be run again and again.
        budget.line_bytes = budget.line_bytes.checked_sub(to_u64(size))?;
        if header_size > DEBUG_LINE_HEADER_SIZE_MAX {
            return None;
        }
        let program = dwarf.debug_line.program(offset, unit.header.address_size(), unit.comp_dir, None).ok()?;
        let header = program.header().clone();
        let id = to_u32(self.tables.len());
        self.tables.push(table(dwarf, unit, &header));
        let mut rows = program.rows();
        let mut open: Option<(u64, Place)> = None;
        while let Ok(Some((_, row))) = rows.next_row() {
            if let Some((start, place)) = open
                && let Some(range) = space.clip(start..row.address())
            {
                match self.rows.last_mut() {
                    Some(last) if last.range.end == range.start && last.place == place => last.range.end = range.end,
                    _ => self.rows.push(Row { range, place }),
                }
            }
            let number = |value: u64| u32::try_from(value).unwrap_or(0);
            let column = match row.column() {
                gimli::ColumnType::LeftEdge => 0,
                gimli::ColumnType::Column(column) => number(column.get()),
            };
            let file = FileId { table: id, index: number(row.file_index()) };
            let place = Place { file, line: row.line().map_or(0, |line| number(line.get())), column };
            open = (!row.end_sequence()).then_some((row.address(), place));
        }
        Some(id)
    }

    /// The file with a number in a table.
    pub(super) fn file(&self, table: Option<u32>, index: u64) -> Option<FileId> {
        let file = FileId { table: table?, index: u32::try_from(index).ok()? };
        self.path(file).map(|_| file)
    }

    /// The path of a file.
    pub(super) fn path(&self, file: FileId) -> Option<Path<'d>> {
        let table = self.tables.get(to_usize_saturating(u64::from(file.table)))?;
        let index = file.index.checked_sub(table.first)?;
        table.files.get(to_usize_saturating(u64::from(index))).copied()
    }

    /// The rows, sorted and without overlap. Of several that say something else the first stands.
    pub(super) fn take_rows(&mut self) -> Vec<Row> {
        let mut rows = std::mem::take(&mut self.rows);
        rows.sort_by_key(|row| row.range.start);
        let mut end = 0;
        rows.retain_mut(|row| {
            row.range.start = row.range.start.max(end);
            let is_kept = row.range.start < row.range.end;
            if is_kept {
                end = row.range.end;
            }
            is_kept
        });
        rows
    }
}

/// Bytes of a line program and of its header, from the fields at its start (DWARF 5, 6.2.4).
fn sizes(dwarf: &Dwarf<Slice<'_>>, offset: DebugLineOffset) -> Option<(usize, usize)> {
    let mut input = *gimli::Section::reader(&dwarf.debug_line);
    input.skip(offset.0).ok()?;
    let (size, format) = input.read_initial_length().ok()?;
    let version = input.read_u16().ok()?;
    if version >= 5 {
        input.skip(2).ok()?; // sizes of addresses and of segment selectors
    }
    let header_size = input.read_length(format).ok()?;
    Some((size, header_size))
}

fn table<'d>(dwarf: &Dwarf<Slice<'d>>, unit: &Unit<Slice<'d>>, header: &LineProgramHeader<Slice<'d>>) -> Table<'d> {
    let text = |value: AttributeValue<Slice<'d>>| super::names::text(dwarf, unit, value);
    let comp_dir = unit.comp_dir.map(|reader| reader.slice()).unwrap_or_default();
    // From DWARF 5 on, directory 0 is the current one, as text of the table itself; before, it has no entry.
    let is_numbered_from_0 = header.version() >= 5;
    let own = if is_numbered_from_0 { header.directory(0).map(text) } else { None };
    let base = own.unwrap_or(comp_dir);
    let files = header.file_names().iter().map(|file| {
        let directory = match file.directory_index() {
            0 => &[][..],
            index => header.directory(index).map(text).unwrap_or_default(),
        };
        Path { base, directory, name: text(file.path_name()) }
    });
    Table { first: u32::from(!is_numbered_from_0), files: files.collect() }
}
