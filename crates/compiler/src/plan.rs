//! The plan: which instructions of a window are emitted together with another.
//!
//! ```text
//! t = a << 3                           elided
//! t = t + b                            elided
//! d = u64 [t + 8]                      its address is [b + a * 8 + 8]
//!
//! t = u64 [a]                          elided
//! d = d ^ t                            its operand is [a]
//! ```
//!
//! An *elided* instruction emits nothing, and its register keeps what it held before, which nothing sees: the one reader of the
//! value takes it from elsewhere, and where the guest stops before the register is overwritten the host executes the instruction
//! late ([`crate::Access`]). Until then, instructions behind it cannot be entered.

use crate::window::{NONE, Place, Set, WINDOW, Window, before, between, bit, ones, reads};
use pvm_isa::{Instruction, Meaning, Opcode, Reg, Width};
use pvm_x64::Scale;

/// How an instruction is emitted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    /// On its own.
    Plain,
    /// Not at all.
    Elided,
    /// The address of its access is this sum and its own offset.
    Address(Sum),
    /// Its result is this sum.
    Sum(Sum),
    /// Its second operand is what the instruction before it would have loaded, the first is this.
    Operand(Reg),
    /// It adds so that the carry flag is that of the addition.
    Carrying,
    /// Its result is the carry flag.
    CarryFlag,
    /// Its result is the sum of this and the carry flag.
    Carry(Reg),
    /// The product's half that it gives goes to its register, the other to the scratch register.
    Product,
    /// Its result is in the scratch register.
    OtherHalf,
    /// Its condition is the comparison at this place of the window.
    Condition(u8),
    /// It adds whether the comparison at this place of the window holds to this, or subtracts it.
    Counted(u8, Reg),
    /// It shifts right what would have been this, shifted left so far.
    Extension(Reg, u8),
    /// It does to the place what the operation at this place of the window, with this if with a register, does to its value.
    Update(u8, Reg),
}

/// `base + (index << shift) + offset`
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Sum {
    pub(crate) base: Option<Reg>,
    pub(crate) index: Option<(Reg, u8)>,
    pub(crate) offset: i32,
}

impl Sum {
    /// What an instruction computes, as far as 32 bits or, if it is one of 64 bits, all.
    fn of(instruction: &Instruction) -> Option<Sum> {
        use Opcode as O;
        let (a, b, imm) = (instruction.r2(), instruction.r3(), instruction.imm1());
        match instruction.opcode() {
            O::add_imm_32 | O::add_imm_64 => Some(Sum { base: Some(a), index: None, offset: imm }),
            O::add_32 | O::add_64 => Some(Sum { base: Some(a), index: Some((b, 0)), offset: 0 }),
            O::shift_logical_left_imm_32 | O::shift_logical_left_imm_64 => {
                let shift = u8::try_from(imm).ok().filter(|shift| (1..=3).contains(shift))?;
                Some(Sum { base: None, index: Some((a, shift)), offset: 0 })
            }
            _ => None,
        }
    }

