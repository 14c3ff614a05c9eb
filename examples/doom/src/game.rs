//! A game: the program on an engine, what it is granted, and its run to the end.

use crate::console::{Console, Findings, SharedConsole};
use crate::failure::{Cause, Failure};
use crate::wad;
use clap::ValueEnum;
use pvm::{BackendKind, Engine, InterruptKind, Module, ModuleConfig, ProgramBlob, Trap};
use pvm_system::{Dir, Function, Reply, System, Ticks, ambient_authority};
use std::cell::RefCell;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Where the guest sees the directory with its data.
const DATA_DIRECTORY: &str = "/data";
/// Where it sees the one for saved games: where it is when it starts.
const SAVES_DIRECTORY: &str = "/";
/// What each question for the time adds to it.
const STEP: Duration = Duration::from_millis(1);
/// The export that runs the game.
const ENTRY: &str = "main";
/// As much of what the guest says is kept, in bytes.
const SAID_MAX: usize = 4096;
/// Longest program, and data file, in bytes.
const FILE_SIZE_MAX: u64 = 1 << 30;

/// Engines by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum EngineName {
    /// The compiler where it can run, else the interpreter
    Auto,
    /// Makes machine code (x86-64 Linux)
    Compiler,
    /// Runs on every host
    Interpreter,
}

impl EngineName {
    fn engine(self) -> Result<Engine, Failure> {
        let is_supported = BackendKind::Compiler.is_supported();
        let backend = match self {
            EngineName::Auto if is_supported => BackendKind::Compiler,
            EngineName::Auto | EngineName::Interpreter => BackendKind::Interpreter,
            EngineName::Compiler if is_supported => BackendKind::Compiler,
            EngineName::Compiler => {
                return Err(Failure::new(Cause::Input, "the compiler cannot run here; take --engine interpreter"));
            }
        };
        let mut config = pvm::Config::new();
        config.set_backend(Some(backend));
        Engine::new(&config).map_err(|error| Failure::new(Cause::Input, error))
    }
}

/// Reads a file of a player's.
pub(crate) fn read_file(path: &Path, size_max: u64) -> Result<Vec<u8>, Failure> {
    let read = || -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(size_max + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().map_err(|error| Failure::input(path, error))?;
    match u64::try_from(bytes.len()).is_ok_and(|size| size <= size_max) {
        true => Ok(bytes),
        false => Err(Failure::input(path, format_args!("more than {size_max} bytes"))),
    }
}

/// A program that an engine can run.
pub(crate) struct Game {
    module: Module,
    /// How long linking took, if it was an ELF file, and preparing it for the engine.
    pub(crate) link_time: Option<Duration>,
    pub(crate) compile_time: Duration,
}

impl Game {
    /// Loads a blob, or links an ELF file at a level.
    pub(crate) fn load(path: &Path, level: u8, engine: EngineName) -> Result<Game, Failure> {
        let engine = engine.engine()?;
        let mut bytes = read_file(path, FILE_SIZE_MAX)?;
        let mut link_time = None;
        if bytes.starts_with(b"\x7fELF") {
            let began = Instant::now();
            let config = pvm_linker::Config { opt_level: level, ..pvm_linker::Config::default() };
            let linked = pvm_linker::link(&bytes, &config).and_then(|linked| linked.to_polkavm_blob());
            bytes = linked.map_err(|error| Failure::input(path, error))?;
            link_time = Some(began.elapsed());
        }
        let began = Instant::now();
        let blob = ProgramBlob::parse(bytes.into()).map_err(|error| Failure::input(path, error))?;
        let module =
            Module::from_blob(&engine, &ModuleConfig::new(), blob).map_err(|error| Failure::input(path, error))?;
        if module.exports().all(|export| export.symbol().as_bytes() != ENTRY.as_bytes()) {
            return Err(Failure::input(path, format_args!("no program for this host: it has no export `{ENTRY}`")));
        }
        Ok(Game { module, link_time, compile_time: began.elapsed() })
    }

    /// The engine's name.
    pub(crate) fn engine(&self) -> String {
        self.module.backend().to_string()
    }

    /// Plays it to its end.
    pub(crate) fn play(&self, grants: &Grants, console: Console) -> Result<Played, Failure> {
        let bug = |error: pvm::Error| Failure::new(Cause::Game, format_args!("the engine failed: {error}"));
        let console = Rc::new(RefCell::new(console));
        let said = [(); 2].map(|()| Said::new(grants.is_verbose));
        let mut system = grants.system(&said)?;
        system.set_devices(Box::new(SharedConsole(Rc::clone(&console))));
        let entry = self.module.exports().find(|export| export.symbol().as_bytes() == ENTRY.as_bytes());
        let entry = entry.expect("loading found it").program_counter();
        let mut instance = self.module.instantiate().map_err(bug)?;
        instance.prepare_call_untyped(entry, &[]);
        let imports = self.module.imports();
        let end = loop {
            match instance.run() {
                Ok(InterruptKind::Ecalli(number)) => {
                    let symbol = imports.get(number);
                    let Some(function) = symbol.as_ref().and_then(|symbol| Function::from_symbol(symbol.as_bytes()))
                    else {
                        break End::MissingImport(
                            symbol.map_or(format!("number {number}"), |symbol| symbol.to_string()),
                        );
                    };
                    match system.call(function, &mut instance) {
                        Reply::Continue => {}
                        Reply::Exit(code) => break End::Exited(code),
                    }
                    if console.borrow().is_over() {
                        break End::Stopped;
                    }
                }
                Ok(InterruptKind::Finished) => {
                    break End::Exited(pvm_num::casts::signed_32(pvm_num::casts::low_u32(instance.reg(pvm::Reg::A0))));
                }
                Ok(InterruptKind::Trap) => break End::Trapped(instance.trap_reason()),
                Ok(interrupt) => break End::Broken(format!("{interrupt:?} of a guest without gas and paging")),
                Err(error) => break End::Broken(error.to_string()),
            }
        };
        drop(system);
        let console = Rc::into_inner(console).expect("the system is gone, which had the other one").into_inner();
        Ok(Played { end, findings: console.findings(), said: last_words(&said) })
    }
}

/// What the game may reach.
#[derive(Clone, Debug)]
pub(crate) struct Grants {
    pub(crate) wad: PathBuf,
    pub(crate) saves: Option<PathBuf>,
    /// The game's arguments behind the data file.
    pub(crate) arguments: Vec<String>,
    /// Pass on what it says?
    pub(crate) is_verbose: bool,
}

impl Grants {
    fn system(&self, [stdout, stderr]: &[Said; 2]) -> Result<System, Failure> {
        let open =
            |path: &Path| Dir::open_ambient_dir(path, ambient_authority()).map_err(|error| Failure::input(path, error));
        let name = self.wad.file_name().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| Failure::input(&self.wad, "no name of a file in UTF-8"))?;
        wad::check_file(&self.wad)?;
        let parent = self.wad.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut system = System::new();
        system.set_ticks(Ticks::Steps(STEP)).add_directory(DATA_DIRECTORY, open(parent)?, false);
        if let Some(saves) = &self.saves {
            system.add_directory(SAVES_DIRECTORY, open(saves)?, true);
        }
        system.set_stdout(Box::new(stdout.clone())).set_stderr(Box::new(stderr.clone()));
        let wad = format!("{DATA_DIRECTORY}/{name}");
        let fixed = ["doom", "-iwad", wad.as_str()].into_iter();
        for argument in fixed.chain(self.arguments.iter().map(String::as_str)) {
            system.add_argument(argument.as_bytes());
        }
        Ok(system)
    }
}

