//! What fresh instances take of the machine's memory.

use crate::contestants::Module;
use crate::measure::alive;
use crate::report::float;
use anyhow::{Context, Result};
use std::collections::BTreeSet;

/// Bytes of a fresh instance that has run once, in whatever process.
#[derive(Clone, Copy, Default)]
pub(crate) struct Footprint {
    /// Resident, with page tables.
    pub(crate) resident: f64,
    /// Resident, changed, and shared with nobody.
    pub(crate) private_dirty: f64,
}

const COUNT: usize = 100;

impl Footprint {
    /// The mean over a hundred that live at the same time.
    ///
    /// # Errors
    /// If they cannot be made, or the system does not tell.
    pub(crate) fn of_fresh_instances(module: &dyn Module) -> Result<Footprint> {
        drop(alive(module, 1)?);
        let before = [of("self", "smaps_rollup", "Rss:")? + of("self", "status", "VmPTE:")?, dirty("self")?];
        let instances = alive(module, COUNT)?;
        let mut after = [of("self", "smaps_rollup", "Rss:")? + of("self", "status", "VmPTE:")?, dirty("self")?];
        let processes: BTreeSet<u32> = instances.iter().filter_map(|instance| instance.pid()).collect();
        for process in processes {
            let process = process.to_string();
            after[0] += of(&process, "smaps_rollup", "Rss:")? + of(&process, "status", "VmPTE:")?;
            after[1] += dirty(&process)?;
        }
        let count = float(u64::try_from(COUNT)?);
        let [resident, private_dirty] = [0, 1].map(|index| float(after[index].saturating_sub(before[index])) / count);
        Ok(Footprint { resident, private_dirty })
    }
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
