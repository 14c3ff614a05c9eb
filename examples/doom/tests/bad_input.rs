//! Wrong files and misbehaving guests: what `pvm-doom` says, and its exit code. It never hangs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder with a data file and a guest.
struct Folder(tempfile::TempDir);

impl Folder {
    /// `code` is the guest's function `main`, in assembly.
    fn new(code: &str) -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        let imports = ["show", "exit", "key", "write"].map(|name| format!("%import = \"pvm_v1_{name}\"\n")).concat();
        let text = format!(
            "%isa = latest64\n%rw_data_size = 65536\n%stack_size = 4096\n{imports}%import = \"pvm_v9_fly\"\npub @main:\n{code}"
        );
        let assembled = pvm_text::assemble(&text, None).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let program = assembled.to_program().unwrap();
        folder.write("guest.polkavm", &program.parts().to_blob().unwrap());
        folder.write("empty.wad", b"IWAD\0\0\0\0\x0c\0\0\0");
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn headless(&self, arguments: &[&str]) -> Output {
        let [guest, wad] = [self.path("guest.polkavm"), self.path("empty.wad")];
        headless(&guest, &wad, arguments)
    }
}

fn headless(program: &Path, wad: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pvm-doom"));
    command.arg("headless").arg(program).arg(wad).args(arguments).output().unwrap()
}

#[track_caller]
fn check(output: &Output, code: i32, says: &str) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(says) && said.lines().count() <= 1, "{said}");
    assert_eq!(output.status.code(), Some(code), "{said}");
}

/// Shows a picture of 4 x 2 pixels again and again.
const SHOWING: &str = "a0 = 0x20000\na1 = 4\na2 = 2\necalli 0\njump @main\n";

#[test]
fn a_guest_that_shows_pictures_is_stopped() {
    let output = Folder::new(SHOWING).headless(&["--frames", "101", "--hash"]);
    check(&output, 0, "");
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once(' ')).collect();
    assert_eq!(lines.iter().map(|(tick, _)| *tick).collect::<Vec<_>>(), ["1", "100", "101"], "{text}");
    assert!(lines.iter().all(|(_, hash)| *hash == lines[0].1), "{text}");
}

#[test]
fn a_guest_that_writes_outside_its_memory_traps() {
    for engine in ["interpreter", "auto"] {
        let folder = Folder::new("a0 = 0x20000\na1 = 4\na2 = 2\necalli 0\nu32 [0x100] = a0\nret\n");
        check(&folder.headless(&["--frames", "9", "--engine", engine]), 1, "tick 1: the game trapped");
    }
}

#[test]
fn a_picture_outside_its_memory_is_not_shown() {
    // The result of `show` is its exit code: -14, not all bytes are the guest's.
    let folder = Folder::new("a0 = 0x100\na1 = 4\na2 = 2\necalli 0\nret\n");
    check(&folder.headless(&["--frames", "9"]), 1, "tick 0: the game ended with exit code -14");
}

#[test]
fn a_guest_that_calls_the_unknown_stops() {
    check(&Folder::new("ecalli 4\nret\n").headless(&["--frames", "9"]), 1, "does not offer: 'pvm_v9_fly'");
}

#[test]
fn a_guest_without_end_is_told_by_ticks_only() {
    let folder = Folder::new(SHOWING);
    check(&folder.headless(&[]), 2, "how long? --frames N");
}

#[test]
fn files_that_are_missing_or_wrong() {
    let folder = Folder::new(SHOWING);
    let [guest, wad, none] = ["guest.polkavm", "empty.wad", "none"].map(|name| folder.path(name));
    let frames = ["--frames", "9"];
    check(&headless(&none, &wad, &frames), 2, "none: No such file");
    check(&headless(&guest, &none, &frames), 2, "none: No such file");
    check(&headless(folder.0.path(), &wad, &frames), 2, "directory");
    check(&headless(&guest, folder.0.path(), &frames), 2, "directory");
    check(&headless(&wad, &wad, &frames), 2, "empty.wad");
    folder.write("cut.polkavm", &std::fs::read(&guest).unwrap()[..40]);
    check(&headless(&folder.path("cut.polkavm"), &wad, &frames), 2, "cut.polkavm");
    folder.write("cut.elf", b"\x7fELF and no more");
    check(&headless(&folder.path("cut.elf"), &wad, &frames), 2, "cut.elf");
    folder.write("cut.wad", b"IWAD\x01\0\0\0\x0c\0\0\0");
    check(&headless(&guest, &folder.path("cut.wad"), &frames), 2, "cut.wad: cut off: its directory ends at 28");
}

#[test]
fn recordings_are_of_their_data_and_whole() {
    let folder = Folder::new(SHOWING);
    let recording = folder.path("game.rec");
    let path = recording.to_str().unwrap();
    check(&folder.headless(&["--frames", "120", "--record", path]), 0, "");
    check(&folder.headless(&["--replay", path, "--engine", "interpreter"]), 0, "");
    let text = std::fs::read_to_string(&recording).unwrap();
    assert!(text.ends_with("120 end\n"), "{text}");

    let hash = text.lines().find_map(|line| line.strip_prefix("100 picture ")).unwrap();
    folder.write(
        "game.rec",
        text.replace(&format!("100 picture {hash}"), &format!("100 picture {}", "0".repeat(32))).as_bytes(),
    );
    check(&folder.headless(&["--replay", path]), 3, &format!("the picture at tick 100 is {hash}, in the recording"));
    folder.write("game.rec", &text.as_bytes()[..text.len() - 8]);
    check(&folder.headless(&["--replay", path]), 2, "it was cut off");
    folder.write("game.rec", &text.as_bytes()[..9]);
    check(&folder.headless(&["--replay", path]), 2, "line 1: not a recording of version 1");
    folder.write("game.rec", text.as_bytes());
    folder.write("empty.wad", b"PWAD\0\0\0\0\x0c\0\0\0");
    check(&folder.headless(&["--replay", path]), 2, "recorded with other data");
}

#[test]
fn output_that_cannot_be_written() {
    let folder = Folder::new(SHOWING);
    let nowhere = folder.path("none/picture.png");
    check(&folder.headless(&["--frames", "2", "--png", nowhere.to_str().unwrap()]), 4, "picture.png: ");
}
