//! Engines: what runs guests, by name.

use clap::ValueEnum;
use pvm::{BackendKind, Config};

/// Engines by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum EngineName {
    /// The compiler where it can run what is asked for, else the interpreter
    Auto,
    /// Makes machine code (x86-64 Linux)
    Compiler,
    /// Runs on every host
    Interpreter,
}

impl EngineName {
    /// The engine.
    ///
    /// # Errors
    /// What to do instead, if it is not there.
    pub(crate) fn engine(self) -> Result<pvm::Engine, String> {
        let is_supported = BackendKind::Compiler.is_supported();
        let backend = match self {
            EngineName::Auto if is_supported => BackendKind::Compiler,
            EngineName::Auto | EngineName::Interpreter => BackendKind::Interpreter,
            EngineName::Compiler if is_supported => BackendKind::Compiler,
            EngineName::Compiler => return Err("the compiler cannot run here; use --engine interpreter".to_owned()),
        };
        let mut config = Config::new();
        // Each module is used once.
        config.set_backend(Some(backend)).set_allow_dynamic_paging(true).set_cache_enabled(false);
        pvm::Engine::new(&config).map_err(|error| error.to_string())
    }
}
