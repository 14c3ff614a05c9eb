//! Memory for machine code, which is used again: what runs is what was loaded last, and nothing else can be executed.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use pvm_compiler::{Features, Scratch, compile};
use pvm_isa::{Instruction, InstructionSet, Reg};
use pvm_program::{CodeBuilder, JumpTable};
use pvm_sandbox::{Code, Pool, Space, Stop, is_supported};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Subtracts so many times `a1` from `a0`, and stops. (Nothing of that is fused.)
fn load(times: usize, pool: &Arc<Pool>) -> (Code, u32) {
    let mut builder = CodeBuilder::new(InstructionSet::Latest64Bitmask);
    for _ in 0..times {
        builder.push(Instruction::sub_64(Reg::a0, Reg::a0, Reg::a1));
    }
    builder.push(Instruction::trap());
    let layout = builder.build().unwrap();
    let code = pvm_program::Code::new(layout.set, &layout.code, &layout.bitmask);
    let mut scratch = Scratch::default();
    let output = compile(code, JumpTable::new(&[], 0), None, Features::BASELINE, &mut scratch).unwrap();
    let start = output.map().at(0).unwrap();
    (Code::load(&output, Some(pool)).unwrap(), start)
}

fn run((code, start): &(Code, u32)) -> u64 {
    let mut space = Space::new().unwrap();
    space.regs_mut()[Reg::a1.index()] = u64::MAX;
    assert!(matches!(space.run(code, *start), Stop::Site(_)));
    space.regs()[Reg::a0.index()]
}

/// The rights of the pages at an address, as the system writes them.
fn rights(address: usize) -> Option<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let parse = |address| usize::from_str_radix(address, 16).unwrap();
        (parse(start)..parse(end)).contains(&address).then(|| rest[..4].to_string())
    })
}

#[test]
fn memory_is_used_again_and_nothing_of_the_last_code_stays() {
    if !is_supported() {
        return;
    }
    let pool = Arc::new(Pool::new(0));
    let long = load(3000, &pool);
    assert_eq!(run(&long), 3000);
    let address = long.0.address();
    assert_eq!(rights(address).as_deref(), Some("r-xp"));
    let size = long.0.text().len().next_multiple_of(4096);
    assert_eq!(pool.idle_code(), 0);
    drop(long);
    assert_eq!(pool.idle_code(), size);
    assert_eq!(rights(address).as_deref(), Some("rw-p"), "what waits cannot be executed");

    let tiny = load(1, &pool);
    assert_eq!(pool.idle_code(), size, "for so little it is too much");
    let short = load(2000, &pool);
    assert_eq!((short.0.address(), pool.idle_code()), (address, 0));
    assert_eq!((run(&tiny), run(&short)), (1, 2000));
    assert_eq!(rights(address).as_deref(), Some("r-xp"));
    let text_size = short.0.text().len();
    let mut behind = vec![0; size - text_size];
    let memory = std::fs::File::open("/proc/self/mem").unwrap();
    memory.read_exact_at(&mut behind, u64::try_from(address + text_size).unwrap()).unwrap();
    assert!(!behind.is_empty() && behind.iter().all(|byte| *byte == 0xcc), "{behind:x?}");
}

#[test]
fn a_pool_keeps_only_so_much() {
    if !is_supported() {
        return;
    }
    let pool = Arc::new(Pool::new(0));
    let many: Vec<_> = (0..20).map(|_| load(1, &pool)).collect();
    drop(many);
    assert_eq!(pool.idle_code(), 16 * 4096);
    let large: Vec<_> = (0..3).map(|_| load(400_000, &pool)).collect();
    let size = large[0].0.text().len();
    assert!((1 << 20..2 << 20).contains(&size), "{size}");
    drop(large);
    assert!((2 << 20..=4 << 20).contains(&pool.idle_code()));
    let huge = load(1_500_000, &pool);
    assert!(huge.0.text().len() > 4 << 20);
    let before = pool.idle_code();
    drop(huge);
    assert_eq!(pool.idle_code(), before);
}

#[test]
fn threads_share_the_memory_of_a_pool() {
    if !is_supported() {
        return;
    }
    let pool = Arc::new(Pool::new(0));
    std::thread::scope(|scope| {
        for thread in 1..5 {
            let pool = &pool;
            scope.spawn(move || {
                for round in 0..200 {
                    let times = thread * 100 + round;
                    assert_eq!(run(&load(times, pool)), u64::try_from(times).unwrap());
                }
            });
        }
    });
}
