//! Addition, logic, comparison, bit counts and extensions.

use pvm_num::casts::{from_bool, low_u32, sign_extend_32, signed_64, widen};

macro_rules! binary {
    ($($name:ident($a:ident, $b:ident) = $value:expr;)*) => {
        $(#[doc = concat!("`", stringify!($name), "` of isa.tsv.")]
        #[inline(always)] pub const fn $name($a: u64, $b: u64) -> u64 { $value })*
    };
}
macro_rules! unary {
    ($($name:ident($a:ident) = $value:expr;)*) => {
        $(#[doc = concat!("`", stringify!($name), "` of isa.tsv.")]
        #[inline(always)] pub const fn $name($a: u64) -> u64 { $value })*
    };
}

binary! {
    add_32(a, b) = sign_extend_32(low_u32(a).wrapping_add(low_u32(b)));
    add_64(a, b) = a.wrapping_add(b);
    sub_32(a, b) = sign_extend_32(low_u32(a).wrapping_sub(low_u32(b)));
    sub_64(a, b) = a.wrapping_sub(b);
    negate_and_add_32(a, b) = sub_32(b, a);
    negate_and_add_64(a, b) = sub_64(b, a);
    and(a, b) = a & b;
    or(a, b) = a | b;
    xor(a, b) = a ^ b;
    and_inverted(a, b) = a & !b;
    or_inverted(a, b) = a | !b;
    xnor(a, b) = !(a ^ b);
    set_less_than_unsigned(a, b) = from_bool(a < b);
    set_less_than_signed(a, b) = from_bool(signed_64(a) < signed_64(b));
    set_greater_than_unsigned(a, b) = from_bool(a > b);
    set_greater_than_signed(a, b) = from_bool(signed_64(a) > signed_64(b));
    maximum(a, b) = if signed_64(a) > signed_64(b) { a } else { b };
    maximum_unsigned(a, b) = if a > b { a } else { b };
    minimum(a, b) = if signed_64(a) < signed_64(b) { a } else { b };
    minimum_unsigned(a, b) = if a < b { a } else { b };
}

unary! {
    count_set_bits_32(a) = widen(low_u32(a).count_ones());
    count_set_bits_64(a) = widen(a.count_ones());
    count_leading_zero_bits_32(a) = widen(low_u32(a).leading_zeros());
    count_leading_zero_bits_64(a) = widen(a.leading_zeros());
    count_trailing_zero_bits_32(a) = widen(low_u32(a).trailing_zeros());
    count_trailing_zero_bits_64(a) = widen(a.trailing_zeros());
    sign_extend_8(a) = pvm_num::casts::sign_extend_8(a);
    sign_extend_16(a) = pvm_num::casts::sign_extend_16(a);
    zero_extend_16(a) = a & 0xffff;
    reverse_byte(a) = a.swap_bytes();
    reverse_byte_32(a) = sign_extend_32(low_u32(a).swap_bytes());
}
