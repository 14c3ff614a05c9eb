//! Compiled guests: the state machine of runs (host-api.md 3) over native code in an address space.
//!
//! ```text
//! Program   output of the compiler, loaded: made once per module
//! Guest     run() --> Space::run --> a site, or a fault --> Exit
//! ```
//!
//! Everything that stops the guest is decided here from the code offset of the site or of the access that faulted; what native
//! code leaves to the host, `memset` and `sbrk`, is completed here.

mod memory;

use crate::config::CpuFeatures;
use crate::program_counter::ProgramCounter;
use memory::Memory;
use pvm_compiler::{CompileError, Features, Output, SiteKind};
use pvm_interpreter::{Exit, Image, Trap};
use pvm_isa::{Instruction, Meaning, Opcode, Reg, Width};
use pvm_num::casts::{low_u8, low_u32, sign_extend_32, unsigned_32, widen};
use pvm_program::JumpTable;
use pvm_sandbox::{Code, SandboxError, Stop};
use std::sync::{Arc, OnceLock};
use thiserror::Error;

/// A program as native code.
#[derive(Debug)]
pub(crate) struct Program {
    image: Arc<Image>,
    output: Output,
    code: Code,
    /// See [`Program::machine_code_offsets`].
    offsets: OnceLock<Vec<(ProgramCounter, u32)>>,
}

