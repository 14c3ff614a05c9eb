//! A bit of everything a compiler makes of ordinary Rust: collections, formatting, 128-bit and floating-point arithmetic,
//! atomics, trait objects, closures, reference counts. Not a benchmark: breadth, not length.

use crate::checksum::{Checksum, Numbers, check};
use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet, VecDeque},
    format,
    rc::Rc,
    string::{String, ToString},
    vec,
    vec::Vec,
};
use core::{
    cell::{Cell, RefCell},
    fmt::Write,
    hint::black_box,
    sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, AtomicUsize, Ordering},
};

/// Returns a checksum over the results of all parts.
pub fn run() -> u64 {
    let mut checksum = Checksum::new();
    let parts: [fn() -> String; 10] = [
        collections,
        strings,
        wide_integers,
        narrow_integers,
        floats,
        atomics,
        dynamic_dispatch,
        sharing,
        slices,
        bits,
    ];
    for part in parts {
        let text = part();
        checksum.bytes(text.as_bytes());
    }
    checksum.finish()
}

fn collections() -> String {
    let mut numbers = Numbers::new(42);
    let mut map = BTreeMap::new();
    for index in 0..200u64 {
        *map.entry(numbers.next() % 64).or_insert(0u64) += index;
    }
    let removed = map.remove(&7);
    let set: BTreeSet<u64> = map.values().copied().filter(|value| value % 3 == 0).collect();
    let mut queue: VecDeque<u64> = set.iter().copied().collect();
    queue.rotate_left(set.len() / 2);
    queue.push_front(removed.unwrap_or(1));
    check(map.values().sum::<u64>() + removed.unwrap_or(0) == 199 * 200 / 2);
    format!("{map:?} {removed:?} {:?} {queue:?}", map.range(10..20).next_back())
}

fn strings() -> String {
    let text = "Grüße, 世界! The quick brown fox jumps over the lazy dog.";
    let mut words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
    words.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    words.dedup();
    let mut out = words.join("|");
    out.insert_str(0, &text.chars().rev().collect::<String>());
    check(write!(out, "{:>8}{:<6}{:^5}{:#x}{:08b}{:+}", 17, "ab", 'c', 255, 37, -5).is_ok());
    check("12345".parse::<u32>() == Ok(12345) && "99999999999".parse::<u32>().is_err());
    out + &i128::MIN.to_string()
}

fn wide_integers() -> String {
    let mut a = black_box(0x0123_4567_89ab_cdef_fedc_ba98_7654_3210_u128);
    let b = black_box(0x1_0000_0000_0000_0061_u128);
    let mut out = String::new();
    for shift in [0, 1, 31, 32, 63, 64, 65, 127] {
        a = a.wrapping_mul(b).rotate_left(7) ^ (a >> shift) ^ (b << shift);
        let signed = i128::from_le_bytes(a.to_le_bytes());
        check((a / b) * b + a % b == a);
        out += &format!("{:x} {:x} {} {} {},", a / b, a % b, signed / 1_000_003, signed >> shift, a.leading_zeros());
    }
    out
}

fn narrow_integers() -> String {
    let mut out = String::new();
    for value in black_box([0, 1, 127, 128, 200, 255, 1000, 65_535, -1, -128, -129, i32::MIN, i32::MAX]) {
        let byte = value.to_le_bytes()[0];
        let signed = i8::from_le_bytes([byte]);
        let half = i16::from_le_bytes([byte, value.to_le_bytes()[1]]);
        out += &format!(
            "{byte} {signed} {half} {:?} {:?} {} {} {},",
            signed.checked_mul(3),
            value.checked_add(i32::MAX / 2),
            value.wrapping_mul(-7) >> 3,
            half.rotate_left(5),
            value.checked_div(i32::from(signed)).unwrap_or(-1).wrapping_rem(17),
        );
    }
    out
}

fn floats() -> String {
    // Newton's square root, the logistic map, and conversions: software on this machine, with one result everywhere.
    let square = black_box(2.0f64);
    let mut root = 1.0f64;
    for _ in 0..8 {
        root = (root + square / root) / 2.0;
    }
    check((root * root - square).abs() < 1e-15);
    let mut chaos = black_box(0.3f64);
    for _ in 0..100 {
        chaos = 3.9 * chaos * (1.0 - chaos);
    }
    let single = black_box(1.0f32) / 3.0;
    let integer: i64 = format!("{:.0}", chaos * 1e6).parse().unwrap_or(0);
    let special = [0.0 / black_box(0.0), 1.0 / black_box(0.0f64), -1.0 / black_box(0.0), black_box(-0.0)];
    let order: Vec<_> = special.iter().map(|value| value.partial_cmp(&root)).collect();
    format!(
        "{root:?} {:016x} {single} {integer} {order:?} {:e} {}",
        chaos.to_bits(),
        1.5e300 * root,
        f64::from(single).max(root)
    )
}

