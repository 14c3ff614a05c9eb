//! From an ELF file to the intermediate form: every instruction of every code section becomes PVM instructions.
//!
//! ```text
//! code sections --decode--> steps --leaders--> blocks --anchors--> which address halves fuse --lower--> ir::Block
//! data sections --reloc::data--> fields ----------------------------------------------------------> ir::Data
//! .polkavm_*    --metadata--> imports, exports, stack size
//! ```

mod anchors;
mod decode;
mod leaders;
mod lower;
mod metadata;
mod registers;
mod targets;

pub(crate) use lower::SPILL_SECTION;

use crate::elf::{Class, Elf, SectionId, SymbolKind};
use crate::error::{LinkError, LinkErrorKind, Location};
use crate::ir::{Data, DataId, DataKind, DataRelocation, DataValue, Export, Program, Target};
use crate::reloc::data::{self, Field, FieldSize, FieldValue};
use leaders::{BlockMap, Leaders, Referrer};
use metadata::ExportRecord;
use pvm_isa::Width;
use pvm_num::casts::to_usize;
use pvm_riscv::Xlen;
use std::collections::BTreeMap;
use targets::Targets;

/// Lifts a whole file.
pub(crate) fn lift<'a>(elf: &Elf<'a>) -> Result<Program<'a>, LinkError> {
    let mut code = Vec::new();
    for (section, header) in elf.sections() {
        if header.class == Class::Code {
            code.push(decode::decode(elf, section)?);
        }
    }
    if code.is_empty() {
        return Err(LinkError { kind: LinkErrorKind::NoCode, at: Location::default() });
    }
    let exports = metadata::exports(elf)?;
    let fields = data_fields(elf)?;
    let leaders = find_leaders(elf, &code, &exports, &fields)?;
    for code in &mut code {
        anchors::resolve(code, &leaders);
    }
    let blocks = BlockMap::new(elf, &code, &leaders)?;
    let (mut data, ids) = data_sections(elf);
    let targets = Targets { elf, blocks, data: ids };
    for (section, fields) in &fields {
        if let Some(id) = targets.data[to_usize(*section)] {
            data[id.index()].relocations = data_relocations(&targets, *section, fields)?;
        }
    }
    let labels = labels(elf);
    let lowered = lower::lower(&targets, &code, &leaders, &labels, &mut data)?;
    Ok(Program {
        width: match elf.xlen {
            Xlen::Rv32 => Width::Narrow,
            Xlen::Rv64 => Width::Wide,
        },
        layout: (0..lowered.blocks.len()).map(crate::ir::BlockId::new).collect(),
        heat: Vec::new(),
        exports: program_exports(&targets, &exports)?,
        blocks: lowered.blocks.into(),
        imports: lowered.imports,
        data,
        stack_size_min: metadata::stack_size(elf)?,
        sections: elf.sections.iter().map(|section| section.name).collect(),
        files: if elf.files.iter().all(|name| name.is_empty()) {
            Vec::new()
        } else {
            elf.sections().map(|(id, _)| elf.file_name(id)).collect()
        },
    })
}

/// Names of functions by where they start. Of several the first in the symbol table stands.
type Labels<'a> = BTreeMap<(SectionId, u32), &'a str>;

fn labels<'a>(elf: &Elf<'a>) -> Labels<'a> {
    let mut labels = Labels::new();
    for symbol in elf.symbols.iter().filter(|symbol| symbol.kind == SymbolKind::Function) {
        if let crate::elf::Home::Section(section) = symbol.home
            && let Ok(offset) = u32::try_from(symbol.value)
            && elf.section(section).class == Class::Code
        {
            labels.entry((section, offset)).or_insert_with(|| elf.symbol_name(symbol));
        }
    }
    labels
}

/// The relocated fields of every data section.
fn data_fields(elf: &Elf<'_>) -> Result<Vec<(SectionId, Vec<Field>)>, LinkError> {
    let data = elf.sections().filter(|(_, section)| section.class.is_data());
    data.map(|(id, _)| Ok((id, data::fields(elf, id)?))).collect()
}

fn find_leaders(
    elf: &Elf<'_>,
    code: &[decode::Code],
    exports: &[ExportRecord<'_>],
    fields: &[(SectionId, Vec<Field>)],
) -> Result<Leaders, LinkError> {
    let mut leaders = Leaders::new(elf);
    for code in code {
        leaders.add_steps(elf, code)?;
    }
    for export in exports {
        leaders.add(elf, Referrer { section: export.section, offset: export.offset }, export.function)?;
    }
    for (section, fields) in fields {
        for field in fields {
            let from = Referrer { section: *section, offset: field.offset };
            match field.value {
                FieldValue::Address(place) => leaders.add(elf, from, place)?,
                FieldValue::Difference { plus, minus } => {
                    leaders.add(elf, from, plus)?;
                    leaders.add(elf, from, minus)?;
                }
            }
        }
    }
    Ok(leaders)
}

/// The data sections, and which section of the file became which.
fn data_sections<'a>(elf: &Elf<'a>) -> (Vec<Data<'a>>, Vec<Option<DataId>>) {
    let mut data = Vec::new();
    let mut ids = vec![None; elf.sections.len()];
    for (section, header) in elf.sections() {
        let kind = match header.class {
            Class::RoData => DataKind::Ro,
            Class::RwData => DataKind::Rw,
            Class::Bss => DataKind::Bss,
            _ => continue,
        };
        ids[to_usize(section)] = Some(DataId::new(data.len()));
        data.push(Data {
            name: header.name,
            kind,
            bytes: header.data,
            size: header.size,
            align: header.align,
            relocations: Vec::new(),
            section,
            kept: true,
        });
    }
    (data, ids)
}

fn data_relocations(
    targets: &Targets<'_, '_>,
    section: SectionId,
    fields: &[Field],
) -> Result<Vec<DataRelocation>, LinkError> {
    let relocation = |field: &Field| {
        let from = Referrer { section, offset: field.offset };
        let FieldSize::Bytes(size) = field.size else {
            return Err(targets.elf.error(section, field.offset, LinkErrorKind::UnsupportedDifference));
        };
        let value = match field.value {
            FieldValue::Address(place) => DataValue::Address(targets.target(from, place)?),
            FieldValue::Difference { plus, minus } => {
                DataValue::Difference { plus: targets.target(from, plus)?, minus: targets.target(from, minus)? }
            }
        };
        Ok(DataRelocation { offset: field.offset, size, value })
    };
    fields.iter().map(relocation).collect()
}

/// Exports in order of their blocks; those of one block in file order.
fn program_exports<'a>(targets: &Targets<'_, 'a>, records: &[ExportRecord<'a>]) -> Result<Vec<Export<'a>>, LinkError> {
    let export = |record: &ExportRecord<'a>| {
        let from = Referrer { section: record.section, offset: record.offset };
        let target = targets.target(from, record.function)?;
        let Target::Code(block) = target else {
            let name = String::from_utf8_lossy(record.metadata.symbol).into();
            return Err(targets.elf.error(record.section, record.offset, LinkErrorKind::ExportIsNotCode { name }));
        };
        let metadata::Metadata { symbol, inputs, outputs, .. } = record.metadata;
        Ok(Export { symbol, block, inputs, outputs })
    };
    let mut exports: Vec<Export<'a>> = records.iter().map(export).collect::<Result<_, _>>()?;
    exports.sort_by_key(|export| export.block);
    Ok(exports)
}
