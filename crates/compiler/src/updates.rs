//! Updates: a load, an operation on what it gave, and a store of the result to the same place, as one native instruction.
//!
//! ```text
//! t = u64 [p + 8]                      add qword [p + 8], x
//! t = t + x                            elided
//! u64 [p + 8] = t                      elided
//! t = 1
//! ```
//!
//! The native instruction stands where the load is. It does all or nothing: where it faults the host executes the load, what follows
//! up to the store, and the store, and stops at the one that is refused. So what lies in between may be anything that is no access,
//! and cannot be entered. Behind the store neither register has its value; where the guest may stop before the register is
//! overwritten the value must be what the load gives now.

use crate::plan::{Action, Plan, REACH};
use crate::window::{Place, Window, before, behind, between, bit};
use pvm_isa::{Access, Instruction, Opcode, Reg, Width};

/// What is done to the place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Operation {
    Add,
    Sub,
    And,
    Or,
    Xor,
}

impl Operation {
    /// What an instruction does; whether to a register and an immediate.
    pub(crate) fn of(opcode: Opcode) -> Option<(Operation, bool)> {
        use Opcode as O;
        Some(match opcode {
            O::add_32 | O::add_64 => (Operation::Add, false),
            O::sub_32 | O::sub_64 => (Operation::Sub, false),
            O::and => (Operation::And, false),
            O::or => (Operation::Or, false),
            O::xor => (Operation::Xor, false),
            O::add_imm_32 | O::add_imm_64 => (Operation::Add, true),
            O::and_imm => (Operation::And, true),
            O::or_imm => (Operation::Or, true),
            O::xor_imm => (Operation::Xor, true),
            _ => return None,
        })
    }
}

/// Does this operation on what was loaded give what another load of the result would?
fn is_reloaded(access: Access, instruction: &Instruction, width: Width) -> bool {
    use Opcode as O;
    let unsigned_max = match access {
        Access::u64 => return true,
        Access::u32 | Access::i32 if width == Width::Narrow => return true,
        Access::i32 => {
            return matches!(
                instruction.opcode(),
                O::add_32 | O::sub_32 | O::add_imm_32 | O::and_imm | O::or_imm | O::xor_imm
            );
        }
        Access::u32 => i32::MAX,
        Access::u16 => 0xffff,
        Access::u8 => 0xff,
        Access::i8 | Access::i16 => return false,
    };
    match instruction.opcode() {
        O::and | O::and_imm => true,
        O::or_imm | O::xor_imm => (0..=unsigned_max).contains(&instruction.imm1()),
        _ => false,
    }
}

impl Plan {
    /// Makes a store part of the load from the same place, if all that lies between is an operation on the value.
    #[inline]
    pub(crate) fn update(&mut self, window: &Window, store: usize, width: Width) {
        use Opcode as O;
        let storing = window.instruction(store);
        let Some(at) = window.writer_before(store, storing.r1()).filter(|at| store - at < REACH) else { return };
        let instruction = window.instruction(at);
        let Some((operation, has_imm)) = Operation::of(instruction.opcode()) else { return };
        let is_double = match storing.opcode() {
            O::store_u8 | O::store_indirect_u8 | O::store_u16 | O::store_indirect_u16 => false,
            O::store_u32 | O::store_indirect_u32 => false,
            O::store_u64 | O::store_indirect_u64 => true,
            _ => return,
        };
        let is_word = matches!(instruction.opcode(), O::add_32 | O::sub_32 | O::add_imm_32);
        if is_double && is_word {
            return;
        }
        let (a, b) = (instruction.r2(), instruction.r3());
        let is_planned = self.update_of(window, (at, store), (a, (!has_imm).then_some(b)), width);
        if !is_planned && !has_imm && operation != Operation::Sub {
            self.update_of(window, (at, store), (b, Some(a)), width);
        }
    }

    /// The same, of the operation at a place on a loaded value and perhaps another register.
    fn update_of(
        &mut self,
        window: &Window,
        (at, store): (usize, usize),
        (value, other): (Reg, Option<Reg>),
        width: Width,
    ) -> bool {
        let Some(load) = window.writer_before(at, value).filter(|load| store - load <= REACH) else { return false };
        let (loading, storing) = (window.instruction(load), window.instruction(store));
        // The offset is what tells most places apart.
        if window.loads() & bit(load) == 0 || loading.imm1() != storing.imm1() {
            return false;
        }
        let Some(place) = Place::of(loading) else { return false };
        let result = storing.r1();
        let one = |reg: Option<Reg>| reg.map_or(0, |reg| 1 << reg.number());
        if Place::of(storing) != Some(place)
            || window.reader(load) != Some(at)
            || window.reader(at) != Some(store)
            || other == Some(value)
            || window.accesses() & behind(load) & before(store) != 0
            || !window.leave_alone(load, store, one(place.base()))
            || !window.leave_alone(load + 1, at, one(other))
        {
            return false;
        }
        // Values that are lost when the store is done.
        if result != value && window.dies(at, value, 0, None).is_none_or(|last| last > store) {
            return false;
        }
        let Some(last) = window.dies(store, result, one(place.base()), None) else { return false };
        let is_reloaded = || {
            result == value
                && loading.access().is_some_and(|access| is_reloaded(access, window.instruction(at), width))
                && window.is_kept(place, store, last)
        };
        if last > store && !is_reloaded() {
            return false;
        }
        let Ok(place) = u8::try_from(at) else { return false };
        self.set(load, Action::Update(place, other.unwrap_or(result)));
        self.keep(load, last);
        self.elide(at, store);
        self.elide(store, store);
        self.closed |= between(load, last);
        true
    }
}
