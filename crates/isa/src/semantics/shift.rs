//! Shifts and rotations. Amounts count modulo the operand width.

use pvm_num::casts::{low_u32, sign_extend_32, signed_32, signed_64, unsigned_32, unsigned_64};

macro_rules! binary {
    ($($name:ident($a:ident, $b:ident) = $value:expr;)*) => {
        $(#[doc = concat!("`", stringify!($name), "` of isa.tsv.")]
        #[inline(always)] pub const fn $name($a: u64, $b: u64) -> u64 { $value })*
    };
}

binary! {
    shift_logical_left_32(a, b) = sign_extend_32(low_u32(a).wrapping_shl(low_u32(b)));
    shift_logical_right_32(a, b) = sign_extend_32(low_u32(a).wrapping_shr(low_u32(b)));
    shift_arithmetic_right_32(a, b) = sign_extend_32(unsigned_32(signed_32(low_u32(a)).wrapping_shr(low_u32(b))));
    shift_logical_left_64(a, b) = a.wrapping_shl(low_u32(b));
    shift_logical_right_64(a, b) = a.wrapping_shr(low_u32(b));
    shift_arithmetic_right_64(a, b) = unsigned_64(signed_64(a).wrapping_shr(low_u32(b)));
    rotate_left_32(a, b) = sign_extend_32(low_u32(a).rotate_left(low_u32(b) & 31));
    rotate_left_64(a, b) = a.rotate_left(low_u32(b) & 63);
    rotate_right_32(a, b) = sign_extend_32(low_u32(a).rotate_right(low_u32(b) & 31));
    rotate_right_64(a, b) = a.rotate_right(low_u32(b) & 63);
}
