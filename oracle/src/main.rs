//! Prints what both linkers make of each guest: size of the blob, and instructions that the run of it takes.

use pvm_oracle::{LEVELS, Run, Setup, Target, guests, link_ours, link_theirs, ours};
use std::process::ExitCode;

const GAS: i64 = 1 << 40;

fn main() -> ExitCode {
    println!("{:22} {:8} level {:>21} {:>27}", "guest", "target", "bytes ours/theirs", "instructions ours/theirs");
    let mut is_complete = true;
    for guest in guests() {
        let targets = if guest.is_64_bit() { &[Target::Latest, Target::JamV1][..] } else { &[Target::Latest] };
        for &target in targets {
            for level in LEVELS {
                let blobs = (link_ours(&guest.elf, target, level), link_theirs(&guest.elf, target, level));
                let (Ok(ours), Ok(theirs)) = &blobs else {
                    is_complete &= blobs.0.is_err() && blobs.1.is_err();
                    println!("{:22} {target:<8?} {level:>5} {:?} {:?}", guest.name, blobs.0.err(), blobs.1.err());
                    continue;
                };
                let steps = [ours, theirs].map(|blob| instructions(blob).map_or_else(|| "-".into(), |n| n.to_string()));
                let bytes = format!("{}/{}", ours.len(), theirs.len());
                println!("{:22} {target:<8?} {level:>5} {bytes:>21} {:>27}", guest.name, steps.join("/"));
            }
        }
    }
    if is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One gas for each instruction, over the export `run` or `main`.
fn instructions(blob: &[u8]) -> Option<i64> {
    let setup = Setup { is_pipeline_gas: false, is_stepping: false, is_paged: false };
    let module = ours::module(blob, setup).ok()?;
    [&b"run"[..], b"main"].into_iter().find_map(|export| {
        let run = Run { setup, export, args: [0; 9], gas: GAS, refill: 0, data: [&[]; 2], stops_max: usize::MAX };
        ours::run(&module, &run).map(|outcome| GAS - outcome.last().gas)
    })
}
