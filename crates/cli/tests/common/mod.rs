//! Helpers of the command's tests: run the built binary, keep files in a folder that goes away.
#![allow(dead_code, reason = "every test binary uses another part")]

use pvm_program::{DebugFrame, DebugLineWriter, FrameKind, ParseOptions, ProgramParts};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// What a run of the binary left behind.
pub(crate) struct Ran {
    /// Its exit code.
    pub(crate) code: Option<i32>,
    /// What it wrote to standard output.
    pub(crate) stdout: Vec<u8>,
    /// What it wrote to standard error.
    pub(crate) stderr: String,
}

impl Ran {
    /// Standard output as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).unwrap()
    }

    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        self.check(0);
        serde_json::from_slice(&self.stdout).unwrap()
    }

    /// It ended with this exit code.
    #[track_caller]
    pub(crate) fn check(&self, code: i32) -> &Ran {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", String::from_utf8_lossy(&self.stdout), self.stderr);
        self
    }

    /// It failed with this exit code and said all of this on standard error, nothing on standard output.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, texts: &[&str]) -> &Ran {
        self.check(code);
        for text in texts {
            assert!(self.stderr.contains(text), "{text:?} is not in {}", self.stderr);
        }
        assert!(self.stdout.is_empty());
        self
    }
}

/// Runs `pvm` with arguments and standard input.
pub(crate) fn pvm_with(folder: &Path, arguments: &[&str], input: &[u8]) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_pvm"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The command may end without reading its input.
    let _ = child.stdin.take().unwrap().write_all(input);
    let output = child.wait_with_output().unwrap();
    Ran { code: output.status.code(), stdout: output.stdout, stderr: String::from_utf8(output.stderr).unwrap() }
}

/// A folder for one test.
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A new, empty one.
    pub(crate) fn new() -> Folder {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("pvm-cli-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    /// Puts a file into it.
    pub(crate) fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> &Folder {
        std::fs::write(self.0.join(name), contents).unwrap();
        self
    }

    /// Reads a file in it.
    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap()
    }

    /// The names in it, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Runs `pvm` in it.
    pub(crate) fn pvm(&self, arguments: &[&str]) -> Ran {
        pvm_with(&self.0, arguments, b"")
    }

    /// Runs `pvm` in it with standard input.
    pub(crate) fn pvm_with(&self, arguments: &[&str], input: &[u8]) -> Ran {
        pvm_with(&self.0, arguments, input)
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The path of a guest in the repository.
pub(crate) fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest/fixtures").join(name);
    path.to_str().unwrap().to_owned()
}

/// `blob` with debug information: its first `size` bytes of code are the function `helper`, inlined into `demo::main`.
pub(crate) fn with_debug_lines(blob: &[u8], size: u32) -> Vec<u8> {
    let frame = |kind, namespace, function, line| DebugFrame {
        kind,
        namespace,
        function,
        path: "src/demo.rs",
        line,
        ..DebugFrame::default()
    };
    let mut writer = DebugLineWriter::new();
    let frames = [frame(FrameKind::Call, "demo", "main", 3), frame(FrameKind::Line, "", "helper", 17)];
    writer.push(0..size, &frames).unwrap();
    let sections = writer.finish().unwrap();
    let mut parts = ProgramParts::parse(blob, &ParseOptions::default()).unwrap();
    parts.debug_strings = sections.strings;
    parts.debug_line_programs = sections.line_programs;
    parts.debug_line_program_ranges = sections.line_program_ranges;
    parts.to_blob().unwrap()
}

/// A program with exports of many kinds.
pub(crate) const PROGRAM: &str = "\
%isa = latest64
%ro_data_size = 6
%stack_size = 4096
%ro_data = 68 65 6c 6c 6f 0a
%import = \"pvm_v1_write\"
%import = \"pvm_v1_exit\"
%import = \"nobody_has_this\"
pub @add:
    a0 = a0 + a1
    ret
pub @boom:
    a1 = 0x1234
    u32 [a1 + 4] = a0
    ret
pub @main:
    a0 = a0 + 42
    ret
pub @spin:
    jump @spin
pub @greet:
    a0 = 1
    a1 = 0x10000
    a2 = 6
    ecalli 0
    a0 = 7
    ecalli 1
    trap
pub @exit:
    ecalli 1
    trap
pub @write:
    ecalli 0
    ret
pub @ask:
    ecalli 2
    ret
";
