//! Registers and conditions, by the numbers that encodings use.

use core::fmt;

/// A general-purpose register of any width; the instruction says which part of it is meant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Reg(u8);

/// A condition on the flags (Intel's manual, volume 1, appendix B).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Cond(u8);

macro_rules! numbered {
    ($type:ident $count:literal: $($(#[$doc:meta])* $constant:ident $name:literal = $number:literal),* $(,)?) => {
        impl $type {
            $($(#[$doc])* pub const $constant: $type = $type($number);)*
            /// All of them in the order of their numbers.
            pub const ALL: [$type; $count] = [$($type::$constant),*];
            const NAMES: [&str; $count] = [$($name),*];

            /// The number that encodings use, 0 to 15.
            #[inline(always)]
            pub const fn number(self) -> u8 {
                self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Self::NAMES[usize::from(self.0)])
            }
        }
    };
}

numbered! { Reg 16:
    /// Accumulator.
    RAX "rax" = 0,
    /// Counter.
    RCX "rcx" = 1,
    /// Data.
    RDX "rdx" = 2,
    /// Base.
    RBX "rbx" = 3,
    /// Stack pointer.
    RSP "rsp" = 4,
    /// Frame pointer.
    RBP "rbp" = 5,
    /// Source index.
    RSI "rsi" = 6,
    /// Destination index.
    RDI "rdi" = 7,
    /// Register 8.
    R8 "r8" = 8,
    /// Register 9.
    R9 "r9" = 9,
    /// Register 10.
    R10 "r10" = 10,
    /// Register 11.
    R11 "r11" = 11,
    /// Register 12.
    R12 "r12" = 12,
    /// Register 13.
    R13 "r13" = 13,
    /// Register 14.
    R14 "r14" = 14,
    /// Register 15.
    R15 "r15" = 15,
}

numbered! { Cond 16:
    /// Overflow.
    O "o" = 0,
    /// No overflow.
    NO "no" = 1,
    /// Below, unsigned: the carry is set.
    B "b" = 2,
    /// Above or equal, unsigned: the carry is clear.
    AE "ae" = 3,
    /// Equal: zero.
    E "e" = 4,
    /// Not equal: not zero.
    NE "ne" = 5,
    /// Below or equal, unsigned.
    BE "be" = 6,
    /// Above, unsigned.
    A "a" = 7,
    /// Negative.
    S "s" = 8,
    /// Not negative.
    NS "ns" = 9,
    /// The low byte has an even number of ones.
    P "p" = 10,
    /// The low byte has an odd number of ones.
    NP "np" = 11,
    /// Less, signed.
    L "l" = 12,
    /// Greater or equal, signed.
    GE "ge" = 13,
    /// Less or equal, signed.
    LE "le" = 14,
    /// Greater, signed.
    G "g" = 15,
}

impl Cond {
    /// The condition that holds exactly where this one does not.
    #[inline(always)]
    pub const fn not(self) -> Cond {
        Cond(self.0 ^ 1)
    }
}
