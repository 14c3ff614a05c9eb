//! Numbers: the three notations of immediates, and the widths they may have.

use pvm_isa::Width;
use pvm_num::casts::{low_u32, sign_extend_32, signed_32, signed_64, unsigned_64};

/// An immediate as written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Immediate {
    /// Fits 32 bits, sign-extended.
    Short(i32),
    /// Needs 64 bits.
    Long(u64),
}

/// A number without sign or prefix: decimal digits only.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// The 64 bits that `0x…` or `0b…` spells.
fn bits(text: &str) -> Option<u64> {
    let (digits, radix) = match text.get(..2)? {
        "0x" => (&text[2..], 16),
        "0b" => (&text[2..], 2),
        _ => return None,
    };
    if digits.starts_with('+') { None } else { u64::from_str_radix(digits, radix).ok() }
}

/// `immX`: a value of up to 64 bits. Where registers have 32 bits, patterns of 32 bits are meant as such.
pub(crate) fn immediate(text: &str, width: Width) -> Option<Immediate> {
    let value = match (bits(text), text.strip_prefix('-')) {
        (Some(value), _) => value,
        (None, Some(digits)) => {
            let magnitude = decimal(digits).filter(|magnitude| *magnitude <= 1 << 31)?;
            unsigned_64(signed_64(magnitude).wrapping_neg())
        }
        (None, None) => decimal(text)?,
    };
    let short = low_u32(value);
    let fits = sign_extend_32(short) == value || (width == Width::Narrow && value >> 32 == 0);
    Some(if fits { Immediate::Short(signed_32(short)) } else { Immediate::Long(value) })
}

/// `imm32`: 32 bits in any notation. Listings write negative ones sign-extended to 64 bits, so that is accepted too.
pub(crate) fn immediate_32(text: &str) -> Option<i32> {
    match immediate(text, Width::Narrow)? {
        Immediate::Short(value) => Some(value),
        Immediate::Long(_) => None,
    }
}

/// A value of exactly 64 bits, in any notation.
pub(crate) fn immediate_64(text: &str) -> Option<u64> {
    match immediate(text, Width::Wide)? {
        Immediate::Short(value) => Some(sign_extend_32(pvm_num::casts::unsigned_32(value))),
        Immediate::Long(value) => Some(value),
    }
}

/// `u32dec`: 32 bits in decimal.
pub(crate) fn decimal_32(text: &str) -> Option<u32> {
    u32::try_from(decimal(text)?).ok()
}

/// A signed 64-bit decimal number.
pub(crate) fn signed_decimal(text: &str) -> Option<i64> {
    match text.strip_prefix('-') {
        Some(digits) => 0_i64.checked_sub_unsigned(decimal(digits)?),
        None => i64::try_from(decimal(text)?).ok(),
    }
}

/// Bytes in hex, blanks between digits ignored.
pub(crate) fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let mut pending = None;
    for digit in text.chars().filter(|char| !char.is_ascii_whitespace()) {
        let digit = u8::try_from(digit.to_digit(16)?).ok()?;
        match pending.take() {
            Some(high) => bytes.push(high << 4 | digit),
            None => pending = Some(digit),
        }
    }
    pending.is_none().then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notations_and_widths() {
        use Immediate::{Long, Short};
        let wide = |text| immediate(text, Width::Wide);
        assert_eq!(wide("5"), Some(Short(5)));
        assert_eq!(wide("-2147483648"), Some(Short(i32::MIN)));
        assert_eq!(wide("-2147483649"), None);
        assert_eq!(wide("4294967295"), Some(Long(0xffff_ffff)));
        assert_eq!(wide("0xffffffff"), Some(Long(0xffff_ffff)));
        assert_eq!(wide("0xffffffffffffffff"), Some(Short(-1)));
        assert_eq!(wide("0b101"), Some(Short(5)));
        assert_eq!(wide("18446744073709551615"), Some(Short(-1)));
        for bad in ["", "-", "+5", "0x", "0x+5", "0b2", "0xg", "1_0", "-0x5", "18446744073709551616", "é", "0é"] {
            assert_eq!(wide(bad), None, "{bad}");
        }
        assert_eq!(immediate("0xffffffff", Width::Narrow), Some(Short(-1)));
        assert_eq!(immediate_32("0xffffffff"), Some(-1));
        assert_eq!(immediate_32("4294967295"), Some(-1));
        assert_eq!(immediate_32("0xfffffffffffffffb"), Some(-5));
        assert_eq!(immediate_32("0x100000000"), None);
        assert_eq!(immediate_64("-1"), Some(u64::MAX));
        assert_eq!(decimal_32("4294967296"), None);
        assert_eq!(signed_decimal("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(signed_decimal("9223372036854775808"), None);
        assert_eq!(hex_bytes("0a 0B\t1"), None);
        assert_eq!(hex_bytes("0 a0B"), Some(vec![10, 11]));
    }
}
