//! The linker: host functions by name, and how a module's imports find theirs.

use crate::caller::{CallFn, Caller, IntoCallFn};
use crate::error::{Error, ErrorKind};
use crate::instance::InstancePre;
use crate::program::ProgramSymbol;
use crate::{Module, ProgramCounter};
use pvm_num::casts::to_usize;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::convert::Infallible;
use std::sync::Arc;

type Fallback<UserData, UserError> = dyn Fn(Caller<'_, UserData>, u32) -> Result<(), UserError> + Send + Sync;

/// Host functions by name.
pub struct Linker<UserData = (), UserError = Infallible> {
    functions: HashMap<Vec<u8>, CallFn<UserData, UserError>>,
    fallback: Option<Arc<Fallback<UserData, UserError>>>,
}

/// A module, and the host's answer to each of its imports.
pub(crate) struct Linked<UserData, UserError> {
    pub(crate) module: Module,
    imports: Vec<Option<CallFn<UserData, UserError>>>,
    /// By name, each once.
    exports: Vec<(Vec<u8>, ProgramCounter)>,
    pub(crate) fallback: Option<Arc<Fallback<UserData, UserError>>>,
}

impl<UserData, UserError> Linked<UserData, UserError> {
    pub(crate) fn import(&self, number: u32) -> Option<&CallFn<UserData, UserError>> {
        self.imports.get(to_usize(number))?.as_ref()
    }

    pub(crate) fn export(&self, symbol: &[u8]) -> Option<ProgramCounter> {
        let index = self.exports.binary_search_by(|(name, _)| name.as_slice().cmp(symbol)).ok()?;
        Some(self.exports[index].1)
    }
}

impl<UserData, UserError> Default for Linker<UserData, UserError> {
    fn default() -> Self {
        Self::new()
    }
}

impl<UserData, UserError> Clone for Linker<UserData, UserError> {
    fn clone(&self) -> Self {
        Linker { functions: self.functions.clone(), fallback: self.fallback.clone() }
    }
}

impl<UserData, UserError> Linker<UserData, UserError> {
    /// No functions.
    pub fn new() -> Self {
        Linker { functions: HashMap::new(), fallback: None }
    }

    /// Sets what is called for imports without a function of their own; it gets the number of the import.
    pub fn define_fallback(
        &mut self,
        func: impl Fn(Caller<'_, UserData>, u32) -> Result<(), UserError> + Send + Sync + 'static,
    ) {
        self.fallback = Some(Arc::new(func));
    }

    /// Defines a function that handles registers itself.
    ///
    /// # Errors
    /// If the name is taken.
    pub fn define_untyped(
        &mut self,
        symbol: impl AsRef<[u8]>,
        func: impl Fn(Caller<'_, UserData>) -> Result<(), UserError> + Send + Sync + 'static,
    ) -> Result<&mut Self, Error>
    where
        UserData: 'static,
    {
        self.define(symbol.as_ref(), CallFn::untyped(func))
    }

    /// Defines a function of up to six arguments, see [`IntoCallFn`].
    ///
    /// # Errors
    /// If the name is taken.
    pub fn define_typed<Params, Args>(
        &mut self,
        symbol: impl AsRef<[u8]>,
        func: impl IntoCallFn<UserData, UserError, Params, Args>,
    ) -> Result<&mut Self, Error> {
        self.define(symbol.as_ref(), func.into_call_fn())
    }

    fn define(&mut self, symbol: &[u8], function: CallFn<UserData, UserError>) -> Result<&mut Self, Error> {
        match self.functions.entry(symbol.to_vec()) {
            Entry::Occupied(_) => {
                let symbol = ProgramSymbol::new(symbol).to_string();
                return Err(ErrorKind::DuplicateHostFunction { symbol }.into());
            }
            Entry::Vacant(entry) => entry.insert(function),
        };
        Ok(self)
    }

    /// Finds the functions that a module imports. An import without one ends in the fallback, or traps.
    ///
    /// # Errors
    /// In strict mode: an import without function, or two exports of one name. Always: a function whose arguments take
    /// more than nine registers in this program.
    pub fn instantiate_pre(&self, module: &Module) -> Result<InstancePre<UserData, UserError>, Error> {
        let mut imports = Vec::with_capacity(to_usize(module.imports().len()));
        for import in module.imports() {
            let function = import.and_then(|symbol| self.functions.get(symbol.as_bytes())).cloned();
            match (&function, import) {
                (Some(function), Some(symbol)) => {
                    let registers = (function.registers)(module.is_64_bit());
                    if registers > crate::Reg::MAXIMUM_INPUT_REGS {
                        return Err(ErrorKind::TooManyArguments { symbol: symbol.to_string(), registers }.into());
                    }
                }
                (None, Some(symbol)) if module.is_strict() => {
                    return Err(ErrorKind::MissingHostFunction { symbol: symbol.to_string() }.into());
                }
                _ => {}
            }
            imports.push(function);
        }
        let mut exports: Vec<(Vec<u8>, ProgramCounter)> =
            module.exports().map(|export| (export.symbol().as_bytes().to_vec(), export.program_counter())).collect();
        exports.sort_by(|(one, _), (other, _)| one.cmp(other)); // stable: the first of a name stays the first
        if module.is_strict()
            && let Some(pair) = exports.windows(2).find(|pair| pair[0].0 == pair[1].0)
        {
            return Err(ErrorKind::DuplicateExport { symbol: ProgramSymbol::new(&pair[0].0).to_string() }.into());
        }
        exports.dedup_by(|later, first| later.0 == first.0);
        Ok(InstancePre::new(Linked { module: module.clone(), imports, exports, fallback: self.fallback.clone() }))
    }
}
