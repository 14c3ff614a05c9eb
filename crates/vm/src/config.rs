//! Configuration of an engine, by hand or from the environment.

use crate::error::{Error, ErrorKind};
use crate::gas::CostModelKind;
use std::fmt;

/// What runs the code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BackendKind {
    /// The compiler: machine code for x86-64 under Linux.
    Compiler,
    /// The interpreter.
    Interpreter,
}

impl BackendKind {
    /// Can this backend run here?
    pub fn is_supported(self) -> bool {
        match self {
            #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
            BackendKind::Compiler => crate::native::is_supported(),
            #[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
            BackendKind::Compiler => false,
            BackendKind::Interpreter => true,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            BackendKind::Compiler => "compiler",
            BackendKind::Interpreter => "interpreter",
        }
    }
}

impl fmt::Display for BackendKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What confines compiled code. The interpreter needs none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SandboxKind {
    /// A process of its own.
    Linux,
    /// This process. Experimental.
    Generic,
}

impl SandboxKind {
    /// Is this sandbox available here? There is no process sandbox yet.
    pub fn is_supported(self) -> bool {
        match self {
            SandboxKind::Linux => false,
            SandboxKind::Generic => BackendKind::Compiler.is_supported(),
        }
    }
}

impl fmt::Display for SandboxKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SandboxKind::Linux => "linux",
            SandboxKind::Generic => "generic",
        })
    }
}

/// Which instructions of the processor compiled code may use.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum CpuFeatures {
    /// All that this machine's processor has and the compiler has a use for.
    #[default]
    Host,
    /// Those of the first x86-64 only: code for any machine, and what runs on processors without more.
    Baseline,
}

/// Where sandbox workers run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CorePinning {
    /// On the core of the thread that drives them.
    PinToCore,
    /// On the cores that share a cache with it.
    PinToCcx,
    /// Anywhere.
    Disabled,
}

/// The configuration of an [`crate::Engine`].
///
/// What concerns sandboxes in processes of their own (core pinning, workers), and cross-checking, is kept and without effect.
#[derive(Clone, Debug)]
pub struct Config {
    backend: Option<BackendKind>,
    sandbox: Option<SandboxKind>,
    core_pinning: CorePinning,
    crosscheck: bool,
    allow_experimental: bool,
    allow_dynamic_paging: bool,
    worker_count: usize,
    cache_enabled: bool,
    lru_cache_size: u32,
    sandboxing_enabled: bool,
    default_cost_model: Option<CostModelKind>,
    imperfect_logger_filtering_workaround: bool,
    cpu_features: CpuFeatures,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            backend: None,
            sandbox: None,
            core_pinning: CorePinning::PinToCore,
            crosscheck: false,
            allow_experimental: false,
            allow_dynamic_paging: false,
            worker_count: 2,
            cache_enabled: true,
            lru_cache_size: 0,
            sandboxing_enabled: true,
            default_cost_model: None,
            imperfect_logger_filtering_workaround: false,
            cpu_features: CpuFeatures::Host,
        }
    }
}

impl Config {
    /// The default configuration; the environment is not read.
    pub fn new() -> Self {
        Self::default()
    }

