//! The compiler: from PVM code to x86-64 machine code, in one pass over the instructions.
//!
//! ```text
//! Code --iter--> window --plan--> emit::* --> x64::Inst --> bytes
//!                  '--> BlockMeter --> the head of the block
//! Output: frame (entry, exit) | instructions of the guest | sites
//! ```
//!
//! A *window* holds a block or a part of one. Most instructions become native ones on their own; some are fused with what uses
//! their result. The guest's registers live in 13 native ones ([`regmap`]), its memory
//! behind the segment register `gs` ([`pvm_vmctx`]). A *site* is a place where the guest stops: native code leaves there with
//! the site's number, and the host knows the rest. A memory access that faults is found by its native address; what was fused
//! before it the host executes then ([`Access`]). The code is independent of its position, and knows nothing of who runs it.
//!
//! What it deliberately does not do: step tracing and gas by the instruction are left to the interpreter.
#![forbid(unsafe_code)]

mod checks;
mod emit;
mod frame;
mod pairs;
mod plan;
pub mod regmap;
mod targets;
mod updates;
mod window;

pub use checks::RESERVE;

use checks::Checks;
use emit::Emitter;
use pvm_gas::{BlockMeter, Rule};
use pvm_num::casts::to_usize;
use pvm_program::{Code, JumpTable};
use pvm_x64::{Assembler, FixupError};
use targets::{Entries, Starts};
use thiserror::Error;

/// What the processor can do beyond the first x86-64.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Features {
    /// BMI1: `andn`, `tzcnt`.
    pub bmi1: bool,
    /// BMI2: `shlx` and its like, `rorx`, `mulx`.
    pub bmi2: bool,
    /// `lzcnt`.
    pub lzcnt: bool,
    /// `popcnt`.
    pub popcnt: bool,
}

impl Features {
    /// The first x86-64.
    pub const BASELINE: Features = Features { bmi1: false, bmi2: false, lzcnt: false, popcnt: false };
    /// All that the compiler has a use for.
    pub const ALL: Features = Features { bmi1: true, bmi2: true, lzcnt: true, popcnt: true };

    /// What the processor that this runs on can do.
    #[cfg(target_arch = "x86_64")]
    pub fn of_host() -> Features {
        Features {
            bmi1: is_x86_feature_detected!("bmi1"),
            bmi2: is_x86_feature_detected!("bmi2"),
            lzcnt: is_x86_feature_detected!("lzcnt"),
            popcnt: is_x86_feature_detected!("popcnt"),
        }
    }
}

/// Native code and all that a host must know to run it. Only [`compile`] makes it, so that who runs it can rely on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Output<'s> {
    text: &'s [u8],
    entry: u32,
    fault_exit: u32,
    jump_table: Vec<u32>,
    map: Map,
}

impl Output<'_> {
    /// The text is padded to a multiple of this.
    pub const ALIGN: usize = 64;

    /// Machine code. The jump table is expected right behind it: an address of 8 bytes for each of [`Output::jump_table`].
    pub fn text(&self) -> &[u8] {
        self.text
    }

    /// Offset in the text of a function of the C calling convention that takes the native address at which the guest goes on,
    /// while `gs` is based at the guest's address 0, and returns the number of the site at which the guest stops.
    pub fn entry(&self) -> u32 {
        self.entry
    }

    /// Offset in the text where control must be sent, with registers as they are, when the guest faulted.
    pub fn fault_exit(&self) -> u32 {
        self.fault_exit
    }

    /// Offsets in the text that jump table entries lead to.
    pub fn jump_table(&self) -> &[u32] {
        &self.jump_table
    }

    /// What there is to know of the text.
    pub fn map(&self) -> &Map {
        &self.map
    }

    /// The same, for when the text lies where it is executed.
    pub fn into_map(self) -> Map {
        self.map
    }
}

/// What lies where in machine code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Map {
    guest: core::ops::Range<u32>,
    end: u32,
    entries: Entries,
    sites: Vec<Site>,
    accesses: Vec<Place>,
    groups: Vec<Group>,
    late: Vec<u32>,
}

