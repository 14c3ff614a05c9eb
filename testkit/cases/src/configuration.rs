//! Configurations: the ways to run a program which must not change what it does.

use pvm::{BackendKind, Config, GasMeteringKind, GasRule, ModuleConfig, RawInstance, SetCacheSizeLimitArgs};
use std::fmt;

/// An engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Engine {
    /// The interpreter.
    Interpreter,
    /// The compiler.
    Compiler,
}

impl Engine {
    /// All that run here.
    pub fn all() -> impl Iterator<Item = Engine> {
        [Engine::Interpreter, Engine::Compiler].into_iter().filter(|engine| engine.backend().is_supported())
    }

    fn backend(self) -> BackendKind {
        match self {
            Engine::Interpreter => BackendKind::Interpreter,
            Engine::Compiler => BackendKind::Compiler,
        }
    }

    /// An engine of this kind that allows what configurations ask for.
    pub(crate) fn start(self) -> Result<pvm::Engine, pvm::Error> {
        let mut config = Config::new();
        config.set_backend(Some(self.backend())).set_allow_dynamic_paging(true).set_cache_enabled(false);
        pvm::Engine::new(&config)
    }
}

/// Where memory comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Paging {
    /// The program's memory map.
    Static,
    /// Pages that the host makes, in the same places.
    Dynamic,
}

impl Paging {
    /// Both.
    pub const ALL: [Paging; 2] = [Paging::Static, Paging::Dynamic];

    /// The name in `not:` lines.
    pub const fn name(self) -> &'static str {
        match self {
            Paging::Static => "static",
            Paging::Dynamic => "paging",
        }
    }
}

/// How gas is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Gas {
    /// The pipeline model, by which cases give amounts.
    Full,
    /// 1 for every instruction of a block, on entry.
    Simple,
    /// 1 for every instruction, as it executes.
    PerInstruction,
    /// Not at all.
    Unmetered,
}

impl Gas {
    fn rule(self) -> Option<GasRule> {
        match self {
            Gas::Full => Some(GasRule::Full(Default::default())),
            Gas::Simple => Some(GasRule::Simple),
            Gas::PerInstruction => Some(GasRule::PerInstruction),
            Gas::Unmetered => None,
        }
    }
}

/// Where the guest is stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stops {
    /// Where it exits.
    Exits,
    /// Also before every instruction: step tracing.
    Steps,
    /// The same; and at each stop all translations are dropped.
    StepsForgetting,
}

/// One way to run a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Configuration {
    /// What runs it.
    pub engine: Engine,
    /// Where memory comes from.
    pub paging: Paging,
    /// How gas is counted.
    pub gas: Gas,
    /// Where the guest is stopped.
    pub stops: Stops,
    /// Is the translation cache as small as it can be?
    pub smallest_cache: bool,
}

impl Configuration {
    /// All of them; of those that differ in stops and cache only, the plainest comes first.
    pub fn all() -> impl Iterator<Item = Configuration> {
        const VARIANTS: [(Gas, Stops, bool); 9] = [
            (Gas::Full, Stops::Exits, false),
            (Gas::Full, Stops::Steps, false),
            (Gas::Full, Stops::StepsForgetting, false),
            (Gas::Full, Stops::Exits, true),
            (Gas::Simple, Stops::Exits, false),
            (Gas::PerInstruction, Stops::Exits, false),
            (Gas::PerInstruction, Stops::StepsForgetting, false),
            (Gas::Unmetered, Stops::Exits, false),
            (Gas::Unmetered, Stops::Steps, true),
        ];
        Engine::all().flat_map(|engine| {
            // The compiler leaves the others to the interpreter.
            let is_compiled = move |(gas, stops, smallest_cache): &(Gas, Stops, bool)| {
                *gas != Gas::PerInstruction && *stops == Stops::Exits && !smallest_cache
            };
            Paging::ALL.into_iter().flat_map(move |paging| {
                let variants = VARIANTS.into_iter();
                let variants = variants.filter(move |variant| engine == Engine::Interpreter || is_compiled(variant));
                variants.map(move |(gas, stops, smallest_cache)| Configuration {
                    engine,
                    paging,
                    gas,
                    stops,
                    smallest_cache,
                })
            })
        })
    }

    pub(crate) fn module_config(&self) -> ModuleConfig {
        let rule = self.gas.rule();
        let mut config = ModuleConfig::new();
        config
            .set_dynamic_paging(self.paging == Paging::Dynamic)
            .set_step_tracing(self.stops != Stops::Exits)
            .set_gas_metering(rule.is_some().then_some(GasMeteringKind::Sync))
            .set_gas_rule(rule);
        config
    }

    /// Sets what is set per instance.
    pub(crate) fn prepare(&self, guest: &mut RawInstance) -> Result<(), pvm::Error> {
        let smallest = SetCacheSizeLimitArgs { max_block_size: 0, max_cache_size_bytes: 0 };
        guest.set_interpreter_cache_size_limit(self.smallest_cache.then_some(smallest))
    }
}

impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Configuration { engine, paging, gas, stops, smallest_cache } = self;
        write!(f, "{engine:?}, {paging:?} memory, gas {gas:?}, stops {stops:?}")?;
        if *smallest_cache { f.write_str(", smallest cache") } else { Ok(()) }
    }
}
