//! The dense form of code: 16 bytes an operation, operands decoded, jump targets resolved to operation indexes.

use crate::groups::group_table;
use crate::memory::RegionIndex;
use core::cell::Cell;
use pvm_isa::Reg;

macro_rules! list_instructions {
    ($($name:ident $format:ident $family:ident [$($number:tt)*] [$($block:tt)*]
        $meaning:ident $(($($function:tt)*))? {$($cost:tt)*};)*) => {
        group_table!(define_handlers $($name)*);
    };
}

macro_rules! define_handlers {
    ([$($name:ident)*] $($group:ident = [$($part:tt)+];)*) => {
        /// What an operation does: the instruction of the same name, one of the engine's own, or a group that starts with
        /// the operation.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(non_camel_case_types)]
        #[repr(u16)]
        pub(crate) enum Handler {
            $($name,)*
            /// Start of a block: charges `x`. `y` is the block's code offset. Every jump lands on one of these.
            head,
            /// Charges `x` at the instruction `y`, where a block starts in step tracing.
            charge,
            /// Charges 1 for the instruction `y` (per-instruction metering).
            charge_one,
            /// Lets the run loop take over for a moment: stands where a block costs nothing.
            breathe,
            /// Stops before the instruction `y`; `x` is 1 if its block is still to be charged.
            step,
            /// Asks for the block at code offset `y` to be translated.
            translate,
            /// Asks for the rest of the current block, from code offset `y`, to be translated.
            resume,
            /// Continues at the head with index `x`.
            goto,
            /// `load_indirect_u64` from `sp`, most likely in the stack region.
            load_sp_u64,
            /// `store_indirect_u64` to `sp`, most likely in the stack region.
            store_sp_u64,
            $(#[doc = concat!("Group: ", stringify!($($part)+), ".")] $group,)*
        }

        impl Handler {
            /// Number of handlers.
            pub(crate) const COUNT: usize = [$(stringify!($name),)* $(stringify!($group),)*].len() + Self::OWN;
            /// Number of handlers that are neither an instruction's nor a group's.
            const OWN: usize = Handler::store_sp_u64.index() - Handler::head.index() + 1;

            /// Position among all handlers.
            #[inline(always)]
            #[allow(clippy::as_conversions)] // reading the discriminant of a fieldless enum has no other spelling
            pub(crate) const fn index(self) -> usize {
                self as usize
            }

            /// The handler of an instruction.
            pub(crate) fn of(opcode: pvm_isa::Opcode) -> Handler {
                match opcode { $(pvm_isa::Opcode::$name => Handler::$name),* }
            }
        }
    };
}
pvm_isa::instruction_table!(list_instructions);

/// One operation. What the fields hold depends on the handler; by default `r1`, `r2`, `r3` are the instruction's
/// registers and `x`, `y` its immediates, a jump target being replaced by an operation index.
///
/// A group's handler stands in its first operation and reads those behind it too, which stay as they are without it.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    pub(crate) handler: Handler,
    pub(crate) r1: Reg,
    pub(crate) r2: Reg,
    pub(crate) r3: Reg,
    /// For memory accesses, the region where the last access was found.
    pub(crate) hint: Cell<RegionIndex>,
    /// For meanings that depend on the register width, whether it is narrow; for static jumps, whether the target is in `y`
    /// rather than `x`.
    pub(crate) flag: bool,
    /// Whether the primary source is what the operation before it in the block writes.
    pub(crate) chained: bool,
    pub(crate) x: u32,
    pub(crate) y: u32,
}

impl Op {
    pub(crate) const fn new(handler: Handler, x: u32, y: u32) -> Op {
        Op {
            handler,
            r1: Reg::ra,
            r2: Reg::ra,
            r3: Reg::ra,
            hint: Cell::new(RegionIndex::ReadWrite),
            flag: false,
            chained: false,
            x,
            y,
        }
    }

    /// Where a jump keeps its target; `flag` says in which field.
    pub(crate) fn target_mut(&mut self) -> &mut u32 {
        if self.flag { &mut self.y } else { &mut self.x }
    }
}

const _: () = assert!(size_of::<Op>() == 16, "four operations share a cache line");
