//! What is known of a number without knowing it: single bits, and how many copies of its sign it starts with.

use pvm_isa::Opcode;
use pvm_isa::semantics::{alu, muldiv, shift};
use pvm_num::casts::{low_u32, signed_64, unsigned_64, widen};

/// Known bits of a 64-bit number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Bits {
    /// Bits that are 0.
    pub(crate) zeros: u64,
    /// Bits that are 1.
    pub(crate) ones: u64,
    /// So many of the highest bits are equal, at least; 1 to 64.
    signs: u32,
}

/// A number that is its own sign extension from 32 bits starts with so many equal bits.
const SIGNS_OF_WORD: u32 = 33;

impl Bits {
    /// Any number.
    pub(crate) const UNKNOWN: Bits = Bits { zeros: 0, ones: 0, signs: 1 };
    /// Any number that is its own sign extension from 32 bits.
    pub(crate) const WORD: Bits = Bits { zeros: 0, ones: 0, signs: SIGNS_OF_WORD };

    /// This number.
    pub(crate) const fn constant(value: u64) -> Bits {
        Bits { zeros: !value, ones: value, signs: 1 }.settled()
    }

    /// Numbers with these bits known.
    const fn new(zeros: u64, ones: u64) -> Bits {
        Bits { zeros, ones, signs: 1 }.settled()
    }

    /// Numbers that fit so many bits.
    pub(crate) const fn below(bits: u32) -> Bits {
        Bits::new(if bits >= 64 { 0 } else { u64::MAX << bits }, 0)
    }

    /// Numbers up to `max`.
    pub(crate) const fn up_to(max: u64) -> Bits {
        Bits::below(64 - max.leading_zeros())
    }

    /// Numbers that are the sign extension of so many bits, at least 1.
    pub(crate) const fn signed(bits: u32) -> Bits {
        Bits { zeros: 0, ones: 0, signs: 65 - bits }
    }

    /// What the signs say of the bits and the other way round.
    const fn settled(mut self) -> Bits {
        let top = u64::MAX << (64 - self.signs);
        if self.zeros & top != 0 {
            self.zeros |= top;
        } else if self.ones & top != 0 {
            self.ones |= top;
        }
        let zeros = self.zeros.leading_ones();
        let ones = self.ones.leading_ones();
        let known = if zeros > ones { zeros } else { ones };
        if known > self.signs {
            self.signs = known;
        }
        self
    }

    /// The number, if there is only one.
    pub(crate) const fn value(self) -> Option<u64> {
        if self.zeros | self.ones == u64::MAX { Some(self.ones) } else { None }
    }

    /// What holds of both.
    pub(crate) fn join(self, other: Bits) -> Bits {
        let signs = self.signs.min(other.signs);
        Bits { zeros: self.zeros & other.zeros, ones: self.ones & other.ones, signs }.settled()
    }

    /// What is known of its lowest bits, up to the first that is not known.
    pub(crate) const fn low_part(self) -> Bits {
        let low = (self.zeros | self.ones).trailing_ones();
        let mask = if low >= 64 { u64::MAX } else { !(u64::MAX << low) };
        Bits::new(self.zeros & mask, self.ones & mask)
    }

    /// A number of which both hold. What contradicts itself, as on a path that is never taken, is left as it was.
    pub(crate) fn and_also(self, other: Bits) -> Bits {
        let (zeros, ones) = (self.zeros | other.zeros, self.ones | other.ones);
        if zeros & ones != 0 {
            return self;
        }
        let both = Bits { zeros, ones, signs: self.signs.max(other.signs) }.settled();
        if both.zeros & both.ones == 0 { both } else { self }
    }

    /// The least number it can be, unsigned.
    pub(crate) const fn min(self) -> u64 {
        self.ones
    }

    /// The greatest number it can be, unsigned.
    pub(crate) const fn max(self) -> u64 {
        !self.zeros
    }

    /// Is it its own sign extension from 32 bits?
    pub(crate) const fn is_word(self) -> bool {
        self.signs >= SIGNS_OF_WORD
    }

