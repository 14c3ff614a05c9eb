//! Integer casts by name. The keyword `as` appears in this file only, so that every narrowing is a decision.
#![allow(clippy::as_conversions)]

/// The low 8 bits.
#[inline(always)]
pub const fn low_u8(value: u64) -> u8 {
    value as u8
}

/// The low 16 bits.
#[inline(always)]
pub const fn low_u16(value: u64) -> u16 {
    value as u16
}

/// The low 32 bits.
#[inline(always)]
pub const fn low_u32(value: u64) -> u32 {
    value as u32
}

/// The high 32 bits.
#[inline(always)]
pub const fn high_u32(value: u64) -> u32 {
    (value >> 32) as u32
}

/// The low 64 bits.
#[inline(always)]
pub const fn low_u64(value: u128) -> u64 {
    value as u64
}

/// The same bits, signed.
#[inline(always)]
pub const fn signed_32(value: u32) -> i32 {
    value as i32
}

/// The same bits, signed.
#[inline(always)]
pub const fn signed_64(value: u64) -> i64 {
    value as i64
}

/// The same bits, unsigned.
#[inline(always)]
pub const fn unsigned_32(value: i32) -> u32 {
    value as u32
}

/// The same bits, unsigned.
#[inline(always)]
pub const fn unsigned_64(value: i64) -> u64 {
    value as u64
}

/// Sign-extends the low 8 bits to 64.
#[inline(always)]
pub const fn sign_extend_8(value: u64) -> u64 {
    value as i8 as i64 as u64
}

/// Sign-extends the low 16 bits to 64.
#[inline(always)]
pub const fn sign_extend_16(value: u64) -> u64 {
    value as i16 as i64 as u64
}

/// Sign-extends 32 bits to 64 (`s32` of the specification).
#[inline(always)]
pub const fn sign_extend_32(value: u32) -> u64 {
    value as i32 as i64 as u64
}

/// Zero-extends.
#[inline(always)]
pub const fn widen(value: u32) -> u64 {
    value as u64
}

/// Zero-extends.
#[inline(always)]
pub const fn widen_u8(value: u8) -> u32 {
    value as u32
}

/// Zero-extends to the full product width.
#[inline(always)]
pub const fn widen_u128(value: u64) -> u128 {
    value as u128
}

/// Sign-extends to the full product width.
#[inline(always)]
pub const fn widen_i128(value: u64) -> i128 {
    value as i64 as i128
}

/// The upper 64 bits of a 128-bit product.
#[inline(always)]
pub const fn upper_u64(value: i128) -> u64 {
    (value >> 64) as u64
}

/// A boolean as a register value.
#[inline(always)]
pub const fn from_bool(value: bool) -> u64 {
    value as u64
}

/// An index from 32 bits; hosts have at least 32-bit addresses.
#[inline(always)]
pub const fn to_usize(value: u32) -> usize {
    const { assert!(usize::BITS >= 32) };
    value as usize
}

/// An index from 64 bits, saturating on hosts where it does not fit, so that a bounds check still refuses it.
#[inline(always)]
pub const fn to_usize_saturating(value: u64) -> usize {
    if value > usize::MAX as u64 { usize::MAX } else { value as usize }
}

/// A length as 64 bits.
#[inline(always)]
pub const fn to_u64(value: usize) -> u64 {
    const { assert!(usize::BITS <= 64) };
    value as u64
}

/// A length as 32 bits, or none if it does not fit.
#[inline(always)]
pub const fn try_u32(value: usize) -> Option<u32> {
    if to_u64(value) > u32::MAX as u64 { None } else { Some(value as u32) }
}

/// A length as 32 bits.
///
/// # Panics
/// If the value does not fit: callers establish the bound first (a limit of [`crate::limits`]).
#[inline(always)]
#[track_caller]
pub const fn to_u32(value: usize) -> u32 {
    match try_u32(value) {
        Some(value) => value,
        None => panic!("length exceeds 32 bits although a limit was checked before"),
    }
}

/// An index as one byte.
///
/// # Panics
/// If the value does not fit.
#[inline(always)]
#[track_caller]
pub const fn to_u8(value: usize) -> u8 {
    assert!(value <= 0xff, "index exceeds one byte");
    value as u8
}
