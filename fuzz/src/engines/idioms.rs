//! Idioms: sequences that compilers write, and that a compiler of ours may make one instruction of. With registers from a
//! small pool, their operands are often the same.

use super::batch::Writer;
use pvm_isa::{Instruction as I, Opcode as O, Reg};
use pvm_num::casts::{low_u32, signed_32};

const LOADS: [[O; 2]; 7] = [
    [O::load_u8, O::load_indirect_u8],
    [O::load_i8, O::load_indirect_i8],
    [O::load_u16, O::load_indirect_u16],
    [O::load_i16, O::load_indirect_i16],
    [O::load_u32, O::load_indirect_u32],
    [O::load_i32, O::load_indirect_i32],
    [O::load_u64, O::load_indirect_u64],
];
/// Behind those of [`LOADS`] of the same width.
const STORES: [[O; 2]; 7] = [
    [O::store_u8, O::store_indirect_u8],
    [O::store_u8, O::store_indirect_u8],
    [O::store_u16, O::store_indirect_u16],
    [O::store_u16, O::store_indirect_u16],
    [O::store_u32, O::store_indirect_u32],
    [O::store_u32, O::store_indirect_u32],
    [O::store_u64, O::store_indirect_u64],
];
const STORE_IMMS: [[O; 2]; 4] = [
    [O::store_imm_u8, O::store_imm_indirect_u8],
    [O::store_imm_u16, O::store_imm_indirect_u16],
    [O::store_imm_u32, O::store_imm_indirect_u32],
    [O::store_imm_u64, O::store_imm_indirect_u64],
];
const SETS: [O; 2] = [O::set_less_than_unsigned, O::set_less_than_signed];
const SET_IMMS: [O; 4] = [
    O::set_less_than_unsigned_imm,
    O::set_less_than_signed_imm,
    O::set_greater_than_unsigned_imm,
    O::set_greater_than_signed_imm,
];
const ADDS: [O; 2] = [O::add_64, O::add_32];
const CMOVS: [O; 2] = [O::cmov_if_zero, O::cmov_if_not_zero];
const UPPERS: [O; 3] = [O::mul_upper_unsigned_unsigned, O::mul_upper_signed_signed, O::mul_upper_signed_unsigned];
const DIVS: [[O; 2]; 4] = [
    [O::div_unsigned_64, O::rem_unsigned_64],
    [O::div_signed_64, O::rem_signed_64],
    [O::div_unsigned_32, O::rem_unsigned_32],
    [O::div_signed_32, O::rem_signed_32],
];
const LEFTS: [O; 2] = [O::shift_logical_left_imm_64, O::shift_logical_left_imm_32];
const RIGHTS: [O; 4] = [
    O::shift_logical_right_imm_64,
    O::shift_arithmetic_right_imm_64,
    O::shift_logical_right_imm_32,
    O::shift_arithmetic_right_imm_32,
];
const BRANCHES: [O; 6] = [
    O::branch_eq,
    O::branch_not_eq,
    O::branch_less_unsigned,
    O::branch_less_signed,
    O::branch_greater_or_equal_unsigned,
    O::branch_greater_or_equal_signed,
];
const BRANCH_IMMS: [O; 10] = [
    O::branch_eq_imm,
    O::branch_not_eq_imm,
    O::branch_less_unsigned_imm,
    O::branch_less_or_equal_unsigned_imm,
    O::branch_greater_or_equal_unsigned_imm,
    O::branch_greater_unsigned_imm,
    O::branch_less_signed_imm,
    O::branch_less_or_equal_signed_imm,
    O::branch_greater_or_equal_signed_imm,
    O::branch_greater_signed_imm,
];

/// Where an access goes.
#[derive(Clone, Copy)]
enum Place {
    Absolute(i32),
    Based(Reg, i32),
}

type Idiom = fn(&mut Writer<'_, '_>);

