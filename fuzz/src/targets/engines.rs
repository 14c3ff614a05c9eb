//! Engines: whatever a program does, compiled and interpreted guests do the same, to the last byte and unit of gas.
//!
//! The bytes of an input are a script from which everything is drawn: the set, the program, its configuration, and what the host
//! does at each exit. A script that is at its end gives zeros, so that shrinking it gives simpler programs.

use super::Input;
use crate::probe::Probe;
use crate::random::Random;
use pvm::{
    BackendKind, Config, Engine, GasMeteringKind, GasRule, InterruptKind, MemoryProtection, Module, ModuleConfig,
    ProgramBlob, ProgramCounter, RawInstance, Reg,
};
use pvm_isa::{Format, Instruction, InstructionSet, Opcode};
use pvm_num::casts::{low_u32, to_u32, widen};
use pvm_program::{CodeBuilder, Item, Program, ProgramParts};
use std::fmt::Write;
use std::sync::LazyLock;

const GAS: i64 = 300;
const EXITS: usize = 12;
/// Addresses near which programs like to go: the bounds of the regions that their configuration gives them.
const PLACES: [u32; 8] = [0x1_0000, 0x2_0000, 0x2_1000, 0x3_0000, 0xfffe_0000, 0xfefd_f000, 0xffff_fffc, 0];

static ENGINES: LazyLock<[Engine; 2]> = LazyLock::new(|| {
    [BackendKind::Interpreter, BackendKind::Compiler].map(|backend| {
        let mut config = Config::new();
        config.set_backend(Some(backend)).set_allow_dynamic_paging(true).set_cache_enabled(false);
        Engine::new(&config).expect("an engine without conditions")
    })
});

pub(super) fn generate(random: &mut Random) -> Input {
    let length = 16 + random.below(480);
    Input { bytes: (0..length).map(|_| random.byte()).collect(), choice: 0, origin: Vec::new() }
}

/// What is left of a script.
struct Script<'a>(&'a [u8]);

impl Script<'_> {
    fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((first, rest)) => {
                self.0 = rest;
                *first
            }
            None => 0,
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::from(self.byte()) % bound.max(1)
    }

    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    fn is_done(&self) -> bool {
        self.0.is_empty()
    }

    /// A number that tends to matter.
    fn number(&mut self) -> u64 {
        match self.below(8) {
            0 => 0,
            1 => widen(u32::from(self.byte())),
            2 => widen(u32::from(self.byte())).wrapping_sub(128),
            3 => widen(self.pick(&PLACES)).wrapping_add(widen(u32::from(self.byte()))).wrapping_sub(128),
            4 => 1 << (self.byte() % 64),
            5 => (1 << (self.byte() % 64)) - 1,
            6 => !(1 << (self.byte() % 64)),
            _ => (0..8).fold(0, |number, _| number << 8 | widen(u32::from(self.byte()))),
        }
    }

    fn imm(&mut self) -> i32 {
        low_u32(self.number()).cast_signed()
    }

    fn reg(&mut self) -> pvm_isa::Reg {
        self.pick(&pvm_isa::Reg::ALL)
    }
}

/// A random program of one set: blocks with jumps between them.
fn program(script: &mut Script<'_>) -> Option<Program> {
    let set = script.pick(&InstructionSet::ALL);
    let opcodes: Vec<Opcode> = Opcode::ALL.iter().copied().filter(|opcode| set.supports(*opcode)).collect();
    let [ends, others]: [Vec<Opcode>; 2] =
        [true, false].map(|ends| opcodes.iter().copied().filter(|opcode| opcode.ends_block() == ends).collect());
    let mut builder = CodeBuilder::new(set);
    let mut targets = Vec::new();
    while !script.is_done() && builder.items.len() < 200 {
        let start = to_u32(builder.items.len());
        targets.push(start);
        for _ in 0..script.below(6) {
            let opcode = script.pick(&others);
            let item = instruction(script, opcode);
            if opcode == Opcode::sbrk {
                // The interpreter would take as much memory as the guest touches of its heap.
                let size = item.instruction.r2();
                builder.push(Instruction::and_imm(size, size, 0x7fff));
            }
            builder.push(item);
        }
        let end = script.pick(&ends);
        builder.push(instruction(script, end));
    }
    if script.below(8) != 0 {
        builder.push(Instruction::trap());
    }
    let count = builder.items.len();
    for index in 0..count {
        if builder.items[index].instruction.opcode().format().has_target() {
            // Mostly the start of a block.
            let target = if script.below(16) == 0 { to_u32(script.below(count)) } else { script.pick(&targets) };
            builder.items[index].target = Some(target);
        }
    }
    builder.jump_table = (0..script.below(8)).map(|_| script.pick(&targets)).collect();
    let mut layout = builder.build().ok()?;
    if script.below(16) == 0 {
        layout.set_jump_table(&[0, 1, low_u32(script.number()) % 64, 5]);
    }
    let parts = ProgramParts {
        code_and_jump_table: layout.to_bytes().into(),
        ro_data_size: 4096,
        ro_data: vec![0xa5; 100].into(),
        rw_data_size: 4096 + to_u32(script.below(100)),
        rw_data: vec![0x5a; 200].into(),
        stack_size: 4096,
        ..ProgramParts::empty(set)
    };
    Program::from_parts(parts, pvm_program::Varints::default()).ok()
}

