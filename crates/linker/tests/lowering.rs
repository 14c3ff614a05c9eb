//! Every RISC-V instruction, with every way its operands can coincide, does in PVM what the manual says it does: all
//! registers and the memory are compared with an independent model.
//!
//! Each instruction stands twice: followed by a return, where no register is free to work with, and followed by
//! instructions that overwrite registers nobody read, where some are.

mod common;

use common::elf::{ElfBuilder, RW, assemble};
use common::riscv::Hart;
use common::{Guest, guest};
use pvm_isa::Reg as PvmReg;
use pvm_linker::{Config, link};
use pvm_num::casts::{low_u32, sign_extend_32};
use pvm_riscv::{
    AmoOp, AmoWidth, Condition, Instruction, LoadKind, MoveCondition, Reg, RegImmOp, RegRegOp, StoreKind, UnaryOp,
    Xlen, encode,
};

/// Values at which instructions change their behaviour.
const VALUES: [u64; 9] = [
    0,
    1,
    5,
    u64::MAX,
    0x8000_0000,
    0x7fff_ffff_0000_0003,
    0x8000_0000_0000_0000,
    0x00ff_8000_7f00_0180,
    0x1234_5678_9abc_def0,
];
/// Registers for operands: enough for all to differ, and the zero register.
const OPERANDS: [Reg; 5] = [Reg::zero, Reg::a0, Reg::a1, Reg::s0, Reg::ra];
const RETURN: Instruction = Instruction::Jalr { rd: Reg::zero, rs1: Reg::t2, offset: 0 };
/// Registers of the E profile but the zero register, in order of PVM's numbers.
const REGISTERS: [Reg; 13] = [
    Reg::ra,
    Reg::sp,
    Reg::t0,
    Reg::t1,
    Reg::t2,
    Reg::s0,
    Reg::s1,
    Reg::a0,
    Reg::a1,
    Reg::a2,
    Reg::a3,
    Reg::a4,
    Reg::a5,
];

/// Instructions behind the one under test that make registers free.
fn overwrite() -> [Instruction; 3] {
    [Reg::t0, Reg::a4, Reg::a5].map(|rd| Instruction::RegImm { op: RegImmOp::Addi, rd, rs1: Reg::zero, imm: 77 })
}

struct Bench {
    xlen: Xlen,
    instructions: Vec<Instruction>,
    guest: Guest,
    /// Where the middle of the guest's 16 bytes of memory is.
    buffer: u32,
}

impl Bench {
    fn new(xlen: Xlen, instructions: Vec<Instruction>) -> Bench {
        let instructions: Vec<Instruction> =
            instructions.into_iter().filter(|instruction| encode(instruction, xlen).is_some()).collect();
        let mut code = Vec::new();
        let mut entries = Vec::new();
        for (index, instruction) in instructions.iter().enumerate() {
            for (name, tail) in [("plain", &[][..]), ("free", &overwrite()[..])] {
                entries.push((format!("{name}{index}"), u64::try_from(code.len()).unwrap()));
                let mut body = vec![*instruction];
                body.extend_from_slice(tail);
                body.push(RETURN);
                code.extend_from_slice(&assemble(xlen, &body));
            }
        }
        let mut builder = ElfBuilder::new(xlen);
        let text = builder.section(".text", common::elf::EXEC, code);
        builder.section(".data", RW, vec![0xee; 16]);
        builder.exports(text, entries.iter().map(|(name, at)| (name.as_str(), *at)));
        let linked = link(&builder.build(), &Config { opt_level: 0, ..Config::default() }).unwrap();
        let guest = guest(&linked.parts);
        // The data section is the last of the writable ones.
        let buffer = guest.instance.image().memory.map.heap_base() - 8;
        Bench { xlen, instructions, guest, buffer }
    }

