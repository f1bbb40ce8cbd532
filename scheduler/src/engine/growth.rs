//! Of what a node has more than before.

use crate::{
    node::{Cell, Node, Stock},
    resource::ResourceId,
};

/// The resources of which `after` has more, somewhere, than `before`; none at all (an empty list) where what has changed
/// is how the kubelet decides. `None` where there is no reason to try a pod again.
pub(super) fn growth(before: &Node, after: &Node) -> Option<Vec<ResourceId>> {
    let rule = |node: &Node| (node.policy, node.scope);
    if !before.zones.is_empty() && (rule(before) != rule(after) || before.zones != after.zones) {
        return Some(Vec::new());
    }
    let stocks = after
        .stocks
        .iter()
        .filter(|stock| has_grown(before, after, stock));
    let mut grown: Vec<ResourceId> = stocks.map(|stock| stock.resource).collect();
    for cell in &after.function_cells {
        let link = |node: &Node| {
            let function = node.functions.get(usize::from(cell.function));
            function.is_some_and(|function| function.link_up != Some(false))
        };
        let known = before.function_cells.iter().find(|known| {
            (known.resource, known.function, known.zones)
                == (cell.resource, cell.function, cell.zones)
        });
        let was = known.map_or(0, |known| known.free.max(0));
        if cell.free > was || (cell.free > 0 && link(after) && !link(before)) {
            grown.push(cell.resource);
        }
    }
    grown.sort_unstable();
    grown.dedup();
    (!grown.is_empty()).then_some(grown)
}

fn has_grown(before: &Node, after: &Node, stock: &Stock) -> bool {
    let known = before.stock(stock.resource);
    let was = known.map_or(0, |known| known.free.max(0));
    let cells = known.map_or(&[] as &[Cell], |known| before.cells(known));
    let cell_was = |cell: &Cell| {
        let known = cells.iter().find(|known| known.zones == cell.zones);
        known.map_or(0, |known| known.free.max(0))
    };
    stock.free > was
        || after
            .cells(stock)
            .iter()
            .any(|cell| cell.free > cell_was(cell))
}
