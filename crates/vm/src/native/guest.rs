//! One compiled guest: what the host sees of it between its runs.

use super::Program;
use super::memory::Memory;
use super::run::{Ended, Resume, State};
use pvm_isa::{Reg, Width};
use pvm_num::casts::{low_u32, widen};
use pvm_sandbox::SandboxError;
use std::sync::Arc;

/// One compiled guest.
#[derive(Debug)]
pub(crate) struct Guest {
    /// Before the program, so that its space is back in the pool when the last guest's program empties that.
    state: State,
    program: Arc<Program>,
}

impl Guest {
    /// A guest with zeroed registers, initial memory, no gas and no program counter.
    pub(crate) fn new(program: Arc<Program>) -> Result<Guest, SandboxError> {
        let memory = Memory::new(&program.image, program.template()?, &program.pool)?;
        let state = State { memory, pc: None, next_pc: None, last_pc: None, resume: Resume::No, is_exact: false };
        Ok(Guest { state, program })
    }

    #[inline]
    pub(crate) fn reg(&self, reg: Reg) -> u64 {
        self.state.reg(reg)
    }

    #[inline]
    pub(crate) fn set_reg(&mut self, reg: Reg, value: u64) {
        self.state.set_reg(self.program.image.set.width(), reg, value);
    }

    /// Sets all registers.
    #[inline]
    pub(crate) fn set_regs(&mut self, regs: &[u64; 13]) {
        let narrow = |value: u64| widen(low_u32(value));
        *self.state.memory.space.regs_mut() = match self.program.image.set.width() {
            Width::Narrow => regs.map(narrow),
            Width::Wide => *regs,
        };
    }

    #[inline]
    pub(crate) fn gas(&self) -> i64 {
        self.state.gas()
    }

    #[inline]
    pub(crate) fn set_gas(&mut self, gas: i64) {
        self.state.set_gas(gas);
    }

    #[inline]
    pub(crate) fn program_counter(&self) -> Option<u32> {
        self.state.pc
    }

    #[inline]
    pub(crate) fn next_program_counter(&self) -> Option<u32> {
        self.state.next_pc
    }

    pub(crate) fn last_program_counter(&self) -> Option<u32> {
        self.state.last_pc
    }

    #[inline]
    pub(crate) fn set_next_program_counter(&mut self, pc: u32) {
        self.state.pc = None;
        self.state.next_pc = Some(pc);
        self.state.resume = Resume::Enter(pc);
    }

    /// The native address at which the next run starts.
    pub(crate) fn next_native_program_counter(&self) -> Option<u64> {
        let pc = match self.state.resume {
            Resume::No => return None,
            Resume::Enter(pc) | Resume::Step(pc) | Resume::At { pc, .. } => pc,
            Resume::Complete { pc, .. } => self.program.located(pc).next,
        };
        let offset = self.program.coarse.map.at(pc)?;
        Some(self.program.machine_code_origin() + widen(offset))
    }

    /// Runs until the next exit.
    #[inline]
    pub(crate) fn run(&mut self) -> Ended {
        self.state.run(&self.program)
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.state.memory
    }

    pub(crate) fn memory_mut(&mut self) -> &mut Memory {
        &mut self.state.memory
    }
}
