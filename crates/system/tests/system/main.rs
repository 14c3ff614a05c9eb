//! Every function on guests of both widths: what is granted works, and nothing else does.

mod hostile;

use pvm::{Engine, GasMeteringKind, Module, ModuleConfig, ProgramBlob, RawInstance, Reg};
use pvm_guest_abi::system::*;
use pvm_num::casts::{low_u32, signed_64, to_u64, widen};
use pvm_system::{Devices, Dir, KeyEvent, Picture, Reply, System, Ticks, ambient_authority};
use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

/// Where a guest's writable data starts: behind an unused page below and a gap, as memory maps have it.
const DATA: u64 = 0x2_0000;
/// How much of it there is.
const DATA_SIZE: u64 = 0x1_0000;

/// A guest that never runs: a host that tests the calls it could make.
struct Guest(RawInstance);

impl Guest {
    fn new(set: &str) -> Guest {
        let text = format!("%isa = {set}\n%rw_data_size = {DATA_SIZE}\npub @main:\n    ret\n");
        let program = pvm_text::assemble(&text, None).unwrap().to_program().unwrap();
        let engine = Engine::new(&pvm::Config::new()).unwrap();
        let mut config = ModuleConfig::new();
        config.set_gas_metering(None::<GasMeteringKind>);
        let module = Module::from_blob(&engine, &config, ProgramBlob::from_program(program)).unwrap();
        Guest(module.instantiate().unwrap())
    }

    /// Makes a call; arguments of 64 bits are marked by the caller as two of 32.
    fn call(&mut self, system: &mut System, function: Function, arguments: &[u64]) -> i64 {
        for (reg, value) in Reg::ARG_REGS.iter().zip(arguments) {
            self.0.set_reg(*reg, *value);
        }
        assert_eq!(system.call(function, &mut self.0), Reply::Continue);
        let [a0, a1] = [Reg::A0, Reg::A1].map(|reg| self.0.reg(reg));
        signed_64(if self.0.is_64_bit() { a0 } else { a0 | a1 << 32 })
    }

    fn put(&mut self, at: u64, bytes: &[u8]) {
        self.0.write_memory(low_u32(DATA + at), bytes).unwrap();
    }

    fn get(&mut self, at: u64, length: i64) -> Vec<u8> {
        self.0.read_memory(low_u32(DATA + at), u32::try_from(length).unwrap()).unwrap()
    }

    /// A call whose first arguments are a path.
    fn path_call(&mut self, system: &mut System, function: Function, path: &str, rest: &[u64]) -> i64 {
        self.put(0, path.as_bytes());
        let arguments = [&[DATA, to_u64(path.len())], rest].concat();
        self.call(system, function, &arguments)
    }

    fn open(&mut self, system: &mut System, path: &str, flags: u32) -> i64 {
        self.path_call(system, Function::Open, path, &[widen(flags)])
    }

    fn read(&mut self, system: &mut System, fd: i64) -> Vec<u8> {
        let size = self.call(system, Function::Read, &[u64::try_from(fd).unwrap(), DATA + 0x1000, 0x1000]);
        self.get(0x1000, size)
    }

    fn write(&mut self, system: &mut System, fd: i64, text: &[u8]) -> i64 {
        self.put(0x1000, text);
        self.call(system, Function::Write, &[u64::try_from(fd).unwrap(), DATA + 0x1000, to_u64(text.len())])
    }

    fn close(&mut self, system: &mut System, fd: i64) {
        assert_eq!(self.call(system, Function::Close, &[u64::try_from(fd).unwrap()]), 0);
    }
}

/// A guest of each width.
fn guests() -> [Guest; 2] {
    ["latest64", "latest32"].map(Guest::new)
}

