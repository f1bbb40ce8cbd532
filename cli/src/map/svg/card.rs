//! A node with everything it has, as a card.

use super::{
    canvas::{Canvas, Cell, Ink, Shape},
    of_state,
};
use crate::map::document::{Attachment, Function, Group, Node, Pod, Zone};

const SIDE: i64 = 11;
const STEP: i64 = SIDE + 4;
/// So many pods of a node are named, and so many devices of a group drawn.
const MOST_PODS: usize = 12;
const MOST_CELLS: usize = 256;

/// Draws a node from this corner on; returns where it ends.
pub(super) fn draw(canvas: &mut Canvas, node: &Node, (x, y): (i64, i64), wide: i64) -> i64 {
    // The box is drawn first, so that it lies below; how high it is comes out when everything is drawn.
    let mut inner = Canvas::new(wide);
    let end = content(&mut inner, node, (x + 10, y + 22), wide - 20);
    let (_, _, ink) = of_state(node.state);
    canvas.frame((x, y), (wide, end - y), ink, Ink::Box);
    canvas.append(inner);
    end
}

fn content(canvas: &mut Canvas, node: &Node, (x, mut y): (i64, i64), wide: i64) -> i64 {
    let (sign, word, ink) = of_state(node.state);
    canvas.sign((x + 8, y - 5), 8, sign, ink);
    canvas.text((x + 22, y), 14, Ink::Text, &node.name, wide - 130);
    let word = if node.cordoned {
        format!("{word}, cordoned")
    } else {
        word.to_owned()
    };
    canvas.ending((x + wide, y), 11, ink, &word);
    y += 8;
    for reason in node.reasons.iter().take(3) {
        y += 14;
        canvas.text((x, y), 11, Ink::Warn, &reason.text, wide);
    }
    for zone in &node.zones {
        y = self::zone(canvas, node, zone, (x, y + 8), wide);
    }
    for amount in node.sums_alone() {
        y += 16;
        canvas.text((x, y), 11, Ink::Text, &amount.resource, wide / 2);
        canvas.bar(
            (x + wide / 2, y - 9),
            wide / 2 - 70,
            (amount.held, amount.total),
        );
    }
    y += 6;
    for pod in node.pods.iter().take(MOST_PODS) {
        y = self::pod(canvas, pod, (x, y), wide);
    }
    let left = node.pods.len().saturating_sub(MOST_PODS);
    if left > 0 {
        y += 15;
        canvas.text(
            (x, y),
            11,
            Ink::Faint,
            &format!("and {left} more pods"),
            wide,
        );
    }
    y + 10
}

fn zone(canvas: &mut Canvas, node: &Node, zone: &Zone, (x, y): (i64, i64), wide: i64) -> i64 {
    let mut inner = Canvas::new(wide);
    let left = x + 8;
    let mut end = y + 15;
    let name = zone
        .id
        .map_or_else(|| "no NUMA zone".to_owned(), |id| format!("NUMA zone {id}"));
    let name = match zone.cpus.as_str() {
        "" => name,
        cpus => format!("{name} · CPUs {cpus}"),
    };
    inner.text((left, end), 11, Ink::Faint, &name, wide - 16);
    for one in &zone.functions {
        end = function(&mut inner, node, one, (left, end + 6), wide - 16);
    }
    for amount in &zone.amounts {
        end += 16;
        inner.text((left, end), 11, Ink::Text, &amount.resource, wide / 2 - 16);
        inner.bar(
            (left + wide / 2, end - 9),
            wide / 2 - 90,
            (amount.held, amount.total),
        );
    }
    canvas.frame((x, y), (wide, end + 8 - y), Ink::Line, Ink::Raised);
    canvas.append(inner);
    end + 8
}

