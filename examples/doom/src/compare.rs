//! The game beside the crates polkavm and polkavm-linker: the same ELF file, by both linkers, on both engines, in turn.
//!
//! The guest gets as little of a host as it needs, written once for both, so that what differs is the engine: no granted
//! directory, just the data file in memory; pictures are copied out and looked at once, at the end.

use crate::failure::{Cause, Failure};
use crate::frame::{Frame, FrameHash};
use crate::game::read_file;
use clap::Args;
use pvm_num::casts::{low_u32, signed_64, to_u64, to_usize, to_usize_saturating, unsigned_64};
use pvm_system::Picture;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `pvm-doom compare`.
#[derive(Args, Debug)]
pub(crate) struct CompareArgs {
    /// The game as an ELF file
    program: PathBuf,
    /// The data
    wad: PathBuf,
    /// Ticks of a run
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(2..))]
    frames: u32,
    /// Rounds, in each of which everything runs once
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Also the interpreters, and polkavm's compiler with a worker process, which needs a core of its own
    #[arg(long)]
    all: bool,
    /// Arguments of the game, such as -warp 1 1 -skill 3
    #[arg(last = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

const FILE_SIZE_MAX: u64 = 1 << 30;
const WAD_FD: u64 = 3;
const NO_ENTRY: i64 = -2;
const NOTHING_THERE: i64 = -11;

/// What a run gave.
struct Run {
    /// To the first picture, with making the instance.
    start: Duration,
    /// From the first picture to the last.
    rest: Duration,
    last_picture: FrameHash,
}

/// A guest at a call.
trait Guest {
    fn argument(&self, number: usize) -> u64;
    fn read(&mut self, address: u64, bytes: &mut [u8]);
    fn write(&mut self, address: u64, bytes: &[u8]);
}

/// The least of a host.
struct Host<'a> {
    wad: &'a [u8],
    arguments: Vec<u8>,
    place: u64,
    ticks: u64,
    shown: u32,
    picture: Vec<u8>,
    size: (u32, u32),
}

