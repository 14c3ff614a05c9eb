//! A game as it was asked for: plays it with or without a player, then says and writes what was wanted.

use crate::console::{Console, Keys, Setup};
use crate::failure::{Cause, Failure};
use crate::frame::Frame;
use crate::game::{EngineName, Game, Grants, Played, read_file};
use crate::player::Player;
use crate::recording::{Recording, SIZE_MAX};
use crate::sound::Speaker;
use clap::Args;
use serde_json::json;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a guest has to stop after its player left.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// Longest data file, in bytes.
const WAD_SIZE_MAX: u64 = 1 << 30;

/// What all ways of playing have.
#[derive(Args, Clone, Debug)]
pub(crate) struct GameArgs {
    /// The game: an ELF file, which is linked, or a .polkavm blob (build.sh makes both)
    program: PathBuf,
    /// The data; the game may read the directory it is in
    wad: PathBuf,
    /// The engine
    #[arg(long, value_enum, default_value = "auto")]
    engine: EngineName,
    /// How much the linker optimises an ELF file: 0, 1 or 2
    #[arg(long, value_name = "LEVEL", default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=2))]
    level: u8,
    /// Where the game may save; without it, it cannot
    #[arg(long, value_name = "DIRECTORY")]
    saves: Option<PathBuf>,
    /// Write down what the player does, and what some ticks look like
    #[arg(long, value_name = "FILE", conflicts_with = "saves")]
    record: Option<PathBuf>,
    /// Play what was written down; a picture that is not the same is an error
    #[arg(long, value_name = "FILE", conflicts_with_all = ["arguments", "saves"])]
    replay: Option<PathBuf>,
    /// Stop after so many ticks; there are 35 in a second [with --replay: as many as there are]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    frames: Option<u32>,
    /// Print how long ticks took
    #[arg(long)]
    stats: bool,
    /// Print everything as one line of JSON
    #[arg(long)]
    json: bool,
    /// Pass on what the game says, to standard error
    #[arg(short, long)]
    verbose: bool,
    /// Arguments of the game, such as -warp 1 1 -skill 3
    #[arg(last = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

/// What only a game without a player has.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Outputs {
    /// Print the pictures' hashes of ticks 1, 100, 500, 1000, 1500, ... and the last
    #[arg(long)]
    hash: bool,
    /// Write the last picture
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,
}

/// A game that can begin.
pub(crate) struct Session {
    args: GameArgs,
    game: Game,
    grants: Grants,
    replayed: Option<Recording>,
    /// The data's hash, if somebody asks.
    wad: String,
}

impl Session {
    /// Reads all that was given.
    pub(crate) fn new(args: &GameArgs) -> Result<Session, Failure> {
        let mut wad = String::new();
        if args.record.is_some() || args.replay.is_some() {
            wad = wad_hash(&args.wad)?;
        }
        let replayed = args.replay.as_deref().map(|path| read_recording(path, &wad)).transpose()?;
        let arguments = replayed.as_ref().map_or(&args.arguments, |recording| &recording.arguments).clone();
        if args.record.is_some() && arguments.iter().any(|argument| argument.contains(['\n', '\r'])) {
            return Err(Failure::new(Cause::Input, "a recording cannot hold an argument with a line break"));
        }
        let game = Game::load(&args.program, args.level, args.engine)?;
        let grants = Grants { wad: args.wad.clone(), saves: args.saves.clone(), arguments, is_verbose: args.verbose };
        Ok(Session { args: args.clone(), game, grants, replayed, wad })
    }

    /// Plays with a player, or else as fast as it goes.
    fn play(&self, player: Option<Player>, is_mute: bool) -> Result<Played, Failure> {
        let has_player = player.is_some();
        let keys = match (&self.replayed, has_player) {
            (Some(recording), _) => Keys::Recording(recording.clone()),
            (None, true) => Keys::Player,
            (None, false) => Keys::None,
        };
        let speaker = if is_mute { Err(String::new()) } else { Speaker::open() };
        if let (Err(reason), true) = (&speaker, self.args.verbose && !is_mute) {
            eprintln!("no sound: {reason}");
        }
        let end = self.replayed.as_ref().map(|recording| recording.end);
        let last = [self.args.frames, end].into_iter().flatten().min();
        let console = Console::new(Setup { keys, player, speaker: speaker.ok(), last, is_paced: has_player });
        self.game.play(&self.grants, console)
    }

    /// Plays without a player.
    pub(crate) fn play_alone(&self, outputs: &Outputs) -> Result<(), Failure> {
        if self.args.frames.is_none() && self.replayed.is_none() {
            return Err(Failure::new(Cause::Input, "how long? --frames N, or --replay FILE"));
        }
        let played = self.play(None, true)?;
        self.finish(&played, outputs)
    }