    /// What an instruction computes that reads this sum from a register.
    fn then(self, register: Reg, instruction: &Instruction) -> Option<Sum> {
        use Opcode as O;
        match instruction.opcode() {
            O::add_imm_32 | O::add_imm_64 => Some(Sum { offset: self.offset.checked_add(instruction.imm1())?, ..self }),
            O::add_32 | O::add_64 => {
                let (a, b) = (instruction.r2(), instruction.r3());
                let other = match (a == register, b == register) {
                    (true, true) => return None,
                    (true, false) => b,
                    _ => a,
                };
                match self {
                    Sum { base: None, .. } => Some(Sum { base: Some(other), ..self }),
                    Sum { index: None, .. } => Some(Sum { index: Some((other, 0)), ..self }),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// The scale of an index that is shifted.
pub(crate) fn scale(shift: u8) -> Scale {
    match shift {
        0 => Scale::X1,
        1 => Scale::X2,
        2 => Scale::X4,
        _ => Scale::X8,
    }
}

/// Is only the low half of the operands of use to this addition?
fn is_word(opcode: Opcode, width: Width) -> bool {
    width == Width::Narrow || matches!(opcode, Opcode::add_32 | Opcode::add_imm_32 | Opcode::shift_logical_left_imm_32)
}

/// How far what is fused may be from what uses it.
pub(crate) const REACH: usize = 8;
/// Most instructions that are folded into one.
const CHAIN: usize = 4;

/// How each instruction of a window is emitted.
pub(crate) struct Plan {
    actions: [Action; WINDOW],
    /// For elided instructions and updates, the last instruction at which the value may have to be computed late.
    until: [u8; WINDOW],
    pub(crate) elided: Set,
    /// Loads that update their places.
    pub(crate) updates: Set,
    /// Instructions that do more than their own work, or none; all other actions are stale.
    pub(crate) special: Set,
    /// Instructions at which the guest cannot be entered.
    pub(crate) closed: Set,
}

impl Plan {
    pub(crate) fn new() -> Plan {
        Plan { actions: [Action::Plain; WINDOW], until: [NONE; WINDOW], elided: 0, updates: 0, special: 0, closed: 0 }
    }

    /// How an instruction is emitted.
    #[inline(always)]
    pub(crate) fn action(&self, index: usize) -> Action {
        if self.special >> index & 1 == 0 {
            Action::Plain
        } else if self.elided >> index & 1 != 0 {
            Action::Elided
        } else {
            self.actions[index % WINDOW]
        }
    }

    /// The sum that the address of an elided load is, if it is one.
    pub(crate) fn elided_address(&self, index: usize) -> Option<Sum> {
        match self.actions[index % WINDOW] {
            Action::Address(sum) => Some(sum),
            _ => None,
        }
    }

    /// Is an instruction emitted on its own, and can the guest be entered there?
    #[inline(always)]
    pub(crate) fn is_plain(&self, index: usize) -> bool {
        (self.special | self.closed) >> (index % WINDOW) & 1 == 0
    }

    /// Can the guest be entered at an instruction?
    #[inline(always)]
    pub(crate) fn is_open(&self, index: usize) -> bool {
        self.closed >> index & 1 == 0
    }

    /// The elided instructions and updates whose values may be missing at an instruction.
    #[inline(always)]
    pub(crate) fn missing(&self, index: usize) -> impl Iterator<Item = usize> {
        ones((self.elided | self.updates) & before(index))
            .filter(move |elided| usize::from(self.until[*elided % WINDOW]) >= index)
    }

    pub(crate) fn set(&mut self, index: usize, action: Action) {
        self.actions[index % WINDOW] = action;
        self.special |= bit(index);
    }

    /// Elides an instruction, whose value may have to be computed late at instructions up to `until`.
    pub(crate) fn elide(&mut self, index: usize, until: usize) {
        self.special |= bit(index);
        self.elided |= bit(index);
        self.until[index % WINDOW] = u8::try_from(until).unwrap_or(NONE);
        self.closed |= between(index, until);
    }

    /// Makes a load, which has its action, an update, whose value may have to be loaded late at instructions up to `until`.
    pub(crate) fn keep(&mut self, index: usize, until: usize) {
        self.updates |= bit(index);
        self.until[index % WINDOW] = u8::try_from(until).unwrap_or(NONE);
    }

    /// Plans a window.
    pub(crate) fn make(&mut self, window: &Window, width: Width, has_mulx: bool) {
        (self.elided, self.updates, self.special, self.closed) = (0, 0, 0, 0);
        for store in ones(window.stores()) {
            self.update(window, store, width);
        }
        let sums = window.sums();
        for index in ones(sums | window.feeders() | window.compares() | window.products()) {
            let at = bit(index);
            if window.feeders() & at != 0 {
                self.feed(window, index, width, has_mulx);
            } else if self.special & at != 0 {
                // It is part of a group already.
            } else if sums & at != 0 {
                self.fold(window, index, width);
            } else if window.compares() & at != 0 {
                self.compare(window, index, width);
            } else if has_mulx && width == Width::Wide {
                self.product(window, index);
            }
        }
    }

    /// Folds a sum into what uses it: another sum, or an access.
    fn fold(&mut self, window: &Window, first: usize, width: Width) {
        let Some(reader) = window.reader(first) else { return };
        if (window.sums() | window.accesses()) & bit(reader) == 0 {
            return self.extend(window, first, reader);
        }
        let mut found = None;
        let mut at = first;
        let mut register = window.instruction(first).r1();
        let mut inputs = reads(window.instruction(first));
        let Some(mut sum) = Sum::of(window.instruction(first)) else { return };
        let mut is_exact = !is_word(window.instruction(first).opcode(), width);
        // The instructions to be elided, each with the last at which its value may have to be computed late.
        let (mut members, mut count) = ([(first, first); CHAIN], 1);
        while let Some(reader) = window.reader(at)
            && count <= CHAIN
        {
            let user = window.instruction(reader);
            if reader - first > REACH
                || self.action(reader) != Action::Plain
                || !window.leave_alone(at + 1, reader, inputs)
            {
                break;
            }
            if Place::of(user).is_some() {
                if base(user) == Some(register)
                    && let Some(last) = window.dies(reader, register, inputs, None)
                {
                    members[count - 1].1 = last;
                    found = Some((count, reader, Action::Address(sum)));
                }
                break;
            }
            let Some(next) = sum.then(register, user) else { break };
            let Some(last) = window.dies(reader, register, inputs, None) else { break };
            sum = next;
            members[count - 1].1 = last;
            if is_exact || is_word(user.opcode(), width) {
                found = Some((count, reader, Action::Sum(sum)));
            }
            is_exact &= !is_word(user.opcode(), width);
            inputs |= reads(user);
            if let Some(member) = members.get_mut(count) {
                *member = (reader, reader);
            }
            count += 1;
            (at, register) = (reader, user.r1());
        }
        if let Some((count, user, action)) = found {
            self.set(user, action);
            let mut until = user;
            for (member, last) in members[..count].iter().rev() {
                // Whoever computes one of them late needs those before it, but not those behind it, whose register may have
                // another value by then.
                until = until.max(*last);
                self.elide(*member, until);
            }
        }
    }

    /// Makes what a load gives the operand of the instruction behind it.
    fn feed(&mut self, window: &Window, index: usize, width: Width, has_mulx: bool) {
        use Opcode as O;
        let user = index + 1;
        if window.reader(index) != Some(user) || self.action(user) != Action::Plain {
            return;
        }
        let (load, instruction) = (window.instruction(index), window.instruction(user));
        let (d, a, b) = (instruction.r1(), instruction.r2(), instruction.r3());
        let is_wide = matches!(load.opcode(), O::load_u64 | O::load_indirect_u64);
        let commutes = match instruction.opcode() {
            O::add_64 | O::mul_64 if is_wide => true,
            O::sub_64 if is_wide => false,
            O::and | O::or | O::xor if is_wide == (width == Width::Wide) => true,
            O::add_32 | O::mul_32 if !is_wide => true,
            O::sub_32 if !is_wide => false,
            O::mul_upper_unsigned_unsigned if is_wide && has_mulx => true,
            _ => return,
        };
        let value = load.r1();
        let other = if b == value { a } else { b };
        if d == value || other == value || !(commutes || (b == value && d == a)) {
            return;
        }
        let Some(place) = Place::of(load) else { return };
        let Some(last) = window.dies(user, value, reads(load), Some(place)) else { return };
        match self.action(index) {
            Action::Plain => self.set(index, Action::Elided),
            // Its address is a sum of elided instructions: later, the value could not be computed from it.
            Action::Address(_) if last == user => {}
            _ => return,
        }
        self.elide(index, last);
        self.set(user, Action::Operand(other));
    }
}

/// The base of an access, if nothing else of it is in that register.
fn base(instruction: &Instruction) -> Option<Reg> {
    let (base, _) = instruction.place()?;
    let is_stored =
        matches!(instruction.opcode().meaning(), Meaning::StoreIndirect(_)) && base == Some(instruction.r1());
    base.filter(|_| !is_stored)
}
