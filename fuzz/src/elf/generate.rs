//! Programs made from nothing: what a compiler might write, in any combination.
//!
//! Functions call only functions of higher numbers and loops count down, so that a program ends. They keep the calling
//! convention, read nothing that was not written, and no address gets into a result: so every linker must make a program of
//! it that does the same. Registers have roles: values live in `VALUES`, addresses in `t2` and `a5`, counters in `s1`. Every
//! function gets a pointer in `a5`, to a slot of a caller's frame or to data, and may read and write what is there.

use super::object::{Addressing, Writer, load_constant, signed};
use crate::random::Random;
use object::SectionKind;
use object::write::SymbolId;
use pvm_num::casts::{low_u8, to_u32, to_u64, to_usize};
use pvm_riscv::{
    AmoOp, AmoWidth, Condition, Instruction, LoadKind, MoveCondition, Reg, RegImmOp, RegRegOp, StoreKind, UnaryOp, Xlen,
};

/// Registers that hold values.
const VALUES: [Reg; 8] = [Reg::t0, Reg::t1, Reg::a0, Reg::a1, Reg::a2, Reg::a3, Reg::a4, Reg::s0];
/// Those among them that a call leaves undefined, but for its results.
const CALLER_SAVED: [Reg; 7] = [Reg::t0, Reg::t1, Reg::a0, Reg::a1, Reg::a2, Reg::a3, Reg::a4];
/// Slots for values in a stack frame; behind them are those of counters and saved registers.
const SLOTS: usize = 6;
const DEPTH_MAX: usize = 3;
/// The slot of the pointer that the function was given.
const POINTER: usize = SLOTS + DEPTH_MAX;
const DATA_SIZE: usize = 64;
/// Arguments of functions and exports.
const ARGUMENTS: u8 = 5;

/// A program of random functions.
pub(crate) fn generate(random: &mut Random) -> Vec<u8> {
    let xlen = if random.below(4) == 0 { Xlen::Rv32 } else { Xlen::Rv64 };
    let mut writer = Writer::new(xlen);
    let count = 1 + random.below(6);
    let functions: Vec<SymbolId> = (0..count).map(|number| writer.function(format!("f{number}"))).collect();
    // From one choice, so that the data does not take all there is to choose.
    let mut contents = Random::new(to_u64(random.below(256)));
    let bytes: Vec<u8> = (0..DATA_SIZE).map(|_| contents.byte()).collect();
    let memory = vec![
        Memory { symbol: writer.data(".data.a", SectionKind::Data, &bytes), is_constant: false },
        Memory { symbol: writer.data(".bss.b", SectionKind::UninitializedData, &bytes), is_constant: false },
        Memory { symbol: writer.data(".rodata.c", SectionKind::ReadOnlyData, &bytes), is_constant: true },
    ];
    let mut imports = Vec::new();
    let numbered = random.below(2) == 0;
    for number in 0..random.below(4) {
        let inputs = low_u8(to_u64(random.below(5)));
        let outputs = low_u8(to_u64(random.below(3)));
        let index = numbered.then(|| to_u32(number));
        // Observers learn from the name how many arguments there are.
        let function = writer.import(&format!("host{number}_{inputs}"), inputs, outputs, index);
        imports.push(Import { function, outputs });
    }
    let sections = random.below(2) == 0;
    let mut generator = Generator { random, writer, functions, memory, imports, number: 0, depth: 0, calls: 0 };
    for number in 0..count {
        if sections {
            generator.writer.open_text(format!(".text.f{number}"));
        }
        generator.function(number);
    }
    let Generator { mut writer, functions, memory, .. } = generator;
    for (name, function) in [("main", functions.first()), ("other", functions.get(2))] {
        let Some(function) = function else { continue };
        // The host passes no pointer.
        let start = writer.function(name.into());
        writer.place(start);
        writer.address(Reg::a5, memory[0].symbol, 0, Addressing::Relative);
        writer.call(Reg::zero, Reg::t1, *function);
        writer.export(name, start, ARGUMENTS, 1);
    }
    writer.finish()
}

