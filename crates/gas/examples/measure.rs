//! Nanoseconds per instruction of the pipeline rule: `cargo run --release -p pvm-gas --example measure -- PROGRAM.json`, where
//! the file is a vector with a generic program in "program", of the old `latest64` numbering.
//!
//! Decoding is not measured: the instructions are listed first, as a translator would have them.

use pvm_gas::{BlockMeter, Rule};
use pvm_isa::InstructionSet;
use pvm_program::{Located, Program};
use std::hint::black_box;
use std::time::Instant;

fn main() {
    let path = std::env::args().nth(1).expect("usage: measure PROGRAM.json");
    let vector: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let program: Vec<u8> = serde_json::from_value(vector["program"].clone()).unwrap();
    let program = Program::parse_generic(program, InstructionSet::Latest64Bitmask).expect("a generic program");
    let code = program.code();
    let instructions: Vec<Located> = code.iter().collect();
    let blocks = Rule::Simple.blocks(code).count();
    println!("{} instructions in {blocks} blocks", instructions.len());
    for name in ["simple", "full", "full-l1-hit"] {
        let mut meter = BlockMeter::new(&name.parse().unwrap(), code.set());
        let mut best = f64::MAX;
        let mut sum = 0u64;
        for _ in 0..300 {
            let start = Instant::now();
            sum = 0;
            for located in &instructions {
                meter.push(located, code.bytes());
                if located.instruction.opcode().ends_block() {
                    sum += u64::from(black_box(meter.finish()));
                }
            }
            best = best.min(start.elapsed().as_secs_f64());
        }
        let count = f64::from(u32::try_from(instructions.len()).unwrap());
        println!("{name}: {:.1} ns per instruction, total price {sum}", best * 1e9 / count);
    }
}