    /// Runs every instruction on registers that `fill` gives and compares.
    fn check(&mut self, mut fill: impl FnMut(Reg, usize) -> u64, rounds: usize) {
        for index in 0..self.instructions.len() {
            let instruction = self.instructions[index];
            for round in 0..rounds {
                let mut hart = Hart {
                    xlen: self.xlen,
                    regs: [0; 32],
                    memory: u128::from(VALUES[round % VALUES.len()]) * 0x1_0000_0000_0000_0001,
                    address: 0,
                };
                for reg in REGISTERS {
                    hart.set(reg, fill(reg, round));
                }
                hart.set(Reg::t2, 0xffff_0000);
                if let Some(address) = address_register(&instruction) {
                    hart.set(address, self.buffer.into());
                    hart.address = self.buffer.into();
                }
                if uses(&instruction, Reg::t2) {
                    continue;
                }
                for (name, tail) in [("plain", &[][..]), ("free", &overwrite()[..])] {
                    let mut expected = hart.clone();
                    expected.execute(&instruction);
                    tail.iter().for_each(|instruction| expected.execute(instruction));
                    let found = self.run(&format!("{name}{index}"), &hart);
                    assert_eq!(found, expected, "{name} `{instruction}` ({:?}) on {hart:x?}", self.xlen);
                }
            }
        }
    }

    fn run(&mut self, export: &str, hart: &Hart) -> Hart {
        let instance = &mut self.guest.instance;
        for (pvm, reg) in PvmReg::ALL.into_iter().zip(REGISTERS) {
            instance.set_reg(pvm, hart.get(reg));
        }
        instance.write_memory(self.buffer - 8, &hart.memory.to_le_bytes()).unwrap();
        self.guest.run(export).unwrap_or_else(|exit| panic!("{export} ended with {exit:?}"));
        let instance = &self.guest.instance;
        let mut memory = [0; 16];
        instance.read_memory(self.buffer - 8, &mut memory).unwrap();
        let mut found = Hart { memory: u128::from_le_bytes(memory), ..hart.clone() };
        for (pvm, reg) in PvmReg::ALL.into_iter().zip(REGISTERS) {
            found.set(reg, instance.reg(pvm));
        }
        found
    }
}

fn address_register(instruction: &Instruction) -> Option<Reg> {
    match *instruction {
        Instruction::LoadReserved { addr, .. }
        | Instruction::StoreConditional { addr, .. }
        | Instruction::Amo { addr, .. } => Some(addr),
        Instruction::Load { base, .. } | Instruction::Store { base, .. } => Some(base),
        _ => None,
    }
}

fn uses(instruction: &Instruction, reg: Reg) -> bool {
    instruction.to_string().split([' ', ',', '(', ')']).any(|word| word == reg.name())
}

/// All choices of three operands.
fn triples() -> impl Iterator<Item = (Reg, Reg, Reg)> {
    OPERANDS.into_iter().flat_map(|a| OPERANDS.into_iter().flat_map(move |b| OPERANDS.map(|c| (a, b, c))))
}

/// Different values for every register, over all pairs of [`VALUES`] for the operands that matter.
fn pairs(reg: Reg, round: usize) -> u64 {
    let (x, y) = (VALUES[round % VALUES.len()], VALUES[round / VALUES.len() % VALUES.len()]);
    match reg {
        Reg::a0 => x,
        Reg::a1 | Reg::ra => y,
        Reg::s0 => x ^ y.rotate_left(17),
        other => 0x0101_0101_0101_0101 * u64::from(other.number()),
    }
}

#[track_caller]
fn check(xlen: Xlen, instructions: Vec<Instruction>) {
    assert!(!instructions.is_empty());
    Bench::new(xlen, instructions).check(pairs, VALUES.len() * VALUES.len());
}

#[test]
fn two_registers() {
    for xlen in Xlen::ALL {
        for op in RegRegOp::ALL {
            check(xlen, triples().map(|(rd, rs1, rs2)| Instruction::RegReg { op: *op, rd, rs1, rs2 }).collect());
        }
    }
}

#[test]
fn one_register_and_an_immediate() {
    let immediates = [0, 1, -1, 7, 31, 32, 63, 255, 2047, -2048];
    for xlen in Xlen::ALL {
        for op in RegImmOp::ALL {
            let all = triples()
                .filter(|(.., third)| *third == Reg::zero)
                .flat_map(|(rd, rs1, _)| immediates.map(|imm| Instruction::RegImm { op: *op, rd, rs1, imm }));
            check(xlen, all.collect());
        }
    }
}

#[test]
fn one_register() {
    for xlen in Xlen::ALL {
        for op in UnaryOp::ALL {
            let all = triples().filter(|(.., third)| *third == Reg::zero);
            check(xlen, all.map(|(rd, rs1, _)| Instruction::Unary { op: *op, rd, rs1 }).collect());
        }
    }
}

