//! The contestants: each prepares programs, makes instances of them and runs these.

mod javm;
mod native;
mod polkavm_like;
mod wasm;

use anyhow::{Context, Result};
use pvm_isa::{Instruction, InstructionSet, Reg};
use pvm_program::{CodeBuilder, Item, ProgramBuilder};
use std::path::Path;
use workloads::Workload;

macro_rules! kinds {
    ($($kind:ident $name:literal $what:literal;)*) => {
        /// Who runs.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Kind {
            $(#[doc = $what] $kind,)*
        }

        impl Kind {
            pub(crate) const ALL: &[Self] = &[$(Self::$kind),*];

            pub(crate) const fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => $name),*
                }
            }

            pub(crate) const fn what(self) -> &'static str {
                match self {
                    $(Self::$kind => $what),*
                }
            }
        }
    };
}
kinds! {
    Native "native" "the machine itself";
    Pvm "pvm" "this compiler, no gas";
    PvmSimple "pvm+simple" "this compiler, a gas for each instruction";
    PvmFull "pvm+full" "this compiler, the pipeline model";
    PvmLinked "pvm-linked" "this compiler, no gas, on the blob of this linker";
    PvmInterpreter "pvm-interp" "this interpreter, no gas";
    PvmInterpreterLinked "pvm-interp-linked" "this interpreter, no gas, on the blob of this linker";
    PolkavmLinux "polkavm-linux" "polkavm 0.37 in a worker process, no gas";
    PolkavmLinuxSync "polkavm-linux+sync" "the same, a gas for each instruction";
    PolkavmLinuxFull "polkavm-linux+full" "the same, the pipeline model";
    PolkavmGeneric "polkavm-generic" "polkavm 0.37 in this process, no gas";
    PolkavmGenericSync "polkavm-generic+sync" "the same, a gas for each instruction";
    PolkavmGenericFull "polkavm-generic+full" "the same, the pipeline model";
    PolkavmInterpreter "polkavm-interp" "polkavm 0.37's interpreter, no gas";
    Cranelift "cranelift" "wasmtime 48 with cranelift";
    CraneliftFuel "cranelift+fuel" "the same with fuel";
    Winch "winch" "wasmtime 48 with winch";
    WinchFuel "winch+fuel" "the same with fuel";
    Wasmi "wasmi" "wasmi 2";
    Javm "javm" "javm 0.4, its gas model, which cannot be switched off";
}

impl clap::ValueEnum for Kind {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<clap::builder::PossibleValue> {
        Some(clap::builder::PossibleValue::new(self.name()).help(self.what()))
    }
}

/// Prepares programs.
pub(crate) trait Engine {
    /// From bytes to something that instances can be made of.
    ///
    /// # Errors
    /// If the engine refuses the program.
    fn load(&self, program: &[u8]) -> Result<Box<dyn Module>>;
}

/// A prepared program.
pub(crate) trait Module {
    /// Makes a fresh instance.
    ///
    /// # Errors
    /// If there is no memory for one.
    fn start(&self) -> Result<Box<dyn Instance>>;
}

/// An instance.
pub(crate) trait Instance {
    /// Calls the function `run` of a workload and returns its checksum.
    ///
    /// # Errors
    /// If the guest does not return.
    fn run(&mut self) -> Result<u64>;

    /// Calls the function `empty` of the small guest so many times.
    ///
    /// # Errors
    /// If the guest does not return.
    fn call_empty(&mut self, times: u64) -> Result<()>;

    /// Calls the function `calls` of the small guest, which calls the host so many times, and returns how often it did.
    ///
    /// # Errors
    /// If the guest does not return.
    fn call_host(&mut self, times: u64) -> Result<u64>;

    /// The process that the guest runs in, if it is another.
    fn pid(&self) -> Option<u32> {
        None
    }
}

/// The engine of a contestant; none for native code, which has only workloads.
///
/// # Errors
/// If it cannot run here.
pub(crate) fn engine(kind: Kind) -> Result<Box<dyn Engine>> {
    use polkavm_like::{Gas, our_compiler, ours, their_compiler, theirs};
    Ok(match kind {
        Kind::Native => Box::new(native::Native),
        Kind::Pvm | Kind::PvmLinked => Box::new(our_compiler(Gas::None)?),
        Kind::PvmSimple => Box::new(our_compiler(Gas::Simple)?),
        Kind::PvmFull => Box::new(our_compiler(Gas::Full)?),
        Kind::PvmInterpreter | Kind::PvmInterpreterLinked => Box::new(ours::interpreter()?),
        Kind::PolkavmLinux => Box::new(their_compiler(polkavm::SandboxKind::Linux, Gas::None)?),
        Kind::PolkavmLinuxSync => Box::new(their_compiler(polkavm::SandboxKind::Linux, Gas::Simple)?),
        Kind::PolkavmLinuxFull => Box::new(their_compiler(polkavm::SandboxKind::Linux, Gas::Full)?),
        Kind::PolkavmGeneric => Box::new(their_compiler(polkavm::SandboxKind::Generic, Gas::None)?),
        Kind::PolkavmGenericSync => Box::new(their_compiler(polkavm::SandboxKind::Generic, Gas::Simple)?),
        Kind::PolkavmGenericFull => Box::new(their_compiler(polkavm::SandboxKind::Generic, Gas::Full)?),
        Kind::PolkavmInterpreter => Box::new(theirs::interpreter()?),
        Kind::Cranelift => Box::new(wasm::wasmtime(wasmtime::Strategy::Cranelift, false)?),
        Kind::CraneliftFuel => Box::new(wasm::wasmtime(wasmtime::Strategy::Cranelift, true)?),
        Kind::Winch => Box::new(wasm::wasmtime(wasmtime::Strategy::Winch, false)?),
        Kind::WinchFuel => Box::new(wasm::wasmtime(wasmtime::Strategy::Winch, true)?),
        Kind::Wasmi => Box::new(wasm::wasmi()),
        Kind::Javm => Box::new(javm::Javm),
    })
}