    /// The least and the greatest number it can be, signed.
    fn signed_range(self) -> (i64, i64) {
        const SIGN: u64 = 1 << 63;
        let (mut min, mut max) = (self.ones, !self.zeros);
        if (self.zeros | self.ones) & SIGN == 0 {
            min |= SIGN;
            max &= !SIGN;
        }
        // The copies of an unknown sign go with it.
        let limit = i64::MAX >> (self.signs - 1);
        (signed_64(min).max(-limit - 1), signed_64(max).min(limit))
    }

    fn not(self) -> Bits {
        Bits { zeros: self.ones, ones: self.zeros, signs: self.signs }
    }

    /// The sign extension of its low 32 bits.
    fn word(self) -> Bits {
        if self.is_word() {
            return self;
        }
        let extend = |mask: u64| unsigned_64(signed_64(mask << 32) >> 32);
        // Bit 31 unknown leaves all above unknown, which a mask that is extended as a number gives.
        Bits { zeros: extend(self.zeros), ones: extend(self.ones), signs: SIGNS_OF_WORD }.settled()
    }

    /// The low 32 bits.
    fn low_word(self) -> Bits {
        Bits::new(self.zeros & widen(u32::MAX) | !widen(u32::MAX), self.ones & widen(u32::MAX))
    }
}

fn add(a: Bits, b: Bits, carry: bool) -> Bits {
    let carry = u64::from(carry);
    let most = a.max().wrapping_add(b.max()).wrapping_add(carry);
    let least = a.ones.wrapping_add(b.ones).wrapping_add(carry);
    // Where the carries into a bit are known and both bits are, the sum's bit is.
    let carries_zero = !(most ^ a.zeros ^ b.zeros);
    let carries_one = least ^ a.ones ^ b.ones;
    let known = (a.zeros | a.ones) & (b.zeros | b.ones) & (carries_zero | carries_one);
    let signs = a.signs.min(b.signs).saturating_sub(1).max(1);
    let mut sum = Bits { zeros: !most & known, ones: least & known, signs };
    // Small numbers stay small, whatever their bits.
    if let (Some(max), None) = (a.max().checked_add(b.max()).and_then(|sum| sum.checked_add(carry)), sum.value()) {
        sum.zeros |= Bits::up_to(max).zeros;
    }
    sum.settled()
}

fn multiply(a: Bits, b: Bits) -> Bits {
    let trailing = a.zeros.trailing_ones() + b.zeros.trailing_ones();
    let low = if trailing >= 64 { u64::MAX } else { !(u64::MAX << trailing) };
    let high = a.max().checked_mul(b.max()).map_or(0, |max| Bits::up_to(max).zeros);
    Bits::new(low | high, 0)
}

fn shift_left(a: Bits, amount: u32) -> Bits {
    let signs = a.signs.saturating_sub(amount).max(1);
    Bits { zeros: a.zeros << amount | !(u64::MAX << amount), ones: a.ones << amount, signs }.settled()
}

fn shift_right(a: Bits, amount: u32) -> Bits {
    Bits::new(a.zeros >> amount | !(u64::MAX >> amount), a.ones >> amount)
}

fn shift_right_signed(a: Bits, amount: u32) -> Bits {
    let shift = |mask: u64| unsigned_64(signed_64(mask) >> amount);
    Bits { zeros: shift(a.zeros), ones: shift(a.ones), signs: (a.signs + amount).min(64) }.settled()
}

fn truth(value: Option<bool>) -> Bits {
    value.map_or(Bits::below(1), |value| Bits::constant(u64::from(value)))
}

/// Is `a < b`, unsigned?
pub(crate) fn less_unsigned(a: Bits, b: Bits) -> Option<bool> {
    if a.max() < b.min() {
        Some(true)
    } else if a.min() >= b.max() {
        Some(false)
    } else {
        None
    }
}

/// Is `a < b`, signed?
pub(crate) fn less_signed(a: Bits, b: Bits) -> Option<bool> {
    let ((a_min, a_max), (b_min, b_max)) = (a.signed_range(), b.signed_range());
    if a_max < b_min {
        Some(true)
    } else if a_min >= b_max {
        Some(false)
    } else {
        None
    }
}

