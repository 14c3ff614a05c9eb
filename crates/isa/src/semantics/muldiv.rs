//! Multiplication and division (isa.md 5: a zero divisor gives all ones and the dividend; signed overflow wraps).

use pvm_num::casts::{
    low_u32, low_u64, sign_extend_32, signed_32, signed_64, unsigned_32, unsigned_64, upper_u64, widen, widen_i128,
    widen_u128,
};

macro_rules! binary {
    ($($name:ident($a:ident, $b:ident) = $value:expr;)*) => {
        $(#[doc = concat!("`", stringify!($name), "` of isa.tsv.")]
        #[inline(always)] pub const fn $name($a: u64, $b: u64) -> u64 { $value })*
    };
}

binary! {
    mul_32(a, b) = sign_extend_32(low_u32(a).wrapping_mul(low_u32(b)));
    mul_64(a, b) = a.wrapping_mul(b);
    mul_upper_signed_signed(a, b) = upper_u64(widen_i128(a).wrapping_mul(widen_i128(b)));
    mul_upper_unsigned_unsigned(a, b) = low_u64((widen_u128(a) * widen_u128(b)) >> 64);
    mul_upper_signed_unsigned(a, b) = upper_product(a, b);
    mul_upper_signed_signed_32(a, b) = narrow_upper(signed_64(a).wrapping_mul(signed_64(b)));
    mul_upper_unsigned_unsigned_32(a, b) = narrow_upper(unsigned_product(a, b));
    mul_upper_signed_unsigned_32(a, b) = narrow_upper(signed_64(a).wrapping_mul(signed_64(widen(low_u32(b)))));
    div_unsigned_32(a, b) = match low_u32(a).checked_div(low_u32(b)) { Some(quotient) => sign_extend_32(quotient), None => u64::MAX };
    div_unsigned_64(a, b) = match a.checked_div(b) { Some(quotient) => quotient, None => u64::MAX };
    div_signed_32(a, b) = if low_u32(b) == 0 {
        u64::MAX
    } else {
        sign_extend_32(unsigned_32(signed_32(low_u32(a)).wrapping_div(signed_32(low_u32(b)))))
    };
    div_signed_64(a, b) = if b == 0 { u64::MAX } else { unsigned_64(signed_64(a).wrapping_div(signed_64(b))) };
    rem_unsigned_32(a, b) = sign_extend_32(match low_u32(a).checked_rem(low_u32(b)) { Some(rest) => rest, None => low_u32(a) });
    rem_unsigned_64(a, b) = match a.checked_rem(b) { Some(rest) => rest, None => a };
    rem_signed_32(a, b) = if low_u32(b) == 0 {
        sign_extend_32(low_u32(a))
    } else {
        sign_extend_32(unsigned_32(signed_32(low_u32(a)).wrapping_rem(signed_32(low_u32(b)))))
    };
    rem_signed_64(a, b) = if b == 0 { a } else { unsigned_64(signed_64(a).wrapping_rem(signed_64(b))) };
}

/// Upper half of signed `a` times unsigned `b`: the unsigned product, less `b` in the upper half if `a` is negative.
const fn upper_product(a: u64, b: u64) -> u64 {
    let unsigned = mul_upper_unsigned_unsigned(a, b);
    if signed_64(a) < 0 { unsigned.wrapping_sub(b) } else { unsigned }
}

const fn unsigned_product(a: u64, b: u64) -> i64 {
    signed_64(widen(low_u32(a)) * widen(low_u32(b)))
}

/// Bits 63 to 32 of a product of 32-bit registers.
const fn narrow_upper(product: i64) -> u64 {
    sign_extend_32(low_u32(unsigned_64(product) >> 32))
}
