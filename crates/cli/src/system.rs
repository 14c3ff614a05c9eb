//! What `pvm run` grants a guest by the system interface (`pvm_system`).

use crate::failure::{Failure, Outcome};
use crate::output::symbol;
use clap::Args;
use pvm_system::{Dir, Function, System, Ticks, ambient_authority};
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal as _};
use std::path::PathBuf;
use std::time::Duration;

/// What each call for the ticks adds with `--ticks steps`.
const STEP: Duration = Duration::from_millis(1);

/// What the guest is granted.
#[derive(Args, Debug)]
#[command(next_help_heading = "What the guest may use")]
pub(crate) struct Grants {
    /// Show the guest what is below a directory, for reading, as its path GUEST [default: /]
    #[arg(long = "dir", value_name = "HOST[:GUEST]", value_parser = directory)]
    directories: Vec<Directory>,
    /// The same, for reading and writing
    #[arg(long = "dir-rw", value_name = "HOST[:GUEST]", value_parser = directory)]
    writable_directories: Vec<Directory>,
    /// Set an environment variable of the guest
    #[arg(long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    variables: Vec<(OsString, OsString)>,
    /// Let the guest ask for the time of day
    #[arg(long)]
    time: bool,
    /// Where the guest's ticks come from
    #[arg(long, value_enum, default_value = "clock")]
    ticks: TicksName,
    /// The program's arguments, behind its name
    #[arg(last = true, value_name = "ARGUMENT")]
    arguments: Vec<OsString>,
}

/// A source of ticks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
enum TicksName {
    /// The monotonic clock
    Clock,
    /// A millisecond for each call: the same run every time
    Steps,
}

/// A directory of the host and the guest's path for it.
#[derive(Clone, Debug)]
struct Directory {
    host: PathBuf,
    guest: String,
}

fn directory(text: &str) -> Result<Directory, String> {
    let (host, guest) = text.rsplit_once(':').unwrap_or((text, "/"));
    match host.is_empty() || guest.is_empty() {
        true => Err("neither the directory nor the guest's path may be empty".to_owned()),
        false => Ok(Directory { host: host.into(), guest: guest.to_owned() }),
    }
}

fn variable(text: &str) -> Result<(OsString, OsString), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        _ => Err("not NAME=VALUE".to_owned()),
    }
}

impl Grants {
    /// A system with this process's streams and what the user granted; `name` is the guest's name for itself.
    ///
    /// # Errors
    /// If a directory cannot be opened.
    pub(crate) fn system(&self, name: &str) -> Outcome<System> {
        let mut system = System::new();
        system.set_stdin(Box::new(io::stdin())).set_stdout(Box::new(io::stdout())).set_stderr(Box::new(io::stderr()));
        let terminals = [io::stdin().is_terminal(), io::stdout().is_terminal(), io::stderr().is_terminal()];
        for (fd, _) in (0..).zip(terminals).filter(|(_, is_terminal)| *is_terminal) {
            system.set_terminal(fd);
        }
        system.add_argument(name.as_bytes());
        for argument in &self.arguments {
            system.add_argument(bytes(argument));
        }
        for (name, value) in &self.variables {
            system.add_variable(bytes(name), bytes(value));
        }
        for (directories, is_writable) in [(&self.directories, false), (&self.writable_directories, true)] {
            for Directory { host, guest } in directories {
                let opened = Dir::open_ambient_dir(host, ambient_authority());
                let opened =
                    opened.map_err(|error| Failure::io(format_args!("cannot open {}", host.display()), &error))?;
                system.add_directory(guest, opened, is_writable);
            }
        }
        if self.time {
            system.grant_time();
        }
        system.set_ticks(match self.ticks {
            TicksName::Clock => Ticks::Clock,
            TicksName::Steps => Ticks::Steps(STEP),
        });
        Ok(system)
    }
}

fn bytes(text: &OsStr) -> &[u8] {
    text.as_encoded_bytes()
}

/// The name of import `index` for messages.
pub(crate) fn import_name(imports: &pvm_program::Imports<'_>, index: u32) -> String {
    match imports.get(index) {
        Some(name) => format!("import {index} (`{}`)", symbol(name)),
        None if imports.is_empty() => format!("host call {index}"),
        None => format!("import {index}, which the program does not list"),
    }
}

/// Does `pvm run` offer this import?
pub(crate) fn is_offered(symbol: Option<&[u8]>) -> bool {
    symbol.and_then(Function::from_symbol).is_some()
}
