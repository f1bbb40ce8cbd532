//! Where pods go.

use std::process::Command;

use serde_json::{Value, json};

use super::{
    machine::{A_WHILE, Machine, runs_on},
    stage::{RESOURCE, Stage, pod},
};
use crate::fixture::binaries;

/// By NodeInventories: alignment decides, what was placed counts before anybody reports it, and who never reported is closed.
pub(super) fn where_they_fit() {
    let mut stage = Stage::new();
    // It could hold more than any other, but no two devices in one zone.
    let mut split = Machine::reporting(&stage, "split", &[1, 1, 1, 1, 1, 1]);
    let mut paired = Machine::reporting(&stage, "paired", &[1, 2]);
    stage.start_scheduler(&stage.extender());

    stage.create(&pod("pair", 2));
    runs_on(&stage, &mut paired, "pair");
    assert_eq!(paired.zone_of("pair"), Some(1));
    stage.create(&pod("second-pair", 2));
    let words = stage.refusal("second-pair");
    assert!(
        words.contains("0/2 nodes") && words.contains(RESOURCE),
        "{words}"
    );
    println!("refused in these words: {words}");
    let why = why(&stage, "second-pair");
    assert!(why.contains("split") && why.contains("paired"), "{why}");
    assert!(why.contains("default/pair"), "who has the devices: {why}");

    // Nobody reports between these: what was bound counts.
    let mut twin = Machine::reporting(&stage, "twin", &[2, 2]);
    stage.delete("second-pair");
    let names = ["first", "next", "last"];
    for name in &names[..2] {
        stage.create(&pod(name, 2));
        assert_eq!(stage.node_of(name), "twin");
    }
    stage.create(&pod(names[2], 2));
    stage.refusal(names[2]);
    twin.settle(&stage);
    let mut zones = names[..2]
        .iter()
        .map(|name| twin.zone_of(name))
        .collect::<Vec<_>>();
    zones.sort_unstable();
    assert_eq!(zones, [Some(0), Some(1)]);
    stage.delete(names[2]);

    unreported(&stage);
    assert_eq!(
        split.sync(&stage) + paired.sync(&stage) + twin.sync(&stage),
        0
    );
}

/// A node without a report is closed to pods of devices and open to others, until it reports.
fn unreported(stage: &Stage) {
    // Only there.
    let to_late = |mut pod: Value| {
        pod["spec"]["nodeSelector"] = json!({"kubernetes.io/hostname": "late"});
        pod
    };
    let mut late = Machine::join(stage, "late", &[2]);
    stage.create(&to_late(pod("device-free", 0)));
    assert_eq!(stage.node_of("device-free"), "late");
    stage.create(&to_late(pod("early", 1)));
    let words = stage.refusal("early");
    println!("a node that never reported: {words}");
    std::thread::sleep(A_WHILE);
    stage.refusal("early");

    late.report(stage);
    runs_on(stage, &mut late, "early");
}

/// What `kubectl-polypod why` says of a pod.
fn why(stage: &Stage, pod: &str) -> String {
    let output = Command::new(binaries::path("kubectl-polypod"))
        .args(["why", pod, "--namespace", "default", "--kubeconfig"])
        .arg(stage.plane.kubeconfig())
        .output()
        .expect("kubectl-polypod can be executed");
    let words = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!words.is_empty(), "{error}");
    println!("{words}");
    words
}

/// By NodeResourceTopologies alone, as other projects write them.
pub(super) fn by_reports_of_others() {
    let mut stage = Stage::new();
    let machines = [("split", vec![1, 1]), ("paired", vec![0, 2])];
    let machines = machines.map(|(name, zones)| Machine::join(&stage, name, &zones));
    for machine in &machines {
        machine.report_topology(&stage);
    }
    let [mut split, mut paired] = machines;
    stage.start_scheduler(&stage.extender());

    stage.create(&pod("pair", 2));
    assert_eq!(stage.node_of("pair"), "paired");
    // Before and after the other agent has seen it.
    stage.create(&pod("second-pair", 2));
    stage.refusal("second-pair");
    stage.delete("second-pair");
    assert_eq!(paired.sync(&stage), 0);
    paired.report_topology(&stage);
    stage.create(&pod("third-pair", 2));
    stage.refusal("third-pair");
    stage.delete("third-pair");
    // Each is alone in its zone.
    for name in ["one", "other"] {
        stage.create(&pod(name, 1));
        assert_eq!(stage.node_of(name), "split");
    }
    assert_eq!(split.sync(&stage), 0);
}
