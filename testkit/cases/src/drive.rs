//! Driving: the steps of a case, carried out through the embedder's API, and what could be seen after each run.

use crate::configuration::{Configuration, Paging, Stops};
use pvm::{
    CompileError, Engine, InterruptKind, MemoryAccessError, MemoryMap, MemoryProtection, Module, ProgramBlob,
    ProgramCounter, RawInstance, Reg, Trap,
};
use pvm_isa::{InstructionSet, Opcode};
use pvm_num::casts::{to_u32, to_usize, widen};
use pvm_num::limits::{PAGE_SIZE_DEFAULT, REGISTER_COUNT};
use pvm_program::Program;
use pvm_text::case::{Case, Step};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// More stops than any case needs: a guard against endless runs.
const STOPS_MAX: u32 = 100_000;

/// Memory by page: address and contents.
pub(crate) type Pages = BTreeMap<u32, Vec<u8>>;

/// What can be seen of a guest after a run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Observation {
    pub(crate) interrupt: InterruptKind,
    pub(crate) trap: Option<Trap>,
    pub(crate) pc: Option<u32>,
    pub(crate) next_pc: Option<u32>,
    /// The instruction that step tracing announced last.
    pub(crate) last_step: Option<u32>,
    pub(crate) gas: i64,
    pub(crate) regs: [u64; REGISTER_COUNT],
    /// The pages of data, stack and mappings that can be read.
    pub(crate) memory: Pages,
    /// What the addresses that the case asks for hold; none where they cannot be read.
    pub(crate) asked: Vec<Option<Vec<u8>>>,
}

/// What a case does in one configuration.
#[derive(Debug)]
pub(crate) struct Trace {
    /// One observation per run.
    pub(crate) runs: Vec<Observation>,
    /// Did all runs take place? A page fault ends a guest under a static map.
    pub(crate) is_complete: bool,
    /// Registers, and the readable pages, if the guest had done nothing.
    pub(crate) untouched: ([u64; REGISTER_COUNT], Pages),
    /// The instructions that step tracing announced.
    pub(crate) executed: BTreeSet<Opcode>,
}

/// Why a case could not be carried out: what was to be done, and what the engine says.
pub(crate) type Refusal = (&'static str, String);

/// Can this case be carried out under a static map?
pub(crate) fn suits(case: &Case, paging: Paging) -> bool {
    let range = |map: &MemoryMap| [map.rw_data_range(), map.stack_range()];
    let is_writable = |map: &MemoryMap, address: &u32| range(map).iter().any(|range| range.contains(address));
    match (paging, case.program.to_program().and_then(|program| program.memory_map(PAGE_SIZE_DEFAULT, 0))) {
        (Paging::Static, Ok(map)) => case.steps.iter().all(|step| match step {
            Step::Map { .. } => false,
            Step::Write { address, .. } => is_writable(&map, address),
            Step::Run | Step::SetReg(..) | Step::SetGas(_) => true,
        }),
        _ => true,
    }
}

/// Carries out a case.
pub(crate) fn drive(engine: &Engine, case: &Case, configuration: Configuration) -> Result<Trace, Refusal> {
    let program = case.program.to_program().map_err(refused("make a program of the text"))?;
    let module = module(engine, program, configuration).map_err(refused("make a module"))?;
    let mut guest = module.instantiate().map_err(refused("make an instance"))?;
    configuration.prepare(&mut guest).map_err(refused("configure the instance"))?;
    let mut driver = Driver::new(guest, case, configuration);
    driver.map_program(&module).map_err(refused("map the program's memory"))?;
    for (reg, value) in Reg::ALL.into_iter().zip(case.regs) {
        driver.set_reg(reg, value);
    }
    driver.guest.set_gas(case.gas);
    driver.guest.set_next_program_counter(ProgramCounter(case.start));
    for step in &case.steps {
        let done = match step {
            Step::Run if driver.guest.next_program_counter().is_none() => {
                driver.trace.is_complete = false;
                return Ok(driver.trace);
            }
            Step::Run => driver.run().map_err(refused("run"))?,
            Step::Map { writable, range } => driver.map(range.clone(), *writable),
            Step::Write { address, bytes } => driver.write(*address, bytes),
            Step::SetGas(gas) => {
                driver.guest.set_gas(*gas);
                Ok(())
            }
            Step::SetReg(reg, value) => {
                driver.set_reg((*reg).into(), *value);
                Ok(())
            }
        };
        done.map_err(refused("map or write memory"))?;
    }
    Ok(driver.trace)
}

fn refused<E: std::fmt::Display>(action: &'static str) -> impl Fn(E) -> Refusal {
    move |error| (action, error.to_string())
}

fn module(engine: &Engine, program: Program, configuration: Configuration) -> Result<Module, CompileError> {
    Module::from_blob(engine, &configuration.module_config(), ProgramBlob::from_program(program))
}

struct Driver<'a> {
    guest: RawInstance,
    case: &'a Case,
    configuration: Configuration,
    /// Ranges whose pages are observed.
    ranges: Vec<Range<u32>>,
    /// Ranges the guest must not write to.
    read_only: Vec<Range<u32>>,
    trace: Trace,
}

impl<'a> Driver<'a> {
    fn new(guest: RawInstance, case: &'a Case, configuration: Configuration) -> Self {
        let untouched = ([0; REGISTER_COUNT], Pages::new());
        let trace = Trace { runs: Vec::new(), is_complete: true, untouched, executed: BTreeSet::new() };
        Driver { guest, case, configuration, ranges: Vec::new(), read_only: Vec::new(), trace }
    }