const IDIOMS: [(&str, Idiom); 24] = [
    ("load+op+store", read_modify_write),
    ("add+access", add_access),
    ("shift+add+access", shift_add_access),
    ("load+load or store+store", neighbours),
    ("store+load", forward),
    ("store_imm twice", store_imms),
    ("mul+mul_upper", wide_product),
    ("div+rem", division),
    ("add+set_less_than+add", carry),
    ("set_less_than+sub+sub", borrow),
    ("set+cmov", set_cmov),
    ("cmov+cmov", select),
    ("shl+shr", extend),
    ("shl+shr+or", rotate),
    ("xor+rotate+add", mix),
    ("moves", moves),
    ("load_imm+op", constant),
    ("not+logic", inverted),
    ("negation", negation),
    ("push and pop", stack),
    ("op chain", chain),
    ("memset", memset),
    ("ecalli", ecalli),
    ("sbrk", sbrk),
];

/// Names of the idioms, then of the ways blocks end.
pub(super) const NAMES: [&str; IDIOMS.len() + ENDS.len()] = {
    let mut names = [""; _];
    let mut at = 0;
    while at < IDIOMS.len() + ENDS.len() {
        names[at] = if at < IDIOMS.len() { IDIOMS[at].0 } else { ENDS[at - IDIOMS.len()].0 };
        at += 1;
    }
    names
};

const ENDS: [(&str, Idiom); 15] = [
    ("end: any", any_end),
    ("end: branch", branch),
    ("end: branch_imm", branch_imm),
    ("end: set+branch", set_branch),
    ("end: op+branch", op_branch),
    ("end: load+branch", load_branch),
    ("end: loop", loop_end),
    ("end: call", call),
    ("end: return", return_end),
    ("end: jump table", jump_table),
    ("end: return to host", return_to_host),
    ("end: jump", jump),
    ("end: fallthrough", fallthrough),
    ("end: load_imm+branch", constant_branch),
    ("end: invalid", invalid),
];

impl Writer<'_, '_> {
    /// One of the idioms.
    pub(super) fn idiom(&mut self) {
        let index = self.script.below(IDIOMS.len());
        self.idioms[index] += 1;
        IDIOMS[index].1(self);
    }

    /// Ends the block.
    pub(super) fn end(&mut self) {
        let index = self.script.below(ENDS.len());
        self.idioms[IDIOMS.len() + index] += 1;
        let before = self.code.items.len();
        ENDS[index].1(self);
        // Sets of 32 bits lack some instructions.
        if self.code.items.len() == before
            || !self.code.items[self.code.items.len() - 1].instruction.opcode().ends_block()
        {
            fallthrough(self);
        }
    }

    fn op3(&mut self, opcode: O, d: Reg, a: Reg, b: Reg) {
        self.push(I::with_registers(opcode, [d, a, b]));
    }

    fn op2i(&mut self, opcode: O, d: Reg, a: Reg, imm: i32) {
        self.push(I::with_registers(opcode, [d, a, a]).with_imm1(imm));
    }

    /// The same operation for both widths: that of 64 bits, sometimes that of 32.
    fn sized(&mut self, opcodes: &[O]) -> O {
        let opcode = self.script.pick(opcodes);
        if self.setup.set.supports(opcode) { opcode } else { opcodes[opcodes.len() - 1] }
    }

    fn shift_amount(&mut self) -> i32 {
        match self.script.below(4) {
            0 => 32,
            1 => self.script.pick(&[16, 24, 48, 56, 31, 33, 63, 1]),
            _ => i32::from(self.script.byte() % 64),
        }
    }

    /// A place for accesses, with a base that is good more often than not.
    fn place(&mut self) -> Place {
        match self.script.below(8) {
            0 => Place::Absolute(signed_32(self.address())),
            1 => Place::Based(Reg::sp, self.small()),
            2 => Place::Based(self.reg(), self.imm()),
            3 => {
                let [base, offset] = [self.address(), low_u32(u64::from(self.imm().cast_unsigned()))];
                let reg = self.reg();
                // The sum wraps.
                self.push(I::load_imm(reg, signed_32(base.wrapping_sub(offset))));
                Place::Based(reg, signed_32(offset))
            }
            4 => {
                let (reg, address) = (self.reg(), self.address());
                let high = self.script.byte();
                self.push(I::load_imm64(reg, u64::from(address) | u64::from(high) << 40));
                Place::Based(reg, self.small())
            }
            _ => {
                let (reg, address) = (self.reg(), self.address());
                self.push(I::load_imm(reg, signed_32(address)));
                let offset = if self.script.below(2) == 0 { 0 } else { self.small() };
                Place::Based(reg, offset)
            }
        }
    }

