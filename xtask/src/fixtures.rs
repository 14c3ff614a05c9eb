//! Guest fixtures: are the committed programs those of the committed sources? (guest/README.md has the recipe.)

use crate::root;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// Largest fixture that may be committed, in bytes.
const FIXTURE_SIZE_MAX: usize = 512 << 10;

/// Rebuilds all fixtures.
///
/// # Errors
/// If the build script fails.
pub fn build() -> Result<()> {
    let status = Command::new("bash").arg("build.sh").current_dir(root().join("guest")).status()?;
    ensure!(status.success(), "guest/build.sh failed");
    Ok(())
}

/// What does not match the manifest, in words.
///
/// # Errors
/// If the manifest cannot be read.
pub fn problems() -> Result<Vec<String>> {
    let guest = root().join("guest");
    let path = guest.join("fixtures/manifest.json");
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let manifest: Value = serde_json::from_str(&text).context("guest/fixtures/manifest.json")?;
    let fixtures = manifest["fixtures"].as_object().context("manifest.json has no fixtures")?;
    let mut problems = Vec::new();
    for (name, fixture) in fixtures {
        match std::fs::read(guest.join("fixtures").join(name)) {
            Ok(data) => {
                if fixture["sha256"] != hex(&data) {
                    problems.push(format!("guest/fixtures/{name}: differs from its hash in manifest.json"));
                }
                if data.len() > FIXTURE_SIZE_MAX {
                    problems.push(format!("guest/fixtures/{name}: {} bytes, more than {FIXTURE_SIZE_MAX}", data.len()));
                }
            }
            Err(error) => problems.push(format!("guest/fixtures/{name}: {error}")),
        }
        let sources: Vec<&str> =
            fixture["sources"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if fixture["sources_sha256"] != sources_hash(&guest, &sources)? {
            problems.push(format!("guest/fixtures/{name}: its sources have changed; run `cargo xtask fixtures`"));
        }
    }
    Ok(problems)
}

fn hex(data: &[u8]) -> String {
    Sha256::digest(data).iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn sources_hash(guest: &Path, sources: &[&str]) -> Result<String> {
    let mut files = BTreeMap::new();
    for source in sources {
        collect(guest, source, &mut files)?;
    }
    let lines: String = files.iter().map(|(path, digest)| format!("{digest}  {path}\n")).collect();
    Ok(hex(lines.as_bytes()))
}

fn collect(guest: &Path, relative: &str, files: &mut BTreeMap<String, String>) -> Result<()> {
    let path = guest.join(relative);
    if !path.is_dir() {
        let data = std::fs::read(&path).with_context(|| path.display().to_string())?;
        files.insert(relative.to_owned(), hex(&data));
        return Ok(());
    }
    for entry in std::fs::read_dir(&path).with_context(|| path.display().to_string())? {
        let entry = entry?;
        if !entry.file_type()?.is_symlink() {
            collect(guest, &format!("{relative}/{}", entry.file_name().to_string_lossy()), files)?;
        }
    }
    Ok(())
}
