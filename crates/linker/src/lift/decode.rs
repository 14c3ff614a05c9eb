//! Code sections as steps: RISC-V instructions with their relocations applied, so that no step depends on an address that
//! only the first linker knew.

use super::registers::uses;
use crate::elf::{Elf, Place, SectionId};
use crate::error::{LinkError, LinkErrorKind};
use crate::reloc::RelocKind;
use crate::reloc::code::{self, Base, Fixup, Override};
use pvm_num::casts::{signed_64, to_u32, to_usize, widen_u8};
use pvm_riscv::{Condition, Instruction, LoadKind, Reg, RegImmOp, Xlen};

/// The code of one section.
pub(crate) struct Code {
    pub(crate) section: SectionId,
    /// In order of offsets, without gaps.
    pub(crate) steps: Vec<Step>,
}

/// One instruction, or a few that only make sense together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Step {
    /// Bytes from the start of the section.
    pub(crate) at: u32,
    /// Bytes it takes.
    pub(crate) length: u8,
    pub(crate) what: What,
}

/// What a step does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum What {
    /// An instruction that stands for itself; not a direct jump, a branch or `auipc`.
    Plain(Instruction),
    /// `jal`, or `auipc` and `jalr`.
    Jump { link: Reg, target: Place },
    /// A conditional branch.
    Branch { condition: Condition, rs1: Reg, rs2: Reg, target: Place },
    /// The upper part of an address. `needed` is found out by [`super::anchors`]: without it the instruction does nothing.
    High { rd: Reg, base: Base, target: Place, needed: bool },
    /// `addi`, a load or a store with the lower part of an address. `high` is the index of the step that makes the upper
    /// part, where the file says so. If `direct`, its base register is known to hold that upper part.
    Low { instruction: Instruction, target: Place, high: Option<u32>, direct: bool },
    /// A whole address.
    Address { rd: Reg, target: Place },
    /// A call of the host described by a metadata record.
    Import { metadata: Place },
}

impl Step {
    /// Where the next step starts.
    pub(crate) const fn end(&self) -> u32 {
        self.at + widen_u8(self.length)
    }

    /// The place it refers to. The metadata of an import is for the linker only.
    pub(crate) const fn target(&self) -> Option<Place> {
        match self.what {
            What::Jump { target, .. }
            | What::Branch { target, .. }
            | What::High { target, .. }
            | What::Low { target, .. }
            | What::Address { target, .. } => Some(target),
            What::Plain(_) | What::Import { .. } => None,
        }
    }

    /// Can control go on elsewhere than with the next step?
    pub(crate) const fn ends_block(&self) -> bool {
        match &self.what {
            What::Jump { .. } | What::Branch { .. } => true,
            What::Plain(Instruction::Jalr { .. } | Instruction::Unimp) => true,
            What::Plain(instruction) => is_trap(instruction),
            _ => false,
        }
    }
}

/// Loads and stores of address 0 as compilers emit them for undefined behaviour: `lw x0, 0(x0)`, `sw x0, 0(x0)`.
pub(crate) const fn is_trap(instruction: &Instruction) -> bool {
    matches!(
        instruction,
        Instruction::Load { rd: Reg::zero, base: Reg::zero, offset: 0, .. }
            | Instruction::Store { src: Reg::zero, base: Reg::zero, offset: 0, .. }
    )
}

/// Decodes a code section from its start to its end.
pub(crate) fn decode(elf: &Elf<'_>, section: SectionId) -> Result<Code, LinkError> {
    let fixups = code::fixups(elf, section)?;
    let data = elf.section(section).data;
    let mut decoder = Decoder { elf, section, data, fixups: &fixups, used: 0 };
    let mut steps: Vec<Step> = Vec::with_capacity(data.len() / 4);
    let size = to_u32(data.len());
    let mut at = 0;
    while at < size {
        let step = decoder.step(at)?;
        at = step.end();
        decoder.spend(at)?;
        steps.push(step);
    }
    decoder.pair(&mut steps)?;
    decoder.connect(&mut steps)?;
    Ok(Code { section, steps })
}

