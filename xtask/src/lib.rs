//! Project chores: what keeps the repository in shape, as functions that `cargo xtask` and the tests call.

pub mod ci;
pub mod fixtures;
pub mod guests;
pub mod isa_doc;
pub mod system_doc;
pub mod tidy;

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the root").to_path_buf()
}

/// A generated document: its path below the root, and what makes its text.
pub type Document = (&'static str, fn() -> String);

/// All of them.
pub const DOCUMENTS: [Document; 2] = [("docs/isa.md", isa_doc::text), ("docs/system.md", system_doc::text)];

/// All files below `dir` with this extension, sorted; build output, hidden folders and symbolic links are passed over.
pub fn files_below(dir: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut waiting = vec![dir.to_path_buf()];
    while let Some(dir) = waiting.pop() {
        let Ok(entries) = std::fs::read_dir(&dir) else { continue };
        for entry in entries.flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && name != "target" && !name.to_string_lossy().starts_with('.') {
                waiting.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|found| found == extension) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}