    /// Maps, under dynamic paging, what the static map has.
    fn map_program(&mut self, module: &Module) -> Result<(), MemoryAccessError> {
        let map = module.memory_map().clone();
        let program = &self.case.program;
        for (range, data, is_writable) in [
            (map.ro_data_range(), &program.ro_data[..], false),
            (map.rw_data_range(), &program.rw_data[..], true),
            (map.stack_range(), &[], true),
        ] {
            if self.configuration.paging == Paging::Dynamic {
                self.map(range.clone(), is_writable)?;
                self.write(range.start, data)?;
            } else {
                self.ranges.push(range.clone());
                self.note_mapping(range.clone());
                self.note_write(range.start, data);
            }
        }
        Ok(())
    }

    fn map(&mut self, range: Range<u32>, is_writable: bool) -> Result<(), MemoryAccessError> {
        if range.is_empty() {
            return Ok(());
        }
        let protection = if is_writable { MemoryProtection::ReadWrite } else { MemoryProtection::Read };
        self.guest.zero_memory_with_memory_protection(range.start, range.end - range.start, protection)?;
        self.read_only.retain(|other| other.end <= range.start || other.start >= range.end);
        if !is_writable {
            self.read_only.push(range.clone());
        }
        self.ranges.push(range.clone());
        self.note_mapping(range);
        Ok(())
    }

    fn write(&mut self, address: u32, bytes: &[u8]) -> Result<(), MemoryAccessError> {
        let read_only = self.read_only.iter().find(|range| range.contains(&address)).cloned();
        if let Some(range) = &read_only {
            self.guest.unprotect_memory(range.start, range.end - range.start)?;
        }
        self.guest.write_memory(address, bytes)?;
        if let Some(range) = read_only {
            self.guest.protect_memory(range.start, range.end - range.start)?;
        }
        self.note_write(address, bytes);
        Ok(())
    }

    fn note_mapping(&mut self, range: Range<u32>) {
        for page in range.step_by(to_usize(PAGE_SIZE_DEFAULT)) {
            self.trace.untouched.1.insert(page, vec![0; to_usize(PAGE_SIZE_DEFAULT)]);
        }
    }

    fn note_write(&mut self, address: u32, bytes: &[u8]) {
        overlay(&mut self.trace.untouched.1, address, bytes);
    }

    fn set_reg(&mut self, reg: Reg, value: u64) {
        self.guest.set_reg(reg, value);
        self.trace.untouched.0[reg.to_usize()] = value;
    }

    fn run(&mut self) -> Result<Result<(), MemoryAccessError>, pvm::Error> {
        let mut last_step = None;
        let mut interrupt = InterruptKind::Step;
        for _ in 0..STOPS_MAX {
            interrupt = self.guest.run()?;
            if self.configuration.stops == Stops::StepsForgetting {
                self.guest.reset_interpreter_cache();
            }
            if interrupt != InterruptKind::Step {
                break;
            }
            last_step = self.guest.program_counter().map(|pc| pc.0);
            self.trace.executed.extend(last_step.map(|pc| self.opcode_at(pc)));
        }
        let memory = match self.readable_pages() {
            Ok(memory) => memory,
            Err(error) => return Ok(Err(error)),
        };
        let asked = self.case.expected.memory.iter();
        let asked = asked.map(|(address, bytes)| self.guest.read_memory(*address, to_u32(bytes.len())).ok()).collect();
        self.trace.runs.push(Observation {
            interrupt,
            trap: self.guest.trap_reason(),
            pc: self.guest.program_counter().map(|pc| pc.0),
            next_pc: self.guest.next_program_counter().map(|pc| pc.0),
            last_step,
            gas: self.guest.gas(),
            regs: Reg::ALL.map(|reg| self.guest.reg(reg)),
            memory,
            asked,
        });
        Ok(Ok(()))
    }

    fn opcode_at(&self, pc: u32) -> Opcode {
        let located = self.case.program.code().instruction_at(pc);
        located.map_or(Opcode::invalid, |located| located.instruction.opcode())
    }

    fn readable_pages(&mut self) -> Result<Pages, MemoryAccessError> {
        let mut pages = Pages::new();
        for range in self.ranges.clone() {
            for page in range.step_by(to_usize(PAGE_SIZE_DEFAULT)) {
                if self.guest.is_memory_accessible(page, PAGE_SIZE_DEFAULT, MemoryProtection::Read) {
                    pages.insert(page, self.guest.read_memory(page, PAGE_SIZE_DEFAULT)?);
                }
            }
        }
        Ok(pages)
    }
}

/// Writes into pages, as far as there are any.
pub(crate) fn overlay(pages: &mut Pages, address: u32, bytes: &[u8]) {
    for (at, byte) in (widen(address)..).zip(bytes) {
        let Ok(at) = u32::try_from(at) else { return };
        let offset = at % PAGE_SIZE_DEFAULT;
        if let Some(page) = pages.get_mut(&(at - offset)) {
            page[to_usize(offset)] = *byte;
        }
    }
}

/// The low halves of registers, in sets that have no other.
pub(crate) fn as_register(set: InstructionSet, value: u64) -> u64 {
    if set.is_64_bit() { value } else { widen(pvm_num::casts::low_u32(value)) }
}
