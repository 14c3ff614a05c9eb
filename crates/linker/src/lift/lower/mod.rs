//! From RISC-V steps to PVM instructions.
//!
//! Every instruction is lowered on its own, exactly, also when its destination is one of its sources. The zero register
//! does not exist in PVM: as a source it becomes an immediate, as a destination it makes the instruction disappear.
//!
//! A few instructions need a register to work with, and the E profile leaves none over. [`Lowering::with_temps`] finds one
//! whose value is overwritten before it is read again, and where there is none, saves one to hidden memory.

mod alu;
mod atomic;
mod control;
mod memory;

use super::decode::{Code, Step, What};
use super::leaders::{Leaders, Referrer};
use super::metadata::{self, Metadata};
use super::registers::{Regs, uses};
use super::targets::Targets;
use super::{Labels, anchors};
use crate::elf::Place;
use crate::error::{LinkError, LinkErrorKind};
use crate::ir::{Block, BlockId, Data, DataId, DataKind, Import, ImportId, Inst, Source, Symbolic, Target, Terminator};
use crate::reloc::code::Base;
use pvm_isa::{Instruction as Op, Reg, RegSet};
use pvm_num::casts::{to_u32, to_usize};
use pvm_riscv::{Instruction, Reg as Riscv, Xlen};
use std::collections::BTreeMap;

/// What lowering makes.
pub(crate) struct Lowered<'a> {
    pub(crate) blocks: Vec<Block<'a>>,
    pub(crate) imports: Vec<Import<'a>>,
}

/// Lowers all code. A section for saved registers is added to the data if any code needs it.
pub(crate) fn lower<'a>(
    targets: &Targets<'_, 'a>,
    code: &[Code],
    leaders: &Leaders,
    labels: &Labels<'a>,
    data: &mut Vec<Data<'a>>,
) -> Result<Lowered<'a>, LinkError> {
    let mut lowering = Lowering {
        targets,
        wide: targets.elf.xlen == Xlen::Rv64,
        code: &code[0],
        step: 0,
        instructions: Vec::new(),
        blocks: Vec::new(),
        imports: Imports::default(),
        spill: DataId::new(data.len()),
        spill_used: false,
    };
    for code in code {
        lowering.section(code, leaders, labels)?;
    }
    if lowering.spill_used {
        data.push(Data {
            name: SPILL_SECTION,
            kind: DataKind::Rw,
            bytes: &[],
            size: SPILL_SLOT * SPILL_SLOTS,
            align: SPILL_SLOT,
            relocations: Vec::new(),
            section: 0,
            kept: true,
        });
    }
    Ok(Lowered { blocks: lowering.blocks, imports: lowering.imports.list })
}

/// Name of the hidden section for saved registers.
pub(crate) const SPILL_SECTION: &str = ".regspill";
const SPILL_SLOT: u32 = 8;
const SPILL_SLOTS: u32 = 2;
/// How many steps are looked at for a register that is free.
const FREE_SCAN_STEPS: usize = 24;

/// Imports in order of first use.
#[derive(Default)]
struct Imports<'a> {
    list: Vec<Import<'a>>,
    by_symbol: BTreeMap<&'a [u8], ImportId>,
    /// Records that were read already, which keeps thousands of calls of one function cheap.
    by_record: BTreeMap<Place, ImportId>,
}

struct Lowering<'l, 'e, 'a> {
    targets: &'l Targets<'e, 'a>,
    /// Are registers 64 bits wide?
    wide: bool,
    code: &'l Code,
    /// Index of the step that is lowered.
    step: usize,
    /// Of the block in the making.
    instructions: Vec<Inst>,
    blocks: Vec<Block<'a>>,
    imports: Imports<'a>,
    spill: DataId,
    spill_used: bool,
}

