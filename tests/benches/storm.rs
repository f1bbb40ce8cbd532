//! What a reboot costs the device-bridge: all pods of a node ask at once, while the kubelet turns calls away, answers lists of
//! 5 MB and is started again in the middle.
//!
//! `cargo bench -p tests --bench storm` builds the device-bridge as it is shipped, has 500 sandboxes with 3 networks and
//! 2 devices each ask it at the same time, once with a kubelet that has Get and once with one that has not, and then 250 pods
//! of a cluster with 1,000 NetworkAttachmentDefinitions in 200 namespaces, a few at a time. It prints whether the aims are met;
//! `-- --json` prints the first storm as one JSON object, too, on the last line. It ends by itself in a minute or two.

#[path = "../src/fixture/api_server.rs"]
#[allow(dead_code, reason = "the scenarios use what the bench does not")]
mod api_server;
#[path = "../src/fixture/kubelet/mod.rs"]
#[allow(dead_code, reason = "the scenarios use what the bench does not")]
mod kubelet;
#[path = "storm/report.rs"]
mod report;
#[path = "storm/shipped.rs"]
mod shipped;
#[path = "../src/fixture/storm/mod.rs"]
mod storm;

use std::time::Duration;

use crate::{
    kubelet::{Behaviour, Limit},
    storm::{Storm, World},
};

const STORM: Storm = Storm {
    behaviour: Behaviour {
        has_get: true,
        limit: Some(Limit::KUBELET),
    },
    restart_after: Some(200),
    restart_takes: Duration::from_secs(1),
    at_once: 500,
    kills: 0,
};

/// Nothing happens but that pods come, a few at a time.
const STEADY: Storm = Storm {
    restart_after: None,
    at_once: 4,
    ..STORM
};

const WITHOUT_GET: Storm = Storm {
    behaviour: Behaviour {
        has_get: false,
        ..STORM.behaviour
    },
    ..STORM
};

fn main() {
    let wants_json = std::env::args().any(|argument| argument == "--json");
    let shipped = shipped::build();
    // 90 devices of another resource, told once for each of two NUMA nodes, make 10 KB of every pod and 5 MB of a list.
    let busy = World::new(500, 20, 60, 90);
    let runs = [
        ("storm", storm::run(&shipped.program, &busy, STORM)),
        (
            "storm, a kubelet without Get",
            storm::run(&shipped.program, &busy, WITHOUT_GET),
        ),
        (
            "steady",
            storm::run(&shipped.program, &World::new(250, 200, 1000, 4), STEADY),
        ),
    ];
    report::print(shipped.target, &runs);
    if wants_json {
        println!("{}", report::json(&runs[0].1, &runs[2].1));
    }
}
