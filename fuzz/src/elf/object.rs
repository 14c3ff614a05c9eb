//! Relocatable files in the making: code with labels, data, and the records of imports and exports.

use object::write::{Object, Relocation, SectionId, Symbol, SymbolId, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SectionKind, SymbolFlags, SymbolKind, SymbolScope, elf,
};
use pvm_guest_abi::{
    EXPORT_VERSION, EXPORTS_SECTION, IMPORT_WORD, METADATA_SECTION, METADATA_VERSION_1, METADATA_VERSION_2,
};
use pvm_num::casts::{low_u32, to_u32, to_u64, widen};
use pvm_riscv::{Condition, Instruction, LoadKind, Reg, RegImmOp, StoreKind, Xlen, encode};

/// A file in the making. Code goes to the section that was opened last.
pub(crate) struct Writer {
    pub(crate) xlen: Xlen,
    object: Object<'static>,
    text: SectionId,
    records: SectionId,
    exports: SectionId,
    names: SectionId,
}

/// Two halves of an address, in instructions that a relocation fills.
#[derive(Clone, Copy)]
pub(crate) enum Addressing {
    /// `lui` and 12 bits.
    Absolute,
    /// `auipc` and 12 bits.
    Relative,
    /// `auipc` and a load from the table of addresses.
    Table,
}

impl Writer {
    pub(crate) fn new(xlen: Xlen) -> Writer {
        let architecture = match xlen {
            Xlen::Rv32 => Architecture::Riscv32,
            Xlen::Rv64 => Architecture::Riscv64,
        };
        let mut object = Object::new(BinaryFormat::Elf, architecture, Endianness::Little);
        let mut section = |name: &str, kind| object.add_section(Vec::new(), name.as_bytes().to_vec(), kind);
        let text = section(".text", SectionKind::Text);
        let records = section(METADATA_SECTION, SectionKind::OtherString);
        let exports = section(EXPORTS_SECTION, SectionKind::OtherString);
        let names = section(".rodata.names", SectionKind::ReadOnlyData);
        for section in [records, exports] {
            let flags = object::SectionFlags::Elf { sh_type: elf::SHT_PROGBITS, sh_flags: Default::default() };
            object.section_mut(section).flags = flags;
        }
        Writer { xlen, object, text, records, exports, names }
    }

    pub(crate) fn pointer_size(&self) -> usize {
        if self.xlen == Xlen::Rv64 { 8 } else { 4 }
    }

    /// Opens a section for the code that follows.
    pub(crate) fn open_text(&mut self, name: String) {
        self.text = self.object.add_section(Vec::new(), name.into_bytes(), SectionKind::Text);
    }

    fn here(&self) -> u64 {
        to_u64(self.object.section(self.text).data().len())
    }

    /// A symbol that is placed later.
    pub(crate) fn label(&mut self) -> SymbolId {
        self.object.add_symbol(Symbol {
            name: Vec::new(),
            value: 0,
            size: 0,
            kind: SymbolKind::Label,
            scope: SymbolScope::Compilation,
            weak: false,
            section: SymbolSection::Undefined,
            flags: SymbolFlags::None,
        })
    }

    /// A function that is placed later.
    pub(crate) fn function(&mut self, name: String) -> SymbolId {
        let label = self.label();
        let symbol = self.object.symbol_mut(label);
        (symbol.name, symbol.kind) = (name.into_bytes(), SymbolKind::Text);
        label
    }

    /// Places a symbol here.
    pub(crate) fn place(&mut self, label: SymbolId) {
        let (section, value) = (SymbolSection::Section(self.text), self.here());
        let symbol = self.object.symbol_mut(label);
        (symbol.section, symbol.value) = (section, value);
    }

