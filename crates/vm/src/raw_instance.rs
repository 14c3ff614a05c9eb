//! Instances: one guest each, driven by hand.

use crate::abi::{FuncArgs, FuncResult, Registers};
use crate::error::{Error, ErrorKind, MemoryAccessError};
use crate::gas::Gas;
use crate::machine::Machine;
use crate::memory::{AsUninitSliceMut, MemoryProtection};
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use crate::native::Ended;
use crate::program::BYTES_PER_OPERATION;
use crate::{InterruptKind, Module, ProgramCounter, RETURN_TO_HOST, Reg, RegValue};
use pvm_interpreter::{AllocationLimits, CacheLimit, Exit, MemoryError, Trap};
use pvm_num::casts::{to_u64, to_usize, widen};
use std::borrow::Cow;

/// Bounds of the interpreter's translations.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SetCacheSizeLimitArgs {
    /// Most instructions a basic block of the program has.
    pub max_block_size: u32,
    /// Most bytes all translations may take.
    pub max_cache_size_bytes: usize,
}

/// One guest: registers, memory, gas and program counter.
///
/// A new one has zeroed registers, initial memory, no gas and no program counter.
pub struct RawInstance {
    module: Module,
    pub(crate) machine: Machine,
    limits: AllocationLimits,
    trap_reason: Option<Trap>,
}

impl RawInstance {
    pub(crate) fn new(module: Module) -> Result<Self, Error> {
        let machine = Machine::new(&module.0)?;
        Ok(RawInstance { module, machine, limits: AllocationLimits::default(), trap_reason: None })
    }

    /// The module.
    #[inline]
    pub fn module(&self) -> &Module {
        &self.module
    }

    /// Are registers 64 bits wide?
    #[inline]
    pub fn is_64_bit(&self) -> bool {
        self.module.is_64_bit()
    }

    /// Runs, or runs on, until something interrupts.
    ///
    /// # Errors
    /// If no next program counter is set. What the guest does is never an error.
    #[inline]
    pub fn run(&mut self) -> Result<InterruptKind, Error> {
        self.trap_reason = None;
        let exit = match &mut self.machine {
            Machine::Interpreter(instance) => {
                if instance.gas() < 0 && instance.next_program_counter().is_some() {
                    return Ok(InterruptKind::NotEnoughGas); // metered or not
                }
                instance.run().ok_or_else(nowhere)?
            }
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Machine::Native(guest) => match guest.run() {
                Ended::Ecalli(number) => return Ok(InterruptKind::Ecalli(number)),
                Ended::Finished => return Ok(InterruptKind::Finished),
                Ended::Nowhere => return Err(nowhere()),
                Ended::Otherwise(exit) => exit,
                Ended::Failed(error) => return Err(error.into()),
            },
        };
        Ok(self.interrupt(exit))
    }

    fn interrupt(&mut self, exit: Exit) -> InterruptKind {
        let (interrupt, trap) = InterruptKind::from_exit(exit, self.page_size());
        self.trap_reason = trap;
        interrupt
    }

    /// Why the last run trapped; none if it did not.
    pub fn trap_reason(&self) -> Option<Trap> {
        self.trap_reason
    }

    /// A register; 32-bit ones are zero-extended.
    #[inline]
    pub fn reg(&self, reg: Reg) -> RegValue {
        self.machine.reg(reg.into())
    }

    /// Sets a register; 32-bit ones keep the low half.
    #[inline]
    pub fn set_reg(&mut self, reg: Reg, value: RegValue) {
        self.machine.set_reg(reg.into(), value);
    }

    /// Zeroes all registers.
    pub fn clear_regs(&mut self) {
        self.machine.set_regs(&[0; Reg::ALL.len()]);
    }

    /// Remaining gas. That it is 0 does not mean that a run ended for want of it.
    #[inline]
    pub fn gas(&self) -> Gas {
        self.machine.gas()
    }

    /// Sets the remaining gas.
    #[inline]
    pub fn set_gas(&mut self, gas: Gas) {
        self.machine.set_gas(gas);
    }

    /// The instruction which the last interrupt is about, if it is about one.
    #[inline]
    pub fn program_counter(&self) -> Option<ProgramCounter> {
        self.machine.program_counter().map(ProgramCounter)
    }

