//! Guests that mean harm: odd numbers, odd paths, exhaustion, and a long run of random calls.

use crate::{DATA, DATA_SIZE, Guest, error, fd, granted, guests};
use pvm_guest_abi::system::*;
use pvm_num::casts::{to_u64, widen};
use pvm_system::{Dir, Reply, System, ambient_authority};
use std::io;
use std::path::Path;

/// An address and a length that are not all the guest's.
const BEYOND: [(u64, u64); 9] = [
    (0, 1),
    (DATA - 1, 2),
    (DATA + DATA_SIZE - 1, 2),
    (DATA, DATA_SIZE + 1),
    (DATA, 0xffff_fffe),
    (0xffff_ffff, 1),
    (0xffff_ffff, 0xffff_ffff),
    (0x8000_0000, 0x8000_0000),
    (DATA, 0x8000_0000),
];

#[test]
fn bytes_that_are_not_the_guests_are_never_touched() {
    for mut guest in guests() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), b"text").unwrap();
        let mut system = granted("/", folder.path(), true);
        system.set_stdin(Box::new(io::repeat(1))).set_stdout(Box::new(io::sink())).add_argument(b"argument");
        system.add_variable(b"NAME", b"value");
        let system = &mut system;
        let file = fd(guest.open(system, "file", 0));
        let directory = fd(guest.open(system, "/", 0));
        for (address, length) in BEYOND {
            let fault = error(Errno::Fault);
            for (function, fd) in
                [(Function::Write, 1), (Function::Read, 0), (Function::Read, file), (Function::NextEntry, directory)]
            {
                assert_eq!(guest.call(system, function, &[fd, address, length]), fault, "{function:?} {address:#x}");
            }
            let path = if length > u64::from(PATH_SIZE_MAX) { error(Errno::NameTooLong) } else { fault };
            for function in [Function::Open, Function::Remove, Function::MakeDirectory, Function::Rename] {
                assert_eq!(guest.call(system, function, &[address, length, 0, 0]), path, "{function:?} {address:#x}");
            }
        }
        for address in [0, DATA + DATA_SIZE - 7, 0xffff_ffff] {
            assert_eq!(guest.call(system, Function::Arguments, &[address, 8]), error(Errno::Fault));
            assert_eq!(guest.call(system, Function::Environment, &[address, 8]), error(Errno::Fault));
            assert_eq!(guest.call(system, Function::Status, &[1, address]), error(Errno::Fault));
        }
        // What was asked for in vain is still there.
        let size = guest.call(system, Function::NextEntry, &[directory, DATA, 100]);
        assert_eq!(guest.get(0, size), b"\x01file");
        assert_eq!(guest.call(system, Function::Read, &[file, DATA, 100]), 4);
    }
}

#[test]
fn addresses_of_64_bits_are_nobodys() {
    let mut guest = Guest::new("latest64");
    let mut system = System::new();
    system.set_stdin(Box::new(io::repeat(1))).set_stdout(Box::new(io::sink())).add_argument(b"argument");
    for high in [1 << 32, 1 << 63, u64::MAX << 32] {
        for function in [Function::Write, Function::Read] {
            let fd = u64::from(function == Function::Write);
            assert_eq!(guest.call(&mut system, function, &[fd, DATA | high, 1]), error(Errno::Fault));
            assert_eq!(guest.call(&mut system, function, &[fd, DATA, 1 | high]), error(Errno::Fault));
        }
        assert_eq!(guest.call(&mut system, Function::Arguments, &[DATA | high, 8]), error(Errno::Fault));
        assert_eq!(guest.call(&mut system, Function::Arguments, &[DATA, 1 | high]), 9, "the length is only a bound");
        assert_eq!(guest.call(&mut system, Function::Open, &[DATA, 1 | high, 0]), error(Errno::NameTooLong));
    }
}

#[test]
fn descriptors_that_are_none() {
    for mut guest in guests() {
        let folder = tempfile::tempdir().unwrap();
        let system = &mut granted("/", folder.path(), true);
        for fd in [0, 1, 2, 3, 255, 256, 1 << 16, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff] {
            for function in [Function::Write, Function::Read, Function::Seek, Function::Status, Function::NextEntry] {
                assert_eq!(guest.call(system, function, &[fd, DATA, 1, 0]), error(Errno::BadDescriptor));
            }
            for function in [Function::Close, Function::Resize] {
                assert_eq!(guest.call(system, function, &[fd, 0, 0]), error(Errno::BadDescriptor));
            }
        }
    }
}

