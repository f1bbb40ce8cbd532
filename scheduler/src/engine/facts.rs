//! What a node's report said, with names numbered: what is kept of it until the next one.

use std::{collections::HashSet, sync::Arc};

use api::topology_manager::{Policy, Scope};

use crate::{
    moment::Moment,
    node,
    report::{self, Report, Source},
    resource::{ResourceId, Resources},
    zones::ZoneMask,
};

/// A report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) source: Source,
    pub(super) policy: Policy,
    pub(super) scope: Scope,
    pub(super) zones: Box<[u32]>,
    /// By resource, zones and function.
    pub(super) parts: Box<[Part]>,
    /// Those with a UID first, by UID.
    pub(super) holders: Box<[Holder]>,
    pub(super) functions: Box<[Function]>,
    pub(super) accelerator_roots: Box<[u16]>,
    pub(super) distances: Box<[u8]>,
    pub(super) faults: Box<[String]>,
}

/// So much of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) resource: ResourceId,
    pub(super) zones: ZoneMask,
    pub(super) function: Option<u16>,
    pub(super) capacity: i64,
    pub(super) allocatable: i64,
    pub(super) available: i64,
}

/// A pod that holds something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) uid: Option<Arc<str>>,
    pub(super) namespace: Arc<str>,
    pub(super) name: Box<str>,
    /// Its containers together, by resource, zones and function.
    pub(super) held: Box<[Held]>,
}

/// So much of a resource that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) resource: ResourceId,
    pub(super) zones: ZoneMask,
    pub(super) function: Option<u16>,
    pub(super) amount: i64,
}

/// A physical function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) address: Arc<str>,
    pub(super) node: node::Function,
}

/// A report and when it came.
#[derive(Clone, Debug)]
pub(super) struct Arrived {
    pub(super) facts: Facts,
    pub(super) at: Moment,
    /// Its place among all events.
    pub(super) turn: u64,
}

/// Texts that many nodes and pods have in common, each once.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts(HashSet<Arc<str>>);

impl Texts {
    /// The text.
    pub(super) fn intern(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = text.into();
        self.0.insert(Arc::clone(&new));
        new
    }

    /// Forgets those that nobody has any more, once there are very many.
    pub(super) fn tidy(&mut self) {
        if self.0.len() == self.0.capacity() {
            self.0.retain(|text| Arc::strong_count(text) > 1);
        }
    }
}

impl Facts {
    /// What is kept of a report. `known` has the UIDs of pods that are kept anyway.
    pub(super) fn of(
        report: Report,
        resources: &mut Resources,
        texts: &mut Texts,
        known: impl Fn(&str) -> Option<Arc<str>>,
    ) -> Self {
        let mut faults = report.faults;
        let mut number = |name: &str| {
            let id = resources.intern(name);
            if id.is_none() {
                faults.push(format!(
                    "{name}: too many resources are known; it is not counted"
                ));
            }
            id
        };
        let mut parts: Vec<Part> = report
            .amounts
            .into_iter()
            .filter_map(|amount| {
                Some(Part {
                    resource: number(&amount.resource)?,
                    zones: amount.zones,
                    function: amount.function,
                    capacity: amount.capacity,
                    allocatable: amount.allocatable,
                    available: amount.available,
                })
            })
            .collect();
        parts.sort_unstable_by_key(|part| (part.resource, part.zones, part.function));
        texts.tidy();
        let mut holders: Vec<Holder> = report
            .holders
            .into_iter()
            .map(|holder| {
                let held = holder.held.into_iter().filter_map(|held| {
                    let resource = number(&held.resource)?;
                    Some(Held {
                        resource,
                        zones: held.zones,
                        function: held.function,
                        amount: held.amount,
                    })
                });
                Holder {
                    uid: holder
                        .uid
                        .map(|uid| known(&uid).unwrap_or_else(|| uid.into())),
                    namespace: texts.intern(&holder.namespace),
                    name: holder.name,
                    held: together(held.collect()),
                }
            })
            .collect();
        holders.sort_by(|a, b| (a.uid.is_none(), &a.uid).cmp(&(b.uid.is_none(), &b.uid)));
        let (functions, accelerator_roots) =
            functions(&report.functions, &report.accelerator_roots, texts);
        Self {
            source: report.source,
            policy: report.policy,
            scope: report.scope,
            zones: report.zones.into(),
            parts: parts.into(),
            holders: holders.into(),
            functions,
            accelerator_roots,
            distances: report.distances.into(),
            faults: faults.into(),
        }
    }

    /// What a pod of this UID holds; nothing where the report does not list it.
    pub(super) fn holder(&self, uid: &str) -> Option<&Holder> {
        let known = self.holders.partition_point(|holder| holder.uid.is_some());
        let known = &self.holders[..known];
        let at = known.binary_search_by(|holder| holder.uid.as_deref().cmp(&Some(uid)));
        at.ok().map(|at| &known[at])
    }

    /// The pods that the reporter knew by name alone.
    pub(super) fn unidentified(&self) -> &[Holder] {
        let known = self.holders.partition_point(|holder| holder.uid.is_some());
        &self.holders[known..]
    }
}

/// The same without what stands in it several times.
fn together(mut held: Vec<Held>) -> Box<[Held]> {
    held.sort_unstable_by_key(|held| (held.resource, held.zones, held.function));
    held.dedup_by(|next, held| {
        let is_same = (held.resource, held.zones, held.function)
            == (next.resource, next.zones, next.function);
        if is_same {
            held.amount = held.amount.saturating_add(next.amount);
        }
        is_same
    });
    held.into()
}

/// Physical functions and accelerators, their roots and switches numbered within the node.
fn functions(
    functions: &[report::Function],
    accelerator_roots: &[Box<str>],
    texts: &mut Texts,
) -> (Box<[Function]>, Box<[u16]>) {
    let (mut roots, mut switches) = (Vec::new(), Vec::new());
    let known = functions.iter().map(|function| Function {
        address: texts.intern(&function.address),
        node: node::Function {
            pcie_root: function
                .pcie_root
                .as_deref()
                .and_then(|root| number(root, &mut roots)),
            switch: function
                .switch
                .as_deref()
                .and_then(|switch| number(switch, &mut switches)),
            link_up: function.link_up,
        },
    });
    let known = known.collect();
    let accelerators = accelerator_roots.iter();
    let accelerators = accelerators.filter_map(|root| number(root, &mut roots));
    (known, accelerators.collect())
}

/// The place of a name among all, at which it is put where it is new. A node has few of them.
fn number<'a>(name: &'a str, all: &mut Vec<&'a str>) -> Option<u16> {
    let at = all
        .iter()
        .position(|known| *known == name)
        .unwrap_or_else(|| {
            all.push(name);
            all.len() - 1
        });
    u16::try_from(at).ok()
}
