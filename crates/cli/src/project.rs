//! Projects: a folder with a guest's sources, and what `pvm build` makes of it.

use crate::failure::{Cause, Failure, Outcome};
use std::fs;
use std::path::{Path, PathBuf};

/// Ends of the names of programs.
const PROGRAMS: [&str; 3] = ["polkavm", "jam", "spi"];
/// Ends of the names of sources that the C SDK compiles.
const C_SOURCES: [&str; 4] = ["c", "cc", "cpp", "cxx"];

/// A project by its language.
pub(crate) enum Project {
    /// A package of cargo, by its manifest.
    Rust(PathBuf),
    /// C and C++ sources, in order.
    C(Vec<PathBuf>),
}

impl Project {
    /// The project in a folder: a package if there is a Cargo.toml, else the C and C++ files in `src`.
    ///
    /// # Errors
    /// If it is none.
    pub(crate) fn in_folder(folder: &Path) -> Outcome<Project> {
        let manifest = folder.join("Cargo.toml");
        if manifest.is_file() {
            return Ok(Project::Rust(manifest));
        }
        let sources = files_with(&folder.join("src"), &C_SOURCES).unwrap_or_default();
        match sources.is_empty() {
            false => Ok(Project::C(sources)),
            true => Err(Failure::new(
                Cause::BadInput,
                format_args!(
                    "{}: no project: there is neither a Cargo.toml nor a C or C++ file in src\n\
                     pvm new hello --lang rust   makes one",
                    folder.display()
                ),
            )),
        }
    }
}

/// The program that was built in a folder.
///
/// # Errors
/// If there is none, or more than one.
pub(crate) fn built_program(folder: &Path) -> Outcome<PathBuf> {
    let mut programs = files_with(folder, &PROGRAMS).map_err(|error| Failure::io(folder.display(), &error))?;
    let is_project = Project::in_folder(folder).is_ok();
    match (programs.len(), programs.pop()) {
        (1, Some(program)) => Ok(program),
        (0, _) if is_project => Err(Failure::usage("nothing is built yet: pvm build")),
        (0, _) => {
            Err(Failure::usage("no FILE, and this folder is no project with a program built; see pvm run --help"))
        }
        _ => Err(Failure::usage(format_args!(
            "more than one program here, one of them has to be named: {}",
            files_with(folder, &PROGRAMS)
                .unwrap_or_default()
                .iter()
                .map(|path| name_of(path))
                .collect::<Vec<_>>()
                .join(" ")
        ))),
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The files in a folder whose names end so, sorted.
fn files_with(folder: &Path, extensions: &[&str]) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let is_one = path.extension().is_some_and(|extension| extensions.iter().any(|known| extension == *known));
        if is_one && path.is_file() {
            // Without `./` in messages.
            found.push(path.strip_prefix(".").map(Path::to_owned).unwrap_or(path));
        }
    }
    found.sort();
    Ok(found)
}
