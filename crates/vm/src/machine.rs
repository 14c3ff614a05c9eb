//! What runs a guest: one of the engines, behind one set of methods.

use crate::module::ModuleInner;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
use crate::native;
use pvm_interpreter::{AllocationLimits, CacheLimit, Instance, MemoryError, Protection};
use pvm_isa::Reg;
use std::sync::Arc;

/// One guest, in whichever engine its module was made for.
pub(crate) enum Machine {
    Interpreter(Box<Instance>),
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    Native(Box<native::Guest>),
}

/// One expression for each engine; that of native code may fail to exist.
macro_rules! each {
    ($machine:expr, $instance:ident => $interpreted:expr, $guest:ident => $compiled:expr) => {
        match $machine {
            Machine::Interpreter($instance) => $interpreted,
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            Machine::Native($guest) => $compiled,
        }
    };
}

/// The same method of each engine.
macro_rules! both {
    ($($(#[$attribute:meta])* fn $name:ident(&self $(, $argument:ident: $type:ty)*) $(-> $result:ty)?;)*) => {
        $($(#[$attribute])* pub(crate) fn $name(&self $(, $argument: $type)*) $(-> $result)? {
            each!(self, instance => instance.$name($($argument),*), guest => guest.$name($($argument),*))
        })*
    };
}

/// Likewise, of methods that change the guest.
macro_rules! both_mut {
    ($($(#[$attribute:meta])* fn $name:ident(&mut self $(, $argument:ident: $type:ty)*) $(-> $result:ty)?;)*) => {
        $($(#[$attribute])* pub(crate) fn $name(&mut self $(, $argument: $type)*) $(-> $result)? {
            each!(self, instance => instance.$name($($argument),*), guest => guest.$name($($argument),*))
        })*
    };
}

impl Machine {
    /// A guest of the module.
    pub(crate) fn new(module: &ModuleInner) -> Result<Machine, crate::Error> {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        if let Some(program) = &module.native {
            let guest = native::Guest::new(Arc::clone(program)).map_err(crate::error::ErrorKind::Sandbox)?;
            return Ok(Machine::Native(Box::new(guest)));
        }
        Ok(Machine::Interpreter(Box::new(Instance::new(Arc::clone(&module.image)))))
    }

    both! {
        #[inline]
        fn reg(&self, reg: Reg) -> u64;
        #[inline]
        fn gas(&self) -> i64;
        #[inline]
        fn program_counter(&self) -> Option<u32>;
        #[inline]
        fn next_program_counter(&self) -> Option<u32>;
        fn last_program_counter(&self) -> Option<u32>;
    }

    both_mut! {
        #[inline]
        fn set_reg(&mut self, reg: Reg, value: u64);
        #[inline]
        fn set_gas(&mut self, gas: i64);
        #[inline]
        fn set_next_program_counter(&mut self, pc: u32);
    }

    /// The registers of arguments and results.
    #[inline]
    pub(crate) fn arguments(&self) -> [u64; crate::Reg::MAXIMUM_INPUT_REGS] {
        let regs = crate::Reg::ARG_REGS.map(Reg::from);
        each!(self, instance => regs.map(|reg| instance.reg(reg)), guest => regs.map(|reg| guest.reg(reg)))
    }

    /// Sets all registers.
    #[inline]
    pub(crate) fn set_regs(&mut self, regs: &[u64; 13]) {
        each!(self,
            instance => for (reg, value) in Reg::ALL.into_iter().zip(regs) {
                instance.set_reg(reg, *value);
            },
            guest => guest.set_regs(regs))
    }

    /// The native address at which the next run starts.
    pub(crate) fn next_native_program_counter(&self) -> Option<u64> {
        each!(self, _instance => None, guest => guest.next_native_program_counter())
    }

    #[inline]
    pub(crate) fn read_memory(&self, address: u32, out: &mut [u8]) -> Result<(), MemoryError> {
        each!(self, instance => instance.read_memory(address, out), guest => guest.memory().read(address, out))
    }

    /// Memory that the host can read, if it lies in one piece; the interpreter's does not.
    #[inline]
    pub(crate) fn view_memory(&self, address: u32, length: u32) -> Option<&[u8]> {
        each!(self, _instance => None, guest => guest.memory().view(address, length))
    }

    #[inline]
    pub(crate) fn write_memory(&mut self, address: u32, data: &[u8]) -> Result<(), MemoryError> {
        each!(self, instance => instance.write_memory(address, data), guest => guest.memory_mut().write(address, data, false))
    }

    pub(crate) fn write_memory_forced(&mut self, address: u32, data: &[u8]) -> Result<(), MemoryError> {
        each!(self,
            instance => instance.write_memory_forced(address, data),
            guest => guest.memory_mut().write(address, data, true))
    }

    pub(crate) fn zero_memory(&mut self, address: u32, length: u32) -> Result<(), MemoryError> {
        each!(self, instance => instance.zero_memory(address, length), guest => guest.memory_mut().zero(address, length))
    }

    pub(crate) fn is_memory_accessible(&self, address: u32, length: u32, is_write: bool) -> bool {
        each!(self,
            instance => instance.is_memory_accessible(address, length, is_write),
            guest => guest.memory().is_accessible(address, length, is_write))
    }

    pub(crate) fn zero_pages(&mut self, address: u32, length: u32, protection: Protection) -> Result<(), MemoryError> {
        each!(self,
            instance => instance.zero_pages(address, length, protection),
            guest => guest.memory_mut().zero_pages(address, length, protection))
    }

    pub(crate) fn protect_pages(
        &mut self,
        address: u32,
        length: u32,
        protection: Protection,
    ) -> Result<(), MemoryError> {
        each!(self,
            instance => instance.protect_pages(address, length, protection),
            guest => guest.memory_mut().protect_pages(address, length, protection))
    }

    pub(crate) fn free_pages(&mut self, address: u32, length: u32) -> Result<(), MemoryError> {
        each!(self, instance => instance.free_pages(address, length), guest => guest.memory_mut().free_pages(address, length))
    }

    pub(crate) fn reset_memory(&mut self) -> Result<(), MemoryError> {
        each!(self,
            instance => { instance.reset_memory(); Ok(()) },
            guest => guest.memory_mut().reset().map_err(|_| MemoryError::LimitReached))
    }

    pub(crate) fn heap_size(&self) -> u32 {
        each!(self, instance => instance.heap_size(), guest => guest.memory().heap_size())
    }

    pub(crate) fn sbrk(&mut self, size: u32) -> Option<u32> {
        each!(self, instance => instance.sbrk(size), guest => guest.memory_mut().sbrk(size).ok().filter(|end| *end != 0))
    }

    pub(crate) fn set_accessible_aux_size(&mut self, size: u32) -> Result<(), MemoryError> {
        each!(self,
            instance => instance.set_accessible_aux_size(size),
            guest => guest.memory_mut().set_accessible_aux_size(size))
    }

    pub(crate) fn set_host_side_aux_write_protect(&mut self, protect: bool) -> Result<(), MemoryError> {
        each!(self, instance => instance.set_host_side_aux_write_protect(protect), guest => guest.memory_mut().set_aux_write_protected(protect))
    }

    /// Frees translations; native code has none to free.
    pub(crate) fn reset_cache(&mut self) {
        each!(self, instance => instance.reset_cache(), _guest => ());
    }

    pub(crate) fn set_cache_limit(&mut self, limit: Option<CacheLimit>) -> Result<(), CacheLimit> {
        each!(self, instance => instance.set_cache_limit(limit), _guest => Ok(()))
    }

    pub(crate) fn set_allocation_limits(&mut self, limits: AllocationLimits) {
        each!(self, instance => instance.set_allocation_limits(limits), _guest => ());
    }
}
