//! The engine: what all modules of a configuration share.

use crate::config::{BackendKind, Config, CpuFeatures, SandboxKind};
use crate::error::{Error, ErrorKind};
use crate::gas::{CostModel, CostModelKind};
use crate::module_cache::ModuleCache;
use std::sync::Arc;

/// Makes modules. Clones share everything; an engine can be used from any thread.
#[derive(Clone)]
pub struct Engine(pub(crate) Arc<EngineInner>);

pub(crate) struct EngineInner {
    pub(crate) backend: BackendKind,
    pub(crate) allow_dynamic_paging: bool,
    pub(crate) allow_experimental: bool,
    pub(crate) default_cost_model: CostModelKind,
    pub(crate) cpu_features: CpuFeatures,
    pub(crate) cache: Option<ModuleCache>,
    /// For guests to come.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    pub(crate) spaces: Arc<pvm_sandbox::Pool>,
    /// For compilations to come.
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    pub(crate) scratches: Arc<crate::native::Scratches>,
}

impl Engine {
    /// The engine with this configuration.
    ///
    /// # Errors
    /// If the configuration asks for something unsupported, or for something experimental without permission.
    pub fn new(config: &Config) -> Result<Self, Error> {
        let experimental = [
            (config.crosscheck(), "cross-checking"),
            (!config.sandboxing_enabled(), "running without a sandbox"),
            (config.sandbox() == Some(SandboxKind::Generic), "the generic sandbox"),
            (
                matches!(config.default_cost_model(), Some(CostModelKind::Simple(_))),
                "a default cost model that is not full",
            ),
        ];
        if let Some((_, what)) = experimental.into_iter().find(|(wanted, _)| *wanted && !config.allow_experimental()) {
            return Err(ErrorKind::NeedsExperimental { what }.into());
        }
        let has_sandbox = config.sandbox().is_none_or(SandboxKind::is_supported);
        let backend = config.backend().unwrap_or(match has_sandbox && has_addresses() {
            true => BackendKind::Compiler,
            false => BackendKind::Interpreter,
        });
        if !backend.is_supported() {
            return Err(ErrorKind::UnsupportedBackend { backend: backend.name() }.into());
        }
        if let Some(sandbox) = config.sandbox().filter(|_| backend == BackendKind::Compiler && !has_sandbox) {
            return Err(ErrorKind::UnsupportedSandbox { sandbox: sandbox.to_string() }.into());
        }
        let default_cost_model =
            config.default_cost_model().unwrap_or_else(|| CostModelKind::Simple(CostModel::naive_ref()));
        default_cost_model.rule()?;
        Ok(Engine(Arc::new(EngineInner {
            backend,
            allow_dynamic_paging: config.allow_dynamic_paging(),
            allow_experimental: config.allow_experimental(),
            default_cost_model,
            cpu_features: config.cpu_features(),
            cache: config.cache_enabled().then(|| ModuleCache::new(config.lru_cache_size())),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            spaces: Arc::new(pvm_sandbox::Pool::new(crate::native::IDLE_SPACES_MAX)),
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            scratches: Arc::default(),
        })))
    }

    /// The backend that runs the code.
    pub fn backend(&self) -> BackendKind {
        self.0.backend
    }

    /// Processes that wait for work. The interpreter has none.
    pub fn idle_worker_pids(&self) -> Vec<u32> {
        Vec::new()
    }
}

/// Can the compiler's guests get their addresses? Where a process may not have many, only trying tells.
fn has_addresses() -> bool {
    #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
    return pvm_sandbox::Space::new().is_ok();
    #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
    return false;
}
