//! The contestants: each loads a guest once and then runs it any number of times, on a fresh instance each time.

use anyhow::{Context, Result, bail};
use std::path::Path;
use workloads::Workload;

/// Who runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub(crate) enum Kind {
    /// This repository's interpreter, on the blob of polkavm-linker
    Pvm,
    /// polkavm 0.37's interpreter, on the same blob
    Polkavm,
    /// This repository's interpreter, on the blob of this repository's linker
    PvmLinked,
    /// wasmi 2, on the same workload as Wasm
    Wasmi,
    /// The machine itself
    Native,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [Self::Pvm, Self::Polkavm, Self::PvmLinked, Self::Wasmi, Self::Native];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Pvm => "pvm",
            Self::Polkavm => "polkavm",
            Self::PvmLinked => "pvm-linked",
            Self::Wasmi => "wasmi",
            Self::Native => "native",
        }
    }
}

/// A loaded guest: `start` makes an instance, which then runs once.
pub(crate) trait Contestant {
    /// Makes a fresh instance; not part of the time of a run.
    ///
    /// # Errors
    /// If the machine does not give one.
    fn start(&mut self) -> Result<()>;

    /// Runs the instance and returns the checksum.
    ///
    /// # Errors
    /// If the guest does not end as it should.
    fn run(&mut self) -> Result<u64>;

    /// Instructions that the last run took, where gas counts them.
    fn instructions(&self) -> Option<u64> {
        None
    }
}

/// The bytes that a contestant loads: a blob, a Wasm module, nothing.
///
/// # Errors
/// If a fixture is missing, or cannot be linked.
pub(crate) fn program(kind: Kind, workload: &Workload) -> Result<Vec<u8>> {
    match kind {
        Kind::Pvm | Kind::Polkavm => link_theirs(&fixture(workload.name, "elf")?),
        Kind::PvmLinked => link_ours(&fixture(workload.name, "elf")?),
        Kind::Wasmi => fixture(workload.name, "wasm"),
        Kind::Native => Ok(Vec::new()),
    }
}

/// Loads a program, as far as it is done once.
///
/// # Errors
/// If the machine refuses it.
pub(crate) fn load(kind: Kind, program: &[u8], workload: &Workload, has_gas: bool) -> Result<Box<dyn Contestant>> {
    Ok(match kind {
        Kind::Pvm | Kind::PvmLinked => Box::new(ours::load(program, has_gas)?),
        Kind::Polkavm => Box::new(theirs::load(program, has_gas)?),
        Kind::Wasmi => Box::new(Wasm::load(program, has_gas)?),
        Kind::Native => Box::new(Native(workload.run)),
    })
}

fn fixture(name: &str, extension: &str) -> Result<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../guest/fixtures/{name}.{extension}"));
    std::fs::read(&path).with_context(|| path.display().to_string())
}

fn link_theirs(elf: &[u8]) -> Result<Vec<u8>> {
    let mut config = polkavm_linker::Config::default();
    config.set_strip(true);
    polkavm_linker::program_from_elf(config, polkavm_linker::TargetInstructionSet::Latest, elf)
        .map_err(|error| anyhow::anyhow!("polkavm-linker: {error}"))
}

fn link_ours(elf: &[u8]) -> Result<Vec<u8>> {
    let config = pvm_linker::Config { opt_level: 2, ..pvm_linker::Config::default() };
    Ok(pvm_linker::link(elf, &config)?.to_polkavm_blob()?)
}

/// Both interpreters have the same API: written once.
macro_rules! interpreter {
    ($module:ident, $krate:ident) => {
        mod $module {
            use super::Contestant;
            use anyhow::{Context, Result, anyhow, bail};
            use $krate::{
                BackendKind, Config, CostModel, CostModelKind, Engine, GasMeteringKind, InterruptKind, Module,
                ModuleConfig, ProgramBlob, ProgramCounter, RawInstance, Reg,
            };

            const GAS: i64 = 1 << 60;

            pub(super) struct Interpreter {
                module: Module,
                entry: ProgramCounter,
                has_gas: bool,
                instance: Option<RawInstance>,
                instructions: Option<u64>,
            }

            pub(super) fn load(blob: &[u8], has_gas: bool) -> Result<Interpreter> {
                let mut config = Config::new();
                config.set_backend(Some(BackendKind::Interpreter));
                let engine = Engine::new(&config).map_err(|error| anyhow!("engine: {error}"))?;
                let mut config = ModuleConfig::new();
                if has_gas {
                    config.set_gas_metering(Some(GasMeteringKind::Sync));
                    config.set_cost_model(Some(CostModelKind::Simple(CostModel::naive_ref())));
                }
                let blob = ProgramBlob::parse(blob.into()).map_err(|error| anyhow!("blob: {error}"))?;
                let module = Module::from_blob(&engine, &config, blob).map_err(|error| anyhow!("module: {error}"))?;
                let export = module.exports().find(|export| export.symbol().as_bytes() == b"run");
                let entry = export.context("the guest has no export `run`")?.program_counter();
                Ok(Interpreter { module, entry, has_gas, instance: None, instructions: None })
            }

            impl Contestant for Interpreter {
                fn start(&mut self) -> Result<()> {
                    let mut instance = self.module.instantiate().map_err(|error| anyhow!("instance: {error}"))?;
                    instance.set_gas(GAS);
                    instance.prepare_call_untyped(self.entry, &[]);
                    self.instance = Some(instance);
                    Ok(())
                }

                fn run(&mut self) -> Result<u64> {
                    let mut instance = self.instance.take().context("it was started")?;
                    match instance.run().map_err(|error| anyhow!("run: {error}"))? {
                        InterruptKind::Finished => {}
                        other => bail!("ended with {other:?}"),
                    }
                    if self.has_gas {
                        self.instructions = (GAS - instance.gas()).try_into().ok();
                    }
                    let result = instance.reg(Reg::A0);
                    self.instance = Some(instance);
                    Ok(result)
                }

                fn instructions(&self) -> Option<u64> {
                    self.instructions
                }
            }
        }
    };
}

interpreter!(ours, pvm);
interpreter!(theirs, polkavm);

struct Wasm {
    module: wasmi::Module,
    has_gas: bool,
    instance: Option<(wasmi::Store<()>, wasmi::TypedFunc<(), u64>)>,
}

impl Wasm {
    fn load(wasm: &[u8], has_gas: bool) -> Result<Self> {
        let mut config = wasmi::Config::default();
        config.consume_fuel(has_gas);
        let module = wasmi::Module::new(&wasmi::Engine::new(&config), wasm)?;
        Ok(Self { module, has_gas, instance: None })
    }
}

impl Contestant for Wasm {
    fn start(&mut self) -> Result<()> {
        let mut store = wasmi::Store::new(self.module.engine(), ());
        if self.has_gas {
            store.set_fuel(1 << 60)?;
        }
        let instance = wasmi::Linker::new(self.module.engine()).instantiate_and_start(&mut store, &self.module)?;
        let run = instance.get_typed_func(&store, "run")?;
        self.instance = Some((store, run));
        Ok(())
    }

    fn run(&mut self) -> Result<u64> {
        let Some((store, run)) = &mut self.instance else { bail!("it was not started") };
        Ok(run.call(store, ())?)
    }
}

struct Native(fn() -> u64);

impl Contestant for Native {
    fn start(&mut self) -> Result<()> {
        Ok(())
    }

    fn run(&mut self) -> Result<u64> {
        Ok((self.0)())
    }
}
