//! The dense form of code: 16 bytes an operation, operands decoded, jump targets resolved to operation indexes.

use core::cell::Cell;
use pvm_isa::Reg;

macro_rules! define_handlers {
    ($($name:ident $format:ident $family:ident [$($number:tt)*] [$($block:tt)*]
        $meaning:ident $(($($function:tt)*))? {$($cost:tt)*};)*) => {
        /// What an operation does: the instruction of the same name, or one of the engine's own.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[allow(non_camel_case_types)]
        #[repr(u8)]
        pub(crate) enum Handler {
            $($name,)*
            /// Start of a block: charges `x`. `y` is the block's code offset. Every jump lands on one of these.
            head,
            /// Charges `x` at the instruction `y`, where a block starts in step tracing.
            charge,
            /// Charges 1 for the instruction `y` (per-instruction metering).
            charge_one,
            /// Stops before the instruction `y`; `x` is 1 if its block is still to be charged.
            step,
            /// Asks for the block at code offset `y` to be translated.
            translate,
            /// Asks for the rest of the current block, from code offset `y`, to be translated.
            resume,
            /// Continues at the head with index `x`.
            goto,
            /// `r1 = [r2 + x]`, then `r3 = r1 + r4`, both 64 bits.
            load_u64_add,
            /// `r1 = r2 ^ r3`, then `r1 = ror64(r1, x)`.
            xor_rotate_64,
            /// `r1 = r2 << x`, then `r1 = r1 + r3`.
            shift_left_add_64,
            /// `r1 = r2 + r3`, then `r4 = r1 + r5`.
            add_add_64,
            /// `r1 = r2`, then `r3 = r4`.
            move_move,
        }

        impl Handler {
            /// Number of handlers.
            pub(crate) const COUNT: usize = Handler::move_move.index() + 1;

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
pvm_isa::instruction_table!(define_handlers);

/// One operation. What the fields hold depends on the handler; by default `r1`, `r2`, `r3` are the instruction's
/// registers and `x`, `y` its immediates, a jump target being replaced by an operation index.
#[derive(Clone, Debug)]
pub(crate) struct Op {
    pub(crate) handler: Handler,
    pub(crate) r1: Reg,
    pub(crate) r2: Reg,
    pub(crate) r3: Reg,
    pub(crate) r4: Reg,
    pub(crate) r5: Reg,
    /// For memory accesses, the region where the last access was found; for meanings that depend on the register width,
    /// 1 if it is narrow; for static jumps, 1 if the target is in `y` rather than `x`.
    pub(crate) hint: Cell<u8>,
    pub(crate) x: u32,
    pub(crate) y: u32,
}

impl Op {
    pub(crate) const fn new(handler: Handler, x: u32, y: u32) -> Op {
        Op { handler, r1: Reg::ra, r2: Reg::ra, r3: Reg::ra, r4: Reg::ra, r5: Reg::ra, hint: Cell::new(0), x, y }
    }

    /// Where a jump keeps its target; `hint` says in which field.
    pub(crate) fn target_mut(&mut self) -> &mut u32 {
        if self.hint.get() == 0 { &mut self.x } else { &mut self.y }
    }
}

const _: () = assert!(size_of::<Op>() == 16, "four operations share a cache line");
