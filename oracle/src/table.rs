//! Tables of measures, as Markdown and as JSON.

use crate::measure::{Linker, MEASURES, Row};
use std::fmt::Write;

/// All rows as the document that is committed.
pub fn markdown(command: &str, linkers: &[Linker], rows: &[Row]) -> String {
    let mut text = String::new();
    let _ = write!(
        text,
        "# Our linker beside polkavm-linker 0.37\n\n\
         Made by `{command}`. Every guest of `guest/fixtures`, the same ELF, for the newest instruction set of its width, \
         without debug information; polkavm-linker at its default level; \
         \"for gas\" is our level 2 with `--optimize gas`. A ratio below 1 says that ours is smaller or \
         faster. Instructions and gas are those of our interpreter, summed over all exports, and every blob must have the \
         same exits, results and output. Times are the least of ten and depend on the machine.\n\n\
         ## Geometric means, and the worst guest\n\n| measure |"
    );
    for linker in &linkers[1..] {
        let _ = write!(text, " {0} | worst |", linker.name());
    }
    text.push_str("\n|---|");
    text.push_str(&"---:|---|".repeat(linkers.len() - 1));
    text.push('\n');
    for (measure, name) in MEASURES.iter().enumerate() {
        let _ = write!(text, "| {name} |");
        for linker in 1..linkers.len() {
            let (worst, guest) = worst(rows, measure, linker);
            let _ = write!(text, " {:.3} | {worst:.3} {guest} |", geometric_mean(rows, measure, linker));
        }
        text.push('\n');
    }
    for (measure, name) in MEASURES.iter().enumerate() {
        let _ = write!(text, "\n## {}{}\n\n| guest | {} |", name[..1].to_uppercase(), &name[1..], linkers[0].name());
        for linker in &linkers[1..] {
            let _ = write!(text, " {} | ratio |", linker.name());
        }
        text.push_str("\n|---|---:|");
        text.push_str(&"---:|---:|".repeat(linkers.len() - 1));
        text.push('\n');
        for row in rows {
            let _ = write!(text, "| {} | {} |", row.guest, row.measures[0][measure]);
            for linker in 1..linkers.len() {
                let _ = write!(text, " {} | {:.3} |", row.measures[linker][measure], ratio(row, measure, linker));
            }
            text.push('\n');
        }
    }
    text
}

/// All rows for other programs: a list of guests, each with a list of its measures by linker.
pub fn json(linkers: &[Linker], rows: &[Row]) -> String {
    let guests: Vec<String> = rows
        .iter()
        .map(|row| {
            let linkers: Vec<String> = linkers
                .iter()
                .zip(&row.measures)
                .map(|(linker, measures)| {
                    let fields: Vec<String> =
                        MEASURES.iter().zip(measures).map(|(name, value)| format!("\"{name}\": {value}")).collect();
                    format!("{{\"linker\": \"{}\", {}}}", linker.name(), fields.join(", "))
                })
                .collect();
            format!("  {{\"guest\": \"{}\", \"linkers\": [\n    {}\n  ]}}", row.guest, linkers.join(",\n    "))
        })
        .collect();
    format!("[\n{}\n]\n", guests.join(",\n"))
}

/// A linker's measure divided by that of the first linker.
fn ratio(row: &Row, measure: usize, linker: usize) -> f64 {
    // 32 bits are enough for a ratio, and convert without loss.
    let [ours, theirs] = [linker, 0].map(|linker| {
        let value = row.measures[linker][measure];
        f64::from(u32::try_from(value >> shift(row, measure)).unwrap_or(u32::MAX))
    });
    if theirs == 0.0 { 1.0 } else { ours / theirs }
}

/// Bits to drop so that all of a row's values of a measure fit 32 bits.
fn shift(row: &Row, measure: usize) -> u32 {
    let largest = row.measures.iter().map(|measures| measures[measure]).max().unwrap_or(0);
    32u32.saturating_sub(largest.leading_zeros())
}

fn geometric_mean(rows: &[Row], measure: usize, linker: usize) -> f64 {
    let sum: f64 = rows.iter().map(|row| ratio(row, measure, linker).ln()).sum();
    (sum / f64::from(u32::try_from(rows.len()).unwrap_or(u32::MAX).max(1))).exp()
}

fn worst(rows: &[Row], measure: usize, linker: usize) -> (f64, &str) {
    let ratios = rows.iter().map(|row| (ratio(row, measure, linker), row.guest.as_str()));
    ratios.max_by(|left, right| left.0.total_cmp(&right.0)).unwrap_or((1.0, ""))
}
