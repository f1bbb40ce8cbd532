//! Preemption leaves alone what it cannot help.

use serde_json::json;

use super::{
    machine::{A_WHILE, Machine, runs_on},
    stage::{Stage, pod},
};

/// A pod of high priority that topology refuses: the scheduler neither takes others away nor fails in trying.
pub(super) fn no_victims() {
    let mut stage = Stage::new();
    let mut node = Machine::reporting(&stage, "node-1", &[2, 2]);
    let high = json!({"metadata": {"name": "high"}, "value": 1000});
    stage
        .plane
        .ask("POST", "/apis/scheduling.k8s.io/v1/priorityclasses", &high)
        .is_created();
    stage.start_scheduler(&stage.extender());
    for name in ["a", "b", "c"] {
        stage.create(&pod(name, 1));
        runs_on(&stage, &mut node, name);
    }
    // One free device is left in each zone.
    stage.delete(if node.zone_of("a") == node.zone_of("b") {
        "a"
    } else {
        "c"
    });
    node.settle(&stage);

    let mut important = pod("important", 2);
    important["spec"]["priorityClassName"] = json!("high");
    stage.create(&important);
    let words = stage.refusal("important");
    println!("{words}");
    assert!(words.contains("Preemption is not helpful"), "{words}");
    std::thread::sleep(A_WHILE);
    stage.refusal("important");
    let said = [stage.scheduler_log(), stage.events("important").join("\n")].concat();
    assert!(!said.contains("expected at least one victim"), "{said}");
    let left = ["a", "b", "c"]
        .iter()
        .filter(|name| node.zone_of(name).is_some());
    for name in left {
        assert!(
            stage.pod(name)["metadata"]["deletionTimestamp"].is_null(),
            "{name}"
        );
    }
}