    /// The default configuration, changed by these environment variables where they are set; those whose names begin with
    /// `PVM_` instead of `POLKAVM_` count for more:
    ///
    /// | variable | values |
    /// |---|---|
    /// | `POLKAVM_BACKEND` | `auto`, `compiler`, `interpreter` |
    /// | `POLKAVM_SANDBOX` | `auto`, `linux`, `generic` |
    /// | `POLKAVM_CROSSCHECK` | `1`, `true`, `0`, `false` |
    /// | `POLKAVM_ALLOW_EXPERIMENTAL` | likewise |
    /// | `POLKAVM_WORKER_COUNT` | a number |
    /// | `POLKAVM_CACHE_ENABLED` | `1`, `true`, `0`, `false` |
    /// | `POLKAVM_LRU_CACHE_SIZE` | a number |
    /// | `POLKAVM_SANDBOXING_ENABLED` | `1`, `true`, `0`, `false` |
    /// | `POLKAVM_DEFAULT_COST_MODEL` | `naive`, `full-l1-hit`, `full-l2-hit`, `full-l3-hit` or the path of a table |
    /// | `POLKAVM_CORE_PINNING` | `pin_to_core`, `pin_to_ccx`, `disabled` |
    ///
    /// # Errors
    /// A variable with another value, which the error names.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_variables(|name| {
            let value = std::env::var_os(name)?;
            Some(value.to_string_lossy().into_owned())
        })
    }

    fn from_variables(get: impl Fn(&'static str) -> Option<String>) -> Result<Self, Error> {
        let mut config = Config::new();
        let find = |names: [&'static str; 2]| {
            let [ours, theirs] = names.map(|name| Variable { name, value: get(name) });
            if ours.value.is_some() { ours } else { theirs }
        };
        /// The variable with either prefix.
        macro_rules! variable {
            ($name:literal) => {
                find([concat!("PVM_", $name), concat!("POLKAVM_", $name)])
            };
        }
        variable!("BACKEND").choose(
            &mut config.backend,
            &[
                ("auto", None),
                ("compiler", Some(BackendKind::Compiler)),
                ("interpreter", Some(BackendKind::Interpreter)),
            ],
            "auto, compiler or interpreter",
        )?;
        variable!("SANDBOX").choose(
            &mut config.sandbox,
            &[("auto", None), ("linux", Some(SandboxKind::Linux)), ("generic", Some(SandboxKind::Generic))],
            "auto, linux or generic",
        )?;
        variable!("CORE_PINNING").choose(
            &mut config.core_pinning,
            &[
                ("pin_to_core", CorePinning::PinToCore),
                ("pin_to_ccx", CorePinning::PinToCcx),
                ("disabled", CorePinning::Disabled),
            ],
            "pin_to_core, pin_to_ccx or disabled",
        )?;
        variable!("CROSSCHECK").flag(&mut config.crosscheck)?;
        variable!("ALLOW_EXPERIMENTAL").flag(&mut config.allow_experimental)?;
        variable!("CACHE_ENABLED").flag(&mut config.cache_enabled)?;
        variable!("SANDBOXING_ENABLED").flag(&mut config.sandboxing_enabled)?;
        variable!("WORKER_COUNT").number(&mut config.worker_count)?;
        variable!("LRU_CACHE_SIZE").number(&mut config.lru_cache_size)?;
        if let Some(name) = variable!("DEFAULT_COST_MODEL").value {
            config.default_cost_model = Some(CostModelKind::from_name(&name)?);
        }
        Ok(config)
    }

    /// Sets the backend; none for the compiler where it, and the sandbox if one is chosen, are supported, else the interpreter.
    pub fn set_backend(&mut self, backend: Option<BackendKind>) -> &mut Self {
        self.backend = backend;
        self
    }

    /// The backend, if one was chosen.
    pub fn backend(&self) -> Option<BackendKind> {
        self.backend
    }

    /// Sets the sandbox of compiled code; none to choose.
    pub fn set_sandbox(&mut self, sandbox: Option<SandboxKind>) -> &mut Self {
        self.sandbox = sandbox;
        self
    }

    /// The sandbox, if one was chosen.
    pub fn sandbox(&self) -> Option<SandboxKind> {
        self.sandbox
    }

    /// Sets where sandbox workers run.
    pub fn set_core_pinning(&mut self, core_pinning: CorePinning) -> &mut Self {
        self.core_pinning = core_pinning;
        self
    }

    /// Where sandbox workers run.
    pub fn core_pinning(&self) -> CorePinning {
        self.core_pinning
    }

    /// Runs the interpreter beside the compiler and compares. Experimental.
    pub fn set_crosscheck(&mut self, value: bool) -> &mut Self {
        self.crosscheck = value;
        self
    }

    /// Are the backends compared?
    pub fn crosscheck(&self) -> bool {
        self.crosscheck
    }

    /// Allows what is marked experimental.
    pub fn set_allow_experimental(&mut self, value: bool) -> &mut Self {
        self.allow_experimental = value;
        self
    }

    /// Is what is marked experimental allowed?
    pub fn allow_experimental(&self) -> bool {
        self.allow_experimental
    }

    /// Sets how many idle sandbox workers are kept.
    pub fn set_worker_count(&mut self, value: usize) -> &mut Self {
        self.worker_count = value;
        self
    }

    /// How many idle sandbox workers are kept.
    pub fn worker_count(&self) -> usize {
        self.worker_count
    }

    /// May modules have dynamic paging?
    pub fn allow_dynamic_paging(&self) -> bool {
        self.allow_dynamic_paging
    }

    /// Lets modules have dynamic paging.
    pub fn set_allow_dynamic_paging(&mut self, value: bool) -> &mut Self {
        self.allow_dynamic_paging = value;
        self
    }

    /// Are modules cached?
    pub fn cache_enabled(&self) -> bool {
        self.cache_enabled
    }

    /// Switches the module cache.
    pub fn set_cache_enabled(&mut self, value: bool) -> &mut Self {
        self.cache_enabled = value;
        self
    }

    /// How many dropped modules the cache keeps.
    pub fn lru_cache_size(&self) -> u32 {
        self.lru_cache_size
    }

    /// Sets how many dropped modules the cache keeps.
    pub fn set_lru_cache_size(&mut self, value: u32) -> &mut Self {
        self.lru_cache_size = value;
        self
    }

    /// Switches the sandbox of compiled code. Switching it off is experimental.
    pub fn set_sandboxing_enabled(&mut self, value: bool) -> &mut Self {
        self.sandboxing_enabled = value;
        self
    }

    /// Is compiled code sandboxed?
    pub fn sandboxing_enabled(&self) -> bool {
        self.sandboxing_enabled
    }

    /// Sets the cost model of modules that choose none. Anything but [`CostModelKind::Full`] is experimental.
    pub fn set_default_cost_model(&mut self, cost_model: Option<CostModelKind>) -> &mut Self {
        self.default_cost_model = cost_model;
        self
    }

    /// The cost model of modules that choose none, if set; else it is the naive one.
    pub fn default_cost_model(&self) -> Option<CostModelKind> {
        self.default_cost_model.clone()
    }

    /// Which instructions of the processor compiled code may use.
    pub fn cpu_features(&self) -> CpuFeatures {
        self.cpu_features
    }

    /// Sets which instructions of the processor compiled code may use.
    pub fn set_cpu_features(&mut self, value: CpuFeatures) -> &mut Self {
        self.cpu_features = value;
        self
    }

    /// Kept for embedders that set it; logging needs no workaround here.
    pub fn imperfect_logger_filtering_workaround(&self) -> bool {
        self.imperfect_logger_filtering_workaround
    }

    /// Kept for embedders that set it; logging needs no workaround here.
    pub fn set_imperfect_logger_filtering_workaround(&mut self, value: bool) -> &mut Self {
        self.imperfect_logger_filtering_workaround = value;
        self
    }
}

