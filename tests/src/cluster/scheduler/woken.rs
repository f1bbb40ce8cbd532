//! A pod that was refused is tried again when what it lacked is released. The scheduler by itself looks at it after five
//! minutes, unless something happens that it watches; reports are nothing that it watches.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    machine::{A_WHILE, Machine, runs_on, set_status},
    stage::{Stage, pod},
};

/// What is asked for is two seconds. A busy machine may take longer, but never what the scheduler would need by itself: a
/// backoff of ten seconds after the first attempts, or five minutes.
const WOKEN: Duration = Duration::from_secs(8);

pub(super) fn by_what_is_released() {
    let mut stage = Stage::new();
    let mut only = Machine::reporting(&stage, "only", &[1, 1]);
    stage.start_scheduler(&stage.extender());
    for name in ["a", "b"] {
        stage.create(&pod(name, 1));
        runs_on(&stage, &mut only, name);
    }

    // The pod is gone before anybody reports so: the scheduler hears of the one, the engine waits for the other.
    stage.create(&pod("after-report", 1));
    stage.refusal("after-report");
    set_status(&stage, "a", &json!({"phase": "Succeeded"}));
    std::thread::sleep(A_WHILE);
    stage.refusal("after-report");
    assert_eq!(only.sync(&stage), 0);
    let since = Instant::now();
    only.report(&stage);
    woken(&stage, "after-report", "a report", since);
    only.settle(&stage);

    // A pod that nobody has reported yet holds nothing when it is deleted.
    let mut other = Machine::reporting(&stage, "other", &[1]);
    stage.create(&pod("unreported", 1));
    assert_eq!(stage.node_of("unreported"), "other");
    stage.create(&pod("after-deletion", 1));
    stage.refusal("after-deletion");
    std::thread::sleep(A_WHILE);
    let since = Instant::now();
    stage.delete("unreported");
    woken(&stage, "after-deletion", "a deletion", since);
    other.settle(&stage);

    // A node comes, and reports when the scheduler has long looked at it.
    stage.create(&pod("after-node", 1));
    stage.refusal("after-node");
    let mut fresh = Machine::join(&stage, "fresh", &[1]);
    std::thread::sleep(A_WHILE);
    stage.refusal("after-node");
    let since = Instant::now();
    fresh.report(&stage);
    woken(&stage, "after-node", "a new node's report", since);
    fresh.settle(&stage);
}

fn woken(stage: &Stage, pod: &str, by: &str, since: Instant) {
    stage.node_of(pod);
    let took = since.elapsed();
    println!("{pod} was bound {} ms after {by}", took.as_millis());
    assert!(
        took < WOKEN,
        "{pod} was bound {took:?} after {by}: {:#?}",
        stage.events(pod)
    );
}
