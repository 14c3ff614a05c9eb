//! Makes small relocatable ELF files, so that tests can say exactly what is in them.
#![allow(dead_code, reason = "every test file uses its own part")]

use pvm_riscv::{Instruction, Xlen, encode};
use std::collections::BTreeMap;

pub(crate) const EXEC: u64 = 0x6;
pub(crate) const RO: u64 = 0x2;
pub(crate) const RW: u64 = 0x3;
pub(crate) const PROGBITS: u32 = 1;
pub(crate) const NOBITS: u32 = 8;

/// In place of the index of a section: a number.
pub(crate) const ABSOLUTE: usize = 0xfff1 - 1;
/// In place of the index of a symbol: none.
pub(crate) const NO_SYMBOL: usize = usize::MAX;

pub(crate) const R_32: u32 = 1;
pub(crate) const R_64: u32 = 2;
pub(crate) const R_CALL_PLT: u32 = 19;
pub(crate) const R_PCREL_HI20: u32 = 23;
pub(crate) const R_PCREL_LO12_I: u32 = 24;

/// A file in the making.
pub(crate) struct ElfBuilder {
    pub(crate) xlen: Xlen,
    pub(crate) sections: Vec<Section>,
    pub(crate) symbols: Vec<Symbol>,
    /// Fields of section headers that get another value: number of the section, of the field, and the value.
    pub(crate) patches: Vec<(usize, usize, u64)>,
}

/// Fields of section headers by their numbers.
pub(crate) mod field {
    pub(crate) const NAME: usize = 0;
    pub(crate) const KIND: usize = 1;
    pub(crate) const OFFSET: usize = 4;
    pub(crate) const SIZE: usize = 5;
    pub(crate) const INFO: usize = 7;
}

pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) kind: u32,
    pub(crate) flags: u64,
    pub(crate) align: u64,
    pub(crate) data: Vec<u8>,
    /// Size of a section without contents.
    pub(crate) size: u64,
    pub(crate) relocations: Vec<Relocation>,
}

pub(crate) struct Relocation {
    pub(crate) offset: u64,
    pub(crate) kind: u32,
    pub(crate) symbol: usize,
    pub(crate) addend: i64,
}

pub(crate) struct Symbol {
    pub(crate) name: String,
    /// Index of a section, [`ABSOLUTE`], or none for an undefined symbol.
    pub(crate) section: Option<usize>,
    pub(crate) value: u64,
    pub(crate) size: u64,
    /// Type in the low, binding in the high four bits.
    pub(crate) info: u8,
}

impl ElfBuilder {
    pub(crate) fn new(xlen: Xlen) -> Self {
        ElfBuilder { xlen, sections: Vec::new(), symbols: Vec::new(), patches: Vec::new() }
    }

    pub(crate) fn section(&mut self, name: &'static str, flags: u64, data: Vec<u8>) -> usize {
        let section = Section { name, kind: PROGBITS, flags, align: 8, data, size: 0, relocations: Vec::new() };
        self.sections.push(section);
        self.sections.len() - 1
    }

    pub(crate) fn symbol(&mut self, name: &str, section: usize, value: u64) -> usize {
        self.symbols.push(Symbol { name: name.into(), section: Some(section), value, size: 0, info: 0x10 });
        self.symbols.len() - 1
    }

    pub(crate) fn relocate(&mut self, section: usize, offset: usize, kind: u32, symbol: usize) {
        self.relocate_with(section, offset, kind, symbol, 0);
    }

    pub(crate) fn relocate_with(&mut self, section: usize, offset: usize, kind: u32, symbol: usize, addend: i64) {
        let offset = u64::try_from(offset).unwrap();
        self.sections[section].relocations.push(Relocation { offset, kind, symbol, addend });
    }

