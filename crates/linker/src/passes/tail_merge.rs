//! Lets blocks that do the same share their code.
//!
//! ```text
//! @1: a; b; c; jump @9          @1: a; jump @3
//! @2: d; b; c; jump @9          @2: d; jump @3          @3: b; c; jump @9
//! ```
//!
//! Whole blocks are shared wherever one is jumped to; it costs nothing. The ends of blocks are shared only where they seldom
//! run and bytes count, since it takes a jump to get there. Blocks whose address is taken keep their own code.

use super::Options;
use super::analysis::size;
use crate::config::Optimize;
use crate::ir::{Block, BlockId, Inst, Program, Symbolic, Terminator};
use pvm_isa::Instruction;
use pvm_num::casts::to_u64;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Blocks that lead to shared blocks may become the same themselves; so many rounds are made of it.
const ROUNDS_MAX: u32 = 3;
/// Bytes from which on a whole block is shared: a shorter one rather stays where control falls into it.
const BLOCK_SIZE_MIN: u32 = 5;
/// Bytes of a jump.
const JUMP: u32 = 3;
/// Bytes that must be saved for each time a jump runs that was not there.
const BYTES_PER_JUMP: f64 = 16.0;
/// What blocks that do not trap are taken to run at least.
const OFTEN_MIN: f64 = 0.5;

pub(super) fn run(program: &mut Program<'_>, options: &Options) -> bool {
    let mut changed = false;
    let mut numbers = Numbers::default();
    for _ in 0..ROUNDS_MAX {
        let again = share_blocks(program, options, &mut numbers) | share_ends(program, options, &mut numbers);
        changed |= again;
        if !again {
            break;
        }
        // Blocks that nobody jumps to any more must not count as sharing.
        super::reachability::run(program, options);
        options.outdated();
    }
    changed
}

/// What two equal pieces of code have in common.
type Key<'k> = (&'k [Inst], &'k Terminator);

/// Sends those who jump to a block to the first one that does the same.
fn share_blocks(program: &mut Program<'_>, options: &Options, numbers: &mut Numbers) -> bool {
    let mut firsts: HashMap<(Vec<u32>, Terminator), BlockId, BuildHasherDefault<Mix>> = HashMap::default();
    let mut instead: Vec<Option<BlockId>> = vec![None; program.blocks.len()];
    for (id, block) in program.blocks_in_order() {
        if !is_long(options, block) {
            continue;
        }
        let first = *firsts.entry((numbers.of(block), block.terminator)).or_insert(id);
        if first != id {
            instead[id.index()] = Some(first);
        }
    }
    for (index, first) in instead.iter().enumerate() {
        if let Some(first) = *first {
            let least = program.blocks.baseline(BlockId::new(index)).min(program.blocks.baseline(first));
            program.blocks.set_baseline(first, least);
        }
    }
    let new = |id: BlockId| instead[id.index()].unwrap_or(id);
    let mut changed = false;
    for id in &program.layout {
        let old = program.block(*id).terminator;
        let mut terminator = old;
        match &mut terminator {
            Terminator::Jump(target) | Terminator::Call { target, .. } => *target = new(*target),
            Terminator::Branch { taken, otherwise, .. } => {
                (*taken, *otherwise) = (new(*taken), new(*otherwise));
            }
            Terminator::Trap | Terminator::JumpIndirect { .. } | Terminator::CallIndirect { .. } => {}
        }
        if let Terminator::Branch { taken, otherwise, .. } = terminator
            && taken == otherwise
        {
            terminator = Terminator::Jump(taken);
        }
        if terminator != old {
            program.blocks[id.index()].terminator = terminator;
            changed = true;
        }
    }
    changed
}

/// Numbers instructions, so that equal ones have equal numbers.
#[derive(Default)]
struct Numbers {
    known: HashMap<(Instruction, Option<Symbolic>), u32, BuildHasherDefault<Mix>>,
}