/// A stream that keeps what is written.
#[derive(Clone, Default)]
struct Kept(Rc<RefCell<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn error(errno: Errno) -> i64 {
    -errno.number()
}

fn fd(result: i64) -> u64 {
    u64::try_from(result).unwrap()
}

fn granted(at: &str, folder: &Path, is_writable: bool) -> System {
    let mut system = System::new();
    system.add_directory(at, Dir::open_ambient_dir(folder, ambient_authority()).unwrap(), is_writable);
    system
}

#[test]
fn nothing_is_granted_by_default() {
    for mut guest in guests() {
        let system = &mut System::new();
        assert_eq!(guest.write(system, 1, b"x"), error(Errno::BadDescriptor));
        assert_eq!(guest.call(system, Function::Read, &[0, DATA, 1]), error(Errno::BadDescriptor));
        assert_eq!(guest.call(system, Function::Arguments, &[DATA, 9]), 0);
        assert_eq!(guest.call(system, Function::Environment, &[DATA, 9]), 0);
        assert_eq!(guest.call(system, Function::Time, &[]), error(Errno::NotPermitted));
        assert_eq!(guest.open(system, "/etc/passwd", 0), error(Errno::NoEntry));
        assert_eq!(guest.open(system, "/", 0), error(Errno::NoEntry));
        assert_eq!(guest.call(system, Function::Show, &[DATA, 1, 1]), error(Errno::NoFunction));
        assert_eq!(guest.call(system, Function::Key, &[]), error(Errno::NoFunction));
        assert_eq!(guest.call(system, Function::Play, &[DATA, 1]), error(Errno::NoFunction));
    }
}

#[test]
fn exit_takes_32_bits() {
    for mut guest in guests() {
        guest.0.set_reg(Reg::A0, 0xffff_fffe);
        assert_eq!(System::new().call(Function::Exit, &mut guest.0), Reply::Exit(-2));
    }
}

#[test]
fn streams_pass_bytes_and_judge_addresses() {
    for mut guest in guests() {
        let kept = Kept::default();
        let mut system = System::new();
        system.set_stdout(Box::new(kept.clone())).set_stdin(Box::new(&b"input"[..]));
        let system = &mut system;
        assert_eq!(guest.write(system, 1, b"out"), 3);
        assert_eq!(guest.write(system, 0, b"out"), error(Errno::BadDescriptor));
        // A byte of it is not the guest's: nothing is written.
        let end = DATA + DATA_SIZE;
        assert_eq!(guest.call(system, Function::Write, &[1, end - 4, 1 << 31]), error(Errno::Fault));
        assert_eq!(guest.call(system, Function::Write, &[1, 0, 0]), 0);
        assert_eq!(*kept.0.borrow(), b"out");
        // Nothing is taken from the input that the guest cannot have.
        assert_eq!(guest.call(system, Function::Read, &[0, 0x8000, 5]), error(Errno::Fault));
        assert_eq!(guest.call(system, Function::Read, &[0, DATA, 2]), 2);
        assert_eq!(guest.read(system, 0), b"put");
        assert_eq!(guest.read(system, 0), b"");
        assert_eq!(guest.call(system, Function::Seek, &[1, 0, 0, 0]), error(Errno::CannotSeek));
        assert_eq!(guest.call(system, Function::Status, &[1, DATA]), 0);
        assert_eq!(guest.get(0, 1), [KIND_STREAM]);
        assert_eq!(guest.get(4, 1), [0]);
        system.set_terminal(1).set_terminal(7);
        assert_eq!(guest.call(system, Function::Status, &[1, DATA]), 0);
        assert_eq!(guest.get(4, 1), [STATUS_TERMINAL]);
        assert_eq!(guest.call(system, Function::Status, &[0, DATA]), 0);
        assert_eq!(guest.get(4, 1), [0]);
        guest.close(system, 1);
        assert_eq!(guest.write(system, 1, b"x"), error(Errno::BadDescriptor));
    }
    let mut guest = Guest::new("latest64");
    let mut system = System::new();
    system.set_stdout(Box::new(io::sink()));
    assert_eq!(guest.call(&mut system, Function::Write, &[1, DATA | 1 << 32, 1]), error(Errno::Fault));
}

#[test]
fn failing_streams_are_errors() {
    struct Broken;
    impl Write for Broken {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }
    let mut guest = Guest::new("latest64");
    let mut system = System::new();
    system.set_stdout(Box::new(Broken)).set_stdin(Box::new(Broken));
    assert_eq!(guest.write(&mut system, 1, b"x"), error(Errno::BrokenPipe));
    assert_eq!(guest.call(&mut system, Function::Read, &[0, DATA, 1]), error(Errno::Io));
}

#[test]
fn arguments_and_variables_are_copied_as_far_as_they_fit() {
    for mut guest in guests() {
        let mut system = System::new();
        system.add_argument(b"name").add_argument(b"").add_argument(b"a\0b").add_variable(b"K", b"v");
        let system = &mut system;
        assert_eq!(guest.call(system, Function::Arguments, &[0, 0]), 8);
        assert_eq!(guest.call(system, Function::Arguments, &[DATA, 100]), 8);
        assert_eq!(guest.get(0, 8), b"name\0\0a\0");
        assert_eq!(guest.call(system, Function::Environment, &[DATA, 2]), 4);
        assert_eq!(guest.get(0, 4), b"K=me");
        assert_eq!(guest.call(system, Function::Arguments, &[4, 8]), error(Errno::Fault));
    }
}

#[test]
fn ticks_can_be_the_same_every_time() {
    for mut guest in guests() {
        let mut system = System::new();
        let first = guest.call(&mut system, Function::Ticks, &[]);
        assert!(guest.call(&mut system, Function::Ticks, &[]) >= first);
        system.set_ticks(Ticks::Steps(Duration::from_secs(5)));
        assert_eq!(guest.call(&mut system, Function::Ticks, &[]), 5_000_000_000);
        assert_eq!(guest.call(&mut system, Function::Ticks, &[]), 10_000_000_000);
        system.grant_time();
        // 2020 is over.
        assert!(guest.call(&mut system, Function::Time, &[]) > 1_600_000_000 * 1_000_000_000);
    }
}

#[test]
fn files_are_read_written_and_listed() {
    for mut guest in guests() {
        let is_64_bit = guest.0.is_64_bit();
        let wide = |value: i64| match is_64_bit {
            true => vec![pvm_num::casts::unsigned_64(value)],
            false => {
                let value = pvm_num::casts::unsigned_64(value);
                vec![widen(low_u32(value)), value >> 32]
            }
        };
        let folder = tempfile::tempdir().unwrap();
        let system = &mut granted("/data", folder.path(), true);
        assert_eq!(guest.open(system, "/data/new", OPEN_WRITE), error(Errno::NoEntry));
        let file = guest.open(system, "data/./new", OPEN_WRITE | OPEN_CREATE | OPEN_EXCLUSIVE);
        assert_eq!(file, 3);
        assert_eq!(guest.open(system, "/data/new", OPEN_WRITE | OPEN_CREATE | OPEN_EXCLUSIVE), error(Errno::Exists));
        assert_eq!(guest.write(system, file, b"0123456789"), 10);
        let seek = |guest: &mut Guest, system: &mut System, whence: u32, offset: i64| {
            guest.call(system, Function::Seek, &[&[fd(file), widen(whence)], &wide(offset)[..]].concat())
        };
        assert_eq!(seek(&mut guest, system, SEEK_END, -3), 7);
        assert_eq!(guest.read(system, file), b"789");
        assert_eq!(seek(&mut guest, system, SEEK_START, 2), 2);
        assert_eq!(seek(&mut guest, system, SEEK_CURRENT, -1), 1);
        assert_eq!(seek(&mut guest, system, SEEK_START, -1), error(Errno::Invalid));
        assert_eq!(seek(&mut guest, system, 3, 0), error(Errno::Invalid));
        assert_eq!(guest.call(system, Function::Resize, &[&[fd(file)], &wide(4)[..]].concat()), 0);
        assert_eq!(guest.call(system, Function::Status, &[fd(file), DATA]), 0);
        assert_eq!(guest.get(0, 24), [&[KIND_FILE, 0, 0, 0, 0, 0, 0, 0, 4], &[0; 15][..]].concat());
        guest.close(system, file);
        let file = guest.open(system, "/data/new", OPEN_APPEND);
        assert_eq!(guest.write(system, file, b"ab"), 2);
        assert_eq!(std::fs::read(folder.path().join("new")).unwrap(), b"0123ab");

        assert_eq!(guest.path_call(system, Function::MakeDirectory, "/data/sub", &[]), 0);
        assert_eq!(guest.path_call(system, Function::MakeDirectory, "/data/sub", &[]), error(Errno::Exists));
        guest.put(0, b"/data/new/data/sub/moved");
        assert_eq!(guest.call(system, Function::Rename, &[DATA, 9, DATA + 9, 15]), 0);
        let directory = guest.open(system, "/data", OPEN_DIRECTORY);
        let next = |guest: &mut Guest, system: &mut System, fd: u64, room: u64| {
            let size = guest.call(system, Function::NextEntry, &[fd, DATA, room]);
            if size > 0 { Ok(guest.get(0, size)) } else { Err(size) }
        };
        assert_eq!(next(&mut guest, system, fd(directory), 3), Err(error(Errno::Range)));
        assert_eq!(next(&mut guest, system, fd(directory), 4), Ok(b"\x02sub".to_vec()));
        assert_eq!(next(&mut guest, system, fd(directory), 4), Err(0));
        assert_eq!(next(&mut guest, system, fd(file), 4), Err(error(Errno::NotDirectory)));
        assert_eq!(guest.path_call(system, Function::Remove, "/data/sub", &[]), error(Errno::NotEmpty));
        assert_eq!(guest.path_call(system, Function::Remove, "/data/sub/moved", &[]), 0);
        assert_eq!(guest.path_call(system, Function::Remove, "/data/sub", &[]), 0);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn what_is_granted_for_reading_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), b"text").unwrap();
    let mut guest = Guest::new("latest64");
    let system = &mut granted("/", folder.path(), false);
    for flags in [OPEN_WRITE, OPEN_APPEND, OPEN_TRUNCATE, OPEN_CREATE, OPEN_CREATE | OPEN_EXCLUSIVE] {
        assert_eq!(guest.open(system, "file", flags), error(Errno::ReadOnly), "{flags}");
        assert_eq!(guest.open(system, "other", flags | OPEN_CREATE), error(Errno::ReadOnly), "{flags}");
    }
    assert_eq!(guest.path_call(system, Function::Remove, "file", &[]), error(Errno::ReadOnly));
    assert_eq!(guest.path_call(system, Function::MakeDirectory, "sub", &[]), error(Errno::ReadOnly));
    guest.put(0, b"filename");
    assert_eq!(guest.call(system, Function::Rename, &[DATA, 4, DATA + 4, 4]), error(Errno::ReadOnly));
    let file = guest.open(system, "file", 0);
    assert_eq!(guest.write(system, file, b"x"), error(Errno::BadDescriptor));
    assert_eq!(guest.call(system, Function::Resize, &[fd(file), 0]), error(Errno::BadDescriptor));
    assert_eq!(guest.read(system, file), b"text");
    assert_eq!(guest.open(system, "file", OPEN_DIRECTORY), error(Errno::NotDirectory));
    assert_eq!(guest.open(system, "file", 64), error(Errno::Invalid));
    assert_eq!(guest.open(system, "", 0), error(Errno::NoEntry));
    assert_eq!(guest.open(system, "fi\0le", 0), error(Errno::Invalid));
    assert_eq!(guest.open(system, &"x".repeat(4097), 0), error(Errno::NameTooLong));
}

