//! What is compared: everything a host can see of a run, in types of neither implementation.

use std::fmt;

/// How an engine and a module are set up.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Setup {
    /// Gas by the pipeline model instead of one per instruction.
    pub is_pipeline_gas: bool,
    /// Stops before every instruction.
    pub is_stepping: bool,
    /// No memory at the start; the host provides each page when it is touched, at first without permission to write.
    pub is_paged: bool,
}

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Run<'a> {
    /// With which the module was made.
    pub setup: Setup,
    /// Symbol of the export.
    pub export: &'a [u8],
    /// Values of a0..a5, t0..t2.
    pub args: [u64; 9],
    /// Gas at the start.
    pub gas: i64,
    /// Gas to go on with, once, after the first ran out.
    pub refill: i64,
    /// Read-only and read-write data, for setups where the host provides the pages.
    pub data: [&'a [u8]; 2],
    /// Most stops of any kind that are looked at.
    pub stops_max: usize,
}

/// How a run stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    /// Returned to the host.
    Finished,
    /// Trapped.
    Trap,
    /// Called the import of this number.
    Ecalli(u32),
    /// Touched a page that is not there or may not be written.
    Segfault {
        /// Its address.
        page: u32,
        /// It is there, but read-only.
        is_write_protected: bool,
    },
    /// Ran out of gas.
    NotEnoughGas,
    /// Is before an instruction.
    Step,
    /// The engine itself failed.
    Failed,
    /// Still ran after as many stops as are looked at.
    Unfinished,
}

/// A stop, with what the host can see at it.
#[derive(Clone, PartialEq, Eq)]
pub struct Call {
    /// Why it stopped.
    pub exit: Exit,
    /// Where.
    pub pc: Option<u32>,
    /// Where it would go on.
    pub next_pc: Option<u32>,
    /// ra sp t0 t1 t2 s0 s1 a0..a5
    pub regs: [u64; 13],
    /// Gas left.
    pub gas: i64,
    /// The bytes that a write to a stream names.
    pub written: Vec<u8>,
}

/// The whole run.
#[derive(Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Its stops in order; of `Step`s only a hash and the last.
    pub stops: Vec<Call>,
    /// Over all steps.
    pub steps_hash: u64,
    /// Bytes of heap at the end; zero where memory is paged.
    pub heap_size: u32,
    /// Hash of read-write data and stack at the end.
    pub memory_hash: u64,
}

impl Outcome {
    /// The last stop.
    pub fn last(&self) -> &Call {
        self.stops.last().expect("a run has at least one stop")
    }

    /// a0 at the end, with a1 above it for a program of 32 bits.
    pub fn result(&self, is_64_bit: bool) -> u64 {
        let regs = self.last().regs;
        if is_64_bit { regs[7] } else { regs[7] & 0xffff_ffff | regs[8] << 32 }
    }

    /// What does not depend on how the program was linked: exits, results, and the bytes written.
    pub fn visible(&self, is_64_bit: bool) -> Vec<(Exit, u64, Vec<u8>)> {
        let result = |stop: &Call| match stop.exit {
            Exit::Finished if is_64_bit => stop.regs[7],
            Exit::Finished => stop.regs[7] & 0xffff_ffff | stop.regs[8] << 32,
            // Import numbers differ where one linker drops what another keeps; the argument tells calls apart.
            Exit::Ecalli(_) => stop.regs[7],
            _ => 0,
        };
        let exit = |stop: &Call| if let Exit::Ecalli(_) = stop.exit { Exit::Ecalli(0) } else { stop.exit };
        self.stops.iter().map(|stop| (exit(stop), result(stop), stop.written.clone())).collect()
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} pc {:?} next {:?} gas {} regs {:x?}", self.exit, self.pc, self.next_pc, self.gas, self.regs)?;
        if self.written.is_empty() { Ok(()) } else { write!(f, " {:?}", String::from_utf8_lossy(&self.written)) }
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for stop in &self.stops {
            writeln!(f, "    {stop:?}")?;
        }
        write!(f, "    heap {} memory {:016x} steps {:016x}", self.heap_size, self.memory_hash, self.steps_hash)
    }
}

/// The shape of a module: what is known without running it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shape {
    /// Registers are 64 bits wide.
    pub is_64_bit: bool,
    /// Offsets and symbols.
    pub exports: Vec<(u32, Vec<u8>)>,
    /// Symbols, none where it cannot be read.
    pub imports: Vec<Option<Vec<u8>>>,
    /// Bytes of code.
    pub code_len: usize,
    /// Stack pointer at the start of a call.
    pub default_sp: u64,
    /// Addresses and sizes of read-only data, read-write data and stack, and the heap's base and limit.
    pub memory: [u32; 8],
    /// Offset and gas of each block that an export or a jump table entry begins.
    pub block_costs: Vec<(u32, Option<i64>)>,
}

/// What the host answers to the import of this name: a0 and, for 32 bits, a1.
pub fn host_result(symbol: &[u8], regs: &[u64; 13]) -> u64 {
    let args = [regs[7], regs[8], regs[9], regs[10], regs[11], regs[12], regs[2], regs[3], regs[4]];
    match symbol {
        b"pvm_v1_write" if args[0] == 1 || args[0] == 2 => args[2],
        b"pvm_v1_write" => u64::MAX - 8,
        _ => args.iter().zip(1..).fold(0, |sum, (&arg, factor): (_, u64)| sum.wrapping_add(arg.wrapping_mul(factor))),
    }
}