/// An environment variable, perhaps set.
struct Variable {
    name: &'static str,
    value: Option<String>,
}

impl Variable {
    fn parse<T>(
        self,
        into: &mut T,
        parse: impl FnOnce(&str) -> Option<T>,
        expected: &'static str,
    ) -> Result<(), Error> {
        let Some(value) = self.value else { return Ok(()) };
        match parse(&value) {
            Some(parsed) => *into = parsed,
            None => return Err(ErrorKind::EnvironmentVariable { variable: self.name, value, expected }.into()),
        }
        Ok(())
    }

    fn choose<T: Copy>(self, into: &mut T, choices: &[(&str, T)], expected: &'static str) -> Result<(), Error> {
        let find = |value: &str| choices.iter().find(|(name, _)| *name == value).map(|(_, choice)| *choice);
        self.parse(into, find, expected)
    }

    fn flag(self, into: &mut bool) -> Result<(), Error> {
        self.choose(into, &[("1", true), ("true", true), ("0", false), ("false", false)], "1, true, 0 or false")
    }

    fn number<T: std::str::FromStr>(self, into: &mut T) -> Result<(), Error> {
        self.parse(into, |value| value.parse().ok(), "a number")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Config, String> {
        let get = |name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        Config::from_variables(get).map_err(String::from)
    }

    #[test]
    fn reads_every_variable() {
        let config = with(&[
            ("POLKAVM_BACKEND", "interpreter"),
            ("POLKAVM_SANDBOX", "generic"),
            ("POLKAVM_CROSSCHECK", "1"),
            ("POLKAVM_ALLOW_EXPERIMENTAL", "true"),
            ("POLKAVM_WORKER_COUNT", "7"),
            ("POLKAVM_CACHE_ENABLED", "0"),
            ("POLKAVM_LRU_CACHE_SIZE", "9"),
            ("POLKAVM_SANDBOXING_ENABLED", "false"),
            ("POLKAVM_DEFAULT_COST_MODEL", "full-l3-hit"),
            ("POLKAVM_CORE_PINNING", "pin_to_ccx"),
        ])
        .unwrap();
        assert_eq!(config.backend(), Some(BackendKind::Interpreter));
        assert_eq!(config.sandbox(), Some(SandboxKind::Generic));
        assert!(config.crosscheck() && config.allow_experimental());
        assert_eq!((config.worker_count(), config.lru_cache_size()), (7, 9));
        assert!(!config.cache_enabled() && !config.sandboxing_enabled());
        assert!(matches!(config.default_cost_model(), Some(CostModelKind::Full(crate::CacheModel::L3Hit))));
        assert_eq!(config.core_pinning(), CorePinning::PinToCcx);
    }

    #[test]
    fn our_names_count_for_more() {
        let both = with(&[("POLKAVM_BACKEND", "compiler"), ("PVM_BACKEND", "interpreter"), ("PVM_WORKER_COUNT", "3")]);
        let both = both.unwrap();
        assert_eq!((both.backend(), both.worker_count()), (Some(BackendKind::Interpreter), 3));
        assert!(with(&[("PVM_BACKEND", "yes"), ("POLKAVM_BACKEND", "auto")]).unwrap_err().contains("PVM_BACKEND"));
    }

    #[test]
    fn errors_name_the_variable() {
        let names = ["POLKAVM_BACKEND", "POLKAVM_SANDBOX", "POLKAVM_CROSSCHECK", "POLKAVM_ALLOW_EXPERIMENTAL"];
        let more = ["POLKAVM_WORKER_COUNT", "POLKAVM_CACHE_ENABLED", "POLKAVM_LRU_CACHE_SIZE", "POLKAVM_CORE_PINNING"];
        for name in names.iter().chain(&more) {
            let error = with(&[(name, "yes")]).unwrap_err();
            assert!(error.contains(name), "{error}");
        }
        let error = with(&[("POLKAVM_DEFAULT_COST_MODEL", "no/such/table")]).unwrap_err();
        assert!(error.contains("no/such/table"), "{error}");
    }
}
