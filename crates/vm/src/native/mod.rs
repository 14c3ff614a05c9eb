//! Compiled guests: the state machine of runs (host-api.md 3) over native code in an address space.
//!
//! ```text
//! Program   output of the compiler, loaded: made once per module
//! Guest     run() --> Space::run --> a site, or a fault --> Exit
//! ```
//!
//! Everything that stops the guest is decided here from the code offset of the site or of the access that faulted; what native
//! code leaves to the host, `memset` and `sbrk`, is completed here, as are groups of instructions that native code cannot finish.

mod guest;
mod memory;
mod run;
mod scratches;
mod step;

pub(crate) use guest::Guest;
pub(crate) use run::Ended;
pub(crate) use scratches::Scratches;

use crate::config::CpuFeatures;
use crate::engine::EngineInner;
use crate::error::ErrorKind;
use crate::program_counter::ProgramCounter;
use core::sync::atomic::{AtomicU32, Ordering};
use pvm_compiler::{Check, CompileError, Features, Map, Site};
use pvm_interpreter::Image;
use pvm_isa::Instruction;
use pvm_num::casts::to_usize;
use pvm_program::{JumpTable, Located};
use pvm_sandbox::{Code, Pool, SandboxError, Template};
use std::sync::{Arc, OnceLock};
use thiserror::Error;

/// A program as native code.
#[derive(Debug)]
pub(crate) struct Program {
    image: Arc<Image>,
    /// For guests with at least as much gas left as `reserve`.
    coarse: Native,
    /// For the others, and for the last stretch of all; made when it is needed first.
    exact: OnceLock<Native>,
    /// 0 without metering.
    reserve: i64,
    features: Features,
    /// See [`Program::machine_code_offsets`].
    offsets: OnceLock<Vec<(ProgramCounter, u32)>>,
    /// What guests' memory starts with; made for the first one.
    template: OnceLock<Arc<Template>>,
    /// The engine's, which live as long as its last module.
    pool: Arc<Pool>,
    scratches: Arc<Scratches>,
    /// Code offsets at which guests were entered and that are jump targets, each where its low bits say.
    entries: [AtomicU32; ENTRIES],
}

/// Machine code.
#[derive(Debug)]
pub(crate) struct Native {
    map: Map,
    code: Code,
}

impl Native {
    fn new(
        image: &Image,
        check: Check,
        features: Features,
        scratches: &Scratches,
        pool: &Arc<Pool>,
    ) -> Result<Native, Unsupported> {
        let jump_table = JumpTable::new(&image.jump_table, image.jump_table_entry_size);
        let gas = image.gas.as_deref().map(|rule| (rule, check));
        scratches.with(|scratch| {
            let output = pvm_compiler::compile(image.code(), jump_table, gas, features, scratch)?;
            let code = Code::load(&output, Some(pool))?;
            Ok(Native { map: output.into_map(), code })
        })
    }

    #[inline]
    fn site(&self, number: u32) -> &Site {
        self.map.site(number).expect("guests leave at sites")
    }
}

/// Address spaces that an engine keeps for guests to come. Each holds its page of context and some page tables, about 40 KiB.
pub(crate) const IDLE_SPACES_MAX: usize = 128;

/// How many entries are remembered; a power of two.
const ENTRIES: usize = 64;