fn function(
    canvas: &mut Canvas,
    node: &Node,
    one: &Function,
    (x, y): (i64, i64),
    wide: i64,
) -> i64 {
    let mut inner = Canvas::new(wide);
    let left = x + 8;
    let mut end = y + 15;
    let name = [one.interface.as_deref(), one.address.as_deref()];
    let name: Vec<&str> = name.into_iter().flatten().collect();
    let name = match (name.as_slice(), &one.model) {
        ([], _) => "no physical function".to_owned(),
        (name, Some(model)) if one.accelerator => {
            format!("accelerator {} · {model}", name.join(" "))
        }
        (name, _) if one.accelerator => format!("accelerator {}", name.join(" ")),
        (name, _) => name.join(" "),
    };
    let shape = if one.accelerator {
        Shape::Round
    } else {
        Shape::Square
    };
    let link = match (one.link_up, one.speed_mbps) {
        (Some(false), _) => " · ✕ no link".to_owned(),
        (Some(true), Some(speed)) if speed >= 1000 => format!(" · up, {} Gb/s", speed / 1000),
        (Some(true), Some(speed)) => format!(" · up, {speed} Mb/s"),
        (Some(true), None) => " · up".to_owned(),
        (None, _) => String::new(),
    };
    inner.text((left, end), 11, Ink::Text, &(name + &link), wide - 16);
    for group in &one.groups {
        end += 15;
        let (held, all) = (group.held_count(), group.ids.len());
        let words = format!("{} {held}/{all}", group.resource);
        inner.text((left, end), 10, Ink::Faint, &words, wide - 16);
        end = cells(&mut inner, node, (group, shape), (left, end + 5), wide - 16);
    }
    if one.not_offered > 0 {
        end += 15;
        let words = format!("{} offered for no resource", one.not_offered);
        inner.cell((left, end - 10), SIDE, Cell::Missing, "");
        inner.text((left + STEP, end), 10, Ink::Faint, &words, wide - 40);
    }
    canvas.frame((x, y), (wide, end + 7 - y), Ink::Line, Ink::Box);
    canvas.append(inner);
    end + 7
}

fn cells(
    canvas: &mut Canvas,
    node: &Node,
    (group, shape): (&Group, Shape),
    (x, y): (i64, i64),
    wide: i64,
) -> i64 {
    let columns = usize::try_from(wide / STEP).unwrap_or(1).max(1);
    let place = |at: usize| {
        let (column, row) = (at % columns, at / columns);
        let step = |number: usize| i64::try_from(number).unwrap_or(0) * STEP;
        (x + step(column), y + step(row))
    };
    let shown = group.ids.len().min(MOST_CELLS);
    for (at, id) in group.ids.iter().enumerate().take(shown) {
        let holders: Vec<usize> = group
            .held
            .iter()
            .filter(|(held, _)| *held == at)
            .map(|(_, pod)| *pod)
            .collect();
        let kind = match (group.unhealthy.contains(&at), holders.is_empty()) {
            (true, _) => Cell::Unhealthy,
            (false, false) => Cell::Held,
            (false, true) => Cell::Free,
        };
        let pods = holders.iter().filter_map(|pod| node.pods.get(*pod));
        let who: String = pods
            .map(|pod| format!(" {}/{}", pod.namespace, pod.name))
            .collect();
        canvas.device(place(at), SIDE, shape, kind, &format!("{id}{who}"));
    }
    let (_, last) = place(shown.saturating_sub(1));
    let mut end = last + SIDE;
    if group.ids.len() > shown {
        end += 13;
        let words = format!("and {} more", group.ids.len() - shown);
        canvas.text((x, end), 10, Ink::Faint, &words, wide);
    }
    end
}

fn pod(canvas: &mut Canvas, pod: &Pod, (x, mut y): (i64, i64), wide: i64) -> i64 {
    y += 16;
    let name = format!("{}/{}", pod.namespace, pod.name);
    canvas.text((x, y), 12, Ink::Text, &name, wide);
    for one in pod.attachments.iter().filter(|one| !one.default) {
        y += 14;
        let ink = if one.wanted { Ink::Warn } else { Ink::Faint };
        canvas.text((x + 12, y), 11, ink, &attachment(one), wide - 12);
    }
    y
}

fn attachment(one: &Attachment) -> String {
    let mut words = match one.interface.as_str() {
        "" => format!("→ {}", one.network),
        interface => format!("{interface} → {}", one.network),
    };
    if let Some(device) = &one.device {
        words = format!("{words} → {device}");
    }
    if one.wanted {
        words.push_str(" (not attached)");
    }
    words
}