    fn access(&mut self, opcodes: [O; 2], value: Reg, place: Place) {
        match place {
            Place::Absolute(address) => self.push(I::with_registers(opcodes[0], [value; 3]).with_imm1(address)),
            Place::Based(base, offset) => {
                self.push(I::with_registers(opcodes[1], [value, base, base]).with_imm1(offset));
            }
        }
    }

    /// An index into [`LOADS`] that the set has.
    fn width(&mut self) -> usize {
        let width = self.script.below(LOADS.len());
        if self.setup.set.supports(LOADS[width][0]) { width } else { 5 }
    }

    fn compute(&mut self, d: Reg, a: Reg) {
        match self.script.below(8) {
            0..3 => {
                let (opcode, b) = (self.script.pick(&self.opcodes.binary), self.reg());
                match self.script.below(2) {
                    0 => self.op3(opcode, d, a, b),
                    _ => self.op3(opcode, d, b, a),
                }
            }
            3..6 => {
                let simple = [O::add_imm_64, O::add_imm_32, O::and_imm, O::or_imm, O::xor_imm];
                let (opcode, imm) = (self.sized(&simple), self.imm());
                self.op2i(opcode, d, a, imm);
            }
            6 => {
                let (opcode, imm) = (self.script.pick(&self.opcodes.binary_imm), self.imm());
                self.op2i(opcode, d, a, imm);
            }
            _ => {
                let opcode = self.script.pick(&self.opcodes.unary);
                self.op3(opcode, d, a, a);
            }
        }
    }
}

fn read_modify_write(w: &mut Writer<'_, '_>) {
    let (place, width, value) = (w.place(), w.width(), w.reg());
    w.access(LOADS[width], value, place);
    if w.script.rarely(4) {
        let [d, a] = w.regs();
        w.compute(d, a);
    }
    let result = if w.script.below(4) == 0 { w.reg() } else { value };
    match w.script.below(4) {
        0 => w.compute(result, value),
        1 => {
            let opcode = w.sized(&[O::add_imm_64, O::and_imm, O::or_imm, O::xor_imm, O::add_imm_32]);
            let imm = w.small();
            w.op2i(opcode, result, value, imm);
        }
        _ => {
            let all = [O::add_64, O::sub_64, O::and, O::or, O::xor, O::add_32, O::sub_32];
            let (opcode, other) = (w.sized(&all), w.reg());
            match w.script.below(2) {
                0 => w.op3(opcode, result, value, other),
                _ => w.op3(opcode, result, other, value),
            }
        }
    }
    let (place, width) = match w.script.below(8) {
        0 => (place, w.width()),
        1 => (w.place(), width),
        _ => (place, width),
    };
    w.access(STORES[width], result, place);
    // Nobody may need the values any more.
    if w.script.rarely(4) {
        let place = if w.script.below(2) == 0 { place } else { w.place() };
        any_access(w, place);
    }
    if w.script.below(4) != 0 {
        let imm = w.imm();
        w.push(I::load_imm(value, imm));
        if result != value {
            w.push(I::load_imm(result, imm));
        }
    }
}

fn any_access(w: &mut Writer<'_, '_>, place: Place) {
    let (width, value) = (w.width(), w.reg());
    match w.script.below(3) {
        0 => w.access(LOADS[width], value, place),
        1 => w.access(STORES[width], value, place),
        _ => {
            let opcodes = w.script.pick(&STORE_IMMS);
            let imm = w.imm();
            match place {
                Place::Absolute(address) => {
                    w.push(I::with_registers(opcodes[0], [value; 3]).with_imm1(address).with_imm2(imm))
                }
                Place::Based(base, offset) => {
                    w.push(I::with_registers(opcodes[1], [base; 3]).with_imm1(offset).with_imm2(imm));
                }
            }
        }
    }
}

