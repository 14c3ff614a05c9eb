//! Meanings: what an instruction does, as a small closed set of shapes over the functions of [`crate::semantics`].

/// A memory access: width in bits and how a load extends.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(non_camel_case_types, missing_docs)]
pub enum Access {
    u8,
    i8,
    u16,
    i16,
    u32,
    i32,
    u64,
}

impl Access {
    /// Bytes touched: 1, 2, 4 or 8.
    pub const fn bytes(self) -> u32 {
        match self {
            Access::u8 | Access::i8 => 1,
            Access::u16 | Access::i16 => 2,
            Access::u32 | Access::i32 => 4,
            Access::u64 => 8,
        }
    }
}

/// A comparison of two register values.
pub type Condition = fn(u64, u64) -> bool;

/// What an instruction does. Operand roles are those of isa.tsv: `d` destination, `a`, `b` sources, `I` immediate
/// (sign-extended to 64 bits), `O` code offset.
#[derive(Clone, Copy, Debug)]
pub enum Meaning {
    /// Stops the guest.
    Trap,
    /// Ends the block and continues.
    Fallthrough,
    /// Nothing; a hint to the gas model.
    Unlikely,
    /// Fills memory (isa.md 7.5).
    Memset,
    /// Grows the heap (isa.md 7.4).
    Sbrk,
    /// Asks the host.
    Ecalli,
    /// `d = X`, 64 bits.
    LoadImm64,
    /// `d = I`.
    LoadImm,
    /// `d = a`.
    MoveReg,
    /// Goes to `O`.
    Jump,
    /// Goes to dynamic address `a + I`.
    JumpIndirect,
    /// `d = I`, then goes to `O`.
    LoadImmAndJump,
    /// `d = I`, then goes to dynamic address `base + J` with the old base.
    LoadImmAndJumpIndirect,
    /// Goes to `O` if the condition holds of `a` and `b`.
    Branch(Condition),
    /// Goes to `O` if the condition holds of `a` and `I`.
    BranchImm(Condition),
    /// `d = a` if the condition holds of `b` and 0.
    Cmov(Condition),
    /// `d = I` if the condition holds of `c` and 0.
    CmovImm(Condition),
    /// `d = f(a)`.
    Unary(fn(u64) -> u64),
    /// `d = f(a)`, another function when registers are 32 bits wide.
    UnarySized(fn(u64) -> u64, fn(u64) -> u64),
    /// `d = f(a, b)`.
    Binary(fn(u64, u64) -> u64),
    /// `d = f(a, b)`, another function when registers are 32 bits wide.
    BinarySized(fn(u64, u64) -> u64, fn(u64, u64) -> u64),
    /// `d = f(a, I)`.
    BinaryImm(fn(u64, u64) -> u64),
    /// `d = f(I, a)`.
    BinaryImmAlt(fn(u64, u64) -> u64),
    /// `d = [I]`.
    Load(Access),
    /// `[I] = s`.
    Store(Access),
    /// `[A] = V`.
    StoreImm(Access),
    /// `d = [base + I]`.
    LoadIndirect(Access),
    /// `[base + I] = s`.
    StoreIndirect(Access),
    /// `[base + O] = V`.
    StoreImmIndirect(Access),
}

macro_rules! meaning {
    ($kind:ident) => { $crate::meaning::Meaning::$kind };
    (Load($access:ident)) => { $crate::meaning::Meaning::Load($crate::meaning::Access::$access) };
    (Store($access:ident)) => { $crate::meaning::Meaning::Store($crate::meaning::Access::$access) };
    (StoreImm($access:ident)) => { $crate::meaning::Meaning::StoreImm($crate::meaning::Access::$access) };
    (LoadIndirect($access:ident)) => { $crate::meaning::Meaning::LoadIndirect($crate::meaning::Access::$access) };
    (StoreIndirect($access:ident)) => { $crate::meaning::Meaning::StoreIndirect($crate::meaning::Access::$access) };
    (StoreImmIndirect($access:ident)) => { $crate::meaning::Meaning::StoreImmIndirect($crate::meaning::Access::$access) };
    ($kind:ident($($function:tt)*)) => { $crate::meaning::Meaning::$kind($($function)*) };
}
pub(crate) use meaning;
