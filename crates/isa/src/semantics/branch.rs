//! Conditions of branches and conditional moves.

use pvm_num::casts::signed_64;

macro_rules! conditions {
    ($($(#[$doc:meta])* $name:ident($a:ident, $b:ident) = $value:expr;)*) => {
        $($(#[$doc])* #[inline(always)] pub const fn $name($a: u64, $b: u64) -> bool { $value })*
    };
}

conditions! {
    /// `a == b`
    equal(a, b) = a == b;
    /// `a != b`
    not_equal(a, b) = a != b;
    /// `a <u b`
    less_unsigned(a, b) = a < b;
    /// `a <=u b`
    less_or_equal_unsigned(a, b) = a <= b;
    /// `a >=u b`
    greater_or_equal_unsigned(a, b) = a >= b;
    /// `a >u b`
    greater_unsigned(a, b) = a > b;
    /// `a <s b`
    less_signed(a, b) = signed_64(a) < signed_64(b);
    /// `a <=s b`
    less_or_equal_signed(a, b) = signed_64(a) <= signed_64(b);
    /// `a >=s b`
    greater_or_equal_signed(a, b) = signed_64(a) >= signed_64(b);
    /// `a >s b`
    greater_signed(a, b) = signed_64(a) > signed_64(b);
}
