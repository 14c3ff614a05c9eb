//! The calling convention: Rust values in argument and result registers.

use crate::{Reg, RegValue};
use pvm_num::casts::{
    high_u32, low_u32, sign_extend_32, signed_32, signed_64, to_u64, to_usize_saturating, unsigned_32, unsigned_64,
    widen,
};

/// Registers of a call: the values, and how many have been written or read.
pub struct Registers {
    is_64_bit: bool,
    values: [RegValue; Reg::MAXIMUM_INPUT_REGS],
    used: usize,
}

impl Registers {
    #[inline]
    pub(crate) fn new(is_64_bit: bool) -> Self {
        Registers { is_64_bit, values: [0; Reg::MAXIMUM_INPUT_REGS], used: 0 }
    }

    /// Those of a guest.
    #[inline]
    pub(crate) fn of(is_64_bit: bool, values: [RegValue; Reg::MAXIMUM_INPUT_REGS]) -> Self {
        Registers { is_64_bit, values, used: 0 }
    }

    #[inline]
    pub(crate) fn written(&self) -> &[RegValue] {
        &self.values[..self.used]
    }

    #[inline]
    fn push(&mut self, value: RegValue) {
        let slot = self.values.get_mut(self.used).expect("arguments fit the nine argument registers");
        *slot = value;
        self.used += 1;
    }

    #[inline]
    fn pull(&mut self) -> RegValue {
        let value = self.values.get(self.used).expect("arguments fit the nine argument registers");
        self.used += 1;
        *value
    }
}

/// A type that travels in registers.
pub trait AbiTy: Sized {
    /// How many registers it takes.
    fn registers(is_64_bit: bool) -> usize;
    /// Writes the value to the next registers.
    fn push(self, registers: &mut Registers);
    /// Reads a value from the next registers.
    fn pull(registers: &mut Registers) -> Self;
}

impl AbiTy for u32 {
    #[inline]
    fn registers(_: bool) -> usize {
        1
    }

    #[inline]
    fn push(self, registers: &mut Registers) {
        registers.push(widen(self));
    }

    #[inline]
    fn pull(registers: &mut Registers) -> Self {
        low_u32(registers.pull())
    }
}

/// Sign-extended to 64-bit registers.
impl AbiTy for i32 {
    #[inline]
    fn registers(_: bool) -> usize {
        1
    }

    #[inline]
    fn push(self, registers: &mut Registers) {
        let value = unsigned_32(self);
        registers.push(if registers.is_64_bit { sign_extend_32(value) } else { widen(value) });
    }

    #[inline]
    fn pull(registers: &mut Registers) -> Self {
        signed_32(low_u32(registers.pull()))
    }
}

/// In two registers, low half first, where they have 32 bits.
impl AbiTy for u64 {
    #[inline]
    fn registers(is_64_bit: bool) -> usize {
        if is_64_bit { 1 } else { 2 }
    }

    #[inline]
    fn push(self, registers: &mut Registers) {
        if registers.is_64_bit {
            registers.push(self);
        } else {
            registers.push(widen(low_u32(self)));
            registers.push(widen(high_u32(self)));
        }
    }

    #[inline]
    fn pull(registers: &mut Registers) -> Self {
        let value = registers.pull();
        if registers.is_64_bit { value } else { widen(low_u32(value)) | registers.pull() << 32 }
    }
}

impl AbiTy for i64 {
    #[inline]
    fn registers(is_64_bit: bool) -> usize {
        u64::registers(is_64_bit)
    }

    #[inline]
    fn push(self, registers: &mut Registers) {
        AbiTy::push(unsigned_64(self), registers);
    }

    #[inline]
    fn pull(registers: &mut Registers) -> Self {
        signed_64(<u64 as AbiTy>::pull(registers))
    }
}

/// Pointers are the guest's, 32 bits wide: addresses that mean nothing to the host.
macro_rules! pointers {
    ($($pointer:ty, $new:ident;)*) => {$(
        impl<T> AbiTy for $pointer {
            #[inline]
            fn registers(_: bool) -> usize {
                1
            }

            #[inline]
            fn push(self, registers: &mut Registers) {
                registers.push(widen(low_u32(to_u64(self.addr()))));
            }

            #[inline]
            fn pull(registers: &mut Registers) -> Self {
                std::ptr::$new(to_usize_saturating(widen(low_u32(registers.pull()))))
            }
        }
    )*};
}
pointers! {
    *const T, without_provenance;
    *mut T, without_provenance_mut;
}

/// Arguments of a call: a tuple of up to nine values that fit nine registers.
pub trait FuncArgs {
    /// How many registers they take.
    fn registers(is_64_bit: bool) -> usize;
    /// Writes them to registers.
    fn push(self, registers: &mut Registers);
}

/// The result of a call: a value in `a0` (and `a1`), or nothing.
pub trait FuncResult {
    /// Reads it from registers.
    fn pull(registers: &mut Registers) -> Self;
}

impl FuncResult for () {
    #[inline]
    fn pull(_: &mut Registers) -> Self {}
}

impl<T: AbiTy> FuncResult for T {
    #[inline]
    fn pull(registers: &mut Registers) -> Self {
        <T as AbiTy>::pull(registers)
    }
}

/// What a host function returns: a value, nothing, or either of them as a result.
pub trait ReturnTy<UserError> {
    /// Writes the value to registers, or passes the error on.
    ///
    /// # Errors
    /// That of the function.
    fn push(self, registers: &mut Registers) -> Result<(), UserError>;
}

impl<UserError> ReturnTy<UserError> for () {
    #[inline]
    fn push(self, _: &mut Registers) -> Result<(), UserError> {
        Ok(())
    }
}

impl<T: AbiTy, UserError> ReturnTy<UserError> for T {
    #[inline]
    fn push(self, registers: &mut Registers) -> Result<(), UserError> {
        AbiTy::push(self, registers);
        Ok(())
    }
}

impl<UserError> ReturnTy<UserError> for Result<(), UserError> {
    #[inline]
    fn push(self, _: &mut Registers) -> Result<(), UserError> {
        self
    }
}

impl<T: AbiTy, UserError> ReturnTy<UserError> for Result<T, UserError> {
    #[inline]
    fn push(self, registers: &mut Registers) -> Result<(), UserError> {
        AbiTy::push(self?, registers);
        Ok(())
    }
}

macro_rules! arguments {
    ($($($name:ident)*;)*) => {$(
        impl<$($name: AbiTy),*> FuncArgs for ($($name,)*) {
            #[inline]
            fn registers(_is_64_bit: bool) -> usize {
                0 $(+ $name::registers(_is_64_bit))*
            }

            #[allow(non_snake_case)]
            #[inline]
            fn push(self, _registers: &mut Registers) {
                let ($($name,)*) = self;
                $(AbiTy::push($name, _registers);)*
            }
        }
    )*};
}
arguments! {
    ;
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
    A B C D E F G H I;
}
