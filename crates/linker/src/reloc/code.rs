//! Relocations in code sections: from ELF records to instruction overrides (elf.md 4).

use super::RelocKind;
use crate::elf::{Elf, Place, Relocation, SectionId};
use crate::error::{LinkError, LinkErrorKind};
use pvm_num::casts::{signed_64, to_usize};

/// What a relocation says of the instruction, or of the data, at its offset.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Override {
    /// `auipc` and `jalr`: a call or a jump.
    Call(Place),
    /// `jal` or `c.j`.
    Jump(Place),
    /// A conditional branch.
    Branch(Place),
    /// `auipc` or `lui`: the upper part of an address.
    High(Base, Place),
    /// The lower part of the address whose upper part the instruction at this offset makes.
    LowOf(u32),
    /// The lower part of an absolute address, or the distance of an address from the global pointer.
    Low(Place),
    /// A pointer among the instructions.
    Pointer(Place),
}

/// What the upper part of an address is relative to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Base {
    /// The program counter.
    Pc,
    /// The program counter, and the address is that of a slot which holds the symbol's address.
    Got,
    /// Zero.
    Zero,
    /// The program counter, and no relocation tells what the address is of.
    Own,
}

/// An override with the record it comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fixup {
    pub(crate) offset: u32,
    pub(crate) kind: RelocKind,
    pub(crate) what: Override,
}

/// The overrides of a code section, at most one at an offset, in order of offsets.
pub(crate) fn fixups(elf: &Elf<'_>, section: SectionId) -> Result<Vec<Fixup>, LinkError> {
    let records = &elf.section(section).relocations;
    let mut fixups: Vec<Fixup> = Vec::with_capacity(records.len());
    for record in records.iter().filter(|record| !record.kind.is_hint()) {
        let refuse = |kind| Err(elf.error(section, record.offset, kind));
        let kind = record.kind;
        if kind.is_thread_local() {
            let name = elf.symbols.get(to_usize(record.symbol)).map_or("", |symbol| elf.symbol_name(symbol)).into();
            let bytes = elf.section(section).data.get(to_usize(record.offset)..).unwrap_or_default();
            return refuse(match pvm_riscv::decode(bytes, elf.xlen) {
                Ok((instruction, _)) => LinkErrorKind::ThreadLocalAccess { kind, instruction, name },
                Err(_) => LinkErrorKind::ThreadLocalRelocation { kind, name },
            });
        }
        // psABI: records without a symbol are the assembler's notes to the linker.
        if record.symbol == 0 && record.addend == 0 && !matches!(kind, RelocKind::Unknown(_)) {
            continue;
        }
        let place = || elf.place(section, record);
        let what = match kind {
            RelocKind::CALL | RelocKind::CALL_PLT => Override::Call(place()?),
            RelocKind::JAL | RelocKind::RVC_JUMP => Override::Jump(place()?),
            RelocKind::BRANCH | RelocKind::RVC_BRANCH => Override::Branch(place()?),
            RelocKind::PCREL_HI20 => Override::High(Base::Pc, place()?),
            RelocKind::GOT_HI20 => Override::High(Base::Got, place()?),
            RelocKind::HI20 | RelocKind::RVC_LUI => Override::High(Base::Zero, place()?),
            RelocKind::LO12_I | RelocKind::LO12_S | RelocKind::LLD_X0REL_I | RelocKind::LLD_X0REL_S => {
                Override::Low(place()?)
            }
            RelocKind::LLD_GPREL_I | RelocKind::LLD_GPREL_S => Override::Low(place()?),
            // GNU ld's addend has the global pointer subtracted already.
            RelocKind::GPREL_I | RelocKind::GPREL_S => match elf.global_pointer {
                Some(gp) => {
                    let addend = record.addend.wrapping_add(signed_64(gp));
                    Override::Low(elf.place(section, &Relocation { addend, ..*record })?)
                }
                None => return refuse(LinkErrorKind::UnsupportedRelocation { kind }),
            },
            RelocKind::PCREL_LO12_I | RelocKind::PCREL_LO12_S => match place()? {
                Place::Section { section: home, offset } if home == section => match u32::try_from(offset) {
                    Ok(offset) => Override::LowOf(offset),
                    Err(_) => return refuse(LinkErrorKind::LowWithoutHigh { kind }),
                },
                _ => return refuse(LinkErrorKind::LowWithoutHigh { kind }),
            },
            RelocKind::R32 | RelocKind::R64 | RelocKind::RELATIVE => Override::Pointer(place()?),
            _ => return refuse(LinkErrorKind::UnsupportedRelocation { kind }),
        };
        match fixups.last() {
            Some(other) if other.offset == record.offset => {
                return refuse(LinkErrorKind::ConflictingRelocations { first: other.kind, second: kind });
            }
            _ => fixups.push(Fixup { offset: record.offset, kind, what }),
        }
    }
    Ok(fixups)
}

/// The fixup at an offset.
pub(crate) fn at(fixups: &[Fixup], offset: u32) -> Option<&Fixup> {
    fixups.binary_search_by_key(&offset, |fixup| fixup.offset).ok().map(|index| &fixups[index])
}