/// What a contestant loads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Format {
    /// The name of the workload.
    Name,
    /// A blob of polkavm-linker.
    Blob,
    /// A blob of this repository's linker.
    Linked,
    /// A blob of polkavm-linker for JAM.
    Jam,
    /// A Wasm module.
    Wasm,
}

impl Kind {
    /// Is it of this repository, so that nothing excuses it?
    pub(crate) fn is_ours(self) -> bool {
        self == Kind::Native || self.name().starts_with("pvm")
    }

    const fn format(self) -> Format {
        match self {
            Kind::Native => Format::Name,
            Kind::PvmLinked | Kind::PvmInterpreterLinked => Format::Linked,
            Kind::Cranelift | Kind::CraneliftFuel | Kind::Winch | Kind::WinchFuel | Kind::Wasmi => Format::Wasm,
            Kind::Javm => Format::Jam,
            _ => Format::Blob,
        }
    }
}

/// A workload as a contestant loads it.
///
/// # Errors
/// If a fixture is missing, or cannot be linked.
pub(crate) fn program(kind: Kind, workload: &Workload) -> Result<Vec<u8>> {
    let name = workload.name;
    match kind.format() {
        Format::Name => Ok(name.as_bytes().to_vec()),
        Format::Blob => link_theirs(&fixture(name, "elf")?, polkavm_linker::TargetInstructionSet::Latest),
        Format::Jam => link_theirs(&fixture(name, "elf")?, polkavm_linker::TargetInstructionSet::JamV1),
        Format::Linked => link_ours(&fixture(name, "elf")?),
        Format::Wasm => fixture(name, "wasm"),
    }
}

/// The small guest as a contestant loads it: `empty` returns at once, `calls` calls the host as often as its argument says. It
/// has read-only data, 16 KiB of read-write data and 64 KiB of stack; one page of 64 KiB in Wasm.
///
/// # Errors
/// If it cannot be made.
pub(crate) fn small_program(kind: Kind) -> Result<Vec<u8>> {
    let set = match kind.format() {
        Format::Name => return Ok(Vec::new()),
        Format::Wasm => return Ok(wasm::SMALL.as_bytes().to_vec()),
        Format::Jam => InstructionSet::JamV1,
        Format::Blob | Format::Linked => InstructionSet::Latest64,
    };
    let mut code = CodeBuilder::new(set);
    code.push(Instruction::jump_indirect(Reg::ra, 0));
    code.push(Instruction::ecalli(0));
    code.push(Instruction::add_imm_64(Reg::a0, Reg::a0, -1));
    code.push(Item { instruction: Instruction::branch_not_eq_imm(Reg::a0, 0, 0), target: Some(1) });
    code.push(Instruction::jump_indirect(Reg::ra, 0));
    let layout = code.build()?;
    let mut program = ProgramBuilder::new(&layout);
    program.ro_data(vec![1; 5000]).rw_data(vec![2; 5000]).rw_data_size(16 << 10).stack_size(64 << 10);
    program.import(b"host").export(layout.offsets[0], b"empty").export(layout.offsets[1], b"calls");
    Ok(program.build()?.to_blob()?)
}

fn fixture(name: &str, extension: &str) -> Result<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../guest/fixtures/{name}.{extension}"));
    std::fs::read(&path).with_context(|| path.display().to_string())
}

fn link_theirs(elf: &[u8], set: polkavm_linker::TargetInstructionSet) -> Result<Vec<u8>> {
    let mut config = polkavm_linker::Config::default();
    config.set_strip(true);
    polkavm_linker::program_from_elf(config, set, elf).map_err(|error| anyhow::anyhow!("polkavm-linker: {error}"))
}

fn link_ours(elf: &[u8]) -> Result<Vec<u8>> {
    let config = pvm_linker::Config { opt_level: 2, ..pvm_linker::Config::default() };
    Ok(pvm_linker::link(elf, &config)?.to_polkavm_blob()?)
}
