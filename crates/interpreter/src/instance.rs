//! Instances: the state of one guest and the state machine of its runs (host-api.md 3).

use crate::cache::{Cache, CacheLimit, Entry};
use crate::dispatch::{self, Code, Event, Machine};
use crate::exit::{Exit, Trap};
use crate::image::{Image, Paging};
use crate::memory::{AllocationLimits, Flat, GuestMemory, MemoryError, Paged, Protection};
use crate::op::{Handler, Op};
use crate::trap_code;
use alloc::boxed::Box;
use alloc::sync::Arc;
use pvm_isa::{Reg, Width};
use pvm_num::casts::{low_u32, sign_extend_32, to_u64, to_usize, widen};
use pvm_num::limits::ADDRESS_ZONE;

/// Gas that an unmetered run starts with: more than can be spent.
const UNMETERED: i64 = i64::MAX;

/// How the next run starts.
#[derive(Clone, Copy, Debug)]
enum Resume {
    /// Nowhere: no program counter is set.
    No,
    /// At this place in the code.
    Entry(Entry),
    /// At the operation with this index; should the cache have been emptied since, at the place.
    At(usize, Entry),
}

/// Registers and memory, of either kind.
#[derive(Clone, Debug)]
enum Memory {
    Flat(Box<Machine<Flat>>),
    Paged(Box<Machine<Paged>>),
}

/// One guest: registers, memory, gas and program counter.
#[derive(Clone, Debug)]
pub struct Instance {
    image: Arc<Image>,
    memory: Memory,
    cache: Cache,
    gas: i64,
    pc: Option<u32>,
    next_pc: Option<u32>,
    last_pc: Option<u32>,
    resume: Resume,
}

impl Instance {
    /// A guest with zeroed registers, initial memory, no gas and no program counter.
    pub fn new(image: Arc<Image>) -> Instance {
        let memory = match image.paging {
            Paging::Static => Memory::Flat(Box::new(Machine::new(Flat::new(&image.memory)))),
            Paging::Dynamic { page_size, order } => Memory::Paged(Box::new(Machine::new(Paged::new(page_size, order)))),
        };
        Instance {
            cache: Cache::new(&image),
            image,
            memory,
            gas: 0,
            pc: None,
            next_pc: None,
            last_pc: None,
            resume: Resume::No,
        }
    }

    /// The program.
    pub fn image(&self) -> &Arc<Image> {
        &self.image
    }

    /// A register; 32-bit ones are zero-extended.
    pub fn reg(&self, reg: Reg) -> u64 {
        let value = match &self.memory {
            Memory::Flat(machine) => machine.regs[reg.index()],
            Memory::Paged(machine) => machine.regs[reg.index()],
        };
        match self.image.set.width() {
            Width::Narrow => widen(low_u32(value)),
            Width::Wide => value,
        }
    }

    /// Sets a register; 32-bit ones keep the low half.
    pub fn set_reg(&mut self, reg: Reg, value: u64) {
        let value = match self.image.set.width() {
            Width::Narrow => sign_extend_32(low_u32(value)),
            Width::Wide => value,
        };
        match &mut self.memory {
            Memory::Flat(machine) => machine.regs[reg.index()] = value,
            Memory::Paged(machine) => machine.regs[reg.index()] = value,
        }
    }

    /// Remaining gas.
    pub fn gas(&self) -> i64 {
        self.gas
    }

    /// Sets the remaining gas.
    pub fn set_gas(&mut self, gas: i64) {
        self.gas = gas;
    }

    /// The instruction the last exit is about, if it is about one.
    pub fn program_counter(&self) -> Option<u32> {
        self.pc
    }

    /// The instruction the last exit happened at, whatever the exit: also the jump that returned to the host.
    pub fn last_program_counter(&self) -> Option<u32> {
        self.last_pc
    }

    /// Where the next run starts.
    pub fn next_program_counter(&self) -> Option<u32> {
        self.next_pc
    }

    /// Lets the next run start at `pc`; its block will be charged, also if the guest was stopped in it.
    pub fn set_next_program_counter(&mut self, pc: u32) {
        self.pc = None;
        self.next_pc = Some(pc);
        self.resume = Resume::Entry(Entry { pc, charge: true, stepped: false, paid: false });
    }

    /// Removes the program counter: the next run needs a new one.
    pub fn clear_program_counter(&mut self) {
        (self.pc, self.next_pc, self.resume) = (None, None, Resume::No);
    }