    /// Where the next run starts.
    #[inline]
    pub fn next_program_counter(&self) -> Option<ProgramCounter> {
        self.machine.next_program_counter().map(ProgramCounter)
    }

    /// Lets the next run start at `pc`. The block it lies in is charged, also if the guest was stopped within it.
    #[inline]
    pub fn set_next_program_counter(&mut self, pc: ProgramCounter) {
        self.machine.set_next_program_counter(pc.0);
    }

    /// Sets up a call: registers zeroed, then `ra` to return to the host, `sp` to the end of the stack, arguments in
    /// [`Reg::ARG_REGS`].
    ///
    /// # Panics
    /// If there are more than nine arguments.
    #[inline]
    pub fn prepare_call_untyped(&mut self, pc: ProgramCounter, args: &[RegValue]) {
        assert!(args.len() <= Reg::MAXIMUM_INPUT_REGS, "a call has at most nine arguments");
        let mut regs = [0; Reg::ALL.len()];
        let index = |reg: Reg| pvm_isa::Reg::from(reg).index();
        regs[index(Reg::RA)] = RETURN_TO_HOST;
        regs[index(Reg::SP)] = self.module.default_sp();
        for (reg, value) in Reg::ARG_REGS.into_iter().zip(args) {
            regs[index(reg)] = *value;
        }
        self.machine.set_regs(&regs);
        self.set_next_program_counter(pc);
    }

    /// Sets up a call with typed arguments, see [`RawInstance::prepare_call_untyped`].
    ///
    /// # Panics
    /// If the arguments take more than nine registers.
    #[inline]
    pub fn prepare_call_typed<FnArgs: FuncArgs>(&mut self, pc: ProgramCounter, args: FnArgs) {
        let mut registers = Registers::new(self.is_64_bit());
        args.push(&mut registers);
        self.prepare_call_untyped(pc, registers.written());
    }

    /// The result of a call.
    #[inline]
    pub fn get_result_typed<FnResult: FuncResult>(&self) -> FnResult {
        FnResult::pull(&mut Registers::of(self.is_64_bit(), self.machine.arguments()))
    }

    /// The process the guest runs in; none, the interpreter runs it here.
    pub fn pid(&self) -> Option<u32> {
        None
    }

    /// The native address at which the next run starts; the interpreter has none.
    pub fn next_native_program_counter(&self) -> Option<usize> {
        self.machine.next_native_program_counter().and_then(|address| usize::try_from(address).ok())
    }
}

/// Memory.
impl RawInstance {
    /// Can the host access all of it so?
    pub fn is_memory_accessible(&self, address: u32, size: u32, minimum_protection: MemoryProtection) -> bool {
        self.machine.is_memory_accessible(address, size, minimum_protection == MemoryProtection::ReadWrite)
    }

