//! Runs of compiled guests: where they start, and what their stops mean.

use super::memory::Memory;
use super::{Native, Program, Unsupported};
use pvm_compiler::{Site, SiteKind};
use pvm_interpreter::{Exit, Trap};
use pvm_isa::{Access, Instruction, Meaning, Opcode, Reg, Width};
use pvm_num::casts::{low_u8, low_u32, sign_extend_32, widen};
use pvm_num::limits::RETURN_TO_HOST;
use pvm_sandbox::Stop;

/// How the next run starts.
#[derive(Clone, Copy, Debug)]
pub(super) enum Resume {
    /// Nowhere: no program counter is set.
    No,
    /// At this code offset, whose block is charged.
    Enter(u32),
    /// At this offset in the machine code that ran last, which is that of the instruction at this code offset.
    At { offset: u32, pc: u32 },
    /// By executing instructions from this code offset on, until one has a place in the machine code.
    Step(u32),
    /// By completing the instruction at this code offset, then at this offset in the machine code.
    Complete { pc: u32, resume: u32 },
}

/// How a run ended.
pub(crate) enum Ended {
    /// It had nowhere to start.
    Nowhere,
    /// With this host call.
    Ecalli(u32),
    /// With the return to the host.
    Finished,
    /// With another exit.
    Otherwise(Exit),
    /// It did not: there is no code for it to go on in.
    Failed(Unsupported),
}

/// Where in the machine code a run goes on.
#[derive(Clone, Copy, Debug)]
pub(super) enum Next {
    /// At this offset in that which ran last.
    At(u32),
    /// Where this code offset is in that which the gas allows.
    Pc(u32),
    /// Where it is in that which checks every block.
    Exactly(u32),
}

/// A guest's memory, with registers and gas in its space, and where it stopped.
#[derive(Debug)]
pub(super) struct State {
    pub(super) memory: Memory,
    pub(super) pc: Option<u32>,
    pub(super) next_pc: Option<u32>,
    pub(super) last_pc: Option<u32>,
    pub(super) resume: Resume,
    /// Did code run last that checks every block?
    pub(super) is_exact: bool,
}

impl State {
    #[inline]
    pub(super) fn reg(&self, reg: Reg) -> u64 {
        self.memory.space.regs()[reg.index()]
    }

    #[inline]
    pub(super) fn set_reg(&mut self, width: Width, reg: Reg, value: u64) {
        let value = match width {
            Width::Narrow => widen(low_u32(value)),
            Width::Wide => value,
        };
        self.memory.space.regs_mut()[reg.index()] = value;
    }

    #[inline]
    pub(super) fn gas(&self) -> i64 {
        self.memory.space.gas()
    }

    #[inline]
    pub(super) fn set_gas(&mut self, gas: i64) {
        self.memory.space.set_gas(gas);
    }

    fn clear_program_counter(&mut self) {
        (self.pc, self.next_pc, self.resume) = (None, None, Resume::No);
    }

    /// Runs until the next exit.
    #[inline]
    pub(super) fn run(&mut self, program: &Program) -> Ended {
        let mut next = match self.resume {
            Resume::No => return Ended::Nowhere,
            _ if self.gas() < 0 => return Ended::Otherwise(Exit::OutOfGas),
            Resume::At { offset, .. } if self.is_exact == self.must_be_exact(program) => Next::At(offset),
            _ => match self.start(program) {
                Ok(next) => next,
                Err(exit) => return Ended::Otherwise(exit),
            },
        };
        loop {
            match next {
                Next::At(_) => {}
                Next::Pc(_) => self.is_exact = self.must_be_exact(program),
                Next::Exactly(_) => self.is_exact = true,
            }
            let native = match program.native(self.is_exact) {
                Ok(native) => native,
                Err(error) => return Ended::Failed(error),
            };
            let offset = match next {
                Next::At(offset) => offset,
                Next::Pc(pc) | Next::Exactly(pc) => native.map.at(pc).expect("both codes have the same places"),
            };
            let stop = self.memory.space.run(&native.code, offset);
            // The two frequent ones, which are worth their own path.
            if let Stop::Site(number) = stop {
                let Site { pc, kind } = native.site(number);
                match *kind {
                    SiteKind::Ecalli { number, next, resume } => {
                        self.pause(*pc, Resume::At { offset: resume, pc: next });
                        self.next_pc = Some(next);
                        return Ended::Ecalli(number);
                    }
                    SiteKind::JumpIndirect if self.memory.space.jump_address() == RETURN_TO_HOST => {
                        self.last_pc = Some(*pc);
                        self.clear_program_counter();
                        return Ended::Finished;
                    }
                    _ => {}
                }
            }
            next = match self.stopped(program, native, stop) {
                Ok(next) => next,
                Err(exit) => return Ended::Otherwise(exit),
            };
        }
    }

