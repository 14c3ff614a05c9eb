//! Driving: guests of one program in lockstep, each on an engine of its own, and the same host for all of them.

use super::batch::Part;
use super::bug::Bug;
use super::coverage::Coverage;
use super::script::Script;
use super::setup::Setup;
use pvm::{InterruptKind, MemoryProtection, Module, ProgramCounter, RawInstance, Reg, Trap};
use pvm_isa::Opcode;
use pvm_num::casts::{low_u32, to_u32, widen};
use std::collections::BTreeSet;
use std::fmt::{self, Write};
use std::ops::Range;

const GAS: i64 = 3000;
/// About here a compiled guest goes over to code that checks every block.
const RESERVE: i64 = 1024;
/// Exits of a program that are looked at.
const EXITS_MAX: usize = 16;
/// Pages that are compared at the end.
const PAGES_MAX: usize = 64;

/// All that can be seen of a guest at an exit.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) exit: Result<InterruptKind, ()>,
    pub(super) trap: Option<Trap>,
    pub(super) pc: Option<u32>,
    pub(super) next: Option<u32>,
    pub(super) last: Option<u32>,
    pub(super) gas: i64,
    pub(super) regs: [u64; 13],
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Seen { exit, trap, pc, next, last, gas, regs } = self;
        write!(f, "{exit:?} {trap:?} pc {pc:?} next {next:?} last {last:?} gas {gas} {regs:x?}")
    }
}

/// A guest and what is wrong with it on purpose.
pub(super) struct Subject<'a> {
    pub(super) name: &'static str,
    pub(super) guest: RawInstance,
    pub(super) bug: Option<&'a Bug>,
}

impl Subject<'_> {
    /// Runs to an exit that is no step; whatever is executed on the way is counted.
    fn run(&mut self, coverage: &mut Coverage) -> Seen {
        let exit = loop {
            let exit = self.guest.run().map_err(|_| ());
            if exit != Ok(InterruptKind::Step) {
                break exit;
            }
            coverage.step(&self.guest);
        };
        let guest = &self.guest;
        let seen = Seen {
            exit,
            trap: guest.trap_reason(),
            pc: guest.program_counter().map(|pc| pc.0),
            next: guest.next_program_counter().map(|pc| pc.0),
            last: guest.last_program_counter().map(|pc| pc.0),
            gas: guest.gas(),
            regs: Reg::ALL.map(|reg| guest.reg(reg)),
        };
        match self.bug {
            Some(bug) => bug.observe(seen, guest.module()),
            None => seen,
        }
    }

    fn set_gas(&mut self, gas: i64) {
        self.guest.set_gas(gas + self.bug.map_or(0, Bug::gas_lead));
    }
}

/// Guests of the same programs, the first of which is interpreted.
pub(super) struct Drive<'a, 'b> {
    pub(super) setup: &'a Setup,
    pub(super) subjects: &'a mut [Subject<'b>],
    pub(super) coverage: &'a mut Coverage,
    /// Pages that guests have asked for.
    pub(super) pages: &'a mut BTreeSet<u32>,
    /// Exits of the present program.
    history: Vec<Seen>,
}

