//! How many of what there are, for those who count.

use std::time::Duration;

use super::{Engine, Standing};
use crate::{moment::Moment, report::Source};

/// How many of what there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Nodes.
    pub nodes: usize,
    /// Nodes that report by NodeInventory.
    pub inventories: usize,
    /// Nodes that report by NodeResourceTopology alone.
    pub topologies: usize,
    /// NodeInventories that are too old to be relied on.
    pub stale: usize,
    /// Reports with something wrong in them.
    pub faulty: usize,
    /// How long ago the last report of the NodeInventory came that has been silent for longest.
    pub oldest_inventory: Option<Duration>,
    /// Pods that are bound and not in a report yet.
    pub assumed: usize,
    /// Pods that are in a report.
    pub confirmed: usize,
    /// Pods that no report tells of (any more).
    pub released: usize,
    /// Pairs of a node and an owner that it is not offered to.
    pub set_aside: usize,
}

impl Engine {
    /// Counts. Looks at every node.
    #[must_use]
    pub fn census(&self, now: Moment) -> Census {
        let mut census = Census::default();
        for site in self.sites.values() {
            census.nodes += usize::from(site.allocatable.is_some());
            census.set_aside += site
                .set_aside
                .iter()
                .filter(|aside| aside.until > now)
                .count();
            census.stale += usize::from(site.is_stale(&self.policy, now));
            if let Some(report) = site.report() {
                census.faulty += usize::from(!report.facts.faults.is_empty());
                match report.facts.source {
                    Source::Inventory(_) => {
                        census.inventories += 1;
                        census.oldest_inventory =
                            census.oldest_inventory.max(Some(now.since(report.at)));
                    }
                    Source::Topology => census.topologies += 1,
                }
            }
            for entry in &site.ledger {
                match entry.standing {
                    Standing::Assumed => census.assumed += 1,
                    Standing::Confirmed => census.confirmed += 1,
                    Standing::Released => census.released += 1,
                }
            }
        }
        census
    }
}