impl<'a> Host<'a> {
    fn new(wad: &'a [u8], arguments: &[String]) -> Host<'a> {
        let fixed = ["doom", "-iwad", "/freedoom1.wad"].into_iter();
        let all = fixed.chain(arguments.iter().map(String::as_str));
        let arguments = all.flat_map(|argument| argument.bytes().chain([0])).collect();
        Host { wad, arguments, place: 0, ticks: 0, shown: 0, picture: Vec::new(), size: (0, 0) }
    }

    /// The result of a call.
    fn answer(&mut self, symbol: &[u8], guest: &mut impl Guest) -> Result<i64, String> {
        let [a, b, c] = [0, 1, 2].map(|number| guest.argument(number));
        let size = to_u64(self.wad.len());
        Ok(signed_64(match symbol {
            b"pvm_v1_write" => c,
            b"pvm_v1_arguments" => {
                let bytes = &self.arguments[..self.arguments.len().min(to_usize_saturating(b))];
                guest.write(a, bytes);
                to_u64(self.arguments.len())
            }
            b"pvm_v1_environment" | b"pvm_v1_close" => 0,
            b"pvm_v1_ticks" => {
                self.ticks += 1_000_000;
                self.ticks
            }
            b"pvm_v1_open" => {
                let mut path = vec![0; to_usize_saturating(b)];
                guest.read(a, &mut path);
                return Ok(if path.ends_with(b".wad") && c == 0 { signed_64(WAD_FD) } else { NO_ENTRY });
            }
            b"pvm_v1_seek" if a == WAD_FD => {
                self.place = [0, self.place, size][to_usize_saturating(b).min(2)].wrapping_add(c);
                self.place
            }
            b"pvm_v1_read" if a == WAD_FD => {
                let start = self.place.min(size);
                let end = start.saturating_add(c).min(size);
                guest.write(b, &self.wad[to_usize_saturating(start)..to_usize_saturating(end)]);
                self.place = end;
                end - start
            }
            b"pvm_v1_show" => {
                let [width, height] = [low_u32(b), low_u32(c)];
                self.size = (width, height);
                self.picture.resize(4 * to_usize(width) * to_usize(height), 0);
                guest.read(a, &mut self.picture);
                self.shown += 1;
                0
            }
            b"pvm_v1_key" => return Ok(NOTHING_THERE),
            b"pvm_v1_play" => b,
            b"pvm_v1_exit" => return Err(format!("it ended at tick {} with exit code {}", self.shown, low_u32(a))),
            _ => return Ok(NO_ENTRY),
        }))
    }

    fn last_picture(&self) -> FrameHash {
        Frame::new(&Picture { width: self.size.0, height: self.size.1, pixels: &self.picture }).hash()
    }
}

macro_rules! engine {
    ($module:ident, $krate:ident) => {
        mod $module {
            use super::{Guest, Host, Run, low_u32, unsigned_64};
            use std::time::{Duration, Instant};
            use $krate::{
                BackendKind, Config, Engine, InterruptKind, Module, ModuleConfig, ProgramBlob, RawInstance, Reg,
            };

            struct Caller<'a>(&'a mut RawInstance);

            impl Guest for Caller<'_> {
                fn argument(&self, number: usize) -> u64 {
                    self.0.reg(Reg::ARG_REGS[number])
                }

                fn read(&mut self, address: u64, bytes: &mut [u8]) {
                    self.0.read_memory_into(low_u32(address), bytes).expect("the game has these bytes");
                }

                fn write(&mut self, address: u64, bytes: &[u8]) {
                    self.0.write_memory(low_u32(address), bytes).expect("the game has these bytes");
                }
            }

            /// A program on an engine, and how long it took to get there.
            pub(super) struct Prepared {
                module: Module,
                pub(super) time: Duration,
            }

            pub(super) fn prepare(config: &Config, blob: &[u8]) -> Result<Prepared, String> {
                let engine = Engine::new(config).map_err(|error| error.to_string())?;
                let began = Instant::now();
                let blob = ProgramBlob::parse(blob.into()).map_err(|error| error.to_string())?;
                let module =
                    Module::from_blob(&engine, &ModuleConfig::new(), blob).map_err(|error| error.to_string())?;
                Ok(Prepared { module, time: began.elapsed() })
            }

            impl Prepared {
                pub(super) fn run(&self, mut host: Host<'_>, frames: u32) -> Result<Run, String> {
                    let began = Instant::now();
                    let mut instance = self.module.instantiate().map_err(|error| error.to_string())?;
                    let main = self.module.exports().find(|export| export.symbol().as_bytes() == b"main");
                    instance.prepare_call_untyped(main.ok_or("it has no export `main`")?.program_counter(), &[]);
                    let imports = self.module.imports();
                    let mut first = began;
                    while host.shown < frames {
                        let number = match instance.run().map_err(|error| error.to_string())? {
                            InterruptKind::Ecalli(number) => number,
                            other => return Err(format!("it ended at tick {} with {other:?}", host.shown)),
                        };
                        let before = host.shown;
                        let symbol = imports.get(number).ok_or("it calls an import without a name")?;
                        let result = host.answer(symbol.as_bytes(), &mut Caller(&mut instance))?;
                        instance.set_reg(Reg::A0, unsigned_64(result));
                        if before == 0 && host.shown == 1 {
                            first = Instant::now();
                        }
                    }
                    Ok(Run { start: first - began, rest: first.elapsed(), last_picture: host.last_picture() })
                }
            }

            pub(super) fn config(backend: BackendKind) -> Config {
                let mut config = Config::new();
                config.set_backend(Some(backend));
                config
            }
        }
    };
}

engine!(ours, pvm);
engine!(theirs, polkavm);

/// Something that runs a game.
enum Engine {
    Ours(ours::Prepared),
    Theirs(theirs::Prepared),
}

struct Contestant {
    name: String,
    engine: Engine,
    runs: Vec<Run>,
}

