//! Recordings on every engine with a program of every level: each marked picture must be the recorded one.

use crate::console::{Console, Keys, Setup};
use crate::failure::{Cause, Failure};
use crate::game::{EngineName, Game, Grants};
use crate::session::{read_recording, wad_hash};
use clap::Args;
use pvm::BackendKind;
use std::path::{Path, PathBuf};

/// Arguments of `pvm-doom check`.
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// The game as an ELF file
    program: PathBuf,
    /// The data the recordings were made with
    wad: PathBuf,
    /// Recordings
    #[arg(required = true)]
    recordings: Vec<PathBuf>,
    /// Levels of the linker, separated by commas
    #[arg(long, value_delimiter = ',', default_values_t = [0, 1, 2], value_parser = clap::value_parser!(u8).range(0..=2))]
    levels: Vec<u8>,
    /// Engines, separated by commas [default: compiler where it can run, and interpreter]
    #[arg(long, value_delimiter = ',', value_enum)]
    engines: Vec<EngineName>,
}

/// Plays all, prints a line for each.
pub(crate) fn check(args: &CheckArgs) -> Result<(), Failure> {
    let wad = wad_hash(&args.wad)?;
    let mut engines = args.engines.clone();
    if engines.is_empty() {
        engines.extend(BackendKind::Compiler.is_supported().then_some(EngineName::Compiler));
        engines.push(EngineName::Interpreter);
    }
    let mut different = 0;
    for path in &args.recordings {
        let recording = read_recording(path, &wad)?;
        println!("{}: {} keys, {} ticks", name(path), recording.keys.len(), recording.end);
        for (tick, hash) in &recording.pictures {
            println!("    recorded at tick {tick:>5}: {hash}");
        }
        for engine in &engines {
            for level in &args.levels {
                let game = Game::load(&args.program, *level, *engine)?;
                let grants = Grants {
                    wad: args.wad.clone(),
                    saves: None,
                    arguments: recording.arguments.clone(),
                    is_verbose: false,
                };
                let setup = Setup {
                    keys: Keys::Recording(recording.clone()),
                    player: None,
                    speaker: None,
                    last: Some(recording.end),
                    is_paced: false,
                };
                let played = game.play(&grants, Console::new(setup))?;
                let verdict = played.verdict();
                different += u32::from(verdict.is_err());
                let text = match &verdict {
                    Ok(()) => format!("the same at {} ticks", played.findings.game.pictures.len()),
                    Err(failure) => failure.to_string(),
                };
                println!(
                    "    {:<12} level {level}: {text}; {:.2} ms a tick",
                    game.engine(),
                    played.findings.times.mean
                );
            }
        }
    }
    match different {
        0 => Ok(()),
        _ => Err(Failure::new(Cause::Difference, format_args!("{different} games are not what was recorded"))),
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
