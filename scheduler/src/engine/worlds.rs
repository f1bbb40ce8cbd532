//! How a node may be, where it cannot be known how it is.
//!
//! Between two reports pods come and go. A pod that is bound was given its zones before or after another one had gone, and
//! nobody says which until a report lists it. Each of these is a world. What holds in all of them holds.

use std::mem;

use super::{ledger::Entry, site::predict};
use crate::{
    align::{Scratch, take},
    need::Need,
    node::Node,
    placement::Placement,
};

/// Worlds that are told apart. Where there are more, what all of them have is taken for the one there is.
const MOST: usize = 16;

/// How a node may be: in one of these ways, at least one.
#[derive(Clone, Debug)]
pub(super) struct Worlds(Vec<Node>);

impl Worlds {
    /// It is so, or perhaps so.
    pub(super) fn new(node: Node, perhaps: Option<Node>) -> Self {
        let mut worlds = vec![node];
        worlds.extend(perhaps.filter(|perhaps| *perhaps != worlds[0]));
        Self(worlds)
    }

    /// Puts a pod, which no report lists yet, wherever it may be: where the kubelet puts it as the worlds are now, and
    /// where it would have put it as they were when the pod was thought of before. Gives all zones in which it may be.
    pub(super) fn put(&mut self, entry: &mut Entry, scratch: &mut Scratch) -> Placement {
        let mut all: Option<Placement> = None;
        let mut next: Vec<Node> = Vec::new();
        let mut places = Vec::new();
        for world in &self.0 {
            predict(world, &entry.need, scratch);
            let now = scratch.placement.clone();
            let earlier = entry.alternatives.iter();
            let earlier = earlier.filter(|place| place.zones != now.zones).cloned();
            for place in earlier.chain([now.clone()]) {
                let mut world = world.clone();
                take(&mut world, &entry.need, &place, scratch);
                if !next.contains(&world) {
                    next.push(world);
                }
                match &mut all {
                    None => all = Some(place),
                    Some(all) => join(all, &place),
                }
            }
            places.push(now);
        }
        for place in places {
            entry.may_be(place);
        }
        self.0 = next;
        if self.0.len() > MOST {
            self.0 = vec![self.common()];
        }
        all.unwrap_or_default()
    }

    /// What all worlds have at least; fuzzy if there is more than one.
    pub(super) fn common(&self) -> Node {
        let mut worlds = self.0.iter();
        let mut common = worlds.next().cloned().unwrap_or_default();
        for world in worlds {
            for (cell, other) in common.cells.iter_mut().zip(&world.cells) {
                cell.free = cell.free.min(other.free);
            }
            for (stock, other) in common.stocks.iter_mut().zip(&world.stocks) {
                stock.free = stock.free.min(other.free);
            }
            common.is_fuzzy = true;
        }
        common
    }

    /// The worlds, if there is more than one.
    pub(super) fn into_several(self) -> Box<[Node]> {
        match self.0.len() {
            0 | 1 => Box::default(),
            _ => self.0.into(),
        }
    }
}

/// The node as it is when these pods are on it too.
pub(super) fn beside(node: &Node, others: &[Need], scratch: &mut Scratch) -> Node {
    let mut node = node.clone();
    for need in others {
        predict(&node, need, scratch);
        let placement = mem::take(&mut scratch.placement);
        take(&mut node, need, &placement, scratch);
    }
    node
}

/// Adds the zones of another place, between which nobody knows.
fn join(all: &mut Placement, other: &Placement) {
    if all.zones != other.zones {
        for (zones, more) in all.zones.iter_mut().zip(&other.zones) {
            *zones = zones.or(*more);
        }
        all.is_certain = false;
    }
    all.is_certain &= other.is_certain;
}
