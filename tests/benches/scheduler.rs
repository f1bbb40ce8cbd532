//! What kube-scheduler waits for the extender, beside the same port reading the same questions and writing answers as long.
//!
//! `cargo bench -p tests --bench scheduler` builds the webhook and the floor (`webhook/examples/extender_floor.rs`) as they
//! are installed, gives the webhook a cluster of 15,000 nodes by `--objects`, and asks both in turn over one TLS connection
//! that is kept alive, as kube-scheduler does: filter and prioritize, of 100, 750, 5,000 and 15,000 names.
//! `-- --json` prints everything as one JSON object, too, on the last line. It ends by itself in about two minutes.

#[path = "admission/built.rs"]
mod built;
#[path = "scheduler/cluster.rs"]
mod cluster;
#[path = "scheduler/connection.rs"]
mod connection;
#[path = "scheduler/report.rs"]
mod report;
#[path = "scheduler/server.rs"]
mod server;

use std::time::Duration;

use crate::{connection::Connection, report::Row, server::Server};

/// The nodes of the cluster.
const NODES: usize = 15_000;

/// How many of them a question is about.
const SIZES: [usize; 4] = [100, 750, 5_000, NODES];

const VERBS: [&str; 2] = ["filter", "prioritize"];

/// The servers are asked in turn, this often, each as often as `asked` says.
const ROUNDS: usize = 10;

/// How often in a round.
fn asked(names: usize) -> usize {
    match names {
        ..=100 => 200,
        101..=750 => 100,
        751..=5_000 => 40,
        _ => 20,
    }
}

fn main() {
    let wants_json = std::env::args().any(|argument| argument == "--json");
    let built = built::build("extender_floor");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let objects = folder.path().join("objects");
    cluster::write(&objects, NODES);
    let floor = Server::floor(&built.floor, folder.path());
    let webhook = Server::webhook(&built.webhook, folder.path(), &objects);
    let at_start = webhook.peak_rss();
    println!(
        "target {}; {NODES} nodes, {} pods; {ROUNDS} rounds in turn; {at_start:.1} MiB at most once the objects are read\n",
        built.target,
        cluster::pods(NODES),
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a thread can wait");
    let mut rows = Vec::new();
    for verb in VERBS {
        for names in SIZES {
            let body = cluster::question(names);
            let mut took: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
            let mut answered = [0, 0];
            for _ in 0..ROUNDS {
                for (at, server) in [&floor, &webhook].into_iter().enumerate() {
                    runtime.block_on(async {
                        let mut connection = Connection::to(server).await;
                        // The first one makes room for all that follow.
                        let first = connection.ask(verb, &body).await;
                        answered[at] = first.answer.len();
                        if std::ptr::eq(server, &webhook) {
                            cluster::check(verb, names, &first.answer);
                        }
                        for _ in 0..asked(names) {
                            took[at].push(connection.ask(verb, &body).await.took);
                        }
                    });
                }
            }
            let [of_floor, of_webhook] = took;
            rows.push(Row::new(
                verb,
                names,
                [body.len(), answered[1], answered[0]],
                of_webhook,
                of_floor,
            ));
        }
    }
    let memory = [at_start, webhook.peak_rss(), floor.peak_rss()];
    report::print(&rows, memory);
    if wants_json {
        println!("{}", report::json(&rows, memory));
    }
}