    /// Runs until the next exit; none if no program counter is set.
    pub fn run(&mut self) -> Option<Exit> {
        let resume = core::mem::replace(&mut self.resume, Resume::No);
        let metered = self.image.gas.is_some();
        if matches!(resume, Resume::No) {
            return None;
        }
        if metered && self.gas < 0 {
            self.resume = resume;
            return Some(Exit::OutOfGas);
        }
        let mut gas = if metered { self.gas } else { UNMETERED };
        let exit = self.run_metered(resume, &mut gas);
        if metered {
            self.gas = gas;
        }
        Some(exit)
    }

    fn run_metered(&mut self, resume: Resume, gas: &mut i64) -> Exit {
        let mut ip = match resume {
            Resume::No => return Exit::Trap(Trap::Entry),
            Resume::At(ip, _) => ip,
            Resume::Entry(entry) => match self.enter(entry, gas) {
                Ok(ip) => ip,
                Err(exit) => return exit,
            },
        };
        loop {
            let code = Code { ops: &self.cache.ops, jumps: &self.cache.jumps };
            let (event, at) = match &mut self.memory {
                Memory::Flat(machine) => dispatch::run(machine, &code, gas, ip),
                Memory::Paged(machine) => dispatch::run(machine, &code, gas, ip),
            };
            let continued = match event {
                Event::Translate => self.translate_at(at),
                Event::DynamicJump(address) => match self.resolve(address) {
                    Some(head) => head,
                    None => return self.stop(at, Trap::JumpAddress(address)),
                },
                _ => return self.exit(event, at),
            };
            ip = match self.pay(continued, gas) {
                Some(ip) => ip,
                None => return self.exit(Event::OutOfGas, continued),
            };
        }
    }

    /// Turns an event into an exit and notes how to go on from it.
    fn exit(&mut self, event: Event, at: usize) -> Exit {
        let pc = self.cache.pcs[at];
        self.last_pc = Some(pc);
        let Op { handler, x, y, .. } = self.cache.ops[at];
        let here = Entry { pc, charge: false, stepped: true, paid: handler != Handler::charge_one };
        match event {
            Event::Trap => self.stop(at, trap_code::trap(x)),
            Event::NoHeap => self.stop(at, Trap::Sbrk),
            Event::Finished => {
                self.clear_program_counter();
                Exit::Finished
            }
            Event::Ecalli => {
                self.pc = Some(pc);
                self.next_pc = Some(y);
                self.resume = Resume::At(at + 1, Entry { pc: y, charge: false, stepped: false, paid: false });
                Exit::Ecalli(x)
            }
            Event::Fault => {
                let exit = match &self.memory {
                    Memory::Flat(machine) => machine.memory.fault().exit,
                    Memory::Paged(machine) => machine.memory.fault().exit,
                };
                match exit {
                    Exit::Trap(trap) => return self.stop(at, trap),
                    _ => self.pause(pc, Resume::At(at, here)),
                }
                exit
            }
            Event::OutOfGas => {
                let resume = match handler {
                    Handler::head => Resume::Entry(Entry { pc, charge: true, stepped: false, paid: false }),
                    Handler::charge => Resume::At(at, Entry { pc, charge: true, stepped: true, paid: false }),
                    _ => Resume::At(at, here),
                };
                self.pause(pc, resume);
                if handler == Handler::charge {
                    self.hide_entry_inside_block(pc);
                }
                Exit::OutOfGas
            }
            Event::Step => {
                self.pause(pc, Resume::At(at + 1, Entry { pc, charge: x != 0, stepped: true, paid: false }));
                Exit::Step
            }
            Event::Begun | Event::Continue | Event::Translate | Event::DynamicJump(_) => {
                unreachable!("the run loop handles these itself")
            }
        }
    }

    fn pause(&mut self, pc: u32, resume: Resume) {
        self.last_pc = Some(pc);
        self.pc = Some(pc);
        self.next_pc = Some(pc);
        self.resume = resume;
    }

    fn stop(&mut self, at: usize, trap: Trap) -> Exit {
        self.clear_program_counter();
        self.pc = Some(self.cache.pcs[at]);
        self.last_pc = self.pc;
        Exit::Trap(trap)
    }

    /// Where to start for an entry, its block being paid; or why it cannot.
    fn enter(&mut self, entry: Entry, gas: &mut i64) -> Result<usize, Exit> {
        let code = self.image.code();
        // Behind the last instruction of bitmask code only a guest can arrive, by continuing from an exit there.
        let continues_at_end = !entry.charge && entry.pc == code.len();
        if !continues_at_end && !code.is_instruction_start(entry.pc) {
            self.pause(entry.pc, Resume::Entry(entry));
            return Err(Exit::Trap(Trap::Entry));
        }
        if self.cache.is_full() {
            self.cache.reset(&self.image);
        }
        let head = to_usize(self.cache.translate_entry(&self.image, entry));
        self.pay(head, gas).ok_or_else(|| {
            self.pause(entry.pc, Resume::Entry(entry));
            self.hide_entry_inside_block(entry.pc);
            Exit::OutOfGas
        })
    }

