//! Encodings, read from the manual's notation when this crate is compiled, and the bytes of instructions that follow them.
//!
//! ```text
//! [REX.W | 66 | F2 | F3]* [0F [38 | 3A]] opcode [/r | /digit] [ib | iw | id | io | cb | cd]
//! VEX.LZ[.66 | .F2 | .F3].(0F38 | 0F3A).(W0 | W1) opcode [/r | /digit] [ib]
//! ```

use crate::operand::{Base, Mem, Rm, Scale, Segment};
use crate::reg::Reg;
use pvm_num::casts::{to_usize, unsigned_32, widen, widen_u8};

/// The bytes of one instruction, at most 15.
///
/// ```text
/// head: prefixes, opcode, ModRM, SIB (at most 8)    tail: displacement, immediate (at most 8)
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Inst {
    head: Bytes,
    tail: Bytes,
}

/// At most 8 bytes; those beyond `len` are zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Bytes {
    bits: u64,
    len: u32,
}

impl Bytes {
    const NONE: Bytes = Bytes { bits: 0, len: 0 };

    #[inline(always)]
    const fn push(self, byte: u8) -> Bytes {
        self.push_all(Bytes { bits: widen(widen_u8(byte)), len: 1 })
    }

    #[inline(always)]
    const fn push_all(self, other: Bytes) -> Bytes {
        if other.len == 0 {
            return self;
        }
        Bytes { bits: self.bits | (other.bits << (8 * self.len)), len: self.len + other.len }
    }
}

impl Inst {
    /// Bytes that [`Inst::write`] needs: more than an instruction has, because it writes whole words.
    pub(crate) const ROOM: usize = 16;

    /// Its length in bytes, 1 to 15.
    #[inline(always)]
    #[expect(clippy::len_without_is_empty, reason = "it never is")]
    pub const fn len(&self) -> usize {
        to_usize(self.head.len + self.tail.len)
    }

    /// Writes the bytes; what follows them in `room` is lost.
    #[inline(always)]
    pub(crate) fn write(&self, room: &mut [u8; Inst::ROOM]) {
        let (head, _) = room.split_at_mut(8);
        head.copy_from_slice(&self.head.bits.to_le_bytes());
        let start = to_usize(self.head.len & 15).min(8);
        room[start..start + 8].copy_from_slice(&self.tail.bits.to_le_bytes());
    }

    /// Encodes the operands.
    #[inline(always)]
    pub(crate) fn encode(encoding: Encoding, operands: Operands) -> Inst {
        let rm = match operands.rm {
            Rm::Reg(reg) => RmBytes::reg(reg, operands.bytes),
            Rm::Mem(mem) => RmBytes::mem(mem),
        };
        let mut head = rm.prefixes;
        if encoding.prefix != 0 {
            head = head.push(encoding.prefix);
        }
        let reg = match encoding.digit {
            Some(digit) => digit,
            None => operands.reg,
        };
        let rex = rm.rex | ((reg >> 3) << 2) | (operands.plus >> 3);
        if let Some(vex) = encoding.vex {
            head = head.push(0xc4);
            head = head.push(((!rex & 7) << 5) | encoding.map.number());
            head = head.push((rex_w(encoding.wide) << 4) | ((!operands.vvvv & 15) << 3) | vex);
        } else {
            let rex = rex | rex_w(encoding.wide);
            let reg_is_byte = operands.reg_is_byte && operands.reg >= 4;
            if rex != 0 || reg_is_byte {
                head = head.push(0x40 | rex);
            }
            head = match encoding.map {
                Map::Primary => head,
                Map::Of => head.push(0x0f),
                Map::Of38 => head.push(0x0f).push(0x38),
                Map::Of3a => head.push(0x0f).push(0x3a),
            };
        }
        head = head.push(encoding.opcode + (operands.plus & 7) + operands.cond);
        if encoding.modrm {
            let modrm = Bytes { bits: rm.modrm.bits | (widen(widen_u8(reg & 7)) << 3), len: rm.modrm.len };
            head = head.push_all(modrm);
        }
        Inst { head, tail: rm.disp.push_all(operands.immediate) }
    }
}

#[inline(always)]
const fn rex_w(wide: bool) -> u8 {
    if wide { 8 } else { 0 }
}

/// What an operand in a register or in memory adds to an instruction.
#[derive(Clone, Copy)]
struct RmBytes {
    prefixes: Bytes,
    /// The bits X and B, or 0x40 for a prefix without bits.
    rex: u8,
    modrm: Bytes,
    disp: Bytes,
}

