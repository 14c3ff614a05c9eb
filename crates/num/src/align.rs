//! Rounding to powers of two.

/// Rounds `value` up to a multiple of `alignment`, or none if the result does not fit 64 bits.
///
/// # Panics
/// If `alignment` is not a power of two.
pub const fn align_up(value: u64, alignment: u64) -> Option<u64> {
    assert!(alignment.is_power_of_two());
    match value.checked_add(alignment - 1) {
        Some(sum) => Some(sum & !(alignment - 1)),
        None => None,
    }
}

/// Rounds `value` down to a multiple of `alignment`.
///
/// # Panics
/// If `alignment` is not a power of two.
pub const fn align_down(value: u64, alignment: u64) -> u64 {
    assert!(alignment.is_power_of_two());
    value & !(alignment - 1)
}