    /// Fills a buffer from guest memory.
    ///
    /// # Errors
    /// If part of the range cannot be read; the buffer is then as it was.
    #[inline]
    pub fn read_memory_into<'slice, B>(
        &mut self,
        address: u32,
        buffer: &'slice mut B,
    ) -> Result<&'slice mut [u8], MemoryAccessError>
    where
        B: ?Sized + AsUninitSliceMut,
    {
        Ok(buffer.read_with(|bytes| self.machine.read_memory(address, bytes))?)
    }

    /// Reads guest memory.
    ///
    /// # Errors
    /// If part of the range cannot be read.
    pub fn read_memory(&mut self, address: u32, length: u32) -> Result<Vec<u8>, MemoryAccessError> {
        self.view_memory(address, length).map(Cow::into_owned)
    }

    /// Guest memory; borrowed, not copied, if the guest is compiled and the range lies within one region or pages with the
    /// same rights.
    ///
    /// # Errors
    /// If part of the range cannot be read.
    #[inline]
    pub fn view_memory(&self, address: u32, length: u32) -> Result<Cow<'_, [u8]>, MemoryAccessError> {
        if let Some(bytes) = self.machine.view_memory(address, length) {
            return Ok(Cow::Borrowed(bytes));
        }
        if !self.is_memory_accessible(address, length, MemoryProtection::Read) {
            return Err(MemoryAccessError::OutOfRangeAccess { address, length: widen(length) });
        }
        let mut bytes = vec![0; to_usize(length)];
        self.machine.read_memory(address, &mut bytes)?;
        Ok(Cow::Owned(bytes))
    }

    /// Writes guest memory.
    ///
    /// # Errors
    /// If part of the range cannot be written; then nothing is.
    #[inline]
    pub fn write_memory(&mut self, address: u32, data: &[u8]) -> Result<(), MemoryAccessError> {
        Ok(self.machine.write_memory(address, data)?)
    }

    /// Zeroes guest memory.
    ///
    /// # Errors
    /// If part of the range cannot be written; then nothing is.
    pub fn zero_memory(&mut self, address: u32, length: u32) -> Result<(), MemoryAccessError> {
        Ok(self.machine.zero_memory(address, length)?)
    }

    /// Zeroes whole pages and gives them these rights, making missing ones; `length` is rounded up. Dynamic paging only.
    ///
    /// # Errors
    /// Without dynamic paging, or if the range is not one of whole pages from 0x10000 on.
    pub fn zero_memory_with_memory_protection(
        &mut self,
        address: u32,
        length: u32,
        memory_protection: MemoryProtection,
    ) -> Result<(), MemoryAccessError> {
        let done = self.machine.zero_pages(address, length, memory_protection.into());
        done.map_err(|error| self.paging_error("zero_memory_with_memory_protection", error))
    }

    /// Makes existing pages read-only. Dynamic paging only.
    ///
    /// # Errors
    /// Without dynamic paging, or if a page is missing.
    pub fn protect_memory(&mut self, address: u32, length: u32) -> Result<(), MemoryAccessError> {
        let done = self.machine.protect_pages(address, length, MemoryProtection::Read.into());
        done.map_err(|error| self.paging_error("protect_memory", error))
    }

    /// Makes existing pages writable. Dynamic paging only.
    ///
    /// # Errors
    /// Without dynamic paging, or if a page is missing.
    pub fn unprotect_memory(&mut self, address: u32, length: u32) -> Result<(), MemoryAccessError> {
        let done = self.machine.protect_pages(address, length, MemoryProtection::ReadWrite.into());
        done.map_err(|error| self.paging_error("unprotect_memory", error))
    }

    /// Removes pages; `length` is rounded up. Dynamic paging only.
    ///
    /// # Errors
    /// Without dynamic paging, or if the range is not one of whole pages from 0x10000 on.
    pub fn free_pages(&mut self, address: u32, length: u32) -> Result<(), Error> {
        let done = self.machine.free_pages(address, length);
        done.map_err(|error| match self.paging_error("free_pages", error) {
            MemoryAccessError::Error(error) => error,
            other => Error::from(other.to_string()),
        })
    }

    /// Memory back to its initial state; under dynamic paging that is none.
    ///
    /// # Errors
    /// If the system has no memory; none with the interpreter.
    pub fn reset_memory(&mut self) -> Result<(), Error> {
        Ok(self.machine.reset_memory().map_err(ErrorKind::Memory)?)
    }

    /// Bytes the heap has grown to.
    pub fn heap_size(&self) -> u32 {
        self.machine.heap_size()
    }

    /// Grows the heap: its new end, or none if it cannot grow so far.
    ///
    /// # Errors
    /// Under dynamic paging.
    pub fn sbrk(&mut self, size: u32) -> Result<Option<u32>, Error> {
        if self.module.is_dynamically_paged() {
            return Err(ErrorKind::NotUnderDynamicPaging { operation: "sbrk" }.into());
        }
        Ok(self.machine.sbrk(size))
    }

    /// Shows guest and host only the first `size` bytes of the auxiliary region, rounded up to pages. What is hidden is
    /// cleared.
    ///
    /// # Errors
    /// Under dynamic paging, or if the region is smaller.
    pub fn set_accessible_aux_size(&mut self, size: u32) -> Result<(), Error> {
        let done = self.machine.set_accessible_aux_size(size);
        done.map_err(|error| static_error("set_accessible_aux_size", error))
    }

    /// Refuses, or allows again, that the host writes to the auxiliary region.
    ///
    /// # Errors
    /// Under dynamic paging.
    pub fn set_host_side_aux_write_protect(&mut self, is_write_protected: bool) -> Result<(), Error> {
        let done = self.machine.set_host_side_aux_write_protect(is_write_protected);
        done.map_err(|error| static_error("set_host_side_aux_write_protect", error))
    }

    fn page_size(&self) -> u32 {
        self.module.memory_map().page_size()
    }

    fn paging_error(&self, operation: &'static str, error: MemoryError) -> MemoryAccessError {
        match error {
            MemoryError::NeedsDynamicPaging => ErrorKind::OnlyUnderDynamicPaging { operation }.into(),
            MemoryError::Unaligned { address } => {
                ErrorKind::NotPageAligned { address, page_size: self.page_size() }.into()
            }
            other => other.into(),
        }
    }
}