/// Runs all in turn, prints a table of the fastest rounds.
pub(crate) fn compare(args: &CompareArgs) -> Result<(), Failure> {
    let [elf, wad] = [&args.program, &args.wad].map(|path| read_file(path, FILE_SIZE_MAX));
    let (elf, wad) = (elf?, wad?);
    let mut contestants = contestants(&elf, args.all).map_err(|problem| Failure::new(Cause::Game, problem))?;
    for _ in 0..args.rounds {
        for contestant in &mut contestants {
            let host = Host::new(&wad, &args.arguments);
            let run = match &contestant.engine {
                Engine::Ours(prepared) => prepared.run(host, args.frames),
                Engine::Theirs(prepared) => prepared.run(host, args.frames),
            };
            let run =
                run.map_err(|problem| Failure::new(Cause::Game, format_args!("{}: {problem}", contestant.name)))?;
            contestant.runs.push(run);
        }
    }
    // The least disturbed by what else the machine does.
    let fastest = |contestant: &Contestant, time: fn(&Run) -> Duration| {
        1000.0 * contestant.runs.iter().map(time).min().unwrap_or_default().as_secs_f64()
    };
    let ticks = f64::from(args.frames - 1);
    let base = fastest(&contestants[0], |run| run.rest);
    let picture = contestants[0].runs[0].last_picture;
    println!("| engine, linker | blob | prepare | to the first picture | a tick | ratio | last picture |");
    println!("|---|---:|---:|---:|---:|---:|---|");
    for contestant in &contestants {
        let (time, start, rest) =
            (contestant.time(), fastest(contestant, |run| run.start), fastest(contestant, |run| run.rest));
        let is_same = contestant.runs.iter().all(|run| run.last_picture == picture);
        let verdict = if is_same { "the same" } else { "another" };
        println!(
            "| {} | {time:.1} ms | {start:.1} ms | {:.3} ms | {:.2} | {verdict} |",
            contestant.name,
            rest / ticks,
            rest / base
        );
    }
    match contestants.iter().all(|contestant| contestant.runs.iter().all(|run| run.last_picture == picture)) {
        true => Ok(()),
        false => Err(Failure::new(Cause::Difference, "not all pictures are the same")),
    }
}

impl Contestant {
    fn time(&self) -> f64 {
        let time = match &self.engine {
            Engine::Ours(prepared) => prepared.time,
            Engine::Theirs(prepared) => prepared.time,
        };
        1000.0 * time.as_secs_f64()
    }
}

fn contestants(elf: &[u8], with_all: bool) -> Result<Vec<Contestant>, String> {
    let linked = pvm_linker::link(elf, &pvm_linker::Config::default()).and_then(|linked| linked.to_polkavm_blob());
    let by_us = linked.map_err(|error| error.to_string())?;
    let config = polkavm_linker::Config::default();
    let set = polkavm_linker::TargetInstructionSet::Latest;
    let by_them = polkavm_linker::program_from_elf(config, set, elf).map_err(|error| error.to_string())?;
    let mut contestants = Vec::new();
    let mut add = |name: &str, blob: &[u8], linker: &str, engine: Result<Engine, String>| {
        let engine = engine.map_err(|problem| format!("{name}: {problem}"))?;
        let name = format!("{name}, {linker} | {} kB", blob.len() / 1000);
        contestants.push(Contestant { name, engine, runs: Vec::new() });
        Ok::<(), String>(())
    };
    for (blob, linker) in [(&by_us, "pvm-linker"), (&by_them, "polkavm-linker 0.37")] {
        let ours = ours::config(pvm::BackendKind::Compiler);
        add("pvm compiler", blob, linker, ours::prepare(&ours, blob).map(Engine::Ours))?;
        add("polkavm 0.37 compiler", blob, linker, theirs::prepare(&in_process(), blob).map(Engine::Theirs))?;
        if with_all {
            let ours = ours::config(pvm::BackendKind::Interpreter);
            add("pvm interpreter", blob, linker, ours::prepare(&ours, blob).map(Engine::Ours))?;
            let mut theirs = theirs::config(polkavm::BackendKind::Compiler);
            theirs.set_core_pinning(polkavm::CorePinning::Disabled);
            let name = "polkavm 0.37 compiler, worker process";
            add(name, blob, linker, theirs::prepare(&theirs, blob).map(Engine::Theirs))?;
            let theirs = theirs::config(polkavm::BackendKind::Interpreter);
            add("polkavm 0.37 interpreter", blob, linker, theirs::prepare(&theirs, blob).map(Engine::Theirs))?;
        }
    }
    Ok(contestants)
}

/// polkavm's compiler without a process of its own.
fn in_process() -> polkavm::Config {
    let mut config = theirs::config(polkavm::BackendKind::Compiler);
    config.set_allow_experimental(true).set_sandbox(Some(polkavm::SandboxKind::Generic));
    config
}
