//! Random C programs: what the linker makes of them gives the checksum that two native compilers agree on, at every level and
//! with every pass left out, and level 2 executes no more instructions than level 1.
//!
//! ```text
//! cargo run --release -p pvm-linker --example csmith -- [COUNT] [FIRST_SEED] [FOLDER]
//! ```
//!
//! It needs csmith, gcc, clang-19 and ld.lld-19. Each program is compiled at O1 (two objects, linked by us), O2 (linked by lld
//! as PIE) and Oz (linked by lld, relaxed). Programs that run for long, or on which the native compilers disagree, do not
//! count. What fails stays in FOLDER.

#[path = "../tests/common/mod.rs"]
mod common;

use pvm_interpreter::{Exit, Image, Instance};
use pvm_isa::Reg;
use pvm_linker::{Config, Input, Linked, PassSelection, link_files, passes};
use pvm_num::casts::low_u32;
use pvm_num::limits::{PAGE_SIZE_DEFAULT, RETURN_TO_HOST};
use pvm_program::{Program, Varints};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;

/// Programs that execute more at level 1 are left out, as is one that runs for two seconds on the machine itself.
const INSTRUCTIONS_MAX: i64 = 10_000_000;
/// No way to link them may make them execute so many.
const RUNAWAY: i64 = 20 * INSTRUCTIONS_MAX;

#[derive(Default)]
struct Counts {
    programs: u32,
    left_out: u32,
    files: u32,
    runs: u32,
    failures: u32,
    level_1: i64,
    level_2: i64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default| match arguments.get(index) {
        Some(text) => text.parse().expect("a number"),
        None => default,
    };
    let (count, mut seed): (u32, u32) = (number(0, 300), number(1, 1));
    let folder = arguments.get(2).map_or_else(|| std::env::temp_dir().join("pvm-csmith"), PathBuf::from);
    std::fs::create_dir_all(&folder).expect("a folder to work in");
    let driver = Driver { folder, sources: common::repository("tests/csmith") };
    let mut counts = Counts::default();
    while counts.programs < count {
        match driver.program(seed, &mut counts) {
            Some(()) => counts.programs += 1,
            None => counts.left_out += 1,
        }
        seed += 1;
        if counts.programs.is_multiple_of(20) {
            counts.print();
        }
    }
    counts.print();
    assert!(counts.failures == 0, "{} failures", counts.failures);
}

impl Counts {
    fn print(&self) {
        println!(
            "{} programs ({} left out), {} files, {} runs, {} failures; instructions at level 1: {}, at level 2: {}",
            self.programs, self.left_out, self.files, self.runs, self.failures, self.level_1, self.level_2
        );
    }
}

struct Driver {
    folder: PathBuf,
    sources: PathBuf,
}

/// How a run ended, and how many instructions it took.
type Ran = (Result<u32, Exit>, i64);

impl Driver {
    fn run(&self, program: &str, arguments: &[&str]) -> Option<Output> {
        let output = Command::new("timeout").arg("20").arg(program).args(arguments).current_dir(&self.folder).output();
        output.ok().filter(|output| output.status.success())
    }

    /// Generates and compiles a program and tries everything; none if it is left out.
    fn program(&self, seed: u32, counts: &mut Counts) -> Option<()> {
        self.run("csmith", &["--seed", &seed.to_string(), "--no-argc", "--output", "random.c"])?;
        let expected = self.native("gcc", "-O1")?;
        if self.native("clang-19", "-O2")? != expected {
            println!("seed {seed}: the native compilers disagree");
            return None;
        }
        for level in ["-O1", "-O2", "-Oz"] {
            let files = self.guest(level).unwrap_or_else(|| panic!("seed {seed} does not compile with {level}"));
            self.file(&format!("{seed}{level}"), &files, expected, counts)?;
        }
        Some(())
    }

    fn native(&self, compiler: &str, level: &str) -> Option<u32> {
        let (include, source) = (self.include(), self.sources.join("native.c"));
        let source = source.display().to_string();
        self.run(compiler, &["-w", level, &include, CSMITH, "random.c", &source, "-o", "native"])?;
        let output = Command::new("timeout").args(["2", "./native"]).current_dir(&self.folder).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    }

    fn include(&self) -> String {
        format!("-I{}", self.sources.display())
    }

