//! The 13 registers and sets of them.

use core::fmt;
use pvm_num::limits::REGISTER_COUNT;

macro_rules! registers {
    ($($name:ident = $index:literal),* $(,)?) => {
        /// A register, named as in the RISC-V E profile's ABI. The Gray Paper calls them by number only.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
        #[allow(non_camel_case_types, missing_docs)]
        #[repr(u8)]
        pub enum Reg {
            #[default]
            $($name = $index),*
        }

        impl Reg {
            /// All registers in order of their numbers.
            pub const ALL: [Reg; REGISTER_COUNT] = [$(Reg::$name),*];

            /// The ABI name, such as `a0`.
            pub const fn name(self) -> &'static str {
                match self { $(Reg::$name => stringify!($name)),* }
            }

            /// The number, 0 to 12.
            #[inline(always)]
            pub const fn index(self) -> usize {
                match self { $(Reg::$name => $index),* }
            }

            /// The register with this ABI name or Gray Paper name (`r0` to `r12`).
            pub fn from_name(name: &str) -> Option<Reg> {
                match name {
                    $(stringify!($name) => Some(Reg::$name),)*
                    _ => {
                        let digits = name.strip_prefix('r').filter(|digits| !digits.starts_with('+'))?;
                        Reg::from_number(digits.parse().ok()?)
                    }
                }
            }
        }
    };
}

registers! {
    ra = 0, sp = 1, t0 = 2, t1 = 3, t2 = 4, s0 = 5, s1 = 6, a0 = 7, a1 = 8, a2 = 9, a3 = 10, a4 = 11, a5 = 12,
}

impl Reg {
    /// Registers that carry arguments into a call, in order.
    pub const ARGUMENTS: [Reg; 9] = [Reg::a0, Reg::a1, Reg::a2, Reg::a3, Reg::a4, Reg::a5, Reg::t0, Reg::t1, Reg::t2];

    /// The register with this number, if there is one.
    #[inline]
    pub const fn from_number(number: u8) -> Option<Reg> {
        let mut index = 0;
        while index < REGISTER_COUNT {
            if index == pvm_num::casts::to_usize(pvm_num::casts::widen_u8(number)) {
                return Some(Reg::ALL[index]);
            }
            index += 1;
        }
        None
    }

    /// The register a four-bit operand field names: 13, 14 and 15 mean register 12 (isa.md 4).
    #[inline(always)]
    pub const fn from_nibble(field: u32) -> Reg {
        const TABLE: [Reg; 16] = {
            let mut table = [Reg::a5; 16];
            let mut index = 0;
            while index < REGISTER_COUNT {
                table[index] = Reg::ALL[index];
                index += 1;
            }
            table
        };
        TABLE[pvm_num::casts::to_usize(field & 15)]
    }

    /// The number as it stands in an operand field.
    #[inline]
    pub const fn number(self) -> u8 {
        pvm_num::casts::to_u8(self.index())
    }
}

impl fmt::Display for Reg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A set of registers, one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct RegSet(u16);

impl RegSet {
    /// No register.
    pub const EMPTY: RegSet = RegSet(0);
    /// All 13 registers.
    pub const ALL: RegSet = RegSet((1 << REGISTER_COUNT) - 1);

    /// The set of these registers.
    pub const fn of(regs: &[Reg]) -> RegSet {
        let mut set = RegSet::EMPTY;
        let mut index = 0;
        while index < regs.len() {
            set = set.with(regs[index]);
            index += 1;
        }
        set
    }

    /// The set and `reg`.
    pub const fn with(self, reg: Reg) -> RegSet {
        RegSet(self.0 | 1 << reg.index())
    }

    /// Those of three registers whose bit is set, the first one's lowest. Passes of the linker ask which registers an
    /// instruction uses so often that branches count.
    #[inline]
    pub(crate) const fn chosen(bits: u16, regs: [Reg; 3]) -> RegSet {
        let [first, second, third] = regs;
        RegSet((bits & 1) << first.index() | (bits >> 1 & 1) << second.index() | (bits >> 2 & 1) << third.index())
    }

    /// The set without `reg`.
    pub const fn without(self, reg: Reg) -> RegSet {
        RegSet(self.0 & !(1 << reg.index()))
    }

    /// Both sets.
    pub const fn union(self, other: RegSet) -> RegSet {
        RegSet(self.0 | other.0)
    }

    /// What is in this set but not in `other`.
    pub const fn difference(self, other: RegSet) -> RegSet {
        RegSet(self.0 & !other.0)
    }

    /// What is in both sets.
    pub const fn intersection(self, other: RegSet) -> RegSet {
        RegSet(self.0 & other.0)
    }

    /// Is `reg` in the set?
    pub const fn contains(self, reg: Reg) -> bool {
        self.0 & 1 << reg.index() != 0
    }

    /// Is the set empty?
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// One bit per register, register 0 lowest.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The registers in order of their numbers.
    pub fn iter(self) -> impl Iterator<Item = Reg> {
        let mut rest = self.0;
        core::iter::from_fn(move || {
            let index = rest.trailing_zeros();
            rest &= rest.wrapping_sub(1);
            Reg::ALL.get(pvm_num::casts::to_usize(index)).copied()
        })
    }
}
