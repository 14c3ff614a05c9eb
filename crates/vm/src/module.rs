//! Modules: programs prepared for an engine.

use crate::beyond::CodeValidation;
use crate::config::BackendKind;
use crate::debug_info::{FrameInfo, LineProgram};
use crate::engine::{Engine, EngineInner};
use crate::error::{CompileError, Error, ErrorKind};
use crate::gas::{CostModelKind, Gas};
use crate::memory::MemoryMapBuilder;
use crate::module_cache::{Key, ProgramKey};
use crate::module_config::{ModuleConfig, Settings};
use crate::program::{ArcBytes, Imports, Instructions, ProgramBlob, ProgramExport, ProgramParseError, ProgramSymbol};
use crate::{ProgramCounter, RawInstance, RegValue};
use pvm_gas::Rule;
use pvm_interpreter::{FaultOrder, Image, Paging};
use pvm_isa::InstructionSet;
use pvm_program::MemoryMap;
use std::sync::{Arc, Weak};

/// How guests are kept apart from the host.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Isolation {
    /// The interpreter, which is safe code, does everything for them.
    Interpreted,
    /// Native code in the host's process, in address spaces of its own.
    InProcess,
}

impl std::fmt::Display for Isolation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Isolation::Interpreted => "interpreted",
            Isolation::InProcess => "in-process",
        })
    }
}

/// A program prepared for an engine. Clones share it; a module can be used from any thread.
#[derive(Clone)]
pub struct Module(pub(crate) Arc<ModuleInner>);

pub(crate) struct ModuleInner {
    /// Weak, for the engine's cache owns modules.
    engine: Weak<EngineInner>,
    blob: ProgramBlob,
    settings: Settings,
    cost_model: CostModelKind,
    rule: Rule,
    pub(crate) image: Arc<Image>,
    /// The native code, if the engine's compiler made it.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    pub(crate) native: Option<Arc<crate::native::Program>>,
    /// Why there is none though the engine has a compiler.
    interpreted_because: Option<String>,
    /// Where the cache has it; none if it is not cached.
    key: Option<Key>,
}

/// A configuration, checked against an engine.
struct Plan {
    settings: Settings,
    cost_model: CostModelKind,
    rule: Rule,
    key: Option<Key>,
}

impl Module {
    /// Reads a blob and prepares it.
    ///
    /// # Errors
    /// If the bytes are no blob; else see [`Module::from_blob`].
    pub fn new(engine: &Engine, config: &ModuleConfig, bytes: ArcBytes) -> Result<Self, CompileError> {
        let blob = ProgramBlob::parse(bytes).map_err(Error::from)?;
        Self::from_blob(engine, config, blob)
    }

    /// Prepares a program, or finds it in the engine's cache.
    ///
    /// # Errors
    /// If the configuration is not possible with this engine; if `jam_v1` code is malformed
    /// or the program's regions do not fit ([`CompileError::ValidationFailed`]); or if strict mode refuses something.
    pub fn from_blob(engine: &Engine, config: &ModuleConfig, blob: ProgramBlob) -> Result<Self, CompileError> {
        let plan = Plan::new(engine, config, &blob)?;
        if let Some(module) = plan.find(engine) {
            return Ok(module);
        }
        if blob.instruction_set() == InstructionSet::JamV1 {
            match plan.settings.code_validation {
                CodeValidation::Polkavm => crate::program::validate(blob.program().code()),
                CodeValidation::GrayPaper => blob.program().code().validate(),
                CodeValidation::Off => Ok(()),
            }
            .map_err(|at| CompileError::ValidationFailed(format!("validation failed at offset {at}")))?;
        }
        let Plan { settings, cost_model, rule, key } = plan;
        let map = MemoryMapBuilder::new(settings.page_size)
            .ro_data_size(blob.ro_data_size())
            .rw_data_size(blob.rw_data_size())
            .stack_size(blob.stack_size())
            .aux_data_size(settings.aux_data_size)
            .build()
            .map_err(|text| CompileError::ValidationFailed(text.to_owned()))?;
        if settings.is_strict {
            check_strictly(&blob)?;
        }
        let image = Arc::new(image(&blob, &settings, map, &rule));
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        let (native, interpreted_because) = match engine.backend() {
            BackendKind::Compiler => match crate::native::Program::new(&image, &engine.0) {
                Ok(program) => (Some(Arc::new(program)), None),
                Err(error) => (None, Some(error.to_string())),
            },
            BackendKind::Interpreter => (None, None),
        };
        #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
        let interpreted_because = None;
        let module = Arc::new(ModuleInner {
            engine: Arc::downgrade(&engine.0),
            blob,
            settings,
            cost_model,
            rule,
            image,
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            native,
            interpreted_because,
            key: key.clone(),
        });
        Ok(Module(match (&engine.0.cache, key) {
            (Some(cache), Some(key)) => cache.insert(key, module),
            _ => module,
        }))
    }

