//! What fresh instances take of the machine's memory.

use crate::contestants::{Kind, Module, engine, small_program};
use crate::measure::alive;
use crate::report::float;
use anyhow::{Context, Result, anyhow};
use std::collections::BTreeSet;
use std::fmt;
use std::process::Command;

/// Bytes of a fresh instance that has run once, in whatever process.
#[derive(Clone, Copy, Default)]
pub(crate) struct Footprint {
    /// Resident, with page tables, without pages of files on disk.
    pub(crate) resident: f64,
    /// Resident, changed, and shared with nobody.
    pub(crate) private_dirty: f64,
}

impl fmt::Display for Footprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.resident, self.private_dirty)
    }
}

const COUNT: usize = 100;

impl Footprint {
    /// That of a contestant, from a process that has done nothing else.
    ///
    /// # Errors
    /// If it cannot run the small guest, or the system does not tell.
    pub(crate) fn of(kind: Kind) -> Result<Footprint> {
        let output = Command::new(std::env::current_exe()?).args(["--footprint", kind.name()]).output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let [resident, private_dirty] = text
            .split_whitespace()
            .filter_map(|number| number.parse().ok())
            .collect::<Vec<f64>>()
            .try_into()
            .map_err(|_| anyhow!("{}: {}", text, String::from_utf8_lossy(&output.stderr)))?;
        Ok(Footprint { resident, private_dirty })
    }

    /// The same, in this process.
    ///
    /// # Errors
    /// Likewise.
    pub(crate) fn here(kind: Kind) -> Result<Footprint> {
        Self::of_fresh_instances(&*engine(kind)?.load(&small_program(kind)?)?)
    }

    /// The mean over a hundred that live at the same time.
    ///
    /// # Errors
    /// If they cannot be made, or the system does not tell.
    fn of_fresh_instances(module: &dyn Module) -> Result<Footprint> {
        drop(alive(module, 1)?);
        let before = [resident("self")?, dirty("self")?];
        let instances = alive(module, COUNT)?;
        let mut after = [resident("self")?, dirty("self")?];
        let processes: BTreeSet<u32> = instances.iter().filter_map(|instance| instance.pid()).collect();
        for process in processes {
            let process = process.to_string();
            after[0] += resident(&process)?;
            after[1] += dirty(&process)?;
        }
        let count = float(u64::try_from(COUNT)?);
        let [resident, private_dirty] = [0, 1].map(|index| float(after[index].saturating_sub(before[index])) / count);
        Ok(Footprint { resident, private_dirty })
    }
}

/// Without pages of files on disk, which come and go.
fn resident(process: &str) -> Result<u64> {
    ["RssAnon:", "RssShmem:", "VmPTE:"].into_iter().map(|name| of(process, "status", name)).sum()
}

fn dirty(process: &str) -> Result<u64> {
    of(process, "smaps_rollup", "Private_Dirty:")
}

/// A number of bytes that the system tells about a process, in KiB, on a line of its own.
fn of(process: &str, file: &str, name: &str) -> Result<u64> {
    let path = format!("/proc/{process}/{file}");
    let text = std::fs::read_to_string(&path).with_context(|| path.clone())?;
    let line =
        text.lines().find_map(|line| line.strip_prefix(name)).with_context(|| format!("{path} has no {name}"))?;
    let kib: u64 = line.split_whitespace().next().context("no number")?.parse()?;
    Ok(kib << 10)
}