/// Is `a == b`?
pub(crate) fn equal(a: Bits, b: Bits) -> Option<bool> {
    match (a.value(), b.value()) {
        (Some(a), Some(b)) => Some(a == b),
        _ if a.zeros & b.ones != 0 || a.ones & b.zeros != 0 => Some(false),
        _ if a.max() < b.min() || b.max() < a.min() => Some(false),
        _ => None,
    }
}

/// What is known of the result of an instruction with three registers. Registers of 32 bits are sign-extended, as ever.
pub(crate) fn binary(opcode: Opcode, a: Bits, b: Bits) -> Bits {
    let wide_amount = b.value().map(|value| low_u32(value) & 63);
    let amount = b.value().map(|value| low_u32(value) & 31);
    let both = |function: fn(u64, u64) -> u64| match (a.value(), b.value()) {
        (Some(a), Some(b)) => Some(Bits::constant(function(a, b))),
        _ => None,
    };
    match opcode {
        Opcode::and => with_signs(Bits::new(a.zeros | b.zeros, a.ones & b.ones), a, b),
        Opcode::or => with_signs(Bits::new(a.zeros & b.zeros, a.ones | b.ones), a, b),
        Opcode::xor => xor(a, b),
        Opcode::and_inverted => binary(Opcode::and, a, b.not()),
        Opcode::or_inverted => binary(Opcode::or, a, b.not()),
        Opcode::xnor => xor(a, b).not(),
        Opcode::add_64 => add(a, b, false),
        Opcode::sub_64 => add(a, b.not(), true),
        Opcode::add_32 => add(a, b, false).word(),
        Opcode::sub_32 => add(a, b.not(), true).word(),
        Opcode::mul_64 => both(muldiv::mul_64).unwrap_or_else(|| multiply(a, b)),
        Opcode::mul_32 => both(muldiv::mul_32).unwrap_or_else(|| multiply(a.low_word(), b.low_word()).word()),
        Opcode::set_less_than_unsigned => truth(less_unsigned(a, b)),
        Opcode::set_less_than_signed => truth(less_signed(a, b)),
        Opcode::shift_logical_left_64 => wide_amount.map_or(Bits::UNKNOWN, |amount| shift_left(a, amount)),
        Opcode::shift_logical_right_64 => wide_amount.map_or(Bits::up_to(a.max()), |amount| shift_right(a, amount)),
        Opcode::shift_arithmetic_right_64 => {
            wide_amount.map_or(Bits { signs: a.signs, ..Bits::UNKNOWN }, |amount| shift_right_signed(a, amount))
        }
        Opcode::shift_logical_left_32 => amount.map_or(Bits::WORD, |amount| shift_left(a, amount).word()),
        Opcode::shift_logical_right_32 => amount.map_or(Bits::WORD, |amount| shift_right(a.low_word(), amount).word()),
        Opcode::shift_arithmetic_right_32 => amount.map_or(Bits::WORD, |amount| shift_right_signed(a.word(), amount)),
        Opcode::rotate_right_64 => both(shift::rotate_right_64).unwrap_or(Bits::UNKNOWN),
        Opcode::rotate_left_64 => both(shift::rotate_left_64).unwrap_or(Bits::UNKNOWN),
        Opcode::div_unsigned_64 => both(muldiv::div_unsigned_64).unwrap_or(match b.min() {
            0 => Bits::UNKNOWN,
            least => Bits::up_to(a.max() / least),
        }),
        Opcode::rem_unsigned_64 => both(muldiv::rem_unsigned_64).unwrap_or(match b.min() {
            0 => Bits::up_to(a.max()),
            _ => Bits::up_to(a.max().min(b.max() - 1)),
        }),
        Opcode::minimum_unsigned => both(alu::minimum_unsigned).unwrap_or(Bits::up_to(a.max().min(b.max()))),
        Opcode::maximum_unsigned => both(alu::maximum_unsigned).unwrap_or(Bits::up_to(a.max().max(b.max()))),
        Opcode::minimum | Opcode::maximum => a.join(b),
        Opcode::div_signed_32
        | Opcode::div_unsigned_32
        | Opcode::rem_signed_32
        | Opcode::rem_unsigned_32
        | Opcode::rotate_left_32
        | Opcode::rotate_right_32 => Bits::WORD,
        _ => Bits::UNKNOWN,
    }
}

