//! This repository's engines and those of the crate polkavm, which have the same API: written once.

use crate::host::{Guest, Host, Reply};
use anyhow::{Context, Result, anyhow, bail, ensure};
use pvm_guest_abi::system::Function;
use pvm_num::casts::{low_u32, unsigned_64};
use std::time::{Duration, Instant};

/// A program on an engine.
pub(crate) trait Engine {
    /// How long it took to prepare the program.
    fn preparation(&self) -> Duration;

    /// Runs the program in a fresh instance; how long that took.
    fn run(&self, host: &mut Host<'_>) -> Result<Duration>;
}

macro_rules! engine {
    ($module:ident, $krate:ident) => {
        mod $module {
            use super::*;
            use $krate::{
                BackendKind, Config, Engine, InterruptKind, Module, ModuleConfig, ProgramBlob, RawInstance, Reg,
            };

            struct Caller<'a>(&'a mut RawInstance);

            impl Guest for Caller<'_> {
                fn argument(&self, number: usize) -> u64 {
                    self.0.reg(Reg::ARG_REGS[number])
                }

                fn read(&mut self, address: u64, bytes: &mut [u8]) {
                    self.0.read_memory_into(low_u32(address), bytes).expect("the guest has these bytes");
                }

                fn write(&mut self, address: u64, bytes: &[u8]) {
                    self.0.write_memory(low_u32(address), bytes).expect("the guest has these bytes");
                }
            }

            struct Prepared {
                module: Module,
                time: Duration,
            }

            pub(super) fn config(backend: BackendKind) -> Config {
                let mut config = Config::new();
                config.set_backend(Some(backend));
                config
            }

            pub(super) fn prepare(config: &Config, blob: &[u8]) -> Result<Box<dyn super::Engine>> {
                let engine = Engine::new(config).map_err(|error| anyhow!("engine: {error}"))?;
                let began = Instant::now();
                let blob = ProgramBlob::parse(blob.into()).map_err(|error| anyhow!("blob: {error}"))?;
                let module = Module::from_blob(&engine, &ModuleConfig::new(), blob)
                    .map_err(|error| anyhow!("module: {error}"))?;
                Ok(Box::new(Prepared { module, time: began.elapsed() }))
            }

            impl super::Engine for Prepared {
                fn preparation(&self) -> Duration {
                    self.time
                }

                fn run(&self, host: &mut Host<'_>) -> Result<Duration> {
                    let main = self.module.exports().find(|export| export.symbol().as_bytes() == b"main");
                    let main = main.context("no export `main`")?.program_counter();
                    let imports = self.module.imports();
                    let began = Instant::now();
                    let mut instance = self.module.instantiate().map_err(|error| anyhow!("instance: {error}"))?;
                    instance.prepare_call_untyped(main, &[]);
                    let code = loop {
                        let number = match instance.run().map_err(|error| anyhow!("run: {error}"))? {
                            InterruptKind::Ecalli(number) => number,
                            InterruptKind::Finished => break pvm_num::casts::signed_32(low_u32(instance.reg(Reg::A0))),
                            other => bail!("the guest ended with {other:?}"),
                        };
                        let symbol = imports.get(number);
                        let function = symbol.and_then(|symbol| Function::from_symbol(symbol.as_bytes()));
                        let function = function.context("the guest calls something else than the system interface")?;
                        match host.call(function, &mut Caller(&mut instance)) {
                            Reply::Continue(result) => instance.set_reg(Reg::A0, unsigned_64(result)),
                            Reply::Exit(code) => break code,
                        }
                    };
                    let time = began.elapsed();
                    ensure!(code == 0, "exit code {code}: {}", String::from_utf8_lossy(&host.output));
                    Ok(time)
                }
            }
        }
    };
}

engine!(ours, pvm);
engine!(theirs, polkavm);

/// All of them with a program, by name: compilers, then, if wanted, interpreters.
pub(crate) fn all(blob: &[u8], with_interpreters: bool) -> Result<Vec<(&'static str, Box<dyn Engine>)>> {
    // A worker process would need a core of its own.
    let mut in_process = theirs::config(polkavm::BackendKind::Compiler);
    in_process.set_allow_experimental(true).set_sandbox(Some(polkavm::SandboxKind::Generic));
    let mut engines = vec![
        ("pvm compiler", ours::prepare(&ours::config(pvm::BackendKind::Compiler), blob)?),
        ("polkavm 0.37 compiler", theirs::prepare(&in_process, blob)?),
    ];
    if with_interpreters {
        engines.push(("pvm interpreter", ours::prepare(&ours::config(pvm::BackendKind::Interpreter), blob)?));
        let theirs = theirs::prepare(&theirs::config(polkavm::BackendKind::Interpreter), blob)?;
        engines.push(("polkavm 0.37 interpreter", theirs));
    }
    Ok(engines)
}
