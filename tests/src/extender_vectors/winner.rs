//! Two nodes, of which one is to be taken.

use serde_json::Value;

use super::{
    asked::Extender,
    objects::{node, pod, topology},
};

/// Of two nodes, the zones of each; the pod; and who wins.
struct Row {
    scope: &'static str,
    nodes: [[&'static str; 2]; 2],
    pod: &'static [&'static str],
    winner: Winner,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Winner {
    /// One of the two, by number.
    Node(usize),
    /// None fits.
    Nobody,
    /// Both fit, and which is better is a matter of strategy: the peer has several, ours has the one that leaves most room.
    Either,
}

use Winner::{Either, Nobody, Node};

const ROWS: &[Row] = &[
    Row {
        scope: "container",
        nodes: [
            ["cpu=2 mem=8Gi", "cpu=2 mem=8Gi"],
            ["cpu=4 mem=8Gi", "cpu=0 mem=8Gi"],
        ],
        pod: &["cpu=4 mem=5Gi"],
        winner: Node(1),
    },
    // MostAllocated has the second win, LeastAllocated the first.
    Row {
        scope: "container",
        nodes: [
            ["cpu=2 mem=8Gi", "cpu=2 mem=8Gi"],
            ["cpu=1 mem=4Gi", "cpu=1 mem=4Gi"],
        ],
        pod: &["cpu=1 mem=4Gi"],
        winner: Either,
    },
    // BalancedAllocation has the second win.
    Row {
        scope: "container",
        nodes: [
            ["cpu=4 mem=50Gi", "cpu=4 mem=50Gi"],
            ["cpu=6 mem=6Gi", "cpu=6 mem=6Gi"],
        ],
        pod: &["cpu=2 mem=2Gi"],
        winner: Either,
    },
    Row {
        scope: "pod",
        nodes: [
            ["cpu=2 mem=8Gi", "cpu=2 mem=8Gi"],
            ["cpu=4 mem=8Gi", "cpu=4 mem=8Gi"],
        ],
        pod: &["cpu=2 mem=4Gi", "cpu=2 mem=4Gi"],
        winner: Node(1),
    },
    Row {
        scope: "container",
        nodes: [
            ["cpu=6 mem=8Gi", "cpu=2 mem=8Gi"],
            ["cpu=4 mem=8Gi", "cpu=4 mem=8Gi"],
        ],
        pod: &["cpu=3 mem=5Gi", "cpu=3 mem=5Gi"],
        winner: Node(1),
    },
    Row {
        scope: "container",
        nodes: [
            ["cpu=3 mem=8Gi", "cpu=3 mem=8Gi"],
            ["cpu=4 mem=8Gi", "cpu=4 mem=8Gi"],
        ],
        pod: &["init cpu=4 mem=4Gi", "cpu=2 mem=4Gi"],
        winner: Node(1),
    },
    Row {
        scope: "container",
        nodes: [
            ["cpu=4 mem=8Gi", "cpu=2 mem=8Gi"],
            ["cpu=3 mem=8Gi", "cpu=3 mem=8Gi"],
        ],
        pod: &["cpu=4 mem=4Gi", "cpu=2 mem=4Gi"],
        winner: Node(0),
    },
    Row {
        scope: "container",
        nodes: [
            ["cpu=4 mem=8Gi", "cpu=4 mem=8Gi"],
            ["cpu=4 mem=8Gi", "cpu=4 mem=8Gi"],
        ],
        pod: &["init cpu=4 mem=10Gi", "cpu=2 mem=4Gi"],
        winner: Nobody,
    },
    Row {
        scope: "container",
        nodes: [
            ["cpu=4 mem=8Gi", "cpu=2 mem=8Gi"],
            ["cpu=4 mem=8Gi", "cpu=4 mem=3Gi"],
        ],
        pod: &["cpu=4 mem=4Gi", "cpu=4 mem=6Gi"],
        winner: Nobody,
    },
];

fn name(row: usize, node: usize) -> String {
    format!("row-{row}-node-{node}")
}

pub(super) fn the_better_of_two_nodes() {
    let mut objects: Vec<Value> = Vec::new();
    for (at, row) in ROWS.iter().enumerate() {
        for (number, [zero, one]) in row.nodes.iter().enumerate() {
            let name = name(at, number);
            let zones = [("node-0", *zero), ("node-1", *one)];
            objects.push(topology(&name, "single-numa-node", row.scope, &zones));
            objects.push(node(&name, "cpu=16 mem=128Gi"));
        }
    }
    let extender = Extender::knowing(&objects);
    for (at, row) in ROWS.iter().enumerate() {
        let names = [name(at, 0), name(at, 1)];
        let names = [names[0].as_str(), names[1].as_str()];
        let pod = pod("u1", row.pod);
        let (left, refused) = extender.filter(&pod, &names);
        match row.winner {
            Node(number) => {
                let winner = extender.winner(&pod, &names);
                assert_eq!(
                    winner.as_deref(),
                    Some(names[number]),
                    "row {at}: {refused:?}"
                );
            }
            Nobody => assert!(left.is_empty(), "row {at}: {left:?}"),
            Either => assert_eq!(left, names, "row {at}: {refused:?}"),
        }
    }
}