impl RmBytes {
    #[inline(always)]
    const fn reg(reg: Reg, is_byte: bool) -> RmBytes {
        let number = reg.number();
        let bare = if is_byte && number >= 4 { 0x40 } else { 0 };
        let modrm = Bytes::NONE.push(0xc0 | (number & 7));
        RmBytes { prefixes: Bytes::NONE, rex: bare | (number >> 3), modrm, disp: Bytes::NONE }
    }

    #[inline]
    const fn mem(mem: Mem) -> RmBytes {
        let mut prefixes = Bytes::NONE;
        if mem.narrow {
            prefixes = prefixes.push(0x67);
        }
        match mem.segment {
            Some(Segment::Fs) => prefixes = prefixes.push(0x64),
            Some(Segment::Gs) => prefixes = prefixes.push(0x65),
            None => {}
        }
        let disp_32 = Bytes { bits: widen(unsigned_32(mem.disp)), len: 4 };
        let Base::Reg(base) = mem.base else {
            let (modrm, rex) = match (mem.base, mem.index) {
                (Base::Rip, _) => (Bytes::NONE.push(0x05), 0),
                (_, None) => (Bytes::NONE.push(0x04).push(0x25), 0),
                (_, Some((index, scale))) => (Bytes::NONE.push(0x04).push(sib(5, index, scale)), rex_x(index)),
            };
            return RmBytes { prefixes, rex, modrm, disp: disp_32 };
        };
        let low = base.number() & 7;
        let (mode, disp) = if mem.disp == 0 && low != 5 {
            (0, Bytes::NONE)
        } else if mem.disp >= -128 && mem.disp <= 127 {
            (0x40, Bytes { bits: disp_32.bits & 0xff, len: 1 })
        } else {
            (0x80, disp_32)
        };
        let (modrm, rex) = match mem.index {
            Some((index, scale)) => (Bytes::NONE.push(mode | 4).push(sib(low, index, scale)), rex_x(index)),
            None if low == 4 => (Bytes::NONE.push(mode | 4).push(0x24), 0),
            None => (Bytes::NONE.push(mode | low), 0),
        };
        RmBytes { prefixes, rex: rex | (base.number() >> 3), modrm, disp }
    }
}

const fn sib(base: u8, index: Reg, scale: Scale) -> u8 {
    let scale = match scale {
        Scale::X1 => 0,
        Scale::X2 => 1,
        Scale::X4 => 2,
        Scale::X8 => 3,
    };
    (scale << 6) | ((index.number() & 7) << 3) | base
}

const fn rex_x(index: Reg) -> u8 {
    (index.number() >> 3) << 1
}

/// Where the operands of an instruction go; the table's rows fill it in.
#[derive(Clone, Copy)]
pub(crate) struct Operands {
    reg: u8,
    reg_is_byte: bool,
    rm: Rm,
    bytes: bool,
    vvvv: u8,
    plus: u8,
    cond: u8,
    immediate: Bytes,
}

impl Operands {
    /// No operands.
    pub(crate) const NONE: Operands = Operands {
        reg: 0,
        reg_is_byte: false,
        rm: Rm::Reg(Reg::RAX),
        bytes: false,
        vvvv: 0,
        plus: 0,
        cond: 0,
        immediate: Bytes::NONE,
    };

    /// A register in ModRM.reg.
    #[inline(always)]
    pub(crate) const fn reg(self, reg: Reg) -> Operands {
        Operands { reg: reg.number(), ..self }
    }

    /// An 8-bit register in ModRM.reg: the low byte, for which some need a REX prefix.
    #[inline(always)]
    pub(crate) const fn reg_8(self, reg: Reg) -> Operands {
        Operands { reg: reg.number(), reg_is_byte: true, ..self }
    }

    /// ModRM.rm.
    #[inline(always)]
    pub(crate) const fn rm(self, rm: Rm) -> Operands {
        Operands { rm, ..self }
    }

    /// ModRM.rm of 8 bits.
    #[inline(always)]
    pub(crate) const fn rm_8(self, rm: Rm) -> Operands {
        Operands { rm, bytes: true, ..self }
    }

    /// A register in VEX.vvvv.
    #[inline(always)]
    pub(crate) const fn vvvv(self, reg: Reg) -> Operands {
        Operands { vvvv: reg.number(), ..self }
    }

    /// A register in the low bits of the opcode.
    #[inline(always)]
    pub(crate) const fn plus(self, reg: Reg) -> Operands {
        Operands { plus: reg.number(), ..self }
    }

    /// A condition in the low bits of the opcode.
    #[inline(always)]
    pub(crate) const fn cond(self, cond: crate::reg::Cond) -> Operands {
        Operands { cond: cond.number(), ..self }
    }

