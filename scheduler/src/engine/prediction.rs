//! Where a pod is taken to be until its node's report tells, and whether that was true.

use std::sync::Arc;

use super::{
    Outcome,
    facts::{Facts, Held, Holder},
    ledger::Entry,
};
use crate::{need::Need, placement::Placement, resource::ResourceId, zones::ZoneMask};

/// Where a pod is taken to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Prediction {
    /// The kernel's numbers of all zones that it can be in, ascending; none where nothing of it is aligned.
    zones: Box<[u32]>,
    /// The physical functions of its devices, where those of a resource can be behind one only.
    functions: Box<[(ResourceId, Arc<str>)]>,
    /// The zones by container.
    pub(super) placement: Placement,
}

impl Prediction {
    /// The prediction that a placement is beside a report.
    pub(super) fn of(facts: Option<&Facts>, need: &Need, placement: &Placement) -> Self {
        let all = placement.zones.iter().copied();
        let all = all.fold(ZoneMask::NONE, ZoneMask::or);
        let functions = need.total.iter().filter_map(|(resource, _)| {
            let address = only_function(facts?, *resource, all)?;
            Some((*resource, address))
        });
        Self {
            functions: functions.collect(),
            zones: facts.map_or_else(Box::default, |facts| numbers(facts, all)),
            placement: placement.clone(),
        }
    }

    /// Says so where the pod is elsewhere.
    pub(super) fn compared(
        &self,
        node: &str,
        entry: &Entry,
        facts: &Facts,
        holder: &Holder,
    ) -> Option<Outcome> {
        let predicted = self.zones.iter().filter_map(|zone| {
            let at = facts.zones.binary_search(zone).ok()?;
            Some(ZoneMask::of(at))
        });
        let predicted = predicted.fold(ZoneMask::NONE, ZoneMask::or);
        let is_aligned = |held: &&Held| !held.zones.is_empty();
        let aligned = || holder.held.iter().filter(is_aligned);
        let is_elsewhere =
            !self.zones.is_empty() && aligned().any(|held| !held.zones.overlaps(predicted));

        let behind = |resource: ResourceId| {
            let held = holder
                .held
                .iter()
                .filter(move |held| held.resource == resource);
            let functions = held.filter_map(|held| held.function);
            functions.filter_map(|at| facts.functions.get(usize::from(at)))
        };
        let mut predicted_functions = Vec::new();
        let mut actual_functions = Vec::new();
        for (resource, address) in &self.functions {
            if behind(*resource).any(|function| function.address != *address) {
                predicted_functions.push((**address).into());
                actual_functions
                    .extend(behind(*resource).map(|function| (*function.address).into()));
            }
        }
        (is_elsewhere || !predicted_functions.is_empty()).then(|| Outcome::Mispredicted {
            node: node.into(),
            namespace: (*entry.namespace).into(),
            name: entry.name.clone(),
            predicted: self.zones.to_vec(),
            actual: {
                let all = aligned().map(|held| held.zones);
                numbers(facts, all.fold(ZoneMask::NONE, ZoneMask::or)).into()
            },
            predicted_functions,
            actual_functions,
        })
    }
}

/// The kernel's numbers of zones.
pub(super) fn numbers(facts: &Facts, zones: ZoneMask) -> Box<[u32]> {
    let all = zones.indexes().filter_map(|at| facts.zones.get(at));
    all.copied().collect()
}

/// The address of the function behind all free devices of a resource in these zones, where there is but one.
fn only_function(facts: &Facts, resource: ResourceId, zones: ZoneMask) -> Option<Arc<str>> {
    let is_candidate = |part: &&super::facts::Part| {
        part.resource == resource
            && part.available > 0
            && (part.zones.is_empty() || zones.is_empty() || part.zones.overlaps(zones))
    };
    let mut functions = facts.parts.iter().filter(is_candidate);
    let first = functions.next()?.function?;
    let is_only = functions.all(|part| part.function == Some(first));
    let function = facts.functions.get(usize::from(first))?;
    is_only.then(|| Arc::clone(&function.address))
}