#[cfg(unix)]
#[test]
fn nothing_leads_out_of_a_granted_directory() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), b"secret").unwrap();
    let folder = outside.path().join("granted");
    std::fs::create_dir(&folder).unwrap();
    std::os::unix::fs::symlink("../secret", folder.join("link")).unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.join("up")).unwrap();
    let mut guest = Guest::new("latest64");
    let system = &mut granted("/", &folder, true);
    for path in ["../secret", "/../secret", "link", "up/secret", "a/../../secret"] {
        assert!(guest.open(system, path, 0) < 0, "{path}");
        assert!(guest.open(system, path, OPEN_WRITE | OPEN_TRUNCATE) < 0, "{path}");
    }
    assert!(guest.open(system, "up/new", OPEN_WRITE | OPEN_CREATE) < 0);
    assert!(guest.path_call(system, Function::Remove, "up/secret", &[]) < 0);
    assert!(guest.open(system, "up", 0) < 0);
    assert_eq!(std::fs::read(outside.path().join("secret")).unwrap(), b"secret");
    assert!(!outside.path().join("new").exists());
}

#[test]
fn the_innermost_grant_counts() {
    let [outer, inner] = [(), ()].map(|()| tempfile::tempdir().unwrap());
    std::fs::write(inner.path().join("file"), b"inner").unwrap();
    let mut guest = Guest::new("latest64");
    let mut system = granted("/a", outer.path(), true);
    system.add_directory("a/b", Dir::open_ambient_dir(inner.path(), ambient_authority()).unwrap(), false);
    let system = &mut system;
    let file = guest.open(system, "/a/b/file", 0);
    assert_eq!(guest.read(system, file), b"inner");
    assert_eq!(guest.open(system, "/a/b/file", OPEN_WRITE), error(Errno::ReadOnly));
    assert_eq!(guest.open(system, "/ab/file", 0), error(Errno::NoEntry));
    guest.put(0, b"/a/x/a/b/x");
    assert_eq!(guest.call(system, Function::Rename, &[DATA, 4, DATA + 4, 6]), error(Errno::ReadOnly));
}

