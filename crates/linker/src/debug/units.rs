//! Units of debug information: one walk over all entries, which collects functions and where their code is.
//!
//! Entries refer to each other across units, so names are not looked up here: a function is known by the offset of its
//! entry until all entries have been seen.

use super::address::AddressSpace;
use super::lines::{FileId, Lines, Place};
use super::names::{Slice, text};
use crate::limits::DEBUG_WORK_PER_BYTE;
use gimli::{
    Abbreviation, Abbreviations, AttributeValue, DebugAbbrev, DebugAbbrevOffset, DebugInfoOffset, DebugLineOffset,
    Dwarf, EntriesRaw, LittleEndian, Reader, Section, Unit, UnitHeader, UnitSectionOffset, UnitType,
};
use pvm_num::casts::{to_u32, to_u64, to_usize};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// An offset in `.debug_info`, which is within a file of fewer than 2^32 bytes.
pub(super) type EntryOffset = u32;

/// A namespace or type that functions are in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Namespace<'d> {
    pub(super) parent: Option<u32>,
    /// A text that ends at a zero.
    pub(super) name: &'d [u8],
}

/// What the entry of a function says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Function<'d> {
    pub(super) entry: EntryOffset,
    /// The entry that says the rest.
    pub(super) origin: Option<EntryOffset>,
    pub(super) namespace: Option<u32>,
    /// Texts that end at a zero; empty if there is none.
    pub(super) name: &'d [u8],
    pub(super) linkage_name: &'d [u8],
    /// Where the function is declared.
    pub(super) file: Option<FileId>,
    pub(super) line: u32,
}

/// A function with code of its own, or inlined into one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scope {
    pub(super) function: EntryOffset,
    /// What it is inlined into, and the place of the call.
    pub(super) caller: Option<(u32, Call)>,
    /// Scopes it is within.
    pub(super) depth: u32,
    /// The outermost of these, or itself.
    pub(super) root: u32,
}

/// Where an inlined function was called.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Call {
    pub(super) file: Option<FileId>,
    pub(super) line: u32,
    pub(super) column: u32,
}

/// What remains to be spent on a file; whoever made it should not be able to make readers work much longer than it is.
pub(super) struct Budget {
    work: u64,
    ranges: u64,
    /// Bytes of line programs.
    pub(super) line_bytes: u64,
}

/// Why a unit is not read to its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    Malformed,
    BudgetSpent,
}

impl From<gimli::Error> for Fault {
    fn from(_: gimli::Error) -> Fault {
        Fault::Malformed
    }
}

impl Budget {
    pub(super) fn new(bytes: usize, line_bytes: usize) -> Budget {
        // A range takes two bytes at least, and is shared by entries only if they share their code.
        let bytes = to_u64(bytes);
        Budget { work: bytes.saturating_mul(DEBUG_WORK_PER_BYTE), ranges: bytes, line_bytes: to_u64(line_bytes) }
    }

    fn work(&mut self, amount: usize) -> Result<(), Fault> {
        self.work = self.work.checked_sub(to_u64(amount)).ok_or(Fault::BudgetSpent)?;
        Ok(())
    }

    fn range(&mut self) -> Result<(), Fault> {
        self.ranges = self.ranges.checked_sub(1).ok_or(Fault::BudgetSpent)?;
        self.work(1)
    }
}

/// What all units say.
#[derive(Default)]
pub(super) struct Units<'d> {
    pub(super) lines: Lines<'d>,
    pub(super) namespaces: Vec<Namespace<'d>>,
    /// In the order of their entries.
    pub(super) functions: Vec<Function<'d>>,
    pub(super) scopes: Vec<Scope>,
    /// Code of the scopes.
    pub(super) ranges: Vec<(Range<u64>, u32)>,
}

