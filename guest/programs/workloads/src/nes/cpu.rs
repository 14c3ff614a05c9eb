//! The 6502: registers, addressing modes, and one `match` over what the table says.

use super::opcodes::{Mode, Op, TABLE};

/// What the processor sees of the rest of the machine.
pub(crate) trait Memory {
    fn read(&mut self, address: u16) -> u8;
    fn write(&mut self, address: u16, value: u8);
}

const CARRY: u8 = 1;
const ZERO: u8 = 1 << 1;
const INTERRUPT: u8 = 1 << 2;
const DECIMAL: u8 = 1 << 3;
const BREAK: u8 = 1 << 4;
const UNUSED: u8 = 1 << 5;
const OVERFLOW: u8 = 1 << 6;
const NEGATIVE: u8 = 1 << 7;

const NMI_VECTOR: u16 = 0xfffa;
const RESET_VECTOR: u16 = 0xfffc;
const BREAK_VECTOR: u16 = 0xfffe;

/// The registers.
pub(crate) struct Cpu {
    a: u8,
    x: u8,
    y: u8,
    stack: u8,
    status: u8,
    pc: u16,
}

/// Where an instruction's operand is.
enum Operand {
    None,
    Accumulator,
    At(u16),
}

impl Cpu {
    pub(crate) fn new(memory: &mut impl Memory) -> Self {
        let pc = read_word(memory, RESET_VECTOR);
        Self { a: 0, x: 0, y: 0, stack: 0xfd, status: INTERRUPT | UNUSED, pc }
    }

    /// Takes the interrupt that cannot be masked; returns its cycles.
    pub(crate) fn interrupt(&mut self, memory: &mut impl Memory) -> u32 {
        self.enter(memory, NMI_VECTOR, 0);
        7
    }

    /// Executes one instruction; returns its cycles.
    pub(crate) fn step(&mut self, memory: &mut impl Memory) -> u32 {
        let row = TABLE[usize::from(self.fetch(memory))];
        let (operand, crossed) = self.operand(memory, row.mode);
        let mut cycles = u32::from(row.cycles);
        // Stores and read-modify-write instructions take the cycle always; their row has it.
        if crossed && row.cycles < 6 && !matches!(row.op, Op::Sta) {
            cycles += 1;
        }
        cycles + self.execute(memory, row.op, &operand)
    }

    fn fetch(&mut self, memory: &mut impl Memory) -> u8 {
        let byte = memory.read(self.pc);
        self.pc = self.pc.wrapping_add(1);
        byte
    }

    fn fetch_word(&mut self, memory: &mut impl Memory) -> u16 {
        let low = self.fetch(memory);
        u16::from_le_bytes([low, self.fetch(memory)])
    }

    /// The operand, and whether indexing crossed a page.
    fn operand(&mut self, memory: &mut impl Memory, mode: Mode) -> (Operand, bool) {
        let address = match mode {
            Mode::Implied => return (Operand::None, false),
            Mode::Accumulator => return (Operand::Accumulator, false),
            Mode::Immediate => {
                let at = self.pc;
                self.pc = self.pc.wrapping_add(1);
                at
            }
            Mode::ZeroPage => self.fetch(memory).into(),
            Mode::ZeroPageX => self.fetch(memory).wrapping_add(self.x).into(),
            Mode::ZeroPageY => self.fetch(memory).wrapping_add(self.y).into(),
            Mode::Absolute => self.fetch_word(memory),
            Mode::AbsoluteX => return indexed(self.fetch_word(memory), self.x),
            Mode::AbsoluteY => return indexed(self.fetch_word(memory), self.y),
            Mode::Indirect => {
                // The high byte comes from the same page: a flaw of the chip that programs rely on.
                let [low, high] = self.fetch_word(memory).to_le_bytes();
                let target = memory.read(u16::from_le_bytes([low, high]));
                u16::from_le_bytes([target, memory.read(u16::from_le_bytes([low.wrapping_add(1), high]))])
            }
            Mode::IndirectX => {
                let pointer = self.fetch(memory).wrapping_add(self.x);
                read_zero_page_word(memory, pointer)
            }
            Mode::IndirectY => {
                let pointer = self.fetch(memory);
                return indexed(read_zero_page_word(memory, pointer), self.y);
            }
            Mode::Relative => {
                let distance = self.fetch(memory);
                let sign = if distance < 0x80 { 0 } else { 0xff };
                self.pc.wrapping_add(u16::from_le_bytes([distance, sign]))
            }
        };
        (Operand::At(address), false)
    }

