//! What came of a run.

use std::{collections::BTreeMap, fmt};

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) arrived: usize,
    pub(crate) admitted: usize,
    /// Pods that no node was found for.
    pub(crate) unplaced: usize,
    /// Pods that a kubelet refused: by its policy, whether the prediction was certain, and whether all had been told.
    pub(crate) refused: BTreeMap<(PolicyName, bool, bool), usize>,
    /// Refusals that were put before the judge.
    pub(crate) appeals: usize,
    /// Answers of the engine.
    pub(crate) answers: usize,
    pub(crate) reports: usize,
    /// What must not be: in a line, and all that has to be known to see why.
    pub(crate) problems: Vec<(String, String)>,
}

/// A policy's name, which has an order.
pub(crate) type PolicyName = &'static str;

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} pods, {} admitted, {} without a node, {} answers, {} reports, {} refusals judged",
            self.arrived, self.admitted, self.unplaced, self.answers, self.reports, self.appeals
        )?;
        for ((policy, is_certain, is_told), count) in &self.refused {
            let certain = if *is_certain { "certain" } else { "uncertain" };
            let told = if *is_told { "" } else { ", ends not yet told" };
            write!(f, "; {count} refused by {policy} ({certain}{told})")?;
        }
        Ok(())
    }
}