struct Decoder<'e, 'a> {
    elf: &'e Elf<'a>,
    section: SectionId,
    data: &'a [u8],
    fixups: &'e [Fixup],
    /// How many fixups belong to the steps so far.
    used: usize,
}

/// Base register and offset of what can have the lower part of an address.
const fn base_and_low(instruction: &Instruction) -> Option<(Reg, i32)> {
    match *instruction {
        Instruction::RegImm { op: RegImmOp::Addi, rs1: base, imm: low, .. }
        | Instruction::Load { base, offset: low, .. }
        | Instruction::Store { base, offset: low, .. } => Some((base, low)),
        _ => None,
    }
}

/// Bytes of `auipc`.
const AUIPC: u8 = 4;

impl Decoder<'_, '_> {
    fn refuse<T>(&self, at: u32, kind: LinkErrorKind) -> Result<T, LinkError> {
        Err(self.elf.error(self.section, at, kind))
    }

    /// Every fixup before `end` must have been the business of the steps up to there.
    fn spend(&mut self, end: u32) -> Result<(), LinkError> {
        match self.fixups.get(self.used) {
            Some(fixup) if fixup.offset < end => {
                self.refuse(fixup.offset, LinkErrorKind::MisplacedRelocation { kind: fixup.kind })
            }
            _ => Ok(()),
        }
    }

    /// The fixup at `at`; it counts as spent.
    fn take(&mut self, at: u32) -> Option<Fixup> {
        let fixup = *self.fixups.get(self.used).filter(|fixup| fixup.offset == at)?;
        self.used += 1;
        Some(fixup)
    }

    fn instruction(&self, at: u32) -> Result<(Instruction, u8), LinkError> {
        match pvm_riscv::decode(&self.data[to_usize(at)..], self.elf.xlen) {
            Ok(decoded) => Ok(decoded),
            Err(error) => self.refuse(at, LinkErrorKind::UnsupportedEncoding { error }),
        }
    }

    fn here(&self, at: u32, offset: i32) -> Place {
        Place::Section { section: self.section, offset: i64::from(at) + i64::from(offset) }
    }

    fn step(&mut self, at: u32) -> Result<Step, LinkError> {
        let (instruction, length) = self.instruction(at)?;
        if instruction == IMPORT {
            return self.import(at);
        }
        let Some(fixup) = self.take(at) else {
            return self.unrelocated(at, instruction, length);
        };
        let mismatch = LinkErrorKind::RelocationMismatch { kind: fixup.kind, instruction };
        let what = match (fixup.what, instruction) {
            (Override::Call(target), Instruction::Auipc { rd, .. }) => {
                let (next, length) = self.instruction_after(at, mismatch)?;
                return match next {
                    Instruction::Jalr { rd: link, rs1, .. } if rs1 == rd => {
                        Ok(Step { at, length: AUIPC + length, what: What::Jump { link, target } })
                    }
                    _ => self.refuse(at, LinkErrorKind::CallWithoutJalr { kind: fixup.kind }),
                };
            }
            (Override::Jump(target), Instruction::Jal { rd, .. }) => What::Jump { link: rd, target },
            (Override::Branch(target), Instruction::Branch { cond, rs1, rs2, .. }) => {
                What::Branch { condition: cond, rs1, rs2, target }
            }
            (Override::High(base @ (Base::Pc | Base::Got), target), Instruction::Auipc { rd, .. })
            | (Override::High(base @ Base::Zero, target), Instruction::Lui { rd, .. }) => {
                What::High { rd, base, target, needed: false }
            }
            (Override::LowOf(_) | Override::Low(_), _) => {
                let fits = match instruction {
                    Instruction::Store { .. } => fixup.kind.is_store(),
                    Instruction::Load { .. } | Instruction::RegImm { op: RegImmOp::Addi, .. } => !fixup.kind.is_store(),
                    _ => false,
                };
                if !fits {
                    return self.refuse(at, mismatch);
                }
                // The target of a pc-relative low part is filled in by `pair`.
                let target = match fixup.what {
                    Override::Low(target) => target,
                    _ => Place::Nowhere,
                };
                What::Low { instruction, target, high: None, direct: false }
            }
            (Override::Pointer(target), _) if self.is_lld_low(fixup.kind, &instruction) => {
                What::Low { instruction, target, high: None, direct: true }
            }
            _ => return self.refuse(at, mismatch),
        };
        Ok(Step { at, length, what })
    }