    /// The module made before of the same program with the same configuration, if the engine still has it.
    pub fn from_cache(engine: &Engine, config: &ModuleConfig, blob: &ProgramBlob) -> Option<Self> {
        Plan::new(engine, config, blob).ok()?.find(engine)
    }

    /// A new guest.
    ///
    /// # Errors
    /// If the system has no memory for native code's guests; none with the interpreter.
    pub fn instantiate(&self) -> Result<RawInstance, Error> {
        RawInstance::new(self.clone())
    }

    /// A new guest that another guest will control: a hint.
    ///
    /// # Errors
    /// If `outer_instance` is of another engine.
    pub fn instantiate_nested(&self, outer_instance: &RawInstance) -> Result<RawInstance, Error> {
        if !Weak::ptr_eq(&self.0.engine, &outer_instance.module().0.engine) {
            return Err(ErrorKind::IncompatibleOuterInstance.into());
        }
        self.instantiate()
    }

    /// The program.
    pub fn blob(&self) -> &ProgramBlob {
        &self.0.blob
    }

    /// Are registers 64 bits wide?
    pub fn is_64_bit(&self) -> bool {
        self.0.blob.is_64_bit()
    }

    /// Where memory regions lie.
    pub fn memory_map(&self) -> &MemoryMap {
        &self.0.image.memory.map
    }

    /// The stack pointer that calls start with.
    pub fn default_sp(&self) -> RegValue {
        u64::from(self.memory_map().stack_address_high())
    }

    /// What the program offers.
    pub fn exports(&self) -> impl Iterator<Item = ProgramExport<&[u8]>> + Clone {
        self.0.blob.exports()
    }

    /// What the program wants.
    pub fn imports(&self) -> Imports<'_> {
        self.0.blob.imports()
    }

    /// Bytes of code.
    pub fn code_len(&self) -> u32 {
        self.0.blob.program().code().len()
    }

    /// All instructions.
    pub fn instructions(&self) -> Instructions<'_> {
        self.0.blob.instructions()
    }

    /// The instructions from `offset` on; a lone `invalid` if none starts there.
    pub fn instructions_bounded_at(&self, offset: ProgramCounter) -> Instructions<'_> {
        self.0.blob.instructions_bounded_at(offset)
    }

    /// The cost model: the configured one, else the engine's.
    pub fn cost_model(&self) -> &CostModelKind {
        &self.0.cost_model
    }

    /// The gas rule, metered or not.
    pub fn gas_rule(&self) -> &Rule {
        &self.0.rule
    }

    /// What the block that starts at `code_offset` costs; none inside the code where no block starts.
    pub fn calculate_gas_cost_for(&self, code_offset: ProgramCounter) -> Option<Gas> {
        self.0.rule.cost_at(self.0.blob.program().code(), code_offset.0).map(Gas::from)
    }

    /// The backend that runs this module's guests: the interpreter also where the engine's compiler does not support what the
    /// module asks for, see [`Module::interpreted_because`].
    pub fn backend(&self) -> BackendKind {
        match self.machine_code() {
            Some(_) => BackendKind::Compiler,
            None => BackendKind::Interpreter,
        }
    }

    /// Why this module is interpreted though its engine has a compiler.
    pub fn interpreted_because(&self) -> Option<&str> {
        self.0.interpreted_because.as_deref()
    }

    /// How guests are kept apart from the host.
    pub fn isolation(&self) -> Isolation {
        match self.backend() {
            BackendKind::Compiler => Isolation::InProcess,
            BackendKind::Interpreter => Isolation::Interpreted,
        }
    }

    /// The native code. The interpreter has none.
    pub fn machine_code(&self) -> Option<&[u8]> {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        return Some(self.0.native.as_ref()?.machine_code());
        #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
        return None;
    }

    /// Where the native code is loaded.
    pub fn machine_code_origin(&self) -> Option<u64> {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        return Some(self.0.native.as_ref()?.machine_code_origin());
        #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
        return None;
    }

    /// Where in the native code the guest's instructions lie, and where all of it ends. Before them is code that enters and leaves
    /// the guest, behind them more that leaves it, then padding.
    pub fn machine_code_extent(&self) -> Option<(core::ops::Range<u32>, u32)> {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        return Some(self.0.native.as_ref()?.machine_code_extent());
        #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
        return None;
    }

    /// Where in the native code instructions are entered, by rising code offset. Those that are done together with one before
    /// them have no place of their own. Made when first asked for.
    pub fn program_counter_to_machine_code_offset(&self) -> Option<&[(ProgramCounter, u32)]> {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        return Some(self.0.native.as_ref()?.machine_code_offsets());
        #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
        return None;
    }

    /// The string at this offset of the debug strings.
    ///
    /// # Errors
    /// If there is none, or it is not UTF-8.
    pub fn get_debug_string(&self, offset: u32) -> Result<&str, ProgramParseError> {
        self.0.blob.get_debug_string(offset)
    }

    /// The line program that describes the code at `program_counter`, if there is one.
    ///
    /// # Errors
    /// If the debug sections are malformed.
    pub fn get_debug_line_program_at(
        &self,
        program_counter: ProgramCounter,
    ) -> Result<Option<LineProgram<'_>>, ProgramParseError> {
        self.0.blob.get_debug_line_program_at(program_counter)
    }

    /// The source locations of the code at `program_counter`, outermost function first; empty if they are not known.
    ///
    /// # Errors
    /// If the debug sections are malformed.
    pub fn get_debug_location(&self, program_counter: ProgramCounter) -> Result<Vec<FrameInfo<'_>>, ProgramParseError> {
        self.0.blob.get_debug_location(program_counter)
    }

    pub(crate) fn is_strict(&self) -> bool {
        self.0.settings.is_strict
    }

    pub(crate) fn is_dynamically_paged(&self) -> bool {
        self.0.settings.dynamic_paging
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        let Some(key) = &self.0.key else { return };
        let Some(engine) = self.0.engine.upgrade() else { return };
        if let Some(cache) = &engine.cache {
            cache.release(key, &self.0);
        }
    }
}

