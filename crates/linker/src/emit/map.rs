//! What went where, and why: the functions and data sections of a program with the references that keep them.

use super::imports::Imports;
use super::jump_table::{JumpTable, Order};
use super::memory::Memory;
use super::{Resolver, code};
use crate::config::Config;
use crate::demangle::demangle;
use crate::error::LinkError;
use crate::ir::{BlockId, DataId, Program, Source, Target};
use pvm_isa::InstructionSet;
use pvm_num::casts::to_usize;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;

/// Most references of a chain that are told.
const CHAIN_MAX: usize = 32;

/// The map of a program.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LinkMap {
    /// Pieces of code in order. A function that was inlined counts to where it was put; one whose blocks were moved apart has
    /// several pieces.
    pub code: Vec<MapEntry>,
    /// Data sections in order of addresses.
    pub data: Vec<MapEntry>,
}

/// A piece of code or data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MapEntry {
    /// Code offset or address of its first byte.
    pub start: u32,
    /// Bytes.
    pub size: u32,
    /// The function, demangled, or the data section; empty for code before any symbol.
    pub name: String,
    /// The function's symbol, or the data section.
    pub symbol: String,
    /// The section of the ELF.
    pub section: String,
    /// Bytes from the start of the ELF section.
    pub offset: u32,
    /// The references that lead to it, from an export on: each name, demangled, is referred to by the one before.
    pub why: Vec<String>,
}

/// What the map of a program says.
///
/// # Errors
/// As writing the program.
pub(crate) fn map(program: &Program<'_>, config: &Config, set: InstructionSet) -> Result<LinkMap, LinkError> {
    let jump_table = JumpTable::new(program, Order::of_level(config.opt_level))?;
    let memory = Memory::new(program, config.min_stack_size)?;
    let imports = Imports::new(program)?;
    let resolver = Resolver { program, jump_table: &jump_table, memory: &memory, imports: &imports };
    let code = code::emit(&resolver, config, set)?;

    let names = Names::new(program);
    let reasons = Reasons::new(program);
    let mut map = LinkMap::default();
    let end = code.layout.offsets.last().copied().unwrap_or(0);
    let ends = program.layout.iter().skip(1).map(|id| code.offset(*id)).chain([end]);
    for (id, end) in program.layout.iter().zip(ends) {
        let (start, source) = (code.offset(*id), program.block(*id).source);
        let symbol = names.of(source);
        let section = section(program, source.section);
        match map.code.last_mut() {
            Some(last) if last.symbol == symbol && last.section == section => last.size = end - last.start,
            _ => {
                let why = reasons.chain(&names, Node::Block(*id));
                let (name, symbol, section) = (readable(symbol), symbol.into(), section.into());
                map.code.push(MapEntry { start, size: end - start, name, symbol, section, offset: source.offset, why });
            }
        }
    }
    for (id, data) in program.data_kept() {
        let why = reasons.chain(&names, Node::Data(id));
        let (start, size, name) = (memory.address(id), data.size, data.name);
        let [name, symbol, section] = [name; 3].map(String::from);
        map.data.push(MapEntry { start, size, name, symbol, section, offset: 0, why });
    }
    map.data.sort_by_key(|entry| entry.start);
    Ok(map)
}

fn readable(symbol: &str) -> String {
    demangle(symbol).unwrap_or_else(|| symbol.into())
}

fn section<'a>(program: &Program<'a>, section: u32) -> &'a str {
    program.sections.get(to_usize(section)).copied().unwrap_or_default()
}

/// Functions by where they start in the file.
struct Names<'p, 'a> {
    program: &'p Program<'a>,
    starts: BTreeMap<Source, &'a str>,
}

impl<'p, 'a> Names<'p, 'a> {
    fn new(program: &'p Program<'a>) -> Self {
        let labelled = program.blocks.iter().filter_map(|block| Some((block.source, block.label?)));
        Names { program, starts: labelled.collect() }
    }

