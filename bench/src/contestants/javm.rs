//! javm: its compiler of code numbered as in the Gray Paper. An instance is compiled when it is made.

use super::{Engine, Instance, Module};
use anyhow::{Context, Result, anyhow, bail};
use javm::recompiler::RecompiledPvm;
use javm::{ExitReason, program::DataLayout};
use pvm_program::Program;

pub(super) struct Javm;

/// A program's parts as its constructor takes them, but for registers and gas.
struct Parts {
    code: Vec<u8>,
    bitmask: Vec<u8>,
    jump_table: Vec<u32>,
    data: [(u32, Vec<u8>); 2],
    /// Everything below is readable and writable; the stack grows down from here.
    memory_size: u32,
    entries: Vec<(Vec<u8>, u32)>,
}

struct Guest {
    machine: RecompiledPvm,
    entries: Vec<(Vec<u8>, u32)>,
    stack: u32,
}

/// Room for the heap behind the data, and for the stack.
const MORE: u32 = 16 << 20;
const GAS: u64 = 1 << 60;
const RETURN_TO_HOST: u64 = 0xffff_0000;

impl Engine for Javm {
    fn load(&self, program: &[u8]) -> Result<Box<dyn Module>> {
        let program = Program::parse(program, &pvm_program::ParseOptions::default())?;
        let mut map = pvm_program::MemoryMapBuilder::new(4096);
        map.ro_data_size(program.ro_data_size()).rw_data_size(program.rw_data_size()).stack_size(program.stack_size());
        let map = map.build()?;
        let code = program.code();
        let mut bits = vec![0; code.bytes().len()];
        for located in code.iter() {
            bits[usize::try_from(located.offset)?] = 1;
        }
        Ok(Box::new(Parts {
            code: code.bytes().to_vec(),
            bitmask: bits,
            jump_table: program.jump_table().iter().collect(),
            data: [
                (map.ro_data_address(), program.ro_data().to_vec()),
                (map.rw_data_address(), program.rw_data().to_vec()),
            ],
            memory_size: map.rw_data_range().end + MORE,
            entries: program.exports().map(|export| (export.symbol.to_vec(), export.offset)).collect(),
        }))
    }
}

impl Module for Parts {
    fn start(&self) -> Result<Box<dyn Instance>> {
        let [(ro_start, ro_data), (rw_start, rw_data)] = self.data.clone();
        let layout = DataLayout {
            mem_size: self.memory_size,
            arg_start: 0,
            arg_data: Vec::new(),
            ro_start,
            ro_data,
            rw_start,
            rw_data,
        };
        let (code, bitmask, jump_table) = (self.code.clone(), self.bitmask.clone(), self.jump_table.clone());
        let machine = RecompiledPvm::new(code, bitmask, jump_table, [0; 13], GAS, Some(layout));
        let mut machine = machine.map_err(|error| anyhow!("javm: {error}"))?;
        machine.set_heap_top(self.memory_size);
        Ok(Box::new(Guest { machine, entries: self.entries.clone(), stack: self.memory_size }))
    }
}

impl Guest {
    fn prepare(&mut self, function: &[u8]) -> Result<u32> {
        let entry = self.entries.iter().find(|(name, _)| name == function).context("no such function")?.1;
        Ok(entry)
    }

    fn call(&mut self, entry: u32, argument: u64) -> Result<u64> {
        let registers = self.machine.registers_mut();
        registers[0] = RETURN_TO_HOST;
        registers[1] = u64::from(self.stack);
        registers[7] = argument;
        self.machine.set_pc(entry);
        let mut calls = 0;
        loop {
            match self.machine.run() {
                ExitReason::Halt => return Ok(calls),
                ExitReason::HostCall(_) => calls += 1,
                other => bail!("javm: ended with {other:?} at {}", self.machine.pc()),
            }
        }
    }
}

impl Instance for Guest {
    fn run(&mut self) -> Result<u64> {
        let entry = self.prepare(b"run")?;
        self.call(entry, 0)?;
        Ok(self.machine.registers()[7])
    }

    fn call_empty(&mut self, times: u64) -> Result<()> {
        let entry = self.prepare(b"empty")?;
        for _ in 0..times {
            self.call(entry, 0)?;
        }
        Ok(())
    }

    fn call_host(&mut self, times: u64) -> Result<u64> {
        let entry = self.prepare(b"calls")?;
        self.call(entry, times)
    }
}
