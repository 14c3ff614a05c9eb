//! Registers under the names embedders use.

use std::fmt;

macro_rules! registers {
    ($($name:ident = $number:literal $isa:ident $raw:literal),* $(,)?) => {
        /// A general purpose register.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u32)]
        pub enum Reg {
            $(#[allow(missing_docs)] $name = $number),*
        }

        impl Reg {
            /// All of them, in order of their numbers.
            pub const ALL: [Reg; 13] = [$(Reg::$name),*];

            /// The register's number.
            pub const fn to_u32(self) -> u32 {
                match self {
                    $(Reg::$name => $number),*
                }
            }

            /// The register's number.
            pub const fn to_usize(self) -> usize {
                match self {
                    $(Reg::$name => $number),*
                }
            }

            /// Its name, such as `a0`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Reg::$name => stringify!($isa)),*
                }
            }

            /// Its name without a role, such as `r7`.
            pub const fn name_non_abi(self) -> &'static str {
                match self {
                    $(Reg::$name => $raw),*
                }
            }
        }

        impl From<Reg> for pvm_isa::Reg {
            #[inline]
            fn from(reg: Reg) -> Self {
                match reg {
                    $(Reg::$name => pvm_isa::Reg::$isa),*
                }
            }
        }

        impl From<pvm_isa::Reg> for Reg {
            #[inline]
            fn from(reg: pvm_isa::Reg) -> Self {
                match reg {
                    $(pvm_isa::Reg::$isa => Reg::$name),*
                }
            }
        }
    };
}

registers! {
    RA = 0 ra "r0", SP = 1 sp "r1", T0 = 2 t0 "r2", T1 = 3 t1 "r3", T2 = 4 t2 "r4", S0 = 5 s0 "r5", S1 = 6 s1 "r6",
    A0 = 7 a0 "r7", A1 = 8 a1 "r8", A2 = 9 a2 "r9", A3 = 10 a3 "r10", A4 = 11 a4 "r11", A5 = 12 a5 "r12",
}

impl Reg {
    /// The registers that carry arguments, in order.
    pub const ARG_REGS: [Reg; 9] = [Reg::A0, Reg::A1, Reg::A2, Reg::A3, Reg::A4, Reg::A5, Reg::T0, Reg::T1, Reg::T2];
    /// Most registers a call's arguments can take.
    pub const MAXIMUM_INPUT_REGS: usize = 9;
    /// Most registers a call's result can take.
    pub const MAXIMUM_OUTPUT_REGS: usize = 2;

    /// The register with this number; none from 13 on.
    pub const fn from_raw(value: u32) -> Option<Reg> {
        let mut index = 0;
        while index < Reg::ALL.len() {
            if Reg::ALL[index].to_u32() == value {
                return Some(Reg::ALL[index]);
            }
            index += 1;
        }
        None
    }

    /// The register as an operand.
    pub const fn raw(self) -> RawReg {
        RawReg(self)
    }
}

impl fmt::Display for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A register as it stands in an instruction. Numbers 13 to 15 have been taken for 12, as the rule is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RawReg(Reg);

impl RawReg {
    /// The register.
    pub const fn get(self) -> Reg {
        self.0
    }

    /// The register's number.
    pub const fn raw_unparsed(self) -> u32 {
        self.0.to_u32()
    }
}

impl From<Reg> for RawReg {
    fn from(reg: Reg) -> Self {
        RawReg(reg)
    }
}

impl From<pvm_isa::Reg> for RawReg {
    fn from(reg: pvm_isa::Reg) -> Self {
        RawReg(reg.into())
    }
}

impl From<RawReg> for Reg {
    fn from(reg: RawReg) -> Self {
        reg.0
    }
}

impl fmt::Debug for RawReg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for RawReg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<RawReg> for pvm_isa::Reg {
    fn from(reg: RawReg) -> Self {
        reg.0.into()
    }
}