    /// A block that cannot be paid reports its start; none if the host entered it elsewhere (host-api.md 3).
    fn hide_entry_inside_block(&mut self, pc: u32) {
        if !self.image.code().is_jump_target(pc) {
            self.pc = None;
        }
    }

    /// Pays for the block behind `head`; the index of its first operation, or none if gas does not suffice.
    fn pay(&self, head: usize, gas: &mut i64) -> Option<usize> {
        let left = *gas - i64::from(self.cache.ops[head].x);
        (left >= 0).then(|| {
            *gas = left;
            head + 1
        })
    }

    /// Translates what the operation at `at` waits for, and lets it go there from now on.
    fn translate_at(&mut self, at: usize) -> usize {
        let Op { handler, .. } = self.cache.ops[at];
        let pc = self.cache.pcs[at];
        let was_reset = self.cache.is_full();
        if was_reset {
            self.cache.reset(&self.image);
        }
        let head = match handler {
            Handler::resume => {
                let entry = Entry { pc, charge: false, stepped: false, paid: false };
                self.cache.translate_entry(&self.image, entry)
            }
            _ => self.cache.translate_block(&self.image, pc),
        };
        if !was_reset {
            self.cache.ops[at] = Op::new(Handler::goto, head, 0);
        }
        to_usize(head)
    }

    /// The head of the block at a dynamic address, or none if the address names no jump target.
    fn resolve(&mut self, address: u32) -> Option<usize> {
        let index = address.rotate_right(1).wrapping_sub(1);
        if index >= self.image.jump_table_length() {
            return None;
        }
        let pc = self.image.jump_table_entry(index);
        if !self.cache.targets.contains(self.image.code(), pc) {
            return None;
        }
        if self.cache.is_full() {
            self.cache.reset(&self.image);
        }
        let head = self.cache.translate_block(&self.image, pc);
        self.cache.jumps[to_usize(index)] = head;
        Some(to_usize(head))
    }

    /// Bounds the translation cache, or lifts the bound.
    ///
    /// # Errors
    /// The least bound that works, if `limit` is below it.
    pub fn set_cache_limit(&mut self, limit: Option<CacheLimit>) -> Result<(), CacheLimit> {
        let least = Cache::limit_min();
        if limit.is_some_and(|limit| limit.bytes_max < least.bytes_max) {
            return Err(least);
        }
        self.cache.set_limit(limit);
        Ok(())
    }

    /// Frees all translations; they are made again when needed.
    pub fn reset_cache(&mut self) {
        if let Resume::At(_, entry) = self.resume {
            self.resume = Resume::Entry(entry);
        }
        self.cache.reset(&self.image);
    }

    /// Has a group been chosen for anything translated so far?
    #[cfg(test)]
    pub(crate) fn runs_groups(&self) -> bool {
        self.cache.ops.iter().any(|op| op.handler.index() > Handler::store_sp_u64.index())
    }

    /// Bounds the memory that backs the guest's, from the next allocation on. Only a static map is bounded: under dynamic
    /// paging the host makes every page itself.
    pub fn set_allocation_limits(&mut self, limits: AllocationLimits) {
        if let Memory::Flat(machine) = &mut self.memory {
            machine.memory.set_limits(limits);
        }
    }

    /// Memory back to how it was when the instance was made.
    pub fn reset_memory(&mut self) {
        match &mut self.memory {
            Memory::Flat(machine) => machine.memory.reset(),
            Memory::Paged(machine) => machine.memory.reset(),
        }
    }

    /// Reads guest memory into `out`. Nothing is written to `out` on an error.
    ///
    /// # Errors
    /// Unless the whole range can be read.
    pub fn read_memory(&self, address: u32, out: &mut [u8]) -> Result<(), MemoryError> {
        if out.is_empty() {
            return Ok(());
        }
        in_range(address, to_u64(out.len()))?;
        match &self.memory {
            Memory::Flat(machine) => machine.memory.read(address, out),
            Memory::Paged(machine) => machine.memory.read(address, out),
        }
    }

    /// Writes guest memory, all or nothing.
    ///
    /// # Errors
    /// Unless the host may write the whole range.
    pub fn write_memory(&mut self, address: u32, data: &[u8]) -> Result<(), MemoryError> {
        self.write(address, data, false)
    }

    /// Writes guest memory, read-only parts included: for loaders and test drivers.
    ///
    /// # Errors
    /// Unless the whole range is mapped.
    pub fn write_memory_forced(&mut self, address: u32, data: &[u8]) -> Result<(), MemoryError> {
        self.write(address, data, true)
    }

