//! Configuration of a module.

use crate::beyond::CodeValidation;
use crate::gas::{CostModelKind, GasMeteringKind};
use pvm_gas::Rule;
use pvm_interpreter::FaultOrder;
use pvm_num::limits::PAGE_SIZE_DEFAULT;
use std::fmt;
use std::sync::Arc;

/// Writes native code, in the compiler's stead, for an `ecalli`. It has no methods: only what the compiler made is run.
#[derive(Debug)]
#[non_exhaustive]
pub struct Assembler {}

/// A hook of the compiler: lets an `ecalli` become native code instead of an interrupt. It is not asked here. Experimental.
pub trait CustomCodegen: Send + Sync + 'static {
    /// Emits code for `ecalli number`; true to have the interrupt as well.
    fn should_emit_ecalli(&self, number: u32, asm: &mut Assembler) -> bool;
}

/// How a program is prepared and run.
#[derive(Clone)]
pub struct ModuleConfig {
    pub(crate) settings: Settings,
    pub(crate) custom_codegen: Option<Arc<dyn CustomCodegen>>,
    pub(crate) cost_model: Option<CostModelKind>,
    pub(crate) gas_rule: Option<Rule>,
    pub(crate) cache_by_hash: bool,
}

/// What distinguishes modules of one program, but for the gas rule.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Settings {
    pub(crate) page_size: u32,
    pub(crate) aux_data_size: u32,
    pub(crate) gas_metering: Option<GasMeteringKind>,
    pub(crate) dynamic_paging: bool,
    /// Under dynamic paging.
    pub(crate) fault_order: Option<FaultOrder>,
    pub(crate) code_validation: CodeValidation,
    pub(crate) step_tracing: bool,
    pub(crate) is_strict: bool,
    pub(crate) per_instruction_metering: bool,
}

impl Default for ModuleConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ModuleConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleConfig")
            .field("settings", &self.settings)
            .field("custom_codegen", &self.custom_codegen.is_some())
            .field("cost_model", &self.cost_model)
            .field("gas_rule", &self.gas_rule)
            .field("cache_by_hash", &self.cache_by_hash)
            .finish()
    }
}

impl ModuleConfig {
    /// Pages of 4 KiB, no auxiliary region, no metering, static memory.
    pub fn new() -> Self {
        ModuleConfig {
            settings: Settings {
                page_size: PAGE_SIZE_DEFAULT,
                aux_data_size: 0,
                gas_metering: None,
                dynamic_paging: false,
                fault_order: None,
                code_validation: CodeValidation::Polkavm,
                step_tracing: false,
                is_strict: false,
                per_instruction_metering: false,
            },
            custom_codegen: None,
            cost_model: None,
            gas_rule: None,
            cache_by_hash: false,
        }
    }

    /// Sets the page size in bytes: a power of two from 4 KiB to 64 KiB.
    pub fn set_page_size(&mut self, page_size: u32) -> &mut Self {
        self.settings.page_size = page_size;
        self
    }

    /// Size of the auxiliary region in bytes.
    pub fn aux_data_size(&self) -> u32 {
        self.settings.aux_data_size
    }

    /// Sets the size of the auxiliary region in bytes. The guest can read it, the host can write it.
    pub fn set_aux_data_size(&mut self, aux_data_size: u32) -> &mut Self {
        self.settings.aux_data_size = aux_data_size;
        self
    }

    /// Sets whether, and how, gas is metered.
    pub fn set_gas_metering(&mut self, kind: Option<GasMeteringKind>) -> &mut Self {
        self.settings.gas_metering = kind;
        self
    }

    /// Is memory mapped by the host, page by page?
    pub fn dynamic_paging(&self) -> bool {
        self.settings.dynamic_paging
    }

    /// Lets the host map memory, page by page. The engine must allow it.
    pub fn set_dynamic_paging(&mut self, value: bool) -> &mut Self {
        self.settings.dynamic_paging = value;
        self
    }

    /// Sets which page a fault names when an access touches a read-only page and, behind it, a missing one. By default
    /// that is the missing one, as polkavm has it; for `jam_v1` the first, as the Gray Paper has it.
    pub fn set_fault_order(&mut self, order: Option<FaultOrder>) -> &mut Self {
        self.settings.fault_order = order;
        self
    }

    /// Sets what the code of `jam_v1` programs must be like.
    pub fn set_code_validation(&mut self, validation: CodeValidation) -> &mut Self {
        self.settings.code_validation = validation;
        self
    }

    /// Stops before every instruction.
    pub fn set_step_tracing(&mut self, enabled: bool) -> &mut Self {
        self.settings.step_tracing = enabled;
        self
    }

    /// Rejects programs with unreadable imports, with jump table entries or exports beyond the code, with duplicate
    /// exports, and with imports nobody provides.
    pub fn set_strict(&mut self, is_strict: bool) -> &mut Self {
        self.settings.is_strict = is_strict;
        self
    }

    /// Does the module cache compare programs by content?
    pub fn cache_by_hash(&self) -> bool {
        self.cache_by_hash
    }

    /// Lets the module cache compare programs by content, not by [`crate::ProgramBlob::unique_id`].
    pub fn set_cache_by_hash(&mut self, enabled: bool) -> &mut Self {
        self.cache_by_hash = enabled;
        self
    }

    /// Sets the compiler's hook. Experimental.
    pub fn set_custom_codegen(&mut self, custom_codegen: impl CustomCodegen) -> &mut Self {
        self.custom_codegen = Some(Arc::new(custom_codegen));
        self
    }

    /// The cost model, if it is not the engine's.
    pub fn cost_model(&self) -> Option<&CostModelKind> {
        self.cost_model.as_ref()
    }

    /// Sets the cost model; none for the engine's.
    pub fn set_cost_model(&mut self, cost_model: Option<CostModelKind>) -> &mut Self {
        self.cost_model = cost_model;
        self
    }

    /// The gas rule, if it does not follow from the cost model.
    pub fn gas_rule(&self) -> Option<&Rule> {
        self.gas_rule.as_ref()
    }

    /// Sets the gas rule, for rules which no [`CostModelKind`] names, such as the Gray Paper's.
    pub fn set_gas_rule(&mut self, rule: Option<Rule>) -> &mut Self {
        self.gas_rule = rule;
        self
    }

    /// Is every instruction charged as it executes?
    pub fn per_instruction_metering(&self) -> bool {
        self.settings.per_instruction_metering
    }

    /// Charges every instruction as it executes, not its block; with the naive cost model only.
    pub fn set_per_instruction_metering(&mut self, value: bool) -> &mut Self {
        self.settings.per_instruction_metering = value;
        self
    }
}
