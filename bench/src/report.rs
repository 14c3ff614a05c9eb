//! The numbers as a table and as JSON.

use crate::{contestants::Kind, measure::Measured, measure::Times};
use serde_json::{Value, json};
use std::{fmt::Write, time::Duration};

/// How it was measured.
pub(crate) struct Conditions {
    pub(crate) rounds: usize,
    pub(crate) has_gas: bool,
    /// None if the process could not be pinned.
    pub(crate) core: Option<usize>,
}

/// Speed of the first relative to the second.
struct Ratio {
    /// Second's minimum by first's minimum.
    minima: f64,
    /// Median over the rounds of second's time by first's time in that round.
    pairs: f64,
}

/// Who is compared with whom: the second's time by the first's.
const PAIRS: [(Kind, Kind); 4] =
    [(Kind::Pvm, Kind::Polkavm), (Kind::PvmLinked, Kind::Polkavm), (Kind::Pvm, Kind::Wasmi), (Kind::Native, Kind::Pvm)];

pub(crate) fn text(conditions: &Conditions, guests: &[Measured]) -> String {
    let mut out = format!("{}\n\n", describe(conditions));
    let _ = writeln!(
        out,
        "{:15} {:>8} {:11} {:>9} {:>9} {:>8} {:>9}",
        "guest", "M instr", "", "min ms", "median", "ns/instr", "load us"
    );
    for guest in guests {
        for (index, times) in guest.times.iter().enumerate() {
            let (name, count) = if index == 0 {
                (guest.name, format!("{:.1}", float(guest.instructions) / 1e6))
            } else {
                ("", String::new())
            };
            let minimum = millis(minimum(&times.run));
            let _ = writeln!(
                out,
                "{name:15} {count:>8} {:11} {minimum:>9.2} {:>9.2} {:>8.2} {:>9.0}",
                times.kind.name(),
                millis(median(&times.run)),
                minimum * 1e6 / float(guest.instructions),
                millis(times.load + minimum_or_zero(&times.start)) * 1e3,
            );
        }
    }
    for (first, second) in PAIRS {
        let ratios: Vec<(&str, Ratio)> =
            guests.iter().filter_map(|guest| Some((guest.name, ratio(guest, first, second)?))).collect();
        if ratios.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\ntime of {} by time of {}: of minima, median of pairs", second.name(), first.name());
        for (name, ratio) in &ratios {
            let _ = writeln!(out, "{name:15} {:>7.2} {:>7.2}", ratio.minima, ratio.pairs);
        }
        let [minima, pairs] = geometric_means(ratios.iter().map(|(_, ratio)| ratio));
        let _ = writeln!(out, "{:15} {minima:>7.2} {pairs:>7.2}", "geometric mean");
    }
    out
}

pub(crate) fn json(conditions: &Conditions, guests: &[Measured]) -> Value {
    let nanos = |times: &[Duration]| {
        times.iter().map(|time| time.as_nanos().try_into().unwrap_or(u64::MAX)).collect::<Vec<u64>>()
    };
    let contestant = |times: &Times| {
        json!({
            "name": times.kind.name(),
            "load_ns": nanos(&[times.load])[0],
            "start_ns": nanos(&times.start),
            "run_ns": nanos(&times.run),
            "run_min_ns": nanos(&[minimum(&times.run)])[0],
            "run_median_ns": nanos(&[median(&times.run)])[0],
        })
    };
    let pair = |(first, second): (Kind, Kind)| {
        let ratios: Vec<(&str, Ratio)> =
            guests.iter().filter_map(|guest| Some((guest.name, ratio(guest, first, second)?))).collect();
        let [minima, pairs] = geometric_means(ratios.iter().map(|(_, ratio)| ratio));
        json!({
            "time_of": second.name(),
            "by_time_of": first.name(),
            "guests": ratios.iter().map(|(name, ratio)| json!({
                "name": name, "of_minima": ratio.minima, "median_of_pairs": ratio.pairs,
            })).collect::<Vec<_>>(),
            "geometric_mean_of_minima": minima,
            "geometric_mean_of_pairs": pairs,
        })
    };
    json!({
        "version": 1,
        "conditions": {
            "machine": machine(),
            "rounds": conditions.rounds,
            "gas": conditions.has_gas,
            "core": conditions.core,
        },
        "guests": guests.iter().map(|guest| json!({
            "name": guest.name,
            "instructions": guest.instructions,
            "contestants": guest.times.iter().map(contestant).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "ratios": PAIRS.into_iter().map(pair).collect::<Vec<_>>(),
    })
}

fn describe(conditions: &Conditions) -> String {
    let gas = if conditions.has_gas { "with gas" } else { "without gas" };
    let core = conditions.core.map_or_else(|| "not pinned".to_owned(), |core| format!("pinned to core {core}"));
    format!("{}; {} interleaved rounds, {core}, processor time, {gas}, fresh instance each round", machine(), conditions.rounds)
}

/// The processor's name, as far as Linux tells.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    name.map_or_else(|| std::env::consts::ARCH.to_owned(), |(_, name)| name.to_owned())
}

fn ratio(guest: &Measured, first: Kind, second: Kind) -> Option<Ratio> {
    let times = |kind| guest.times.iter().find(|times| times.kind == kind).map(|times| &times.run);
    let (first, second) = (times(first)?, times(second)?);
    let mut pairs: Vec<f64> = second.iter().zip(first).map(|(second, first)| second.div_duration_f64(*first)).collect();
    pairs.sort_by(f64::total_cmp);
    Some(Ratio { minima: minimum(second).div_duration_f64(minimum(first)), pairs: pairs[pairs.len() / 2] })
}

fn geometric_means<'a>(ratios: impl Iterator<Item = &'a Ratio>) -> [f64; 2] {
    let (mut count, mut minima, mut pairs) = (0.0, 0.0, 0.0);
    for ratio in ratios {
        count += 1.0;
        minima += ratio.minima.ln();
        pairs += ratio.pairs.ln();
    }
    [(minima / count).exp(), (pairs / count).exp()]
}

fn minimum(times: &[Duration]) -> Duration {
    times.iter().copied().min().expect("there is at least one round")
}

fn minimum_or_zero(times: &[Duration]) -> Duration {
    times.iter().copied().min().unwrap_or_default()
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort_unstable();
    times[times.len() / 2]
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Exact for counts below 2^53.
fn float(count: u64) -> f64 {
    Duration::from_nanos(count).as_secs_f64() * 1e9
}