/// Why a program is not run as native code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub(crate) enum Unsupported {
    /// It asks for something that only the interpreter does.
    #[error("{0} is left to the interpreter")]
    Option(&'static str),
    /// Its code.
    #[error(transparent)]
    Code(#[from] CompileError),
    /// The system.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

impl From<Unsupported> for crate::Error {
    fn from(error: Unsupported) -> Self {
        match error {
            Unsupported::Sandbox(error) => ErrorKind::Sandbox(error).into(),
            _ => ErrorKind::Text(error.to_string().into()).into(),
        }
    }
}

/// Can this machine run native code of guests?
pub(crate) fn is_supported() -> bool {
    pvm_sandbox::is_supported()
}

/// What of the processor may be used.
fn features(choice: CpuFeatures) -> Features {
    match choice {
        CpuFeatures::Baseline => Features::BASELINE,
        CpuFeatures::Host => Features::of_host(),
    }
}

impl Program {
    /// Compiles and loads a program.
    pub(crate) fn new(image: &Arc<Image>, engine: &EngineInner) -> Result<Program, Unsupported> {
        if image.step_tracing {
            return Err(Unsupported::Option("step tracing"));
        }
        if !memory::has_whole_pages(&image.memory) {
            return Err(Unsupported::Option("a memory map of parts of pages"));
        }
        let features = features(engine.cpu_features);
        Ok(Program {
            coarse: Native::new(image, Check::Coarse, features, &engine.scratches, &engine.spaces)?,
            exact: OnceLock::new(),
            reserve: if image.gas.is_some() { pvm_compiler::RESERVE.into() } else { 0 },
            features,
            image: Arc::clone(image),
            offsets: OnceLock::new(),
            template: OnceLock::new(),
            pool: Arc::clone(&engine.spaces),
            scratches: Arc::clone(&engine.scratches),
            entries: [const { AtomicU32::new(0) }; ENTRIES],
        })
    }

    /// The code that checks every block, or the other.
    #[inline]
    fn native(&self, is_exact: bool) -> Result<&Native, Unsupported> {
        if is_exact { self.exact() } else { Ok(&self.coarse) }
    }

    #[cold]
    fn exact(&self) -> Result<&Native, Unsupported> {
        if let Some(native) = self.exact.get() {
            return Ok(native);
        }
        let native = Native::new(&self.image, Check::Every, self.features, &self.scratches, &self.pool)?;
        Ok(self.exact.get_or_init(|| native))
    }

    /// The machine code.
    pub(crate) fn machine_code(&self) -> &[u8] {
        self.coarse.code.text()
    }

    /// Where the machine code is loaded.
    pub(crate) fn machine_code_origin(&self) -> u64 {
        pvm_num::casts::to_u64(self.coarse.code.address())
    }

    /// Where in the machine code the guest's instructions lie, and where all of it ends.
    pub(crate) fn machine_code_extent(&self) -> (core::ops::Range<u32>, u32) {
        (self.coarse.map.guest(), self.coarse.map.end())
    }

    /// Where in the machine code each instruction is entered, by code offset.
    pub(crate) fn machine_code_offsets(&self) -> &[(ProgramCounter, u32)] {
        self.offsets.get_or_init(|| {
            let starts = self.image.code().iter().map(|located| located.offset);
            starts.filter_map(|pc| Some((ProgramCounter(pc), self.coarse.map.at(pc)?))).collect()
        })
    }

    fn template(&self) -> Result<&Arc<Template>, SandboxError> {
        if let Some(template) = self.template.get() {
            return Ok(template);
        }
        let template = Arc::new(memory::template(&self.image)?);
        Ok(self.template.get_or_init(|| template))
    }

    /// Is an offset in the code a jump target? It is quick for those asked about before.
    #[inline]
    fn is_known_jump_target(&self, pc: u32) -> bool {
        let entry = &self.entries[to_usize(pc) % ENTRIES];
        if entry.load(Ordering::Relaxed) == pc && pc != 0 {
            return true;
        }
        let is_target = self.image.code().is_jump_target(pc);
        if is_target {
            entry.store(pc, Ordering::Relaxed);
        }
        is_target
    }

    fn located(&self, pc: u32) -> Located {
        self.image.code().instruction_at(pc).expect("an instruction was compiled here")
    }

    fn instruction(&self, pc: u32) -> Instruction {
        self.located(pc).instruction
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(template) = self.template.get() {
            self.pool.forget(template);
        }
    }
}