fn add_access(w: &mut Writer<'_, '_>) {
    let [d, a, b] = w.regs();
    let address = w.address();
    let offset = w.small();
    if w.script.below(2) == 0 {
        w.push(I::load_imm(a, signed_32(address)));
        w.push(I::load_imm(b, offset));
    }
    match w.script.below(2) {
        0 => {
            let opcode = w.sized(&ADDS);
            w.op3(opcode, d, a, b);
        }
        _ => {
            let opcode = w.sized(&[O::add_imm_64, O::add_imm_32]);
            w.op2i(opcode, d, a, offset);
        }
    }
    let more = if w.script.below(2) == 0 { 0 } else { w.small() };
    any_access(w, Place::Based(d, more));
}

fn shift_add_access(w: &mut Writer<'_, '_>) {
    let [d, a, b, shifted] = w.regs();
    let address = w.address();
    w.push(I::load_imm(a, signed_32(address)));
    let opcode = w.sized(&LEFTS);
    let amount = match w.script.below(4) {
        0 => w.shift_amount(),
        _ => i32::from(w.script.byte() % 4),
    };
    if w.script.below(2) == 0 {
        w.push(I::and_imm(b, b, 0x1f));
    }
    w.op2i(opcode, shifted, b, amount);
    let opcode = w.sized(&ADDS);
    match w.script.below(2) {
        0 => w.op3(opcode, d, a, shifted),
        _ => w.op3(opcode, d, shifted, a),
    }
    any_access(w, Place::Based(d, 0));
}

fn neighbours(w: &mut Writer<'_, '_>) {
    let (place, width) = (w.place(), w.width());
    let opcodes = if w.script.below(2) == 0 { LOADS[width] } else { STORES[width] };
    let step = [1, 1, 2, 2, 4, 4, 8][width];
    for index in 0..2 + i32::from(w.script.byte() % 3) {
        let value = w.reg();
        let place = match place {
            Place::Absolute(address) => Place::Absolute(address.wrapping_add(step * index)),
            Place::Based(base, offset) => Place::Based(base, offset.wrapping_add(step * index)),
        };
        w.access(opcodes, value, place);
    }
}

fn forward(w: &mut Writer<'_, '_>) {
    let (place, width) = (w.place(), w.width());
    let [stored, loaded] = w.regs();
    w.access(STORES[width], stored, place);
    let width = if w.script.below(2) == 0 { width } else { w.width() };
    w.access(LOADS[width], loaded, place);
}

fn store_imms(w: &mut Writer<'_, '_>) {
    let place = w.place();
    for index in 0..2 {
        let (opcodes, imm) = (w.script.pick(&STORE_IMMS), w.imm());
        match place {
            Place::Absolute(address) => {
                w.push(I::with_registers(opcodes[0], [Reg::ra; 3]).with_imm1(address + 4 * index).with_imm2(imm));
            }
            Place::Based(base, offset) => {
                let offset = offset.wrapping_add(4 * index);
                w.push(I::with_registers(opcodes[1], [base; 3]).with_imm1(offset).with_imm2(imm));
            }
        }
    }
}

fn wide_product(w: &mut Writer<'_, '_>) {
    let [low, high, a, b] = w.regs();
    let (upper, lower) = (w.script.pick(&UPPERS), w.sized(&[O::mul_64, O::mul_64, O::mul_32]));
    let (x, y) = if w.script.below(2) == 0 { (a, b) } else { (b, a) };
    match w.script.below(2) {
        0 => {
            w.op3(lower, low, a, b);
            w.op3(upper, high, x, y);
        }
        _ => {
            w.op3(upper, high, a, b);
            w.op3(lower, low, x, y);
        }
    }
}

fn division(w: &mut Writer<'_, '_>) {
    let [d, e, a, b] = w.regs();
    let pair = w.script.pick(&DIVS);
    match w.script.below(4) {
        0 => {
            let imm = w.script.pick(&[0, -1, 1, 2, 10]);
            w.push(I::load_imm(b, imm));
        }
        1 => w.push(I::load_imm64(a, 1 << 63)),
        2 => {
            w.push(I::load_imm(a, i32::MIN));
            w.push(I::load_imm(b, -1));
        }
        _ => {}
    }
    for opcode in if w.script.below(2) == 0 { pair } else { [pair[1], pair[0]] } {
        let d = if opcode == pair[0] { d } else { e };
        w.op3(opcode, d, a, b);
    }
}

