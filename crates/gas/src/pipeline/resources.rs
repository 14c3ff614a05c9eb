//! Resources: execution units as lanes of one word, so that "does it fit" is one subtraction.

use core::fmt;
use pvm_isa::cost;
use pvm_num::casts::widen_u8;

/// A number of units of each kind: four bits per kind, the top one of which is a guard.
///
/// ```text
///   bits  16..20  12..16  8..12  4..8   0..4
///         div     mul     store  load   alu       guards: 3, 7, 11, 15, 19
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Units(u32);

/// What the processor has (gas-model.md 1).
const UNITS: cost::Units = cost::Units { alu: 4, load: 4, store: 4, mul: 1, div: 1 };

// The plan counts on it: it has one word per ALU unit and none for LOAD and STORE.
const _: () = assert!(UNITS.alu == 4 && UNITS.load >= UNITS.alu && UNITS.store >= UNITS.alu);
const _: () = assert!(UNITS.mul == 1 && UNITS.div == 1);

const GUARDS: u32 = 0x8_8888;
const LANE_MAX: u8 = 7;

impl Units {
    /// No unit.
    pub(crate) const NONE: Units = Units(0);
    /// All units of the processor.
    pub(crate) const ALL: Units = Units::new(UNITS);

    pub(crate) const fn new(units: cost::Units) -> Units {
        let cost::Units { alu, load, store, mul, div } = units;
        assert!(alu <= LANE_MAX && load <= LANE_MAX && store <= LANE_MAX && mul <= LANE_MAX && div <= LANE_MAX);
        Units(widen_u8(alu) | widen_u8(load) << 4 | widen_u8(store) << 8 | widen_u8(mul) << 12 | widen_u8(div) << 16)
    }

    /// What is left after taking `held`, if there is enough of every kind: a lane that runs short borrows from its guard.
    #[inline(always)]
    pub(crate) const fn take(self, held: Units) -> Option<Units> {
        let rest = (self.0 | GUARDS) - held.0;
        if rest & GUARDS == GUARDS { Some(Units(rest & !GUARDS)) } else { None }
    }

    /// Gives `held` back.
    #[inline(always)]
    pub(crate) const fn give(self, held: Units) -> Units {
        Units(self.0 + held.0)
    }
}

impl fmt::Debug for Units {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lane = |shift: u32| self.0 >> shift & 7;
        write!(f, "alu {} load {} store {} mul {} div {}", lane(0), lane(4), lane(8), lane(12), lane(16))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(alu: u8, load: u8, store: u8, mul: u8, div: u8) -> Units {
        Units::new(cost::Units { alu, load, store, mul, div })
    }

    #[test]
    fn a_lane_runs_short_alone() {
        assert_eq!(Units::ALL.take(units(4, 4, 4, 1, 1)), Some(Units::NONE));
        for held in [units(5, 0, 0, 0, 0), units(0, 5, 0, 0, 0), units(0, 0, 5, 0, 0), units(0, 0, 0, 2, 0)] {
            assert_eq!(Units::ALL.take(held), None, "{held:?}");
        }
        assert_eq!(Units::ALL.take(units(0, 0, 0, 0, 2)), None);
        assert_eq!(units(0, 1, 0, 0, 0).take(units(1, 1, 0, 0, 0)), None);
        assert_eq!(units(2, 1, 0, 0, 0).take(units(1, 1, 0, 0, 0)), Some(units(1, 0, 0, 0, 0)));
        assert_eq!(units(1, 0, 0, 0, 0).give(units(1, 1, 0, 0, 0)), units(2, 1, 0, 0, 0));
    }
}
