//! The tutorial for guests, run as it stands: every command of docs/guests.md in order, with what it prints compared.
//!
//! ````text
//! ```sh           commands, run by bash, each block where the last one ended up; stops at the first that fails
//! ```sh fails     the last command has to fail
//! ```text         each line stands, in this order, in a line of what the block before printed
//! ```c FILE       a file to write first
//! ````

use crate::root;
use anyhow::{Context, Result, bail, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The tutorial.
const TUTORIAL: &str = "docs/guests.md";

/// A fenced block.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    /// Its first line in the document, from 1.
    line: usize,
    /// What stands behind the fence.
    info: String,
    text: String,
}

/// Runs the tutorial in a folder of its own.
///
/// # Errors
/// The block that does not do what the text says.
pub fn run() -> Result<()> {
    let text = std::fs::read_to_string(root().join(TUTORIAL)).context(TUTORIAL)?;
    let command = build_command()?;
    let folder = std::env::temp_dir().join(format!("pvm-guests-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let outcome = run_blocks(&blocks(&text), &folder, &command);
    std::fs::remove_dir_all(&folder)?;
    outcome
}

/// Builds `pvm`; the folder that has it.
fn build_command() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let build =
        ["build", "--release", "--locked", "--package", "pvm-cli", "--message-format", "json-render-diagnostics"];
    let output = Command::new(cargo).args(build).current_dir(root()).stderr(std::process::Stdio::inherit()).output()?;
    ensure!(output.status.success(), "pvm does not build");
    let messages = String::from_utf8_lossy(&output.stdout);
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let executable = messages.filter_map(|message| message["executable"].as_str().map(PathBuf::from)).next_back();
    let folder = executable.as_deref().and_then(Path::parent).context("cargo did not say where pvm is")?;
    Ok(folder.to_owned())
}

fn run_blocks(blocks: &[Block], start: &Path, command: &Path) -> Result<()> {
    let mut folder = start.to_owned();
    let mut printed = String::new();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(command.to_owned()).chain(std::env::split_paths(&path)))?;
    for block in blocks {
        let place = || format!("{TUTORIAL}:{}", block.line);
        match block.info.split_once(' ').unwrap_or((&block.info, "")) {
            ("sh", rest) => {
                let begin = Instant::now();
                let here = start.join(".here");
                // Both streams in one, as a reader sees them; the folder for the next block.
                let script = format!("exec 2>&1\ntrap 'pwd >{}' EXIT\n{}", here.display(), block.text);
                let output = Command::new("bash")
                    .args(["-euo", "pipefail", "-c", &script])
                    .current_dir(&folder)
                    .env("PATH", &path)
                    .env("REPOSITORY", root())
                    .env_remove("PVM_SDK")
                    .env_remove("RUSTUP_TOOLCHAIN")
                    .env_remove("CARGO_TARGET_DIR")
                    .output()
                    .with_context(place)?;
                printed = String::from_utf8_lossy(&output.stdout).into_owned();
                let should_fail = rest == "fails";
                ensure!(output.status.success() != should_fail, "{}: {}\n{printed}", place(), output.status);
                folder = std::fs::read_to_string(&here).with_context(place)?.trim().into();
                let first = block.text.lines().next().unwrap_or_default();
                eprintln!("    {} {first} ... {:.1} s", place(), begin.elapsed().as_secs_f64());
            }
            ("text", _) => compare(&block.text, &printed).map_err(|error| error.context(place()))?,
            (_, file) if !file.is_empty() => std::fs::write(folder.join(file), &block.text).with_context(place)?,
            (info, _) => bail!("{}: a block of {info:?} is neither run nor written", place()),
        }
    }
    Ok(())
}

/// Each wanted line is part of a printed one, in the same order.
fn compare(wanted: &str, printed: &str) -> Result<()> {
    let mut lines = printed.lines();
    for want in wanted.lines() {
        ensure!(lines.any(|line| line.contains(want)), "{want:?} was not printed, or not there:\n{printed}");
    }
    Ok(())
}

/// The fenced blocks of a document.
fn blocks(document: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (line, text) in (1..).zip(document.lines()) {
        match (text.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(info), None) => open = Some(Block { line, info: info.to_owned(), text: String::new() }),
            (None, Some(block)) => {
                block.text += text;
                block.text += "\n";
            }
            (None, None) => {}
        }
    }
    blocks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_what_is_fenced() {
        let found = blocks("a\n```sh fails\none\n\ntwo\n```\n    ```no\n```c src/x.c\n```\n");
        let block = |line, info: &str, text: &str| Block { line, info: info.into(), text: text.into() };
        assert_eq!(found, [block(2, "sh fails", "one\n\ntwo\n"), block(8, "c src/x.c", "")]);
    }

    #[test]
    fn lines_have_to_be_printed_in_order() {
        assert!(compare("b\nd\n", "a\nabc\nd\n").is_ok());
        assert!(compare("d\nb\n", "a\nabc\nd\n").is_err());
        assert!(compare("b\nb\n", "b\n").is_err(), "each needs a line of its own");
        assert!(compare("e\n", "a\n").is_err());
    }

    #[test]
    fn blocks_run_in_order_where_the_last_ended() {
        let folder = std::env::temp_dir().join(format!("pvm-blocks-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let run = |document: &str| run_blocks(&blocks(document), &folder, Path::new("/nowhere"));
        run(
            "```sh\nmkdir -p sub\ncd sub\n```\n```c file\nx\n```\n```sh fails\ncat file\nfalse\n```\n```text\nx\n```\n",
        )
        .unwrap();
        let error = run("```sh\necho one\nfalse\necho two\n```\n").unwrap_err().to_string();
        assert!(error.contains("docs/guests.md:1") && error.contains("one") && !error.contains("two"), "{error}");
        assert!(run("```sh fails\ntrue\n```\n").is_err(), "it has to fail");
        assert!(run("```sh\ntrue\n```\n```text\nno\n```\n").is_err(), "it has to print");
        assert!(run("```python\n```\n").is_err(), "an unknown kind");
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn the_tutorial_has_blocks_that_are_known() {
        let text = std::fs::read_to_string(root().join(TUTORIAL)).unwrap();
        let blocks = blocks(&text);
        assert!(blocks.len() > 40, "{} blocks", blocks.len());
        for pair in blocks.windows(2) {
            let is_output = pair[1].info == "text";
            assert!(!is_output || pair[0].info.starts_with("sh"), "line {}: output of nothing", pair[1].line);
        }
    }
}
