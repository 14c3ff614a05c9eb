//! Random C programs: what the linker makes of them gives the checksum that two native compilers agree on, at every level and
//! with every pass left out, and level 2 executes no more instructions than level 1.
//!
//! ```text
//! cargo run --release -p pvm-linker --example csmith -- [COUNT] [FIRST_SEED] [FOLDER] [THREADS]
//! ```
//!
//! It needs csmith, gcc, gcc-multilib, clang-19 and ld.lld-19. Each program is compiled for 64 and for 32 bits at O1 (three
//! objects, linked by us), O2 (linked by lld as PIE) and Oz (linked by lld, relaxed), with debug information, which is linked
//! too. Programs that run for long, or on which the native compilers of a width disagree, do not count. Ways of linking that
//! make the same program run it once. What fails stays in FOLDER, as does what was compiled: the next run takes it from there.

#[path = "../tests/common/mod.rs"]
mod common;

use pvm_interpreter::{Exit, Image, Instance};
use pvm_isa::Reg;
use pvm_linker::{Application, Config, Input, Linked, PassSelection, link_files, passes, trace_passes};
use pvm_num::casts::low_u32;
use pvm_num::limits::{PAGE_SIZE_DEFAULT, RETURN_TO_HOST};
use pvm_program::{Bytes, Program, Varints};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Programs that execute more at level 1 are left out, as is one that takes two seconds of the machine itself.
const INSTRUCTIONS_MAX: i64 = 10_000_000;
/// Larger sources are left out: they take compilers seconds, and have nothing that smaller ones have not.
const SOURCE_SIZE_MAX: u64 = 150_000;
/// No way to link them may make them execute so many.
const RUNAWAY: i64 = 20 * INSTRUCTIONS_MAX;

#[derive(Clone, Copy, Default)]
struct Counts {
    programs: u32,
    left_out: u32,
    files: u32,
    links: u32,
    runs: u32,
    /// Wrong results and refusals.
    failures: u32,
    /// Files for which level 2 executes more than level 1.
    slower: u32,
    level_1: i64,
    level_2: i64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default| match arguments.get(index) {
        Some(text) => text.parse().expect("a number"),
        None => default,
    };
    let (count, first, threads): (u32, u32, u32) = (number(0, 300), number(1, 1), number(3, 1));
    let folder = arguments.get(2).map_or_else(|| std::env::temp_dir().join("pvm-csmith"), PathBuf::from);
    std::fs::create_dir_all(folder.join("compiled")).expect("a folder to work in");
    let (seed, total) = (AtomicU32::new(first), Mutex::new(Counts::default()));
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let work = folder.join(format!("thread-{thread}"));
            std::fs::create_dir_all(&work).expect("a folder to work in");
            let driver = Driver { work, kept: folder.clone(), sources: common::repository("tests/csmith") };
            let (seed, total) = (&seed, &total);
            scope.spawn(move || {
                driver.compile_once().expect("what all programs share compiles");
                driver.programs(count, seed, total);
            });
        }
    });
    let counts = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    counts.print();
    assert!(counts.programs >= count, "a thread ended early");
    assert!(counts.failures == 0 && counts.slower == 0, "{} failures, {} slower", counts.failures, counts.slower);
}

impl Counts {
    fn print(&self) {
        println!(
            "{} programs ({} left out), {} files, {} links, {} runs of different programs, {} failures, {} slower; \
             instructions at level 1: {}, at level 2: {}",
            self.programs,
            self.left_out,
            self.files,
            self.links,
            self.runs,
            self.failures,
            self.slower,
            self.level_1,
            self.level_2
        );
    }

    fn add(&mut self, other: Counts) {
        self.programs += other.programs;
        self.left_out += other.left_out;
        self.files += other.files;
        self.links += other.links;
        self.runs += other.runs;
        self.failures += other.failures;
        self.slower += other.slower;
        self.level_1 += other.level_1;
        self.level_2 += other.level_2;
    }
}

struct Driver {
    work: PathBuf,
    /// Where files stay that something is wrong with.
    kept: PathBuf,
    sources: PathBuf,
}