#[cold]
fn nowhere() -> Error {
    ErrorKind::NoNextProgramCounter.into()
}

fn static_error(operation: &'static str, error: MemoryError) -> Error {
    match error {
        MemoryError::NeedsStaticMap => ErrorKind::NotUnderDynamicPaging { operation }.into(),
        other => ErrorKind::Memory(other).into(),
    }
}

macro_rules! integers {
    ($($read:ident $write:ident $type:ty;)*) => {
        /// Little-endian integers in memory.
        impl RawInstance {
            $(
                /// Reads an integer.
                ///
                /// # Errors
                /// If it cannot all be read.
                #[inline]
                pub fn $read(&mut self, address: u32) -> Result<$type, MemoryAccessError> {
                    let mut bytes = <$type>::to_le_bytes(0);
                    self.machine.read_memory(address, &mut bytes)?;
                    Ok(<$type>::from_le_bytes(bytes))
                }

                /// Writes an integer.
                ///
                /// # Errors
                /// If it cannot all be written; then nothing is.
                #[inline]
                pub fn $write(&mut self, address: u32, value: $type) -> Result<(), MemoryAccessError> {
                    self.write_memory(address, &value.to_le_bytes())
                }
            )*
        }
    };
}
integers! {
    read_u64 write_u64 u64;
    read_u32 write_u32 u32;
    read_u16 write_u16 u16;
    read_u8 write_u8 u8;
}

/// The interpreter's resources.
impl RawInstance {
    /// Frees the interpreter's translations. They are made again when needed.
    pub fn reset_interpreter_cache(&mut self) {
        self.machine.reset_cache();
    }

    /// Bounds the interpreter's translations; none lifts the bound. The interpreter translates more than a block at a
    /// time, so a bound below about 100 KiB is taken for that.
    ///
    /// # Errors
    /// If the bound does not suffice for a block of `max_block_size` instructions.
    pub fn set_interpreter_cache_size_limit(&mut self, cache_info: Option<SetCacheSizeLimitArgs>) -> Result<(), Error> {
        let Some(SetCacheSizeLimitArgs { max_block_size, max_cache_size_bytes }) = cache_info else {
            self.set_cache_limit(None);
            return Ok(());
        };
        let limit = to_u64(max_cache_size_bytes);
        let least = widen(max_block_size) * BYTES_PER_OPERATION;
        if limit < least {
            return Err(ErrorKind::CacheLimitTooSmall { limit, least }.into());
        }
        self.set_cache_limit(Some(CacheLimit { bytes_max: limit }));
        Ok(())
    }

    fn set_cache_limit(&mut self, limit: Option<CacheLimit>) {
        if let Err(least) = self.machine.set_cache_limit(limit) {
            self.machine.set_cache_limit(Some(least)).expect("the interpreter accepts the bound it names as its least");
        }
    }

    /// Bounds the host memory behind each of read-write data, stack and auxiliary region, from the next allocation on.
    /// Guest accesses beyond it trap. No effect under dynamic paging.
    pub fn set_interpreter_max_allocation_size(&mut self, value: Option<usize>) {
        self.limits.region_size_max = value.map_or(u64::MAX, to_u64);
        self.machine.set_allocation_limits(self.limits);
    }

    /// Bounds the host memory behind all of them together, likewise.
    pub fn set_interpreter_guest_memory_limit(&mut self, value: Option<usize>) {
        self.limits.total_size_max = value.map_or(u64::MAX, to_u64);
        self.machine.set_allocation_limits(self.limits);
    }
}
