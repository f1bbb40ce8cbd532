//! Devices as tables.

use super::{
    devices::{Devices, NodeDevices, Part},
    share::Share,
};
use crate::output::{Cell, Column, Screen, Table, Tone};

/// Of so many nodes everything is printed without being asked for.
const FEW: usize = 16;

/// The tables: by resource; then, of few nodes or where asked for, by node, and by zone and physical function.
pub(super) fn text(devices: &Devices, is_detailed: bool, screen: &Screen) -> String {
    let mut text = by_resource(devices).text(screen);
    let nodes = devices.nodes.len();
    if is_detailed || nodes <= FEW {
        for table in [by_node(devices), by_part(devices)] {
            if !table.is_empty() {
                text.push('\n');
                text.push_str(&table.text(screen));
            }
        }
    } else {
        text.push_str(&format!(
            "\n{nodes} nodes; --node NODE shows one of them, --all each\n"
        ));
    }
    text + &faults(devices, is_detailed, screen)
}

/// What of the reports is malformed: the first few, or all where asked for.
fn faults(devices: &Devices, all: bool, screen: &Screen) -> String {
    let of_node = |node: &'_ NodeDevices| -> Vec<String> {
        let lines = node.faults.iter();
        lines
            .map(|fault| format!("{}: {fault}", node.node))
            .collect()
    };
    let mut lines: Vec<String> = devices.nodes.iter().flat_map(of_node).collect();
    let left = lines.len().saturating_sub(FEW);
    if left > 0 && !all {
        lines.truncate(FEW);
        lines.push(format!(
            "and {left} more faults of reports; --all tells them"
        ));
    }
    let painted = lines.into_iter().map(|line| {
        let line = line.replace(char::is_control, " ");
        Tone::Warning.paint(&line, screen) + "\n"
    });
    painted.collect()
}

const SHARE: [Column; 8] = [
    Column::new("DEVICES").number(),
    Column::new("HELD").number(),
    Column::new("ASSUMED").number().rank(3),
    Column::new("FREE").number(),
    Column::new("USED").number().rank(2),
    Column::new("LARGEST").number().rank(1),
    Column::new("FRAGMENTED").number(),
    Column::new("UNHEALTHY").number().rank(4),
];

fn share(share: &Share) -> [Cell; 8] {
    let number = |number: i64| Cell::new(number.to_string());
    let percent = |number: i64| Cell::new(format!("{number}%"));
    let tone = |tone, is: bool| if is { tone } else { Tone::Plain };
    [
        number(share.devices),
        number(share.held),
        number(share.assumed),
        number(share.free).toned(tone(Tone::Warning, share.free == 0 && share.devices > 0)),
        percent(share.used_percent()),
        number(share.largest_aligned),
        percent(share.fragmentation_percent),
        number(share.unhealthy).toned(tone(Tone::Bad, share.unhealthy > 0)),
    ]
}

fn by_resource(devices: &Devices) -> Table {
    let first = [Column::new("RESOURCE"), Column::new("NODES").number()];
    let mut table = Table::new(first.into_iter().chain(SHARE));
    for total in &devices.resources {
        let first = [
            Cell::new(&total.resource),
            Cell::new(total.nodes.to_string()),
        ];
        table.row(first.into_iter().chain(share(&total.share)));
    }
    table
}

fn by_node(devices: &Devices) -> Table {
    let first = [Column::new("NODE"), Column::new("RESOURCE")];
    let mut table = Table::new(first.into_iter().chain(SHARE));
    for node in &devices.nodes {
        for one in &node.resources {
            let first = [Cell::new(&node.node), Cell::new(&one.resource)];
            table.row(first.into_iter().chain(share(&one.share)));
        }
    }
    table
}

fn by_part(devices: &Devices) -> Table {
    let mut table = Table::new([
        Column::new("NODE"),
        Column::new("ZONE"),
        Column::new("PF"),
        Column::new("PF-INTERFACE").rank(1),
        Column::new("RESOURCE"),
        Column::new("DEVICES").number(),
        Column::new("HELD").number(),
        Column::new("FREE").number(),
    ]);
    for node in &devices.nodes {
        for one in &node.resources {
            for part in &one.parts {
                table.row([
                    Cell::new(&node.node),
                    Cell::new(zones(part)),
                    Cell::new(part.physical_function.clone().unwrap_or_default()),
                    Cell::new(part.interface.clone().unwrap_or_default()),
                    Cell::new(&one.resource),
                    Cell::new(part.devices.to_string()),
                    Cell::new(part.held.to_string()),
                    Cell::new(part.free.to_string()),
                ]);
            }
        }
    }
    table
}

fn zones(part: &Part) -> String {
    let zones: Vec<String> = part.zones.iter().map(ToString::to_string).collect();
    zones.join(",")
}
