//! The ratios that are aimed at: functions of times measured in one run.

use crate::{
    case::{Case, Costs, Traced},
    sample::Sample,
};

/// A number and what it is to be at most.
pub(crate) struct Ratio {
    /// For programs that read it.
    pub(crate) key: &'static str,
    /// For people.
    pub(crate) name: &'static str,
    pub(crate) value: f64,
    /// None where it is only told.
    pub(crate) aim: Option<f64>,
}

impl Ratio {
    pub(crate) fn is_met(&self) -> Option<bool> {
        self.aim.map(|aim| self.value <= aim)
    }
}

/// One number of a sample.
type Pick = fn(&Sample) -> f64;

/// Peak memory that is aimed at, in KiB.
const PEAK: f64 = 1536.0;

/// All ratios. `cases` are in the order of their sizes, 0 networks first, then 1, 10, 50, 100.
pub(crate) fn all(empty_rust: &Costs, cases: &[(Case, [Traced; 2])]) -> Vec<Ratio> {
    let [(none, _), _, (ten, _), (fifty, _), (hundred, _)] = cases else {
        return Vec::new();
    };
    let start = |verb: fn(&Case) -> &Costs, pick: Pick| {
        (pick(&verb(none).wall) - pick(&none.chain.wall)) / pick(&empty_rust.wall)
    };
    let further = |verb: fn(&Case) -> &Costs, pick: Pick| {
        slope(ten, hundred, verb, pick) / slope(ten, hundred, chain, pick)
    };
    let growth = |verb: fn(&Case) -> &Costs, pick: Pick| {
        slope(fifty, hundred, verb, pick) / slope(ten, fifty, verb, pick)
    };
    let peak = cases
        .iter()
        .flat_map(|(_, traced)| traced)
        .map(|traced| traced.peak)
        .max();
    let ratio = |key, name, value, aim| Ratio {
        key,
        name,
        value,
        aim,
    };
    let (median, p10): (Pick, Pick) = (Sample::median, Sample::p10);
    vec![
        ratio(
            "startAdd",
            "ADD of the cluster network alone without its delegate, in empty Rust programs",
            start(add, median),
            Some(3.0),
        ),
        ratio("startAddP10", "the same, by p10", start(add, p10), None),
        ratio(
            "startDel",
            "DEL of the cluster network alone without its delegate, in empty Rust programs",
            start(del, median),
            Some(3.0),
        ),
        ratio(
            "furtherAdd",
            "ADD of one network more (10 to 100), in executions of a delegate",
            further(add, median),
            Some(1.5),
        ),
        ratio("furtherAddP10", "the same, by p10", further(add, p10), None),
        ratio(
            "furtherDel",
            "DEL of one network more (10 to 100), in executions of a delegate",
            further(del, median),
            Some(1.5),
        ),
        ratio(
            "growthAdd",
            "ADD: a network between 50 and 100 beside one between 10 and 50",
            growth(add, median),
            Some(1.2),
        ),
        ratio("growthAddP10", "the same, by p10", growth(add, p10), None),
        ratio(
            "growthDel",
            "DEL: a network between 50 and 100 beside one between 10 and 50",
            growth(del, median),
            Some(1.2),
        ),
        ratio(
            "peakKib",
            "the largest peak memory of all, KiB",
            peak.map_or(f64::NAN, as_number),
            Some(PEAK),
        ),
    ]
}

/// What one network more costs between two sizes, in microseconds.
fn slope(small: &Case, large: &Case, verb: fn(&Case) -> &Costs, pick: Pick) -> f64 {
    let networks = u64::try_from(large.extra - small.extra).map_or(f64::NAN, as_number);
    (pick(&verb(large).wall) - pick(&verb(small).wall)) / networks
}

fn chain(case: &Case) -> &Costs {
    &case.chain
}

fn add(case: &Case) -> &Costs {
    &case.add
}

fn del(case: &Case) -> &Costs {
    &case.del
}

/// Counts here are far below 2^32.
fn as_number(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
