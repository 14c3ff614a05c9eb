//! What a caller can choose.

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
    /// Leave out debug information.
    pub strip: bool,
    /// Least size of the stack in bytes; the program can ask for more. Rounded up to 4096.
    pub min_stack_size: u32,
    /// Exports that get a fixed place: the program starts with a jump to each, the one to entry `i` at offset `5 * i`.
    pub dispatch_table: Vec<Vec<u8>>,
    /// A hash of metadata kept elsewhere, which goes into the program as it is.
    pub metadata_hash: Vec<u8>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            target: None,
            opt_level: 2,
            strip: false,
            min_stack_size: STACK_SIZE_DEFAULT,
            dispatch_table: Vec::new(),
            metadata_hash: Vec::new(),
        }
    }
}
