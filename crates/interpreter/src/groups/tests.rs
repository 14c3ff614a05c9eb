//! Every group against its operations one by one: step tracing never groups.

use super::{GROUPS, Group, Part};
use crate::image::{Image, MemoryImage, Paging};
use crate::{Exit, Instance};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use pvm_gas::Rule;
use pvm_isa::{Instruction, InstructionSet, Opcode, Reg, encode};
use pvm_num::casts::{low_u32, to_u32, to_usize};
use pvm_program::{Bytes, MemoryMapBuilder};

const SET: InstructionSet = InstructionSet::Latest64Bitmask;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[to_usize(low_u32(self.next() >> 32)) % items.len()]
    }
}

/// The instruction of a part: random operands, the primary source being `written` if the part is chained; none if the part
/// does not take that register.
fn instruction(random: &mut Random, part: &Part, written: Option<Reg>) -> Option<Instruction> {
    let name = alloc::format!("{:?}", part.handler).replace("_sp_", "_indirect_");
    let opcode = *Opcode::ALL.iter().find(|opcode| opcode.name() == name).expect("parts are named after instructions");
    let in_stack = alloc::format!("{:?}", part.handler) != name;
    (0..200).find_map(|_| {
        // Few registers, so that operands coincide often.
        let mut regs = [0; 3].map(|_| random.pick(&[Reg::a0, Reg::a1, Reg::sp, Reg::t0]));
        if in_stack {
            regs[1] = Reg::sp;
        }
        let imm = random.pick(&[0, 1, 8, 16, -8, 24, 63]);
        let instruction = Instruction::with_registers(opcode, regs).with_imm1(imm);
        // Loads and stores relative to `sp` are parts of their own.
        let is_own = in_stack || !name.ends_with("indirect_u64") || regs[1] != Reg::sp;
        let fits = is_own && (!part.is_chained || is_chained(&instruction, opcode, written));
        fits.then_some(instruction)
    })
}

fn is_chained(instruction: &Instruction, opcode: Opcode, written: Option<Reg>) -> bool {
    let mut op = crate::translate::plain(super::Handler::of(opcode), instruction);
    crate::translate::chain(&mut op, opcode, written);
    op.chained
}

/// A block of the group's instructions, ended by a trap if by nothing else; none if operands came out impossible.
fn code(random: &mut Random, group: &Group) -> Option<(Vec<u8>, Vec<u8>)> {
    let (mut code, mut starts) = (Vec::new(), Vec::new());
    let mut written = None;
    let mut add = |instruction: Instruction| {
        let offset = to_u32(code.len());
        starts.push(code.len());
        code.extend_from_slice(&encode(SET, offset, &instruction).expect("it is an instruction of the set"));
    };
    for part in group.parts {
        let mut next = instruction(random, part, written)?;
        if next.target().is_some() {
            next = next.with_target(0); // the block itself
        }
        written = next.destination();
        add(next);
    }
    add(Instruction::trap());
    let mut bitmask = vec![0; code.len().div_ceil(8)];
    for start in starts {
        bitmask[start / 8] |= 1 << (start % 8);
    }
    Some((code, bitmask))
}

fn image(code: &[u8], bitmask: &[u8], step_tracing: bool) -> Image {
    let map = MemoryMapBuilder::new(0x1000).rw_data_size(4096).stack_size(4096).build().expect("a small map");
    Image {
        set: SET,
        code: Bytes::from(code.to_vec()),
        bitmask: Bytes::from(bitmask.to_vec()),
        jump_table: Bytes::from(vec![0]),
        jump_table_entry_size: 1,
        memory: MemoryImage {
            map,
            ro_data: Bytes::from(vec![]),
            rw_data: Bytes::from((0..=255).collect::<Vec<u8>>()),
            aux_accessible: 0,
        },
        paging: Paging::Static,
        gas: Some(Arc::new(Rule::Simple)),
        step_tracing,
    }
}

/// Everything a host can see after some rounds of the block.
fn observe(image: Image, seed: u64) -> (Instance, impl PartialEq + core::fmt::Debug) {
    let mut random = Random(seed);
    let (stack, data) = (image.memory.map.stack_address_high(), image.memory.map.rw_data_address());
    let mut guest = Instance::new(Arc::new(image));
    for reg in Reg::ALL {
        let value = random.next();
        let near = u64::from(random.pick(&[stack - 64, stack - 4, data + 64, data, data + 4090, 2, 0xffff_0000]));
        guest.set_reg(reg, random.pick(&[near, near, near, value, 7]));
    }
    guest.set_gas(40);
    guest.set_next_program_counter(0);
    let exit = loop {
        match guest.run() {
            Some(Exit::Step) => {}
            exit => break exit,
        }
    };
    let mut memory = [vec![0; 4096], vec![0; 4096]];
    guest.read_memory(data, &mut memory[0]).expect("the data region");
    guest.read_memory(stack - 4096, &mut memory[1]).expect("the stack region");
    let regs = Reg::ALL.map(|reg| guest.reg(reg));
    let seen = (exit, guest.program_counter(), guest.last_program_counter(), guest.gas(), regs, memory);
    (guest, seen)
}

#[test]
fn every_group_does_what_its_operations_do() {
    let mut faults_inside = 0;
    for (row, group) in GROUPS.iter().enumerate() {
        for round in 0..60 {
            let mut random =
                Random((pvm_num::casts::to_u64(row) * 1000 + round + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
            let (code, bitmask) =
                (0..200).find_map(|_| code(&mut random, group)).expect("operands that fit are not rare");
            let seed = random.next();
            let (guest, grouped) = observe(image(&code, &bitmask, false), seed);
            let (_, single) = observe(image(&code, &bitmask, true), seed);
            assert_eq!(grouped, single, "{:?}, round {round}", group.handler);
            assert!(guest.runs_groups(), "{:?} is never chosen, nor is a better group", group.handler);
            faults_inside += u32::from(guest.program_counter().is_some_and(|pc| pc != 0));
        }
    }
    assert!(faults_inside > 100, "too few runs end inside a group: {faults_inside}");
}