    fn write(&mut self, address: u32, data: &[u8], force: bool) -> Result<(), MemoryError> {
        if data.is_empty() {
            return Ok(());
        }
        in_range(address, to_u64(data.len()))?;
        match &mut self.memory {
            Memory::Flat(machine) => machine.memory.write(address, data, force),
            Memory::Paged(machine) => machine.memory.write(address, data, force),
        }
    }

    /// Zeroes guest memory, all or nothing.
    ///
    /// # Errors
    /// Unless the host may write the whole range.
    pub fn zero_memory(&mut self, address: u32, length: u32) -> Result<(), MemoryError> {
        if length == 0 {
            return Ok(());
        }
        in_range(address, widen(length))?;
        match &mut self.memory {
            Memory::Flat(machine) => machine.memory.zero(address, widen(length)),
            Memory::Paged(machine) => machine.memory.zero(address, widen(length)),
        }
    }

    /// Zeroes whole pages and gives them these rights, making missing ones. `length` is rounded up to pages.
    ///
    /// # Errors
    /// Without dynamic paging, or if the range is not one of whole pages from 0x10000 on.
    pub fn zero_pages(&mut self, address: u32, length: u32, protection: Protection) -> Result<(), MemoryError> {
        self.paged(length, |memory| memory.zero_pages(address, widen(length), protection))
    }

    /// Changes the rights of existing pages.
    ///
    /// # Errors
    /// Without dynamic paging, or if part of the range is missing.
    pub fn protect_pages(&mut self, address: u32, length: u32, protection: Protection) -> Result<(), MemoryError> {
        self.paged(length, |memory| memory.protect(address, widen(length), protection))
    }

    /// Removes pages.
    ///
    /// # Errors
    /// Without dynamic paging, or if the range is not one of whole pages from 0x10000 on.
    pub fn free_pages(&mut self, address: u32, length: u32) -> Result<(), MemoryError> {
        self.paged(length, |memory| memory.free_pages(address, widen(length)))
    }

    fn paged(
        &mut self,
        length: u32,
        apply: impl FnOnce(&mut Paged) -> Result<(), MemoryError>,
    ) -> Result<(), MemoryError> {
        match &mut self.memory {
            Memory::Flat(_) => Err(MemoryError::NeedsDynamicPaging),
            Memory::Paged(_) if length == 0 => Ok(()),
            Memory::Paged(machine) => apply(&mut machine.memory),
        }
    }

    /// Can the host read, or with `is_write` write, the whole range?
    pub fn is_memory_accessible(&self, address: u32, length: u32, is_write: bool) -> bool {
        length == 0
            || (in_range(address, widen(length)).is_ok()
                && match &self.memory {
                    Memory::Flat(machine) => machine.memory.is_accessible(address, widen(length), is_write),
                    Memory::Paged(machine) => machine.memory.is_accessible(address, widen(length), is_write),
                })
    }

    /// Bytes the heap has grown to; 0 under dynamic paging.
    pub fn heap_size(&self) -> u32 {
        match &self.memory {
            Memory::Flat(machine) => machine.memory.heap_size(),
            Memory::Paged(_) => 0,
        }
    }

    /// Grows the heap and returns its new end; none if it cannot grow so far, or under dynamic paging.
    pub fn sbrk(&mut self, size: u32) -> Option<u32> {
        match &mut self.memory {
            Memory::Flat(machine) => machine.memory.sbrk(widen(size)).filter(|end| *end != 0),
            Memory::Paged(_) => None,
        }
    }

    /// Shows guest and host only the first `size` bytes of the auxiliary region, rounded up to pages.
    ///
    /// # Errors
    /// Under dynamic paging, or if the region is smaller.
    pub fn set_accessible_aux_size(&mut self, size: u32) -> Result<(), MemoryError> {
        match &mut self.memory {
            Memory::Flat(machine) => machine.memory.set_accessible_aux_size(size),
            Memory::Paged(_) => Err(MemoryError::NeedsStaticMap),
        }
    }

    /// Refuses, or allows again, that the host writes the auxiliary region.
    ///
    /// # Errors
    /// Under dynamic paging.
    pub fn set_host_side_aux_write_protect(&mut self, protect: bool) -> Result<(), MemoryError> {
        match &mut self.memory {
            Memory::Flat(machine) => {
                machine.memory.set_aux_write_protected(protect);
                Ok(())
            }
            Memory::Paged(_) => Err(MemoryError::NeedsStaticMap),
        }
    }
}

/// The host cannot reach the lowest 64 KiB, nor beyond 2^32 (host-api.md 4).
fn in_range(address: u32, length: u64) -> Result<(), MemoryError> {
    if address < ADDRESS_ZONE || widen(address) + length > 1 << 32 {
        return Err(MemoryError::OutOfRange { address, length });
    }
    Ok(())
}
