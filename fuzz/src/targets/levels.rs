//! Levels: what the optimising linker makes of a program does what the program did.
//!
//! A file is linked at levels 0, 1 and 2, and what each does is observed: host calls, how it ends, and its result. Addresses
//! of code and data differ between the levels, so a program that shows one is told from a wrong one by levels 0 and 1, which
//! place things differently but change nothing: where these two differ, the program is not compared.

use super::Input;
use crate::elf;
use crate::probe::Probe;
use crate::random::Random;
use pvm_gas::Rule;
use pvm_interpreter::{Exit, Image, Instance, Trap};
use pvm_isa::{Instruction, InstructionSet, Opcode, Reg};
use pvm_linker::{Config, Linked, Optimize, PassSelection, Trust, link};
use pvm_num::casts::{low_u32, to_u64, to_usize, unsigned_32, widen};
use pvm_num::limits::{PAGE_SIZE_DEFAULT, RETURN_TO_HOST};
use pvm_program::{Program, Varints};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Instructions after which a run is not waited for.
const GAS: i64 = 60_000;
/// Exports that are called.
const EXPORTS_MAX: usize = 4;
/// Host calls that are answered.
const CALLS_MAX: usize = 100;

/// What a program does that its host can see.
#[derive(PartialEq, Eq, Debug)]
struct Observation {
    export: Vec<u8>,
    /// The host calls: which one, and its arguments if they are to be compared.
    calls: Vec<(Vec<u8>, Vec<u64>)>,
    end: End,
}

/// Most host calls that are shown.
const SHOWN_MAX: usize = 6;

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "    {:?}:", self.export.escape_ascii().to_string())?;
        for (name, arguments) in self.calls.iter().take(SHOWN_MAX) {
            write!(f, " {}{arguments:?}", name.escape_ascii())?;
        }
        write!(f, " ({} calls) {:?}", self.calls.len(), self.end)
    }
}

/// How it ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum End {
    Finished {
        a0: u64,
        a1: u64,
    },
    /// By an instruction that traps.
    Trap,
    /// By an access that is not allowed. A pass may drop an access whose result is not used.
    Fault,
    /// By a jump that leads nowhere.
    Lost,
    /// Not in time.
    Unfinished,
}

/// What is known about a program.
#[derive(Clone, Copy)]
pub(super) struct Known {
    /// What the linker may take for granted.
    pub(super) trust: Trust,
    /// Are there as many arguments of host calls as the last digit of their names says? None else.
    pub(super) arguments: bool,
}

pub(super) fn check(input: &Input, probe: &mut Probe) -> bool {
    // Mutated instructions keep no convention, and their host calls have any number of arguments.
    compare(&input.bytes, input.choice, Known { trust: Trust::Nothing, arguments: false }, probe)
}

pub(super) fn generate(random: &mut Random) -> Input {
    let scale = 6 + random.below(6);
    let length = 1 + random.below(1 << scale);
    Input { bytes: (0..length).map(|_| random.byte()).collect(), choice: random.next(), origin: Vec::new() }
}

/// The file that the bytes describe; they may also be one, which stays the same when the generator changes.
pub(super) fn generated(input: &Input) -> Vec<u8> {
    if input.bytes.starts_with(b"\x7fELF") {
        return input.bytes.clone();
    }
    elf::generate::generate(&mut Random::from_bytes(&input.bytes))
}

pub(super) fn check_generated(input: &Input, probe: &mut Probe) -> bool {
    let trust = if input.choice.is_multiple_of(4) { Trust::Nothing } else { Trust::CallingConvention };
    let file = probe.uncounted(|| generated(input));
    compare(&file, input.choice, Known { trust, arguments: true }, probe)
}

/// Programs with more writable data are not run.
const RW_DATA_MAX: u32 = 64 << 20;