impl<'a, 'b> Drive<'a, 'b> {
    pub(super) fn new(
        setup: &'a Setup,
        subjects: &'a mut [Subject<'b>],
        coverage: &'a mut Coverage,
        pages: &'a mut BTreeSet<u32>,
    ) -> Self {
        Drive { setup, subjects, coverage, pages, history: Vec::with_capacity(EXITS_MAX) }
    }

    fn module(&self) -> Module {
        self.subjects[0].guest.module().clone()
    }

    fn guests(&mut self) -> impl Iterator<Item = &mut RawInstance> {
        self.subjects.iter_mut().map(|subject| &mut subject.guest)
    }

    fn set_gas(&mut self, gas: i64) {
        self.subjects.iter_mut().for_each(|subject| subject.set_gas(gas));
    }

    /// Lets all go on at an instruction.
    fn enter(&mut self, pc: u32, starts: &[u32]) {
        let module = self.module();
        let code = module.blob().program().code();
        // Not behind the instruction that keeps a heap small.
        let grows_heap = code.instruction_at(pc).is_some_and(|located| located.instruction.opcode() == Opcode::sbrk);
        let pc = if grows_heap { starts[0] } else { pc };
        self.coverage.feature(match (code.is_jump_target(pc), code.is_instruction_start(pc)) {
            (true, _) => "entry at a block",
            (_, true) => "entry within a block",
            _ => "entry at no instruction",
        });
        self.guests().for_each(|guest| guest.set_next_program_counter(ProgramCounter(pc)));
    }

    /// Runs one program, whose instructions start at these offsets.
    ///
    /// # Errors
    /// How the engines differ.
    pub(super) fn run(&mut self, part: &Part<'_>, starts: &[u32]) -> Result<(), String> {
        self.history.clear();
        let mut script = Script(part.host);
        let registers: [u64; 13] = script.numbers(&self.setup.places);
        for (reg, value) in Reg::ALL.into_iter().zip(registers) {
            self.guests().for_each(|guest| guest.set_reg(reg, value));
        }
        let gas = match script.byte() % 8 {
            0..3 => GAS,
            3 | 4 => RESERVE - 64 + i64::from(script.byte()),
            5 => script.pick(&[300, 100, 40, 12, 3]),
            _ => i64::from(script.byte()),
        };
        self.set_gas(gas);
        if script.rarely(16) {
            self.guests().for_each(|guest| guest.reset_memory().expect("memory for a small guest"));
            self.coverage.feature("memory reset");
        }
        let pc = if script.below(4) == 3 { self.entry(&mut script, starts) } else { starts[0] };
        self.enter(pc, starts);
        for _ in 0..EXITS_MAX {
            let seen = self.next_exit()?;
            if !self.host(&seen, &mut script, starts)? {
                break;
            }
        }
        Ok(())
    }

    /// Runs all guests to their next exit.
    fn next_exit(&mut self) -> Result<Seen, String> {
        let (first, others) = self.subjects.split_first_mut().expect("there are engines");
        let seen = first.run(self.coverage);
        self.coverage.exit(&seen);
        for other in others {
            let differing = other.run(self.coverage);
            if differing != seen {
                let mut text = String::new();
                for both in &self.history {
                    let _ = writeln!(text, "all:         {both}");
                }
                let _ = writeln!(text, "{:<12} {seen}\n{:<12} {differing}", first.name, other.name);
                return Err(text);
            }
        }
        self.history.push(seen.clone());
        Ok(seen)
    }

    /// Where a host may enter: a program's instruction, or what is none.
    fn entry(&self, script: &mut Script<'_>, starts: &[u32]) -> u32 {
        let index = script.below(starts.len().min(256));
        match script.below(16) {
            0 => starts[index] + 1,
            1 => self.module().code_len() + to_u32(script.below(2)),
            _ => starts[index],
        }
    }

    /// Does the same to all guests; whether it is possible must be the same too.
    fn all<E>(&mut self, name: &'static str, act: impl Fn(&mut RawInstance) -> Result<(), E>) -> Result<(), String> {
        self.coverage.feature(name);
        let results: Vec<bool> = self.guests().map(|guest| act(guest).is_ok()).collect();
        match results.iter().all(|ok| *ok == results[0]) {
            true => Ok(()),
            false => Err(format!("{name} succeeds: {results:?}\n")),
        }
    }

    /// What a host may do at an exit; does the program go on?
    fn host(&mut self, seen: &Seen, script: &mut Script<'_>, starts: &[u32]) -> Result<bool, String> {
        let choice = script.byte();
        match &seen.exit {
            Err(()) => return Ok(false),
            Ok(InterruptKind::Segfault(fault)) => {
                if self.pages.len() < PAGES_MAX {
                    self.pages.insert(fault.page_address);
                }
                let (address, size) = (fault.page_address, fault.page_size);
                if fault.is_write_protected {
                    self.all("page made writable", |guest| guest.unprotect_memory(address, size))?;
                } else {
                    let rights = if choice & 1 == 0 { MemoryProtection::ReadWrite } else { MemoryProtection::Read };
                    let map = |guest: &mut RawInstance| guest.zero_memory_with_memory_protection(address, size, rights);
                    // What lies below 64 KiB stays missing.
                    self.all("page mapped", map)?;
                }
            }
            Ok(InterruptKind::NotEnoughGas) => {
                if choice & 3 == 0 {
                    return Ok(false);
                }
                let gas = if choice & 12 == 0 { seen.gas + i64::from(choice >> 4) } else { GAS };
                self.set_gas(gas);
                self.coverage.feature("gas given");
            }
            Ok(InterruptKind::Ecalli(_)) => {
                let value = if choice & 1 == 0 { u64::from(choice) } else { script.number(&self.setup.places) };
                self.guests().for_each(|guest| guest.set_reg(Reg::A0, value));
            }
            Ok(InterruptKind::Trap | InterruptKind::Finished) => {
                // Mostly on behind the instruction.
                let behind = starts.partition_point(|start| seen.last.is_none_or(|pc| *start <= pc));
                match choice & 7 {
                    0 => return Ok(false),
                    1 => {
                        let pc = self.entry(script, starts);
                        self.enter(pc, starts);
                    }
                    _ if behind < starts.len() => self.enter(starts[behind], starts),
                    _ => return Ok(false),
                }
            }
            Ok(InterruptKind::Step) => unreachable!("steps are no exits"),
        }
        if choice >= 0xc0 {
            self.meddle(script, starts)?;
        }
        Ok(true)
    }

    /// What a host does now and then.
    fn meddle(&mut self, script: &mut Script<'_>, starts: &[u32]) -> Result<(), String> {
        let address = script.pick(&self.setup.places);
        let page = self.setup.map.page_size();
        match script.below(9) {
            0 => {
                let pc = self.entry(script, starts);
                self.enter(pc, starts);
            }
            1 => {
                let least = script.pick(&[-20, RESERVE - 64]);
                self.set_gas(least + i64::from(script.byte()));
            }
            2 => self.all("memory written", |guest| guest.write_memory(address, &[7; 40]))?,
            3 => self.all("pages freed", |guest| guest.free_pages(address & !(page - 1), page))?,
            4 => self.all("page made read-only", |guest| guest.protect_memory(address & !(page - 1), page))?,
            5 => {
                let size = u32::from(script.byte()) * 32;
                self.all("auxiliary region shown", |guest| guest.set_accessible_aux_size(size))?;
            }
            6 => {
                let size = low_u32(u64::from(script.byte())) * 40;
                self.all("heap grown by the host", |guest| guest.sbrk(size).map(|_| ()))?;
            }
            7 => {
                let reg = script.pick(&Reg::ALL);
                let value = script.number(&self.setup.places);
                self.guests().for_each(|guest| guest.set_reg(reg, value));
            }
            _ => self.all("memory zeroed", |guest| guest.zero_memory(address, 24))?,
        }
        Ok(())
    }

    /// Compares memory.
    ///
    /// # Errors
    /// Where it differs.
    pub(super) fn compare_memory(&mut self) -> Result<(), String> {
        let map = &self.setup.map;
        let heap = self.subjects[0].guest.heap_size();
        let heap_start = map.rw_data_address() + map.rw_data_size();
        let mut ranges: Vec<Range<u64>> = [
            (map.ro_data_address(), map.ro_data_size()),
            (map.rw_data_address(), map.rw_data_size()),
            (heap_start, heap.min(0x1_0000)),
            (map.stack_address_low(), map.stack_size()),
            (map.aux_data_address(), map.aux_data_size()),
        ]
        .map(|(start, size)| widen(start)..widen(start) + widen(size))
        .to_vec();
        ranges.extend(self.pages.iter().map(|start| widen(*start)..widen(*start) + widen(map.page_size())));
        let heaps: Vec<u32> = self.guests().map(|guest| guest.heap_size()).collect();
        if heaps.iter().any(|size| *size != heap) {
            return Err(format!("sizes of heaps: {heaps:?}\n"));
        }
        for range in ranges {
            // What the host cannot read as a whole is compared page by page.
            let mut start = range.start;
            while start < range.end {
                let size = (range.end - start).min(4096);
                self.compare_range(low_u32(start), low_u32(size))?;
                start += size;
            }
        }
        Ok(())
    }

    fn compare_range(&mut self, start: u32, size: u32) -> Result<(), String> {
        let mut contents = self.guests().map(|guest| guest.read_memory(start, size).ok());
        let first = contents.next().flatten();
        if contents.all(|other| other == first) {
            return Ok(());
        }
        drop(contents);
        let mut text = format!("memory at {start:#x} differs\n");
        for subject in self.subjects.iter_mut() {
            let bytes = subject.guest.read_memory(start, size).ok();
            let place = match (&bytes, &first) {
                (Some(bytes), Some(first)) => bytes.iter().zip(first).position(|(byte, other)| byte != other),
                _ => None,
            };
            let from = place.unwrap_or(0) & !7;
            let shown = bytes.as_ref().map(|bytes| &bytes[from..(from + 16).min(bytes.len())]);
            let _ = writeln!(text, "{:<12} {:#x}: {shown:x?}", subject.name, start + to_u32(from));
        }
        Err(text)
    }
}