impl Plan {
    fn new(engine: &Engine, config: &ModuleConfig, blob: &ProgramBlob) -> Result<Plan, Error> {
        let mut settings = config.settings;
        if settings.dynamic_paging && !engine.0.allow_dynamic_paging {
            return Err(ErrorKind::DynamicPagingNotEnabled.into());
        }
        if config.custom_codegen.is_some() && !engine.0.allow_experimental {
            return Err(ErrorKind::NeedsExperimental { what: "custom code" }.into());
        }
        let cost_model = config.cost_model.clone().unwrap_or_else(|| engine.0.default_cost_model.clone());
        let mut rule = match &config.gas_rule {
            Some(rule) => rule.clone(),
            None => cost_model.rule()?,
        };
        if settings.per_instruction_metering {
            if !matches!(rule, Rule::Simple | Rule::PerInstruction) {
                return Err(ErrorKind::PerInstructionMetering { conflict: "a cost model that is not naive" }.into());
            }
            rule = Rule::PerInstruction;
        }
        let set = blob.instruction_set();
        settings.fault_order.get_or_insert(FaultOrder::of(set));
        let key = (engine.0.cache.is_some() && config.custom_codegen.is_none()).then(|| Key {
            settings,
            rule: rule.clone(),
            set,
            program: match config.cache_by_hash {
                true => ProgramKey::Hash(blob.unique_hash(true).0),
                false => ProgramKey::Id(blob.unique_id()),
            },
        });
        Ok(Plan { settings, cost_model, rule, key })
    }

    fn find(&self, engine: &Engine) -> Option<Module> {
        engine.0.cache.as_ref()?.get(self.key.as_ref()?).map(Module)
    }
}

fn image(blob: &ProgramBlob, settings: &Settings, map: MemoryMap, rule: &Rule) -> Image {
    let program = blob.program();
    let paging = match (settings.dynamic_paging, settings.fault_order) {
        (true, order) => {
            Paging::Dynamic { page_size: settings.page_size, order: order.unwrap_or(FaultOrder::of(program.set())) }
        }
        (false, _) => Paging::Static,
    };
    Image {
        paging,
        gas: settings.gas_metering.map(|_| Arc::new(rule.clone())),
        step_tracing: settings.step_tracing,
        ..Image::new(program, map)
    }
}

/// What strict mode asks of a program, apart from what the linker checks.
fn check_strictly(blob: &ProgramBlob) -> Result<(), Error> {
    if let Some((index, _)) = (0..).zip(blob.imports()).find(|(_, import)| import.is_none()) {
        return Err(ErrorKind::StrictImport { index }.into());
    }
    let code_length = blob.program().code().len();
    if let Some((index, target)) = (0..).zip(blob.jump_table()).find(|(_, target)| target.0 >= code_length) {
        return Err(ErrorKind::StrictJumpTable { index, target: target.0, code_length }.into());
    }
    if let Some(export) = blob.exports().find(|export| export.program_counter().0 >= code_length) {
        let symbol = ProgramSymbol::new(export.symbol().as_bytes()).to_string();
        return Err(ErrorKind::StrictExport { symbol, target: export.program_counter().0, code_length }.into());
    }
    Ok(())
}