#[test]
fn sizes_and_places_that_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let mut guest = Guest::new("latest64");
    let system = &mut granted("/", folder.path(), true);
    let file = fd(guest.open(system, "file", OPEN_WRITE | OPEN_CREATE));
    for size in [1 << 63, u64::MAX] {
        assert!(guest.call(system, Function::Resize, &[file, size]) < 0, "{size:#x}");
    }
    for (whence, offset) in [(0, 1 << 63), (1, 1 << 63), (2, u64::MAX), (1, u64::MAX), (u32::MAX, 0)] {
        assert_eq!(guest.call(system, Function::Seek, &[file, widen(whence), offset]), error(Errno::Invalid));
    }
    assert_eq!(std::fs::metadata(folder.path().join("file")).unwrap().len(), 0);
    let directory = fd(guest.open(system, "/", 0));
    for function in [Function::Seek, Function::Resize, Function::Read] {
        assert_eq!(guest.call(system, function, &[directory, DATA, 1]), error(Errno::IsDirectory), "{function:?}");
    }
    assert_eq!(guest.write(system, 4, b"x"), error(Errno::BadDescriptor));
}

#[test]
fn a_granted_directory_itself_stays() {
    let outer = tempfile::tempdir().unwrap();
    let inner = tempfile::tempdir().unwrap();
    std::fs::create_dir(outer.path().join("b")).unwrap();
    let mut guest = Guest::new("latest64");
    let mut system = granted("/a", outer.path(), true);
    system.add_directory("/a/b", Dir::open_ambient_dir(inner.path(), ambient_authority()).unwrap(), true);
    let system = &mut system;
    for path in ["/", "/..", "/a", "/a/", "/a/.", "/a/b", "/a/b/../b", "/a/c/.."] {
        assert!(guest.path_call(system, Function::Remove, path, &[]) < 0, "{path}");
        assert!(guest.path_call(system, Function::MakeDirectory, path, &[]) < 0, "{path}");
        guest.put(0x800, path.as_bytes());
        guest.put(0x900, b"/a/new");
        let rename = [DATA + 0x800, to_u64(path.len()), DATA + 0x900, 6];
        assert!(guest.call(system, Function::Rename, &rename) < 0, "{path}");
        assert!(guest.call(system, Function::Rename, &[&rename[2..], &rename[..2]].concat()) < 0, "to {path}");
    }
    assert!(outer.path().join("b").is_dir() && inner.path().is_dir());
    assert!(!outer.path().join("new").exists());
}

#[test]
fn files_are_made_and_emptied_with_every_flag() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut guest = Guest::new("latest64");
    let system = &mut granted("/", folder.path(), true);
    // Made for reading only.
    let file = guest.open(system, "file", OPEN_CREATE);
    assert_eq!(guest.write(system, file, b"x"), error(Errno::BadDescriptor));
    std::fs::write(&path, b"text").unwrap();
    assert_eq!(guest.read(system, file), b"text");
    // Emptied and appended to.
    let file = guest.open(system, "file", OPEN_APPEND | OPEN_TRUNCATE);
    assert_eq!(guest.write(system, file, b"new"), 3);
    assert_eq!(std::fs::read(&path).unwrap(), b"new");
    let file = guest.open(system, "file", OPEN_TRUNCATE);
    assert_eq!(guest.read(system, file), b"");
    assert_eq!(std::fs::read(&path).unwrap(), b"");
    assert_eq!(guest.open(system, "/", OPEN_CREATE), error(Errno::IsDirectory));
}

#[cfg(unix)]
#[test]
fn links_that_go_round_and_pipes_do_not_hang() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    symlink("loop", at("loop")).unwrap();
    symlink("ping", at("pong")).unwrap();
    symlink("pong", at("ping")).unwrap();
    symlink("/etc/passwd", at("absolute")).unwrap();
    symlink("sub/../../../etc/passwd", at("climbing")).unwrap();
    symlink(".", at("here")).unwrap();
    std::fs::write(at("file"), b"text").unwrap();
    let status = std::process::Command::new("mkfifo").arg(at("pipe")).status();
    let has_pipe = status.is_ok_and(|status| status.success());
    let mut guest = Guest::new("latest64");
    let system = &mut granted("/", folder.path(), true);
    for path in ["loop", "ping", "ping/x", "absolute", "climbing"] {
        for flags in [0, OPEN_WRITE, OPEN_DIRECTORY, OPEN_WRITE | OPEN_CREATE, OPEN_WRITE | OPEN_TRUNCATE] {
            assert!(guest.open(system, path, flags) < 0, "{path} {flags}");
        }
    }
    let file = guest.open(system, &format!("{}file", "here/".repeat(20)), 0);
    assert_eq!(guest.read(system, file), b"text");
    assert!(guest.open(system, &format!("{}file", "here/".repeat(800)), 0) < 0);
    if has_pipe {
        assert_eq!(guest.open(system, "pipe", 0), error(Errno::Access));
        assert_eq!(guest.open(system, "pipe", OPEN_WRITE | OPEN_CREATE | OPEN_TRUNCATE), error(Errno::Access));
    }
    // A link is removed, not what it leads to.
    assert_eq!(guest.path_call(system, Function::Remove, "absolute", &[]), 0);
    assert!(Path::new("/etc/passwd").exists() && !at("absolute").is_symlink());
}