    /// Returns the cycles that come on top of the table's.
    fn execute(&mut self, memory: &mut impl Memory, op: Op, operand: &Operand) -> u32 {
        match op {
            Op::Lda => self.a = self.loaded(memory, operand),
            Op::Ldx => self.x = self.loaded(memory, operand),
            Op::Ldy => self.y = self.loaded(memory, operand),
            Op::Sta => store(memory, operand, self.a),
            Op::Stx => store(memory, operand, self.x),
            Op::Sty => store(memory, operand, self.y),
            Op::Tax => self.x = self.flagged(self.a),
            Op::Tay => self.y = self.flagged(self.a),
            Op::Tsx => self.x = self.flagged(self.stack),
            Op::Txa => self.a = self.flagged(self.x),
            Op::Tya => self.a = self.flagged(self.y),
            Op::Txs => self.stack = self.x,
            Op::Pha => self.push(memory, self.a),
            Op::Php => self.push(memory, self.status | BREAK | UNUSED),
            Op::Pla => {
                let value = self.pull(memory);
                self.a = self.flagged(value);
            }
            Op::Plp => self.status = self.pull(memory) & !BREAK | UNUSED,
            Op::And => {
                let value = load(memory, operand);
                self.a = self.flagged(self.a & value);
            }
            Op::Ora => {
                let value = load(memory, operand);
                self.a = self.flagged(self.a | value);
            }
            Op::Eor => {
                let value = load(memory, operand);
                self.a = self.flagged(self.a ^ value);
            }
            Op::Adc => {
                let value = load(memory, operand);
                self.add(value);
            }
            Op::Sbc => {
                let value = load(memory, operand);
                self.add(!value);
            }
            Op::Cmp => self.compare(self.a, load(memory, operand)),
            Op::Cpx => self.compare(self.x, load(memory, operand)),
            Op::Cpy => self.compare(self.y, load(memory, operand)),
            Op::Bit => {
                let value = load(memory, operand);
                self.set(ZERO, value & self.a == 0);
                self.status = self.status & !(NEGATIVE | OVERFLOW) | value & (NEGATIVE | OVERFLOW);
            }
            Op::Inc => self.modify(memory, operand, |value, _| (value.wrapping_add(1), None)),
            Op::Dec => self.modify(memory, operand, |value, _| (value.wrapping_sub(1), None)),
            Op::Asl => self.modify(memory, operand, |value, _| (value << 1, Some(value & 0x80 != 0))),
            Op::Lsr => self.modify(memory, operand, |value, _| (value >> 1, Some(value & 1 != 0))),
            Op::Rol => self.modify(memory, operand, |value, carry| (value << 1 | carry, Some(value & 0x80 != 0))),
            Op::Ror => self.modify(memory, operand, |value, carry| (value >> 1 | carry << 7, Some(value & 1 != 0))),
            Op::Inx => self.x = self.flagged(self.x.wrapping_add(1)),
            Op::Iny => self.y = self.flagged(self.y.wrapping_add(1)),
            Op::Dex => self.x = self.flagged(self.x.wrapping_sub(1)),
            Op::Dey => self.y = self.flagged(self.y.wrapping_sub(1)),
            Op::Clc => self.set(CARRY, false),
            Op::Sec => self.set(CARRY, true),
            Op::Cli => self.set(INTERRUPT, false),
            Op::Sei => self.set(INTERRUPT, true),
            Op::Clv => self.set(OVERFLOW, false),
            // The console's processor has the flag, but no decimal arithmetic.
            Op::Cld => self.set(DECIMAL, false),
            Op::Sed => self.set(DECIMAL, true),
            Op::Bcc => return self.branch(operand, CARRY, false),
            Op::Bcs => return self.branch(operand, CARRY, true),
            Op::Bne => return self.branch(operand, ZERO, false),
            Op::Beq => return self.branch(operand, ZERO, true),
            Op::Bpl => return self.branch(operand, NEGATIVE, false),
            Op::Bmi => return self.branch(operand, NEGATIVE, true),
            Op::Bvc => return self.branch(operand, OVERFLOW, false),
            Op::Bvs => return self.branch(operand, OVERFLOW, true),
            Op::Jmp => self.jump(operand),
            Op::Jsr => {
                self.push_word(memory, self.pc.wrapping_sub(1));
                self.jump(operand);
            }
            Op::Rts => self.pc = self.pull_word(memory).wrapping_add(1),
            Op::Rti => {
                self.status = self.pull(memory) & !BREAK | UNUSED;
                self.pc = self.pull_word(memory);
            }
            Op::Brk => {
                self.pc = self.pc.wrapping_add(1);
                self.enter(memory, BREAK_VECTOR, BREAK);
            }
            Op::Nop => {}
        }
        0
    }

