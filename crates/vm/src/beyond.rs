//! Beyond polkavm: what loaders, test drivers and JAM hosts need of programs, modules and instances.

use crate::error::{Error, ErrorKind, MemoryAccessError};
use crate::program::{ArcBytes, InstructionSetKind, JamNumbering, ProgramBlob, ProgramParseError};
use crate::{Module, ProgramCounter, RETURN_TO_HOST, RawInstance, Reg};
use pvm_num::casts::{to_u64, widen};
use pvm_program::Program;

/// What the code of `jam_v1` programs must be like for a module to be made. Other sets are not judged: bad code traps
/// when it is reached.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum CodeValidation {
    /// As polkavm has it: every instruction is a known one that the bitmask marks, at most 25 bytes from the next, and the
    /// last one cannot be run through.
    #[default]
    Polkavm,
    /// As the Gray Paper 0.8 has it: the same, but the last one only has to end a block, as branches do.
    GrayPaper,
    /// Not judged either.
    Off,
}

impl ProgramBlob {
    /// Reads a JAM standard program, with or without the metadata prefix. Its code is of `isa`, always with a bitmask.
    ///
    /// # Errors
    /// If the bytes are no standard program. Its code is not judged.
    pub fn parse_spi(
        bytes: ArcBytes,
        isa: InstructionSetKind,
        numbering: JamNumbering,
    ) -> Result<Self, ProgramParseError> {
        Ok(Self::from_program(Program::parse_spi(bytes.0, isa.with_bitmask(numbering))?))
    }

    /// Reads a generic program of the Gray Paper (A.2): jump table, code and bitmask, without data, stack and names. Its
    /// code is of `isa`, always with a bitmask.
    ///
    /// # Errors
    /// If the bytes are no generic program. Its code is not judged.
    pub fn parse_generic(
        bytes: ArcBytes,
        isa: InstructionSetKind,
        numbering: JamNumbering,
    ) -> Result<Self, ProgramParseError> {
        Ok(Self::from_program(Program::parse_generic(bytes.0, isa.with_bitmask(numbering))?))
    }
}

impl InstructionSetKind {
    fn with_bitmask(self, numbering: JamNumbering) -> pvm_isa::InstructionSet {
        match (self, numbering) {
            (InstructionSetKind::Latest64, _) => pvm_isa::InstructionSet::Latest64Bitmask,
            (InstructionSetKind::JamV1, JamNumbering::Gp07) => pvm_isa::InstructionSet::Gp07,
            _ => self.set(),
        }
    }
}

impl Module {
    /// Where each block starts and what it costs under the module's gas rule, metered or not, in order of code.
    pub fn block_costs(&self) -> impl Iterator<Item = (ProgramCounter, u32)> {
        self.gas_rule().blocks(self.blob().program().code()).map(|(offset, cost)| (ProgramCounter(offset), cost))
    }
}

impl RawInstance {
    /// The instruction at which the last run stopped, whatever stopped it: also the jump that returned to the host, for
    /// which [`RawInstance::program_counter`] has none.
    pub fn last_program_counter(&self) -> Option<ProgramCounter> {
        self.machine.last_program_counter().map(ProgramCounter)
    }

    /// Writes guest memory, read-only parts of it as well.
    ///
    /// # Errors
    /// If part of the range is not there; then nothing is written.
    pub fn write_memory_forced(&mut self, address: u32, data: &[u8]) -> Result<(), MemoryAccessError> {
        Ok(self.machine.write_memory_forced(address, data)?)
    }

    /// Sets up an invocation as JAM has it (Gray Paper A.7), but for the program counter: `arguments` at the start of the
    /// auxiliary region, of which the guest sees no more; registers zeroed but for `ra` to return to the host, `sp` at the
    /// end of the stack, and address and length of the arguments in `a0` and `a1`.
    ///
    /// The module's auxiliary region must be large enough: JAM's has [`crate::JAM_ARGUMENTS_SIZE_MAX`] bytes.
    ///
    /// # Errors
    /// Under dynamic paging, or if the arguments do not fit the region.
    pub fn prepare_invocation(&mut self, arguments: &[u8]) -> Result<(), Error> {
        let map = self.module().memory_map();
        let (address, size) = (map.aux_data_address(), map.aux_data_size());
        let length = u32::try_from(arguments.len()).ok().filter(|length| *length <= size);
        let Some(length) = length else {
            return Err(ErrorKind::ArgumentsTooLong { length: to_u64(arguments.len()), size }.into());
        };
        self.set_accessible_aux_size(0)?; // clears what was there
        self.set_accessible_aux_size(length)?;
        self.machine.write_memory(address, arguments).map_err(ErrorKind::Memory)?;
        self.clear_regs();
        self.set_reg(Reg::RA, RETURN_TO_HOST);
        self.set_reg(Reg::SP, self.module().default_sp());
        self.set_reg(Reg::A0, widen(address));
        self.set_reg(Reg::A1, widen(length));
        Ok(())
    }
}
