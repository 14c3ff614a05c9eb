//! An assembler for the cartridge: instructions one call each, labels resolved at the end.

use super::opcodes::{Mode, Op, opcode_of};
use alloc::vec::Vec;

/// A label's name.
pub(crate) type Label = &'static str;

enum Fix {
    /// Signed distance from the byte behind the operand.
    Relative,
    /// Address, low byte first.
    Absolute,
}

/// Code that begins at `origin`.
pub(crate) struct Assembler {
    origin: u16,
    code: Vec<u8>,
    labels: Vec<(Label, u16)>,
    fixes: Vec<(usize, Label, Fix)>,
}

impl Assembler {
    pub(crate) const fn new(origin: u16) -> Self {
        Self { origin, code: Vec::new(), labels: Vec::new(), fixes: Vec::new() }
    }

    /// Names the address of what comes next.
    pub(crate) fn label(&mut self, name: Label) {
        self.labels.push((name, self.address(self.code.len())));
    }

    /// Instructions without an operand.
    pub(crate) fn op(&mut self, ops: &[Op]) {
        for &op in ops {
            self.opcode(op, Mode::Implied);
        }
    }

    /// Shifts of the accumulator.
    pub(crate) fn acc(&mut self, op: Op) {
        self.opcode(op, Mode::Accumulator);
    }

    pub(crate) fn imm(&mut self, op: Op, value: u8) {
        self.opcode(op, Mode::Immediate);
        self.code.push(value);
    }

    /// An operand in the first 256 bytes of memory.
    pub(crate) fn zero(&mut self, op: Op, address: u8) {
        self.opcode(op, Mode::ZeroPage);
        self.code.push(address);
    }

    pub(crate) fn abs(&mut self, op: Op, address: u16) {
        self.opcode(op, Mode::Absolute);
        self.code.extend(address.to_le_bytes());
    }

    pub(crate) fn abs_x(&mut self, op: Op, address: u16) {
        self.opcode(op, Mode::AbsoluteX);
        self.code.extend(address.to_le_bytes());
    }

    pub(crate) fn abs_y(&mut self, op: Op, address: u16) {
        self.opcode(op, Mode::AbsoluteY);
        self.code.extend(address.to_le_bytes());
    }

    pub(crate) fn indirect_y(&mut self, op: Op, pointer: u8) {
        self.opcode(op, Mode::IndirectY);
        self.code.push(pointer);
    }

    pub(crate) fn branch(&mut self, op: Op, target: Label) {
        self.opcode(op, Mode::Relative);
        self.fix(target, Fix::Relative);
    }

    /// JMP and JSR.
    pub(crate) fn jump(&mut self, op: Op, target: Label) {
        self.opcode(op, Mode::Absolute);
        self.fix(target, Fix::Absolute);
    }

    /// An instruction indexed by X whose base is a label.
    pub(crate) fn table_x(&mut self, op: Op, table: Label) {
        self.opcode(op, Mode::AbsoluteX);
        self.fix(table, Fix::Absolute);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.code.extend(bytes);
    }

    /// The code with its labels filled in, as long as `size`; the last six bytes are the vectors of the processor.
    pub(crate) fn finish(mut self, size: usize, vectors: [Label; 3]) -> Vec<u8> {
        assert!(self.code.len() <= size - 6, "the cartridge is full");
        self.code.resize(size - 6, 0xff);
        for vector in vectors {
            self.fix(vector, Fix::Absolute);
        }
        for (at, name, fix) in core::mem::take(&mut self.fixes) {
            let target = self.labels.iter().find(|label| label.0 == name).expect("a label is defined").1;
            match fix {
                Fix::Absolute => self.code[at..at + 2].copy_from_slice(&target.to_le_bytes()),
                Fix::Relative => {
                    let [distance, high] = target.wrapping_sub(self.address(at + 1)).to_le_bytes();
                    let sign = if distance < 0x80 { 0 } else { 0xff };
                    assert!(high == sign, "a branch reaches its target");
                    self.code[at] = distance;
                }
            }
        }
        self.code
    }

    fn opcode(&mut self, op: Op, mode: Mode) {
        self.code.push(opcode_of(op, mode).expect("the instruction has this mode"));
    }

    fn fix(&mut self, target: Label, fix: Fix) {
        let size = if matches!(fix, Fix::Relative) { 1 } else { 2 };
        self.fixes.push((self.code.len(), target, fix));
        self.code.resize(self.code.len() + size, 0);
    }

    fn address(&self, offset: usize) -> u16 {
        self.origin + u16::try_from(offset).expect("code is within 64 KiB")
    }
}