impl<'d> Units<'d> {
    /// Reads all units. One that is malformed is left out, and so is what comes behind it once the budget is spent.
    pub(super) fn read(dwarf: &Dwarf<Slice<'d>>, space: &AddressSpace, mut budget: Budget) -> Units<'d> {
        let mut units = Units::default();
        let headers = headers(dwarf);
        let abbreviations = AbbreviationTables::new(dwarf, &headers);
        for header in headers {
            let Some(abbreviations) = abbreviations.get(header.debug_abbrev_offset()) else { continue };
            let known = (units.namespaces.len(), units.functions.len(), units.scopes.len(), units.ranges.len());
            let walk = Walk { dwarf, space, budget: &mut budget, out: &mut units };
            let Err(fault) = walk.unit(header, abbreviations) else { continue };
            units.namespaces.truncate(known.0);
            units.functions.truncate(known.1);
            units.scopes.truncate(known.2);
            units.ranges.truncate(known.3);
            if fault == Fault::BudgetSpent {
                break;
            }
        }
        units
    }
}

/// The headers of all units. One that cannot be read is skipped by its length.
fn headers<'d>(dwarf: &Dwarf<Slice<'d>>) -> Vec<UnitHeader<Slice<'d>>> {
    let mut headers = Vec::new();
    let section = *dwarf.debug_info.reader();
    let mut rest = section;
    while !rest.is_empty() {
        let offset = DebugInfoOffset(section.len() - rest.len());
        let Ok((length, _)) = rest.read_initial_length() else { break };
        if rest.skip(length).is_err() {
            break;
        }
        headers.extend(dwarf.debug_info.header_from_offset(offset));
    }
    headers
}

/// The tables of abbreviations, each parsed once and no further than to where the next one starts.
struct AbbreviationTables(BTreeMap<usize, Option<Arc<Abbreviations>>>);

impl AbbreviationTables {
    fn new(dwarf: &Dwarf<Slice<'_>>, headers: &[UnitHeader<Slice<'_>>]) -> AbbreviationTables {
        let section = dwarf.debug_abbrev.reader().slice();
        let mut tables: BTreeMap<usize, _> =
            headers.iter().map(|header| (header.debug_abbrev_offset().0, None)).collect();
        let mut end = section.len();
        for (offset, table) in tables.iter_mut().rev() {
            let parsed = DebugAbbrev::new(&section[..end], LittleEndian).abbreviations(DebugAbbrevOffset(*offset));
            *table = parsed.ok().map(Arc::new);
            end = end.min(*offset);
        }
        AbbreviationTables(tables)
    }

    fn get(&self, offset: DebugAbbrevOffset) -> Option<Arc<Abbreviations>> {
        self.0.get(&offset.0)?.clone()
    }
}

/// What entries are within.
#[derive(Clone, Copy, Default)]
struct Level {
    namespace: Option<u32>,
    scope: Option<u32>,
}

struct Walk<'w, 'd> {
    dwarf: &'w Dwarf<Slice<'d>>,
    space: &'w AddressSpace,
    budget: &'w mut Budget,
    out: &'w mut Units<'d>,
}

/// Attributes of an entry that matter.
#[derive(Default)]
struct Attributes<'d> {
    name: &'d [u8],
    linkage_name: &'d [u8],
    origin: Option<EntryOffset>,
    low: Option<u64>,
    high: Option<u64>,
    /// Is `high` relative to `low`?
    is_size: bool,
    ranges: Option<AttributeValue<Slice<'d>>>,
    /// Of the declaration or of the call.
    file: u64,
    line: u64,
    column: u64,
}