    /// Plays on a thread of its own while `show` lets the player see it and press keys on this one. `over` is called when
    /// the game is.
    pub(crate) fn play_with(
        self,
        player: &Player,
        is_mute: bool,
        over: impl FnOnce() + Send + 'static,
        show: impl FnOnce(&dyn Fn() -> bool) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let theirs = player.clone();
        let guest = std::thread::spawn(move || {
            let played = self.play(Some(theirs), is_mute);
            over();
            (self, played)
        });
        let shown = show(&|| guest.is_finished());
        player.leave();
        let patience = Instant::now() + STOP_PATIENCE;
        while !guest.is_finished() && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(5));
        }
        shown?;
        if !guest.is_finished() {
            return Err(Failure::new(Cause::Game, "the game neither shows a picture nor ends"));
        }
        let (session, played) = guest.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        session.finish(&played?, &Outputs::default())
    }

    /// Writes and says what was wanted of a game.
    fn finish(&self, played: &Played, outputs: &Outputs) -> Result<(), Failure> {
        if let Some(path) = &self.args.record {
            let recording = Recording {
                wad: self.wad.clone(),
                arguments: self.grants.arguments.clone(),
                ..played.findings.game.clone()
            };
            std::fs::write(path, recording.to_text()).map_err(|error| Failure::output(path.display(), &error))?;
        }
        if let Some(path) = &outputs.png {
            write_png(path, &played.findings.last_frame)?;
        }
        self.report(played, outputs).map_err(|error| Failure::output("standard output", &error))?;
        played.verdict()
    }

    fn report(&self, played: &Played, outputs: &Outputs) -> std::io::Result<()> {
        let findings = &played.findings;
        let (mut pictures, end) = (findings.game.pictures.clone(), findings.game.end);
        if outputs.hash && end > 0 && pictures.last().is_none_or(|(tick, _)| *tick != end) {
            pictures.push((end, findings.last_frame.hash()));
        }
        let ms = |time: Duration| 1000.0 * time.as_secs_f64();
        let mut to = std::io::stdout().lock();
        if self.args.json {
            let pictures: Vec<_> =
                pictures.iter().map(|(tick, hash)| json!({ "tick": tick, "hash": hash.to_string() })).collect();
            let mut value = json!({
                "engine": self.game.engine(),
                "end": played.end.to_string(),
                "link_ms": self.game.link_time.map(ms),
                "compile_ms": ms(self.game.compile_time),
                "times": findings.times.json(),
            });
            value["pictures"] = pictures.into();
            return writeln!(to, "{value}");
        }
        if outputs.hash {
            for (tick, hash) in pictures {
                writeln!(to, "{tick} {hash}")?;
            }
        }
        if self.args.stats {
            let link = self.game.link_time.map(|time| format!("linked in {:.0} ms, ", ms(time))).unwrap_or_default();
            writeln!(
                to,
                "{}: {link}prepared in {:.1} ms; {}",
                self.game.engine(),
                ms(self.game.compile_time),
                findings.times.text()
            )?;
        }
        Ok(())
    }
}

/// The hash a recording knows its data by.
pub(crate) fn wad_hash(path: &Path) -> Result<String, Failure> {
    Ok(blake3::hash(&read_file(path, WAD_SIZE_MAX)?).to_hex().to_string())
}

/// Reads a recording that was made with this data.
pub(crate) fn read_recording(path: &Path, wad: &str) -> Result<Recording, Failure> {
    let text = String::from_utf8(read_file(path, SIZE_MAX)?).map_err(|_| Failure::input(path, "not a recording"))?;
    let recording = Recording::parse(&text).map_err(|error| Failure::input(path, error))?;
    match recording.wad == wad {
        true => Ok(recording),
        false => Err(Failure::input(path, "recorded with other data")),
    }
}

fn write_png(path: &Path, frame: &Frame) -> Result<(), Failure> {
    let failed =
        |error: &dyn std::error::Error| Failure::new(Cause::Output, format_args!("{}: {error}", path.display()));
    if frame.pixels.is_empty() {
        return Err(Failure::new(Cause::Game, "the game showed no picture"));
    }
    let file = std::fs::File::create(path).map_err(|error| failed(&error))?;
    let side = |side: usize| u32::try_from(side).expect("a guest gave it as a u32");
    let mut encoder = png::Encoder::new(BufWriter::new(file), side(frame.width), side(frame.height));
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header().map_err(|error| failed(&error))?;
    writer.write_image_data(&frame.rgb()).map_err(|error| failed(&error))?;
    writer.finish().map_err(|error| failed(&error))
}