    /// The files that are linked for a level of the compiler.
    fn guest(&self, level: &str) -> Option<Vec<Vec<u8>>> {
        let model: &[&str] = match level {
            "-O1" => &["-mcmodel=medany", "-ffunction-sections"],
            "-O2" => &["-fPIE"],
            _ => &["-mcmodel=medlow"],
        };
        let objects = ["random", "guest", "export"];
        for name in objects {
            let source = match name {
                "random" => "random.c".into(),
                "guest" => self.sources.join("guest.c").display().to_string(),
                _ => self.sources.join("export.S").display().to_string(),
            };
            let (include, object) = (self.include(), format!("{name}.o"));
            let mut arguments = vec!["--target=riscv64-unknown-none-elf", "-march=rv64emac_zbb", "-mabi=lp64e", "-w"];
            arguments.extend(["-ffreestanding", "-fno-builtin", level, &include, CSMITH]);
            arguments.extend_from_slice(model);
            arguments.extend(["-c", &source, "-o", &object]);
            self.run("clang-19", &arguments)?;
        }
        let read = |name: &str| std::fs::read(self.folder.join(name)).ok();
        let how: &[&str] = match level {
            "-O1" => return objects.iter().map(|name| read(&format!("{name}.o"))).collect(),
            "-O2" => &["-pie", "-z", "notext", "--no-relax"],
            _ => &["-static", "--relax"],
        };
        let mut arguments = vec!["--no-warnings", "--emit-relocs", "--entry=run", "-o", "random.elf"];
        arguments.extend_from_slice(how);
        arguments.extend(["random.o", "guest.o", "export.o"]);
        self.run("ld.lld-19", &arguments)?;
        Some(vec![read("random.elf")?])
    }

    /// Links and runs in all ways; none if the program runs for too long.
    fn file(&self, name: &str, files: &[Vec<u8>], expected: u32, counts: &mut Counts) -> Option<()> {
        let inputs: Vec<Input<'_>> = files.iter().map(|bytes| Input { name: "", bytes }).collect();
        let level = |opt_level| Config { opt_level, ..Config::default() };
        let mut ways = vec![("level 1".to_owned(), level(1)), ("level 2".to_owned(), level(2))];
        ways.push(("level 0".to_owned(), level(0)));
        for pass in passes() {
            let selection = PassSelection::parse(&format!("-{}", pass.name)).expect("a pass that exists");
            ways.push((format!("without {}", pass.name), Config { passes: selection, ..level(2) }));
        }
        let mut instructions = [0; 2];
        for (index, (way, config)) in ways.iter().enumerate() {
            let limit = if index == 0 { INSTRUCTIONS_MAX } else { RUNAWAY };
            let ran = link_files(&inputs, config).map(|linked| execute(&linked, limit));
            match ran {
                Ok((Err(Exit::OutOfGas), _)) if index == 0 => return None,
                Ok((Ok(result), steps)) if result == expected => {
                    counts.runs += 1;
                    if let Some(instructions) = instructions.get_mut(index) {
                        *instructions = steps;
                    }
                }
                Ok((result, _)) => {
                    self.fail(name, &format!("{way}: {result:?}, expected {expected}"), files, counts);
                }
                Err(error) => self.fail(name, &format!("{way}: {error}"), files, counts),
            }
        }
        if instructions[1] > instructions[0] {
            let text = format!("{} instructions at level 1, but {} at level 2", instructions[0], instructions[1]);
            self.fail(name, &text, files, counts);
        }
        counts.files += 1;
        counts.level_1 += instructions[0];
        counts.level_2 += instructions[1];
        Some(())
    }

    fn fail(&self, name: &str, text: &str, files: &[Vec<u8>], counts: &mut Counts) {
        counts.failures += 1;
        println!("FAILURE {name} {text}");
        for (index, bytes) in files.iter().enumerate() {
            keep(&self.folder.join(format!("{name}.{index}.elf")), bytes);
        }
    }
}

/// Where csmith's own headers are.
const CSMITH: &str = "-I/usr/include/csmith";

fn keep(path: &Path, bytes: &[u8]) {
    if let Err(error) = std::fs::write(path, bytes) {
        println!("{}: {error}", path.display());
    }
}

fn execute(linked: &Linked, limit: i64) -> Ran {
    let program = Program::from_parts(linked.parts.clone(), Varints::Strict).expect("the linker's programs parse");
    let map = program.memory_map(PAGE_SIZE_DEFAULT, 0).expect("the linker's programs fit");
    let high = map.stack_address_high();
    let image = Image { gas: Some(Arc::new(pvm_gas::Rule::PerInstruction)), ..Image::new(&program, map) };
    let entry = program.exports().next().expect("the program exports `run`").offset;
    let mut instance = Instance::new(Arc::new(image));
    instance.set_gas(limit);
    instance.set_reg(Reg::sp, high.into());
    instance.set_reg(Reg::ra, RETURN_TO_HOST.into());
    instance.set_next_program_counter(entry);
    let exit = instance.run().expect("a program counter is set");
    let used = limit - instance.gas();
    match exit {
        Exit::Finished => (Ok(low_u32(instance.reg(Reg::a0))), used),
        other => (Err(other), used),
    }
}
