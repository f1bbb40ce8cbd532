//! What an answer of the webhook costs, beside the same port answering a constant.
//!
//! `cargo bench -p tests --bench admission` builds the webhook and the floor (`webhook/examples/floor.rs`) as they are
//! installed, and asks both in turn over TLS connections that are kept alive: the pod of the seeds with two SR-IOV
//! networks, 1, 8 and 64 connections, a store of 10 and of 10,000 networks.
//! `-- --peer https://HOST:PORT/PATH --peer-ca FILE` asks a peer in the same run. `-- --json` prints the row of 8
//! connections and 10,000 networks as one JSON object on the last line. It ends by itself in about two minutes.

#[path = "admission/built.rs"]
mod built;
#[path = "admission/load.rs"]
mod load;
#[path = "admission/report.rs"]
mod report;
#[path = "admission/review.rs"]
mod review;
#[path = "admission/server.rs"]
mod server;

use std::{path::PathBuf, time::Duration};

use crate::{
    load::{Load, Target},
    report::Row,
    server::Server,
};

const CONNECTIONS: [usize; 3] = [1, 8, 64];
const NETWORKS: [usize; 2] = [10, 10_000];

/// Each server is asked for this long and this often, in turn, so that what else the machine does is shared.
const ROUND: Duration = Duration::from_secs(2);
const ROUNDS: usize = 3;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |flag: &str| {
        let at = arguments.iter().position(|argument| argument == flag)?;
        arguments.get(at + 1).cloned()
    };
    let wants_json = arguments.iter().any(|argument| argument == "--json");
    let built = built::build("floor");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let mut servers = vec![Server::floor(&built.floor, folder.path())];
    for networks in NETWORKS {
        servers.push(Server::webhook(&built.webhook, folder.path(), networks));
    }
    if let Some(url) = after("--peer") {
        let ca = after("--peer-ca").expect("--peer needs --peer-ca FILE");
        servers.push(Server::peer(&url, PathBuf::from(ca)));
    }
    println!(
        "target {}; {ROUNDS} rounds of {ROUND:?} for each row, in turn\n",
        built.target
    );
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("threads can be started");
    let mut rows = Vec::new();
    for connections in CONNECTIONS {
        let mut loads: Vec<Load> = servers.iter().map(|_| Load::default()).collect();
        let mut cpu = vec![Duration::ZERO; servers.len()];
        for _ in 0..ROUNDS {
            for (at, server) in servers.iter().enumerate() {
                let target = Target::new(&server.url, &server.ca);
                let before = server.cpu();
                loads[at].extend(runtime.block_on(load::ask(&target, connections, ROUND)));
                cpu[at] += server.cpu().saturating_sub(before);
            }
        }
        for ((server, load), cpu) in servers.iter().zip(loads).zip(cpu) {
            rows.push(Row::new(server, connections, load, cpu));
        }
    }
    report::print(&rows);
    if wants_json {
        println!("{}", report::json(&rows));
    }
}
