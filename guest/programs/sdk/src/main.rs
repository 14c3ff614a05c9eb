//! Uses every part of the Rust SDK, and prints what comes of it: the same on every engine, at every level of the linker, and on
//! the host.
//!
//! It takes a directory to write in as its argument, reads lines from its standard input, and fails on demand.
#![cfg_attr(target_os = "none", no_std, no_main)]

use pvm::abi::Errno;
use pvm::alloc::collections::BTreeMap;
use pvm::fs::{self, File, OpenOptions, SeekFrom};
use pvm::io::{Lines, stdin};
use pvm::prelude::*;
use pvm::time::Instant;

#[pvm::main]
fn main() -> Result<i32, pvm::Error> {
    let args = pvm::args();
    let directory = args.get(1).map_or("/", String::as_str);
    match args.get(2).map(String::as_str) {
        Some("panic") => panic!("asked to, with {} arguments", args.len()),
        Some("index") => return Ok(args[args.len()].len().try_into().unwrap_or(0)),
        Some("error") => return fs::read("/no/such/file").map(|_| 0),
        Some("exit") => deep_exit(3),
        Some("code") => return Ok(-1),
        Some("memory") => return Ok(exhaust().into()),
        _ => {}
    }
    println!("variable: {}", pvm::var("VARIABLE").unwrap_or_default());
    for line in Lines::new(stdin()) {
        println!("input: {}", line?);
    }
    files(directory)?;
    println!("heap: {:#x}", heap());
    println!("numbers: {} {:?} {:e}", u128::MAX, 0.1_f64 + 0.2, 1e300_f64);
    let begin = Instant::now();
    println!("later: {}", begin.elapsed() <= Instant::now().since(begin));
    println!("time: {:?}", pvm::time::now().map(|time| time.as_secs() > 1_600_000_000));
    let device = [pvm::device::show(&[0; 6], 3).err(), pvm::device::key().err(), pvm::device::play(&[[0; 2]; 4]).err()];
    println!("devices: {device:?}");
    println!("picture: {:?}", pvm::device::show(&[0; 7], 3));
    eprintln!("done");
    Ok(7)
}

#[inline(never)]
fn deep_exit(depth: u32) {
    if depth == 0 {
        pvm::exit(42);
    }
    deep_exit(core::hint::black_box(depth - 1));
    println!("came back");
}

fn files(directory: &str) -> Result<(), pvm::Error> {
    let path = |name: &str| format!("{directory}/{name}");
    fs::make_directory(&path("new"))?;
    fs::write(&path("new/b"), "first\n")?;
    let mut file = OpenOptions::new().append().open(&path("new/b"))?;
    writeln!(file, "{}{:>5}", "second".repeat(60), 2)?;
    file.seek(SeekFrom::Start(0))?;
    let mut start = [0; 3];
    file.read_exact(&mut start)?;
    println!("file: {:?} {} {}", str::from_utf8(&start), file.status()?.size, file.seek(SeekFrom::End(-1))?);
    file.resize(4)?;
    drop(file);
    println!("cut: {:?}", fs::read_to_string(&path("new/b"))?);
    fs::write(&path("new/a"), [0xff])?;
    println!("text: {:?}", fs::read_to_string(&path("new/a")));
    let exclusive = OpenOptions::new().write().create_new().open(&path("new/a"));
    println!("again: {:?}", exclusive.map(|_| ()));
    println!("directory: {:?}", File::open(&path("new")).map(|_| ()));
    fs::rename(&path("new/a"), &path("new/c"))?;
    let names: Vec<String> = fs::read_directory(&path("new"))?.into_iter().map(|entry| entry.name).collect();
    println!("entries: {names:?}");
    println!("full: {}", fs::remove(&path("new")).is_err_and(|error| error == Errno::NotEmpty));
    for name in ["new/b", "new/c", "new"] {
        fs::remove(&path(name))?;
    }
    println!("gone: {:?}", File::open(&path("new/b")).map(|_| ()));
    Ok(())
}

/// Allocates, grows and frees in an order that a generator gives, and checks that nothing overlaps.
fn heap() -> u64 {
    let mut state = 1_u64;
    let mut random = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let mut live: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for step in 0..4000 {
        let key = random(64);
        match random(3) {
            0 => drop(live.remove(&key)),
            1 => live.entry(key).or_default().push(step),
            _ => {
                let size = usize::try_from(random(3000)).unwrap_or(0);
                live.insert(key, vec![key; size]);
            }
        }
    }
    live.iter()
        .flat_map(|(key, values)| values.iter().map(move |value| value ^ key))
        .fold(0, |sum, value| sum.wrapping_mul(31).wrapping_add(value))
}

/// Takes memory until there is none; is it more than a GiB, and is there still some for a small piece?
fn exhaust() -> bool {
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    loop {
        let mut piece = Vec::new();
        if piece.try_reserve_exact(64 << 20).is_err() {
            return pieces.len() > 16 && Box::new(7) > Box::new(6);
        }
        pieces.push(piece);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_on_the_host() {
        assert_eq!(heap(), 0xed9d_9e08_bf3b_5d2f);
        let directory = std::env::temp_dir().join(format!("pvm-sdk-{}", std::process::id()));
        let directory = directory.to_str().unwrap();
        fs::make_directory(directory).unwrap();
        files(directory).unwrap();
        fs::remove(directory).unwrap();
    }
}
