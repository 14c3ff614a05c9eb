//! `pvm completions`: a script that teaches a shell the command's arguments.

use crate::failure::Outcome;
use crate::output::write_stdout;
use clap::{Args, CommandFactory};
use clap_complete::Shell;
use std::process::ExitCode;

/// Arguments of `pvm completions`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  pvm completions bash > ~/.local/share/bash-completion/completions/pvm
  pvm completions zsh > ~/.zfunc/_pvm
  pvm completions fish > ~/.config/fish/completions/pvm.fish")]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints the script.
///
/// # Errors
/// If standard output cannot be written.
pub(crate) fn completions(args: &CompletionsArgs) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::Cli::command(), "pvm", &mut script);
    write_stdout(&script)?;
    Ok(ExitCode::SUCCESS)
}
