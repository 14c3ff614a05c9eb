//! What a program costs: bytes, instructions executed, gas, and the time it took to link.

use crate::{Guest, Outcome, Run, Setup, Target, link_ours, link_ours_for_gas, link_theirs, ours};
use pvm_program::{ParseOptions, Program};
use std::time::Instant;

/// More than any guest uses.
const GAS: i64 = 1 << 40;
/// Arguments of exports that take some.
const ARGS: [[u64; 9]; 3] = [
    [48, 7, 3, 4, 5, 6, 7, 8, 9],
    [100, 0, 0, 0, 0, 0, 0, 0, 0],
    [u64::MAX, u64::MAX, 1 << 31, 1 << 63, 0, 1, 2, 3, 4],
];
/// Each link is timed this often, in turns with the others; the least time counts.
const ROUNDS: u32 = 10;

/// Who links, at which level.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Linker {
    /// `polkavm-linker` at its default level.
    Theirs,
    /// This repository's at a level.
    Ours(u8),
    /// This repository's at level 2 with `--optimize gas`.
    OursForGas,
}

/// What is compared, in the order of the numbers of [`Measures`].
pub const MEASURES: [&str; 5] =
    ["code bytes", "blob bytes", "instructions executed", "pipeline gas used", "link time in microseconds"];

/// Symbol of an export, and the values of its arguments.
pub type ExportCall = (Vec<u8>, [u64; 9]);

/// One number for each of [`MEASURES`].
pub type Measures = [u64; MEASURES.len()];

/// A guest under each linker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// The guest.
    pub guest: String,
    /// By linker, in the order in which they were asked for.
    pub measures: Vec<Measures>,
}

impl Linker {
    /// Links; the blob has no debug information.
    ///
    /// # Errors
    /// What the linker says, as text.
    pub fn link(self, guest: &Guest, target: Target) -> Result<Vec<u8>, String> {
        match self {
            Linker::Theirs => link_theirs(&guest.elf, target, 2),
            Linker::Ours(level) => link_ours(&guest.elf, target, level),
            Linker::OursForGas => link_ours_for_gas(&guest.elf, target),
        }
    }

    /// Its name for tables.
    pub fn name(self) -> String {
        match self {
            Linker::Theirs => "polkavm-linker".into(),
            Linker::Ours(level) => format!("level {level}"),
            Linker::OursForGas => "for gas".into(),
        }
    }
}

/// The calls a guest is measured by: all exports in the order of their names, with arguments where they take some.
///
/// # Errors
/// If the blob cannot be loaded.
pub fn calls(guest: &Guest, blob: &[u8]) -> Result<Vec<ExportCall>, String> {
    let mut exports = ours::shape(blob, &ours::module(blob, setup(false))?).exports;
    exports.sort_by(|left, right| left.1.cmp(&right.1));
    let args = if guest.name.starts_with("abi-c") { &ARGS[..] } else { &ARGS[..1] };
    Ok(exports.into_iter().flat_map(|(_, export)| args.iter().map(move |args| (export.clone(), *args))).collect())
}

/// Measures a guest.
///
/// # Errors
/// If it does not link, or does something else when linked by another linker.
pub fn measure(guest: &Guest, target: Target, linkers: &[Linker]) -> Result<Row, String> {
    let blobs: Vec<Vec<u8>> = linkers.iter().map(|linker| linker.link(guest, target)).collect::<Result<_, _>>()?;
    let mut times = vec![u64::MAX; linkers.len()];
    for _ in 0..ROUNDS {
        for (linker, least) in linkers.iter().zip(&mut times) {
            let start = Instant::now();
            linker.link(guest, target)?;
            *least = (*least).min(u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX));
        }
    }
    let mut measures = Vec::new();
    let mut first: Option<Vec<_>> = None;
    for ((blob, time), linker) in blobs.iter().zip(times).zip(linkers) {
        let program = Program::parse(blob.clone(), &ParseOptions::default()).map_err(|error| error.to_string())?;
        let [instructions, gas] = [false, true].map(|is_pipeline_gas| outcomes(guest, blob, setup(is_pipeline_gas)));
        let (instructions, gas) = (instructions?, gas?);
        let visible: Vec<_> = instructions.iter().map(|outcome| outcome.visible(guest.is_64_bit())).collect();
        if *first.get_or_insert_with(|| visible.clone()) != visible {
            return Err(format!("{} does something else", linker.name()));
        }
        let used = |outcomes: &[Outcome]| {
            outcomes.iter().map(|outcome| (GAS - outcome.last().gas).cast_unsigned()).sum::<u64>()
        };
        let code = u64::from(program.code().len());
        let blob = u64::try_from(blob.len()).unwrap_or(u64::MAX);
        measures.push([code, blob, used(&instructions), used(&gas), time]);
    }
    Ok(Row { guest: guest.name.clone(), measures })
}

fn setup(is_pipeline_gas: bool) -> Setup {
    Setup { is_pipeline_gas, is_stepping: false, is_paged: false }
}

fn outcomes(guest: &Guest, blob: &[u8], setup: Setup) -> Result<Vec<Outcome>, String> {
    let module = ours::module(blob, setup)?;
    let outcome = |(export, args): ExportCall| {
        let run = Run { setup, export: &export, args, gas: GAS, refill: 0, data: [&[]; 2], stops_max: usize::MAX };
        ours::run(&module, &run).ok_or_else(|| "an export is missing".to_string())
    };
    calls(guest, blob)?.into_iter().map(outcome).collect()
}
