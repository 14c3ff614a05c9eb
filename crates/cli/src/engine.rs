//! Engines: what runs guests, by name.

use clap::ValueEnum;
use pvm::{BackendKind, Config};

/// Engines by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum EngineName {
    /// Runs on every host
    Interpreter,
    /// Makes machine code (not part of this build)
    Compiler,
}

impl EngineName {
    /// The engine.
    ///
    /// # Errors
    /// What to do instead, if it is not there.
    pub(crate) fn engine(self) -> Result<pvm::Engine, String> {
        let backend = match self {
            EngineName::Interpreter => BackendKind::Interpreter,
            EngineName::Compiler => BackendKind::Compiler,
        };
        if !backend.is_supported() {
            return Err(format!("this build has no {backend}; use --engine interpreter"));
        }
        let mut config = Config::new();
        // Each module is used once.
        config.set_backend(Some(backend)).set_allow_dynamic_paging(true).set_cache_enabled(false);
        pvm::Engine::new(&config).map_err(|error| error.to_string())
    }
}
