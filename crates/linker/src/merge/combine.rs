//! Sections that must be one piece: lists of constructors and destructors, sections whose start and end are asked for by
//! name, and the memory of common symbols.
//!
//! ```text
//! .init_array.101, .init_array.200, .init_array  ->  .init_array, between __init_array_start and __init_array_end
//! my_records of every file                       ->  my_records, between __start_my_records and __stop_my_records
//! ```
//!
//! The symbols are given their values here even where a linker has given them some: one that keeps all sections apart
//! (`--unique`) makes them enclose the first piece only.

use super::Storage;
use super::load::NameBudget;
use crate::elf::{ArrayKind, Class, Elf, Home, Section, SectionId, SymbolKind};
use crate::error::{LinkError, LinkErrorKind, Location};
use crate::limits::SECTION_ALIGN_MAX;
use pvm_num::align::align_up;
use pvm_num::casts::{to_u32, to_usize, widen};
use std::collections::{BTreeMap, BTreeSet};

/// Sections that become one.
struct Plan<'a> {
    name: &'a str,
    /// With the offsets they get.
    pieces: Vec<(SectionId, u32)>,
    class: Class,
    size: u32,
    align: u32,
    array: Option<ArrayKind>,
}

/// Which end of a section a symbol names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Start,
    Stop,
}

/// What a symbol that names an end of a section encloses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Span<'a> {
    Array(ArrayKind),
    Named(&'a str),
}

/// Gives each common symbol a section of its own.
pub(super) fn commons(elf: &mut Elf<'_>) -> Result<(), LinkError> {
    let mut names = NameBudget::default();
    let mut sections: BTreeMap<&[u8], SectionId> = BTreeMap::new();
    let mut homes = Vec::new();
    for (index, symbol) in elf.symbols.iter().enumerate().filter(|(_, symbol)| symbol.home == Home::Common) {
        let next = to_u32(elf.sections.len() + sections.len());
        let id = *sections.entry(names.whole("", symbol.name)?).or_insert(next);
        homes.push((index, id));
    }
    for (index, id) in homes {
        let symbol = &mut elf.symbols[index];
        let (size, align) = (symbol.size, symbol.value.max(1));
        (symbol.home, symbol.value) = (Home::Section(id), 0);
        if to_usize(id) < elf.sections.len() {
            continue;
        }
        let refuse = |kind| {
            let at = Location { symbol: Some(crate::elf::readable(symbol.name).into()), ..Location::default() };
            Err(LinkError { kind, at })
        };
        let Ok(size) = u32::try_from(size) else {
            return refuse(LinkErrorKind::SectionTooBig { size });
        };
        if !align.is_power_of_two() || align > SECTION_ALIGN_MAX {
            return refuse(LinkErrorKind::BadAlignment { align, max: SECTION_ALIGN_MAX });
        }
        elf.sections.push(Section {
            name: "COMMON",
            file: 0,
            class: Class::Bss,
            array: None,
            data: &[],
            size,
            align: u32::try_from(align).unwrap_or(1),
            address: 0,
            relocations: Vec::new(),
        });
    }
    Ok(())
}

/// Puts together what belongs together, and sets the symbols at both ends of it.
pub(super) fn combine<'a>(elf: &mut Elf<'a>, storage: &'a Storage) -> Result<(), LinkError> {
    let mut names = NameBudget::default();
    let mut ends = Vec::new();
    for (index, symbol) in elf.symbols.iter().enumerate().filter(|(_, symbol)| symbol.name.starts_with(b"__")) {
        let name = names.whole("", symbol.name)?;
        if let Some((span, end)) = std::str::from_utf8(name).ok().and_then(enclosing) {
            ends.push((index, span, end));
        }
    }
    let mut spans: BTreeSet<Span<'_>> = ends.iter().map(|(_, span, _)| *span).collect();
    spans.extend(elf.sections.iter().filter_map(|section| section.array).map(Span::Array));
    let mut homes = BTreeMap::new();
    let mut plans = Vec::new();
    for span in spans {
        let pieces = pieces(elf, span);
        match pieces[..] {
            [] => {}
            [only] => {
                homes.insert(span, only);
            }
            [first, ..] => {
                homes.insert(span, to_u32(elf.sections.len() + plans.len()));
                plans.push(plan(elf, elf.section(first).name, &pieces)?);
            }
        }
    }
    let before = to_u32(elf.sections.len());
    build(elf, plans, storage);
    for (index, span, end) in ends {
        let Some(section) = homes.get(&span).copied() else { continue };
        // Symbols that a linker script or the program puts elsewhere are left alone.
        let symbol = &elf.symbols[index];
        match symbol.home {
            Home::Undefined { .. } | Home::Nowhere => {}
            Home::Section(home) if home == section && section >= before => {}
            _ => continue,
        }
        let size = widen(elf.section(section).size);
        let symbol = &mut elf.symbols[index];
        symbol.home = Home::Section(section);
        symbol.value = if end == End::Start { 0 } else { size };
        symbol.kind = SymbolKind::Other;
    }
    Ok(())
}