#[derive(Clone, Copy)]
struct Memory {
    symbol: SymbolId,
    is_constant: bool,
}

#[derive(Clone, Copy)]
struct Import {
    function: SymbolId,
    outputs: u8,
}

struct Generator<'a> {
    random: &'a mut Random,
    writer: Writer,
    functions: Vec<SymbolId>,
    memory: Vec<Memory>,
    imports: Vec<Import>,
    /// The function that is being written.
    number: usize,
    /// How many loops and branches are around.
    depth: usize,
    /// Calls that the function may still have.
    calls: usize,
}

impl Generator<'_> {
    fn coin(&mut self) -> bool {
        self.random.below(2) == 0
    }

    fn value(&mut self) -> Reg {
        *self.random.pick(&VALUES)
    }

    /// A register to read: a value, or zero.
    fn source(&mut self) -> Reg {
        if self.random.below(12) == 0 { Reg::zero } else { self.value() }
    }

    fn constant(&mut self) -> i32 {
        const COMMON: [i32; 14] = [0, 1, -1, 2, 4, 8, 31, 32, 63, 255, 256, 0x7ff, i32::MAX, i32::MIN];
        match self.random.below(4) {
            0 => signed(self.random.next()),
            1 => signed(self.random.next()) >> 20,
            _ => *self.random.pick(&COMMON),
        }
    }

    fn slot(&self, index: usize) -> i32 {
        i32::from(low_u8(to_u64(index * self.writer.pointer_size())))
    }

    fn function(&mut self, number: usize) {
        (self.number, self.depth, self.calls) = (number, 0, 3);
        self.writer.place(self.functions[number]);
        if number > 0 && self.random.below(4) == 3 {
            return self.tiny();
        }
        // Slots, counters, the pointer, ra, s0, s1; a multiple of 16 is not asked for by the E profile.
        let words = SLOTS + DEPTH_MAX + 4;
        let (ra, s0, s1) = (self.slot(words - 1), self.slot(words - 2), self.slot(words - 3));
        let size = self.slot(words);
        self.writer.add_immediate(Reg::sp, Reg::sp, -size);
        for (reg, at) in [(Reg::ra, ra), (Reg::s0, s0), (Reg::s1, s1), (Reg::a5, self.slot(POINTER))] {
            self.writer.store_stack(reg, at);
        }
        for index in 0..SLOTS {
            let from = *self.random.pick(&[Reg::zero, Reg::a0, Reg::a1]);
            self.writer.store_stack(from, self.slot(index));
        }
        for reg in [Reg::t0, Reg::t1, Reg::s0] {
            self.define(reg);
        }
        let statements = 2 + self.random.below(30);
        self.statements(statements);
        if self.depth == 0 && number == 0 {
            self.sum_up();
        }
        self.fold();
        let tail = (number + 1 < self.functions.len() && self.random.below(6) == 5).then(|| self.callee());
        if tail.is_some() {
            // The own frame is gone when the other function runs.
            self.writer.load_stack(Reg::a5, self.slot(POINTER));
        }
        for (reg, at) in [(Reg::s1, s1), (Reg::s0, s0), (Reg::ra, ra)] {
            self.writer.load_stack(reg, at);
        }
        self.writer.add_immediate(Reg::sp, Reg::sp, size);
        match tail {
            Some(to) if self.coin() => self.writer.call(Reg::zero, Reg::t1, to),
            Some(to) => self.writer.jump(to),
            None => self.writer.jump_to_register(Reg::zero, Reg::ra),
        }
    }

    /// A function without a frame.
    fn tiny(&mut self) {
        for _ in 0..self.random.below(4) {
            let (rd, rs1, rs2) =
                (*self.random.pick(&[Reg::a0, Reg::a1]), Reg::a0, *self.random.pick(&[Reg::a1, Reg::a2]));
            let op = *self.random.pick(RegRegOp::ALL);
            self.writer.try_push(&Instruction::RegReg { op, rd, rs1, rs2 });
        }
        if self.random.below(4) == 3 {
            self.writer.push(&Instruction::Store { kind: StoreKind::U32, src: Reg::a0, base: Reg::a5, offset: 0 });
        }
        self.writer.jump_to_register(Reg::zero, Reg::ra);
    }

    /// Loads or stores what the pointer points to, of the function or of one that calls it.
    fn through_pointer(&mut self) {
        let (reg, kind) = (self.value(), self.load_kind());
        self.writer.load_stack(Reg::t2, self.slot(POINTER));
        if self.coin() {
            self.writer.try_push(&Instruction::Load { kind, rd: reg, base: Reg::t2, offset: 0 });
        } else {
            let kind = *self.random.pick(StoreKind::ALL);
            self.writer.try_push(&Instruction::Store { kind, src: reg, base: Reg::t2, offset: 0 });
        }
    }

    /// The pointer for a function that is called: to a slot, to data, or the one given.
    fn pass_pointer(&mut self) {
        match self.random.below(4) {
            0 => self.writer.load_stack(Reg::a5, self.slot(POINTER)),
            1 => {
                let memory = self.memory[self.random.below(2)];
                self.writer.address(Reg::a5, memory.symbol, 8, Addressing::Relative);
            }
            _ => {
                let slot = self.random.below(SLOTS);
                self.writer.add_immediate(Reg::a5, Reg::sp, self.slot(slot));
            }
        }
    }

    fn callee(&mut self) -> SymbolId {
        let later = &self.functions[self.number + 1..];
        *self.random.pick(later)
    }

    /// Gives a register a value that is no secret.
    fn define(&mut self, rd: Reg) {
        if self.coin() {
            let value = self.constant();
            load_constant(&mut self.writer, rd, value);
        } else {
            let slot = self.random.below(SLOTS);
            self.writer.load_stack(rd, self.slot(slot));
        }
    }

    /// Lets every value have a say in `a0`.
    fn fold(&mut self) {
        for rs2 in VALUES {
            let op = *self.random.pick(&[RegRegOp::Add, RegRegOp::Xor, RegRegOp::Sub]);
            self.writer.push(&Instruction::RegReg { op, rd: Reg::a0, rs1: Reg::a0, rs2 });
        }
    }

    /// Lets what is in memory have a say in `s0`.
    fn sum_up(&mut self) {
        for memory in self.memory.clone().into_iter().filter(|memory| !memory.is_constant) {
            let again = self.writer.label();
            self.writer.address(Reg::t2, memory.symbol, 0, Addressing::Relative);
            self.writer.add_immediate(Reg::s1, Reg::zero, i32::from(low_u8(to_u64(DATA_SIZE / 4))));
            self.writer.place(again);
            self.writer.push(&Instruction::Load { kind: LoadKind::I32, rd: Reg::t0, base: Reg::t2, offset: 0 });
            self.writer.push(&Instruction::RegImm { op: RegImmOp::Slli, rd: Reg::t1, rs1: Reg::s0, imm: 5 });
            self.writer.push(&Instruction::RegReg { op: RegRegOp::Sub, rd: Reg::s0, rs1: Reg::t1, rs2: Reg::s0 });
            self.writer.push(&Instruction::RegReg { op: RegRegOp::Xor, rd: Reg::s0, rs1: Reg::s0, rs2: Reg::t0 });
            self.writer.add_immediate(Reg::t2, Reg::t2, 4);
            self.writer.add_immediate(Reg::s1, Reg::s1, -1);
            self.writer.branch(Condition::NotEqual, Reg::s1, Reg::zero, again);
        }
    }

    fn statements(&mut self, count: usize) {
        for _ in 0..count {
            self.statement();
        }
    }

    fn statement(&mut self) {
        let nested = self.depth < DEPTH_MAX;
        match self.random.below(21) {
            0..=6 => self.compute(),
            7 | 8 => {
                let rd = self.value();
                self.define(rd);
            }
            9 | 10 => self.stack(),
            11 | 12 => self.global(),
            13 => self.call(),
            14 | 15 if nested => self.branch(),
            16 if nested => self.repeat(),
            17 if nested => self.switch(),
            18 => self.skip(),
            19 => self.through_pointer(),
            _ => self.compare(),
        }
    }

    fn compute(&mut self) {
        for _ in 0..=self.random.below(3) {
            let (rd, rs1, rs2) = (self.value(), self.source(), self.source());
            let instruction = match self.random.below(8) {
                0..=3 => Instruction::RegReg { op: *self.random.pick(RegRegOp::ALL), rd, rs1, rs2 },
                4 | 5 => {
                    let imm = self.constant();
                    let imm = if self.coin() { imm & 31 } else { imm << 20 >> 20 };
                    Instruction::RegImm { op: *self.random.pick(RegImmOp::ALL), rd, rs1, imm }
                }
                6 => Instruction::Unary { op: *self.random.pick(UnaryOp::ALL), rd, rs1 },
                _ => {
                    let cond = *self.random.pick(&[MoveCondition::IfZero, MoveCondition::IfNotZero]);
                    Instruction::CondMov { cond, rd, src: rs1, test: rs2 }
                }
            };
            self.writer.try_push(&instruction);
        }
    }

    /// What compilers write for comparisons, and constants that decide branches.
    fn compare(&mut self) {
        let (rd, rs1) = (self.value(), self.value());
        let value = self.constant();
        load_constant(&mut self.writer, rd, value);
        let op = *self.random.pick(&[RegRegOp::Slt, RegRegOp::Sltu, RegRegOp::Sub, RegRegOp::Xor]);
        self.writer.push(&Instruction::RegReg { op, rd, rs1: rd, rs2: rs1 });
        let op = *self.random.pick(&[RegImmOp::Sltiu, RegImmOp::Xori, RegImmOp::Andi]);
        self.writer.push(&Instruction::RegImm { op, rd, rs1: rd, imm: 1 });
    }

    fn load_kind(&mut self) -> LoadKind {
        *self.random.pick(LoadKind::ALL)
    }

    /// Loads and stores of the frame's values, also through a pointer and of parts.
    fn stack(&mut self) {
        let (slot, reg) = (self.random.below(SLOTS), self.value());
        let part = self.slot(slot) + if self.coin() { 0 } else { i32::from(low_u8(to_u64(self.random.below(4)))) };
        let base = match self.random.below(4) {
            0 => {
                self.writer.add_immediate(Reg::t2, Reg::sp, part);
                Reg::t2
            }
            _ => Reg::sp,
        };
        // The last slot has others of the frame behind it, which must not change.
        let offset = if base == Reg::sp { part } else { 0 };
        if self.coin() || slot + 1 == SLOTS {
            let kind = if slot + 1 == SLOTS { LoadKind::U8 } else { self.load_kind() };
            self.writer.try_push(&Instruction::Load { kind, rd: reg, base, offset });
        } else {
            let kind = *self.random.pick(StoreKind::ALL);
            self.writer.try_push(&Instruction::Store { kind, src: reg, base, offset });
        }
    }

    fn global(&mut self) {
        let memory = *self.random.pick(&self.memory);
        let by = *self.random.pick(&[Addressing::Absolute, Addressing::Relative, Addressing::Table]);
        let (reg, at) = (self.value(), self.random.below(DATA_SIZE - 8));
        let addend = i64::from(low_u8(to_u64(at)));
        let kind = self.load_kind();
        let store = *self.random.pick(StoreKind::ALL);
        match self.random.below(4) {
            0 => {
                self.writer.load(kind, reg, Reg::t2, memory.symbol, addend, by);
            }
            1 if !memory.is_constant => {
                self.writer.store(store, reg, Reg::t2, memory.symbol, addend, by);
            }
            2 if !memory.is_constant => self.atomic(memory, reg, by),
            _ => {
                // An element of an array.
                let index = self.value();
                self.writer.address(Reg::t2, memory.symbol, 0, by);
                self.writer.push(&Instruction::RegImm { op: RegImmOp::Andi, rd: Reg::a5, rs1: index, imm: 31 });
                self.writer.push(&Instruction::RegReg { op: RegRegOp::Add, rd: Reg::t2, rs1: Reg::t2, rs2: Reg::a5 });
                let offset = i32::from(low_u8(to_u64(self.random.below(24))));
                if self.coin() || memory.is_constant {
                    self.writer.try_push(&Instruction::Load { kind, rd: reg, base: Reg::t2, offset });
                } else {
                    self.writer.try_push(&Instruction::Store { kind: store, src: reg, base: Reg::t2, offset });
                }
            }
        }
    }

    fn atomic(&mut self, memory: Memory, rd: Reg, by: Addressing) {
        let addend = i64::from(low_u8(to_u64(self.random.below(DATA_SIZE / 8) * 8)));
        self.writer.address(Reg::t2, memory.symbol, addend, by);
        let (op, src) = (*self.random.pick(AmoOp::ALL), self.value());
        let width = *self.random.pick(&[AmoWidth::Word, AmoWidth::Double]);
        let addr = Reg::t2;
        if self.coin() {
            self.writer.try_push(&Instruction::Amo { op, width, rd, addr, src, aq: false, rl: false });
        } else if self.writer.try_push(&Instruction::LoadReserved { width, rd, addr, aq: false, rl: false }) {
            let store = Instruction::StoreConditional { width, rd: src, addr, src: rd, aq: false, rl: false };
            self.writer.push(&store);
        }
    }

    fn call(&mut self) {
        if self.calls == 0 {
            return;
        }
        self.calls -= 1;
        let is_last = self.number + 1 >= self.functions.len();
        let mut results = 1;
        match self.random.below(4) {
            0 if !self.imports.is_empty() => {
                let import = *self.random.pick(&self.imports);
                results = usize::from(import.outputs);
                self.writer.call(Reg::ra, Reg::ra, import.function);
            }
            _ if is_last => return,
            // By an address from a table, or one that is known.
            1 => {
                let targets: Vec<SymbolId> = (0..4).map(|_| self.callee()).collect();
                let table = self.writer.pointers(".data.rel.ro.calls", SectionKind::ReadOnlyDataWithRel, &targets);
                self.element(table, self.writer.pointer_size());
                self.pass_pointer();
                self.writer.jump_to_register(Reg::ra, Reg::t2);
            }
            2 => {
                let to = self.callee();
                self.pass_pointer();
                self.writer.address(Reg::t2, to, 0, Addressing::Relative);
                self.writer.jump_to_register(Reg::ra, Reg::t2);
            }
            _ => {
                let to = self.callee();
                self.pass_pointer();
                self.writer.call(Reg::ra, Reg::ra, to);
            }
        }
        // In the order of `CALLER_SAVED`, results are behind the temporaries.
        for (index, reg) in CALLER_SAVED.into_iter().enumerate() {
            if index < 2 || index >= 2 + results {
                self.define(reg);
            }
        }
    }

    /// One of the four elements of a table of pointers to `t2`.
    fn element(&mut self, table: SymbolId, size: usize) {
        let index = self.value();
        let shift = i32::from(low_u8(u64::from(to_u32(size).ilog2())));
        self.writer.push(&Instruction::RegImm { op: RegImmOp::Andi, rd: Reg::a5, rs1: index, imm: 3 });
        self.writer.push(&Instruction::RegImm { op: RegImmOp::Slli, rd: Reg::a5, rs1: Reg::a5, imm: shift });
        self.writer.address(Reg::t2, table, 0, Addressing::Relative);
        self.writer.push(&Instruction::RegReg { op: RegRegOp::Add, rd: Reg::t2, rs1: Reg::t2, rs2: Reg::a5 });
        let kind = if size == 8 { LoadKind::U64 } else { LoadKind::I32 };
        self.writer.push(&Instruction::Load { kind, rd: Reg::t2, base: Reg::t2, offset: 0 });
    }

    fn branch(&mut self) {
        let (other, end) = (self.writer.label(), self.writer.label());
        let (cond, rs1, rs2) = (*self.random.pick(Condition::ALL), self.source(), self.source());
        self.writer.branch(cond, rs1, rs2, other);
        self.depth += 1;
        let count = self.random.below(4);
        self.statements(count);
        if self.coin() {
            self.writer.jump(end);
        }
        self.writer.place(other);
        let count = self.random.below(3);
        self.statements(count);
        if self.random.below(16) == 0 {
            self.trap();
        }
        self.depth -= 1;
        self.writer.place(end);
    }

    /// A trap behind a condition that is rarely true.
    fn trap(&mut self) {
        let end = self.writer.label();
        let reg = self.value();
        self.writer.add_immediate(Reg::t2, Reg::zero, 7);
        self.writer.branch(Condition::NotEqual, reg, Reg::t2, end);
        self.writer.push(&Instruction::Unimp);
        self.writer.place(end);
    }

    /// A loop that counts down, in `s1` or on the stack.
    fn repeat(&mut self) {
        let again = self.writer.label();
        let times = i32::from(low_u8(to_u64(1 + self.random.below(4))));
        let in_register = self.depth == 0 && self.coin();
        let counter = if in_register { Reg::s1 } else { Reg::t2 };
        let slot = self.slot(SLOTS + self.depth);
        self.writer.add_immediate(counter, Reg::zero, times);
        if !in_register {
            self.writer.store_stack(counter, slot);
        }
        self.writer.place(again);
        self.depth += 1;
        let count = 1 + self.random.below(4);
        self.statements(count);
        self.depth -= 1;
        if !in_register {
            self.writer.load_stack(counter, slot);
        }
        self.writer.add_immediate(counter, counter, -1);
        if !in_register {
            self.writer.store_stack(counter, slot);
        }
        self.writer.branch(Condition::NotEqual, counter, Reg::zero, again);
    }

    /// A jump by a table: of addresses, or of distances.
    fn switch(&mut self) {
        let end = self.writer.label();
        let cases: Vec<SymbolId> = (0..4).map(|_| self.writer.label()).collect();
        if self.coin() {
            let table = self.writer.pointers(".rodata.switch", SectionKind::ReadOnlyDataWithRel, &cases);
            self.element(table, self.writer.pointer_size());
        } else {
            let table = self.writer.distances(&cases);
            self.element(table, 4);
            self.writer.address(Reg::a5, table, 0, Addressing::Relative);
            self.writer.push(&Instruction::RegReg { op: RegRegOp::Add, rd: Reg::t2, rs1: Reg::t2, rs2: Reg::a5 });
        }
        self.writer.jump_to_register(Reg::zero, Reg::t2);
        self.depth += 1;
        for case in cases {
            self.writer.place(case);
            let count = self.random.below(3);
            self.statements(count);
            if self.random.below(4) != 0 {
                self.writer.jump(end);
            }
        }
        self.depth -= 1;
        self.writer.place(end);
    }

    /// Jumps to jumps, over code that nothing reaches.
    fn skip(&mut self) {
        let labels: Vec<SymbolId> = (0..3).map(|_| self.writer.label()).collect();
        self.writer.jump(labels[1]);
        self.writer.place(labels[0]);
        self.compute();
        self.writer.jump(labels[2]);
        self.writer.place(labels[1]);
        self.writer.jump(labels[to_usize(to_u32(self.random.below(2) * 2))]);
        self.writer.place(labels[2]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pvm_linker::{Config, link};

    #[test]
    fn every_program_links() {
        for seed in 0..200 {
            let file = generate(&mut Random::new(seed));
            for opt_level in [0, 2] {
                let linked = link(&file, &Config { opt_level, ..Config::default() });
                assert!(linked.is_ok(), "seed {seed}: {}", linked.unwrap_err());
            }
        }
    }
}