    /// An immediate of `len` bytes; `bits` has no others.
    #[inline(always)]
    pub(crate) const fn immediate(self, bits: u64, len: u32) -> Operands {
        Operands { immediate: Bytes { bits, len }, ..self }
    }
}

/// Everything about an instruction that does not depend on its operands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Encoding {
    /// 66, F2, F3 or 0.
    prefix: u8,
    /// REX.W or VEX.W.
    wide: bool,
    map: Map,
    opcode: u8,
    modrm: bool,
    digit: Option<u8>,
    /// VEX.pp, and 0 for VEX.L.
    vex: Option<u8>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Map {
    Primary,
    Of,
    Of38,
    Of3a,
}

impl Map {
    const fn number(self) -> u8 {
        match self {
            Map::Primary => 0,
            Map::Of => 1,
            Map::Of38 => 2,
            Map::Of3a => 3,
        }
    }
}

impl Encoding {
    /// Reads the manual's notation.
    ///
    /// # Panics
    /// If it is not as at the top of this file; in a `const`, that is a compile error.
    pub(crate) const fn parse(text: &str) -> Encoding {
        let mut encoding =
            Encoding { prefix: 0, wide: false, map: Map::Primary, opcode: 0, modrm: false, digit: None, vex: None };
        let mut has_opcode = false;
        let mut rest = text.as_bytes();
        while let Some((word, after)) = next_word(rest) {
            rest = after;
            match word {
                b"REX.W" => encoding.wide = true,
                b"66" | b"F2" | b"F3" if !has_opcode && starts_with_byte(rest) => encoding.prefix = hex(word),
                b"0F" if !has_opcode => encoding.map = Map::Of,
                b"38" if !has_opcode && matches!(encoding.map, Map::Of) => encoding.map = Map::Of38,
                b"3A" if !has_opcode && matches!(encoding.map, Map::Of) => encoding.map = Map::Of3a,
                b"/r" => encoding.modrm = true,
                b"ib" | b"iw" | b"id" | b"io" | b"cb" | b"cd" => assert!(has_opcode),
                [b'/', digit] => {
                    encoding.modrm = true;
                    encoding.digit = Some(*digit - b'0');
                }
                [b'V', b'E', b'X', ..] => encoding.vex(word),
                _ => {
                    assert!(!has_opcode && word.len() == 2, "unknown word in an encoding");
                    encoding.opcode = hex(word);
                    has_opcode = true;
                }
            }
        }
        assert!(has_opcode);
        // Prefixes, opcode, ModRM and SIB must fit in 8 bytes.
        assert!(encoding.prefix == 0 || matches!(encoding.map, Map::Primary | Map::Of));
        encoding
    }

    const fn vex(&mut self, word: &[u8]) {
        let mut at = 3;
        let mut pp = 0;
        while at < word.len() {
            assert!(word[at] == b'.');
            let mut end = at + 1;
            while end < word.len() && word[end] != b'.' {
                end += 1;
            }
            let (_, field) = word.split_at(at + 1);
            let (field, _) = field.split_at(end - at - 1);
            match field {
                b"LZ" | b"W0" => {}
                b"66" => pp = 1,
                b"F3" => pp = 2,
                b"F2" => pp = 3,
                b"0F38" => self.map = Map::Of38,
                b"0F3A" => self.map = Map::Of3a,
                b"W1" => self.wide = true,
                _ => panic!("unknown field of VEX"),
            }
            at = end;
        }
        self.vex = Some(pp);
    }
}

/// The first word and what follows it.
const fn next_word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut start = 0;
    while start < text.len() && text[start] == b' ' {
        start += 1;
    }
    let mut end = start;
    while end < text.len() && text[end] != b' ' {
        end += 1;
    }
    if start == end {
        return None;
    }
    let (word, rest) = text.split_at(end);
    Some((word.split_at(start).1, rest))
}

/// Is the next word a byte, so that the one before it is a prefix or an escape?
const fn starts_with_byte(rest: &[u8]) -> bool {
    match next_word(rest) {
        Some((word, _)) => matches!(word, [b'0'..=b'9' | b'A'..=b'F', b'0'..=b'9' | b'A'..=b'F'] | b"REX.W"),
        None => false,
    }
}

const fn hex(word: &[u8]) -> u8 {
    let mut value = 0;
    let mut at = 0;
    while at < word.len() {
        let digit = match word[at] {
            digit @ b'0'..=b'9' => digit - b'0',
            digit @ b'A'..=b'F' => digit - b'A' + 10,
            _ => panic!("a byte has two hexadecimal digits, in capitals"),
        };
        value = value * 16 + digit;
        at += 1;
    }
    value
}