impl<'d> Walk<'_, 'd> {
    fn unit(mut self, header: UnitHeader<Slice<'d>>, abbreviations: Arc<Abbreviations>) -> Result<(), Fault> {
        if matches!(header.type_(), UnitType::Skeleton(_) | UnitType::SplitCompilation(_) | UnitType::SplitType { .. })
        {
            return Ok(());
        }
        let (unit, lines) = self.root(header, &abbreviations)?;
        let table = lines.and_then(|offset| self.out.lines.run(self.dwarf, &unit, offset, self.space, self.budget));
        let mut entries = unit.entries_raw(None)?;
        let mut levels: Vec<Level> = Vec::new();
        while !entries.is_empty() {
            let offset = entries.next_offset();
            let Some(abbreviation) = entries.read_abbreviation()? else {
                self.budget.work(1)?;
                levels.pop();
                if levels.is_empty() {
                    break;
                }
                continue;
            };
            self.budget.work(1 + abbreviation.attributes().len())?;
            let entry = entry_offset(offset.to_unit_section_offset(&unit.header))?;
            let level = levels.last().copied().unwrap_or_default();
            let level = self.entry(&unit, table, entry, level, abbreviation, &mut entries)?;
            if abbreviation.has_children() {
                levels.push(level);
            } else if levels.is_empty() {
                break;
            }
        }
        Ok(())
    }

    /// The unit, made of the attributes of its first entry, and where its line program is. `Unit::new` does the same, but
    /// reads the line program's files anew for every unit, and gives up where one is missing.
    fn root(
        &mut self,
        header: UnitHeader<Slice<'d>>,
        abbreviations: &Arc<Abbreviations>,
    ) -> Result<(Unit<Slice<'d>>, Option<DebugLineOffset>), Fault> {
        let mut unit = Unit {
            abbreviations: Arc::clone(abbreviations),
            name: None,
            comp_dir: None,
            low_pc: 0,
            str_offsets_base: gimli::DebugStrOffsetsBase(0),
            addr_base: gimli::DebugAddrBase(0),
            loclists_base: gimli::DebugLocListsBase(0),
            rnglists_base: gimli::DebugRngListsBase(0),
            line_program: None,
            dwo_id: None,
            header,
        };
        let mut entries = unit.header.entries_raw(abbreviations, None)?;
        let Some(abbreviation) = entries.read_abbreviation()? else { return Err(Fault::Malformed) };
        let (mut comp_dir, mut low, mut lines) = (None, None, None);
        for specification in abbreviation.attributes() {
            let attribute = entries.read_attribute(*specification)?;
            match (attribute.name(), attribute.value()) {
                (gimli::DW_AT_comp_dir, value) => comp_dir = Some(value),
                (gimli::DW_AT_low_pc, value) => low = Some(value),
                (gimli::DW_AT_stmt_list, AttributeValue::DebugLineRef(offset)) => lines = Some(offset),
                (gimli::DW_AT_str_offsets_base, AttributeValue::DebugStrOffsetsBase(base)) => {
                    unit.str_offsets_base = base;
                }
                (gimli::DW_AT_addr_base, AttributeValue::DebugAddrBase(base)) => unit.addr_base = base,
                (gimli::DW_AT_rnglists_base, AttributeValue::DebugRngListsBase(base)) => unit.rnglists_base = base,
                _ => {}
            }
        }
        // These may need the bases, which may come behind them.
        if let Some(value) = comp_dir {
            unit.comp_dir = Some(Slice::new(text(self.dwarf, &unit, value), LittleEndian));
        }
        if let Some(value) = low {
            unit.low_pc = self.dwarf.attr_address(&unit, value)?.unwrap_or(0);
        }
        Ok((unit, lines))
    }

    /// Reads an entry; gives what its children are within.
    fn entry(
        &mut self,
        unit: &Unit<Slice<'d>>,
        table: Option<u32>,
        entry: EntryOffset,
        level: Level,
        abbreviation: &Abbreviation,
        entries: &mut EntriesRaw<'_, Slice<'d>>,
    ) -> Result<Level, Fault> {
        match abbreviation.tag() {
            gimli::DW_TAG_namespace
            | gimli::DW_TAG_module
            | gimli::DW_TAG_class_type
            | gimli::DW_TAG_structure_type
            | gimli::DW_TAG_union_type
            | gimli::DW_TAG_enumeration_type
            | gimli::DW_TAG_interface_type => {
                let attributes = self.attributes(unit, abbreviation, entries)?;
                if !abbreviation.has_children() || attributes.name.is_empty() {
                    return Ok(level);
                }
                let namespace = to_u32(self.out.namespaces.len());
                self.out.namespaces.push(Namespace { parent: level.namespace, name: attributes.name });
                Ok(Level { namespace: Some(namespace), ..level })
            }
            gimli::DW_TAG_subprogram => {
                let attributes = self.attributes(unit, abbreviation, entries)?;
                self.out.functions.push(Function {
                    entry,
                    origin: attributes.origin,
                    namespace: level.namespace,
                    name: attributes.name,
                    linkage_name: attributes.linkage_name,
                    file: self.out.lines.file(table, attributes.file),
                    line: u32::try_from(attributes.line).unwrap_or(0),
                });
                let has_code = attributes.low.is_some() || attributes.ranges.is_some();
                let scope = match has_code {
                    true => Some(self.scope(unit, entry, None, &attributes)?),
                    false => None,
                };
                Ok(Level { scope, ..level })
            }
            gimli::DW_TAG_inlined_subroutine => {
                let attributes = self.attributes(unit, abbreviation, entries)?;
                let (Some(caller), Some(function)) = (level.scope, attributes.origin) else { return Ok(level) };
                let call = Call {
                    file: self.out.lines.file(table, attributes.file),
                    line: u32::try_from(attributes.line).unwrap_or(0),
                    column: u32::try_from(attributes.column).unwrap_or(0),
                };
                let scope = self.scope(unit, function, Some((caller, call)), &attributes)?;
                Ok(Level { scope: Some(scope), ..level })
            }
            _ => {
                entries.skip_attributes(abbreviation.attributes())?;
                Ok(level)
            }
        }
    }

    fn attributes(
        &mut self,
        unit: &Unit<Slice<'d>>,
        abbreviation: &Abbreviation,
        entries: &mut EntriesRaw<'_, Slice<'d>>,
    ) -> Result<Attributes<'d>, Fault> {
        let mut found = Attributes::default();
        for specification in abbreviation.attributes() {
            let attribute = entries.read_attribute(*specification)?;
            let value = attribute.value();
            match attribute.name() {
                gimli::DW_AT_name => found.name = text(self.dwarf, unit, value),
                gimli::DW_AT_linkage_name | gimli::DW_AT_MIPS_linkage_name => {
                    found.linkage_name = text(self.dwarf, unit, value);
                }
                gimli::DW_AT_abstract_origin | gimli::DW_AT_specification => {
                    found.origin = match value {
                        AttributeValue::UnitRef(offset) => {
                            Some(entry_offset(offset.to_unit_section_offset(&unit.header))?)
                        }
                        AttributeValue::DebugInfoRef(offset) => u32::try_from(offset.0).ok(),
                        _ => None,
                    };
                }
                gimli::DW_AT_low_pc => found.low = self.dwarf.attr_address(unit, value)?,
                gimli::DW_AT_high_pc => {
                    let address = self.dwarf.attr_address(unit, value)?;
                    found.is_size = address.is_none();
                    found.high = address.or(value.udata_value());
                }
                gimli::DW_AT_ranges => found.ranges = Some(value),
                gimli::DW_AT_decl_file | gimli::DW_AT_call_file => {
                    found.file = match value {
                        AttributeValue::FileIndex(index) => index,
                        value => value.udata_value().unwrap_or(0),
                    };
                }
                gimli::DW_AT_decl_line | gimli::DW_AT_call_line => found.line = value.udata_value().unwrap_or(0),
                gimli::DW_AT_call_column => found.column = value.udata_value().unwrap_or(0),
                _ => {}
            }
        }
        Ok(found)
    }

    fn scope(
        &mut self,
        unit: &Unit<Slice<'d>>,
        function: EntryOffset,
        caller: Option<(u32, Call)>,
        attributes: &Attributes<'d>,
    ) -> Result<u32, Fault> {
        let id = to_u32(self.out.scopes.len());
        let (depth, root) = match caller {
            Some((caller, _)) => {
                let caller = &self.out.scopes[to_usize(caller)];
                (caller.depth + 1, caller.root)
            }
            None => (0, id),
        };
        self.out.scopes.push(Scope { function, caller, depth, root });
        let mut add = |range: Range<u64>| {
            self.out.ranges.extend(self.space.clip(range).map(|range| (range, id)));
        };
        if let Some(value) = attributes.ranges
            && let Some(offset) = self.dwarf.attr_ranges_offset(unit, value)?
        {
            let mut ranges = self.dwarf.ranges(unit, offset)?;
            while let Some(range) = ranges.next()? {
                self.budget.range()?;
                add(range.begin..range.end);
            }
        } else if let (Some(low), Some(high)) = (attributes.low, attributes.high) {
            self.budget.range()?;
            add(low..if attributes.is_size { low.saturating_add(high) } else { high });
        }
        Ok(id)
    }
}

fn entry_offset(offset: UnitSectionOffset) -> Result<EntryOffset, Fault> {
    u32::try_from(offset.0).map_err(|_| Fault::Malformed)
}

const _: () = assert!(size_of::<Place>() == 16, "rows are many");