impl Map {
    /// Where in the text the guest's instructions lie. Before them is the code that enters and leaves, behind them that of
    /// places where guests rarely stop.
    pub fn guest(&self) -> core::ops::Range<u32> {
        self.guest.clone()
    }

    /// Where in the text all code ends; what follows is padding.
    pub fn end(&self) -> u32 {
        self.end
    }

    /// Offset in the text of an instruction; where it starts a block, of what charges the block. There is none for instructions
    /// that are fused with one before them, where the guest cannot be entered.
    #[inline]
    pub fn at(&self, pc: u32) -> Option<u32> {
        self.entries.get(pc)
    }

    /// Where the guest stopped, by the number it left in its context.
    pub fn site(&self, number: u32) -> Option<&Site> {
        self.sites.get(to_usize(number))
    }

    /// The guest's memory access that starts at an offset in the text.
    pub fn access_at(&self, offset: u32) -> Option<Access<'_>> {
        let index = self.accesses.binary_search_by_key(&offset, |access| access.offset).ok()?;
        let access = self.accesses[index];
        let Some(group) = self.groups.get(to_usize(access.group)) else {
            return Some(Access { pc: access.pc, resume: Some(offset), late: &[], is_update: false });
        };
        let start = to_usize(group.late);
        let late = self.late.get(start..start + usize::from(group.late_len)).unwrap_or(&[]);
        let resume = Some(group.resume).filter(|at| *at != Assembler::UNBOUND);
        Some(Access { pc: access.pc, resume, late, is_update: group.is_update })
    }
}

/// A memory access of the guest.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access<'a> {
    /// Code offset of the instruction.
    pub pc: u32,
    /// Offset in the text at which it can be tried again. If there is none, instructions from `pc` on must be executed otherwise,
    /// until one is met that has a place in the text.
    pub resume: Option<u32>,
    /// Code offsets of instructions before it whose results no register has yet. Executing them, in this order, with registers
    /// and memory as they are gives the state in which the access was made.
    pub late: &'a [u32],
    /// Is it a load that was made together with a store? If the load is allowed it is the store that was not: instructions from `pc`
    /// on must be executed otherwise.
    pub is_update: bool,
}

/// A native instruction that can fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Place {
    /// Its offset in the text.
    offset: u32,
    /// Code offset of the guest's instruction.
    pc: u32,
    /// Number of what more there is to know, or [`Place::ALONE`].
    group: u32,
}

impl Place {
    /// There is nothing more to know.
    const ALONE: u32 = u32::MAX;
}

/// What there is to know of an access in a fused group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Group {
    /// Offset in the text at which it can be tried again, or [`Assembler::UNBOUND`].
    resume: u32,
    /// Start and length of its part of [`Output::late`].
    late: u32,
    late_len: u8,
    is_update: bool,
}

/// A place where the guest stops.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Site {
    /// Code offset of the instruction.
    pub pc: u32,
    /// Why it stops.
    pub kind: SiteKind,
}

/// Why a guest stops at a site.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SiteKind {
    /// It asks the host; it goes on at the offset in the text.
    Ecalli {
        /// Number of the host call.
        number: u32,
        /// Code offset of the next instruction.
        next: u32,
        /// Its offset in the text.
        resume: u32,
    },
    /// It executed `memset` or `sbrk`, which the host completes; it goes on at the offset in the text.
    Complete {
        /// Offset in the text of the next instruction.
        resume: u32,
    },
    /// It executed `trap`.
    Trap,
    /// It executed what is no instruction.
    Invalid,
    /// A static jump or branch has a bad target.
    JumpTarget,
    /// An indirect jump left the jump table or met an entry that is no jump target.
    JumpIndirect,
    /// The block that starts here cannot be paid, or could but with less than the reserve left ([`Check`]). The gas it was
    /// charged is to be given back.
    OutOfGas {
        /// What the block costs.
        cost: u32,
    },
}