#[test]
fn what_the_host_keeps_of_directories_is_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let names = 2000;
    for number in 0..names {
        std::fs::write(folder.path().join(number.to_string()), b"").unwrap();
    }
    let mut guest = Guest::new("latest64");
    let system = &mut granted("/", folder.path(), false);
    let fits = ENTRIES_MAX / names;
    for _ in 0..fits {
        assert!(guest.open(system, "/", 0) > 0);
    }
    assert_eq!(guest.open(system, "/", 0), error(Errno::NoMemory));
    assert!(guest.open(system, "/7", 0) > 0, "a file needs no room");
    guest.close(system, 3);
    assert_eq!(guest.open(system, "/", 0), 3);
}

/// A generator of its own (splitmix64): the same calls every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % to_u64(bound)).unwrap()
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// A path of parts that mean something.
    fn path(&mut self) -> String {
        let parts = ["a", "b", "..", ".", "", "up", "loop", "secret", "granted", "long-enough-to-be-a-name", "\u{e4}"];
        (0..self.below(5)).map(|_| self.pick(&parts)).collect::<Vec<_>>().join(self.pick(&["/", "/", "//", "/../"]))
    }
}

#[cfg(unix)]
#[test]
fn random_calls_stay_inside() {
    for (seed, mut guest) in guests().into_iter().enumerate() {
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), b"secret").unwrap();
        let folder = outside.path().join("granted");
        std::fs::create_dir(&folder).unwrap();
        std::os::unix::fs::symlink(outside.path(), folder.join("up")).unwrap();
        std::os::unix::fs::symlink("loop", folder.join("loop")).unwrap();
        let mut system = granted("/", &folder, true);
        system.set_stdin(Box::new(io::repeat(b'i'))).set_stdout(Box::new(io::sink())).add_argument(b"name");
        let mut random = Random(to_u64(seed));
        let numbers =
            [0, 1, 2, 3, 4, 8, 64, 4096, DATA, DATA + 8, DATA + DATA_SIZE - 4, 0x7fff_ffff, 0xffff_ffff, u64::MAX];
        let mut succeeded = vec![0; Function::ALL.len()];
        for _ in 0..20_000 {
            let index = random.below(Function::ALL.len());
            let function = Function::ALL[index];
            let mut arguments: Vec<u64> = (0..4).map(|_| random.pick(&numbers)).collect();
            let (first, second) = (random.path(), random.path());
            // A file that grows without bound is the disk's matter.
            match function {
                Function::Open | Function::Remove | Function::MakeDirectory | Function::Rename => {
                    guest.put(0, first.as_bytes());
                    guest.put(0x100, second.as_bytes());
                    arguments = vec![DATA, to_u64(first.len()), DATA + 0x100, to_u64(second.len())];
                    if function == Function::Open {
                        arguments[2] = random.next() % 64;
                    }
                }
                Function::Resize | Function::Seek => {
                    arguments = vec![3 + random.next() % 8, random.next() % 3, random.next() % 5000, 0];
                }
                Function::Write | Function::Read | Function::NextEntry | Function::Status | Function::Close => {
                    arguments[0] = random.next() % 12;
                }
                _ => {}
            }
            if function == Function::Exit {
                assert!(matches!(system.call(function, &mut guest.0), Reply::Exit(_)));
                continue;
            }
            let result = guest.call(&mut system, function, &arguments);
            succeeded[index] += usize::from(result >= 0);
            let is_known = Errno::ALL.iter().any(|errno| error(*errno) == result);
            assert!(result >= 0 || is_known, "{function:?} {arguments:x?} {first:?} {second:?}: {result}");
        }
        for (function, count) in Function::ALL.iter().zip(&succeeded) {
            use Function::{Exit, Key, Play, Show, Time};
            let is_granted = !matches!(function, Exit | Key | Play | Show | Time);
            assert_eq!(is_granted, *count > 0, "{function:?} succeeded {count} times");
        }
        assert_eq!(std::fs::read(outside.path().join("secret")).unwrap(), b"secret");
        let mut names: Vec<_> =
            std::fs::read_dir(outside.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["granted", "secret"]);
    }
}
