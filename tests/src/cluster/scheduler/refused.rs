//! A pod that the kubelet refused all the same.

use serde_json::{Value, json};

use super::{
    machine::{Machine, runs_on},
    stage::{Stage, pod},
};

/// A pod as a ReplicaSet makes it.
fn owned(name: &str, owner: &str) -> Value {
    let mut pod = pod(name, 1);
    let uid = format!("5d0b5d1a-2f4e-4e6c-9a0c-{:0>12}", owner.len());
    pod["metadata"]["ownerReferences"] = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": uid, "controller": true}]);
    pod
}

/// The node is set aside for the pod's owner, for a while, and for nobody else.
pub(super) fn by_the_kubelet() {
    let mut stage = Stage::with(&["--scheduler-set-aside-for".into(), "15s".into()]);
    let mut bad = Machine::reporting(&stage, "bad", &[4]);
    stage.start_scheduler(&stage.extender());
    stage.create(&owned("web-1", "web"));
    assert_eq!(stage.node_of("web-1"), "bad");
    bad.refuse(&stage, "web-1");

    // The ReplicaSet makes another one at once.
    stage.create(&owned("web-2", "web"));
    let words = stage.refusal("web-2");
    println!("set aside in these words: {words}");
    stage.create(&owned("db-1", "database"));
    runs_on(&stage, &mut bad, "db-1");
    let mut good = Machine::reporting(&stage, "good", &[1]);
    runs_on(&stage, &mut good, "web-2");

    // There is no other place any more, and the while is over.
    stage.create(&owned("web-3", "web"));
    runs_on(&stage, &mut bad, "web-3");
}
