//! What became less from one NodeResourceTopology to the next: whose share it may be.
//!
//! The kubelet gives before it pulls images, and exporters look within a second: the sums have a pod long before it is seen
//! started, and do not change any more when it is.

use super::{facts::Facts, ledger::Entry};
use crate::{need::Role, resource::ResourceId, zones::ZoneMask};

/// What became less, by resource and zone.
#[derive(Debug)]
pub(super) struct Fall(Vec<((ResourceId, ZoneMask), i64)>);

impl Fall {
    /// From one report to the next; nothing where their zones are not the same.
    pub(super) fn between(before: &Facts, after: &Facts) -> Self {
        if before.zones != after.zones {
            return Self(Vec::new());
        }
        let less = before.parts.iter().filter_map(|part| {
            let key = (part.resource, part.zones);
            let same = |other: &&super::facts::Part| (other.resource, other.zones) == key;
            let left = after.parts.iter().find(same)?;
            // Devices that are there no more, or ill, are nobody's.
            let is_as_large = left.allocatable == part.allocatable;
            let less = part.available.saturating_sub(left.available);
            (is_as_large && less > 0).then_some((key, less))
        });
        Self(less.collect())
    }

    /// Whether a pod's share of the zones it is predicted to be in is among that, all of it. Then it is nobody else's.
    pub(super) fn takes(&mut self, entry: &Entry) -> bool {
        let Some(prediction) = &entry.prediction else {
            return false;
        };
        let mut left = self.0.clone();
        let mut is_any = false;
        let containers = entry.need.containers.iter();
        for (container, zones) in containers.zip(&prediction.placement.zones) {
            let mut aligned = container.aligned.iter().filter(|(_, amount)| *amount > 0);
            // What an init container has, others may have after it.
            if container.role == Role::Init && aligned.clone().next().is_some() {
                return false;
            }
            let is_there = aligned.all(|(resource, amount)| {
                let mut all = left.iter_mut();
                let share = all.find(|(key, less)| *key == (*resource, *zones) && less >= amount);
                is_any |= share.is_some();
                share.map(|(_, less)| *less -= amount).is_some()
            });
            if !is_there {
                return false;
            }
        }
        if is_any {
            self.0 = left;
        }
        is_any
    }
}
