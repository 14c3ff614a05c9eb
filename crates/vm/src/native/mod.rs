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
mod step;

pub(crate) use guest::Guest;
pub(crate) use run::Ended;

use crate::config::CpuFeatures;
use crate::program_counter::ProgramCounter;
use core::sync::atomic::{AtomicU32, Ordering};
use pvm_compiler::{CompileError, Features, Output, Site};
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
    output: Output,
    code: Code,
    /// See [`Program::machine_code_offsets`].
    offsets: OnceLock<Vec<(ProgramCounter, u32)>>,
    /// What guests' memory starts with; made for the first one.
    template: OnceLock<Arc<Template>>,
    /// The engine's, which lives as long as its last module.
    pool: Arc<Pool>,
    /// Code offsets at which guests were entered and that are jump targets, each where its low bits say.
    entries: [AtomicU32; ENTRIES],
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
    pub(crate) fn new(image: &Arc<Image>, choice: CpuFeatures, pool: &Arc<Pool>) -> Result<Program, Unsupported> {
        if image.step_tracing {
            return Err(Unsupported::Option("step tracing"));
        }
        if !memory::has_whole_pages(&image.memory) {
            return Err(Unsupported::Option("a memory map of parts of pages"));
        }
        let jump_table = JumpTable::new(&image.jump_table, image.jump_table_entry_size);
        let output = pvm_compiler::compile(image.code(), jump_table, image.gas.as_deref(), features(choice))?;
        let code = Code::load(&output)?;
        let entries = [const { AtomicU32::new(0) }; ENTRIES];
        let (image, pool) = (Arc::clone(image), Arc::clone(pool));
        Ok(Program { image, output, code, offsets: OnceLock::new(), template: OnceLock::new(), pool, entries })
    }

    /// The machine code.
    pub(crate) fn machine_code(&self) -> &[u8] {
        self.code.text()
    }

    /// Where the machine code is loaded.
    pub(crate) fn machine_code_origin(&self) -> u64 {
        pvm_num::casts::to_u64(self.code.address())
    }

    /// Where in the machine code each instruction is entered, by code offset.
    pub(crate) fn machine_code_offsets(&self) -> &[(ProgramCounter, u32)] {
        self.offsets.get_or_init(|| {
            let starts = self.image.code().iter().map(|located| located.offset);
            starts.filter_map(|pc| Some((ProgramCounter(pc), self.output.at(pc)?))).collect()
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

    #[inline]
    fn site(&self, number: u32) -> &Site {
        self.output.site(number).expect("guests leave at sites")
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