fn carry(w: &mut Writer<'_, '_>) {
    let [sum, a, b, carry, high, c] = w.regs();
    let add = w.sized(&[O::add_64, O::add_64, O::add_64, O::add_32]);
    w.op3(add, sum, a, b);
    let compared = if w.script.below(2) == 0 { a } else { b };
    let set = if w.script.below(8) == 0 { SETS[1] } else { SETS[0] };
    w.op3(set, carry, sum, compared);
    let term = if w.script.below(2) == 0 { high } else { c };
    w.op3(add, high, term, carry);
    if w.script.below(2) == 0 {
        // The carry of the next digit.
        let [sum2, d] = w.regs();
        w.op3(set, sum2, high, carry);
        w.op3(add, d, d, sum2);
    }
}

fn borrow(w: &mut Writer<'_, '_>) {
    let [difference, a, b, borrow, high] = w.regs();
    let sub = w.sized(&[O::sub_64, O::sub_64, O::sub_64, O::sub_32]);
    w.op3(SETS[0], borrow, a, b);
    w.op3(sub, difference, a, b);
    w.op3(sub, high, high, borrow);
}

fn any_set(w: &mut Writer<'_, '_>, d: Reg) {
    let [a, b] = w.regs();
    match w.script.below(4) {
        0 => {
            let (opcode, imm) = (w.script.pick(&SET_IMMS), w.imm());
            w.op2i(opcode, d, a, imm);
        }
        1 => w.op2i(O::set_less_than_unsigned_imm, d, a, 1),
        2 => {
            let opcode = w.sized(&[O::sub_64, O::xor, O::and, O::sub_32]);
            w.op3(opcode, d, a, b);
        }
        _ => {
            let opcode = w.script.pick(&SETS);
            w.op3(opcode, d, a, b);
        }
    }
}

fn set_cmov(w: &mut Writer<'_, '_>) {
    let [flag, d, a] = w.regs();
    any_set(w, flag);
    if w.script.below(4) == 0 {
        w.op2i(O::xor_imm, flag, flag, 1);
    }
    match w.script.below(2) {
        0 => {
            let opcode = w.script.pick(&CMOVS);
            w.op3(opcode, d, a, flag);
        }
        _ => {
            let (opcode, imm) = (w.script.pick(&[O::cmov_if_zero_imm, O::cmov_if_not_zero_imm]), w.imm());
            w.op2i(opcode, d, flag, imm);
        }
    }
}

fn select(w: &mut Writer<'_, '_>) {
    let [d, a, b, flag] = w.regs();
    w.op3(CMOVS[0], d, a, flag);
    w.op3(CMOVS[1], d, b, flag);
}

fn extend(w: &mut Writer<'_, '_>) {
    let [d, a, between] = w.regs();
    let (left, right, amount) = (w.sized(&LEFTS), w.sized(&RIGHTS), w.shift_amount());
    let between = if w.script.below(2) == 0 { d } else { between };
    w.op2i(left, between, a, amount);
    let amount = if w.script.below(4) == 0 { w.shift_amount() } else { amount };
    w.op2i(right, d, between, amount);
}

fn rotate(w: &mut Writer<'_, '_>) {
    let [d, a, left, right] = w.regs();
    let amount = w.shift_amount();
    let bits = if w.script.below(2) == 0 { 64 } else { 32 };
    let wide = bits == 64 && w.setup.set.supports(O::add_64);
    let index = usize::from(!wide);
    w.op2i(LEFTS[index], left, a, amount);
    w.op2i(RIGHTS[2 * index], right, a, bits - amount);
    let opcode = if w.script.below(2) == 0 { O::or } else { O::xor };
    w.op3(opcode, d, left, right);
}