    fn instruction_after(&self, at: u32, error: LinkErrorKind) -> Result<(Instruction, u8), LinkError> {
        // `auipc` takes 4 bytes.
        if to_usize(at) + 4 >= self.data.len() {
            return self.refuse(at, error);
        }
        self.instruction(at + 4)
    }

    /// Instructions whose meaning is in their own bits.
    fn unrelocated(&mut self, at: u32, instruction: Instruction, length: u8) -> Result<Step, LinkError> {
        let what = match instruction {
            Instruction::Jal { rd, offset } => What::Jump { link: rd, target: self.here(at, offset) },
            Instruction::Branch { cond, rs1, rs2, offset } => {
                What::Branch { condition: cond, rs1, rs2, target: self.here(at, offset) }
            }
            Instruction::Auipc { rd, imm } => return self.unrelocated_auipc(at, rd, imm),
            Instruction::Load { base: Reg::gp, offset, .. }
            | Instruction::Store { base: Reg::gp, offset, .. }
            | Instruction::RegImm { op: RegImmOp::Addi, rs1: Reg::gp, imm: offset, .. } => {
                match self.relative_to_gp(offset) {
                    Some(target) => What::Low { instruction, target, high: None, direct: true },
                    None => What::Plain(instruction),
                }
            }
            other => What::Plain(other),
        };
        Ok(Step { at, length, what })
    }

    /// In 32-bit files nothing is left of lld's own kinds but the lowest byte: 256 to 259, relative to gp and to zero in loads
    /// and stores, become 0 to 3. Kind 0 is dropped by the reader; the addresses of the files tell what it would.
    fn is_lld_low(&self, kind: RelocKind, instruction: &Instruction) -> bool {
        let written = match instruction {
            Instruction::Store { base: Reg::gp, .. } => RelocKind::R32,
            Instruction::Load { base: Reg::zero, .. } => RelocKind::R64,
            Instruction::RegImm { op: RegImmOp::Addi, rs1: Reg::zero, .. } => RelocKind::R64,
            Instruction::Store { base: Reg::zero, .. } => RelocKind::RELATIVE,
            _ => return false,
        };
        self.elf.linked && self.elf.xlen == Xlen::Rv32 && kind == written
    }

    /// What is at a distance from the global pointer, as far as the first linker has said where that is.
    fn relative_to_gp(&self, offset: i32) -> Option<Place> {
        let address = self.elf.global_pointer?.wrapping_add_signed(i64::from(offset));
        let (section, offset) = self.elf.addresses.find(address)?;
        Some(Place::Section { section, offset: signed_64(offset) })
    }

    /// An assembler that knows the section will not change resolves references within it and leaves no relocation; only the
    /// whole pair tells the address. `connect` finds the other half, unless it is that of a call, which follows directly.
    fn unrelocated_auipc(&mut self, at: u32, rd: Reg, imm: i32) -> Result<Step, LinkError> {
        if code::at(self.fixups, at + 4).is_none()
            && let Some(Ok((Instruction::Jalr { rd: link, rs1, offset }, length))) =
                self.data.get(to_usize(at) + 4..).map(|data| pvm_riscv::decode(data, self.elf.xlen))
            && rs1 == rd
            && rd != Reg::zero
        {
            let target = self.here(at, imm.wrapping_add(offset));
            return Ok(Step { at, length: AUIPC + length, what: What::Jump { link, target } });
        }
        let what = What::High { rd, base: Base::Own, target: Place::Nowhere, needed: false };
        Ok(Step { at, length: 4, what })
    }

