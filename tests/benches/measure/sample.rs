//! What is said of many measurements of one thing.

use std::time::Duration;

/// Measurements of one thing.
#[derive(Default)]
pub(crate) struct Sample(Vec<Duration>);

impl Sample {
    pub(crate) fn push(&mut self, measured: Duration) {
        self.0.push(measured);
    }

    /// In microseconds.
    pub(crate) fn median(&self) -> f64 {
        self.at(1, 2)
    }

    /// The tenth part was quicker; what else the machine has to do disturbs it less than the median. In microseconds.
    pub(crate) fn p10(&self) -> f64 {
        self.at(1, 10)
    }

    fn at(&self, numerator: usize, denominator: usize) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let measured = sorted.get(sorted.len() * numerator / denominator);
        measured.map_or(f64::NAN, |measured| measured.as_secs_f64() * 1e6)
    }
}
