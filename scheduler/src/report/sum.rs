//! Amounts while they are gathered: those of the same resource, zones and physical function are one.

use std::{collections::BTreeMap, ops::RangeInclusive};

use super::ReportedAmount;
use crate::zones::ZoneMask;

/// More of anything than a machine has: thousandths of CPUs, bytes, pieces. So few that no sum of them overflows.
pub(super) const MOST: u64 = 1 << 50;

/// More parts than any node's devices fall into. What is beyond is not counted.
const MOST_PARTS: usize = 4096;

/// How much there is of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Of {
    pub(super) capacity: i64,
    pub(super) allocatable: i64,
    pub(super) available: i64,
}

/// Amounts by resource, zones and physical function.
#[derive(Debug, Default)]
pub(super) struct Sum<'a>(BTreeMap<Key<'a>, Of>);

type Key<'a> = (&'a str, ZoneMask, Option<u16>);

impl<'a> Sum<'a> {
    /// So much more. Amounts of nothing say that the resource is known here.
    pub(super) fn add(
        &mut self,
        resource: &'a str,
        zones: ZoneMask,
        function: Option<u16>,
        more: Of,
    ) {
        let sum = self.0.entry((resource, zones, function)).or_default();
        sum.capacity = sum.capacity.saturating_add(more.capacity);
        sum.allocatable = sum.allocatable.saturating_add(more.allocatable);
        sum.available = sum.available.saturating_add(more.available);
    }

    /// Whether the resource is known here.
    pub(super) fn knows(&self, resource: &'a str) -> bool {
        self.0.range(parts(resource)).next().is_some()
    }

    /// What is available of a resource in all.
    pub(super) fn available(&self, resource: &'a str) -> i64 {
        self.0
            .range(parts(resource))
            .fold(0_i64, |sum, (_, of)| sum.saturating_add(of.available))
    }

    /// So much less of a resource is available, nobody knows where: of each part.
    pub(super) fn withhold(&mut self, resource: &'a str, amount: i64) {
        for (_, of) in self.0.range_mut(parts(resource)) {
            of.available = of.available.saturating_sub(amount).max(0);
        }
    }

    /// The amounts, sorted.
    pub(super) fn into_amounts(self, faults: &mut Vec<String>) -> Vec<ReportedAmount> {
        if self.0.len() > MOST_PARTS {
            faults.push(format!(
                "devices of {} kinds, zones and physical functions; the first {MOST_PARTS} are counted",
                self.0.len()
            ));
        }
        let parts = self.0.into_iter().take(MOST_PARTS);
        parts
            .map(|((resource, zones, function), of)| ReportedAmount {
                resource: resource.into(),
                zones,
                function,
                capacity: of.capacity,
                allocatable: of.allocatable,
                available: of.available,
            })
            .collect()
    }
}

/// The keys of all parts of a resource.
fn parts(resource: &str) -> RangeInclusive<Key<'_>> {
    (resource, ZoneMask::NONE, None)..=(resource, ZoneMask(u64::MAX), Some(u16::MAX))
}

/// A number of the object, where it is one that a machine could have.
pub(super) fn sane(
    number: u64,
    what: impl FnOnce() -> String,
    faults: &mut Vec<String>,
) -> Option<i64> {
    let found = i64::try_from(number).ok().filter(|_| number <= MOST);
    if found.is_none() {
        faults.push(format!("{}: {number} is more than any machine has", what()));
    }
    found
}
