//! Batches: many small programs in one module, so that making modules and guests costs each of them little.
//!
//! A program is blocks with jumps between them, behind it a `trap`; it is entered on its own, with registers and gas of its
//! own. Memory lasts for the batch. Without metering all jumps lead forwards.

use super::script::Script;
use super::setup::{self, Opcodes, Setup};
use crate::random::Random;
use crate::targets::Input;
use pvm_isa::{Format, Instruction, Meaning, Opcode, Reg};
use pvm_num::casts::{low_u32, to_u32};
use pvm_program::{CodeBuilder, CodeLayout, Item, Program, ProgramParts};
use std::ops::Range;

/// Programs of an input.
pub(super) const PROGRAMS: usize = 64;
const BLOCKS_MAX: usize = 12;

/// An input of [`PROGRAMS`] programs.
pub(crate) fn generate(random: &mut Random) -> Input {
    let mut bytes: Vec<u8> = (0..setup::SIZE).map(|_| random.byte()).collect();
    let size = setup::SIZE + PROGRAMS * Setup::new(&bytes).chunk;
    while bytes.len() < size {
        bytes.extend_from_slice(&random.next().to_le_bytes());
    }
    bytes.truncate(size);
    Input { bytes, choice: 0, origin: Vec::new() }
}

/// The inputs of a program each that an input consists of.
pub(crate) fn parts(input: &Input) -> Vec<Input> {
    let (head, chunks) = input.bytes.split_at(setup::SIZE.min(input.bytes.len()));
    let size = Setup::new(head).chunk;
    let one = |chunk: &[u8]| Input { bytes: [head, chunk].concat(), ..input.clone() };
    chunks.chunks(size).map(one).collect()
}

/// One of the programs.
pub(super) struct Part<'a> {
    /// Its items.
    pub(super) items: Range<u32>,
    /// What its host does.
    pub(super) host: &'a [u8],
}

/// The programs of an input.
pub(super) struct Batch<'a> {
    pub(super) setup: Setup,
    pub(super) code: CodeBuilder,
    pub(super) parts: Vec<Part<'a>>,
    /// How often each idiom occurs.
    pub(super) idioms: [u64; super::idioms::NAMES.len()],
}

impl<'a> Batch<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Batch<'a> {
        let (head, chunks) = bytes.split_at(setup::SIZE.min(bytes.len()));
        let setup = Setup::new(head);
        let code = CodeBuilder::new(setup.set);
        let size = setup.chunk;
        let mut batch = Batch { setup, code, parts: Vec::new(), idioms: [0; _] };
        for chunk in chunks.chunks(size) {
            // Exits are drawn from the end, so that programs do not depend on them.
            let (program, host) = chunk.split_at(chunk.len() - chunk.len() / 3);
            let items = batch.program(program);
            batch.parts.push(Part { items, host });
        }
        if let Some(last) = batch.parts.last_mut().filter(|last| batch.setup.is_open && last.items.len() > 1) {
            batch.code.items.pop();
            last.items.end -= 1;
        }
        batch
    }

    /// The code in order and its bytes; none if an encoding cannot hold it.
    pub(super) fn layout(&self) -> Option<CodeLayout> {
        let mut layout = self.code.build().ok()?;
        if self.setup.has_wild_table {
            layout.set_jump_table(&[0, 1, 2, 5, 9, 14, 70, 1000, 5000]);
        }
        Some(layout)
    }

    pub(super) fn container(&self, layout: &CodeLayout) -> Option<Program> {
        let parts = ProgramParts {
            code_and_jump_table: layout.to_bytes().into(),
            ro_data_size: 4096,
            ro_data: vec![0xa5; 100].into(),
            rw_data_size: self.setup.rw_data_size,
            rw_data: vec![0x5a; 200].into(),
            stack_size: self.setup.map.stack_size(),
            ..ProgramParts::empty(self.setup.set)
        };
        Program::from_parts(parts, pvm_program::Varints::default()).ok()
    }

    /// Appends a program.
    fn program(&mut self, script: &[u8]) -> Range<u32> {
        let start = self.code.items.len();
        // Blocks use up their script; where jumps go is drawn from another.
        let (blocks, jumps) = script.split_at(script.len() - script.len() / 6);
        let mut script = Script(blocks);
        let pool = [(); 4].map(|()| script.pick(&Reg::ALL));
        let mut writer = Writer {
            script,
            setup: &self.setup,
            opcodes: self.setup.opcodes(),
            code: &mut self.code,
            idioms: &mut self.idioms,
            pool,
            table: 0,
            starts: Vec::new(),
        };
        writer.blocks();
        writer.script = Script(jumps);
        writer.jump_table();
        let Writer { script: mut rest, starts, .. } = writer;
        let end = self.code.items.len();
        let bounded = self.setup.rule.is_none();
        for index in start..end {
            if !self.code.items[index].instruction.opcode().format().has_target()
                || self.code.items[index].target.is_some()
            {
                continue;
            }
            let target = if rest.rarely(16) && !bounded {
                to_u32(start + rest.below(end - start))
            } else if rest.rarely(64) {
                to_u32(index + 1)
            } else {
                let from = starts.partition_point(|start| bounded && *start <= to_u32(index));
                // The `trap` at the end is always a start, and behind every jump.
                rest.pick(&starts[from.min(starts.len() - 1)..])
            };
            self.code.items[index].target = Some(target);
        }
        to_u32(start)..to_u32(end)
    }
}

