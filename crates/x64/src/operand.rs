//! Operands in memory, and operands that may be a register or in memory.

use crate::reg::Reg;

/// What an index register is multiplied by.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scale {
    /// 1
    X1,
    /// 2
    X2,
    /// 4
    X4,
    /// 8
    X8,
}

/// A segment whose base is added to an address.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Segment {
    /// `fs:`
    Fs,
    /// `gs:`
    Gs,
}

/// A place in memory: `segment:[base + index * scale + disp]`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mem {
    pub(crate) base: Base,
    pub(crate) index: Option<(Reg, Scale)>,
    pub(crate) disp: i32,
    pub(crate) segment: Option<Segment>,
    pub(crate) narrow: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Base {
    None,
    Reg(Reg),
    Rip,
}

impl Mem {
    const fn new(base: Base) -> Mem {
        Mem { base, index: None, disp: 0, segment: None, narrow: false }
    }

    /// `[base]`
    #[inline(always)]
    pub const fn base(base: Reg) -> Mem {
        Mem::new(Base::Reg(base))
    }

    /// `[disp]`, sign-extended.
    #[inline(always)]
    pub const fn absolute(disp: i32) -> Mem {
        Mem { disp, ..Mem::new(Base::None) }
    }

    /// `[rip + disp]`: bytes from the end of the instruction.
    #[inline(always)]
    pub const fn rip(disp: i32) -> Mem {
        Mem { disp, ..Mem::new(Base::Rip) }
    }

    /// `[index * scale]`
    ///
    /// # Panics
    /// If the index is `rsp`, which cannot be one.
    #[inline(always)]
    pub const fn scaled(index: Reg, scale: Scale) -> Mem {
        Mem::new(Base::None).index(index, scale)
    }

    /// Adds `index * scale` to a base, or to none.
    ///
    /// # Panics
    /// If the index is `rsp`, which cannot be one, or the base `rip`.
    #[inline(always)]
    #[must_use]
    pub const fn index(self, index: Reg, scale: Scale) -> Mem {
        assert!(index.number() != Reg::RSP.number(), "rsp cannot be an index");
        assert!(!matches!(self.base, Base::Rip), "rip takes no index");
        Mem { index: Some((index, scale)), ..self }
    }

    /// With this displacement.
    #[inline(always)]
    #[must_use]
    pub const fn disp(self, disp: i32) -> Mem {
        Mem { disp, ..self }
    }

    /// Relative to a segment.
    #[inline(always)]
    #[must_use]
    pub const fn segment(self, segment: Segment) -> Mem {
        Mem { segment: Some(segment), ..self }
    }

    /// Computes the address, without the segment's base, modulo 2^32 (the address-size prefix).
    #[inline(always)]
    #[must_use]
    pub const fn narrow(self) -> Mem {
        Mem { narrow: true, ..self }
    }
}

/// A register or a place in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rm {
    /// A register.
    Reg(Reg),
    /// A place in memory.
    Mem(Mem),
}

impl From<Reg> for Rm {
    #[inline(always)]
    fn from(reg: Reg) -> Rm {
        Rm::Reg(reg)
    }
}

impl From<Mem> for Rm {
    #[inline(always)]
    fn from(mem: Mem) -> Rm {
        Rm::Mem(mem)
    }
}
