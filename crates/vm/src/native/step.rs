//! Instructions executed one at a time, from their meanings, where machine code does several at once: those of a fused group whose
//! access faulted, and those behind an entry in the middle of a group (ARCHITECTURE.md, `crates/compiler`).

use super::Program;
use super::run::{Next, Resume, State};
use pvm_interpreter::Exit;
use pvm_isa::{Access, Instruction, Meaning, Reg, Width};
use pvm_num::casts::{low_u32, sign_extend_32, to_usize};

impl State {
    /// A register as meanings take it: a narrow one sign-extended.
    fn operand(&self, width: Width, reg: Reg) -> u64 {
        match width {
            Width::Narrow => sign_extend_32(low_u32(self.reg(reg))),
            Width::Wide => self.reg(reg),
        }
    }

    /// Executes instructions from `pc` on until machine code can go on, and says where.
    pub(super) fn step_to_native(&mut self, program: &Program, mut pc: u32) -> Result<Next, Exit> {
        loop {
            if program.coarse.map.at(pc).is_some() {
                return Ok(Next::Pc(pc));
            }
            pc = self.step(program, pc)?;
        }
    }

    /// Executes the instruction at `pc`, one that machine code fuses, and says which is next.
    pub(super) fn step(&mut self, program: &Program, pc: u32) -> Result<u32, Exit> {
        let located = program.located(pc);
        let instruction = &located.instruction;
        let width = program.image.set.width();
        let [r1, r2, r3] = [instruction.r1(), instruction.r2(), instruction.r3()];
        let [a, b, imm] = [self.operand(width, r2), self.operand(width, r3), instruction.imm1_extended()];
        let narrow = width == Width::Narrow;
        let result = match instruction.opcode().meaning() {
            Meaning::Unlikely => return Ok(located.next),
            Meaning::LoadImm64 => instruction.imm64(),
            Meaning::LoadImm => imm,
            Meaning::MoveReg => a,
            Meaning::Unary(f) => f(a),
            Meaning::UnarySized(wide, small) => {
                if narrow {
                    small(a)
                } else {
                    wide(a)
                }
            }
            Meaning::Binary(f) => f(a, b),
            Meaning::BinarySized(wide, small) => {
                if narrow {
                    small(a, b)
                } else {
                    wide(a, b)
                }
            }
            Meaning::BinaryImm(f) => f(a, imm),
            Meaning::BinaryImmAlt(f) => f(imm, a),
            Meaning::Cmov(holds) => {
                if holds(b, 0) {
                    a
                } else {
                    self.operand(width, r1)
                }
            }
            Meaning::CmovImm(holds) => {
                if holds(a, 0) {
                    imm
                } else {
                    self.operand(width, r1)
                }
            }
            Meaning::Load(_) | Meaning::LoadIndirect(_) => self.load(program, pc, instruction)?,
            Meaning::Store(_) | Meaning::StoreIndirect(_) => {
                self.store(program, pc, instruction, self.reg(r1))?;
                return Ok(located.next);
            }
            Meaning::StoreImm(_) | Meaning::StoreImmIndirect(_) => {
                self.store(program, pc, instruction, instruction.imm2_extended())?;
                return Ok(located.next);
            }
            other => unreachable!("{other:?} is in no group"),
        };
        self.set_reg(width, r1, result);
        Ok(located.next)
    }

    /// Is the load at `pc` allowed as things are?
    pub(super) fn may_load(&self, program: &Program, pc: u32) -> bool {
        let (address, access) = self.accessed(&program.instruction(pc));
        self.memory.allows(address, access.bytes(), false)
    }

    fn load(&mut self, program: &Program, pc: u32, instruction: &Instruction) -> Result<u64, Exit> {
        let (address, access) = self.accessed(instruction);
        let mut bytes = [0; 8];
        let length = to_usize(access.bytes());
        if !self.memory.allows(address, access.bytes(), false)
            || self.memory.read(address, &mut bytes[..length]).is_err()
        {
            return Err(self.refused(program, pc, Resume::Step(pc)));
        }
        let [byte, second, third, fourth, ..] = bytes;
        Ok(match access {
            Access::u8 => byte.into(),
            Access::i8 => i64::from(byte.cast_signed()).cast_unsigned(),
            Access::u16 => u16::from_le_bytes([byte, second]).into(),
            Access::i16 => i64::from(i16::from_le_bytes([byte, second])).cast_unsigned(),
            Access::u32 => u32::from_le_bytes([byte, second, third, fourth]).into(),
            Access::i32 => sign_extend_32(u32::from_le_bytes([byte, second, third, fourth])),
            Access::u64 => u64::from_le_bytes(bytes),
        })
    }

    fn store(&mut self, program: &Program, pc: u32, instruction: &Instruction, value: u64) -> Result<(), Exit> {
        let (address, access) = self.accessed(instruction);
        let bytes = value.to_le_bytes();
        let length = access.bytes();
        if !self.memory.allows(address, length, true)
            || self.memory.write(address, &bytes[..to_usize(length)], false).is_err()
        {
            return Err(self.refused(program, pc, Resume::Step(pc)));
        }
        Ok(())
    }
}