    /// Data with a symbol of that name.
    pub(crate) fn data(&mut self, section: &str, kind: SectionKind, data: &[u8]) -> SymbolId {
        let id = self.object.add_section(Vec::new(), section.as_bytes().to_vec(), kind);
        if kind == SectionKind::UninitializedData {
            self.object.append_section_bss(id, to_u64(data.len()), 8);
        } else {
            self.object.append_section_data(id, data, 8);
        }
        self.symbol_in(id, 0)
    }

    fn symbol_in(&mut self, section: SectionId, value: u64) -> SymbolId {
        let label = self.label();
        let symbol = self.object.symbol_mut(label);
        (symbol.section, symbol.value, symbol.kind) = (SymbolSection::Section(section), value, SymbolKind::Data);
        label
    }

    fn relocate(
        &mut self,
        section: SectionId,
        offset: u64,
        r_type: elf::RelocationType,
        symbol: SymbolId,
        addend: i64,
    ) {
        let flags = RelocationFlags::Elf { r_type };
        let relocation = Relocation { offset, symbol, addend, flags };
        self.object.add_relocation(section, relocation).expect("the section is there");
    }

    fn pointer(&mut self, section: SectionId, offset: u64, symbol: SymbolId) {
        let kind = if self.xlen == Xlen::Rv64 { elf::R_RISCV_64 } else { elf::R_RISCV_32 };
        self.relocate(section, offset, kind, symbol, 0);
    }

    /// A table of pointers.
    pub(crate) fn pointers(&mut self, section: &str, kind: SectionKind, targets: &[SymbolId]) -> SymbolId {
        let table = self.data(section, kind, &vec![0; targets.len() * self.pointer_size()]);
        let Some(id) = self.object.symbol(table).section.id() else { unreachable!("data is in a section") };
        for (index, target) in targets.iter().enumerate() {
            self.pointer(id, to_u64(index * self.pointer_size()), *target);
        }
        table
    }

    /// A table of distances from itself, of 4 bytes each.
    pub(crate) fn distances(&mut self, targets: &[SymbolId]) -> SymbolId {
        let table = self.data(".rodata.distances", SectionKind::ReadOnlyData, &vec![0; targets.len() * 4]);
        let Some(id) = self.object.symbol(table).section.id() else { unreachable!("data is in a section") };
        for (index, target) in targets.iter().enumerate() {
            self.relocate(id, to_u64(index * 4), elf::R_RISCV_ADD32, *target, 0);
            self.relocate(id, to_u64(index * 4), elf::R_RISCV_SUB32, table, 0);
        }
        table
    }

    fn word(&mut self, word: u32) {
        self.object.append_section_data(self.text, &word.to_le_bytes(), 4);
    }

    /// Appends an instruction, if the width has it.
    pub(crate) fn try_push(&mut self, instruction: &Instruction) -> bool {
        let word = encode(instruction, self.xlen);
        word.into_iter().for_each(|word| self.word(word));
        word.is_some()
    }

    /// Appends an instruction that both widths have.
    pub(crate) fn push(&mut self, instruction: &Instruction) {
        assert!(self.try_push(instruction), "`{instruction}` cannot be encoded");
    }

    fn push_relocated(&mut self, instruction: &Instruction, kind: elf::RelocationType, symbol: SymbolId, addend: i64) {
        self.relocate(self.text, self.here(), kind, symbol, addend);
        self.push(instruction);
    }

    pub(crate) fn add_immediate(&mut self, rd: Reg, rs1: Reg, imm: i32) {
        self.push(&Instruction::RegImm { op: RegImmOp::Addi, rd, rs1, imm });
    }

    /// `sp` plus an offset to a register; as wide as a register.
    pub(crate) fn load_stack(&mut self, rd: Reg, offset: i32) {
        let kind = if self.xlen == Xlen::Rv64 { LoadKind::U64 } else { LoadKind::I32 };
        self.push(&Instruction::Load { kind, rd, base: Reg::sp, offset });
    }

