//! The 32 integer registers by their ABI names.

use core::fmt;
use pvm_num::casts;

macro_rules! registers {
    ($($name:ident = $number:literal),* $(,)?) => {
        /// An integer register, named as in the RISC-V psABI.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
        #[allow(non_camel_case_types, missing_docs)]
        #[repr(u8)]
        pub enum Reg {
            #[default]
            $($name = $number),*
        }

        impl Reg {
            /// All registers in order of their numbers.
            pub const ALL: [Reg; 32] = [$(Reg::$name),*];

            /// The ABI name, such as `a0`.
            pub const fn name(self) -> &'static str {
                match self { $(Reg::$name => stringify!($name)),* }
            }

            /// The number, 0 to 31.
            pub const fn number(self) -> u8 {
                match self { $(Reg::$name => $number),* }
            }
        }
    };
}

registers! {
    zero = 0, ra = 1, sp = 2, gp = 3, tp = 4, t0 = 5, t1 = 6, t2 = 7, s0 = 8, s1 = 9, a0 = 10, a1 = 11, a2 = 12,
    a3 = 13, a4 = 14, a5 = 15, a6 = 16, a7 = 17, s2 = 18, s3 = 19, s4 = 20, s5 = 21, s6 = 22, s7 = 23, s8 = 24,
    s9 = 25, s10 = 26, s11 = 27, t3 = 28, t4 = 29, t5 = 30, t6 = 31,
}

impl Reg {
    /// The register with this number, if there is one.
    pub const fn from_number(number: u8) -> Option<Reg> {
        if number < 32 { Some(Reg::from_field(casts::widen_u8(number))) } else { None }
    }

    /// The register named by the low five bits.
    pub(crate) const fn from_field(field: u32) -> Reg {
        Reg::ALL[casts::to_usize(field & 31)]
    }

    /// The number as an operand field.
    pub(crate) const fn field(self) -> u32 {
        casts::widen_u8(self.number())
    }
}

impl fmt::Display for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
