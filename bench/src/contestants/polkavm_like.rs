//! This repository's engine and polkavm's, which have the same API: written once.

use anyhow::Result;

/// How gas is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Gas {
    /// Not at all.
    None,
    /// One for each instruction.
    Simple,
    /// By the pipeline model.
    Full,
}

macro_rules! engine {
    ($module:ident, $krate:ident) => {
        pub(in crate::contestants) mod $module {
            use super::Gas;
            use crate::contestants as outer;
            use anyhow::{Context, Result, anyhow};
            use $krate::{
                BackendKind, CacheModel, Config, CostModel, CostModelKind, Engine, GasMeteringKind, Instance,
                InstancePre, Linker, Module, ModuleConfig, ProgramBlob, ProgramCounter,
            };

            const GAS: i64 = 1 << 60;

            pub(in crate::contestants) struct Prepared {
                engine: Engine,
                config: ModuleConfig,
            }

            pub(super) fn prepared(mut config: Config, gas: Gas) -> Result<Prepared> {
                // Every round is to compile.
                config.set_cache_enabled(false);
                let engine = Engine::new(&config).map_err(|error| anyhow!("engine: {error}"))?;
                let mut config = ModuleConfig::new();
                if gas != Gas::None {
                    config.set_gas_metering(Some(GasMeteringKind::Sync));
                    config.set_cost_model(Some(match gas {
                        Gas::Full => CostModelKind::Full(CacheModel::L2Hit),
                        _ => CostModelKind::Simple(CostModel::naive_ref()),
                    }));
                }
                Ok(Prepared { engine, config })
            }

            pub(in crate::contestants) fn interpreter() -> Result<Prepared> {
                let mut config = Config::new();
                config.set_backend(Some(BackendKind::Interpreter));
                prepared(config, Gas::None)
            }

            struct Loaded {
                pre: InstancePre<u64>,
                entries: Entries,
            }

            #[derive(Clone, Copy)]
            struct Entries {
                run: Option<ProgramCounter>,
                empty: Option<ProgramCounter>,
                calls: Option<ProgramCounter>,
            }

            struct Guest {
                instance: Instance<u64>,
                entries: Entries,
            }

            impl outer::Engine for Prepared {
                fn load(&self, program: &[u8]) -> Result<Box<dyn outer::Module>> {
                    let blob = ProgramBlob::parse(program.into()).map_err(|error| anyhow!("blob: {error}"))?;
                    let module = Module::from_blob(&self.engine, &self.config, blob)
                        .map_err(|error| anyhow!("module: {error}"))?;
                    let find = |name: &[u8]| {
                        let export = module.exports().find(|export| export.symbol().as_bytes() == name)?;
                        Some(export.program_counter())
                    };
                    let entries = Entries { run: find(b"run"), empty: find(b"empty"), calls: find(b"calls") };
                    let mut linker = Linker::new();
                    linker
                        .define_untyped("host", |caller: $krate::Caller<'_, u64>| {
                            *caller.user_data += 1;
                            Ok(())
                        })
                        .map_err(|error| anyhow!("host function: {error}"))?;
                    let pre = linker.instantiate_pre(&module).map_err(|error| anyhow!("imports: {error}"))?;
                    Ok(Box::new(Loaded { pre, entries }))
                }
            }

            impl outer::Module for Loaded {
                fn start(&self) -> Result<Box<dyn outer::Instance>> {
                    let mut instance = self.pre.instantiate().map_err(|error| anyhow!("instance: {error}"))?;
                    instance.set_gas(GAS);
                    Ok(Box::new(Guest { instance, entries: self.entries }))
                }
            }

            impl outer::Instance for Guest {
                fn run(&mut self) -> Result<u64> {
                    let entry = self.entries.run.context("the guest has no export `run`")?;
                    let result = self.instance.call_typed_and_get_result(&mut 0, entry, ());
                    result.map_err(|error| anyhow!("run: {error:?}"))
                }

                fn call_empty(&mut self, times: u64) -> Result<()> {
                    let entry = self.entries.empty.context("the guest has no export `empty`")?;
                    for _ in 0..times {
                        self.instance.call_typed(&mut 0, entry, ()).map_err(|error| anyhow!("empty: {error:?}"))?;
                    }
                    Ok(())
                }

                fn call_host(&mut self, times: u64) -> Result<u64> {
                    let entry = self.entries.calls.context("the guest has no export `calls`")?;
                    let mut calls = 0;
                    let result = self.instance.call_typed(&mut calls, entry, (times,));
                    result.map_err(|error| anyhow!("calls: {error:?}"))?;
                    Ok(calls)
                }

                fn pid(&self) -> Option<u32> {
                    self.instance.pid()
                }
            }
        }
    };
}

engine!(ours, pvm);
engine!(theirs, polkavm);

/// This repository's compiler.
pub(super) fn our_compiler(gas: Gas) -> Result<ours::Prepared> {
    let mut config = pvm::Config::new();
    config.set_backend(Some(pvm::BackendKind::Compiler));
    ours::prepared(config, gas)
}

/// polkavm's compiler with one of its sandboxes.
pub(super) fn their_compiler(sandbox: polkavm::SandboxKind, gas: Gas) -> Result<theirs::Prepared> {
    let mut config = polkavm::Config::new();
    config.set_backend(Some(polkavm::BackendKind::Compiler));
    config.set_allow_experimental(true);
    config.set_sandbox(Some(sandbox));
    // Its worker would share the core of the thread that waits for it.
    config.set_core_pinning(polkavm::CorePinning::Disabled);
    theirs::prepared(config, gas)
}
