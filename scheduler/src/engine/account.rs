//! A node's account, for people: who holds what and who is about to, and what was reported.

use super::{
    Engine, Standing,
    facts::{Facts, Holder},
    ledger::{Entry, listed},
    site::Site,
};
use crate::{moment::Moment, node::Node, report::Source, resource::ResourceId, zones::ZoneMask};

/// A node's account.
#[derive(Clone, Copy, Debug)]
pub struct Account<'e> {
    engine: &'e Engine,
    site: &'e Site,
}

/// A report, as far as it is not in the [`Node`].
#[derive(Clone, Copy, Debug)]
pub struct Reporting<'e> {
    /// Whose it is, and which of the reports.
    pub source: Source,
    /// When it came.
    pub arrived: Moment,
    /// Whether it is too old to be relied on.
    pub is_stale: bool,
    /// What is wrong with it, in words.
    pub faults: &'e [String],
}

/// What a pod holds on a node or will hold there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding<'e> {
    /// Its UID, where it is known.
    pub uid: Option<&'e str>,
    /// Its namespace.
    pub namespace: &'e str,
    /// Its name.
    pub name: &'e str,
    /// How it is counted. None for a pod that only the report knows: it is gone, and its devices are not free yet.
    pub standing: Option<Standing>,
    /// Whether the zones are certain.
    pub is_certain: bool,
    /// What it holds or will hold.
    pub held: Vec<HeldAmount<'e>>,
}

/// So much of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldAmount<'e> {
    /// The resource.
    pub resource: ResourceId,
    /// Where it is, or may be; none where it is aligned with no zone.
    pub zones: ZoneMask,
    /// The PCI address of the physical function behind it, where that is known.
    pub function: Option<&'e str>,
    /// How much.
    pub amount: i64,
}

impl Engine {
    /// The account of a node, if anything is known of it.
    #[must_use]
    pub fn account(&self, node: &str) -> Option<Account<'_>> {
        let site = self.sites.get(node)?;
        Some(Account { engine: self, site })
    }
}

impl<'e> Account<'e> {
    /// The node, as decisions see it.
    #[must_use]
    pub fn node(&self) -> &'e Node {
        &self.site.node
    }

    /// Whether there is a Node object of this name.
    #[must_use]
    pub const fn is_seen(&self) -> bool {
        self.site.allocatable.is_some()
    }

    /// The report that holds, if there is one.
    #[must_use]
    pub fn report(&self, now: Moment) -> Option<Reporting<'e>> {
        let report = self.site.report()?;
        Some(Reporting {
            source: report.facts.source,
            arrived: report.at,
            is_stale: self.site.is_stale(&self.engine.policy, now),
            faults: &report.facts.faults,
        })
    }

    /// The PCI addresses of the physical functions, in the order of [`Node::functions`].
    pub fn functions(&self) -> impl Iterator<Item = &'e str> {
        let functions = self.site.report().map(|report| &report.facts.functions);
        functions
            .into_iter()
            .flatten()
            .map(|function| &*function.address)
    }

    /// Until when the node is not offered to pods of an owner of this UID, because its kubelet refused one of them or put it
    /// elsewhere than was predicted.
    #[must_use]
    pub fn set_aside(&self, namespace: &str, owner: &str, now: Moment) -> Option<Moment> {
        let mut all = self.site.set_aside.iter();
        let aside = all.find(|aside| aside.is_of(namespace, owner))?;
        (aside.until > now).then_some(aside.until)
    }

    /// All pods that hold something, or will: those that are bound in the order in which they were seen bound, then those
    /// that only the report knows.
    #[must_use]
    pub fn holdings(&self) -> Vec<Holding<'e>> {
        let report = self.site.report();
        let facts = report.map(|report| &report.facts);
        let ledger = &self.site.ledger;
        let mut seen: Vec<&Holder> = Vec::new();
        let mut holdings: Vec<Holding<'e>> = ledger
            .iter()
            .map(|entry| {
                let holder = report.and_then(|report| listed(report, entry, ledger));
                seen.extend(holder);
                self.bound(entry, facts, holder)
            })
            .collect();
        let Some(facts) = facts else {
            return holdings;
        };
        let strangers = facts
            .holders
            .iter()
            .filter(|holder| !seen.iter().any(|known| std::ptr::eq(*known, *holder)));
        holdings.extend(strangers.map(|holder| Holding {
            uid: holder.uid.as_deref(),
            namespace: &holder.namespace,
            name: &holder.name,
            standing: None,
            is_certain: true,
            held: reported(facts, holder),
        }));
        holdings
    }

    fn bound(
        &self,
        entry: &'e Entry,
        facts: Option<&'e Facts>,
        holder: Option<&'e Holder>,
    ) -> Holding<'e> {
        let placement = entry.prediction.as_ref().map(|known| &known.placement);
        let is_reported = |resource: ResourceId| {
            let mut parts = facts.into_iter().flat_map(|facts| &facts.parts);
            parts.any(|part| part.resource == resource)
        };
        let mut held = match (facts, holder) {
            (Some(facts), Some(holder)) => reported(facts, holder),
            _ => Vec::new(),
        };
        for (resource, amount) in &entry.need.total {
            // What a report does not tell of is counted by demand, however far the pod is.
            let is_counted = match entry.standing {
                Standing::Assumed => self.site.node.stock(*resource).is_some(),
                Standing::Confirmed if holder.is_none() => true,
                Standing::Confirmed | Standing::Released => {
                    self.site.node.stock(*resource).is_some() && !is_reported(*resource)
                }
            };
            if !is_counted {
                continue;
            }
            let containers = entry.need.containers.iter();
            let zones = placement.map_or(ZoneMask::NONE, |placement| {
                let wanting = containers.zip(&placement.zones).filter(|(container, _)| {
                    let mut aligned = container.aligned.iter();
                    aligned.any(|(wanted, _)| wanted == resource)
                });
                wanting.fold(ZoneMask::NONE, |all, (_, zones)| all.or(*zones))
            });
            held.push(HeldAmount {
                resource: *resource,
                zones,
                function: None,
                amount: *amount,
            });
        }
        Holding {
            uid: Some(&entry.uid),
            namespace: &entry.namespace,
            name: &entry.name,
            standing: Some(entry.standing),
            is_certain: placement.is_none_or(|placement| placement.is_certain),
            held,
        }
    }
}

fn reported<'e>(facts: &'e Facts, holder: &'e Holder) -> Vec<HeldAmount<'e>> {
    let held = holder.held.iter().map(|held| HeldAmount {
        resource: held.resource,
        zones: held.zones,
        function: held.function.and_then(|at| {
            let function = facts.functions.get(usize::from(at))?;
            Some(&*function.address)
        }),
        amount: held.amount,
    });
    held.collect()
}
