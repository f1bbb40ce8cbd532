//! A question about a pod: which nodes it may go to.

use std::hint::black_box;

use super::{Engine, pods::is_counted, site::Site, worlds::beside};
use crate::{
    align::{Scratch, align},
    demand::PodDemand,
    link,
    moment::Moment,
    need::Need,
    node::Node,
    placement::{Placement, Refusal},
    score::{Circumstances, Knowledge, Parts, parts},
    spread,
    words::Reason,
};

/// As many nodes as [`Question::fetch`] takes at most.
pub const AT_ONCE: usize = 32;

/// A question about a pod, prepared once for all nodes.
#[derive(Debug)]
pub struct Question<'e> {
    engine: &'e Engine,
    demand: &'e PodDemand,
    need: Need,
    now: Moment,
    /// Whether it demands devices. Other pods are never kept from a node of which too little is known.
    wants_devices: bool,
    /// Whether it demands a resource that no node has.
    wants_the_unknown: bool,
    /// Whether it needs anything that nodes are known by.
    is_counted: bool,
}

impl<'e> Question<'e> {
    pub(super) fn new(engine: &'e Engine, demand: &'e PodDemand, now: Moment) -> Self {
        let need = Need::of(demand, &engine.resources);
        let is_offered = |(resource, _): &(_, _)| engine.offered.contains(resource);
        Self {
            wants_devices: !need.unknown.is_empty() || !need.devices.is_empty(),
            wants_the_unknown: !need.unknown.is_empty() || !need.devices.iter().all(is_offered),
            is_counted: is_counted(&need),
            engine,
            demand,
            need,
            now,
        }
    }

