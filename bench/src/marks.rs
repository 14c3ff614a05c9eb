//! The marks that this repository has set itself, as ratios within the run.

use crate::contestants::Kind;
use crate::measure::{Fixed, Measured, Times};
use crate::report::{Results, geometric_mean, number};

/// A mark and what was reached.
pub(crate) struct Mark {
    pub(crate) name: String,
    pub(crate) wanted: String,
    pub(crate) reached: String,
    pub(crate) is_met: bool,
}

/// Those that the contestants of the run allow to judge.
pub(crate) fn all(results: &Results) -> Vec<Mark> {
    let mut marks = Vec::new();
    if !results.guests.is_empty() {
        execution(results, &mut marks);
        compilation(results, &mut marks);
    }
    if let Some(fixed) = results.fixed.iter().find(|fixed| fixed.kind == Kind::Pvm) {
        fixed_costs(fixed, &mut marks);
    }
    marks
}

const POLKAVM: [Kind; 2] = [Kind::PolkavmLinux, Kind::PolkavmGeneric];
const POLKAVM_FULL: [Kind; 2] = [Kind::PolkavmLinuxFull, Kind::PolkavmGenericFull];

/// For each guest that all of them ran, the time of the best of some by that of one; none if there is none.
fn ratios(results: &Results, best_of: &[Kind], by: Kind, time: impl Fn(&Times) -> f64) -> Option<Vec<f64>> {
    let ratio = |guest: &Measured| {
        let of = |kind| Results::times(guest, kind).map(&time);
        let best = best_of.iter().filter_map(|kind| of(*kind)).fold(f64::INFINITY, f64::min);
        (best < f64::INFINITY).then_some(best / of(by)?)
    };
    Some(results.guests.iter().filter_map(ratio).collect()).filter(|ratios: &Vec<f64>| !ratios.is_empty())
}

/// Ratios as a mark: their mean, or all of them, must be at least, or at most, a limit.
fn judge(marks: &mut Vec<Mark>, name: &str, ratios: Option<Vec<f64>>, is_mean: bool, limit: Limit) {
    let Some(ratios) = ratios else { return };
    let [least, most] = [f64::min, f64::max].map(|pick| ratios.iter().copied().reduce(pick).unwrap_or(f64::NAN));
    let mean = geometric_mean(&ratios);
    let is_met = match (limit, is_mean) {
        (Limit::AtLeast(limit), true) => mean >= limit,
        (Limit::AtLeast(limit), false) => least >= limit,
        (Limit::AtMost(limit), true) => mean <= limit,
        (Limit::AtMost(limit), false) => most <= limit,
    };
    let (word, limit) = match limit {
        Limit::AtLeast(limit) => ("at least", limit),
        Limit::AtMost(limit) => ("at most", limit),
    };
    let whose = if is_mean { "mean" } else { "each" };
    marks.push(Mark {
        name: name.to_owned(),
        wanted: format!("{whose} {word} {}", number(limit)),
        reached: format!("{} ({} to {})", number(mean), number(least), number(most)),
        is_met,
    });
}

#[derive(Clone, Copy)]
enum Limit {
    AtLeast(f64),
    AtMost(f64),
}

fn execution(results: &Results, marks: &mut Vec<Mark>) {
    let run = |times: &Times| times.run.minimum();
    let better = ratios(results, &POLKAVM, Kind::Pvm, run);
    judge(marks, "execution: the better polkavm by pvm, no gas", better, true, Limit::AtLeast(1.15));
    let cranelift = ratios(results, &[Kind::Cranelift], Kind::Pvm, run);
    judge(marks, "execution: cranelift by pvm, no gas", cranelift, false, Limit::AtLeast(1.0));
    let metered = ratios(results, &[Kind::PvmFull], Kind::Pvm, run);
    judge(marks, "execution: pvm with pipeline gas by pvm without", metered, true, Limit::AtMost(1.05));
    let full = ratios(results, &POLKAVM_FULL, Kind::PvmFull, run);
    judge(marks, "execution: the better polkavm by pvm, pipeline gas", full, true, Limit::AtLeast(1.15));
}

fn compilation(results: &Results, marks: &mut Vec<Mark>) {
    let compile = |times: &Times| times.compile.minimum();
    let full = ratios(results, &POLKAVM_FULL, Kind::PvmFull, compile);
    judge(marks, "compilation: polkavm by pvm, pipeline gas", full, true, Limit::AtLeast(2.0));
    let plain = ratios(results, &POLKAVM, Kind::PvmFull, compile);
    judge(marks, "compilation: polkavm without gas by pvm with", plain, false, Limit::AtLeast(1.0));
    let metered = ratios(results, &[Kind::PvmFull], Kind::Pvm, compile);
    judge(marks, "compilation: pvm with pipeline gas by pvm without", metered, true, Limit::AtMost(1.5));
    let total = ratios(results, &[Kind::Javm], Kind::PvmFull, |times| times.total.minimum());
    judge(marks, "compilation and first run: javm by pvm, pipeline gas", total, true, Limit::AtLeast(1.0));
}

fn fixed_costs(fixed: &Fixed, marks: &mut Vec<Mark>) {
    let mut at_most = |name: &str, value: f64, limit: f64, unit: &str| {
        marks.push(Mark {
            name: name.to_owned(),
            wanted: format!("at most {} {unit}", number(limit)),
            reached: format!("{} {unit}", number(value)),
            is_met: value <= limit,
        });
    };
    at_most("empty call", fixed.empty_call.minimum(), 40.0, "ns");
    at_most("host call", fixed.host_call.minimum(), 10.0, "ns");
    at_most("instance made and dropped", fixed.instantiate.minimum() / 1e3, 8.0, "us");
    at_most("memory of a fresh instance", fixed.footprint.resident / 1024.0, 64.0, "KiB");
}
