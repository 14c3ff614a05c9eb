//! The buffer that instructions are written to, and labels.

use crate::encoding::Inst;
use crate::inst;
use crate::operand::Mem;
use crate::reg::{Cond, Reg};
use alloc::vec::Vec;
use pvm_num::casts::{signed_64, to_u32, to_u64, to_usize};
use thiserror::Error;

/// A position in the code that instructions can refer to before it is known.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Label(u32);

impl Label {
    /// The label with this number. Labels are numbered in the order in which they are made.
    #[inline(always)]
    pub const fn from_number(number: u32) -> Label {
        Label(number)
    }

    /// Its number.
    #[inline(always)]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// A reference that cannot be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
#[error("at code offset {at:#x}: {kind}")]
pub struct FixupError {
    /// What is wrong.
    pub kind: FixupErrorKind,
    /// Offset of the field that refers to the label.
    pub at: u32,
}

/// What is wrong with a reference.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum FixupErrorKind {
    /// The label was never bound.
    #[error("label {0} was never bound")]
    Unbound(u32),
    /// The label is too far from the field.
    #[error("the label is {distance} bytes away, which does not fit in {size} bytes")]
    TooFar {
        /// Bytes from the end of the field.
        distance: i64,
        /// Bytes of the field.
        size: u8,
    },
}

/// A field that gets the distance of a label from its own end.
#[derive(Clone, Copy, Debug)]
struct Fixup {
    at: u32,
    label: Label,
    size: u8,
}

/// Code in the making.
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    /// The code, and room after it.
    bytes: Vec<u8>,
    len: usize,
    /// Code offset of each label, or [`Assembler::UNBOUND`].
    labels: Vec<u32>,
    fixups: Vec<Fixup>,
}

