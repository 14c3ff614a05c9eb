//! Doom as a guest of PVM: in a window, in a terminal, or without either.
//!
//! ```text
//! program -> link -> module ---.
//! WAD -> granted directory ----+-> instance <-> console <-> player { window | terminal } or recording
//! ```
//!
//! The guest (guest/platform.c) uses the system interface (docs/system.md) and nothing else. It runs on a thread of its own
//! when there is a player, so that a window closes whatever the guest does.
mod check;
#[cfg(feature = "compare")]
mod compare;
mod console;
mod failure;
mod frame;
mod game;
mod halfblock;
mod keys;
mod player;
mod recording;
mod session;
mod sound;
mod stats;
mod terminal;
mod wad;
#[cfg(feature = "window")]
mod window;

use clap::{Parser, Subcommand};
use failure::Failure;
use player::Player;
use session::{GameArgs, Outputs, Session};
use std::process::ExitCode;

/// Plays Doom as a guest of PVM.
#[derive(Parser, Debug)]
#[command(name = "pvm-doom", version, after_help = format!("{KEYS}\n\n{}", failure::EXIT_CODES))]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const KEYS: &str = "\
Keys: arrows or W and S walk and turn, A and D or comma and period sidestep, Ctrl or F fires, Space opens, Shift runs, 1 to 7
choose weapons, Tab is the map, Esc the menu. Ctrl+C leaves a terminal.";

#[derive(Subcommand, Debug)]
enum Command {
    /// Plays in a window
    #[cfg(feature = "window")]
    Window(Play),
    /// Plays in the terminal
    Terminal(Play),
    /// Plays without a player, as fast as it goes
    Headless {
        #[command(flatten)]
        game: GameArgs,
        #[command(flatten)]
        outputs: Outputs,
    },
    /// Plays recordings on every engine and level, and compares pictures
    Check(check::CheckArgs),
    /// Times the game beside the polkavm crate
    #[cfg(feature = "compare")]
    Compare(compare::CompareArgs),
}

#[derive(clap::Args, Debug)]
struct Play {
    #[command(flatten)]
    game: GameArgs,
    /// Without sound
    #[arg(long)]
    mute: bool,
}

fn main() -> ExitCode {
    match run(&Cli::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("pvm-doom: {failure}");
            failure.exit_code()
        }
    }
}

fn run(command: &Command) -> Result<(), Failure> {
    match command {
        #[cfg(feature = "window")]
        Command::Window(play) => play_in_window(play),
        Command::Terminal(play) => {
            let player = Player::new(|| {});
            let session = Session::new(&play.game)?;
            session.play_with(&player, play.mute, || {}, |is_over| terminal::play(&player, is_over))
        }
        Command::Headless { game, outputs } => Session::new(game)?.play_alone(outputs),
        Command::Check(args) => check::check(args),
        #[cfg(feature = "compare")]
        Command::Compare(args) => compare::compare(args),
    }
}

#[cfg(feature = "window")]
fn play_in_window(play: &Play) -> Result<(), Failure> {
    let session = Session::new(&play.game)?;
    let events = window::event_loop()?;
    let [pictures, end] = [events.create_proxy(), events.create_proxy()];
    // A loop that is gone has no use for news.
    let player = Player::new(move || {
        let _ = pictures.send_event(window::News::Picture);
    });
    let over = move || {
        let _ = end.send_event(window::News::Over);
    };
    session.play_with(&player, play.mute, over, |_| window::play(events, &player))
}
