//! The overview as an SVG: texts as texts, signs and patterns beside colours, nothing from elsewhere.

mod canvas;
mod card;
mod squares;

use self::canvas::{Canvas, Cell, Ink, Shape};
use super::document::{Document, State};

/// Up to so many nodes each is drawn with what it has.
const MOST_CARDS: usize = 24;
const WIDTH: i64 = 1280;
const MARGIN: i64 = 24;
const GAP: i64 = 16;
const COLUMNS: i64 = 3;

/// How a state is drawn: its sign, its word, its colour.
const fn of_state(state: State) -> (&'static str, &'static str, Ink) {
    match state {
        State::Ready => ("✓", "ready", Ink::Ready),
        State::Degraded => ("!", "degraded", Ink::Warn),
        State::Unreported => ("?", "no report", Ink::Faint),
        State::Down => ("✕", "not ready", Ink::Down),
    }
}

/// Draws a document.
pub(super) fn overview(document: &Document, source: &str) -> String {
    let mut canvas = Canvas::new(WIDTH);
    let mut y = head(&mut canvas, document, source);
    if document.nodes.len() <= MOST_CARDS {
        let wide = (WIDTH - 2 * MARGIN - GAP * (COLUMNS - 1)) / COLUMNS;
        let mut ends = [y; 3];
        for node in &document.nodes {
            let shortest = (0..ends.len()).min_by_key(|at| ends[*at]).unwrap_or(0);
            let left = MARGIN + i64::try_from(shortest).unwrap_or(0) * (wide + GAP);
            ends[shortest] = card::draw(&mut canvas, node, (left, ends[shortest]), wide) + GAP;
        }
        y = ends.into_iter().max().unwrap_or(y);
    } else {
        y = squares::draw(&mut canvas, document, y);
    }
    canvas.finish(y + MARGIN / 2)
}

/// Title, sums and legend; returns where they end.
fn head(canvas: &mut Canvas, document: &Document, source: &str) -> i64 {
    canvas.bold((MARGIN, 40), 22, Ink::Text, "Polypod map");
    canvas.text((MARGIN + 170, 40), 13, Ink::Faint, source, 1000);
    let count = |state| {
        let nodes = document.nodes.iter();
        nodes.filter(|node| node.state == state).count()
    };
    let states = [
        State::Ready,
        State::Degraded,
        State::Unreported,
        State::Down,
    ];
    let mut x = MARGIN;
    let nodes = document.nodes.len();
    x += canvas.bold((x, 68), 14, Ink::Text, &format!("{nodes} nodes")) + 34;
    for state in states.into_iter().filter(|state| count(*state) > 0) {
        let (sign, word, ink) = of_state(state);
        canvas.sign((x, 63), 8, sign, ink);
        let words = format!("{} {word}", count(state));
        x += 14 + canvas.text((x + 14, 68), 13, Ink::Text, &words, 300) + 16;
    }
    let pods: usize = document.nodes.iter().map(|node| node.pods.len()).sum();
    let networks = document.networks.len();
    let words = format!("{pods} pods with networks or devices, {networks} networks");
    canvas.text((x, 68), 13, Ink::Faint, &words, 600);
    let mut x = MARGIN;
    for (shape, kind, words) in [
        (Shape::Square, Cell::Free, "free"),
        (Shape::Square, Cell::Held, "held by a pod"),
        (Shape::Square, Cell::Unhealthy, "not healthy"),
        (Shape::Square, Cell::Missing, "not offered"),
        (Shape::Round, Cell::Free, "accelerator"),
    ] {
        canvas.device((x, 82), 12, shape, kind, "");
        x += 18 + canvas.text((x + 18, 93), 12, Ink::Faint, words, 200) + 16;
    }
    let mut y = 112;
    for words in document.unseen.iter().take(5) {
        canvas.text((MARGIN, y + 8), 12, Ink::Warn, words, WIDTH - 2 * MARGIN);
        y += 18;
    }
    y
}

#[cfg(test)]
mod tests;