/// How a run ended, and how many instructions it took.
type Ran = (Result<u32, Exit>, i64);

impl Driver {
    /// Tries seeds until all threads together have enough programs.
    fn programs(&self, count: u32, seed: &AtomicU32, total: &Mutex<Counts>) {
        loop {
            let mut counts = Counts::default();
            match self.program(seed.fetch_add(1, Ordering::Relaxed), &mut counts) {
                Some(()) => counts.programs += 1,
                None => counts.left_out += 1,
            }
            let mut total = total.lock().unwrap_or_else(PoisonError::into_inner);
            total.add(counts);
            if counts.programs > 0 && total.programs.is_multiple_of(10) {
                total.print();
            }
            if total.programs >= count {
                return;
            }
        }
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Option<Output> {
        // Processor time, so that a busy machine changes nothing.
        let output =
            Command::new("prlimit").arg("--cpu=60").arg(program).args(arguments).current_dir(&self.work).output();
        output.ok().filter(|output| output.status.success())
    }

    /// Generates and compiles a program and tries everything; none if it is left out.
    fn program(&self, seed: u32, counts: &mut Counts) -> Option<()> {
        for compiled in self.compiled(seed)? {
            self.file(&compiled.name, &compiled.files, compiled.expected, counts)?;
        }
        Some(())
    }

    /// All files of a program. Compiling takes longer than everything else, so they stay for the next time.
    fn compiled(&self, seed: u32) -> Option<Vec<Compiled>> {
        let list = self.kept.join("compiled").join(format!("{seed}.txt"));
        if !list.exists() {
            let text = self.compile(seed).unwrap_or_default();
            std::fs::write(&list, text).unwrap_or_else(|error| panic!("{}: {error}", list.display()));
        }
        let text = std::fs::read_to_string(&list).unwrap_or_else(|error| panic!("{}: {error}", list.display()));
        let compiled = text.lines().map(|line| {
            let mut words = line.split(' ');
            let name = words.next()?.to_owned();
            let expected = words.next()?.parse().ok()?;
            let files = words.map(|file| std::fs::read(list.with_file_name(file)).ok()).collect::<Option<_>>()?;
            Some(Compiled { name, expected, files })
        });
        let compiled: Vec<Compiled> =
            compiled.collect::<Option<_>>().unwrap_or_else(|| panic!("bad {}", list.display()));
        (!compiled.is_empty()).then_some(compiled)
    }

    /// Makes the files of a program and a list of them: a line of name, expected result and files for each way to compile it.
    fn compile(&self, seed: u32) -> Option<String> {
        self.run("csmith", &["--seed", &seed.to_string(), "--no-argc", "--output", "random.c"])?;
        if std::fs::metadata(self.work.join("random.c")).ok()?.len() > SOURCE_SIZE_MAX {
            return None;
        }
        let mut expected = Vec::new();
        for width in &WIDTHS {
            expected.push(self.native("gcc", "-O1", width)?);
        }
        for (width, expected) in WIDTHS.iter().zip(&expected) {
            if self.native("clang-19", "-O0", width)? != *expected {
                println!("seed {seed}: the native compilers disagree");
                return None;
            }
        }
        let mut list = String::new();
        for (width, expected) in WIDTHS.iter().zip(&expected) {
            for level in LEVELS {
                let name = format!("{seed}.{}{level}", width.bits);
                let files = self.guest(level, width).unwrap_or_else(|| panic!("{name} does not compile"));
                write!(list, "{name} {expected}").expect("writing to a string never fails");
                for (index, bytes) in files.iter().enumerate() {
                    let file = format!("{name}.{index}.elf");
                    keep(&self.kept.join("compiled").join(&file), bytes);
                    write!(list, " {file}").expect("writing to a string never fails");
                }
                list.push('\n');
            }
        }
        Some(list)
    }

    fn native(&self, compiler: &str, level: &str, width: &Width) -> Option<u32> {
        let (include, source) = (self.include(), self.sources.join("native.c"));
        let source = source.display().to_string();
        let mut arguments = vec!["-w", level, &include, CSMITH, "random.c", &source, "-o", "native"];
        arguments.extend_from_slice(width.native);
        self.run(compiler, &arguments)?;
        let output = Command::new("prlimit").args(["--cpu=2", "./native"]).current_dir(&self.work).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    }

    fn include(&self) -> String {
        format!("-I{}", self.sources.display())
    }

    /// Compiles what is the same for all programs.
    fn compile_once(&self) -> Option<()> {
        for (width, level) in WIDTHS.iter().flat_map(|width| LEVELS.map(|level| (width, level))) {
            for source in ["guest.c", "export.S"] {
                let path = self.sources.join(source).display().to_string();
                self.object(level, width, &path, &shared(source, level, width))?;
            }
        }
        Some(())
    }

    fn object(&self, level: &str, width: &Width, source: &str, object: &str) -> Option<()> {
        let model: &[&str] = match level {
            "-O1" => &["-mcmodel=medany", "-ffunction-sections", "-gdwarf-4"],
            "-O2" => &["-fPIE", "-gdwarf-5"],
            _ => &["-mcmodel=medlow", "-gdwarf-5"],
        };
        let include = self.include();
        let mut arguments = vec!["-w", "-ffreestanding", "-fno-builtin", level, &include, CSMITH];
        arguments.extend_from_slice(width.guest);
        arguments.extend_from_slice(model);
        arguments.extend(["-c", source, "-o", object]);
        self.run("clang-19", &arguments).map(drop)
    }

    /// The files that are linked for a level of the compiler.
    fn guest(&self, level: &str, width: &Width) -> Option<Vec<Vec<u8>>> {
        self.object(level, width, "random.c", "random.o")?;
        let [guest, export] = ["guest.c", "export.S"].map(|source| shared(source, level, width));
        let objects = ["random.o", &guest, &export];
        let read = |name: &str| std::fs::read(self.work.join(name)).ok();
        let how: &[&str] = match level {
            "-O1" => return objects.iter().map(|name| read(name)).collect(),
            "-O2" => &["-pie", "-z", "notext", "--no-relax"],
            _ => &["-static", "--relax"],
        };
        let mut arguments = vec!["--no-warnings", "--emit-relocs", "--entry=run", "-o", "random.elf"];
        arguments.extend_from_slice(how);
        arguments.extend(objects);
        self.run("ld.lld-19", &arguments)?;
        Some(vec![read("random.elf")?])
    }

    /// Links and runs in all ways; none if the program runs for too long.
    fn file(&self, name: &str, files: &[Vec<u8>], expected: u32, counts: &mut Counts) -> Option<()> {
        let inputs: Vec<Input<'_>> = files.iter().map(|bytes| Input { name: "", bytes }).collect();
        let mut ways = vec![("level 1".to_owned(), level(1)), ("level 2".to_owned(), level(2))];
        ways.push(("level 0".to_owned(), level(0)));
        for pass in passes() {
            let selection = PassSelection::parse(&format!("-{}", pass.name)).expect("a pass that exists");
            ways.push((format!("without {}", pass.name), Config { passes: selection, ..level(2) }));
        }
        let mut instructions = [0; 2];
        let mut known: BTreeMap<Vec<u8>, Ran> = BTreeMap::new();
        for (index, (way, config)) in ways.iter().enumerate() {
            let linked = match link_files(&inputs, config) {
                Ok(linked) => linked,
                Err(error) => {
                    counts.failures += 1;
                    self.fail(name, &format!("{way}: {error}"), files);
                    continue;
                }
            };
            counts.links += 1;
            let limit = if index == 0 { INSTRUCTIONS_MAX } else { RUNAWAY };
            let (result, steps) = *known.entry(without_debug_information(&linked)).or_insert_with(|| {
                counts.runs += 1;
                execute(&linked, limit)
            });
            match result {
                Err(Exit::OutOfGas) if index == 0 => return None,
                Ok(result) if result == expected => {
                    if let Some(instructions) = instructions.get_mut(index) {
                        *instructions = steps;
                    }
                }
                result => {
                    counts.failures += 1;
                    let is_right = |linked: &Linked| execute(linked, RUNAWAY).0 == Ok(expected);
                    let guilty = guilty_pass(&inputs, config, is_right);
                    self.fail(name, &format!("{way}: {result:?}, expected {expected} ({guilty})"), files);
                }
            }
        }
        if instructions[1] > instructions[0] {
            counts.slower += 1;
            // It takes as long as everything before.
            let is_much = (instructions[1] - instructions[0]) * 100 > instructions[0];
            let growth = if is_much { growth(&inputs) } else { String::new() };
            let text = format!("{} instructions at level 1, {} at level 2{growth}", instructions[0], instructions[1]);
            self.fail(name, &text, files);
        }
        counts.files += 1;
        counts.level_1 += instructions[0];
        counts.level_2 += instructions[1];
        Some(())
    }

    fn fail(&self, name: &str, text: &str, files: &[Vec<u8>]) {
        println!("FAILURE {name} {text}");
        for (index, bytes) in files.iter().enumerate() {
            keep(&self.kept.join(format!("{name}.{index}.elf")), bytes);
        }
    }
}

/// The files of a program, compiled in one way.
struct Compiled {
    name: String,
    expected: u32,
    files: Vec<Vec<u8>>,
}

/// How a program is compiled for a width.
struct Width {
    bits: u32,
    /// For this machine; with 32 bits it is told to align as others do.
    native: &'static [&'static str],
    guest: &'static [&'static str],
}

