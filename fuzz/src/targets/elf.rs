//! ELFs: through the linker and into everything that looks at programs.

use super::{Input, program};
use crate::corpus;
use crate::elf::mutate::{Mode, mutate};
use crate::probe::Probe;
use crate::random::Random;
use pvm_isa::InstructionSet;
use pvm_linker::{Config, Input as File, Optimize, Trust, link_files};
use pvm_program::{Program, Varints};

pub(super) fn generate(random: &mut Random) -> Input {
    if random.below(16) == 0 {
        return archive(random);
    }
    let from = if random.below(500) == 0 { corpus::LARGE_ELFS } else { corpus::ELFS };
    let origin = random.pick(from).to_vec();
    let mut bytes = origin.clone();
    match random.below(8) {
        0 => random.mutate(&mut bytes),
        1 => random.overwrite(&mut bytes),
        2..=4 => mutate(random, &mut bytes, Mode::Any),
        _ => mutate(random, &mut bytes, Mode::Gentle),
    }
    Input { bytes, choice: random.next(), origin }
}

/// An archive with something changed in its headers or in a member.
fn archive(random: &mut Random) -> Input {
    let origin = random.pick(corpus::ARCHIVES).to_vec();
    let mut bytes = origin.clone();
    let members: Vec<usize> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"\x7fELF")).collect();
    match random.below(4) {
        0 => random.mutate(&mut bytes),
        1 => random.overwrite(&mut bytes),
        _ => {
            let at = *random.pick(&members);
            mutate(random, &mut bytes[at..], Mode::Any);
        }
    }
    Input { bytes, choice: random.next(), origin }
}

/// Mutations that are mostly linked.
pub(super) fn generate_gently(random: &mut Random) -> Input {
    let from = if random.below(100) == 0 { &corpus::LARGE_ELFS[1..4] } else { corpus::ELFS };
    let origin = random.pick(from).to_vec();
    let mut bytes = origin.clone();
    let mode = if random.below(8) == 0 { Mode::Any } else { Mode::Gentle };
    mutate(random, &mut bytes, mode);
    Input { bytes, choice: random.next(), origin }
}

/// Mostly what every file can be linked with.
fn config(random: &mut Random) -> Config {
    let target = (random.below(8) == 0).then(|| *random.pick(&InstructionSet::ALL));
    let min_stack_size = if random.below(8) == 0 { *random.pick(&[0, 1, 1 << 20, u32::MAX]) } else { 8192 };
    let dispatch_table = if random.below(16) == 0 { vec![b"main".to_vec()] } else { Vec::new() };
    let (opt_level, strip) = (*random.pick(&[0, 1, 2]), random.below(4) == 0);
    let trust = *random.pick(&[Trust::CallingConvention, Trust::Nothing]);
    let optimize = *random.pick(&[Optimize::Size, Optimize::Gas]);
    Config { target, min_stack_size, opt_level, trust, optimize, strip, dispatch_table, ..Config::default() }
}

pub(super) fn check(input: &Input, probe: &mut Probe) -> bool {
    let mut random = Random::new(input.choice);
    let config = config(&mut random);
    let is_alone = !input.bytes.starts_with(b"!<arch>") && random.below(4) != 0;
    let others = if is_alone { &[][..] } else { &corpus::COMPANIONS };
    let mut files = vec![File { name: "", bytes: &input.bytes }];
    files.extend(others.iter().map(|bytes| File { name: "other", bytes }));
    let Ok(linked) = link_files(&files, &config) else { return false };
    let parsed = Program::from_parts(linked.parts, Varints::Strict).expect("the linker makes programs in order");
    program::look_at(&parsed, &mut random, probe);
    true
}
