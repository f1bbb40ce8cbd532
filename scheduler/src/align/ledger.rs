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
    /// By zone: with which zones together memory is pinned there.
    groups: Vec<ZoneMask>,
    /// How much of each stock is free in its cells, exactly.
    totals: Vec<i64>,
    /// How much of each stock is free in no zone.
    beside: Vec<i64>,
    /// Stocks of which the kubelet could have taken other pieces: what their cells have free is a lower bound.
    guessed: Vec<bool>,
    /// Whether there is no such stock.
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
        self.groups.clear();
        self.groups.resize(node.zones.len(), ZoneMask::NONE);
        for group in &node.memory_groups {
            self.set_group(*group);
        }
        self.totals.clear();
        self.totals.extend(node.stocks.iter().map(|stock| {
            let free = node.cells(stock).iter().map(|cell| cell.free.max(0));
            free.fold(0, i64::saturating_add)
        }));
        self.beside.clear();
        let stocks = node.stocks.iter().zip(&self.totals);
        let beside = stocks.map(|(stock, total)| stock.free.saturating_sub(*total).max(0));
        self.beside.extend(beside);
        self.guessed.clear();
        self.guessed.resize(node.stocks.len(), false);
        self.is_certain = true;
    }

    /// Whether what a stock's cells have free is a lower bound.
    pub(super) fn is_guessed(&self, stock: usize) -> bool {
        self.guessed.get(stock).copied().unwrap_or_default()
    }

    /// Remembers that the kubelet could have taken other pieces of a stock.
    pub(super) fn set_guessed(&mut self, stock: usize) {
        if let Some(guessed) = self.guessed.get_mut(stock) {
            *guessed = true;
            self.is_certain = false;
        }
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

    /// With which zones together memory is pinned in a zone, if with others.
    pub(super) fn group(&self, zone: usize) -> Option<ZoneMask> {
        let group = self.groups.get(zone).copied();
        group.filter(|group| group.count() > 1)
    }

    /// The sets of several zones in which memory is pinned, perhaps more than once each.
    pub(super) fn groups(&self) -> impl Iterator<Item = ZoneMask> {
        (0..self.groups.len()).filter_map(|zone| self.group(zone))
    }

    fn set_group(&mut self, zones: ZoneMask) {
        for zone in zones.indexes() {
            if let Some(group) = self.groups.get_mut(zone) {
                *group = zones;
            }
        }
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
        let fresh = want.amount.saturating_sub(reusable).max(0);
        let missing = self.take_of_total(want.stock, fresh);
        if zones.is_empty() {
            self.share(free, want, fresh, 0, |_| true, false);
        }
        let mut rest = fresh;
        for zone in zones.indexes() {
            for cell in want.cells.clone() {
                if node.cells[cell].zones.overlaps(ZoneMask::of(zone)) {
                    let share = rest.min(free[cell].max(0));
                    free[cell] -= share;
                    rest -= share;
                }
            }
        }
        self.set_group(zones);
        let left = match role {
            Role::Init => reusable.max(want.amount),
            Role::Sidecar | Role::App => reusable.saturating_sub(want.amount).max(0),
        };
        self.set_reusable_memory(want.stock, zones, left);
        missing
    }

    /// Counts what is taken of a stock's cells, wherever. Returns what they do not have.
    fn take_of_total(&mut self, stock: usize, amount: i64) -> i64 {
        let total = &mut self.totals[stock];
        let taken = amount.min(*total);
        *total -= taken;
        amount - taken
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
        let missing = self.take_of_total(want.stock, fresh);
        let keeps = role == Role::Init;
        let is_near = |cell: usize| zones.is_empty() || node.cells[cell].zones.overlaps(zones);
        let is_far = |cell: usize| !is_near(cell);
        let beside = if want.is_device {
            self.beside[want.stock]
        } else {
            0
        };
        let near_beside = if zones.is_empty() { beside } else { 0 };
        let rest = self.share(free, want, fresh, near_beside, is_near, keeps);
        self.share(free, want, rest, beside, is_far, keeps);
        if keeps {
            self.left[want.stock] = left.saturating_add(fresh);
        }
        missing
    }

    /// Takes `amount` of what is reusable.
    fn use_up(&mut self, want: &Want, amount: i64) {
        let left = &mut self.left[want.stock];
        *left -= amount;
        let is_empty = *left == 0;
        let sources = want.cells.clone().filter(|cell| self.binds[*cell]).count();
        if amount > 0 && !is_empty && sources > 1 {
            self.set_guessed(want.stock);
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

    /// Takes `amount` of the free pieces of some cells, and of `beside` in no zone, and returns what the cells do not have.
    /// Where there is more than that, each gives all that could be taken from it.
    fn share(
        &mut self,
        free: &mut [i64],
        want: &Want,
        amount: i64,
        beside: i64,
        is_source: impl Fn(usize) -> bool,
        keeps: bool,
    ) -> i64 {
        if amount <= 0 {
            return 0;
        }
        let sources = || want.cells.clone().filter(|cell| is_source(*cell));
        let mut sum: i64 = 0;
        let mut choices = 0;
        for cell in sources().filter(|cell| free[*cell] > 0) {
            sum = sum.saturating_add(free[cell]);
            choices += 1;
        }
        let is_choice = choices > 1 && sum > amount;
        if is_choice || beside > 0 && choices > 0 {
            self.set_guessed(want.stock);
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