/// A quick hash: the keys come from compilers, and a program that makes them collide only links slowly.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        words.iter().for_each(|word| self.write_u64(u64::from_le_bytes(*word)));
        rest.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.write_u64(u64::from(value));
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(to_u64(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

impl Numbers {
    /// Of a block's instructions.
    fn of(&mut self, block: &Block<'_>) -> Vec<u32> {
        let mut numbers = Vec::with_capacity(block.instructions.len());
        for inst in &block.instructions {
            let next = pvm_num::casts::to_u32(self.known.len());
            numbers.push(*self.known.entry((inst.op, inst.symbol)).or_insert(next));
        }
        numbers
    }
}

fn bytes(options: &Options, (instructions, terminator): Key<'_>) -> u32 {
    let sum: u32 = instructions.iter().map(|inst| size::of_inst(options.set, inst)).sum();
    sum + size::of_terminator(options.set, terminator)
}

/// Does a block take [`BLOCK_SIZE_MIN`] bytes or more?
fn is_long(options: &Options, block: &Block<'_>) -> bool {
    let mut left = BLOCK_SIZE_MIN.saturating_sub(size::of_terminator(options.set, &block.terminator));
    for inst in &block.instructions {
        if left == 0 {
            break;
        }
        left = left.saturating_sub(size::of_inst(options.set, inst));
    }
    left == 0
}

/// A block that may share its end.
struct Candidate {
    id: BlockId,
    /// Numbers of its instructions, the last first.
    backward: Vec<u32>,
    often: f64,
}

fn share_ends(program: &mut Program<'_>, options: &Options, numbers: &mut Numbers) -> bool {
    let (flow, frequency) = (options.flow(program), options.frequency(program));
    // In order of the first block with each terminator, so that the result depends on nothing else.
    let mut group_of: HashMap<Terminator, usize, BuildHasherDefault<Mix>> = HashMap::default();
    let mut groups: Vec<Vec<Candidate>> = Vec::new();
    for (id, block) in program.blocks_in_order() {
        let ends_alike = match block.terminator {
            Terminator::Trap | Terminator::Jump(_) | Terminator::JumpIndirect { .. } => true,
            Terminator::Call { .. } | Terminator::CallIndirect { .. } | Terminator::Branch { .. } => false,
        };
        if !ends_alike || block.instructions.is_empty() || options.optimize == Optimize::Gas && !flow.is_doomed(id) {
            continue;
        }
        let group = *group_of.entry(block.terminator).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        // A guess of "never" is worth little unless the block only traps.
        let often = if flow.is_doomed(id) { frequency.of(id) } else { frequency.of(id).max(OFTEN_MIN) };
        let mut backward = numbers.of(block);
        backward.reverse();
        groups[group].push(Candidate { id, backward, often });
    }
    let mut changed = false;
    for mut group in groups {
        group.sort_by(|a, b| a.backward.cmp(&b.backward).then(a.id.cmp(&b.id)));
        let mut from = 0;
        while from < group.len() {
            let (length, to) = best_run(program, options, &group, from);
            if length > 0 {
                share_end(program, &group[from..to], length);
                changed = true;
            }
            from = to;
        }
    }
    changed
}

/// From a position on, how many blocks best share how many instructions: their number and the end of the run; none if it
/// does not pay.
fn best_run(program: &Program<'_>, options: &Options, group: &[Candidate], from: usize) -> (usize, usize) {
    let mut best = (0.0, 0, from + 1);
    let mut length = usize::MAX;
    let mut often = group[from].often;
    for at in from + 1..group.len() {
        let pairs = group[at - 1].backward.iter().zip(&group[at].backward);
        length = length.min(pairs.take_while(|(a, b)| a == b).count());
        if length == 0 {
            break;
        }
        often += group[at].often;
        let block = program.block(group[at].id);
        let shared = bytes(options, (&block.instructions[block.instructions.len() - length..], &block.terminator));
        let others = pvm_num::casts::to_u32(at - from);
        let saved = f64::from(others) * (f64::from(shared) - f64::from(JUMP)) - 1.0 - BYTES_PER_JUMP * often;
        if saved > best.0 {
            best = (saved, length, at + 1);
        }
    }
    (best.1, best.2)
}

/// Makes a block of the last `length` instructions of blocks, unless one of them is no longer, and sends the others there.
fn share_end(program: &mut Program<'_>, run: &[Candidate], length: usize) {
    let whole = run.iter().map(|candidate| candidate.id).filter(|id| program.block(*id).instructions.len() == length);
    let whole = whole.min();
    // Of what level 1 executes the shared end gets what it executes itself, if there is as much.
    let own = pvm_num::casts::signed_32(pvm_num::casts::to_u32(length)) + 1;
    let baseline = whole.map_or(own, |id| own.min(program.blocks.baseline(id)));
    let shared = whole.unwrap_or_else(|| {
        let first = run[0].id;
        let block = &program.blocks[first.index()];
        let at = block.instructions.len() - length;
        let source = block.instructions[at].source;
        let end = Block {
            source,
            label: None,
            instructions: block.instructions[at..].to_vec(),
            terminator: block.terminator,
            terminator_source: block.terminator_source,
        };
        let id = BlockId::new(program.blocks.len());
        program.blocks.push(end);
        let position = program.layout.iter().position(|id| *id == first).expect("candidates are in the layout");
        program.layout.insert(position + 1, id);
        id
    });
    for candidate in run.iter().filter(|candidate| candidate.id != shared) {
        let block = &mut program.blocks[candidate.id.index()];
        let at = block.instructions.len() - length;
        block.terminator_source = block.instructions[at].source;
        block.instructions.truncate(at);
        block.terminator = Terminator::Jump(shared);
        let rest = program.blocks.baseline(candidate.id) - baseline;
        program.blocks.set_baseline(candidate.id, rest);
    }
    program.blocks.set_baseline(shared, baseline);
}
