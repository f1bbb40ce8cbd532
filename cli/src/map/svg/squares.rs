//! Many nodes: a square each, and by name those that something is wrong with.

use super::{
    MARGIN, WIDTH,
    canvas::{Canvas, Cell, Ink},
    of_state,
};
use crate::map::document::{Document, Node, State};

const SIDE: i64 = 22;
const STEP: i64 = SIDE + 4;
/// So many nodes are named.
const MOST_NAMES: usize = 40;

/// Draws all nodes from this height on; returns where they end.
pub(super) fn draw(canvas: &mut Canvas, document: &Document, y: i64) -> i64 {
    let columns = usize::try_from((WIDTH - 2 * MARGIN) / STEP)
        .unwrap_or(1)
        .max(1);
    let step = |number: usize| i64::try_from(number).unwrap_or(0) * STEP;
    let words = "a square a node: as full as its devices are held";
    canvas.text((MARGIN, y + 10), 12, Ink::Faint, words, WIDTH);
    let top = y + 20;
    for (at, node) in document.nodes.iter().enumerate() {
        let corner = (MARGIN + step(at % columns), top + step(at / columns));
        square(canvas, node, corner);
    }
    let mut y = top + step(document.nodes.len().div_ceil(columns)) + 12;
    let mut wrong: Vec<&Node> = document.nodes.iter().collect();
    wrong.retain(|node| node.state != State::Ready);
    // The sort keeps the order of names.
    wrong.sort_by_key(|node| std::cmp::Reverse(node.state));
    for node in wrong.iter().take(MOST_NAMES) {
        y += 18;
        let (sign, _, ink) = of_state(node.state);
        canvas.sign((MARGIN + 8, y - 4), 7, sign, ink);
        let told: Vec<&str> = node.reasons.iter().map(|one| one.text.as_str()).collect();
        let words = format!("{}: {}", node.name, told.join("; "));
        canvas.text(
            (MARGIN + 24, y),
            12,
            Ink::Text,
            &words,
            WIDTH - 2 * MARGIN - 24,
        );
    }
    let left = wrong.len().saturating_sub(MOST_NAMES);
    if left > 0 {
        y += 18;
        let words = format!("and {left} more nodes that are not ready");
        canvas.text((MARGIN + 24, y), 12, Ink::Faint, &words, WIDTH);
    }
    y
}

fn square(canvas: &mut Canvas, node: &Node, (x, y): (i64, i64)) {
    let held: u64 = node.amounts.iter().map(|amount| amount.held).sum();
    let total: u64 = node.amounts.iter().map(|amount| amount.total).sum();
    let (sign, word, ink) = of_state(node.state);
    let title = format!("{}: {word}, {held} of {total} devices held", node.name);
    canvas.cell((x, y), SIDE, Cell::Free, &title);
    if node.state == State::Ready {
        let share = u128::from(held) * 100 / u128::from(total.max(1));
        let high = SIDE * i64::try_from(share.min(100)).unwrap_or(100) / 100;
        canvas.fill((x, y + SIDE - high), (SIDE, high), Ink::Held);
    } else {
        canvas.sign((x + SIDE / 2, y + SIDE / 2), 9, sign, ink);
    }
}
