//! `pvm new`: a project to start from.

use crate::failure::{Failure, Outcome};
use clap::{Args, ValueEnum};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// What stands for the project's name in a template.
const PLACEHOLDER: &str = "NAME";
/// Names that a package cannot have: those of crates that it is built with.
const RESERVED: [&str; 8] = ["alloc", "core", "proc_macro", "pvm", "pvm-guest", "pvm-guest-macros", "std", "test"];
/// What is built, and what is written for this machine alone.
const IGNORED: &str = "/target/\n/.cargo/config.toml\n/*.polkavm\n/*.jam\n";

/// Arguments of `pvm new`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  pvm new hello --lang rust && cd hello && pvm build && pvm run
  pvm new --lang c hello
  pvm new services/mine --lang jam-service")]
pub(crate) struct NewArgs {
    /// The folder, which is made; its name is the program's
    #[arg(value_name = "DIR")]
    path: PathBuf,
    /// What to start from
    #[arg(long, value_enum, default_value = "rust")]
    lang: Template,
}

/// Templates by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Template {
    /// A Rust program, with the system interface
    Rust,
    /// A C program, with the C library
    C,
    /// A C++ program, with the C library
    #[value(alias = "c++")]
    Cpp,
    /// A service of JAM, in Rust
    JamService,
}

macro_rules! template {
    ($name:literal: $($path:literal),*) => {
        &[$(($path, include_str!(concat!("../../../guest/templates/", $name, "/", $path)))),*]
    };
}

impl Template {
    const fn files(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Template::Rust => template!("rust": "Cargo.toml", "src/main.rs"),
            Template::C => template!("c": "src/main.c"),
            Template::Cpp => template!("cpp": "src/main.cc"),
            Template::JamService => template!("jam-service": "Cargo.toml", "src/main.rs"),
        }
    }
}

/// Makes a project.
///
/// # Errors
/// If the name is none, something is there already, or a file cannot be written.
pub(crate) fn new(args: &NewArgs) -> Outcome {
    let path = &args.path;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    check_name(name).map_err(|problem| Failure::usage(format_args!("{}: {problem}", path.display())))?;
    if !is_free(path).map_err(|error| Failure::io(path.display(), &error))? {
        return Err(Failure::usage(format_args!("{}: exists already", path.display())));
    }
    write(path, name, args.lang)
        .map_err(|error| Failure::io(format_args!("cannot write {}", path.display()), &error))?;
    let folder = path.display();
    anstream::eprintln!("created {folder}; to build and run it: cd {folder} && pvm build && pvm run");
    Ok(ExitCode::SUCCESS)
}

fn write(path: &Path, name: &str, template: Template) -> io::Result<()> {
    for (file, text) in template.files().iter().chain(&[(".gitignore", IGNORED)]) {
        let file = path.join(file);
        fs::create_dir_all(file.parent().expect("it is in the folder"))?;
        fs::write(file, text.replace(PLACEHOLDER, name))?;
    }
    Ok(())
}

/// Is nothing there, or an empty folder?
fn is_free(path: &Path) -> io::Result<bool> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(fs::symlink_metadata(path).is_err()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
        Err(error) => Err(error),
    }
}

/// Cargo's rules for the names of packages.
fn check_name(name: &str) -> Result<(), &'static str> {
    let is_word = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    match (is_word && name.starts_with(|c: char| c.is_ascii_alphabetic()), RESERVED.contains(&name)) {
        (true, false) => Ok(()),
        (true, true) => Err("a crate that every guest is built with has this name"),
        (false, _) => Err("a project's name consists of letters, digits, - and _, a letter first"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_packages() {
        for name in ["hello", "a", "x-1_y", "Hello"] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["", "1a", "-a", "_a", "a b", "a/b", "a.b", "\u{e4}", "core", "pvm"] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