    pub(crate) fn store_stack(&mut self, src: Reg, offset: i32) {
        let kind = if self.xlen == Xlen::Rv64 { StoreKind::U64 } else { StoreKind::U32 };
        self.push(&Instruction::Store { kind, src, base: Reg::sp, offset });
    }

    pub(crate) fn branch(&mut self, cond: Condition, rs1: Reg, rs2: Reg, to: SymbolId) {
        self.push_relocated(&Instruction::Branch { cond, rs1, rs2, offset: 0 }, elf::R_RISCV_BRANCH, to, 0);
    }

    pub(crate) fn jump(&mut self, to: SymbolId) {
        self.push_relocated(&Instruction::Jal { rd: Reg::zero, offset: 0 }, elf::R_RISCV_JAL, to, 0);
    }

    /// Calls a function, or jumps to it if `link` is `zero`, by way of `through`.
    pub(crate) fn call(&mut self, link: Reg, through: Reg, to: SymbolId) {
        self.push_relocated(&Instruction::Auipc { rd: through, imm: 0 }, elf::R_RISCV_CALL_PLT, to, 0);
        self.push(&Instruction::Jalr { rd: link, rs1: through, offset: 0 });
    }

    pub(crate) fn jump_to_register(&mut self, link: Reg, rs1: Reg) {
        self.push(&Instruction::Jalr { rd: link, rs1, offset: 0 });
    }

    /// The address of a symbol to a register.
    pub(crate) fn address(&mut self, rd: Reg, symbol: SymbolId, addend: i64, by: Addressing) {
        let low = Instruction::RegImm { op: RegImmOp::Addi, rd, rs1: rd, imm: 0 };
        match by {
            Addressing::Absolute => {
                self.push_relocated(&Instruction::Lui { rd, imm: 0 }, elf::R_RISCV_HI20, symbol, addend);
                self.push_relocated(&low, elf::R_RISCV_LO12_I, symbol, addend);
            }
            Addressing::Relative => {
                let at = self.high(rd, elf::R_RISCV_PCREL_HI20, symbol, addend);
                self.push_relocated(&low, elf::R_RISCV_PCREL_LO12_I, at, 0);
            }
            Addressing::Table => {
                let at = self.high(rd, elf::R_RISCV_GOT_HI20, symbol, 0);
                let kind = if self.xlen == Xlen::Rv64 { LoadKind::U64 } else { LoadKind::I32 };
                self.push_relocated(
                    &Instruction::Load { kind, rd, base: rd, offset: 0 },
                    elf::R_RISCV_PCREL_LO12_I,
                    at,
                    0,
                );
                self.add_immediate(rd, rd, i32::try_from(addend).unwrap_or(0));
            }
        }
    }

    fn high(&mut self, rd: Reg, kind: elf::RelocationType, symbol: SymbolId, addend: i64) -> SymbolId {
        let at = self.label();
        self.place(at);
        self.push_relocated(&Instruction::Auipc { rd, imm: 0 }, kind, symbol, addend);
        at
    }

    /// A load from a symbol, by way of `through`.
    pub(crate) fn load(
        &mut self,
        kind: LoadKind,
        rd: Reg,
        through: Reg,
        symbol: SymbolId,
        addend: i64,
        by: Addressing,
    ) -> bool {
        if encode(&Instruction::Load { kind, rd, base: through, offset: 0 }, self.xlen).is_none() {
            return false;
        }
        let low = Instruction::Load { kind, rd, base: through, offset: 0 };
        if let Addressing::Absolute = by {
            self.push_relocated(&Instruction::Lui { rd: through, imm: 0 }, elf::R_RISCV_HI20, symbol, addend);
            self.push_relocated(&low, elf::R_RISCV_LO12_I, symbol, addend);
        } else {
            let at = self.high(through, elf::R_RISCV_PCREL_HI20, symbol, addend);
            self.push_relocated(&low, elf::R_RISCV_PCREL_LO12_I, at, 0);
        }
        true
    }