fn instruction(script: &mut Script<'_>, opcode: Opcode) -> Item {
    let instruction = Instruction::with_registers(opcode, [script.reg(), script.reg(), script.reg()]);
    let instruction = match opcode.format() {
        Format::None | Format::Offset | Format::RegReg | Format::RegRegOffset | Format::RegRegReg => instruction,
        Format::Imm | Format::RegImm | Format::RegImmOffset | Format::RegRegImm => instruction.with_imm1(script.imm()),
        Format::ImmImm | Format::RegImm64 | Format::RegImmImm | Format::RegRegImmImm => {
            let [first, second] = [script.imm(), script.imm()];
            instruction.with_imm1(first).with_imm2(second)
        }
    };
    instruction.into()
}

pub(super) fn check(input: &Input, _: &mut Probe) -> bool {
    if !BackendKind::Compiler.is_supported() {
        return false;
    }
    let mut script = Script(&input.bytes);
    let mut config = ModuleConfig::new();
    config.set_aux_data_size(4096).set_page_size(script.pick(&[4096, 4096, 16384]));
    let paged = script.below(3) == 0;
    config.set_dynamic_paging(paged);
    let metered = script.below(4) != 0;
    if metered {
        let rules = ["simple", "full", "full-2025-11"];
        let rule: GasRule = script.pick(&rules).parse().expect("rules by their names");
        config.set_gas_metering(Some(GasMeteringKind::Sync)).set_gas_rule(Some(rule));
    }
    // Exits are drawn from the end of the script, so that programs do not depend on them.
    let host = script.0.len() / 4;
    let (program_script, host_script) = script.0.split_at(script.0.len() - host);
    let Some(program) = program(&mut Script(program_script)) else { return false };
    if !metered && has_loop(&program) {
        return false;
    }
    let blob = ProgramBlob::from_program(program);
    let [interpreted, compiled] = [0, 1].map(|engine| {
        let module = Module::from_blob(&ENGINES[engine], &config, blob.clone()).ok()?;
        Some((module.backend(), transcript(&module, Script(host_script), paged, metered)))
    });
    let (Some((_, interpreted)), Some((backend, compiled))) = (&interpreted, &compiled) else {
        assert_eq!(interpreted, compiled, "both engines accept the same modules");
        return false;
    };
    assert_eq!(*backend, BackendKind::Compiler, "every program can be compiled");
    if interpreted != compiled {
        panic!("engines differ\n{}{}", difference(interpreted, compiled), listing(&blob));
    }
    true
}

/// The exits up to the first that differs.
fn difference(interpreted: &str, compiled: &str) -> String {
    let mut text = String::new();
    for (left, right) in interpreted.lines().zip(compiled.lines()) {
        if left != right {
            let _ = writeln!(text, "interpreter: {left}\ncompiler:    {right}");
            break;
        }
        let _ = writeln!(text, "both:        {left}");
    }
    text
}

/// The program, an instruction a line.
fn listing(blob: &ProgramBlob) -> String {
    let code = blob.program().code();
    let mut text = format!("{} {:?}\n", code.set(), blob.jump_table().into_iter().map(|pc| pc.0).collect::<Vec<_>>());
    for located in code.iter() {
        let _ = writeln!(text, "{:5}: {:?}", located.offset, located.instruction);
    }
    text
}

