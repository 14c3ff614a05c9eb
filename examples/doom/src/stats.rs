//! How long ticks take: the guest's part of each, from one picture to the next.

use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Ticks that are kept; later ones are counted only.
const KEPT_MAX: usize = 1 << 20;

/// Times of a game.
pub(crate) struct Stats {
    began: Instant,
    went_on: Instant,
    first: Option<Duration>,
    ticks: u64,
    times: Vec<Duration>,
}

/// What is said of them, in milliseconds.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Summary {
    pub(crate) ticks: u64,
    pub(crate) seconds: f64,
    pub(crate) first: f64,
    pub(crate) mean: f64,
    pub(crate) median: f64,
    pub(crate) percentile_99: f64,
    pub(crate) most: f64,
}

impl Stats {
    pub(crate) fn new() -> Stats {
        let now = Instant::now();
        Stats { began: now, went_on: now, first: None, ticks: 0, times: Vec::new() }
    }

    /// The guest is about to run.
    pub(crate) fn guest_goes_on(&mut self) {
        self.went_on = Instant::now();
    }

    /// The guest showed a picture.
    pub(crate) fn guest_stops(&mut self) {
        let time = self.went_on.elapsed();
        self.ticks += 1;
        // The first is the game's start.
        if self.first.is_none() {
            self.first = Some(time);
        } else if self.times.len() < KEPT_MAX {
            self.times.push(time);
        }
    }

    pub(crate) fn summary(&self) -> Summary {
        let mut times: Vec<f64> = self.times.iter().map(|time| 1000.0 * time.as_secs_f64()).collect();
        times.sort_by(f64::total_cmp);
        let at = |numerator: usize, denominator: usize| {
            times.get((times.len().saturating_sub(1)) * numerator / denominator).copied().unwrap_or_default()
        };
        let count = u32::try_from(times.len()).map(f64::from).unwrap_or_default();
        Summary {
            ticks: self.ticks,
            seconds: self.began.elapsed().as_secs_f64(),
            first: 1000.0 * self.first.unwrap_or_default().as_secs_f64(),
            mean: if times.is_empty() { 0.0 } else { times.iter().sum::<f64>() / count },
            median: at(1, 2),
            percentile_99: at(99, 100),
            most: at(1, 1),
        }
    }
}

impl Summary {
    /// In words.
    pub(crate) fn text(&self) -> String {
        format!(
            "{} ticks in {:.2} s; to the first picture {:.1} ms, then per tick: mean {:.3} ms, median {:.3} ms, 99th percentile \
             {:.3} ms, most {:.3} ms",
            self.ticks, self.seconds, self.first, self.mean, self.median, self.percentile_99, self.most
        )
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "ticks": self.ticks,
            "seconds": self.seconds,
            "first_picture_ms": self.first,
            "tick_ms": { "mean": self.mean, "median": self.median, "p99": self.percentile_99, "max": self.most },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tick_is_apart() {
        let mut stats = Stats::new();
        assert_eq!((stats.summary().ticks, stats.summary().mean), (0, 0.0));
        stats.first = Some(Duration::from_millis(100));
        stats.ticks = 101;
        stats.times = (1..=100).map(Duration::from_millis).collect();
        let summary = stats.summary();
        assert_eq!((summary.first, summary.median, summary.percentile_99, summary.most), (100.0, 50.0, 99.0, 100.0));
        assert!((summary.mean - 50.5).abs() < 1e-9, "{}", summary.mean);
    }
}