fn xor(a: Bits, b: Bits) -> Bits {
    with_signs(Bits::new(a.zeros & b.zeros | a.ones & b.ones, a.zeros & b.ones | a.ones & b.zeros), a, b)
}

/// Bitwise operations keep the signs that both have.
fn with_signs(result: Bits, a: Bits, b: Bits) -> Bits {
    Bits { signs: result.signs.max(a.signs.min(b.signs)), ..result }.settled()
}

/// What is known of the result of an instruction with one source.
pub(crate) fn unary(opcode: Opcode, a: Bits) -> Bits {
    match opcode {
        Opcode::zero_extend_16 => Bits::new(a.zeros | !0xffff, a.ones & 0xffff),
        Opcode::sign_extend_8 => shift_right_signed(shift_left(a, 56), 56),
        Opcode::sign_extend_16 => shift_right_signed(shift_left(a, 48), 48),
        Opcode::count_set_bits_32
        | Opcode::count_set_bits_64
        | Opcode::count_leading_zero_bits_32
        | Opcode::count_leading_zero_bits_64
        | Opcode::count_trailing_zero_bits_32
        | Opcode::count_trailing_zero_bits_64 => Bits::below(7),
        _ => Bits::UNKNOWN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pvm_isa::Meaning;

    const NUMBERS: [u64; 12] = [
        0,
        1,
        2,
        0x7f,
        0xff,
        0x1234,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        0x7fff_ffff_ffff_ffff,
        0x8000_0000_0000_0000,
        u64::MAX,
    ];

    /// Does `bits` allow for `value`?
    fn allows(bits: Bits, value: u64) -> bool {
        let signs = value.leading_zeros().max(value.leading_ones());
        bits.zeros & value == 0 && bits.ones & !value == 0 && bits.signs <= signs
    }

    /// Descriptions of a number: exact, and of it and others.
    fn descriptions(value: u64) -> Vec<Bits> {
        let mut all = vec![Bits::UNKNOWN, Bits::constant(value), Bits::up_to(value)];
        all.extend(NUMBERS.iter().map(|other| Bits::constant(value).join(Bits::constant(*other))));
        all
    }

    #[test]
    fn results_are_among_what_is_said_of_them() {
        let mut checked = 0;
        for opcode in Opcode::ALL.iter().copied() {
            let function = match opcode.meaning() {
                Meaning::Binary(function) | Meaning::BinarySized(function, _) => function,
                _ => continue,
            };
            for (a, b) in NUMBERS.into_iter().flat_map(|a| NUMBERS.into_iter().map(move |b| (a, b))) {
                let result = function(a, b);
                for known_a in descriptions(a) {
                    for known_b in descriptions(b) {
                        let known = binary(opcode, known_a, known_b);
                        assert!(allows(known, result), "{opcode} {a:#x} {b:#x}: {known_a:x?} {known_b:x?} {known:x?}");
                        checked += 1;
                    }
                }
            }
        }
        assert!(checked > 100_000);
    }

    #[test]
    fn comparisons_are_right_where_they_say_something() {
        for (a, b) in NUMBERS.into_iter().flat_map(|a| NUMBERS.into_iter().map(move |b| (a, b))) {
            for known_a in descriptions(a) {
                for known_b in descriptions(b) {
                    let about = format!("{a:#x} {b:#x}: {known_a:x?} {known_b:x?}");
                    assert!(less_unsigned(known_a, known_b).is_none_or(|less| less == (a < b)), "{about}");
                    let less = signed_64(a) < signed_64(b);
                    assert!(less_signed(known_a, known_b).is_none_or(|known| known == less), "{about}");
                    assert!(equal(known_a, known_b).is_none_or(|equal| equal == (a == b)), "{about}");
                }
            }
        }
    }

    #[test]
    fn unary_results_are_among_what_is_said_of_them() {
        for opcode in Opcode::ALL.iter().copied() {
            let Meaning::Unary(function) = opcode.meaning() else { continue };
            for value in NUMBERS {
                for known in descriptions(value) {
                    assert!(allows(unary(opcode, known), function(value)), "{opcode} {value:#x}: {known:x?}");
                }
            }
        }
    }
}
