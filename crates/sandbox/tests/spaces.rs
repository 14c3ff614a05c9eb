//! Address spaces that are used again: the next guest finds nothing of the one before.
#![cfg(all(target_arch = "x86_64", target_os = "linux"))]

use pvm_sandbox::{Access, Part, Pool, Space, Template, is_supported};
use std::sync::Arc;

const RO: std::ops::Range<u64> = 0x10000..0x14000;
const RW: std::ops::Range<u64> = 0x30000..0x38000;
const STACK: std::ops::Range<u64> = 0xfefd_0000..0xfefe_0000;
const AUX: std::ops::Range<u64> = 0xfeff_0000..0xfeff_2000;

fn template() -> Arc<Template> {
    let part = |range, access, data| Part { range, access, data };
    Arc::new(
        Template::new(&[
            part(RO, Access::Read, &[1; 0x2345]),
            part(RW, Access::ReadWrite, &[2; 0x1001]),
            part(STACK, Access::ReadWrite, &[]),
            part(AUX, Access::Read, &[]),
        ])
        .unwrap(),
    )
}

/// What is mapped, with its rights and bytes.
type Mappings = Vec<(u64, Access, Vec<u8>)>;

/// Something that guest or host do, and its name.
type Change = (&'static str, fn(&mut Space));

/// All of a guest: memory, registers and gas.
fn contents(space: &Space) -> (Mappings, [u64; 13], i64) {
    let mut mappings = Vec::new();
    let mut at = 0;
    while at < 1 << 32 {
        let Some((range, access)) = space.mapping(at) else {
            at += 0x1000;
            continue;
        };
        at = range.end;
        mappings.push((range.start, access, space.bytes(range).unwrap().to_vec()));
    }
    (mappings, *space.regs(), space.gas())
}

#[test]
fn the_next_guest_finds_what_the_first_one_found() {
    if !is_supported() {
        return;
    }
    let changes: [Change; 12] = [
        ("nothing", |_| {}),
        ("registers and gas", |space| {
            space.regs_mut().fill(u64::MAX);
            space.set_gas(-1);
        }),
        ("what the guest can write", |space| {
            space.bytes_mut(RW).unwrap().fill(3);
            space.bytes_mut(STACK).unwrap().fill(4);
        }),
        ("what the host can write", |space| {
            assert!(space.change(RO, |bytes| bytes.fill(5)).unwrap());
            assert!(space.change(AUX, |bytes| bytes.fill(6)).unwrap());
        }),
        ("a heap", |space| {
            space.map(RW.end..RW.end + 0x5000, Access::ReadWrite).unwrap();
            space.bytes_mut(RW.start..RW.end + 0x5000).unwrap().fill(7);
        }),
        ("many pages", |space| {
            for page in 0..100 {
                let start = 0x100_0000 + page * 0x2000;
                space.map(start..start + 0x1000, Access::ReadWrite).unwrap();
                space.bytes_mut(start..start + 0x1000).unwrap().fill(8);
            }
        }),
        ("a hidden auxiliary region", |space| space.unmap(AUX).unwrap()),
        ("half of it", |space| {
            space.unmap(AUX).unwrap();
            space.map(AUX.start..AUX.start + 0x1000, Access::Read).unwrap();
            assert!(space.change(AUX.start..AUX.start + 0x1000, |bytes| bytes.fill(9)).unwrap());
        }),
        ("pages over data", |space| space.map(RW.start..RW.start + 0x1000, Access::ReadWrite).unwrap()),
        ("a hole in data", |space| space.unmap(RO.start + 0x1000..RO.start + 0x2000).unwrap()),
        ("other rights", |space| {
            assert!(space.protect(RO, Access::ReadWrite).unwrap());
            assert!(space.protect(RW, Access::Read).unwrap());
            space.bytes_mut(RO).unwrap().fill(10);
        }),
        ("rights there and back", |space| {
            assert!(space.protect(RO, Access::ReadWrite).unwrap());
            space.bytes_mut(RO).unwrap().fill(11);
            assert!(space.protect(RO, Access::Read).unwrap());
        }),
    ];
    let template = template();
    let initial = contents(&Space::of(&template, None).unwrap());
    assert_eq!(initial.0.len(), 4);
    assert_eq!(initial.0[1].2[..0x1002], [[2; 0x1001].as_slice(), &[0]].concat());
    let pool = Arc::new(Pool::new(1));
    for (name, change) in changes {
        let mut space = Space::of(&template, Some(&pool)).unwrap();
        change(&mut space);
        space.reset_memory().unwrap();
        assert_eq!(contents(&space).0, initial.0, "{name}, reset");
        change(&mut space);
        drop(space);
        assert_eq!(pool.idle(), 1, "{name}");
        let space = Space::of(&template, Some(&pool)).unwrap();
        assert_eq!(pool.idle(), 0, "the space is used again");
        assert_eq!(contents(&space), initial, "{name}");
    }
}

#[test]
fn guests_of_other_programs_find_their_own() {
    if !is_supported() {
        return;
    }
    let other = Arc::new(Template::new(&[Part { range: RW, access: Access::Read, data: &[9; 3] }]).unwrap());
    let templates = [template(), other];
    let initial = templates.each_ref().map(|template| contents(&Space::of(template, None).unwrap()));
    let pool = Arc::new(Pool::new(1));
    for turn in [0, 1, 1, 0, 1, 0, 0] {
        let mut space = Space::of(&templates[turn], Some(&pool)).unwrap();
        assert_eq!(contents(&space), initial[turn]);
        assert!(space.change(RW, |bytes| bytes.fill(0xee)).unwrap());
        space.regs_mut().fill(1);
    }
}

#[test]
fn the_pool_is_bounded_and_forgets() {
    if !is_supported() {
        return;
    }
    let [first, second] = [template(), template()];
    let pool = Arc::new(Pool::new(3));
    let spaces = |template, count: usize| -> Vec<Space> {
        (0..count).map(|_| Space::of(template, Some(&pool)).unwrap()).collect()
    };
    drop(spaces(&first, 5));
    assert_eq!(pool.idle(), 3);
    let mixed = (spaces(&second, 1), spaces(&first, 2));
    assert_eq!(pool.idle(), 0);
    drop(mixed);
    assert_eq!(pool.idle(), 3);
    pool.forget(&first);
    assert_eq!(pool.idle(), 1);
    let survivor = spaces(&second, 1);
    let watch = Arc::downgrade(&pool);
    drop(pool);
    assert_eq!(survivor[0].bytes(RW.start..RW.start + 2).unwrap(), [2, 2]);
    drop(survivor);
    assert!(watch.upgrade().is_none(), "the last one takes the pool with it");
}

#[test]
fn threads_share_a_pool() {
    if !is_supported() {
        return;
    }
    let pool = Arc::new(Pool::new(4));
    let template = template();
    std::thread::scope(|scope| {
        for id in 1..=8_u8 {
            let (pool, template) = (&pool, &template);
            scope.spawn(move || {
                for _ in 0..200 {
                    let mut space = Space::of(template, Some(pool)).unwrap();
                    assert!(space.bytes(STACK).unwrap().iter().all(|byte| *byte == 0));
                    assert_eq!(space.bytes(RW.start..RW.start + 1).unwrap(), [2]);
                    space.bytes_mut(STACK.start..STACK.start + 0x1000).unwrap().fill(id);
                    space.bytes_mut(RW).unwrap().fill(id);
                }
            });
        }
    });
    assert!(pool.idle() <= 4);
}