fn mix(w: &mut Writer<'_, '_>) {
    let [a, b, c] = w.regs();
    w.op3(O::xor, a, a, b);
    let (opcode, amount) = (w.sized(&[O::rotate_right_imm_64, O::rotate_right_imm_32]), w.shift_amount());
    w.op2i(opcode, a, a, amount);
    let opcode = w.sized(&ADDS);
    w.op3(opcode, c, c, a);
}

fn moves(w: &mut Writer<'_, '_>) {
    let [a, b, c] = w.regs();
    w.push(I::move_reg(c, a));
    w.push(I::move_reg(a, b));
    w.push(I::move_reg(b, c));
    if w.script.below(2) == 0 {
        w.compute(c, b);
    }
}

fn constant(w: &mut Writer<'_, '_>) {
    let [a, d] = w.regs();
    if w.script.below(3) == 0 {
        let number = w.script.number(&w.setup.places);
        w.push(I::load_imm64(a, number));
    } else {
        let imm = w.imm();
        w.push(I::load_imm(a, imm));
    }
    w.compute(d, a);
}

fn inverted(w: &mut Writer<'_, '_>) {
    let [d, a, b] = w.regs();
    w.op2i(O::xor_imm, a, b, -1);
    let opcode = w.script.pick(&[O::and, O::or, O::xor]);
    w.op3(opcode, d, d, a);
}

fn negation(w: &mut Writer<'_, '_>) {
    let [d, a] = w.regs();
    let opcode = w.sized(&[O::negate_and_add_imm_64, O::negate_and_add_imm_32]);
    let imm = if w.script.below(2) == 0 { 0 } else { w.imm() };
    w.op2i(opcode, d, a, imm);
    w.compute(a, d);
}

fn stack(w: &mut Writer<'_, '_>) {
    let [a, b] = w.regs();
    let top = if w.script.below(4) == 0 { w.reg() } else { Reg::sp };
    if w.script.below(2) == 0 {
        w.push(I::load_imm(top, signed_32(w.setup.map.stack_address_high())));
    }
    let add = w.sized(&[O::add_imm_64, O::add_imm_32]);
    let width = if w.setup.set.supports(O::load_u64) { 6 } else { 5 };
    w.op2i(add, top, top, -16);
    w.access(STORES[width], a, Place::Based(top, 8));
    w.access(STORES[width], b, Place::Based(top, 0));
    if w.script.below(2) == 0 {
        w.compute(a, b);
    }
    w.access(LOADS[width], a, Place::Based(top, 8));
    w.access(LOADS[width], b, Place::Based(top, 0));
    w.op2i(add, top, top, 16);
}

fn chain(w: &mut Writer<'_, '_>) {
    let d = w.reg();
    for _ in 0..2 + w.script.below(3) {
        w.compute(d, d);
    }
}

fn memset(w: &mut Writer<'_, '_>) {
    let (address, length) = (w.address(), i32::from(w.script.byte()));
    w.push(I::load_imm(Reg::a0, signed_32(address)));
    let length = if w.script.rarely(16) { length * 100 } else { length };
    w.push(I::load_imm(Reg::a2, length));
    w.push(I::memset());
}

fn ecalli(w: &mut Writer<'_, '_>) {
    let number = i32::from(w.script.byte() % 4);
    w.push(I::ecalli(number));
}

fn sbrk(w: &mut Writer<'_, '_>) {
    let [d, size] = w.regs();
    w.push(I::and_imm(size, size, 0x3ff));
    w.push(I::sbrk(d, size));
}

fn any_end(w: &mut Writer<'_, '_>) {
    let opcode = w.script.pick(&w.opcodes.ends);
    let instruction = w.instruction(opcode);
    w.push(instruction);
}

fn branch(w: &mut Writer<'_, '_>) {
    let (opcode, [a, b]) = (w.script.pick(&BRANCHES), w.regs());
    w.op3(opcode, a, b, b);
}

fn branch_imm(w: &mut Writer<'_, '_>) {
    let (opcode, a, imm) = (w.script.pick(&BRANCH_IMMS), w.reg(), w.imm());
    w.op2i(opcode, a, a, imm);
}

