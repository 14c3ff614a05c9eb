//! The embedder's API: run guests from a Rust program.
//!
//! ```text
//! Config -> Engine ----.
//! bytes -> ProgramBlob -+-> Module -+-> RawInstance            run() gives interrupts, the host answers them
//! ModuleConfig --------'            '-> Linker -> InstancePre -> Instance     host functions by name, typed calls
//! ```
//!
//! Types and methods have the names of the `polkavm` crate, so that an embedder switches by one line in its manifest:
//!
//! ```toml
//! polkavm = { package = "pvm", version = "0.1" }
//! ```
//!
//! Beyond them:
//!
//! | | |
//! |---|---|
//! | [`RawInstance::trap_reason`], [`RawInstance::last_program_counter`] | why and where a guest stopped |
//! | [`ModuleConfig::set_gas_rule`], [`Module::block_costs`] | any gas rule, and what blocks cost under it |
//! | [`ModuleConfig::set_fault_order`], [`ModuleConfig::set_code_validation`] | the Gray Paper's rules or polkavm's |
//! | [`ProgramBlob::parse_with`] | what a blob does not say of itself |
//! | [`ProgramBlob::parse_spi`], [`ProgramBlob::parse_generic`], [`RawInstance::prepare_invocation`] | the Gray Paper's containers and calls |
//! | [`Config::set_cpu_features`], [`Module::isolation`], [`Module::interpreted_because`] | what the compiler may use, and what became of it |
//! | [`RawInstance::view_memory`] | guest memory as a slice of the host's |
//! | [`RawInstance::write_memory_forced`] | loaders and test drivers |
//!
//! The crate does not link ELF files, and it holds no protocol's host calls.
//!
//! ```
//! use pvm::{Config, Engine, Linker, Module, ModuleConfig, ProgramBlob};
//! use pvm_isa::{Instruction, InstructionSet, Reg};
//! use pvm_program::{CodeBuilder, ProgramBuilder};
//!
//! // add_one: a0 = host(a0) + 1
//! let mut code = CodeBuilder::new(InstructionSet::Latest64);
//! code.push(Instruction::ecalli(0));
//! code.push(Instruction::add_imm_64(Reg::a0, Reg::a0, 1));
//! code.push(Instruction::jump_indirect(Reg::ra, 0));
//! let mut program = ProgramBuilder::new(&code.build()?);
//! program.import(b"double").export(0, b"add_one");
//! let blob = ProgramBlob::from_program(program.build()?);
//!
//! let engine = Engine::new(&Config::new())?;
//! let module = Module::from_blob(&engine, &ModuleConfig::new(), blob)?;
//! let mut linker = Linker::<()>::new();
//! linker.define_typed("double", |value: u32| 2 * value)?;
//! let mut instance = linker.instantiate_pre(&module)?.instantiate()?;
//! let result: u32 = instance.call_typed_and_get_result(&mut (), "add_one", (20_u32,))?;
//! assert_eq!(result, 41);
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
#![recursion_limit = "256"]

pub mod abi;
mod beyond;
mod caller;
mod config;
pub mod debug_info;
mod engine;
mod error;
mod exit;
mod gas;
mod instance;
mod linker;
mod machine;
mod memory;
mod module;
mod module_cache;
mod module_config;
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod native;
mod program_counter;
mod raw_instance;
mod reg;

/// Programs: blobs and what can be read from them.
pub mod program;

pub use beyond::CodeValidation;
pub use caller::{CallFn, Caller, IntoCallFn};
pub use config::{BackendKind, Config, CorePinning, CpuFeatures, SandboxKind};
pub use engine::Engine;
pub use error::{CallError, CompileError, Error, MemoryAccessError};
pub use exit::{InterruptKind, Segfault};
pub use gas::{CacheModel, Cost, CostModel, CostModelKind, CostModelRef, Gas, GasMeteringKind};
pub use instance::{EntryPoint, Instance, InstancePre};
pub use linker::Linker;
pub use memory::{AsUninitSliceMut, MemoryMapBuilder, MemoryProtection};
pub use module::{Isolation, Module};
pub use module_config::{Assembler, CustomCodegen, ModuleConfig};
pub use program::{ArcBytes, ProgramBlob, ProgramParts};
pub use program_counter::ProgramCounter;
pub use pvm_gas::Rule as GasRule;
pub use pvm_interpreter::{FaultOrder, Trap};
pub use pvm_num::limits::JAM_ARGUMENTS_SIZE_MAX;
pub use pvm_program::MemoryMap;
pub use raw_instance::{RawInstance, SetCacheSizeLimitArgs};
pub use reg::Reg;

/// A register's value.
pub type RegValue = u64;

/// The address that a guest returns to, to return to its host.
pub const RETURN_TO_HOST: u64 = 0xffff_0000;

const _: () = assert!(RETURN_TO_HOST == pvm_num::casts::widen(pvm_num::limits::RETURN_TO_HOST));