const WIDTHS: [Width; 2] = [
    Width {
        bits: 64,
        native: &[],
        guest: &["--target=riscv64-unknown-none-elf", "-march=rv64emac_zbb", "-mabi=lp64e"],
    },
    Width {
        bits: 32,
        native: &["-m32", "-malign-double"],
        guest: &["--target=riscv32-unknown-none-elf", "-march=rv32emac_zbb", "-mabi=ilp32e"],
    },
];

const LEVELS: [&str; 3] = ["-O1", "-O2", "-Oz"];

/// The object that a source becomes which all programs share.
fn shared(source: &str, level: &str, width: &Width) -> String {
    format!("{source}{level}.{}.o", width.bits)
}

/// The blob, as far as it matters to a run.
fn without_debug_information(linked: &Linked) -> Vec<u8> {
    let mut linked = linked.clone();
    let parts = &mut linked.parts;
    for section in [&mut parts.debug_strings, &mut parts.debug_line_programs, &mut parts.debug_line_program_ranges] {
        *section = Bytes::default();
    }
    linked.to_polkavm_blob().expect("it fits")
}

fn level(opt_level: u8) -> Config {
    Config { opt_level, ..Config::default() }
}

/// The programs after each application of a pass, from the first on.
fn stages(inputs: &[Input<'_>], config: &Config) -> Vec<(&'static str, Linked)> {
    let applications = trace_passes(inputs, config).unwrap_or_default();
    let stage = |(number, application): (u32, &Application)| {
        let linked = link_files(inputs, &Config { stop_after: Some(number), ..config.clone() }).ok()?;
        Some((application.pass, linked))
    };
    (1..).zip(&applications).filter_map(stage).collect()
}

/// The first application of a pass after which the program is wrong.
fn guilty_pass(inputs: &[Input<'_>], config: &Config, is_right: impl Fn(&Linked) -> bool) -> String {
    let stages = stages(inputs, config);
    let guilty = (1..).zip(&stages).find(|(_, (_, linked))| !is_right(linked));
    guilty.map_or("no pass".into(), |(number, (pass, _)): (u32, _)| format!("--stop-after {number}: {pass}"))
}

/// Which passes made the program execute more.
fn growth(inputs: &[Input<'_>]) -> String {
    let mut text = String::new();
    let mut before = None;
    for (pass, linked) in stages(inputs, &level(2)) {
        let steps = execute(&linked, RUNAWAY).1;
        if let Some(more) = before.map(|before| steps - before).filter(|more| *more > 0) {
            write!(text, ", {pass} +{more}").expect("writing to a string never fails");
        }
        before = Some(steps);
    }
    text
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