    /// The function around a place.
    fn of(&self, source: Source) -> &'a str {
        let before = self.starts.range(..=source).next_back();
        before.filter(|(start, _)| start.section == source.section).map_or("", |(_, name)| name)
    }

    fn of_node(&self, node: Node) -> &'a str {
        match node {
            Node::Block(id) => self.of(self.program.block(id).source),
            Node::Data(id) => self.program.data[id.index()].name,
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Node {
    Block(BlockId),
    Data(DataId),
}

/// By which reference each block and section is reached first, breadth first from the exports.
struct Reasons<'p, 'a> {
    program: &'p Program<'a>,
    blocks: Vec<Option<Node>>,
    data: Vec<Option<Node>>,
}

impl<'p, 'a> Reasons<'p, 'a> {
    fn new(program: &'p Program<'a>) -> Self {
        let mut reasons =
            Reasons { program, blocks: vec![None; program.blocks.len()], data: vec![None; program.data.len()] };
        let mut open = VecDeque::new();
        for export in &program.exports {
            reasons.reach(&mut open, Node::Block(export.block), Node::Block(export.block));
        }
        while let Some(node) = open.pop_front() {
            let targets: Vec<Node> = match node {
                Node::Block(id) => {
                    let block = program.block(id);
                    let terminator = &block.terminator;
                    let next = terminator.successors().chain(terminator.return_block()).map(Node::Block);
                    let targets = block.instructions.iter().filter_map(|inst| inst.symbol?.target());
                    next.chain(targets.filter_map(node_of)).collect()
                }
                Node::Data(id) => {
                    let relocations = &program.data[id.index()].relocations;
                    relocations.iter().flat_map(|relocation| relocation.value.targets()).filter_map(node_of).collect()
                }
            };
            targets.into_iter().for_each(|target| reasons.reach(&mut open, target, node));
        }
        reasons
    }

    fn reach(&mut self, open: &mut VecDeque<Node>, node: Node, from: Node) {
        let slot = match node {
            Node::Block(id) => &mut self.blocks[id.index()],
            Node::Data(id) => &mut self.data[id.index()],
        };
        if slot.is_none() {
            *slot = Some(from);
            open.push_back(node);
        }
    }

    /// Names from the export on, without repetitions and without the node's own.
    fn chain(&self, names: &Names<'_, '_>, node: Node) -> Vec<String> {
        let mut chain: Vec<&str> = Vec::new();
        let mut at = node;
        loop {
            let from = match at {
                Node::Block(id) => self.blocks[id.index()],
                Node::Data(id) => self.data[id.index()],
            };
            let Some(from) = from.filter(|from| *from != at) else { break };
            let name = names.of_node(from);
            if name != chain.last().copied().unwrap_or_else(|| names.of_node(node)) {
                chain.push(name);
            }
            at = from;
        }
        let mut chain: Vec<String> = chain.into_iter().map(readable).collect();
        if let Node::Block(id) = at {
            let exports = self.program.exports.iter().filter(|export| export.block == id);
            chain.extend(exports.take(1).map(|export| format!("export \"{}\"", export.symbol.escape_ascii())));
        }
        chain.reverse();
        chain.truncate(CHAIN_MAX);
        chain
    }
}

fn node_of(target: Target) -> Option<Node> {
    match target {
        Target::Code(id) => Some(Node::Block(id)),
        Target::Data { section, .. } => Some(Node::Data(section)),
        Target::Absolute(_) => None,
    }
}

impl fmt::Display for LinkMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (title, entries) in [("code", &self.code), ("data", &self.data)] {
            writeln!(f, "{title:>10} {:>8}  name", "bytes")?;
            for MapEntry { start, size, name, section, offset, why, .. } in entries {
                let name = if name.is_empty() { "?" } else { name };
                write!(f, "{start:#10x} {size:>8}  {name}")?;
                if name != section {
                    write!(f, " ({section}+{offset:#x})")?;
                }
                writeln!(f)?;
                if !why.is_empty() {
                    writeln!(f, "{:21}kept by {}", "", why.join(" -> "))?;
                }
            }
        }
        Ok(())
    }
}