/// The section whose end a symbol of this name names.
fn enclosing(name: &str) -> Option<(Span<'_>, End)> {
    let array = |kind, end| Some((Span::Array(kind), end));
    match name {
        "__preinit_array_start" => return array(ArrayKind::PreInit, End::Start),
        "__preinit_array_end" => return array(ArrayKind::PreInit, End::Stop),
        "__init_array_start" => return array(ArrayKind::Init, End::Start),
        "__init_array_end" => return array(ArrayKind::Init, End::Stop),
        "__fini_array_start" => return array(ArrayKind::Fini, End::Start),
        "__fini_array_end" => return array(ArrayKind::Fini, End::Stop),
        _ => {}
    }
    let (section, end) = match name.strip_prefix("__start_") {
        Some(section) => (section, End::Start),
        None => (name.strip_prefix("__stop_")?, End::Stop),
    };
    let identifier = section.bytes().all(|byte| byte == b'_' || byte.is_ascii_alphanumeric());
    (identifier && !section.is_empty()).then_some((Span::Named(section), end))
}

/// The pieces of a span in their order.
fn pieces(elf: &Elf<'_>, span: Span<'_>) -> Vec<SectionId> {
    let loaded = elf.sections().filter(|(_, section)| section.class.is_data() || section.class == Class::Code);
    let mut pieces: Vec<SectionId> = loaded
        .filter(|(_, section)| match span {
            Span::Array(kind) => section.array == Some(kind),
            Span::Named(name) => section.name == name,
        })
        .map(|(id, _)| id)
        .collect();
    if matches!(span, Span::Array(_)) {
        pieces.sort_by_key(|id| priority(elf.section(*id).name));
    }
    pieces
}

/// When a list of functions comes: the lowest number first, those without a number last.
fn priority(name: &str) -> u32 {
    let number = name.rsplit_once('.').and_then(|(_, number)| number.parse().ok());
    number.unwrap_or(u32::MAX)
}

fn plan<'a>(elf: &Elf<'a>, name: &'a str, ids: &[SectionId]) -> Result<Plan<'a>, LinkError> {
    let first = elf.section(ids[0]);
    // The family's name, without a priority.
    let name = match first.array {
        Some(ArrayKind::PreInit) => ".preinit_array",
        Some(ArrayKind::Init) => ".init_array",
        Some(ArrayKind::Fini) => ".fini_array",
        None => name,
    };
    let mut plan = Plan { name, pieces: Vec::new(), class: first.class, size: 0, align: 1, array: first.array };
    let mut size = 0u64;
    for id in ids {
        let section = elf.section(*id);
        if section.class != plan.class {
            return Err(elf.error(*id, 0, LinkErrorKind::SectionKindsDiffer { name: name.into() }));
        }
        let at = align_up(size, widen(section.align)).unwrap_or(u64::MAX);
        size = at.saturating_add(widen(section.size));
        let Ok(end) = u32::try_from(size) else {
            return Err(elf.error(*id, 0, LinkErrorKind::SectionTooBig { size }));
        };
        plan.pieces.push((*id, end - section.size));
        plan.size = end;
        plan.align = plan.align.max(section.align);
    }
    Ok(plan)
}

/// Makes the planned sections and leads everything that refers to their pieces to them.
fn build<'a>(elf: &mut Elf<'a>, plans: Vec<Plan<'a>>, storage: &'a Storage) {
    let contents = plans.iter().map(|plan| contents(elf, plan)).collect();
    let contents = storage.contents.get_or_init(|| contents);
    let mut moved: BTreeMap<SectionId, (SectionId, u32)> = BTreeMap::new();
    for (plan, data) in plans.into_iter().zip(contents) {
        let id = to_u32(elf.sections.len());
        let mut relocations = Vec::new();
        for (piece, at) in &plan.pieces {
            moved.insert(*piece, (id, *at));
            let section = &mut elf.sections[to_usize(*piece)];
            section.class = Class::Discarded;
            for mut relocation in std::mem::take(&mut section.relocations) {
                relocation.offset += at;
                relocations.push(relocation);
            }
        }
        elf.sections.push(Section {
            name: plan.name,
            file: elf.section(plan.pieces[0].0).file,
            class: plan.class,
            array: plan.array,
            data,
            size: plan.size,
            align: plan.align,
            address: 0,
            relocations,
        });
    }
    for symbol in &mut elf.symbols {
        if let Home::Section(home) = symbol.home
            && let Some((section, at)) = moved.get(&home)
        {
            symbol.home = Home::Section(*section);
            symbol.value = symbol.value.saturating_add(widen(*at));
        }
    }
}

fn contents(elf: &Elf<'_>, plan: &Plan<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (id, at) in &plan.pieces {
        let data = elf.section(*id).data;
        if !data.is_empty() {
            bytes.resize(to_usize(*at), 0);
            bytes.extend_from_slice(data);
        }
    }
    bytes
}