/// Writes a program.
pub(super) struct Writer<'a, 'b> {
    pub(super) script: Script<'a>,
    pub(super) setup: &'b Setup,
    pub(super) opcodes: &'static Opcodes,
    pub(super) code: &'b mut CodeBuilder,
    pub(super) idioms: &'b mut [u64; super::idioms::NAMES.len()],
    /// Registers it prefers, so that instructions have to do with each other.
    pool: [Reg; 4],
    /// Index of its first entry in the jump table.
    table: u32,
    /// Labels of its blocks.
    starts: Vec<u32>,
}

impl Writer<'_, '_> {
    fn blocks(&mut self) {
        self.table = to_u32(self.code.jump_table.len());
        let mut blocks = 0;
        while !self.script.is_done() && blocks < BLOCKS_MAX {
            self.start();
            blocks += 1;
            for _ in 0..self.script.below(5) {
                match self.script.below(8) {
                    0..3 => self.any_instruction(),
                    _ => self.idiom(),
                }
            }
            self.end();
        }
        self.start();
        self.push(Instruction::trap());
    }

    fn jump_table(&mut self) {
        for _ in 0..self.script.below(5) {
            let target = match self.setup.rule.is_none() {
                true => self.starts[self.starts.len() - 1],
                false if self.script.rarely(32) => self.starts[0] + 1,
                false => self.script.pick(&self.starts),
            };
            self.code.jump_table.push(target);
        }
    }

    /// A block starts here.
    fn start(&mut self) {
        self.starts.push(to_u32(self.code.items.len()));
    }

    pub(super) fn this_block(&self) -> u32 {
        *self.starts.last().expect("a block has started")
    }

    /// Appends an instruction if the set has it.
    pub(super) fn push(&mut self, instruction: Instruction) {
        if self.setup.set.supports(instruction.opcode()) || instruction.opcode() == Opcode::invalid {
            self.code.push(instruction);
        }
    }

    pub(super) fn push_to(&mut self, instruction: Instruction, target: u32) {
        self.code.push(Item { instruction, target: Some(target) });
    }

    pub(super) fn reg(&mut self) -> Reg {
        let choice = self.script.byte();
        match choice % 8 {
            7 => self.script.pick(&Reg::ALL),
            _ => self.pool[usize::from(choice / 8 % 4)],
        }
    }

    pub(super) fn regs<const N: usize>(&mut self) -> [Reg; N] {
        [(); N].map(|()| self.reg())
    }

    pub(super) fn imm(&mut self) -> i32 {
        self.script.imm(&self.setup.places)
    }

    /// A small number, mostly positive.
    pub(super) fn small(&mut self) -> i32 {
        i32::from(self.script.byte()) - 32
    }

    /// An address in or at the bounds of a region.
    pub(super) fn address(&mut self) -> u32 {
        let place = self.script.pick(&self.setup.places);
        match self.script.below(4) {
            0 => place,
            1 => place.wrapping_sub(u32::from(self.script.byte() % 16)),
            _ => place.wrapping_add_signed(self.small()),
        }
    }

    pub(super) fn any_instruction(&mut self) {
        let opcode = self.script.pick(&self.opcodes.others);
        let instruction = self.instruction(opcode);
        self.push(instruction);
    }

    /// An instruction with operands of any kind.
    pub(super) fn instruction(&mut self, opcode: Opcode) -> Instruction {
        let instruction = Instruction::with_registers(opcode, self.regs());
        match opcode.format() {
            _ if is_access(opcode) && self.script.below(4) != 0 => {
                let address = match opcode.meaning() {
                    Meaning::Load(_) | Meaning::Store(_) | Meaning::StoreImm(_) => self.address().cast_signed(),
                    _ => self.small(),
                };
                instruction.with_imm1(address).with_imm2(if is_store_imm(opcode) { self.imm() } else { 0 })
            }
            Format::None | Format::Offset | Format::RegRegOffset | Format::RegRegReg => instruction,
            Format::RegReg => {
                if opcode == Opcode::sbrk {
                    // The interpreter would take as much memory as the guest touches of its heap.
                    let size = instruction.r2();
                    self.push(Instruction::and_imm(size, size, 0x3ff));
                }
                instruction
            }
            Format::Imm | Format::RegImm | Format::RegImmOffset | Format::RegRegImm => {
                instruction.with_imm1(self.imm())
            }
            Format::ImmImm | Format::RegImm64 | Format::RegImmImm | Format::RegRegImmImm => {
                let [first, second] = [self.imm(), self.imm()];
                instruction.with_imm1(first).with_imm2(second)
            }
        }
    }

    /// The dynamic address of an entry of this program's in the jump table, or of one behind them.
    pub(super) fn entry(&mut self) -> i32 {
        let index = self.table + to_u32(self.script.below(4));
        low_u32(2 * u64::from(index + 1)).cast_signed()
    }

    /// Address of its first entry.
    pub(super) fn table_address(&self) -> i32 {
        low_u32(2 * u64::from(self.table + 1)).cast_signed()
    }
}

fn is_store_imm(opcode: Opcode) -> bool {
    matches!(opcode.meaning(), Meaning::StoreImm(_) | Meaning::StoreImmIndirect(_))
}

fn is_access(opcode: Opcode) -> bool {
    use Meaning as M;
    let is_plain = matches!(opcode.meaning(), M::Load(_) | M::Store(_) | M::LoadIndirect(_) | M::StoreIndirect(_));
    is_plain || is_store_imm(opcode)
}