/// Why code cannot be compiled; it can be interpreted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("at code offset {at}: {kind}")]
pub struct CompileError {
    /// What is wrong.
    pub kind: CompileErrorKind,
    /// Code offset.
    pub at: u32,
}

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum CompileErrorKind {
    /// A block's cost does not fit an instruction.
    #[error("the block costs {cost}, at most {} can be charged at once", i32::MAX)]
    BlockCost {
        /// The cost.
        cost: u32,
    },
    /// The rule charges instructions, not blocks.
    #[error("gas is charged by the instruction")]
    PerInstruction,
    /// The code is too long for 32-bit distances.
    #[error(transparent)]
    Fixup(#[from] FixupError),
}

/// Most bytes of machine code for a byte of PVM code, apart from [`FIXED_SIZE`].
pub const BYTES_PER_BYTE_MAX: usize = 128;
/// Bytes of machine code that any program needs, and the padding of its end.
pub const FIXED_SIZE: usize = 8192;

/// When the gas is looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Check {
    /// By every block, before it is executed.
    Every,
    /// So rarely that it costs little: the guest may be entered only while at least [`RESERVE`] gas is left. It stops for want
    /// of gas ([`SiteKind::OutOfGas`]) when less would be left; then code that checks every block has to go on.
    Coarse,
}

/// Memory for compilations, one after the other.
#[derive(Default, Debug)]
pub struct Scratch {
    asm: Assembler,
}

impl Scratch {
    /// How many bytes it is.
    pub fn memory(&self) -> usize {
        self.asm.memory()
    }
}

/// Compiles code, charging blocks under a rule if there is one. Takes time and memory linear in the length of the code.
///
/// # Errors
/// If the code cannot be compiled; see [`CompileErrorKind`].
pub fn compile<'s>(
    code: Code<'_>,
    jump_table: JumpTable<'_>,
    gas: Option<(&Rule, Check)>,
    features: Features,
    scratch: &'s mut Scratch,
) -> Result<Output<'s>, CompileError> {
    if gas.is_some_and(|(rule, _)| !rule.charges_blocks()) {
        return Err(CompileError { kind: CompileErrorKind::PerInstruction, at: 0 });
    }
    let asm = core::mem::take(&mut scratch.asm);
    let emitter = match emit(code, jump_table, gas, features, Starts::unknown(code.len()), asm)? {
        emitter if emitter.starts.were_right() => emitter,
        emitter => emit(code, jump_table, gas, features, emitter.starts.known(), emitter.asm)?,
    };

    let Emitter { asm, entry, fault_exit, guest, end, mut starts, entries, .. } = emitter;
    let Emitter { sites, accesses, groups, late, bad_entry, .. } = emitter;
    scratch.asm = asm;
    let asm = &mut scratch.asm;
    asm.resolve().map_err(|error| CompileError { kind: error.into(), at: error.at })?;
    let bad_entry = asm.offset(bad_entry).expect("it is bound behind the late sites");
    let offset = |pc| if starts.contains(pc) { entries.get(pc).unwrap_or(bad_entry) } else { bad_entry };
    let jump_table = jump_table.iter().map(offset).collect();
    let text = asm.code();
    debug_assert!(text.len() <= to_usize(code.len()) * BYTES_PER_BYTE_MAX + FIXED_SIZE, "more code than promised");
    let map = Map { guest, end, entries, sites, accesses, groups, late };
    Ok(Output { text, entry, fault_exit, jump_table, map })
}

/// All machine code, without the distances of its jumps.
fn emit<'a>(
    code: Code<'a>,
    jump_table: JumpTable<'a>,
    gas: Option<(&Rule, Check)>,
    features: Features,
    starts: Starts,
    asm: Assembler,
) -> Result<Emitter<'a>, CompileError> {
    let meter = gas.map(|(rule, _)| BlockMeter::new(rule, code.set()));
    let is_coarse = gas.is_some_and(|(_, check)| check == Check::Coarse);
    let checks = is_coarse.then(Checks::new);
    let mut emitter = Emitter::new(code, jump_table, meter, checks, features, starts, asm);
    emitter.all_instructions()?;
    emitter.late_sites();
    emitter.end = emitter.here();
    emitter.asm.align(Output::ALIGN);
    emitter.asm.bind(emitter.table);
    emitter.entries.finish();
    Ok(emitter)
}