    /// Is there so little gas that every block must be checked?
    #[inline]
    fn must_be_exact(&self, program: &Program) -> bool {
        self.gas() < program.reserve
    }

    /// Where native code goes on, what must be paid or completed before being done.
    fn start(&mut self, program: &Program) -> Result<Next, Exit> {
        let pc = match self.resume {
            Resume::No => return Err(Exit::Trap(Trap::Entry)),
            Resume::At { offset, pc } if program.is_known_jump_target(pc) => {
                // The start of a block that is paid: only at `offset` it is not charged again.
                let Some(rule) = program.image.gas.as_ref().filter(|_| !self.is_exact) else {
                    return Ok(Next::At(offset));
                };
                self.set_gas(self.gas() + i64::from(rule.block_cost(program.image.code(), pc)));
                return Ok(Next::Exactly(pc));
            }
            Resume::At { pc, .. } | Resume::Step(pc) => return self.step_to_native(program, pc),
            Resume::Complete { pc, resume } => return self.complete(program, pc, resume),
            Resume::Enter(pc) => pc,
        };
        let code = program.image.code();
        // Behind the code only a guest can arrive. What has no place in the machine code may still be an instruction.
        let has_place = program.coarse.map.at(pc).is_some() && pc < code.len();
        if !has_place && !code.is_instruction_start(pc) {
            self.pause(pc, Resume::Enter(pc));
            return Err(Exit::Trap(Trap::Entry));
        }
        if let Some(rule) = &program.image.gas
            && !program.is_known_jump_target(pc)
        {
            let cost = i64::from(rule.block_cost(code, code.block_start(pc).unwrap_or(pc)));
            if self.gas() < cost {
                self.pause(pc, Resume::Enter(pc));
                // A block that cannot be paid reports its start; none if the host entered it elsewhere (host-api.md 3).
                self.pc = None;
                return Err(Exit::OutOfGas);
            }
            self.set_gas(self.gas() - cost);
        }
        self.step_to_native(program, pc)
    }

    /// What a stop means: an exit, or where to go on.
    fn stopped(&mut self, program: &Program, native: &Native, stop: Stop) -> Result<Next, Exit> {
        let site = match stop {
            Stop::Fault { offset } => {
                let access = native.map.access_at(offset).expect("only accesses of guests to memory fault");
                for late in access.late {
                    self.step(program, *late)?;
                }
                if access.is_update && self.may_load(program, access.pc) {
                    let next = self.step(program, access.pc)?;
                    return self.step_to_native(program, next);
                }
                let resume = match access.resume {
                    Some(offset) => Resume::At { offset, pc: access.pc },
                    None => Resume::Step(access.pc),
                };
                return Err(self.refused(program, access.pc, resume));
            }
            Stop::Site(number) => *native.site(number),
        };
        let pc = site.pc;
        Err(match site.kind {
            SiteKind::Ecalli { .. } => unreachable!("host calls end runs"),
            SiteKind::Complete { resume } => return self.complete(program, pc, resume),
            SiteKind::Trap => self.stop(pc, Trap::Instruction),
            SiteKind::Invalid => self.stop(pc, Trap::InvalidInstruction),
            SiteKind::JumpTarget => self.stop(pc, Trap::JumpTarget),
            SiteKind::JumpIndirect => self.stop(pc, Trap::JumpAddress(self.memory.space.jump_address())),
            SiteKind::OutOfGas { cost } => {
                self.set_gas(self.gas() + i64::from(cost));
                if !self.is_exact {
                    return Ok(Next::Exactly(pc));
                }
                self.pause(pc, Resume::Enter(pc));
                Exit::OutOfGas
            }
        })
    }

