//! What a caller can choose.

use crate::passes::PassSelection;
use pvm_isa::InstructionSet;
use pvm_num::limits::STACK_SIZE_DEFAULT;

/// How a file is linked. `Config::default()` is right for most.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Config {
    /// The instruction set. None: latest32 for 32-bit files, latest64 (in the macro-block encoding) for 64-bit ones.
    pub target: Option<InstructionSet>,
    /// How much is done to the program: 0 keeps everything as it stands in the file, 1 drops what cannot be reached, 2 does
    /// everything there is. `passes` has the list.
    pub opt_level: u8,
    /// Which passes run; all of the level by default.
    pub passes: PassSelection,
    /// Stop after so many applications of passes, to find the one that breaks a program; `trace_passes` numbers them.
    pub stop_after: Option<u32>,
    /// What the passes of level 2 aim for where they must choose.
    pub optimize: Optimize,
    /// What the passes may take for granted about the code.
    pub trust: Trust,
    /// Leave out debug information.
    pub strip: bool,
    /// Least size of the stack in bytes; the program can ask for more. Rounded up to 4096.
    pub min_stack_size: u32,
    /// Exports that get a fixed place: the program starts with a jump to each, the one to entry `i` at offset `5 * i`.
    pub dispatch_table: Vec<Vec<u8>>,
    /// Symbols for which members of archives are taken, as if a file referred to them.
    pub required_symbols: Vec<Vec<u8>>,
    /// A hash of metadata kept elsewhere, which goes into the program as it is.
    pub metadata_hash: Vec<u8>,
}

/// What is made small.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Optimize {
    /// The code.
    #[default]
    Size,
    /// What the pipeline gas model charges for running it.
    Gas,
}

/// What is taken for granted about the code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Trust {
    /// That functions keep the calling convention, as compilers make them do: a function preserves what the convention
    /// says it preserves, and nothing but a function itself touches what it saved on its stack frame.
    #[default]
    CallingConvention,
    /// Nothing: any register may be read behind any indirect jump, and any store may change any memory.
    Nothing,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            target: None,
            opt_level: 2,
            passes: PassSelection::default(),
            stop_after: None,
            optimize: Optimize::default(),
            trust: Trust::default(),
            strip: false,
            min_stack_size: STACK_SIZE_DEFAULT,
            dispatch_table: Vec::new(),
            required_symbols: Vec::new(),
            metadata_hash: Vec::new(),
        }
    }
}