    fn loaded(&mut self, memory: &mut impl Memory, operand: &Operand) -> u8 {
        let value = load(memory, operand);
        self.flagged(value)
    }

    /// Sets the zero and negative flags from `value` and passes it on.
    fn flagged(&mut self, value: u8) -> u8 {
        self.set(ZERO, value == 0);
        self.status = self.status & !NEGATIVE | value & NEGATIVE;
        value
    }

    fn set(&mut self, flag: u8, on: bool) {
        if on {
            self.status |= flag;
        } else {
            self.status &= !flag;
        }
    }

    fn add(&mut self, value: u8) {
        let sum = u16::from(self.a) + u16::from(value) + u16::from(self.status & CARRY);
        let [result, carry] = sum.to_le_bytes();
        self.set(CARRY, carry != 0);
        self.set(OVERFLOW, (self.a ^ result) & (value ^ result) & 0x80 != 0);
        self.a = self.flagged(result);
    }

    fn compare(&mut self, register: u8, value: u8) {
        self.set(CARRY, register >= value);
        self.flagged(register.wrapping_sub(value));
    }

    /// `change` gets the value and the carry (0 or 1) and gives the new ones.
    fn modify(&mut self, memory: &mut impl Memory, operand: &Operand, change: impl Fn(u8, u8) -> (u8, Option<bool>)) {
        let value = match *operand {
            Operand::At(address) => memory.read(address),
            Operand::Accumulator | Operand::None => self.a,
        };
        let (value, carry) = change(value, self.status & CARRY);
        if let Some(carry) = carry {
            self.set(CARRY, carry);
        }
        self.flagged(value);
        match *operand {
            Operand::At(address) => memory.write(address, value),
            Operand::Accumulator | Operand::None => self.a = value,
        }
    }

    fn branch(&mut self, operand: &Operand, flag: u8, wanted: bool) -> u32 {
        if (self.status & flag != 0) != wanted {
            return 0;
        }
        let from = self.pc;
        self.jump(operand);
        if (from ^ self.pc) & 0xff00 == 0 { 1 } else { 2 }
    }

    fn jump(&mut self, operand: &Operand) {
        if let Operand::At(target) = *operand {
            self.pc = target;
        }
    }

    fn enter(&mut self, memory: &mut impl Memory, vector: u16, flags: u8) {
        self.push_word(memory, self.pc);
        self.push(memory, self.status | UNUSED | flags);
        self.set(INTERRUPT, true);
        self.pc = read_word(memory, vector);
    }

    fn push(&mut self, memory: &mut impl Memory, value: u8) {
        memory.write(u16::from_le_bytes([self.stack, 1]), value);
        self.stack = self.stack.wrapping_sub(1);
    }

    fn pull(&mut self, memory: &mut impl Memory) -> u8 {
        self.stack = self.stack.wrapping_add(1);
        memory.read(u16::from_le_bytes([self.stack, 1]))
    }

    fn push_word(&mut self, memory: &mut impl Memory, word: u16) {
        let [low, high] = word.to_le_bytes();
        self.push(memory, high);
        self.push(memory, low);
    }