/// Why a program is not run as native code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub(crate) enum Unsupported {
    /// It asks for something that only the interpreter does.
    #[error("{0} is left to the interpreter")]
    Option(&'static str),
    /// Its code.
    #[error(transparent)]
    Code(#[from] CompileError),
    /// The system.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

/// Can this machine run native code of guests?
pub(crate) fn is_supported() -> bool {
    pvm_sandbox::is_supported()
}

/// What of the processor may be used.
fn features(choice: CpuFeatures) -> Features {
    if choice == CpuFeatures::Baseline {
        return Features::BASELINE;
    }
    Features {
        bmi1: is_x86_feature_detected!("bmi1"),
        bmi2: is_x86_feature_detected!("bmi2"),
        lzcnt: is_x86_feature_detected!("lzcnt"),
        popcnt: is_x86_feature_detected!("popcnt"),
    }
}

impl Program {
    /// Compiles and loads a program.
    pub(crate) fn new(image: &Arc<Image>, choice: CpuFeatures) -> Result<Program, Unsupported> {
        if image.step_tracing {
            return Err(Unsupported::Option("step tracing"));
        }
        if !memory::has_whole_pages(&image.memory) {
            return Err(Unsupported::Option("a memory map of parts of pages"));
        }
        let jump_table = JumpTable::new(&image.jump_table, image.jump_table_entry_size);
        let output = pvm_compiler::compile(image.code(), jump_table, image.gas.as_deref(), features(choice))?;
        let code = Code::load(&output)?;
        Ok(Program { image: Arc::clone(image), output, code, offsets: OnceLock::new() })
    }

    /// The machine code.
    pub(crate) fn machine_code(&self) -> &[u8] {
        self.code.text()
    }

    /// Where the machine code is loaded.
    pub(crate) fn machine_code_origin(&self) -> u64 {
        pvm_num::casts::to_u64(self.code.address())
    }

    /// Where in the machine code each instruction is entered, by code offset.
    pub(crate) fn machine_code_offsets(&self) -> &[(ProgramCounter, u32)] {
        self.offsets.get_or_init(|| {
            let starts = self.image.code().iter().map(|located| located.offset);
            starts.filter_map(|pc| Some((ProgramCounter(pc), self.output.at(pc)?))).collect()
        })
    }
}

/// How the next run starts.
#[derive(Clone, Copy, Debug)]
enum Resume {
    /// Nowhere: no program counter is set.
    No,
    /// At this code offset, whose block is charged.
    Enter(u32),
    /// At this offset in the machine code.
    At(u32),
    /// By completing the instruction at this code offset, then at this offset in the machine code.
    Complete { pc: u32, resume: u32 },
}

/// One compiled guest.
#[derive(Debug)]
pub(crate) struct Guest {
    program: Arc<Program>,
    memory: Memory,
    pc: Option<u32>,
    next_pc: Option<u32>,
    last_pc: Option<u32>,
    resume: Resume,
}

impl Guest {
    /// A guest with zeroed registers, initial memory, no gas and no program counter.
    pub(crate) fn new(program: Arc<Program>) -> Result<Guest, SandboxError> {
        let memory = Memory::new(&program.image)?;
        Ok(Guest { program, memory, pc: None, next_pc: None, last_pc: None, resume: Resume::No })
    }

    pub(crate) fn reg(&self, reg: Reg) -> u64 {
        self.memory.space.regs()[reg.index()]
    }

    pub(crate) fn set_reg(&mut self, reg: Reg, value: u64) {
        let value = match self.program.image.set.width() {
            Width::Narrow => widen(low_u32(value)),
            Width::Wide => value,
        };
        self.memory.space.regs_mut()[reg.index()] = value;
    }

    pub(crate) fn gas(&self) -> i64 {
        self.memory.space.gas()
    }

    pub(crate) fn set_gas(&mut self, gas: i64) {
        self.memory.space.set_gas(gas);
    }

    pub(crate) fn program_counter(&self) -> Option<u32> {
        self.pc
    }

    pub(crate) fn next_program_counter(&self) -> Option<u32> {
        self.next_pc
    }

    pub(crate) fn last_program_counter(&self) -> Option<u32> {
        self.last_pc
    }

    pub(crate) fn set_next_program_counter(&mut self, pc: u32) {
        self.pc = None;
        self.next_pc = Some(pc);
        self.resume = Resume::Enter(pc);
    }

    pub(crate) fn clear_program_counter(&mut self) {
        (self.pc, self.next_pc, self.resume) = (None, None, Resume::No);
    }

    /// The native address at which the next run starts.
    pub(crate) fn next_native_program_counter(&self) -> Option<u64> {
        let offset = match self.resume {
            Resume::No => return None,
            Resume::Enter(pc) => self.program.output.at(pc)?,
            Resume::At(offset) | Resume::Complete { resume: offset, .. } => offset,
        };
        Some(self.program.machine_code_origin() + widen(offset))
    }

    /// Runs until the next exit; none if no program counter is set.
    pub(crate) fn run(&mut self) -> Option<Exit> {
        let metered = self.program.image.gas.is_some();
        if matches!(self.resume, Resume::No) {
            return None;
        }
        if metered && self.gas() < 0 {
            return Some(Exit::OutOfGas);
        }
        let mut offset = match self.start() {
            Ok(offset) => offset,
            Err(exit) => return Some(exit),
        };
        let program = Arc::clone(&self.program);
        loop {
            let stop = self.memory.space.run(&program.code, offset);
            offset = match self.stopped(&program, stop) {
                Ok(offset) => offset,
                Err(exit) => return Some(exit),
            };
        }
    }

    /// Where native code goes on, what must be paid or completed before being done.
    fn start(&mut self) -> Result<u32, Exit> {
        let pc = match self.resume {
            Resume::No => return Err(Exit::Trap(Trap::Entry)),
            Resume::At(offset) => return Ok(offset),
            Resume::Complete { pc, resume } => return self.complete(pc, resume),
            Resume::Enter(pc) => pc,
        };
        let program = Arc::clone(&self.program);
        let code = program.image.code();
        let offset = match program.output.at(pc) {
            // Behind the code only a guest can arrive.
            Some(offset) if pc < code.len() => offset,
            _ => {
                self.pause(pc, Resume::Enter(pc));
                return Err(Exit::Trap(Trap::Entry));
            }
        };
        if let Some(rule) = &program.image.gas
            && !code.is_jump_target(pc)
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
        Ok(offset)
    }

    /// What a stop means: an exit, or where to go on.
    fn stopped(&mut self, program: &Program, stop: Stop) -> Result<u32, Exit> {
        let site = match stop {
            Stop::Fault { offset } => {
                let pc = program.output.access_at(offset).expect("only accesses of guests to memory fault");
                return Err(self.refused(pc, offset));
            }
            Stop::Site(number) => *program.output.site(number).expect("guests leave at sites"),
        };
        let pc = site.pc;
        Err(match site.kind {
            SiteKind::Ecalli { number, next, resume } => {
                self.pause(pc, Resume::At(resume));
                self.next_pc = Some(next);
                Exit::Ecalli(number)
            }
            SiteKind::Complete { resume } => return self.complete(pc, resume),
            SiteKind::Trap => self.stop(pc, Trap::Instruction),
            SiteKind::Invalid => self.stop(pc, Trap::InvalidInstruction),
            SiteKind::JumpTarget => self.stop(pc, Trap::JumpTarget),
            SiteKind::JumpIndirect => match self.memory.space.jump_address() {
                pvm_num::limits::RETURN_TO_HOST => {
                    self.last_pc = Some(pc);
                    self.clear_program_counter();
                    Exit::Finished
                }
                address => self.stop(pc, Trap::JumpAddress(address)),
            },
            SiteKind::OutOfGas { cost } => {
                self.set_gas(self.gas() + i64::from(cost));
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

    /// The exit of a refused memory access by the instruction at `pc`, to be tried again at `offset` in the machine code.
    fn refused(&mut self, pc: u32, offset: u32) -> Exit {
        let instruction = self.instruction(pc);
        let absolute = unsigned_32(instruction.imm1());
        let relative = |base: Reg| low_u32(self.reg(base)).wrapping_add(absolute);
        let (address, access, is_write) = match instruction.opcode().meaning() {
            Meaning::Load(access) => (absolute, access, false),
            Meaning::Store(access) | Meaning::StoreImm(access) => (absolute, access, true),
            Meaning::LoadIndirect(access) => (relative(instruction.r2()), access, false),
            Meaning::StoreIndirect(access) => (relative(instruction.r2()), access, true),
            Meaning::StoreImmIndirect(access) => (relative(instruction.r1()), access, true),
            other => unreachable!("{other:?} accesses no memory"),
        };
        let exit = self.memory.refused(address, access.bytes(), is_write);
        self.refuse(pc, exit, Resume::At(offset))
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

    fn instruction(&self, pc: u32) -> Instruction {
        self.program.image.code().instruction_at(pc).expect("an instruction was compiled here").instruction
    }

    /// Does what the instruction at `pc` is left to the host for, and goes on at `resume`.
    fn complete(&mut self, pc: u32, resume: u32) -> Result<u32, Exit> {
        let instruction = self.instruction(pc);
        if instruction.opcode() == Opcode::memset {
            return self.fill(pc, resume);
        }
        let size = self.reg(instruction.r2());
        // isa.md 7.4: a size of 2^32 or more only asks for the end.
        let size = u32::try_from(size).unwrap_or(0);
        let Ok(end) = self.memory.sbrk(size) else { return Err(self.stop(pc, Trap::Sbrk)) };
        self.set_reg(instruction.r1(), sign_extend_32(end));
        Ok(resume)
    }

    /// `memset`, as far as gas and memory allow (isa.md 7.5, latest037.md 9).
    fn fill(&mut self, pc: u32, resume: u32) -> Result<u32, Exit> {
        let metered = self.program.image.gas.is_some();
        let mut address = low_u32(self.reg(Reg::a0));
        let mut left = low_u32(self.reg(Reg::a2));
        let value = low_u8(self.reg(Reg::a1));
        let result = loop {
            if left == 0 {
                break Ok(resume);
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
        self.set_reg(Reg::a0, widen(address));
        self.set_reg(Reg::a2, widen(left));
        result
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }

    pub(crate) fn memory_mut(&mut self) -> &mut Memory {
        &mut self.memory
    }
}
