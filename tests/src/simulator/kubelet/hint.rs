//! Hints and how the topology manager merges them (kubelet `topologymanager/policy.go`).

use api::topology_manager::Policy;

/// Zones where a provider could allocate; whether it would like to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hint {
    /// None: anywhere.
    pub(crate) zones: Option<u64>,
    pub(crate) is_preferred: bool,
}

/// What a provider has to say about one resource; all of its hints, of which one is chosen. A provider that does not care
/// says nothing, one that cannot allocate anywhere has none.
pub(crate) type Hints = Vec<Hint>;

/// Zones in the order of the kubelet's iteration: by size, then by number.
pub(crate) fn masks(within: u64) -> Vec<u64> {
    let mut all: Vec<u64> = (1..=within).filter(|zones| zones & !within == 0).collect();
    all.sort_by_key(|zones| (zones.count_ones(), *zones));
    all
}

/// The topology manager's decision: the zones, and whether the pod (or the container) is admitted.
pub(crate) fn merge(policy: Policy, everywhere: u64, providers: &[Option<Hints>]) -> (Hint, bool) {
    const ANYWHERE: Hint = Hint {
        zones: None,
        is_preferred: true,
    };
    let mut all: Vec<Hints> = providers
        .iter()
        .map(|hints| match hints {
            None => vec![ANYWHERE],
            Some(none) if none.is_empty() => vec![Hint {
                is_preferred: false,
                ..ANYWHERE
            }],
            Some(hints) => hints.clone(),
        })
        .collect();
    if policy == Policy::SingleNumaNode {
        for hints in &mut all {
            hints.retain(|hint| {
                hint.is_preferred && hint.zones.is_none_or(|zones| zones.count_ones() == 1)
            });
        }
    }
    let narrowest = |hints: &Hints| {
        hints
            .iter()
            .filter_map(|hint| hint.zones)
            .map(u64::count_ones)
            .min()
    };
    let wished = all.iter().filter_map(narrowest).max().unwrap_or(0);
    let best = permutations(everywhere, &all)
        .into_iter()
        .filter(|(zones, _)| *zones != 0)
        .min_by_key(|(zones, is_preferred)| {
            let count = zones.count_ones();
            let distance = match (*is_preferred, count) {
                (true, _) => (0, count),
                // The kubelet creeps up to the size that the neediest provider wishes, then down to it.
                (false, _) if count <= wished => (1, wished - count),
                (false, _) => (2, count),
            };
            (distance, *zones)
        });
    let (zones, is_preferred) = best.unwrap_or((everywhere, false));
    let zones = if policy == Policy::SingleNumaNode && zones == everywhere {
        None
    } else {
        Some(zones)
    };
    let is_admitted = match policy {
        Policy::SingleNumaNode | Policy::Restricted => is_preferred,
        Policy::BestEffort | Policy::None => true,
    };
    (
        Hint {
            zones,
            is_preferred,
        },
        is_admitted,
    )
}

/// What the permutations of the hints come to, each result once: the zones that all have in common, and whether all were
/// preferred and of equal zones. The kubelet goes through every permutation; as what matters of a beginning is its result
/// alone, equal beginnings are gone on with once.
fn permutations(everywhere: u64, all: &[Hints]) -> Vec<(u64, bool)> {
    // The zones in common; whether preferred so far; whether any hint had zones (then all had these, if preferred).
    let mut begun = vec![(everywhere, true, false)];
    for hints in all {
        let mut next = Vec::with_capacity(begun.len());
        for (common, is_preferred, has_zones) in &begun {
            for hint in hints {
                let zones = hint.zones.unwrap_or(everywhere);
                let is_equal = hint.zones.is_none() || !has_zones || zones == *common;
                next.push((
                    common & zones,
                    *is_preferred && hint.is_preferred && is_equal,
                    *has_zones || hint.zones.is_some(),
                ));
            }
        }
        next.sort_unstable();
        next.dedup();
        begun = next;
    }
    begun
        .into_iter()
        .map(|(zones, is_preferred, _)| (zones, is_preferred))
        .collect()
}
