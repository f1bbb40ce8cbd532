//! An installation's status as text.

use std::time::SystemTime;

use super::{
    node::{Agent, NodeAtAGlance},
    summary::{Health, Status},
};
use crate::output::{Cell, Column, Screen, Table, Tone, age, instant, wrap};

/// Of so many nodes each is printed without being asked for.
const FEW: usize = 16;

/// So much that is degraded is told in detail without being asked for.
const ENOUGH: usize = 20;

/// The summary; what is degraded; the nodes, where there are few or all are asked for.
pub(super) fn text(status: &Status, all: bool, now: SystemTime, screen: &Screen) -> String {
    let mut text = summary(status, screen);
    let shown = if all { usize::MAX } else { ENOUGH };
    let told = &status.degraded[..shown.min(status.degraded.len())];
    // What is said of several, one after another, is said once.
    for alike in
        told.chunk_by(|one, next| (&one.reason, &one.message) == (&next.reason, &next.message))
    {
        text.push('\n');
        for one in alike {
            let since = one.since.as_deref().and_then(instant);
            let since = since.map(|since| format!(" for {}", age(since, now)));
            let head = format!("{} {}{}", one.what, one.reason, since.unwrap_or_default());
            let head = head.replace(char::is_control, " ");
            text.push_str(&format!("{}\n", Tone::Bad.paint(&head, screen)));
        }
        let message = alike.first().map_or("", |one| &one.message);
        let message = message.replace(char::is_control, " ");
        let width = screen.width.unwrap_or(usize::MAX).saturating_sub(2).max(20);
        for line in wrap(&message, width) {
            text.push_str(&format!("  {line}\n"));
        }
    }
    let left = status.degraded.len().saturating_sub(shown);
    if left > 0 {
        text.push_str(&format!("\nand {left} more; --all shows them\n"));
    }
    if all || status.nodes.len() <= FEW {
        let nodes = nodes(&status.nodes, now);
        if !nodes.is_empty() {
            text.push('\n');
            text.push_str(&nodes.text(screen));
        }
    } else {
        text.push_str("\n--all shows each node\n");
    }
    text
}

fn summary(status: &Status, screen: &Screen) -> String {
    let mut table = Table::new([
        Column::new("PART"),
        Column::new("STATE"),
        Column::new("DETAIL").folded(),
    ]);
    for line in &status.summary {
        let (word, tone) = match line.state {
            Health::Ok => ("ok", Tone::Good),
            Health::Degraded => ("degraded", Tone::Bad),
            Health::Unknown => ("unknown", Tone::Warning),
        };
        table.row([
            Cell::new(line.part),
            Cell::new(word).toned(tone),
            Cell::new(&line.text),
        ]);
    }
    table.text(screen)
}

fn nodes(nodes: &[NodeAtAGlance], now: SystemTime) -> Table {
    let mut table = Table::new([
        Column::new("NODE"),
        Column::new("AGENT"),
        Column::new("SINCE"),
        Column::new("PODS").number(),
        Column::new("ATTACHMENTS").number(),
        Column::new("NETWORKS").number(),
        Column::new("DEVICES").number(),
        Column::new("OBSERVED").rank(1),
        Column::new("VERSION").rank(2),
        Column::new("PLUGIN").rank(3),
    ]);
    for node in nodes {
        let ago = |text: &Option<String>| {
            let at = text.as_deref().and_then(instant);
            Cell::new(at.map(|at| age(at, now)).unwrap_or_default())
        };
        let tone = match node.agent {
            Agent::Ready => Tone::Good,
            Agent::Reporting | Agent::NotWanted => Tone::Plain,
            Agent::Unknown => Tone::Warning,
            Agent::NotReady | Agent::Silent | Agent::Absent => Tone::Bad,
        };
        let attachments = match node.degraded_attachments {
            0 => Cell::new(node.attachments.to_string()),
            degraded => {
                let well = node.attachments - degraded;
                Cell::new(format!("{well}/{}", node.attachments)).toned(Tone::Bad)
            }
        };
        table.row([
            Cell::new(&node.node),
            Cell::new(format!("{:?}", node.agent)).toned(tone),
            ago(&node.since),
            Cell::new(node.pods.to_string()),
            attachments,
            Cell::new(node.networks.len().to_string()),
            Cell::new(format!("{}/{}", node.held_devices, node.devices)),
            ago(&node.observed_at),
            Cell::new(node.agent_version.clone().unwrap_or_default()),
            Cell::new(node.plugin_version.clone().unwrap_or_default()),
        ]);
    }
    table
}
