//! 100 links of the same files give the same bytes: in processes with hash seeds of their own, many at a time and one by one,
//! from paths and folders of other names, in environments of other contents and sizes.

mod common;

use common::{Folder, fixture};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;

const PROCESSES: usize = 100;
/// How many of them run at a time.
const AT_A_TIME: [usize; 4] = [1, 2, 5, 12];

/// Links copies of files under other names, and compares with the first link.
fn check(files: &[(&str, Vec<u8>)], level: &str) {
    let folder = Folder::new();
    let outputs: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());
    let one = &|number: usize| {
        // Names and the depth of folders differ, the order stays.
        let place = folder.path().join(format!("{number}/{}", "deeper/".repeat(number % 3)));
        std::fs::create_dir_all(&place).unwrap();
        let paths = files.iter().enumerate().map(|(index, (name, bytes))| {
            let path = place.join(format!("{}{name}", 97 * number % (index + 7)));
            std::fs::write(&path, bytes).unwrap();
            if number.is_multiple_of(2) { path.display().to_string() } else { relative(&path, folder.path()) }
        });
        let mut arguments = vec!["link".to_owned(), "--opt-level".into(), level.into()];
        arguments.extend(paths);
        arguments.extend(["-o".into(), place.join("out.polkavm").display().to_string()]);
        let ran = Command::new(env!("CARGO_BIN_EXE_pvm"))
            .args(arguments)
            .current_dir(folder.path())
            .envs(environment(number))
            .output()
            .unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        outputs.lock().unwrap().push(std::fs::read(place.join("out.polkavm")).unwrap());
    };
    let mut started = 0;
    for at_a_time in AT_A_TIME {
        for _ in 0..PROCESSES / AT_A_TIME.len() / at_a_time {
            std::thread::scope(|scope| {
                for number in started..started + at_a_time {
                    scope.spawn(move || one(number));
                }
            });
            started += at_a_time;
        }
    }
    while started < PROCESSES {
        one(started);
        started += 1;
    }
    let outputs = outputs.into_inner().unwrap();
    assert_eq!(outputs.len(), PROCESSES);
    assert!(outputs.iter().all(|output| *output == outputs[0]), "the links differ");
}

/// What a process may see of its user and machine.
fn environment(number: usize) -> impl Iterator<Item = (&'static str, String)> {
    let threads = (number % 9 + 1).to_string();
    let pick = |values: [&str; 3]| values[number % 3].to_owned();
    [
        ("LC_ALL", pick(["C", "de_DE.UTF-8", "tr_TR.UTF-8"])),
        ("TZ", pick(["UTC", "Asia/Tokyo", "America/Lima"])),
        ("HOME", pick(["/", "/nowhere", "/root"])),
        ("RUST_BACKTRACE", pick(["0", "1", "full"])),
        ("SOURCE_DATE_EPOCH", (number * 86_400).to_string()),
        ("RAYON_NUM_THREADS", threads.clone()),
        ("OMP_NUM_THREADS", threads),
        // More of it moves the stack.
        ("PADDING", "x".repeat(number * 41)),
    ]
    .into_iter()
}

fn relative(path: &Path, folder: &Path) -> String {
    path.strip_prefix(folder).unwrap().display().to_string()
}

#[test]
fn a_linked_file() {
    check(&[("hello.elf", std::fs::read(fixture("hello.elf")).unwrap())], "2");
}

#[test]
fn files_and_archives() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/link/files");
    let read = |name: &'static str| (name, std::fs::read(folder.join(name)).unwrap());
    check(&["main.64.o", "hook.64.o", "libodd.64.a", "libeven.64.a"].map(read), "2");
}

#[test]
fn files_with_debug_information() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/debug");
    let read = |name: &'static str| (name, std::fs::read(folder.join(name)).unwrap());
    check(&["inline.dwarf5-relax.object.elf", "second.dwarf4-O2.object.elf"].map(read), "1");
}

#[test]
fn a_large_file_in_threads_of_one_process() {
    let elf = std::fs::read(fixture("kitchen-sink.elf")).unwrap();
    let link = || pvm_linker::link(&elf, &pvm_linker::Config::default()).unwrap().to_polkavm_blob().unwrap();
    let first = link();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(link)).collect();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap() == first));
    });
}
