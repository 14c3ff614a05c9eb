//! 100 links of the same files give the same bytes: in processes with hash seeds of their own, many at a time and one by one,
//! from paths and folders of other names.

mod common;

use common::{Folder, fixture};
use std::path::Path;
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
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        folder.pvm(&arguments).check(0);
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
fn a_large_file_in_threads_of_one_process() {
    let elf = std::fs::read(fixture("kitchen-sink.elf")).unwrap();
    let link = || pvm_linker::link(&elf, &pvm_linker::Config::default()).unwrap().to_polkavm_blob().unwrap();
    let first = link();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(link)).collect();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap() == first));
    });
}