    /// Connects halves of addresses that have no relocations: within a block, the register that `auipc` wrote tells.
    fn connect(&self, steps: &mut [Step]) -> Result<(), LinkError> {
        // What each register holds: the step that wrote it, and the offset in the section that it makes.
        let mut holds: [Option<(u32, i64)>; 32] = [None; 32];
        for index in 0..steps.len() {
            let step = steps[index];
            if let What::Plain(instruction) = step.what
                && let Some((base, low)) = base_and_low(&instruction)
                && let Some((high, start)) = holds[to_usize(widen_u8(base.number()))]
            {
                let offset = start + i64::from(low);
                if !(0..=i64::from(self.elf.section(self.section).size)).contains(&offset) {
                    return self.refuse(steps[to_usize(high)].at, LinkErrorKind::UnrelocatedAuipc);
                }
                let target = Place::Section { section: self.section, offset };
                steps[index].what = What::Low { instruction, target, high: Some(high), direct: false };
            }
            for reg in uses(&step).writes.iter() {
                holds[to_usize(widen_u8(reg.number()))] = match step.what {
                    What::High { base: Base::Own, .. } => match self.instruction(step.at)?.0 {
                        Instruction::Auipc { imm, .. } => Some((to_u32(index), i64::from(step.at) + i64::from(imm))),
                        _ => None,
                    },
                    _ => None,
                };
            }
            if step.ends_block() {
                holds = [None; 32];
            }
        }
        Ok(())
    }

    /// The word of a host call and the pointer behind it, as wide as a register.
    fn import(&mut self, at: u32) -> Result<Step, LinkError> {
        let width = match self.elf.xlen {
            Xlen::Rv32 => 4,
            Xlen::Rv64 => 8,
        };
        let pointer = at + 4;
        if to_usize(pointer) + width > self.data.len() {
            return self.refuse(at, LinkErrorKind::ImportWithoutPointer);
        }
        if let Some(fixup) = self.take(at) {
            return self.refuse(at, LinkErrorKind::MisplacedRelocation { kind: fixup.kind });
        }
        let metadata = match self.take(pointer) {
            Some(Fixup { kind, what: Override::Pointer(place), .. }) => {
                let whole = if width == 8 { RelocKind::R64 } else { RelocKind::R32 };
                if kind != whole {
                    return self.refuse(pointer, LinkErrorKind::MisplacedRelocation { kind });
                }
                place
            }
            // `auipc zero, %pcrel_hi(metadata)` as the Rust macros write a pointer that may stand in read-only code.
            Some(Fixup { what: Override::High(Base::Pc, place), .. }) => place,
            Some(Fixup { kind, .. }) => {
                return self.refuse(pointer, LinkErrorKind::MisplacedRelocation { kind });
            }
            None => return self.refuse(at, LinkErrorKind::ImportWithoutPointer),
        };
        let length = if width == 8 { 12 } else { 8 };
        Ok(Step { at, length, what: What::Import { metadata } })
    }

    /// Connects pc-relative low parts with their high parts.
    fn pair(&self, steps: &mut [Step]) -> Result<(), LinkError> {
        for index in 0..steps.len() {
            let What::Low { instruction, .. } = steps[index].what else { continue };
            let at = steps[index].at;
            let Some(Fixup { what: Override::LowOf(offset), kind, .. }) = code::at(self.fixups, at).copied() else {
                continue;
            };
            let high = steps.binary_search_by_key(&offset, |step| step.at).ok();
            let high = high.map(|high| (high, steps[high].what));
            let Some((high, What::High { base: base @ (Base::Pc | Base::Got), target, .. })) = high else {
                return self.refuse(at, LinkErrorKind::LowWithoutHigh { kind });
            };
            if base == Base::Got {
                let whole = match self.elf.xlen {
                    Xlen::Rv32 => LoadKind::I32,
                    Xlen::Rv64 => LoadKind::U64,
                };
                match instruction {
                    // The slot holds the address, so that loading it gives the address.
                    Instruction::Load { kind, rd, .. } if kind == whole => {
                        steps[index].what = What::Address { rd, target };
                    }
                    _ => return self.refuse(at, LinkErrorKind::RelocationMismatch { kind, instruction }),
                }
                continue;
            }
            steps[index].what = What::Low { instruction, target, high: Some(to_u32(high)), direct: false };
        }
        Ok(())
    }
}

/// The word 0x0000000b.
const IMPORT: Instruction =
    Instruction::Custom0 { funct3: 0, funct7: 0, rd: Reg::zero, rs1: Reg::zero, rs2: Reg::zero };