/// No-operations of 1 to 9 bytes (Intel's manual, volume 2, NOP).
const NOPS: [&[u8]; 9] = [
    &[0x90],
    &[0x66, 0x90],
    &[0x0f, 0x1f, 0x00],
    &[0x0f, 0x1f, 0x40, 0],
    &[0x0f, 0x1f, 0x44, 0, 0],
    &[0x66, 0x0f, 0x1f, 0x44, 0, 0],
    &[0x0f, 0x1f, 0x80, 0, 0, 0, 0],
    &[0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
    &[0x66, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0],
];

impl Assembler {
    /// Stands for the offset of a label that is not bound.
    pub const UNBOUND: u32 = u32::MAX;

    /// No code.
    pub fn new() -> Assembler {
        Assembler::default()
    }

    /// Forgets code and labels, keeps their memory, and makes room for so many bytes and labels.
    pub fn restart(&mut self, bytes: usize, labels: usize) {
        self.len = 0;
        self.labels.clear();
        self.fixups.clear();
        if self.bytes.len() < bytes + Inst::ROOM {
            self.bytes = alloc::vec![0; bytes + Inst::ROOM];
        }
        self.labels.reserve(labels);
    }

    /// Bytes of memory that it holds.
    pub fn memory(&self) -> usize {
        self.bytes.capacity() + self.labels.capacity() * size_of::<u32>() + self.fixups.capacity() * size_of::<Fixup>()
    }

    /// Bytes of code so far: the offset of the next instruction.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Is there no code yet?
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends an instruction.
    #[inline(always)]
    pub fn emit(&mut self, inst: Inst) {
        let Some(room) = self.bytes.get_mut(self.len..).and_then(|rest| rest.first_chunk_mut()) else {
            return self.grow_and_emit(inst);
        };
        inst.write(room);
        self.len += inst.len();
    }

    #[cold]
    #[inline(never)]
    fn grow_and_emit(&mut self, inst: Inst) {
        let room = (self.bytes.len() * 2).max(4096);
        self.bytes.resize(room, 0);
        self.emit(inst);
    }

    /// Overwrites 4 bytes of code at an offset: an immediate that was not known when it was emitted.
    pub fn patch_u32(&mut self, at: usize, value: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    /// Appends bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        if self.bytes.len() < end {
            self.bytes.resize(end + Inst::ROOM, 0);
        }
        self.bytes[self.len..end].copy_from_slice(bytes);
        self.len = end;
    }

    /// Appends no-operations, as few as possible, until the length is a multiple of `align`, a power of two.
    pub fn align(&mut self, align: usize) {
        let mut missing = self.len.wrapping_neg() & (align - 1);
        while missing > 0 {
            let nop = NOPS[missing.min(NOPS.len()) - 1];
            self.bytes(nop);
            missing -= nop.len();
        }
    }

    /// New labels, not bound yet, so that the numbers of all labels up to `count` are in use.
    pub fn reserve_labels(&mut self, count: u32) {
        self.labels.resize(to_usize(count).max(self.labels.len()), Self::UNBOUND);
    }

    /// A new label, not bound yet.
    #[inline]
    pub fn label(&mut self) -> Label {
        let label = Label(to_u32(self.labels.len()));
        self.labels.push(Self::UNBOUND);
        label
    }

    /// A new label at the present end of the code.
    #[inline]
    pub fn label_here(&mut self) -> Label {
        let label = self.label();
        self.bind(label);
        label
    }

    /// Gives the label the present end of the code; what was bound before is bound anew.
    #[inline]
    pub fn bind(&mut self, label: Label) {
        self.labels[to_usize(label.0)] = to_u32(self.len);
    }

    /// Where a bound label is.
    #[inline]
    pub fn offset(&self, label: Label) -> Option<u32> {
        Some(self.labels[to_usize(label.0)]).filter(|offset| *offset != Self::UNBOUND)
    }

    /// Jumps to the label: in 2 bytes where it is bound and near, in 5 else.
    #[inline]
    pub fn jmp(&mut self, label: Label) {
        match self.near(label) {
            Some(distance) => self.emit(inst::jmp_rel8(distance)),
            None => self.emit_to(inst::jmp_rel32(0), label, 4),
        }
    }

    /// Jumps to the label, which must turn out to be near, in 2 bytes.
    #[inline]
    pub fn jmp_short(&mut self, label: Label) {
        self.emit_to(inst::jmp_rel8(0), label, 1);
    }

    /// Jumps to the label on a condition: in 2 bytes where it is bound and near, in 6 else.
    #[inline]
    pub fn jcc(&mut self, cond: Cond, label: Label) {
        match self.near(label) {
            Some(distance) => self.emit(inst::j_rel8(cond, distance)),
            None => self.emit_to(inst::j_rel32(cond, 0), label, 4),
        }
    }

    /// Jumps to the label, which must turn out to be near, on a condition, in 2 bytes.
    #[inline]
    pub fn jcc_short(&mut self, cond: Cond, label: Label) {
        self.emit_to(inst::j_rel8(cond, 0), label, 1);
    }

    /// Loads the address of the label.
    #[inline]
    pub fn lea(&mut self, reg: Reg, label: Label) {
        self.emit_to(inst::lea_r64_m(reg, Mem::rip(0)), label, 4);
    }

    /// Distance of a bound label from the end of a 2-byte jump here, if it fits in a byte.
    #[inline]
    fn near(&self, label: Label) -> Option<i8> {
        let target = signed_64(to_u64(to_usize(self.offset(label)?)));
        i8::try_from(target - signed_64(to_u64(self.len + 2))).ok()
    }

    /// Appends an instruction that ends with a field of `size` bytes, which gets the distance to the label.
    #[inline]
    fn emit_to(&mut self, inst: Inst, label: Label, size: u8) {
        self.emit(inst);
        self.fixups.push(Fixup { at: to_u32(self.len - usize::from(size)), label, size });
    }

    /// Fills in all references so far, so that [`Assembler::code`] is complete.
    ///
    /// # Errors
    /// The first reference to a label that was never bound or is too far away.
    pub fn resolve(&mut self) -> Result<(), FixupError> {
        for &Fixup { at, label, size } in &self.fixups {
            let Some(target) = self.offset(label) else {
                return Err(FixupError { kind: FixupErrorKind::Unbound(label.0), at });
            };
            let start = to_usize(at);
            let end = start + usize::from(size);
            let distance = i64::from(target) - signed_64(to_u64(end));
            let too_far = FixupError { kind: FixupErrorKind::TooFar { distance, size }, at };
            let field = &mut self.bytes[start..end];
            if size == 1 {
                field.copy_from_slice(&i8::try_from(distance).map_err(|_| too_far)?.to_le_bytes());
            } else {
                field.copy_from_slice(&i32::try_from(distance).map_err(|_| too_far)?.to_le_bytes());
            }
        }
        self.fixups.clear();
        Ok(())
    }

    /// The code; references that were not resolved are zero.
    pub fn code(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// The code with all references filled in.
    ///
    /// # Errors
    /// See [`Assembler::resolve`].
    pub fn finish(mut self) -> Result<Vec<u8>, FixupError> {
        self.resolve()?;
        self.bytes.truncate(self.len);
        Ok(self.bytes)
    }
}