impl<'l, 'a> Lowering<'l, '_, 'a> {
    fn section(&mut self, code: &'l Code, leaders: &Leaders, labels: &Labels<'a>) -> Result<(), LinkError> {
        self.code = code;
        let size = self.targets.elf.section(code.section).size;
        let mut start = 0;
        for (index, step) in code.steps.iter().enumerate() {
            self.step = index;
            let terminator = self.step(step)?;
            let next_leads = leaders.contains(code.section, step.end());
            let terminator = match terminator {
                Some(terminator) => terminator,
                None if next_leads => Terminator::Jump(self.block_at(step.end())?),
                None => continue,
            };
            self.finish(start, step.at, terminator, labels);
            start = step.end();
        }
        // Control that runs off the end of a section stops there.
        self.finish(size, size, Terminator::Trap, labels);
        Ok(())
    }

    fn finish(&mut self, start: u32, end: u32, terminator: Terminator, labels: &Labels<'a>) {
        let section = self.code.section;
        self.blocks.push(Block {
            source: Source { section, offset: start },
            label: labels.get(&(section, start)).copied(),
            instructions: std::mem::take(&mut self.instructions),
            terminator,
            terminator_source: Source { section, offset: end },
        });
    }

    /// Lowers one step; the result says how the block ends if it ends here.
    fn step(&mut self, step: &Step) -> Result<Option<Terminator>, LinkError> {
        // What is relative to the global pointer has an address of its own by now, and any other use of the register is
        // refused, so that nobody misses its value.
        if let What::High { rd: Riscv::gp, .. }
        | What::Address { rd: Riscv::gp, .. }
        | What::Low { instruction: Instruction::RegImm { rd: Riscv::gp, .. }, .. } = &step.what
        {
            return Ok(None);
        }
        match &step.what {
            What::Plain(instruction) => return self.plain(instruction),
            What::Jump { link, target } => return self.jump(*link, *target).map(Some),
            What::Branch { condition, rs1, rs2, target } => {
                return self.branch(*condition, *rs1, *rs2, *target).map(Some);
            }
            What::High { needed: false, .. } => {}
            What::High { rd, base, target, .. } => {
                let target = self.target(*target)?;
                let rd = self.register(*rd)?;
                match (base, rd) {
                    (Base::Own, _) => return Err(self.error(LinkErrorKind::UnrelocatedAuipc)),
                    (Base::Got, _) => return Err(self.error(LinkErrorKind::GotSlotAddressUsed)),
                    (_, None) => {}
                    // See `anchors`: pc-relative halves share one target, which the first half loads whole.
                    (Base::Pc, Some(rd)) => self.emit_with(Op::load_imm(rd, 0), Symbolic::Address(target)),
                    (Base::Zero, Some(rd)) => self.emit_with(Op::load_imm(rd, 0), Symbolic::High(target)),
                }
            }
            What::Low { instruction, target, high, direct } => {
                let target = self.target(*target)?;
                self.low(instruction, target, high.is_some(), *direct)?;
            }
            What::Address { rd, target } => {
                let target = self.target(*target)?;
                if let Some(rd) = self.register(*rd)? {
                    self.emit_with(Op::load_imm(rd, 0), Symbolic::Address(target));
                }
            }
            What::Import { metadata } => {
                let import = self.import(*metadata)?;
                self.emit_with(Op::ecalli(0), Symbolic::Import(import));
            }
        }
        Ok(None)
    }

    fn plain(&mut self, instruction: &Instruction) -> Result<Option<Terminator>, LinkError> {
        if super::decode::is_trap(instruction) {
            return Ok(Some(Terminator::Trap));
        }
        match *instruction {
            Instruction::Lui { rd, imm } => {
                if let Some(rd) = self.register(rd)? {
                    self.emit(Op::load_imm(rd, imm));
                }
            }
            Instruction::RegImm { op, rd, rs1, imm } => {
                if let (Some(rd), rs1) = (self.register(rd)?, self.register(rs1)?) {
                    self.reg_imm(op, rd, rs1, imm);
                }
            }
            Instruction::RegReg { op, rd, rs1, rs2 } => {
                if let (Some(rd), rs1, rs2) = (self.register(rd)?, self.register(rs1)?, self.register(rs2)?) {
                    self.reg_reg(op, rd, rs1, rs2);
                }
            }
            Instruction::Unary { op, rd, rs1 } => {
                if let (Some(rd), rs1) = (self.register(rd)?, self.register(rs1)?) {
                    self.unary(op, rd, rs1);
                }
            }
            Instruction::CondMov { cond, rd, src, test } => {
                if let (Some(rd), src, test) = (self.register(rd)?, self.register(src)?, self.register(test)?) {
                    self.cond_mov(cond, rd, src, test);
                }
            }
            Instruction::MipsCmov { rd, cond, if_true, if_false } => {
                let [cond, if_true, if_false] =
                    [self.register(cond)?, self.register(if_true)?, self.register(if_false)?];
                if let Some(rd) = self.register(rd)? {
                    self.mips_cmov(rd, cond, if_true, if_false);
                }
            }
            Instruction::Load { kind, rd, base, offset } => {
                let (rd, base) = (self.register(rd)?, self.base(base)?);
                if let Some(rd) = rd {
                    self.emit(memory::load_indirect(kind, rd, base, offset));
                }
            }
            Instruction::Store { kind, src, base, offset } => {
                let (src, base) = (self.register(src)?, self.base(base)?);
                self.emit(memory::store_indirect(kind, src, base, offset));
            }
            Instruction::LoadReserved { width, rd, addr, .. } => {
                let (rd, addr) = (self.register(rd)?, self.base(addr)?);
                if let Some(rd) = rd {
                    self.emit(atomic::load(width, rd, addr));
                }
            }
            Instruction::StoreConditional { width, rd, addr, src, .. } => {
                let (rd, addr, src) = (self.register(rd)?, self.base(addr)?, self.register(src)?);
                self.store_conditional(width, rd, addr, src);
            }
            Instruction::Amo { op, width, rd, addr, src, .. } => {
                let (rd, addr, src) = (self.register(rd)?, self.base(addr)?, self.register(src)?);
                self.amo(op, width, rd, addr, src);
            }
            Instruction::Fence { .. } | Instruction::FenceI => {}
            Instruction::Jalr { rd, rs1, offset } => return self.jump_indirect(rd, rs1, offset).map(Some),
            Instruction::Unimp => return Ok(Some(Terminator::Trap)),
            Instruction::Custom0 { funct3, funct7: 0, rd, rs1, rs2 } => {
                let regs = (self.register(rd)?, self.register(rs1)?, self.register(rs2)?);
                self.custom(instruction, funct3, regs)?;
            }
            Instruction::Ecall => {
                return Err(self.unsupported(instruction, Some("call the host through an import (POLKAVM_IMPORT)")));
            }
            Instruction::Ebreak => {
                return Err(
                    self.unsupported(instruction, Some("use unimp (POLKAVM_TRAP, __builtin_trap) to stop the program"))
                );
            }
            Instruction::Csr { .. } => {
                return Err(self.unsupported(instruction, Some("drop zicsr, zicntr, f and d from -march")));
            }
            // Direct jumps, branches and `auipc` are other steps.
            Instruction::Custom0 { .. }
            | Instruction::Jal { .. }
            | Instruction::Branch { .. }
            | Instruction::Auipc { .. } => return Err(self.unsupported(instruction, None)),
        }
        Ok(None)
    }

    /// The guest toolchain's own instructions (elf.md 3).
    fn custom(
        &mut self,
        instruction: &Instruction,
        funct3: u8,
        regs: (Option<Reg>, Option<Reg>, Option<Reg>),
    ) -> Result<(), LinkError> {
        match (funct3, regs) {
            (1, (Some(rd), Some(rs1), None)) => self.emit(Op::sbrk(rd, rs1)),
            (2, (None, None, None)) => self.emit(Op::memset()),
            (3, (Some(rd), None, None)) => self.emit_with(Op::load_imm(rd, 0), Symbolic::HeapBase),
            _ => return Err(self.unsupported(instruction, None)),
        }
        Ok(())
    }

    fn import(&mut self, place: Place) -> Result<ImportId, LinkError> {
        if let Some(id) = self.imports.by_record.get(&place) {
            return Ok(*id);
        }
        let elf = self.targets.elf;
        let from = (self.code.section, self.at() + 4);
        let Metadata { symbol, inputs, outputs, index } = metadata::metadata(elf, from, place)?;
        let import = Import { symbol, index, inputs, outputs };
        let id = match self.imports.by_symbol.get(symbol) {
            Some(id) if self.imports.list[id.index()] == import => *id,
            Some(_) => {
                let name = String::from_utf8_lossy(symbol).into();
                return Err(self.error(LinkErrorKind::ImportDeclaredTwice { name }));
            }
            None => {
                let id = ImportId::new(self.imports.list.len());
                self.imports.list.push(import);
                self.imports.by_symbol.insert(symbol, id);
                id
            }
        };
        self.imports.by_record.insert(place, id);
        Ok(id)
    }

    // What the parts share.

    fn at(&self) -> u32 {
        self.code.steps[self.step].at
    }

    fn emit(&mut self, op: Op) {
        self.instructions.push(Inst { op, symbol: None, source: self.source() });
    }

    fn emit_with(&mut self, op: Op, symbol: Symbolic) {
        self.instructions.push(Inst { op, symbol: Some(symbol), source: self.source() });
    }

    fn source(&self) -> Source {
        Source { section: self.code.section, offset: self.at() }
    }

    fn error(&self, kind: LinkErrorKind) -> LinkError {
        self.targets.elf.error(self.code.section, self.at(), kind)
    }

    fn unsupported(&self, instruction: &Instruction, advice: Option<&'static str>) -> LinkError {
        self.error(LinkErrorKind::UnsupportedInstruction { instruction: *instruction, advice })
    }

    fn referrer(&self) -> Referrer {
        Referrer { section: self.code.section, offset: self.at() }
    }

    fn target(&self, place: Place) -> Result<Target, LinkError> {
        self.targets.target(self.referrer(), place)
    }

    /// The block at an offset of the section at hand.
    fn block_at(&self, offset: u32) -> Result<BlockId, LinkError> {
        let place = Place::Section { section: self.code.section, offset: i64::from(offset) };
        let block = self.targets.jump(self.referrer(), place)?;
        Ok(block.expect("a place in a section is never absolute"))
    }

    /// The PVM register, none for the zero register.
    fn register(&self, reg: pvm_riscv::Reg) -> Result<Option<Reg>, LinkError> {
        match pvm_register(reg) {
            Some(reg) => Ok(reg),
            None => {
                Err(self.error(LinkErrorKind::UnsupportedRegister { instruction: self.instruction(), register: reg }))
            }
        }
    }

    /// The instruction at hand, for messages.
    fn instruction(&self) -> Instruction {
        let data = self.targets.elf.section(self.code.section).data;
        let bytes = data.get(to_usize(self.at())..).unwrap_or_default();
        pvm_riscv::decode(bytes, self.targets.elf.xlen).map_or(Instruction::Unimp, |(instruction, _)| instruction)
    }

    /// A base register, which must not be the zero register.
    fn base(&self, reg: pvm_riscv::Reg) -> Result<Reg, LinkError> {
        match self.register(reg)? {
            Some(reg) => Ok(reg),
            None => Err(self.error(LinkErrorKind::AbsoluteAccess { instruction: self.instruction() })),
        }
    }

    /// Hands `body` registers that are none of `busy` and whose values nobody will miss.
    fn with_temps<const N: usize>(&mut self, busy: &[Option<Reg>], body: impl FnOnce(&mut Self, [Reg; N])) {
        const { assert!(to_u32(N) <= SPILL_SLOTS) };
        let busy = RegSet::of(&busy.iter().flatten().copied().collect::<Vec<_>>());
        let free = self.free_registers().difference(busy);
        // Free ones first; the others are saved around the body.
        let saved = RegSet::ALL.without(Reg::sp).difference(busy).difference(free);
        let mut candidates = free.iter().chain(saved.iter());
        let temps: [Reg; N] = std::array::from_fn(|_| candidates.next().expect("13 registers are more than are busy"));
        drop(candidates);
        let slots: Vec<(Reg, Symbolic)> = (0..)
            .zip(temps.into_iter().filter(|temp| !free.contains(*temp)))
            .map(|(slot, temp)| (temp, self.spill_slot(slot)))
            .collect();
        for (temp, slot) in &slots {
            let op = if self.wide { Op::store_u64(*temp, 0) } else { Op::store_u32(*temp, 0) };
            self.emit_with(op, *slot);
        }
        body(self, temps);
        for (temp, slot) in &slots {
            let op = if self.wide { Op::load_u64(*temp, 0) } else { Op::load_i32(*temp, 0) };
            self.emit_with(op, *slot);
        }
        self.spill_used |= !slots.is_empty();
    }

    fn spill_slot(&self, slot: u32) -> Symbolic {
        Symbolic::Address(Target::Data { section: self.spill, offset: i64::from(slot * SPILL_SLOT) })
    }

    /// Registers that are written after the step at hand before anything reads them, as far as the code that certainly
    /// follows shows.
    fn free_registers(&self) -> RegSet {
        let mut read = Regs::NONE;
        let mut free = RegSet::EMPTY;
        let following = self.code.steps[self.step + 1..].iter().take(FREE_SCAN_STEPS);
        for step in following.take_while(|step| !step.ends_block()) {
            let uses = uses(step);
            read = read.union(uses.reads);
            for reg in uses.writes.without(read).iter() {
                if let Some(Some(reg)) = pvm_register(reg) {
                    free = free.with(reg);
                }
            }
        }
        free.without(Reg::sp)
    }
}

/// The PVM register of a register of the E profile; inner none for the zero register.
pub(crate) fn pvm_register(reg: pvm_riscv::Reg) -> Option<Option<Reg>> {
    use pvm_riscv::Reg as Riscv;
    Some(Some(match reg {
        Riscv::zero => return Some(None),
        Riscv::ra => Reg::ra,
        Riscv::sp => Reg::sp,
        Riscv::t0 => Reg::t0,
        Riscv::t1 => Reg::t1,
        Riscv::t2 => Reg::t2,
        Riscv::s0 => Reg::s0,
        Riscv::s1 => Reg::s1,
        Riscv::a0 => Reg::a0,
        Riscv::a1 => Reg::a1,
        Riscv::a2 => Reg::a2,
        Riscv::a3 => Reg::a3,
        Riscv::a4 => Reg::a4,
        Riscv::a5 => Reg::a5,
        _ => return None,
    }))
}
