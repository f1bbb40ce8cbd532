//! What is learnt of nodes and of their reports.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    Engine, Outcome,
    facts::{Arrived, Facts},
    fall::Fall,
    ledger::Standing,
};
use crate::{
    moment::Moment,
    report::{Report, Source},
    resource::{Kind, ResourceId},
};

impl Engine {
    pub(super) fn node_seen(
        &mut self,
        name: &str,
        allocatable: &BTreeMap<Box<str>, i64>,
        now: Moment,
    ) -> Vec<Outcome> {
        // Of the rest pods' demands are only known where it is aligned, and then it is in reports.
        let devices = allocatable
            .iter()
            .filter(|(resource, _)| Kind::of(resource) == Kind::Device);
        let mut devices: Vec<(ResourceId, i64)> = devices
            .filter_map(|(resource, amount)| {
                Some((self.resources.intern(resource)?, (*amount).max(0)))
            })
            .collect();
        devices.sort_unstable();
        self.offered
            .extend(devices.iter().map(|(resource, _)| *resource));
        let (site, was_open) = self.site(name, now);
        if site.allocatable.as_deref() == Some(&devices) {
            return Vec::new();
        }
        site.allocatable = Some(devices.into());
        self.settle(name, was_open, now)
    }

    pub(super) fn node_gone(&mut self, name: &str, now: Moment) -> Vec<Outcome> {
        let Some(site) = self.sites.get_mut(name) else {
            return Vec::new();
        };
        site.allocatable = None;
        let mut outcomes = self.settle(name, false, now);
        // Nobody is bound to a node that is gone.
        outcomes.retain(|outcome| !matches!(outcome, Outcome::Freed { .. }));
        outcomes
    }

    pub(super) fn reported(&mut self, name: &str, report: Report, now: Moment) -> Vec<Outcome> {
        let turn = self.turn;
        let pods = &self.pods;
        let known = |uid: &str| pods.get_key_value(uid).map(|(uid, _)| Arc::clone(uid));
        let facts = Facts::of(report, &mut self.resources, &mut self.texts, known);
        self.offered
            .extend(facts.parts.iter().map(|part| part.resource));
        let (site, was_open) = self.site(name, now);
        let place = match facts.source {
            Source::Inventory(_) => &site.inventory,
            Source::Topology => &site.topology,
        };
        if let Some(known) = place {
            match (facts.source, known.facts.source) {
                (Source::Inventory(new), Source::Inventory(old)) if new < old => {
                    return ignored(format!(
                        "NodeInventory {name}: report {} of epoch {} comes after {} of {}; it is older",
                        new.number, new.epoch, old.number, old.epoch
                    ));
                }
                (Source::Inventory(new), Source::Inventory(old)) if new == old => {
                    if facts == known.facts {
                        return Vec::new();
                    }
                    return ignored(format!(
                        "NodeInventory {name}: another report has come as report {} of epoch {}; the first holds, as every report has a sequence of its own",
                        new.number, new.epoch
                    ));
                }
                // The same object again is no news, and it does not know more pods than before.
                (Source::Topology, _) if facts == known.facts => return Vec::new(),
                _ => {}
            }
        }
        if let (Source::Topology, Some(known), None) =
            (facts.source, &site.topology, &site.inventory)
        {
            let mut fall = Fall::between(&known.facts, &facts);
            for entry in &mut site.ledger {
                entry.is_in_sums |= entry.standing == Standing::Assumed && fall.takes(entry);
            }
        }
        let place = match facts.source {
            Source::Inventory(_) => &mut site.inventory,
            Source::Topology => &mut site.topology,
        };
        *place = Some(Box::new(Arrived {
            facts,
            at: now,
            turn,
        }));
        self.settle(name, was_open, now)
    }

    pub(super) fn report_gone(&mut self, name: &str, source: Source, now: Moment) -> Vec<Outcome> {
        let Some(site) = self.sites.get_mut(name) else {
            return Vec::new();
        };
        let was_open = site.is_open(&self.policy, now);
        match source {
            Source::Inventory(_) => {
                site.inventory = None;
                // Who reports anew may not know yet what was known before.
                for entry in &mut site.ledger {
                    entry.was_listed = false;
                }
            }
            Source::Topology => {
                site.topology = None;
                for entry in &mut site.ledger {
                    entry.is_in_sums = false;
                }
            }
        }
        self.settle(name, was_open, now)
    }

    /// A report that came before its pods looked as if they were gone.
    pub(super) fn all_listed(&mut self, now: Moment) -> Vec<Outcome> {
        let names: Vec<Arc<str>> = self.sites.keys().cloned().collect();
        let mut outcomes = Vec::new();
        for name in names {
            let (site, was_open) = self.site(&name, now);
            for entry in &mut site.ledger {
                entry.alternatives.clear();
            }
            outcomes.extend(self.settle(&name, was_open, now));
        }
        outcomes
    }

    pub(super) fn tick(&mut self, now: Moment) -> Vec<Outcome> {
        let mut due: Vec<Arc<str>> = Vec::new();
        let mut offered_again: Vec<Arc<str>> = Vec::new();
        for (name, site) in &mut self.sites {
            let before = site.set_aside.len();
            site.set_aside.retain(|aside| aside.until > now);
            if site.set_aside.len() < before {
                offered_again.push(Arc::clone(name));
            }
            if site.is_due(&self.policy, now) || site.is_empty() {
                due.push(Arc::clone(name));
            }
        }
        let mut outcomes: Vec<Outcome> = offered_again
            .into_iter()
            .map(|node| Outcome::Freed {
                node: (*node).into(),
                resources: Vec::new(),
            })
            .collect();
        for name in due {
            let was_open = self.site(&name, now).1;
            outcomes.extend(self.settle(&name, was_open, now));
        }
        outcomes
    }
}

fn ignored(reason: String) -> Vec<Outcome> {
    vec![Outcome::Ignored { reason }]
}