#[test]
fn descriptors_are_bounded_and_reused() {
    let folder = tempfile::tempdir().unwrap();
    let mut guest = Guest::new("latest64");
    let system = &mut granted("/", folder.path(), false);
    for number in 3..DESCRIPTORS_MAX {
        assert_eq!(fd(guest.open(system, "/", 0)), to_u64(number));
    }
    assert_eq!(guest.open(system, "/", 0), error(Errno::TooManyOpen));
    guest.close(system, 7);
    assert_eq!(guest.open(system, "/", 0), 7);
    assert_eq!(guest.call(system, Function::Close, &[1 << 20]), error(Errno::BadDescriptor));
}

#[test]
fn devices_get_pictures_and_sound_and_give_keys() {
    #[derive(Default)]
    struct Seen {
        pictures: Vec<(u32, u32, Vec<u8>)>,
        samples: Vec<i16>,
    }
    struct Fake(Rc<RefCell<Seen>>, Option<KeyEvent>);
    impl Devices for Fake {
        fn show(&mut self, picture: &Picture<'_>) {
            self.0.borrow_mut().pictures.push((picture.width, picture.height, picture.pixels.to_vec()));
        }
        fn key(&mut self) -> Option<KeyEvent> {
            self.1.take()
        }
        fn play(&mut self, samples: &[i16]) -> usize {
            self.0.borrow_mut().samples.extend_from_slice(samples);
            samples.len() / 2
        }
    }
    for mut guest in guests() {
        let seen = Rc::new(RefCell::new(Seen::default()));
        let mut system = System::new();
        system.set_devices(Box::new(Fake(seen.clone(), Some(KeyEvent { usage: 0x52, is_down: true }))));
        let system = &mut system;
        guest.put(0, &[1, 2, 3, 0, 4, 5, 6, 0]);
        assert_eq!(guest.call(system, Function::Show, &[DATA, 2, 1]), 0);
        for (width, height) in [(0, 1), (1, 0), (PICTURE_SIDE_MAX + 1, 1), (1, u32::MAX)] {
            assert_eq!(guest.call(system, Function::Show, &[DATA, widen(width), widen(height)]), error(Errno::Invalid));
        }
        assert_eq!(guest.call(system, Function::Show, &[DATA, 4096, 4096]), error(Errno::Fault));
        assert_eq!(guest.call(system, Function::Key, &[]), 0x1_0052);
        assert_eq!(guest.call(system, Function::Key, &[]), error(Errno::Again));
        guest.put(0, &[1, 0, 0xff, 0xff]);
        assert_eq!(guest.call(system, Function::Play, &[DATA, 1]), 1);
        assert_eq!(guest.call(system, Function::Play, &[DATA, u32::MAX.into()]), error(Errno::Fault));
        assert_eq!(seen.borrow().pictures, [(2, 1, vec![1, 2, 3, 0, 4, 5, 6, 0])]);
        assert_eq!(seen.borrow().samples, [1, -1]);
    }
}