/// What a guest said last.
#[derive(Clone)]
struct Said {
    bytes: Arc<Mutex<Vec<u8>>>,
    is_verbose: bool,
}

impl Said {
    fn new(is_verbose: bool) -> Said {
        Said { bytes: Arc::default(), is_verbose }
    }

    /// The last line that is not empty.
    fn text(&self) -> String {
        let bytes = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let printable = |line: &&str| line.chars().filter(|char| !char.is_control()).collect::<String>();
        lines.last().map(printable).unwrap_or_default()
    }
}

/// What it said last: errors rather than reports.
fn last_words([stdout, stderr]: &[Said; 2]) -> String {
    Some(stderr.text()).filter(|text| !text.is_empty()).unwrap_or_else(|| stdout.text())
}

impl Write for Said {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.bytes.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend(&bytes[bytes.len().saturating_sub(SAID_MAX)..]);
        let surplus = kept.len().saturating_sub(SAID_MAX);
        kept.drain(..surplus);
        if self.is_verbose {
            io::stderr().write_all(bytes)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How a game ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// The guest ended with this exit code.
    Exited(i32),
    /// All ticks were played, or the player left.
    Stopped,
    /// The guest trapped; why, if the engine knows.
    Trapped(Option<Trap>),
    /// The guest called what nobody offers.
    MissingImport(String),
    /// The engine did what it never does under this configuration.
    Broken(String),
}

impl fmt::Display for End {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Exited(code) => write!(to, "the game ended with exit code {code}"),
            End::Stopped => write!(to, "the game was stopped"),
            End::Trapped(Some(trap)) => write!(to, "the game trapped: {trap}"),
            End::Trapped(None) => write!(to, "the game trapped"),
            End::MissingImport(name) => write!(to, "the game calls what this host does not offer: {name}"),
            End::Broken(what) => write!(to, "the engine failed: {what}"),
        }
    }
}

/// A game that is over.
pub(crate) struct Played {
    pub(crate) end: End,
    pub(crate) findings: Findings,
    /// The guest's last words.
    said: String,
}

impl Played {
    /// Nothing, if the game went well.
    pub(crate) fn verdict(&self) -> Result<(), Failure> {
        if let Some(difference) = &self.findings.difference {
            return Err(Failure::new(
                Cause::Difference,
                format_args!(
                    "the picture at tick {} is {}, in the recording it is {}",
                    difference.tick, difference.shown, difference.recorded
                ),
            ));
        }
        match (&self.end, self.said.as_str()) {
            (End::Exited(0) | End::Stopped, _) => Ok(()),
            (end, "") => Err(Failure::new(Cause::Game, format_args!("tick {}: {end}", self.findings.game.end))),
            (end, said) => {
                Err(Failure::new(Cause::Game, format_args!("tick {}: {end}; it said: {said}", self.findings.game.end)))
            }
        }
    }
}
