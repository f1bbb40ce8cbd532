//! What a node's cells have free while the containers of a pod get their shares, one after another.

use std::ops::Range;

use crate::{need::Role, node::Node, resource::ResourceId, zones::ZoneMask};

/// So much of a resource that the kubelet looks for in zones.
#[derive(Clone, Debug)]
pub(super) struct Want {
    /// Which.
    pub(super) resource: ResourceId,
    /// Its place in [`Node::stocks`]; none of them where the node has nothing of it.
    pub(super) stock: usize,
    /// Its cells in [`Node::cells`].
    pub(super) cells: Range<usize>,
    /// How much.
    pub(super) amount: i64,
    /// Whether the memory manager hands it out.
    pub(super) is_memory: bool,
    /// Whether the device manager does.
    pub(super) is_device: bool,
}

/// What the pod's ordinary init containers got and leave to the containers after them, beside what is free.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    /// How much of each cell is reusable, at least. Of devices and CPUs.
    reusable: Vec<i64>,
    /// Cells of which something may be reusable. The kubelet only considers zones near all reusable devices and CPUs.
    binds: Vec<bool>,
    /// How much is reusable of each stock, exactly. Of devices and CPUs.
    left: Vec<i64>,
    /// Memory that is reusable, by stock and by the zones it is in: it is for exactly these zones.
    memory: Vec<(usize, ZoneMask, i64)>,
    /// Whether nothing was taken of which the kubelet could have chosen otherwise.
    pub(super) is_certain: bool,
}

impl Ledger {
    /// Forgets everything of another pod.
    pub(super) fn start(&mut self, node: &Node) {
        self.reusable.clear();
        self.reusable.resize(node.cells.len(), 0);
        self.binds.clear();
        self.binds.resize(node.cells.len(), false);
        self.left.clear();
        self.left.resize(node.stocks.len(), 0);
        self.memory.clear();
        self.is_certain = true;
    }

    /// What of a cell a container can have.
    pub(super) fn supply(&self, free: &[i64], cell: usize) -> i64 {
        free[cell].max(0).saturating_add(self.reusable[cell])
    }

    /// Whether zones without this cell are out of the question.
    pub(super) fn binds(&self, cell: usize) -> bool {
        self.binds[cell]
    }

    /// How much memory can be reused in exactly these zones.
    pub(super) fn reusable_memory(&self, stock: usize, zones: ZoneMask) -> i64 {
        self.memory
            .iter()
            .find(|(of, in_zones, _)| (*of, *in_zones) == (stock, zones))
            .map_or(0, |(_, _, amount)| *amount)
    }

    /// The sets of several zones in which earlier containers of the pod pinned memory.
    pub(super) fn memory_groups(&self) -> impl Iterator<Item = ZoneMask> {
        let zones = self.memory.iter().map(|(_, zones, _)| *zones);
        zones.filter(|zones| zones.count() > 1)
    }

    /// Gives a container what it wants, from `zones` first; with no zones from anywhere. Returns what is missing in the
    /// node's cells.
    pub(super) fn give(
        &mut self,
        node: &Node,
        free: &mut [i64],
        want: &Want,
        zones: ZoneMask,
        role: Role,
    ) -> i64 {
        if want.cells.is_empty() {
            return want.amount;
        }
        if want.is_memory {
            self.give_memory(node, free, want, zones, role)
        } else {
            self.give_pieces(node, free, want, zones, role)
        }
    }

    /// Memory: of exactly these zones what can be reused, then from the lowest zone on.
    fn give_memory(
        &mut self,
        node: &Node,
        free: &mut [i64],
        want: &Want,
        zones: ZoneMask,
        role: Role,
    ) -> i64 {
        let reusable = self.reusable_memory(want.stock, zones);
        let mut rest = want.amount.saturating_sub(reusable).max(0);
        let in_zones: i64 = want
            .cells
            .clone()
            .filter(|cell| node.cells[*cell].zones.overlaps(zones))
            .fold(0, |sum, cell| sum.saturating_add(free[cell].max(0)));
        if zones.is_empty() || in_zones < rest {
            // The kubelet looks for zones of its own, or for more beside these.
            rest = self.share(free, want.cells.clone(), rest, |_| true, false);
        } else {
            for zone in zones.indexes() {
                for cell in want.cells.clone() {
                    if node.cells[cell].zones.overlaps(ZoneMask::of(zone)) {
                        let share = rest.min(free[cell].max(0));
                        free[cell] -= share;
                        rest -= share;
                    }
                }
            }
        }
        let left = match role {
            Role::Init => reusable.max(want.amount),
            Role::Sidecar | Role::App => reusable.saturating_sub(want.amount).max(0),
        };
        self.set_reusable_memory(want.stock, zones, left);
        rest
    }

    fn set_reusable_memory(&mut self, stock: usize, zones: ZoneMask, amount: i64) {
        let mut entries = self.memory.iter_mut();
        match entries.find(|(of, in_zones, _)| (*of, *in_zones) == (stock, zones)) {
            Some(entry) => entry.2 = amount,
            None => self.memory.push((stock, zones, amount)),
        }
    }

    /// Devices and CPUs: what can be reused, then what is near these zones, then the others.
    fn give_pieces(
        &mut self,
        node: &Node,
        free: &mut [i64],
        want: &Want,
        zones: ZoneMask,
        role: Role,
    ) -> i64 {
        let left = self.left[want.stock];
        let fresh = want.amount.saturating_sub(left).max(0);
        if role != Role::Init {
            self.use_up(want, want.amount.min(left));
        }
        let keeps = role == Role::Init;
        let is_near = |cell: usize| zones.is_empty() || node.cells[cell].zones.overlaps(zones);
        let mut rest = self.share(free, want.cells.clone(), fresh, is_near, keeps);
        if rest > 0 {
            rest = self.share(free, want.cells.clone(), rest, |cell| !is_near(cell), keeps);
        }
        if keeps {
            self.left[want.stock] = left.saturating_add(fresh);
        }
        rest
    }

    /// Takes `amount` of what is reusable.
    fn use_up(&mut self, want: &Want, amount: i64) {
        let left = &mut self.left[want.stock];
        *left -= amount;
        let is_empty = *left == 0;
        let sources = want.cells.clone().filter(|cell| self.binds[*cell]).count();
        if amount > 0 && !is_empty && sources > 1 {
            self.is_certain = false;
        }
        for cell in want.cells.clone() {
            if is_empty {
                self.reusable[cell] = 0;
                self.binds[cell] = false;
            } else {
                self.reusable[cell] -= amount.min(self.reusable[cell]);
            }
        }
    }

    /// Takes `amount` of the free pieces of some cells, and returns what they do not have. Where they have more than
    /// that, each gives all that could be taken from it.
    fn share(
        &mut self,
        free: &mut [i64],
        cells: Range<usize>,
        amount: i64,
        is_source: impl Fn(usize) -> bool,
        keeps: bool,
    ) -> i64 {
        if amount <= 0 {
            return 0;
        }
        let sources = || cells.clone().filter(|cell| is_source(*cell));
        let mut sum: i64 = 0;
        let mut choices = 0;
        for cell in sources().filter(|cell| free[*cell] > 0) {
            sum = sum.saturating_add(free[cell]);
            choices += 1;
        }
        if sum > amount && choices > 1 {
            self.is_certain = false;
        }
        for cell in sources() {
            let share = amount.min(free[cell].max(0));
            free[cell] -= share;
            if keeps && share > 0 {
                self.reusable[cell] = self.reusable[cell].saturating_add(share);
                self.binds[cell] = true;
            }
        }
        amount.saturating_sub(sum).max(0)
    }
}