    /// A store to a symbol, by way of `through`.
    pub(crate) fn store(
        &mut self,
        kind: StoreKind,
        src: Reg,
        through: Reg,
        symbol: SymbolId,
        addend: i64,
        by: Addressing,
    ) -> bool {
        let low = Instruction::Store { kind, src, base: through, offset: 0 };
        if encode(&low, self.xlen).is_none() {
            return false;
        }
        if let Addressing::Absolute = by {
            self.push_relocated(&Instruction::Lui { rd: through, imm: 0 }, elf::R_RISCV_HI20, symbol, addend);
            self.push_relocated(&low, elf::R_RISCV_LO12_S, symbol, addend);
        } else {
            let at = self.high(through, elf::R_RISCV_PCREL_HI20, symbol, addend);
            self.push_relocated(&low, elf::R_RISCV_PCREL_LO12_S, at, 0);
        }
        true
    }

    /// A record of a symbol, with its numbers of registers.
    fn metadata(&mut self, name: &str, inputs: u8, outputs: u8, index: Option<u32>) -> SymbolId {
        let name_at = self.object.append_section_data(self.names, name.as_bytes(), 1);
        let name_symbol = self.symbol_in(self.names, name_at);
        let mut record = vec![if index.is_some() { METADATA_VERSION_2 } else { METADATA_VERSION_1 }, 0, 0, 0, 0];
        record.extend_from_slice(&to_u32(name.len()).to_le_bytes());
        let slot = to_u64(record.len());
        record.extend(std::iter::repeat_n(0, self.pointer_size()));
        record.extend([inputs, outputs]);
        if let Some(index) = index {
            record.push(1);
            record.extend_from_slice(&index.to_le_bytes());
        }
        let at = self.object.append_section_data(self.records, &record, 1);
        self.pointer(self.records, at + slot, name_symbol);
        self.symbol_in(self.records, at)
    }

    pub(crate) fn export(&mut self, name: &str, function: SymbolId, inputs: u8, outputs: u8) {
        let metadata = self.metadata(name, inputs, outputs, None);
        let size = self.pointer_size();
        let mut record = vec![EXPORT_VERSION];
        record.extend(std::iter::repeat_n(0, 2 * size));
        let at = self.object.append_section_data(self.exports, &record, 1);
        self.pointer(self.exports, at + 1, metadata);
        self.pointer(self.exports, at + 1 + to_u64(size), function);
    }

    /// A function that calls the host.
    pub(crate) fn import(&mut self, name: &str, inputs: u8, outputs: u8, index: Option<u32>) -> SymbolId {
        let metadata = self.metadata(name, inputs, outputs, index);
        let function = self.function(format!("import_{name}"));
        self.place(function);
        self.word(IMPORT_WORD);
        self.pointer(self.text, self.here(), metadata);
        for _ in 0..self.pointer_size() / 4 {
            self.word(0);
        }
        self.jump_to_register(Reg::zero, Reg::ra);
        function
    }

    /// The file.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.object.write().expect("all symbols are placed")
    }
}

/// Loads a constant of 32 bits, sign-extended, in one or two instructions.
pub(crate) fn load_constant(writer: &mut Writer, rd: Reg, value: i32) {
    let low = value << 20 >> 20;
    let high = value.wrapping_sub(low);
    if high == 0 {
        writer.add_immediate(rd, Reg::zero, low);
        return;
    }
    writer.push(&Instruction::Lui { rd, imm: high });
    if low != 0 {
        let op = if writer.xlen == Xlen::Rv64 { RegImmOp::AddiW } else { RegImmOp::Addi };
        writer.push(&Instruction::RegImm { op, rd, rs1: rd, imm: low });
    }
}

/// The lowest bits of a random number, as one that is signed.
pub(crate) fn signed(random: u64) -> i32 {
    pvm_num::casts::signed_32(low_u32(widen(low_u32(random))))
}