    fn pull_word(&mut self, memory: &mut impl Memory) -> u16 {
        let low = self.pull(memory);
        u16::from_le_bytes([low, self.pull(memory)])
    }
}

fn indexed(base: u16, index: u8) -> (Operand, bool) {
    let address = base.wrapping_add(index.into());
    (Operand::At(address), (base ^ address) & 0xff00 != 0)
}

fn load(memory: &mut impl Memory, operand: &Operand) -> u8 {
    match *operand {
        Operand::At(address) => memory.read(address),
        Operand::Accumulator | Operand::None => 0,
    }
}

fn store(memory: &mut impl Memory, operand: &Operand, value: u8) {
    if let Operand::At(address) = *operand {
        memory.write(address, value);
    }
}

fn read_word(memory: &mut impl Memory, address: u16) -> u16 {
    let low = memory.read(address);
    u16::from_le_bytes([low, memory.read(address.wrapping_add(1))])
}

fn read_zero_page_word(memory: &mut impl Memory, pointer: u8) -> u16 {
    let low = memory.read(pointer.into());
    u16::from_le_bytes([low, memory.read(pointer.wrapping_add(1).into())])
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};

    struct Flat(Vec<u8>);

    impl Memory for Flat {
        fn read(&mut self, address: u16) -> u8 {
            self.0[usize::from(address)]
        }
        fn write(&mut self, address: u16, value: u8) {
            self.0[usize::from(address)] = value;
        }
    }

    /// Runs `code` at 0x0200 until BRK; returns a, x, y, the status without the unused bit, and the cycles.
    #[track_caller]
    fn check(code: &[u8], expected: (u8, u8, u8, u8, u32)) {
        let mut memory = Flat(vec![0; 0x10000]);
        memory.0[0x200..0x200 + code.len()].copy_from_slice(code);
        memory.0[0xfffd] = 2;
        memory.0[0xff] = 0x34;
        memory.0[0x100] = 0x12;
        let mut cpu = Cpu::new(&mut memory);
        let mut cycles = 0;
        while memory.0[usize::from(cpu.pc)] != 0 {
            cycles += cpu.step(&mut memory);
        }
        assert_eq!((cpu.a, cpu.x, cpu.y, cpu.status & !UNUSED & !INTERRUPT, cycles), expected);
    }

    #[test]
    fn arithmetic_flags() {
        // 0x50 + 0x50 overflows; 0xff + 1 carries; 0x00 - 1 borrows.
        check(&[0xa9, 0x50, 0x69, 0x50], (0xa0, 0, 0, NEGATIVE | OVERFLOW, 4));
        check(&[0xa9, 0xff, 0x69, 0x01], (0, 0, 0, ZERO | CARRY, 4));
        check(&[0x38, 0xa9, 0x00, 0xe9, 0x01], (0xff, 0, 0, NEGATIVE, 6));
        check(&[0xa2, 0x07, 0xe0, 0x07], (0, 7, 0, ZERO | CARRY, 4));
        check(&[0xa9, 0x81, 0x0a, 0x2a], (5, 0, 0, 0, 6));
        check(&[0xa9, 0x03, 0x4a, 0x6a], (0x80, 0, 0, NEGATIVE | CARRY, 6));
    }

    #[test]
    fn loops_calls_and_pages() {
        // Counts x from 0 to 5: ten cycles short of a taken branch each.
        check(&[0xe8, 0xe0, 0x05, 0xd0, 0xfb], (0, 5, 0, ZERO | CARRY, 5 * 7 - 1));
        // JSR to an RTS, then LDA of a page that indexing reaches: one cycle more.
        check(&[0x20, 0x09, 0x02, 0xa2, 0xff, 0xbd, 0x01, 0x00, 0x00, 0x60], (0x12, 0xff, 0, 0, 6 + 6 + 2 + 5));
        // Pushed and pulled in reverse order.
        check(&[0xa9, 1, 0x48, 0xa9, 2, 0x48, 0x68, 0xaa, 0x68], (1, 2, 0, 0, 2 + 3 + 2 + 3 + 4 + 2 + 4));
    }
}
