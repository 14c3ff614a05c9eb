//! Reading the file's tables, for both classes, into [`File`].

use super::addresses::{self, Pointer};
use super::classify::{self, ArrayKind, Class, Kind, Refusal, Traits};
use super::{ABI_FLAGS, Binding, File, Group, Home, Relocation, Section, Symbol, SymbolKind, readable};
use crate::error::{LinkError, LinkErrorKind, Location};
use crate::limits::{SECTION_ALIGN_MAX, SECTION_NAME_SIZE_MAX};
use crate::reloc::RelocKind;
use object::LittleEndian;
use object::elf::{self, FileHeader32, FileHeader64};
use object::read::elf::{FileHeader, Rela, SectionHeader, Sym};
use pvm_num::casts::{to_u64, to_usize, to_usize_saturating, unsigned_64};
use pvm_riscv::Xlen;
use std::collections::BTreeSet;

const LE: LittleEndian = LittleEndian;

/// Parses a file. Relocations of sections that are not loaded are read only if `debug_info` is wanted and nobody has applied
/// them, or not for good.
pub(crate) fn parse(bytes: &[u8], debug_info: bool) -> Result<File<'_>, LinkError> {
    // The class is byte 4 of the identification (ELF gABI); both readers check all of it.
    match bytes.get(4) {
        Some(&1) => Reader::<FileHeader32<LittleEndian>>::new(bytes)?.read(Xlen::Rv32, debug_info),
        _ => Reader::<FileHeader64<LittleEndian>>::new(bytes)?.read(Xlen::Rv64, debug_info),
    }
}

/// What decides whether a member of an archive is needed.
pub(crate) struct Outline<'a> {
    pub(crate) symbols: Vec<Symbol<'a>>,
    /// Does it export functions to the host?
    pub(crate) exports: bool,
}

/// Reads the outline of a file.
pub(crate) fn outline(bytes: &[u8]) -> Result<Outline<'_>, LinkError> {
    match bytes.get(4) {
        Some(&1) => Reader::<FileHeader32<LittleEndian>>::new(bytes)?.outline(),
        _ => Reader::<FileHeader64<LittleEndian>>::new(bytes)?.outline(),
    }
}

/// An error that concerns the file as a whole.
fn file_error(kind: LinkErrorKind) -> LinkError {
    LinkError { kind, at: Location::default() }
}

struct Reader<'a, H: FileHeader> {
    bytes: &'a [u8],
    header: &'a H,
    headers: &'a [H::SectionHeader],
    names: &'a [u8],
}

impl<'a, H: FileHeader<Endian = LittleEndian>> Reader<'a, H> {
    fn new(bytes: &'a [u8]) -> Result<Self, LinkError> {
        let not_elf = |_| file_error(LinkErrorKind::NotAnElf);
        let header = H::parse(bytes).map_err(not_elf)?;
        let ident = header.e_ident();
        if !header.is_little_endian() {
            return Err(file_error(LinkErrorKind::BigEndian));
        }
        if !matches!(ident.os_abi, elf::ELFOSABI_SYSV | elf::ELFOSABI_GNU) {
            return Err(file_error(LinkErrorKind::UnsupportedOsAbi { abi: ident.os_abi.0 }));
        }
        if header.e_machine(LE) != elf::EM_RISCV {
            return Err(file_error(LinkErrorKind::UnsupportedMachine { machine: header.e_machine(LE).0 }));
        }
        if !matches!(header.e_type(LE), elf::ET_EXEC | elf::ET_REL | elf::ET_DYN) {
            return Err(file_error(LinkErrorKind::UnsupportedFileType { kind: header.e_type(LE).0 }));
        }
        let headers = header
            .section_headers(LE, bytes)
            .map_err(|_| file_error(LinkErrorKind::TableOutOfFile { table: "section header table" }))?;
        let mut reader = Reader { bytes, header, headers, names: &[] };
        if !headers.is_empty() {
            let index = header.section_strings_index(LE, bytes);
            let section = index.ok().and_then(|index| headers.get(index.0));
            reader.names = section
                .and_then(|section| section.data(LE, bytes).ok())
                .ok_or_else(|| file_error(LinkErrorKind::TableOutOfFile { table: "section name table" }))?;
        }
        Ok(reader)
    }