fn zero_branch(w: &mut Writer<'_, '_>, a: Reg) {
    let opcode = w.script.pick(&[O::branch_not_eq_imm, O::branch_eq_imm]);
    let imm = if w.script.rarely(8) { w.imm() } else { 0 };
    w.op2i(opcode, a, a, imm);
}

fn set_branch(w: &mut Writer<'_, '_>) {
    let flag = w.reg();
    any_set(w, flag);
    zero_branch(w, flag);
}

fn op_branch(w: &mut Writer<'_, '_>) {
    let [d, a] = w.regs();
    w.compute(d, a);
    match w.script.below(3) {
        0 => branch(w),
        1 => branch_imm(w),
        _ => zero_branch(w, d),
    }
}

fn load_branch(w: &mut Writer<'_, '_>) {
    let (place, width, d) = (w.place(), w.width(), w.reg());
    w.access(LOADS[width], d, place);
    match w.script.below(3) {
        0 => branch(w),
        1 => {
            let (opcode, imm) = (w.script.pick(&BRANCH_IMMS), w.imm());
            w.op2i(opcode, d, d, imm);
        }
        _ => zero_branch(w, d),
    }
}

fn constant_branch(w: &mut Writer<'_, '_>) {
    let ([a, b], imm) = (w.regs(), w.imm());
    w.push(I::load_imm(a, imm));
    let opcode = w.script.pick(&BRANCHES);
    match w.script.below(2) {
        0 => w.op3(opcode, a, b, b),
        _ => w.op3(opcode, b, a, a),
    }
}

/// Back to the start of the block, as long as there is gas.
fn loop_end(w: &mut Writer<'_, '_>) {
    let counter = w.reg();
    let opcode = w.sized(&[O::add_imm_64, O::add_imm_32]);
    w.op2i(opcode, counter, counter, -1);
    let (opcode, back) = (w.script.pick(&BRANCH_IMMS), w.this_block());
    let instruction = I::with_registers(opcode, [counter; 3]);
    match w.setup.rule {
        Some(_) => w.push_to(instruction, back),
        None => w.push(instruction),
    }
}

fn call(w: &mut Writer<'_, '_>) {
    let (link, entry) = (w.reg(), w.entry());
    w.push(I::load_imm_and_jump(link, entry, 0));
}

fn return_end(w: &mut Writer<'_, '_>) {
    let (link, entry) = (w.reg(), w.entry());
    if w.script.below(2) == 0 {
        w.push(I::load_imm(link, entry));
    }
    w.push(I::jump_indirect(link, 0));
}

fn jump_table(w: &mut Writer<'_, '_>) {
    let [index, d, link] = w.regs();
    let mask = w.script.pick(&[3, 3, 1, 7, 255]);
    w.push(I::and_imm(index, index, mask));
    let shift = w.sized(&LEFTS);
    // Odd addresses are bad ones.
    let amount = i32::from(!w.script.rarely(8));
    w.op2i(shift, d, index, amount);
    let first = w.table_address() + i32::from(w.script.rarely(8));
    match w.script.below(3) {
        0 => {
            let add = w.sized(&[O::add_imm_64, O::add_imm_32]);
            w.op2i(add, d, d, first);
            w.push(I::jump_indirect(d, 0));
        }
        1 => w.push(I::jump_indirect(d, first)),
        _ => {
            let imm = w.entry();
            w.push(I::load_imm_and_jump_indirect(link, d, imm, first));
        }
    }
}

fn return_to_host(w: &mut Writer<'_, '_>) {
    let link = w.reg();
    let imm = w.script.pick(&[0, 0, 0, 1, 2, -2]);
    w.push(I::load_imm(link, signed_32(0xffff_0000)));
    w.push(I::jump_indirect(link, imm));
}

fn jump(w: &mut Writer<'_, '_>) {
    w.push(I::jump(0));
}

fn fallthrough(w: &mut Writer<'_, '_>) {
    w.push(I::fallthrough());
}

fn invalid(w: &mut Writer<'_, '_>) {
    match w.script.below(4) {
        0 => w.push(I::invalid()),
        _ => branch(w),
    }
}