    fn pause(&mut self, pc: u32, resume: Resume) {
        self.last_pc = Some(pc);
        self.pc = Some(pc);
        self.next_pc = Some(pc);
        self.resume = resume;
    }

    fn stop(&mut self, pc: u32, trap: Trap) -> Exit {
        self.clear_program_counter();
        self.pc = Some(pc);
        self.last_pc = self.pc;
        Exit::Trap(trap)
    }

    /// Where in memory an instruction loads or stores.
    pub(super) fn accessed(&self, instruction: &Instruction) -> (u32, Access) {
        let place = instruction.place().zip(instruction.access());
        let ((base, offset), access) = place.expect("only instructions that access memory are asked about");
        (base.map_or(0, |base| low_u32(self.reg(base))).wrapping_add(offset), access)
    }

    /// The exit of a refused memory access by the instruction at `pc`, and how it is to be tried again.
    pub(super) fn refused(&mut self, program: &Program, pc: u32, resume: Resume) -> Exit {
        let instruction = program.instruction(pc);
        let (address, access) = self.accessed(&instruction);
        let is_write = !matches!(instruction.opcode().meaning(), Meaning::Load(_) | Meaning::LoadIndirect(_));
        let exit = self.memory.refused(address, access.bytes(), is_write);
        self.refuse(pc, exit, resume)
    }

    /// Stops for good, or until the host has provided the page.
    fn refuse(&mut self, pc: u32, exit: Exit, resume: Resume) -> Exit {
        match exit {
            Exit::Trap(trap) => self.stop(pc, trap),
            _ => {
                self.pause(pc, resume);
                exit
            }
        }
    }

    /// Does what the instruction at `pc` is left to the host for, and goes on at `resume`.
    fn complete(&mut self, program: &Program, pc: u32, resume: u32) -> Result<Next, Exit> {
        let instruction = program.instruction(pc);
        if instruction.opcode() == Opcode::memset {
            return self.fill(program, pc, resume);
        }
        let size = self.reg(instruction.r2());
        // isa.md 7.4: a size of 2^32 or more only asks for the end.
        let size = u32::try_from(size).unwrap_or(0);
        let Ok(end) = self.memory.sbrk(size) else { return Err(self.stop(pc, Trap::Sbrk)) };
        self.set_reg(program.image.set.width(), instruction.r1(), sign_extend_32(end));
        Ok(self.completed(program, pc, resume))
    }

    /// Where a completed instruction is followed by the next.
    fn completed(&self, program: &Program, pc: u32, resume: u32) -> Next {
        if self.is_exact == self.must_be_exact(program) { Next::At(resume) } else { Next::Pc(program.located(pc).next) }
    }

    /// `memset`, as far as gas and memory allow (isa.md 7.5, latest037.md 9).
    fn fill(&mut self, program: &Program, pc: u32, resume: u32) -> Result<Next, Exit> {
        let metered = program.image.gas.is_some();
        let mut address = low_u32(self.reg(Reg::a0));
        let mut left = low_u32(self.reg(Reg::a2));
        let value = low_u8(self.reg(Reg::a1));
        let result = loop {
            if left == 0 {
                break Ok(self.completed(program, pc, resume));
            }
            let payable = if metered { u32::try_from(self.gas()).unwrap_or(u32::MAX).min(left) } else { left };
            if payable == 0 {
                self.pause(pc, Resume::Complete { pc, resume });
                break Err(Exit::OutOfGas);
            }
            let done = self.memory.fill(address, value, payable);
            if done == 0 {
                let exit = self.memory.refused(address, 1, true);
                break Err(self.refuse(pc, exit, Resume::Complete { pc, resume }));
            }
            address = address.wrapping_add(done);
            left -= done;
            if metered {
                self.set_gas(self.gas() - i64::from(done));
            }
        };
        self.set_reg(program.image.set.width(), Reg::a0, widen(address));
        self.set_reg(program.image.set.width(), Reg::a2, widen(left));
        result
    }
}