fn atomics() -> String {
    static FLAG: AtomicBool = AtomicBool::new(false);
    static WORD: AtomicU32 = AtomicU32::new(5);
    static LONG: AtomicU64 = AtomicU64::new(1 << 40);
    static SIGNED: AtomicI64 = AtomicI64::new(-3);
    static SIZE: AtomicUsize = AtomicUsize::new(0);
    FLAG.store(false, Ordering::SeqCst);
    WORD.store(5, Ordering::Relaxed);
    LONG.store(1 << 40, Ordering::Release);
    SIGNED.store(-3, Ordering::SeqCst);
    SIZE.store(0, Ordering::SeqCst);
    let flag = FLAG.swap(true, Ordering::AcqRel);
    let results = [
        u64::from(WORD.fetch_add(u32::MAX, Ordering::SeqCst)),
        u64::from(WORD.fetch_or(0x8000_0001, Ordering::SeqCst)),
        u64::from(WORD.fetch_xor(0xff, Ordering::SeqCst)),
        u64::from(WORD.fetch_max(7, Ordering::SeqCst)),
        u64::from(WORD.compare_exchange(0x8000_00fa, 3, Ordering::SeqCst, Ordering::Relaxed).unwrap_or_else(|is| is)),
        LONG.fetch_sub(1, Ordering::SeqCst),
        LONG.fetch_and(0xffff_0000_ffff, Ordering::SeqCst),
        LONG.fetch_nand(0xff, Ordering::SeqCst),
        LONG.load(Ordering::Acquire),
    ];
    let signed =
        [SIGNED.fetch_min(-9, Ordering::SeqCst), SIGNED.fetch_max(4, Ordering::SeqCst), SIGNED.load(Ordering::SeqCst)];
    for _ in 0..10 {
        SIZE.fetch_add(3, Ordering::Relaxed);
    }
    format!("{flag} {} {results:x?} {signed:?} {:?}", FLAG.load(Ordering::SeqCst), SIZE.load(Ordering::SeqCst))
}

trait Shape {
    fn area(&self) -> u64;
    fn name(&self) -> String {
        "shape".to_string()
    }
}
struct Square(u64);
struct Rectangle(u64, u64);
impl Shape for Square {
    fn area(&self) -> u64 {
        self.0 * self.0
    }
    fn name(&self) -> String {
        format!("square of {}", self.0)
    }
}
impl Shape for Rectangle {
    fn area(&self) -> u64 {
        self.0 * self.1
    }
}

fn dynamic_dispatch() -> String {
    let shapes: Vec<Box<dyn Shape>> =
        vec![Box::new(Square(5)), Box::new(Rectangle(3, 4)), Box::new(Square(black_box(9)))];
    let scale = black_box(3);
    let steps: [Box<dyn Fn(u64) -> u64>; 3] =
        [Box::new(move |x| x * scale), Box::new(|x| x ^ 0x55), Box::new(|x| x.pow(2))];
    let folded =
        shapes.iter().fold(1, |sum, shape| steps.iter().fold(sum + shape.area(), |x, step| step(x) & 0xffff_ffff));
    // A dense match on a value only known at run time: a jump table.
    let branch = |x: u64| match x % 8 {
        0 => "zero",
        1 => "one",
        2 => "two",
        3 => "three",
        4 => "four",
        5 => "five",
        6 => "six",
        _ => "seven",
    };
    let names: Vec<String> = shapes.iter().map(|shape| shape.name()).collect();
    let branches: Vec<&str> = (0..10).map(|x| branch(black_box(x * 5))).collect();
    format!("{folded} {names:?} {branches:?}")
}

fn sharing() -> String {
    struct Guard(Rc<Cell<u32>>);
    impl Drop for Guard {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let drops = Rc::new(Cell::new(0));
    let log = Rc::new(RefCell::new(Vec::new()));
    let guards: Vec<Guard> = (0..5).map(|_| Guard(Rc::clone(&drops))).collect();
    log.borrow_mut().push(Rc::strong_count(&drops));
    check(log.try_borrow().is_ok());
    drop(guards);
    log.borrow_mut().push(Rc::strong_count(&drops));
    format!("{} {:?}", drops.get(), log.borrow())
}

fn slices() -> String {
    let mut numbers = Numbers::new(99);
    let mut values: Vec<i32> =
        (0..150).map(|_| i32::from_le_bytes([numbers.next().to_le_bytes()[3]; 4]) % 1000).collect();
    let original = values.clone();
    values.sort();
    let found = values.binary_search(&original[10]).is_ok();
    let (small, large) = values.split_at(70);
    let windows = large.windows(3).filter(|w| w[2] - w[0] > 20).count();
    let sum: i64 = small.iter().map(|&value| i64::from(value)).sum();
    values.rotate_right(11);
    values.retain(|value| value % 2 == 0);
    values.chunks_mut(7).for_each(<[i32]>::reverse);
    let out_of_range = original.get(black_box(1000));
    format!("{found} {sum} {windows} {out_of_range:?} {values:?}")
}

fn bits() -> String {
    let mut out = String::new();
    for value in black_box([0u64, 1, 0x8000_0000_0000_0000, 0x00ff_0f33_5500_00aa, u64::MAX]) {
        let low = u32::try_from(value & 0xffff_ffff).unwrap_or(0);
        out += &format!(
            "{} {} {} {:x} {:x} {:x} {} {} {:x},",
            value.count_ones(),
            value.leading_zeros(),
            low.trailing_zeros(),
            value.swap_bytes(),
            low.reverse_bits(),
            low.rotate_right(9),
            value.min(1000),
            low.max(77),
            u128::from(value) * u128::from(value),
        );
    }
    out
}