    /// Exports code at offsets of a section under names.
    pub(crate) fn exports<'n>(&mut self, code: usize, entries: impl IntoIterator<Item = (&'n str, u64)>) {
        let pointer = if self.xlen == Xlen::Rv64 { 8 } else { 4 };
        let absolute = if self.xlen == Xlen::Rv64 { R_64 } else { R_32 };
        let names = self.section(".rodata.names", RO, Vec::new());
        let records = self.section(".polkavm_metadata", 0, Vec::new());
        let exports = self.section(".polkavm_exports", 0, Vec::new());
        for (name, offset) in entries {
            let name_at = u64::try_from(self.sections[names].data.len()).unwrap();
            self.sections[names].data.extend_from_slice(name.as_bytes());
            let record = self.sections[records].data.len();
            let data = &mut self.sections[records].data;
            data.extend_from_slice(&[1, 0, 0, 0, 0]);
            data.extend_from_slice(&u32::try_from(name.len()).unwrap().to_le_bytes());
            data.extend(std::iter::repeat_n(0, pointer));
            data.extend_from_slice(&[0, 0]);
            let symbol = self.symbol("", names, name_at);
            self.relocate(records, record + 9, absolute, symbol);
            let export = self.sections[exports].data.len();
            let data = &mut self.sections[exports].data;
            data.push(1);
            data.extend(std::iter::repeat_n(0, 2 * pointer));
            let symbol = self.symbol("", records, u64::try_from(record).unwrap());
            self.relocate(exports, export + 1, absolute, symbol);
            let symbol = self.symbol(name, code, offset);
            self.symbols[symbol].info = 0x12;
            self.relocate(exports, export + 1 + pointer, absolute, symbol);
        }
    }

    /// The file: header, contents, symbols, names, section headers.
    pub(crate) fn build(&self) -> Vec<u8> {
        let wide = self.xlen == Xlen::Rv64;
        let word = |out: &mut Vec<u8>, value: u64| match wide {
            true => out.extend_from_slice(&value.to_le_bytes()),
            false => out.extend_from_slice(&u32::try_from(value & 0xffff_ffff).unwrap().to_le_bytes()),
        };
        let half = |out: &mut Vec<u8>, value: u16| out.extend_from_slice(&value.to_le_bytes());
        let int = |out: &mut Vec<u8>, value: usize| {
            out.extend_from_slice(&u32::try_from(value).unwrap().to_le_bytes());
        };
        let header_size = if wide { 64 } else { 52 };
        let mut body = Vec::new();
        let mut names = vec![0];
        let mut headers: Vec<[u64; 10]> = vec![[0; 10]];
        let count = self.sections.len();
        let symtab = count + 1;
        let add_name = |names: &mut Vec<u8>, name: &str| {
            let at = names.len();
            names.extend_from_slice(name.as_bytes());
            names.push(0);
            u64::try_from(at).unwrap()
        };
        let at = |body: &Vec<u8>| u64::try_from(header_size + body.len()).unwrap();
        let length = |data: &Vec<u8>| u64::try_from(data.len()).unwrap();
        for section in &self.sections {
            let name = add_name(&mut names, section.name);
            let size = if section.kind == NOBITS { section.size } else { length(&section.data) };
            headers.push([name, section.kind.into(), section.flags, 0, at(&body), size, 0, 0, section.align, 0]);
            body.extend_from_slice(&section.data);
        }
        let mut strings = vec![0];
        let mut known: BTreeMap<&str, u64> = BTreeMap::new();
        let mut table = vec![0; if wide { 24 } else { 16 }];
        for symbol in &self.symbols {
            let name = *known.entry(&symbol.name).or_insert_with(|| add_name(&mut strings, &symbol.name));
            let section = u16::try_from(symbol.section.map_or(0, |section| section + 1)).unwrap();
            int(&mut table, usize::try_from(name).unwrap());
            if !wide {
                word(&mut table, symbol.value);
                word(&mut table, symbol.size);
            }
            table.extend_from_slice(&[symbol.info, 0]);
            half(&mut table, section);
            if wide {
                word(&mut table, symbol.value);
                word(&mut table, symbol.size);
            }
        }
        let name = add_name(&mut names, ".symtab");
        let link = u64::try_from(symtab + 1).unwrap();
        headers.push([name, 2, 0, 0, at(&body), length(&table), link, 1, 8, if wide { 24 } else { 16 }]);
        body.extend_from_slice(&table);
        let name = add_name(&mut names, ".strtab");
        headers.push([name, 3, 0, 0, at(&body), length(&strings), 0, 0, 1, 0]);
        body.extend_from_slice(&strings);
        for (index, section) in self.sections.iter().enumerate() {
            if section.relocations.is_empty() {
                continue;
            }
            let mut table = Vec::new();
            for relocation in &section.relocations {
                let symbol = u64::try_from(relocation.symbol.wrapping_add(1)).unwrap();
                word(&mut table, relocation.offset);
                let shift = if wide { 32 } else { 8 };
                word(&mut table, symbol << shift | u64::from(relocation.kind));
                word(&mut table, u64::from_le_bytes(relocation.addend.to_le_bytes()));
            }
            let name = add_name(&mut names, ".rela");
            let (link, info) = (u64::try_from(symtab).unwrap(), u64::try_from(index + 1).unwrap());
            headers.push([name, 4, 0, 0, at(&body), length(&table), link, info, 8, if wide { 24 } else { 12 }]);
            body.extend_from_slice(&table);
        }
        let name = add_name(&mut names, ".shstrtab");
        headers.push([name, 3, 0, 0, at(&body), length(&names), 0, 0, 1, 0]);
        body.extend_from_slice(&names);

        for (section, field, value) in &self.patches {
            headers[*section][*field] = *value;
        }

        let class = if wide { 2 } else { 1 };
        let mut out = vec![0x7f, b'E', b'L', b'F', class, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        half(&mut out, 1);
        half(&mut out, 243);
        int(&mut out, 1);
        word(&mut out, 0);
        word(&mut out, 0);
        word(&mut out, u64::try_from(header_size + body.len()).unwrap());
        int(&mut out, 0);
        half(&mut out, u16::try_from(header_size).unwrap());
        half(&mut out, 0);
        half(&mut out, 0);
        half(&mut out, if wide { 64 } else { 40 });
        half(&mut out, u16::try_from(headers.len()).unwrap());
        half(&mut out, u16::try_from(headers.len() - 1).unwrap());
        assert_eq!(out.len(), header_size);
        out.extend_from_slice(&body);
        for [name, kind, flags, address, offset, size, link, info, align, entry] in headers {
            let as_usize = |value: u64| usize::try_from(value).unwrap();
            int(&mut out, as_usize(name));
            int(&mut out, as_usize(kind));
            word(&mut out, flags);
            word(&mut out, address);
            word(&mut out, offset);
            word(&mut out, size);
            int(&mut out, as_usize(link));
            int(&mut out, as_usize(info));
            word(&mut out, align);
            word(&mut out, entry);
        }
        out
    }
}

/// Instructions as code bytes, uncompressed.
pub(crate) fn assemble(xlen: Xlen, code: &[Instruction]) -> Vec<u8> {
    let word = |instruction: &Instruction| {
        encode(instruction, xlen).unwrap_or_else(|| panic!("`{instruction}` cannot be encoded")).to_le_bytes()
    };
    code.iter().flat_map(word).collect()
}