    fn read(&self, xlen: Xlen, debug_info: bool) -> Result<File<'a>, LinkError> {
        self.refuse_overlap()?;
        let mut sections = Vec::with_capacity(self.headers.len());
        for index in 0..self.headers.len() {
            sections.push(self.section(index)?);
        }
        let symbols = self.symbols()?;
        let linked = self.header.e_type(LE) != elf::ET_REL;
        let debug_info = debug_info && (!linked || has_debug_sections_of_one_name(&sections));
        for index in 0..self.headers.len() {
            self.relocations(index, &mut sections, symbols.len(), debug_info)?;
        }
        for section in &mut sections {
            // Stable: records at one offset keep their order, which ADD/SUB pairs do not depend on but messages do.
            section.relocations.sort_by_key(|relocation| relocation.offset);
        }
        let mut file = File {
            xlen,
            abi: self.header.e_flags(LE).0 & ABI_FLAGS,
            linked,
            sections,
            groups: self.groups(&symbols)?,
            symbols,
        };
        if file.linked {
            self.refuse_without_relocations()?;
            addresses::relocate(&mut file, &self.pointers(xlen)?, self.header.e_type(LE) == elf::ET_EXEC);
        }
        Ok(file)
    }

    /// Without relocations nothing tells a number from an address.
    fn refuse_without_relocations(&self) -> Result<(), LinkError> {
        let of_file = |header: &&H::SectionHeader| {
            matches!(header.sh_type(LE), elf::SHT_RELA | elf::SHT_REL | elf::SHT_CREL)
                && !header.sh_flags(LE).contains(elf::SHF_ALLOC)
        };
        match self.headers.iter().find(of_file) {
            Some(_) => Ok(()),
            None => Err(file_error(LinkErrorKind::NoRelocations)),
        }
    }

    /// What the loader would relocate by the address the file is loaded at.
    fn pointers(&self, xlen: Xlen) -> Result<Vec<Pointer>, LinkError> {
        let mut pointers = Vec::new();
        let bad = |table| file_error(LinkErrorKind::TableOutOfFile { table });
        for header in self.headers.iter().filter(|header| header.sh_flags(LE).contains(elf::SHF_ALLOC)) {
            match header.sh_type(LE) {
                elf::SHT_RELA => {
                    let records: &[H::Rela] =
                        header.data_as_array(LE, self.bytes).map_err(|_| bad("table of the loader's relocations"))?;
                    for record in records.iter().filter(|record| record.r_type(LE, false) == elf::R_RISCV_RELATIVE) {
                        let addend: i64 = record.r_addend(LE).into();
                        let target = unsigned_64(addend);
                        pointers.push(Pointer { at: record.r_offset(LE).into(), target: Some(target) });
                    }
                }
                elf::SHT_RELR => {
                    let data = header.data(LE, self.bytes).map_err(|_| bad("table of relative relocations"))?;
                    relative(data, xlen, &mut pointers);
                }
                _ => {}
            }
        }
        Ok(pointers)
    }

    /// The groups of a relocatable file; they are resolved in others.
    fn groups(&self, symbols: &[Symbol<'a>]) -> Result<Vec<Group<'a>>, LinkError> {
        let mut groups = Vec::new();
        if self.header.e_type(LE) != elf::ET_REL {
            return Ok(groups);
        }
        for header in self.headers.iter().filter(|header| header.sh_type(LE) == elf::SHT_GROUP) {
            let words: &[object::U32<LittleEndian>] = header
                .data_as_array(LE, self.bytes)
                .map_err(|_| file_error(LinkErrorKind::TableOutOfFile { table: "section group" }))?;
            let Some((flags, members)) = words.split_first() else { continue };
            if flags.get(LE) & elf::GRP_COMDAT.0 == 0 {
                continue;
            }
            let Some(symbol) = symbols.get(to_usize(header.sh_info(LE))) else {
                return Err(file_error(LinkErrorKind::TableOutOfFile { table: "signature of a section group" }));
            };
            // Assemblers that have no symbol for the signature use that of a section, whose name stands for it.
            let signature = match (symbol.name.first(), symbol.home) {
                (None | Some(0), Home::Section(section)) => {
                    let header = self.headers.get(to_usize(section));
                    header.map_or(Ok(""), |header| self.name(header))?.as_bytes()
                }
                _ => symbol.name,
            };
            let sections: Vec<u32> = members.iter().map(|member| member.get(LE)).collect();
            if sections.iter().any(|section| to_usize(*section) >= self.headers.len()) {
                return Err(file_error(LinkErrorKind::TableOutOfFile { table: "section group" }));
            }
            groups.push(Group { signature, sections });
        }
        Ok(groups)
    }

    fn outline(&self) -> Result<Outline<'a>, LinkError> {
        let mut exports = false;
        for header in self.headers {
            exports |= self.name(header)? == ".polkavm_exports" && header.sh_size(LE).into() != 0;
        }
        Ok(Outline { symbols: self.symbols()?, exports })
    }

    /// Sections that share file contents would let a small file stand for a big program.
    fn refuse_overlap(&self) -> Result<(), LinkError> {
        let ranges = self.headers.iter().filter(|header| header.sh_type(LE) != elf::SHT_NULL);
        let ranges = ranges.filter_map(|header| header.file_range(LE));
        let total = ranges.fold(0u64, |total, (_, size)| total.saturating_add(size));
        if total > to_u64(self.bytes.len()) {
            return Err(file_error(LinkErrorKind::SectionsOverlap { total, file: to_u64(self.bytes.len()) }));
        }
        Ok(())
    }

    fn name(&self, header: &H::SectionHeader) -> Result<&'a str, LinkError> {
        let bytes = self.names.get(to_usize(header.sh_name(LE))..).unwrap_or_default();
        let bytes = &bytes[..bytes.len().min(SECTION_NAME_SIZE_MAX + 1)];
        let end = bytes.iter().position(|byte| *byte == 0);
        let name = end.and_then(|end| std::str::from_utf8(&bytes[..end]).ok());
        name.ok_or_else(|| file_error(LinkErrorKind::BadSectionName { offset: header.sh_name(LE) }))
    }

    fn section(&self, index: usize) -> Result<Section<'a>, LinkError> {
        let header = &self.headers[index];
        if header.sh_type(LE) == elf::SHT_NULL {
            let empty = Section {
                name: "",
                file: 0,
                class: Class::NotLoaded,
                array: None,
                data: &[],
                size: 0,
                align: 1,
                address: 0,
                relocations: Vec::new(),
            };
            return Ok(empty);
        }
        let name = self.name(header)?;
        let refuse = |kind| {
            let at = Location { section: Some(name.into()), ..Location::default() };
            Err(LinkError { kind, at })
        };
        let Ok(data) = header.data(LE, self.bytes) else {
            return refuse(LinkErrorKind::SectionOutOfFile);
        };
        let flags = header.sh_flags(LE);
        let traits = Traits {
            allocated: flags.contains(elf::SHF_ALLOC),
            writable: flags.contains(elf::SHF_WRITE),
            executable: flags.contains(elf::SHF_EXECINSTR),
            thread_local: flags.contains(elf::SHF_TLS),
            kind: match header.sh_type(LE) {
                elf::SHT_PROGBITS => Kind::ProgBits,
                elf::SHT_NOBITS => Kind::NoBits,
                elf::SHT_PREINIT_ARRAY => Kind::Array(ArrayKind::PreInit),
                elf::SHT_INIT_ARRAY => Kind::Array(ArrayKind::Init),
                elf::SHT_FINI_ARRAY => Kind::Array(ArrayKind::Fini),
                elf::SHT_NOTE
                | elf::SHT_HASH
                | elf::SHT_GNU_HASH
                | elf::SHT_DYNSYM
                | elf::SHT_STRTAB
                | elf::SHT_RELA
                | elf::SHT_RELR => Kind::Bookkeeping,
                _ => Kind::Other,
            },
        };
        let class = match classify::classify(name, traits) {
            Ok(class) => class,
            Err(Refusal::Writable) => return refuse(LinkErrorKind::SectionWritable),
            Err(Refusal::NotWritable) => return refuse(LinkErrorKind::SectionNotWritable),
            Err(Refusal::Unsupported) => {
                return refuse(LinkErrorKind::UnsupportedSection { kind: header.sh_type(LE).0 });
            }
        };
        if class != Class::NotLoaded && flags.contains(elf::SHF_COMPRESSED) {
            return refuse(LinkErrorKind::CompressedSection);
        }
        let size: u64 = header.sh_size(LE).into();
        let Ok(size) = u32::try_from(size) else {
            return refuse(LinkErrorKind::SectionTooBig { size });
        };
        let align: u64 = header.sh_addralign(LE).into();
        let align = align.max(1);
        let loaded = class.is_data() || class == Class::Code;
        if loaded && (!align.is_power_of_two() || align > SECTION_ALIGN_MAX) {
            return refuse(LinkErrorKind::BadAlignment { align, max: SECTION_ALIGN_MAX });
        }
        if class == Class::Code && !size.is_multiple_of(2) {
            return refuse(LinkErrorKind::OddCodeSize { size });
        }
        // Debug sections with compressed contents are as good as absent; nothing else reads a section that is not loaded.
        let data = if flags.contains(elf::SHF_COMPRESSED) { &[] } else { data };
        let relocatable = self.header.e_type(LE) == elf::ET_REL;
        Ok(Section {
            name,
            file: 0,
            class,
            array: classify::array(name, traits.kind).filter(|_| class.is_data()),
            data,
            size,
            align: u32::try_from(align).unwrap_or(1),
            address: if relocatable { 0 } else { header.sh_addr(LE).into() },
            relocations: Vec::new(),
        })
    }

    /// The symbols of the file's one static symbol table.
    fn symbols(&self) -> Result<Vec<Symbol<'a>>, LinkError> {
        let Some(table) = self.headers.iter().position(|header| header.sh_type(LE) == elf::SHT_SYMTAB) else {
            return Ok(Vec::new());
        };
        let bad = |table| file_error(LinkErrorKind::TableOutOfFile { table });
        let header = &self.headers[table];
        let raw: &[H::Sym] = header.data_as_array(LE, self.bytes).map_err(|_| bad("symbol table"))?;
        let strings =
            self.headers.get(to_usize(header.sh_link(LE))).and_then(|header| header.data(LE, self.bytes).ok());
        let strings = strings.ok_or_else(|| bad("symbol name table"))?;
        let extended = self
            .headers
            .iter()
            .find(|header| header.sh_type(LE) == elf::SHT_SYMTAB_SHNDX && to_usize(header.sh_link(LE)) == table);
        let extended: &[object::U32<LittleEndian>] = match extended {
            Some(header) => header.data_as_array(LE, self.bytes).map_err(|_| bad("extended section index table"))?,
            None => &[],
        };
        let mut symbols = Vec::with_capacity(raw.len());
        for (index, symbol) in raw.iter().enumerate() {
            symbols.push(self.symbol(symbol, extended.get(index).map(|index| index.get(LE)), strings)?);
        }
        Ok(symbols)
    }

    fn symbol(&self, symbol: &H::Sym, extended: Option<u32>, strings: &'a [u8]) -> Result<Symbol<'a>, LinkError> {
        let name = strings.get(to_usize(symbol.st_name(LE))..).unwrap_or_default();
        let value: u64 = symbol.st_value(LE).into();
        let section = match symbol.st_shndx(LE) {
            elf::SHN_XINDEX => extended.or(Some(u32::MAX)),
            other => other.index().map(u32::from),
        };
        let (home, value) = match (section, symbol.st_shndx(LE)) {
            (Some(section), _) => match self.headers.get(to_usize(section)) {
                Some(_) if self.header.e_type(LE) == elf::ET_REL => (Home::Section(section), value),
                Some(header) => (Home::Section(section), value.wrapping_sub(header.sh_addr(LE).into())),
                None => {
                    let name = readable(name).into();
                    return Err(file_error(LinkErrorKind::SymbolInMissingSection { name, section }));
                }
            },
            (None, elf::SHN_UNDEF) => {
                // Linkers make hidden weak symbols that nobody defined local; any other would have stopped them.
                let is_linked = self.header.e_type(LE) != elf::ET_REL;
                let weak = symbol.st_bind() == elf::STB_WEAK || (is_linked && symbol.st_bind() == elf::STB_LOCAL);
                (Home::Undefined { weak }, value)
            }
            (None, elf::SHN_COMMON) => (Home::Common, value),
            (None, _) => (Home::Absolute, value),
        };
        let kind = match symbol.st_type() {
            elf::STT_FUNC => SymbolKind::Function,
            elf::STT_NOTYPE | elf::STT_OBJECT | elf::STT_SECTION | elf::STT_FILE | elf::STT_COMMON => SymbolKind::Other,
            other => SymbolKind::Unsupported(other.0),
        };
        let binding = match symbol.st_bind() {
            elf::STB_LOCAL => Binding::Local,
            elf::STB_WEAK => Binding::Weak,
            _ => Binding::Global,
        };
        Ok(Symbol { name, home, value, size: symbol.st_size(LE).into(), kind, binding })
    }

    /// Adds the records of a relocation section to the section they apply to. Dynamic relocations, which are loaded, say
    /// the same once more and are left out.
    fn relocations(
        &self,
        index: usize,
        sections: &mut [Section<'a>],
        symbols: usize,
        debug_info: bool,
    ) -> Result<(), LinkError> {
        let header = &self.headers[index];
        let kind = header.sh_type(LE);
        if !matches!(kind, elf::SHT_RELA | elf::SHT_REL | elf::SHT_CREL) || header.sh_flags(LE).contains(elf::SHF_ALLOC)
        {
            return Ok(());
        }
        let refuse = |kind| {
            let at = Location { section: Some(self.name(header)?.into()), ..Location::default() };
            Err(LinkError { kind, at })
        };
        let target = header.sh_info(LE);
        let Some(section) = sections.get_mut(to_usize(target)).filter(|_| target != 0) else {
            return refuse(LinkErrorKind::RelocationsOfMissingSection { section: target });
        };
        if section.class == Class::Skipped || (section.class == Class::NotLoaded && !debug_info) {
            return Ok(());
        }
        // Debug sections whose contents were dropped keep no relocations either.
        if section.class == Class::NotLoaded && section.data.is_empty() {
            return Ok(());
        }
        // What is wrong with debug information is no reason to refuse the program.
        let is_needed = section.class != Class::NotLoaded;
        if kind != elf::SHT_RELA {
            return if is_needed { refuse(LinkErrorKind::ImplicitAddends) } else { Ok(()) };
        }
        let Ok(records) = header.data_as_array::<H::Rela, _>(LE, self.bytes) else {
            return if is_needed { refuse(LinkErrorKind::SectionOutOfFile) } else { Ok(()) };
        };
        section.relocations.reserve(records.len());
        for record in records {
            // Records that a linker has emptied are at offset 0 wherever their section is.
            if record.r_type(LE, false) == elf::R_RISCV_NONE {
                continue;
            }
            let address: u64 = record.r_offset(LE).into();
            let offset = address.wrapping_sub(section.address);
            let Some(offset) = u32::try_from(offset).ok().filter(|offset| *offset <= section.size) else {
                if is_needed {
                    return refuse(LinkErrorKind::RelocationOutOfSection { offset: address });
                }
                continue;
            };
            let symbol = record.r_sym(LE, false);
            if to_usize_saturating(u64::from(symbol)) >= symbols.max(1) {
                if is_needed {
                    return refuse(LinkErrorKind::RelocationOfMissingSymbol { symbol });
                }
                continue;
            }
            section.relocations.push(Relocation {
                offset,
                kind: RelocKind::from_number(record.r_type(LE, false).0),
                symbol,
                addend: record.r_addend(LE).into(),
            });
        }
        Ok(())
    }
}

/// A linker that keeps all sections apart (lld's `--unique`) counts offsets from the start of each.
fn has_debug_sections_of_one_name(sections: &[Section<'_>]) -> bool {
    let debug = sections.iter().filter(|section| section.class == Class::NotLoaded);
    let mut names = BTreeSet::new();
    debug.map(|section| section.name).filter(|name| name.starts_with(".debug_")).any(|name| !names.insert(name))
}

/// The addresses in a table of relative relocations: an even word is an address, an odd one has a bit for each of the words
/// that follow (ELF gABI, "Relative relocation table").
fn relative(table: &[u8], xlen: Xlen, pointers: &mut Vec<Pointer>) {
    let size = to_usize(xlen.bits() / 8);
    let step = to_u64(size);
    let mut next = 0u64;
    for entry in table.chunks_exact(size) {
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(entry);
        let entry = u64::from_le_bytes(bytes);
        if entry & 1 == 0 {
            pointers.push(Pointer { at: entry, target: None });
            next = entry.wrapping_add(step);
            continue;
        }
        let words = u64::from(xlen.bits()) - 1;
        let marked = (0..words).filter(|word| entry >> (word + 1) & 1 != 0);
        pointers.extend(marked.map(|word| Pointer { at: next.wrapping_add(word * step), target: None }));
        next = next.wrapping_add(words * step);
    }
}
