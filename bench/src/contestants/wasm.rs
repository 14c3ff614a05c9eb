//! The machines for Wasm: wasmtime and wasmi.

use super::{Engine, Instance, Module};
use anyhow::Result;

/// The small guest.
pub(super) const SMALL: &str = r#"(module
    (import "env" "host" (func $host))
    (memory 1)
    (data (i32.const 16) "some data")
    (func (export "empty"))
    (func (export "calls") (param $left i64)
        (loop $again
            (call $host)
            (local.set $left (i64.sub (local.get $left) (i64.const 1)))
            (br_if $again (i64.ne (local.get $left) (i64.const 0))))))"#;

const FUEL: u64 = 1 << 60;

pub(super) struct Wasmtime {
    engine: wasmtime::Engine,
    has_fuel: bool,
}

pub(super) fn wasmtime(strategy: wasmtime::Strategy, has_fuel: bool) -> Result<Wasmtime> {
    let mut config = wasmtime::Config::new();
    config.strategy(strategy);
    config.consume_fuel(has_fuel);
    config.allocation_strategy(wasmtime::InstanceAllocationStrategy::pooling());
    let engine = wasmtime::Engine::new(&config).map_err(anyhow::Error::msg)?;
    Ok(Wasmtime { engine, has_fuel })
}

struct WasmtimeModule {
    pre: wasmtime::InstancePre<u64>,
    has_fuel: bool,
}

struct WasmtimeInstance {
    store: wasmtime::Store<u64>,
    instance: wasmtime::Instance,
}

impl Engine for Wasmtime {
    fn load(&self, program: &[u8]) -> Result<Box<dyn Module>> {
        let module = wasmtime::Module::new(&self.engine, program).map_err(anyhow::Error::msg)?;
        let mut linker = wasmtime::Linker::new(&self.engine);
        linker
            .func_wrap("env", "host", |mut caller: wasmtime::Caller<'_, u64>| *caller.data_mut() += 1)
            .map_err(anyhow::Error::msg)?;
        let pre = linker.instantiate_pre(&module).map_err(anyhow::Error::msg)?;
        Ok(Box::new(WasmtimeModule { pre, has_fuel: self.has_fuel }))
    }
}

impl Module for WasmtimeModule {
    fn start(&self) -> Result<Box<dyn Instance>> {
        let mut store = wasmtime::Store::new(self.pre.module().engine(), 0);
        if self.has_fuel {
            store.set_fuel(FUEL).map_err(anyhow::Error::msg)?;
        }
        let instance = self.pre.instantiate(&mut store).map_err(anyhow::Error::msg)?;
        Ok(Box::new(WasmtimeInstance { store, instance }))
    }
}

impl Instance for WasmtimeInstance {
    fn run(&mut self) -> Result<u64> {
        let run = self.instance.get_typed_func::<(), u64>(&mut self.store, "run").map_err(anyhow::Error::msg)?;
        run.call(&mut self.store, ()).map_err(anyhow::Error::msg)
    }

    fn call_empty(&mut self, times: u64) -> Result<()> {
        let empty = self.instance.get_typed_func::<(), ()>(&mut self.store, "empty").map_err(anyhow::Error::msg)?;
        for _ in 0..times {
            empty.call(&mut self.store, ()).map_err(anyhow::Error::msg)?;
        }
        Ok(())
    }

    fn call_host(&mut self, times: u64) -> Result<u64> {
        let calls = self.instance.get_typed_func::<u64, ()>(&mut self.store, "calls").map_err(anyhow::Error::msg)?;
        *self.store.data_mut() = 0;
        calls.call(&mut self.store, times).map_err(anyhow::Error::msg)?;
        Ok(*self.store.data())
    }
}

pub(super) struct Wasmi(::wasmi::Engine);

pub(super) fn wasmi() -> Wasmi {
    Wasmi(::wasmi::Engine::default())
}

struct WasmiModule {
    module: ::wasmi::Module,
    linker: ::wasmi::Linker<u64>,
}

struct WasmiInstance {
    store: ::wasmi::Store<u64>,
    instance: ::wasmi::Instance,
}

impl Engine for Wasmi {
    fn load(&self, program: &[u8]) -> Result<Box<dyn Module>> {
        let binary = ::wat::parse_bytes(program)?;
        let module = ::wasmi::Module::new(&self.0, &binary)?;
        let mut linker = ::wasmi::Linker::new(&self.0);
        linker.func_wrap("env", "host", |mut caller: ::wasmi::Caller<'_, u64>| *caller.data_mut() += 1)?;
        Ok(Box::new(WasmiModule { module, linker }))
    }
}

impl Module for WasmiModule {
    fn start(&self) -> Result<Box<dyn Instance>> {
        let mut store = ::wasmi::Store::new(self.module.engine(), 0);
        let instance = self.linker.instantiate_and_start(&mut store, &self.module)?;
        Ok(Box::new(WasmiInstance { store, instance }))
    }
}

impl Instance for WasmiInstance {
    fn run(&mut self) -> Result<u64> {
        Ok(self.instance.get_typed_func::<(), u64>(&self.store, "run")?.call(&mut self.store, ())?)
    }

    fn call_empty(&mut self, times: u64) -> Result<()> {
        let empty = self.instance.get_typed_func::<(), ()>(&self.store, "empty")?;
        for _ in 0..times {
            empty.call(&mut self.store, ())?;
        }
        Ok(())
    }

    fn call_host(&mut self, times: u64) -> Result<u64> {
        let calls = self.instance.get_typed_func::<u64, ()>(&self.store, "calls")?;
        *self.store.data_mut() = 0;
        calls.call(&mut self.store, times)?;
        Ok(*self.store.data())
    }
}
