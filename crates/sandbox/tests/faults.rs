//! Faults: the guest's end its run, all others go where they went before.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use pvm_compiler::{Features, Map, Scratch, SiteKind, compile};
use pvm_isa::{Instruction, InstructionSet, Reg};
use pvm_program::{Code, CodeBuilder, JumpTable};
use pvm_sandbox::{Access, Space, Stop, is_supported};

fn load(instructions: &[Instruction]) -> (pvm_sandbox::Code, Map) {
    let mut builder = CodeBuilder::new(InstructionSet::Latest64Bitmask);
    for instruction in instructions {
        builder.push(*instruction);
    }
    builder.push(Instruction::trap());
    let layout = builder.build().unwrap();
    let code = Code::new(layout.set, &layout.code, &layout.bitmask);
    let mut scratch = Scratch::default();
    let output = compile(code, JumpTable::new(&[], 0), None, Features::BASELINE, &mut scratch).unwrap();
    (pvm_sandbox::Code::load(&output, None).unwrap(), output.into_map())
}

/// Runs a program whose `a0` is given in a space with one page to read and write at 0x10000 and one to read at 0x20000.
fn run(instruction: Instruction, a0: u64) -> (bool, Space) {
    let (code, map) = load(&[instruction]);
    let mut space = Space::new().unwrap();
    space.map(0x10000..0x11000, Access::ReadWrite).unwrap();
    space.map(0x20000..0x21000, Access::Read).unwrap();
    space.regs_mut()[Reg::a0.index()] = a0;
    let faulted = match space.run(&code, map.at(0).unwrap()) {
        Stop::Fault { offset } => {
            assert_eq!(map.access_at(offset).map(|access| access.pc), Some(0));
            true
        }
        Stop::Site(site) => {
            assert_eq!(map.site(site).unwrap().kind, SiteKind::Trap);
            false
        }
    };
    (faulted, space)
}

#[test]
fn exactly_the_accesses_that_leave_their_pages_fault() {
    if !is_supported() {
        return;
    }
    let load = Instruction::load_indirect_u64(Reg::a1, Reg::a0, 0);
    let store = Instruction::store_indirect_u64(Reg::a1, Reg::a0, 0);
    for (address, loads, stores) in [
        (0, false, false),
        (0xfff8, false, false),
        (0xffff, false, false),
        (0x10000, true, true),
        (0x10ff8, true, true),
        (0x10ff9, false, false),
        (0x20000, true, false),
        (0x20ff8, true, false),
        (0x20ff9, false, false),
        (0xffff_ffff, false, false),
        (0x1_0001_0000, true, true),
        (0xffff_ffff_0001_0000, true, true),
        (0xffff_ffff_ffff_f000, false, false),
    ] {
        assert_eq!(run(load, address).0, !loads, "load at {address:#x}");
        assert_eq!(run(store, address).0, !stores, "store at {address:#x}");
    }
    // The 32-bit sum wraps.
    assert!(!run(Instruction::load_indirect_u64(Reg::a1, Reg::a0, 0x10010), 0xffff_fff0).0);
    assert!(!run(Instruction::load_indirect_u64(Reg::a1, Reg::a0, -0x10), 0x10010).0);
}

#[test]
fn registers_and_memory_survive_stops() {
    if !is_supported() {
        return;
    }
    let (faulted, space) = run(Instruction::store_indirect_u32(Reg::a0, Reg::a0, 4), 0x10000);
    assert!(!faulted);
    assert_eq!(space.bytes(0x10000..0x1000c).unwrap(), [0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
    assert_eq!(space.regs()[Reg::a0.index()], 0x10000);
}

#[test]
fn many_guests_on_many_threads_fault_at_once() {
    if !is_supported() {
        return;
    }
    let (code, map) =
        load(&[Instruction::add_imm_64(Reg::a0, Reg::a0, 1), Instruction::store_indirect_u8(Reg::a0, Reg::a0, 0)]);
    std::thread::scope(|scope| {
        for thread in 0..8u64 {
            let (code, map) = (&code, &map);
            scope.spawn(move || {
                let mut spaces: Vec<Space> = (0..125).map(|_| Space::new().unwrap()).collect();
                for round in 0..3 {
                    for (space, number) in spaces.iter_mut().zip(0u64..) {
                        let address = 0x4000_0000 + thread * 0x100_0000 + number * 16 + round;
                        space.regs_mut()[Reg::a0.index()] = address;
                        let stop = space.run(code, map.at(0).unwrap());
                        assert!(matches!(stop, Stop::Fault { .. }));
                        assert_eq!(space.regs()[Reg::a0.index()], address + 1);
                    }
                }
            });
        }
    });
}

#[test]
fn what_is_mapped_is_one_range_as_long_as_rights_agree() {
    if !is_supported() {
        return;
    }
    let mut space = Space::new().unwrap();
    space.map(0x1000..0x3000, Access::ReadWrite).unwrap();
    space.map(0x3000..0x4000, Access::ReadWrite).unwrap();
    assert_eq!(space.bytes(0x1000..0x4000).unwrap().len(), 0x3000);
    assert!(space.protect(0x2000..0x3000, Access::Read).unwrap());
    assert!(space.bytes(0x1000..0x4000).is_none());
    assert!(space.bytes_mut(0x2000..0x2001).is_none());
    assert!(space.change(0x2fff..0x3000, |bytes| bytes.fill(9)).unwrap());
    assert_eq!(space.bytes(0x2fff..0x3000).unwrap(), [9]);
    assert!(space.protect(0x2000..0x3000, Access::ReadWrite).unwrap());
    assert_eq!(space.mapping(0x2000), Some((0x1000..0x4000, Access::ReadWrite)));
    space.unmap(0x2000..0x3000).unwrap();
    assert!(!space.is_mapped(&(0x1000..0x4000)));
    assert!(!space.protect(0x1000..0x4000, Access::Read).unwrap());
    assert_eq!(space.mapping(0x3fff), Some((0x3000..0x4000, Access::ReadWrite)));
    space.unmap(0..1 << 32).unwrap();
    assert_eq!(space.mapping(0x1000), None);
}

#[test]
fn the_embedders_own_handler_still_gets_its_faults() {
    if !is_supported() {
        return;
    }
    // In a process of its own, which that fault ends: the parent sees by which signal.
    if std::env::var_os("PVM_TEST_FAULT").is_some() {
        assert!(run(Instruction::load_u8(Reg::a0, 0), 0).0);
        // SAFETY: this ends the process, as it is meant to.
        unsafe { core::ptr::null::<u8>().read_volatile() };
        unreachable!("address 0 is not mapped");
    }
    let test = std::env::current_exe().unwrap();
    let status = std::process::Command::new(test)
        .args(["--exact", "the_embedders_own_handler_still_gets_its_faults"])
        .env("PVM_TEST_FAULT", "1")
        .output()
        .unwrap()
        .status;
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(11), "{status}");
}