/// Could the program run on and on? Without gas nothing would stop it.
fn has_loop(program: &Program) -> bool {
    program.code().iter().any(|located| {
        let opcode = located.instruction.opcode();
        let is_backward = located.instruction.target().is_some_and(|target| target <= located.offset);
        is_backward || matches!(opcode, Opcode::jump_indirect | Opcode::load_imm_and_jump_indirect | Opcode::memset)
    })
}

/// All that can be seen of a guest, a line for each exit.
fn transcript(module: &Module, mut script: Script<'_>, paged: bool, metered: bool) -> String {
    let mut text = String::new();
    let mut guest = module.instantiate().expect("memory for a small guest");
    for reg in Reg::ALL {
        let value = script.number();
        guest.set_reg(reg, value);
    }
    if metered {
        guest.set_gas(script.pick(&[GAS, GAS, 20, 3, 0]));
    }
    guest.set_next_program_counter(entry(module, &mut script));
    for _ in 0..EXITS {
        let exit = match guest.run() {
            Ok(exit) => exit,
            Err(error) => {
                let _ = writeln!(text, "{error}");
                break;
            }
        };
        let _ = write!(text, "{exit:?} {:?} ", guest.trap_reason());
        let [pc, next] = [guest.program_counter(), guest.next_program_counter()].map(|pc| pc.map(|pc| pc.0));
        let regs = Reg::ALL.map(|reg| guest.reg(reg));
        let _ = writeln!(text, "pc {pc:?} next {next:?} gas {} {regs:x?}", guest.gas());
        host(&mut guest, exit, &mut script, paged, metered);
    }
    for start in [0x1_0000u32, 0x2_0000, 0x3_0000, 0xfefd_f000, 0xfefe_0000, 0xffff_0000 - 0x1000, 0xfffd_0000] {
        let bytes = guest.read_memory(start, 4096);
        let _ =
            writeln!(text, "{start:x} {}", bytes.map_or_else(|error| error.to_string(), |bytes| format!("{bytes:?}")));
    }
    let _ = writeln!(text, "heap {}", guest.heap_size());
    text
}

fn entry(module: &Module, script: &mut Script<'_>) -> ProgramCounter {
    let code = module.blob().program().code();
    let pc = match script.below(4) {
        0 => to_u32(script.below(256)) % (code.len() + 2),
        1 => 0,
        _ => script.pick(&code.iter().map(|located| located.offset).collect::<Vec<_>>()),
    };
    // Not behind the instruction that keeps a heap small.
    let grows_heap = code.instruction_at(pc).is_some_and(|located| located.instruction.opcode() == Opcode::sbrk);
    ProgramCounter(if grows_heap { 0 } else { pc })
}

/// What a host may do at an exit.
fn host(guest: &mut RawInstance, exit: InterruptKind, script: &mut Script<'_>, paged: bool, metered: bool) {
    match exit {
        InterruptKind::Segfault(fault) if fault.is_write_protected => {
            let _ = guest.unprotect_memory(fault.page_address, fault.page_size);
        }
        InterruptKind::Segfault(fault) => {
            let rights = script.pick(&[MemoryProtection::ReadWrite, MemoryProtection::Read]);
            let _ = guest.zero_memory_with_memory_protection(fault.page_address, fault.page_size, rights);
        }
        InterruptKind::NotEnoughGas if script.below(2) == 0 => guest.set_gas(GAS),
        InterruptKind::Ecalli(_) => {
            let value = script.number();
            guest.set_reg(Reg::A0, value);
        }
        InterruptKind::Trap | InterruptKind::Finished => {
            let pc = entry(&guest.module().clone(), script);
            guest.set_next_program_counter(pc);
        }
        _ => {}
    }
    match script.below(12) {
        0 => {
            let pc = entry(&guest.module().clone(), script);
            guest.set_next_program_counter(pc);
        }
        1 if metered => guest.set_gas(i64::from(script.imm() % 1000)),
        2 => {
            let address = script.pick(&PLACES);
            let _ = guest.write_memory(address, &[7; 40]);
        }
        3 if paged => {
            let _ = guest.free_pages(script.pick(&[0x2_0000, 0x2_4000]), 4096);
        }
        4 => {
            let _ = guest.reset_memory();
        }
        5 => {
            let _ = guest.set_accessible_aux_size(to_u32(script.below(3)) * 2000);
        }
        6 => {
            let _ = guest.sbrk(low_u32(script.number()) % 0x8000);
        }
        7 if paged => {
            let _ = guest.protect_memory(script.pick(&PLACES) & !0xffff, 4096);
        }
        _ => {}
    }
}