    /// The pod and what it demands.
    #[must_use]
    pub const fn demand(&self) -> &'e PodDemand {
        self.demand
    }

    /// What the pod needs.
    #[must_use]
    pub const fn need(&self) -> &Need {
        &self.need
    }

    /// Has the processor fetch what [`Question::filter`] and [`Question::score`] read of some nodes, [`AT_ONCE`] at most.
    /// What is known of one node lies far from what is known of the next: by this it waits for several of them at once.
    pub fn fetch<'n>(&self, nodes: impl Iterator<Item = &'n str>) {
        let mut sites = [None; AT_ONCE];
        for (site, name) in sites.iter_mut().zip(nodes) {
            *site = self.engine.sites.get(name);
        }
        let sites = sites.into_iter().flatten();
        let sum = sites.fold(0, |sum, site| sum ^ site.touch());
        // Nobody wants the sum, but without it nothing would be read.
        black_box(sum);
    }

    /// Whether the kubelet of a node will take the pod; the prediction is left in `scratch.placement`.
    ///
    /// # Errors
    /// The node is not for the pod.
    pub fn filter(&self, node: &str, scratch: &mut Scratch) -> Result<(), Refusal> {
        match self.admitted(node, scratch)? {
            Some(site) => self.fits(&site.node, &site.worlds, scratch),
            None => Ok(()),
        }
    }

    /// As [`Question::filter`], when these pods are taken to be bound to the node too, in their order.
    ///
    /// # Errors
    /// The node is not for the pod.
    pub fn filter_beside(
        &self,
        node: &str,
        promised: &[&PodDemand],
        scratch: &mut Scratch,
    ) -> Result<(), Refusal> {
        let Some(site) = self.admitted(node, scratch)? else {
            return Ok(());
        };
        let resources = &self.engine.resources;
        let promised = promised.iter().map(|demand| Need::of(demand, resources));
        let promised: Vec<Need> = promised.collect();
        let with = |node, scratch: &mut Scratch| beside(node, &promised, scratch);
        let node = with(&site.node, scratch);
        let worlds = site.worlds.iter();
        let worlds: Vec<Node> = worlds.map(|world| with(world, scratch)).collect();
        self.fits(&node, &worlds, scratch)
    }

    /// How good a node that fits is, from 0 to [`crate::extender::MAX_SCORE`]; 0 for one that does not.
    pub fn score(&self, node: &str, scratch: &mut Scratch) -> i64 {
        self.score_beside(node, 0, scratch)
    }

    /// As [`Question::score`], when so many other pods may be about to be bound to the node
    /// ([`crate::tentative::Tentative::weight`]).
    pub fn score_beside(&self, node: &str, tentative: u32, scratch: &mut Scratch) -> i64 {
        let fits = self.filter(node, scratch).is_ok();
        if fits {
            self.parts(node, &scratch.placement, tentative).score()
        } else {
            0
        }
    }

    /// What the score of a node that fits is made of, where the pod will be placed so and so many others may come.
    #[must_use]
    pub fn parts(&self, node: &str, placement: &Placement, tentative: u32) -> Parts {
        let site = self.engine.sites.get(node);
        let knowledge = match site {
            Some(site) if site.report().is_none() => Knowledge::Unreported,
            None => Knowledge::Unreported,
            Some(site) if site.is_stale(&self.engine.policy, self.now) => Knowledge::Stale,
            Some(_) => Knowledge::Fresh,
        };
        let circumstances = Circumstances {
            knowledge,
            tentative,
        };
        let nothing = Node::default();
        let node = site.map_or(&nothing, |site| &site.node);
        parts(
            node,
            &self.need,
            placement,
            &self.engine.resources,
            circumstances,
        )
    }

    /// A refusal in words, such as `intel.com/sriov: 1 free, 2 needed`.
    #[must_use]
    pub fn reason(&self, refusal: Refusal) -> Reason<'_> {
        Reason {
            refusal,
            demand: self.demand,
            need: &self.need,
            resources: &self.engine.resources,
        }
    }

    /// The node, if enough is known of it to offer it; none where the pod needs nothing that is counted.
    fn admitted(&self, node: &str, scratch: &mut Scratch) -> Result<Option<&'e Site>, Refusal> {
        scratch.placement.zones.clear();
        scratch.placement.is_certain = false;
        if !self.is_counted {
            return Ok(None);
        }
        let site = self.engine.sites.get(node).ok_or(Refusal::UnknownNode)?;
        let policy = &self.engine.policy;
        if site.allocatable.is_none() && site.report().is_none() {
            return Err(Refusal::UnknownNode);
        }
        if let Some(refusal) = site.closed(policy, self.now)
            && self.wants_devices
        {
            return Err(refusal);
        }
        let is_set_aside = |owner: &str| {
            let mut all = site.set_aside.iter();
            let namespace = &self.demand.namespace;
            all.any(|aside| aside.is_of(namespace, owner) && aside.until > self.now)
        };
        match &self.demand.owner {
            Some(owner) if is_set_aside(owner) => return Err(Refusal::SetAside),
            _ => {}
        }
        if self.wants_the_unknown {
            return Err(Refusal::NoSuchResource);
        }
        Ok(Some(site))
    }

    /// Whether a node has room: by what it has at least, or however it may be (`worlds`).
    fn fits(&self, node: &Node, worlds: &[Node], scratch: &mut Scratch) -> Result<(), Refusal> {
        if let Err(refusal) = align(node, &self.need, scratch) {
            if worlds.is_empty() {
                return Err(refusal);
            }
            for world in worlds {
                align(world, &self.need, scratch).map_err(|_| refusal)?;
                self.between_functions(world, scratch)?;
            }
            scratch.placement.is_certain = false;
            return Ok(());
        }
        self.between_functions(node, scratch)
    }

    /// What is decided between physical functions: spread, and links.
    fn between_functions(&self, node: &Node, scratch: &Scratch) -> Result<(), Refusal> {
        let placement = &scratch.placement;
        spread::check(node, &self.need, placement, self.demand.spread)?;
        link::check(node, &self.need, placement)
    }
}
