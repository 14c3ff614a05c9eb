//! `pvm run --trace`: each executed instruction and the registers it changed, on standard error.

use pvm::{RawInstance, Reg};
use pvm_isa::Instruction;
use pvm_isa::display::Options;
use std::io::{self, BufWriter, Stderr, Write};

/// Writes the trace of one guest.
pub(crate) struct Tracer {
    out: BufWriter<Stderr>,
    /// The instruction that comes next, and the registers before it.
    pending: Option<(u32, Instruction, [u64; 13])>,
}

impl Tracer {
    /// Nothing is traced yet.
    pub(crate) fn new() -> Self {
        Tracer { out: BufWriter::new(io::stderr()), pending: None }
    }

    /// The guest stands before an instruction.
    ///
    /// # Errors
    /// If standard error cannot be written.
    pub(crate) fn step(&mut self, guest: &RawInstance) -> io::Result<()> {
        self.finish_instruction(guest)?;
        let code = guest.module().blob().program().code();
        self.pending = guest.next_program_counter().map(|pc| {
            let pc = pc.0;
            let instruction = code.instruction_at(pc).map_or(Instruction::invalid(), |located| located.instruction);
            (pc, instruction, registers(guest))
        });
        Ok(())
    }

    /// The guest stopped: what was pending has happened, and others may write to standard error.
    ///
    /// # Errors
    /// If standard error cannot be written.
    pub(crate) fn stop(&mut self, guest: &RawInstance) -> io::Result<()> {
        self.finish_instruction(guest)?;
        self.out.flush()
    }

    fn finish_instruction(&mut self, guest: &RawInstance) -> io::Result<()> {
        let Some((pc, instruction, before)) = self.pending.take() else { return Ok(()) };
        let options = Options { width: guest.module().blob().instruction_set().width(), ..Options::default() };
        let text = instruction.display(options).to_string();
        write!(self.out, "{pc:>8}: {text}")?;
        let after = registers(guest);
        let mut separator = format!("{:1$}  // ", "", 36usize.saturating_sub(text.len()));
        for reg in Reg::ALL {
            let (old, new) = (before[reg.to_usize()], after[reg.to_usize()]);
            if old != new {
                write!(self.out, "{separator}{reg} = {new:#x}")?;
                separator = ", ".to_owned();
            }
        }
        writeln!(self.out)
    }
}

/// All registers, by number.
pub(crate) fn registers(guest: &RawInstance) -> [u64; 13] {
    Reg::ALL.map(|reg| guest.reg(reg))
}