/// Compares the levels; was there something to compare?
pub(super) fn compare(file: &[u8], choice: u64, known: Known, probe: &mut Probe) -> bool {
    let target = target(file, choice);
    let config = |opt_level, optimize| Config { opt_level, optimize, target, trust: known.trust, ..Config::default() };
    let plain = Optimize::default();
    // Only the linker's memory counts.
    let linked = [config(0, plain), config(1, plain), config(2, plain), config(2, Optimize::Gas)]
        .map(|config| link(file, &config));
    probe.uncounted(|| {
        let [Ok(first), Ok(second), third, fourth] = linked else { return false };
        let program = |linked: Linked| {
            Program::from_parts(linked.parts, Varints::Strict).expect("the linker makes programs in order")
        };
        let observed = |program: &Program| observe(program, choice, known.arguments);
        let first = program(first);
        // The interpreter would spend seconds on memory alone.
        if first.rw_data_size() > RW_DATA_MAX {
            return false;
        }
        let before = observed(&first);
        if before != observed(&program(second)) {
            return false;
        }
        for (optimize, linked) in [(Optimize::Size, third), (Optimize::Gas, fourth)] {
            let linked = linked.unwrap_or_else(|error| panic!("links at level 1 and not at level 2: {error}"));
            let after = observed(&program(linked));
            if all_agree(&before, &after) {
                continue;
            }
            if known.trust == Trust::Nothing && forges_addresses(&first, choice) {
                return false;
            }
            let is_right = |linked| all_agree(&before, &observed(&program(linked)));
            // Where the program shows an address and level 1 leaves out nothing, level 2 may: then data moves.
            let in_place = Config { passes: keeping_data(), ..config(2, optimize) };
            if known.trust == Trust::Nothing && link(file, &in_place).is_ok_and(&is_right) {
                return false;
            }
            // Level 2 numbers code anew. Where a program shows such a number, it differs by what level 1 does as well.
            let renumbered = Config { stop_after: Some(1), ..config(2, optimize) };
            if known.trust == Trust::Nothing && !link(file, &renumbered).is_ok_and(&is_right) {
                return false;
            }
            let guilty = guilty_pass(file, &config(2, optimize), is_right);
            let list = |all: &[Observation]| all.iter().map(|one| format!("\n    {one}")).collect::<String>();
            panic!("level 2 differs by {guilty}, --optimize {optimize:?}:{}{}", list(&before), list(&after));
        }
        true
    })
}

/// Everything but what makes data move.
fn keeping_data() -> PassSelection {
    PassSelection::parse("-prune").expect("a pass that exists")
}

/// The first application of a pass after which the program is wrong.
fn guilty_pass(file: &[u8], config: &Config, is_right: impl Fn(Linked) -> bool) -> String {
    let files = [pvm_linker::Input { name: "", bytes: file }];
    let Ok(applications) = pvm_linker::trace_passes(&files, config) else { return "no pass".into() };
    for (number, application) in (1..).zip(&applications) {
        let stopped = Config { stop_after: Some(number), ..config.clone() };
        if !link(file, &stopped).is_ok_and(&is_right) {
            return format!("--stop-after {number} ({})", application.pass);
        }
    }
    "no pass".into()
}

/// Does the program jump to code by a number that is no return address? A mutated one may; which code has the number is not
/// the same at all levels.
fn forges_addresses(program: &Program, choice: u64) -> bool {
    let mut forges = false;
    let mut returns = BTreeSet::from([RETURN_TO_HOST]);
    observe_steps(program, choice, false, true, &mut |guest, instruction| {
        let (first, second) = (unsigned_32(instruction.imm1()), unsigned_32(instruction.imm2()));
        let target = match instruction.opcode() {
            Opcode::load_imm if instruction.r1() != Reg::ra => return,
            Opcode::load_imm | Opcode::load_imm_and_jump => {
                returns.insert(first);
                return;
            }
            Opcode::jump_indirect => low_u32(guest.reg(instruction.r1())).wrapping_add(first),
            Opcode::load_imm_and_jump_indirect => {
                returns.insert(first);
                low_u32(guest.reg(instruction.r2())).wrapping_add(second)
            }
            _ => return,
        };
        forges |= !returns.contains(&target);
    });
    forges
}

/// Mostly the default, sometimes another set of that width.
fn target(file: &[u8], choice: u64) -> Option<InstructionSet> {
    let wide = file.get(4) == Some(&2);
    let sets = [InstructionSet::Latest64Bitmask, InstructionSet::JamV1, InstructionSet::ReviveV1];
    (wide && choice >> 32 & 3 == 0).then(|| *Random::new(choice >> 8).pick(&sets))
}