#[test]
fn conditional_moves() {
    for xlen in Xlen::ALL {
        for cond in MoveCondition::ALL {
            let all = triples().map(|(rd, src, test)| Instruction::CondMov { cond: *cond, rd, src, test });
            check(xlen, all.collect());
        }
        for cond in OPERANDS {
            let all = triples().map(|(rd, if_true, if_false)| Instruction::MipsCmov { rd, cond, if_true, if_false });
            check(xlen, all.collect());
        }
    }
}

#[test]
fn atomics() {
    let (aq, rl) = (false, false);
    for xlen in Xlen::ALL {
        for width in AmoWidth::ALL.iter().copied() {
            let mut all = Vec::new();
            for (rd, addr, src) in triples().filter(|(_, addr, _)| *addr != Reg::zero) {
                all.push(Instruction::LoadReserved { width, rd, addr, aq, rl });
                all.push(Instruction::StoreConditional { width, rd, addr, src, aq, rl });
                all.extend(AmoOp::ALL.iter().map(|op| Instruction::Amo { op: *op, width, rd, addr, src, aq, rl }));
            }
            check(xlen, all);
        }
    }
}

#[test]
fn loads_and_stores() {
    for xlen in Xlen::ALL {
        let mut all = Vec::new();
        for (reg, base, _) in triples().filter(|(_, base, third)| *base != Reg::zero && *third == Reg::zero) {
            for offset in [-8, -5, -1, 0] {
                all.extend(LoadKind::ALL.iter().map(|kind| Instruction::Load { kind: *kind, rd: reg, base, offset }));
                all.extend(StoreKind::ALL.iter().map(|kind| Instruction::Store {
                    kind: *kind,
                    src: reg,
                    base,
                    offset,
                }));
            }
        }
        check(xlen, all);
    }
}

#[test]
fn branches() {
    let mark = |imm| Instruction::RegImm { op: RegImmOp::Addi, rd: Reg::t0, rs1: Reg::zero, imm };
    for xlen in Xlen::ALL {
        for cond in Condition::ALL.iter().copied() {
            for (rs1, rs2, _) in triples().filter(|(.., third)| *third == Reg::zero) {
                let code = assemble(
                    xlen,
                    &[Instruction::Branch { cond, rs1, rs2, offset: 12 }, mark(1), RETURN, mark(2), RETURN],
                );
                let mut builder = ElfBuilder::new(xlen);
                let text = builder.section(".text", common::elf::EXEC, code);
                builder.exports(text, [("main", 0)]);
                let mut guest =
                    guest(&link(&builder.build(), &Config { opt_level: 1, ..Config::default() }).unwrap().parts);
                for round in 0..VALUES.len() * VALUES.len() {
                    let mut hart = Hart { xlen, regs: [0; 32], memory: 0, address: 0 };
                    for (pvm, reg) in PvmReg::ALL.into_iter().zip(REGISTERS) {
                        hart.set(reg, pairs(reg, round));
                        guest.instance.set_reg(pvm, hart.get(reg));
                    }
                    guest.instance.set_reg(PvmReg::t2, 0xffff_0000);
                    guest.run("main").unwrap();
                    let taken = guest.instance.reg(PvmReg::t0) == 2;
                    assert_eq!(taken, hart.holds(cond, rs1, rs2), "{cond:?} {rs1}, {rs2} {xlen:?} on {hart:x?}");
                }
            }
        }
    }
}

#[test]
fn the_model_knows_words() {
    // The model must not share a mistake with the linker: a few results from the manual's own examples.
    let mut hart = Hart { xlen: Xlen::Rv64, regs: [0; 32], memory: 0, address: 0 };
    hart.set(Reg::a0, 0x8000_0000);
    hart.set(Reg::a1, u64::MAX);
    let (rd, rs1, rs2) = (Reg::a2, Reg::a0, Reg::a1);
    hart.execute(&Instruction::RegReg { op: RegRegOp::DivW, rd, rs1, rs2 });
    assert_eq!(hart.get(rd), sign_extend_32(0x8000_0000), "overflow of a signed division");
    hart.execute(&Instruction::RegReg { op: RegRegOp::Mulhsu, rd, rs1: Reg::a1, rs2: Reg::a1 });
    assert_eq!(hart.get(rd), u64::MAX, "-1 times 2^64 - 1");
    hart.execute(&Instruction::RegReg { op: RegRegOp::AddUw, rd, rs1: Reg::a1, rs2: Reg::zero });
    assert_eq!(hart.get(rd), u64::from(low_u32(u64::MAX)));
}
