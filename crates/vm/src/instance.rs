//! Instances with their host functions: the run loop done for the host.

use crate::abi::{FuncArgs, FuncResult};
use crate::caller::Caller;
use crate::error::{CallError, Error, ErrorKind};
use crate::linker::Linked;
use crate::memory::MemoryProtection;
use crate::{InterruptKind, MemoryAccessError, Module, ProgramCounter, RawInstance, Segfault};
use pvm_num::casts::{to_u64, to_usize, to_usize_saturating, widen};
use std::convert::Infallible;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A module with its imports resolved.
pub struct InstancePre<UserData = (), UserError = Infallible>(Arc<Linked<UserData, UserError>>);

impl<UserData, UserError> Clone for InstancePre<UserData, UserError> {
    fn clone(&self) -> Self {
        InstancePre(Arc::clone(&self.0))
    }
}

impl<UserData, UserError> InstancePre<UserData, UserError> {
    pub(crate) fn new(linked: Linked<UserData, UserError>) -> Self {
        InstancePre(Arc::new(linked))
    }

    /// A new guest.
    ///
    /// # Errors
    /// None with the interpreter.
    pub fn instantiate(&self) -> Result<Instance<UserData, UserError>, Error> {
        Ok(Instance { raw: self.0.module.instantiate()?, linked: Arc::clone(&self.0) })
    }

    /// The module.
    pub fn module(&self) -> &Module {
        &self.0.module
    }
}

/// A guest with its host functions.
pub struct Instance<UserData = (), UserError = Infallible> {
    raw: RawInstance,
    linked: Arc<Linked<UserData, UserError>>,
}

impl<UserData, UserError> Deref for Instance<UserData, UserError> {
    type Target = RawInstance;

    fn deref(&self) -> &RawInstance {
        &self.raw
    }
}

impl<UserData, UserError> DerefMut for Instance<UserData, UserError> {
    fn deref_mut(&mut self) -> &mut RawInstance {
        &mut self.raw
    }
}

/// Where a call goes: an export's name, or a place in the code.
pub trait EntryPoint {
    /// The place, given how to look names up.
    ///
    /// # Errors
    /// If there is no export of this name.
    fn resolve(&self, lookup: &dyn Fn(&[u8]) -> Option<ProgramCounter>) -> Result<ProgramCounter, Error>;
}

impl EntryPoint for ProgramCounter {
    fn resolve(&self, _: &dyn Fn(&[u8]) -> Option<ProgramCounter>) -> Result<ProgramCounter, Error> {
        Ok(*self)
    }
}

impl EntryPoint for str {
    fn resolve(&self, lookup: &dyn Fn(&[u8]) -> Option<ProgramCounter>) -> Result<ProgramCounter, Error> {
        lookup(self.as_bytes()).ok_or_else(|| ErrorKind::ExportNotFound { symbol: self.to_owned() }.into())
    }
}

impl EntryPoint for String {
    fn resolve(&self, lookup: &dyn Fn(&[u8]) -> Option<ProgramCounter>) -> Result<ProgramCounter, Error> {
        self.as_str().resolve(lookup)
    }
}

impl<T: EntryPoint + ?Sized> EntryPoint for &T {
    fn resolve(&self, lookup: &dyn Fn(&[u8]) -> Option<ProgramCounter>) -> Result<ProgramCounter, Error> {
        (**self).resolve(lookup)
    }
}

impl<UserData, UserError> Instance<UserData, UserError> {
    /// Calls a function of the guest and runs until it returns. Gas is that of the instance.
    ///
    /// # Errors
    /// See [`CallError`]. After [`CallError::NotEnoughGas`], [`CallError::Step`] and [`CallError::User`] the call can be
    /// continued.
    ///
    /// # Panics
    /// If the arguments take more than nine registers.
    pub fn call_typed<FnArgs: FuncArgs>(
        &mut self,
        user_data: &mut UserData,
        entry_point: impl EntryPoint,
        args: FnArgs,
    ) -> Result<(), CallError<UserError>> {
        let pc = entry_point.resolve(&|symbol| self.linked.export(symbol)).map_err(CallError::Error)?;
        self.raw.prepare_call_typed(pc, args);
        self.continue_execution(user_data)
    }

    /// Calls a function of the guest and reads its result.
    ///
    /// # Errors
    /// As [`Instance::call_typed`].
    ///
    /// # Panics
    /// If the arguments take more than nine registers.
    pub fn call_typed_and_get_result<FnResult: FuncResult, FnArgs: FuncArgs>(
        &mut self,
        user_data: &mut UserData,
        entry_point: impl EntryPoint,
        args: FnArgs,
    ) -> Result<FnResult, CallError<UserError>> {
        self.call_typed(user_data, entry_point, args)?;
        Ok(self.raw.get_result_typed())
    }

    /// Goes on with a call that was stopped.
    ///
    /// # Errors
    /// As [`Instance::call_typed`].
    pub fn continue_execution(&mut self, user_data: &mut UserData) -> Result<(), CallError<UserError>> {
        loop {
            match self.raw.run().map_err(CallError::Error)? {
                InterruptKind::Finished => return Ok(()),
                InterruptKind::Trap => return Err(CallError::Trap),
                InterruptKind::NotEnoughGas => return Err(CallError::NotEnoughGas),
                InterruptKind::Step => return Err(CallError::Step),
                InterruptKind::Ecalli(number) => {
                    let caller = Caller::new(user_data, &mut self.raw);
                    let result = match (self.linked.import(number), &self.linked.fallback) {
                        (Some(function), _) => (function.call)(caller),
                        (None, Some(fallback)) => fallback(caller, number),
                        (None, None) => return Err(CallError::Trap),
                    };
                    result.map_err(CallError::User)?;
                }
                InterruptKind::Segfault(segfault) => {
                    if !load_page(&mut self.raw, &segfault).map_err(memory_error)? {
                        return Err(CallError::Trap);
                    }
                }
            }
        }
    }
}

fn memory_error<UserError>(error: MemoryAccessError) -> CallError<UserError> {
    CallError::Error(match error {
        MemoryAccessError::Error(error) => error,
        other => other.to_string().into(),
    })
}

/// Gives the guest a page of its stack or data as it is initially; false if it has none there.
fn load_page(instance: &mut RawInstance, segfault: &Segfault) -> Result<bool, MemoryAccessError> {
    let Segfault { page_address: address, page_size: size, is_write_protected } = *segfault;
    if is_write_protected {
        return Ok(false);
    }
    let module = instance.module().clone();
    let map = module.memory_map();
    let (start, data) = if map.stack_range().contains(&address) {
        (address, [].as_slice())
    } else if map.ro_data_range().contains(&address) {
        (map.ro_data_address(), module.blob().ro_data())
    } else if map.rw_data_range().contains(&address) {
        (map.rw_data_address(), module.blob().rw_data())
    } else {
        return Ok(false);
    };
    instance.zero_memory_with_memory_protection(address, size, MemoryProtection::ReadWrite)?;
    let from = to_usize(address - start).min(data.len());
    let to = to_usize_saturating(to_u64(from) + widen(size)).min(data.len());
    instance.write_memory(address, &data[from..to])?;
    if map.ro_data_range().contains(&address) {
        instance.protect_memory(address, size)?;
    }
    Ok(true)
}