fn all_agree(before: &[Observation], after: &[Observation]) -> bool {
    before.len() == after.len() && before.iter().zip(after).all(|(before, after)| agree(before, after))
}

/// May a program do `after` in place of `before`?
fn agree(before: &Observation, after: &Observation) -> bool {
    if before.export != after.export {
        return false;
    }
    let common = before.calls.len().min(after.calls.len());
    match before.end {
        // It may get further in its time, but not less far, and it may get past a fault.
        End::Unfinished | End::Fault => before.calls[..common] == after.calls[..common] && common == before.calls.len(),
        end => end == after.end && before.calls == after.calls,
    }
}

fn observe(program: &Program, choice: u64, arguments: bool) -> Vec<Observation> {
    observe_steps(program, choice, arguments, false, &mut |_, _| {})
}

/// Calls the exports. If `step_tracing`, `step` sees the guest before every instruction.
fn observe_steps(
    program: &Program,
    choice: u64,
    arguments: bool,
    step_tracing: bool,
    step: &mut dyn FnMut(&Instance, &Instruction),
) -> Vec<Observation> {
    let Ok(map) = program.memory_map(PAGE_SIZE_DEFAULT, 0) else { return Vec::new() };
    let stack = widen(map.stack_address_high());
    let image = Arc::new(Image { gas: Some(Arc::new(Rule::Simple)), step_tracing, ..Image::new(program, map) });
    let mut random = Random::new(choice);
    let mut observed = Vec::new();
    for export in program.exports().take(EXPORTS_MAX) {
        let mut guest = Instance::new(Arc::clone(&image));
        guest.set_reg(Reg::ra, widen(RETURN_TO_HOST));
        guest.set_reg(Reg::sp, stack);
        for reg in [Reg::a0, Reg::a1, Reg::a2, Reg::a3] {
            let value = *random.pick(&[0, 1, 2, 7, 100, u64::MAX]);
            guest.set_reg(reg, value);
        }
        guest.set_gas(GAS);
        guest.set_next_program_counter(export.offset);
        observed.push(run(&mut guest, program, export.symbol, arguments, step));
    }
    observed
}

fn run(
    guest: &mut Instance,
    program: &Program,
    export: &[u8],
    arguments: bool,
    step: &mut dyn FnMut(&Instance, &Instruction),
) -> Observation {
    let mut calls: Vec<(Vec<u8>, Vec<u64>)> = Vec::new();
    let end = loop {
        match guest.run() {
            Some(Exit::Ecalli(number)) if calls.len() < CALLS_MAX => {
                // Numbers of imports may differ; their symbols do not.
                let name =
                    program.imports().get(number).map_or_else(|| number.to_string().into_bytes(), <[u8]>::to_vec);
                let all = [Reg::a0, Reg::a1, Reg::a2, Reg::a3, Reg::a4];
                let digit = name.last().filter(|_| arguments).and_then(|digit| char::from(*digit).to_digit(10));
                let values = all.iter().take(to_usize(digit.unwrap_or(0))).map(|reg| guest.reg(*reg)).collect();
                calls.push((name, values));
                let answer = Random::new(to_u64(calls.len())).next() % 1000;
                guest.set_reg(Reg::a0, answer);
                guest.set_reg(Reg::a1, answer / 3);
            }
            Some(Exit::Step) => {
                let at = guest.program_counter().and_then(|at| program.code().instruction_at(at));
                at.into_iter().for_each(|located| step(guest, &located.instruction));
            }
            Some(Exit::Finished) => break End::Finished { a0: guest.reg(Reg::a0), a1: guest.reg(Reg::a1) },
            Some(Exit::Trap(Trap::Instruction)) => break End::Trap,
            Some(Exit::Trap(Trap::Memory { .. } | Trap::Sbrk)) => break End::Fault,
            Some(Exit::Trap(_)) => break End::Lost,
            Some(Exit::Ecalli(_) | Exit::OutOfGas | Exit::Segfault { .. }) | None => {
                break End::Unfinished;
            }
        }
    };
    Observation { export: export.to_vec(), calls, end }
}
