//! The numbers as tables and as JSON.

use crate::contestants::Kind;
use crate::marks;
use crate::measure::{Fixed, Measured, Samples, Times};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::{fmt::Write, time::Duration};

/// All that was measured.
pub(crate) struct Results {
    pub(crate) rounds: usize,
    pub(crate) core: Option<usize>,
    pub(crate) guests: Vec<Measured>,
    pub(crate) fixed: Vec<Fixed>,
}

impl Results {
    /// A contestant's times on a guest.
    pub(crate) fn times(guest: &Measured, kind: Kind) -> Option<&Times> {
        guest.times.iter().find(|times| times.kind == kind)
    }

    /// Who has run some guest.
    fn kinds(&self) -> Vec<Kind> {
        let has_run = |kind: &Kind| self.guests.iter().any(|guest| Results::times(guest, *kind).is_some());
        Kind::ALL.iter().copied().filter(has_run).collect()
    }
}

const BEGIN: &str = "<!-- bench -->\n";
const END: &str = "<!-- end of bench -->";

/// A text with the tables in place of what was there.
///
/// # Errors
/// If it has no place for them.
pub(crate) fn replace(text: &str, tables: &str) -> Result<String> {
    let (head, rest) = text.split_once(BEGIN).with_context(|| format!("no line {}", BEGIN.trim()))?;
    let (_, tail) = rest.split_once(END).with_context(|| format!("no line {END}"))?;
    Ok(format!("{head}{BEGIN}{tables}{END}{tail}"))
}

/// The tables.
pub(crate) fn markdown(results: &Results) -> String {
    let mut out = format!("{}; {} interleaved rounds, minima", machine(), results.rounds);
    let _ = match results.core {
        Some(core) => writeln!(out, ", on core {core}.\n"),
        None => writeln!(out, ".\n"),
    };
    if !results.guests.is_empty() {
        per_guest(&mut out, results, "Execution: milliseconds natively, else times native", |times| &times.run, true);
        per_guest(&mut out, results, "Compilation, microseconds", |times| &times.compile, false);
        per_guest(&mut out, results, "Compilation and first run, milliseconds", |times| &times.total, false);
    }
    for guest in &results.guests {
        for (kind, reason) in &guest.left_out {
            let _ = writeln!(out, "{} does not run {}: {reason}.\n", kind.name(), guest.name);
        }
    }
    if !results.fixed.is_empty() {
        fixed(&mut out, results);
    }
    let marks = marks::all(results);
    if !marks.is_empty() {
        out.push_str("### Marks\n\n| mark | wanted | reached | |\n|---|---|---|---|\n");
        for mark in marks {
            let is_met = if mark.is_met { "yes" } else { "**no**" };
            let _ = writeln!(out, "| {} | {} | {} | {is_met} |", mark.name, mark.wanted, mark.reached);
        }
        out.push('\n');
    }
    out
}

/// A row for each contestant, a column for each guest.
fn per_guest(
    out: &mut String,
    results: &Results,
    title: &str,
    samples: impl Fn(&Times) -> &Samples,
    is_relative: bool,
) {
    let _ = write!(out, "### {title}\n\n| |");
    for guest in &results.guests {
        let _ = write!(out, " {} |", guest.name);
    }
    let _ = write!(out, " mean |\n|---|{}\n", "---|".repeat(results.guests.len() + 1));
    let scale = if title.contains("micro") { 1e3 } else { 1e6 };
    for kind in results.kinds() {
        let mut row = Vec::new();
        for guest in &results.guests {
            let time = |kind| Results::times(guest, kind).map(|times| samples(times).minimum());
            let native = time(Kind::Native).filter(|_| is_relative && kind != Kind::Native);
            let value = time(kind).map(|time| native.map_or(time / scale, |native| time / native));
            row.push(value.unwrap_or(f64::NAN));
        }
        if kind == Kind::Native && title.starts_with("Compilation") {
            continue;
        }
        let cells: String = row.iter().map(|value| format!(" {} |", number(*value))).collect();
        let _ = writeln!(out, "| {} |{cells} {} |", kind.name(), number(geometric_mean(&row)));
    }
    out.push('\n');
}

fn fixed(out: &mut String, results: &Results) {
    out.push_str("### Fixed costs\n\n");
    out.push_str(
        "| | empty call, ns | host call, ns | instance, us | instance and call, us | resident, KiB | private, KiB |\n",
    );
    out.push_str("|---|---|---|---|---|---|---|\n");
    for fixed in &results.fixed {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} |",
            fixed.kind.name(),
            number(fixed.empty_call.minimum()),
            number(fixed.host_call.minimum()),
            number(fixed.instantiate.minimum() / 1e3),
            number(fixed.instantiate_and_call.minimum() / 1e3),
            number(fixed.footprint.resident / 1024.0),
            number(fixed.footprint.private_dirty / 1024.0),
        );
    }
    out.push('\n');
}

/// All numbers, for other programs.
pub(crate) fn json(results: &Results) -> Value {
    let samples = |samples: &Samples| json!({ "ns": samples.0, "min": samples.minimum(), "median": samples.median() });
    json!({
        "version": 2,
        "machine": machine(),
        "rounds": results.rounds,
        "core": results.core,
        "guests": results.guests.iter().map(|guest| json!({
            "name": guest.name,
            "blob_size": guest.blob_size,
            "left_out": guest.left_out.iter().map(|(kind, reason)| json!({ "name": kind.name(), "reason": reason })).collect::<Vec<_>>(),
            "contestants": guest.times.iter().map(|times| json!({
                "name": times.kind.name(),
                "compile": samples(&times.compile),
                "run": samples(&times.run),
                "compile_and_first_run": samples(&times.total),
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "fixed": results.fixed.iter().map(|fixed| json!({
            "name": fixed.kind.name(),
            "empty_call": samples(&fixed.empty_call),
            "host_call": samples(&fixed.host_call),
            "instantiate": samples(&fixed.instantiate),
            "instantiate_and_call": samples(&fixed.instantiate_and_call),
            "resident_bytes": fixed.footprint.resident,
            "private_dirty_bytes": fixed.footprint.private_dirty,
        })).collect::<Vec<_>>(),
        "marks": marks::all(results).into_iter().map(|mark| json!({
            "mark": mark.name, "wanted": mark.wanted, "reached": mark.reached, "is_met": mark.is_met,
        })).collect::<Vec<_>>(),
    })
}

/// Three digits.
pub(crate) fn number(value: f64) -> String {
    match value {
        value if !value.is_finite() => "-".to_owned(),
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Of those that are there.
pub(crate) fn geometric_mean(values: &[f64]) -> f64 {
    let values: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    let count = float(u64::try_from(values.len()).unwrap_or(1).max(1));
    (values.iter().map(|value| value.ln()).sum::<f64>() / count).exp()
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or("an unknown processor", |(_, name)| name.trim()).to_owned()
}

/// Exact for counts below 2^53.
pub(crate) fn float(count: u64) -> f64 {
    Duration::from_nanos(count).as_secs_f64() * 1e9
}
