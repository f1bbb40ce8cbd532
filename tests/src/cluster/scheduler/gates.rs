//! Without a word in any scheduler's configuration: pods wait at a gate until nodes with devices for them were chosen.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{
    machine::{A_WHILE, Machine, runs_on, set_status},
    stage::{PODS, RESOURCE, Stage, pod, text, until},
};

/// As in `woken`: two seconds are asked for, and a busy machine may take longer.
const SOON: Duration = Duration::from_secs(8);

const GATE: &str = "polypod.dev/devices";

/// A stage whose scheduler knows of no extender, and whose webhook lifts gates.
fn stage() -> Stage {
    let mut stage = Stage::with(&["--scheduling-gates".into()]);
    stage.start_plain_scheduler();
    stage
}

/// What admission makes of a pod where gates are switched on.
fn gated(name: &str, devices: u32) -> Value {
    let mut pod = pod(name, devices);
    pod["spec"]["schedulingGates"] = json!([{"name": GATE}]);
    pod
}

fn chosen(stage: &Stage, pod: &str) -> String {
    text(&stage.pod(pod)["metadata"]["annotations"]["polypod.dev/chosen-nodes"])
}

pub(super) fn nodes_are_chosen() {
    let stage = stage();
    // Two nodes with as many devices: on one of them no two are in one zone. The scheduler sees no difference.
    let mut apart = Machine::reporting(&stage, "apart", &[1, 1]);
    let mut together = Machine::reporting(&stage, "together", &[0, 2]);
    for round in 0..3 {
        let name = format!("pair-{round}");
        stage.create(&gated(&name, 2));
        runs_on(&stage, &mut together, &name);
        assert_eq!(chosen(&stage, &name), "together");
        assert_eq!(stage.pod(&name)["spec"]["schedulingGates"], Value::Null);
        set_status(&stage, &name, &json!({"phase": "Succeeded"}));
        together.settle(&stage);
    }

    // An affinity of the author's own is kept, and narrowed.
    let mut own = gated("own", 2);
    let zone =
        json!({"key": "kubernetes.io/hostname", "operator": "NotIn", "values": ["elsewhere"]});
    own["spec"]["affinity"] = json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [zone]}]}}});
    stage.create(&own);
    runs_on(&stage, &mut together, "own");
    let required = &stage.pod("own")["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let expressions = required["nodeSelectorTerms"][0]["matchExpressions"].as_array();
    assert_eq!(expressions.map(Vec::len), Some(2), "{required}");
    assert_eq!(
        required["nodeSelectorTerms"][0]["matchExpressions"][0],
        zone
    );

    // A pod whose own gate is not ours, and one with another gate beside it, are let alone.
    for (name, gates) in [
        ("of-others", json!([{"name": "example.com/quota"}])),
        (
            "of-both",
            json!([{"name": "example.com/quota"}, {"name": GATE}]),
        ),
    ] {
        let mut pod = pod(name, 1);
        pod["spec"]["schedulingGates"] = gates.clone();
        stage.create(&pod);
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(stage.pod(name)["spec"]["schedulingGates"], gates);
    }
    apart.settle(&stage);
}

pub(super) fn pods_wait_for_what_is_released() {
    let stage = stage();
    let mut only = Machine::reporting(&stage, "only", &[1, 1]);
    for name in ["a", "b"] {
        stage.create(&gated(name, 1));
        runs_on(&stage, &mut only, name);
    }
    stage.create(&gated("waits", 1));
    let said = until(|| {
        let events = stage.events("waits").into_iter();
        events
            .into_iter()
            .find(|event| event.starts_with("WaitingForDevices"))
    });
    println!("{said}");
    assert!(
        said.contains("0/1 nodes") && said.contains(RESOURCE),
        "{said}"
    );
    std::thread::sleep(A_WHILE);
    assert_eq!(
        stage.pod("waits")["spec"]["schedulingGates"][0]["name"],
        GATE
    );

    set_status(&stage, "a", &json!({"phase": "Succeeded"}));
    assert_eq!(only.sync(&stage), 0);
    let since = Instant::now();
    only.report(&stage);
    stage.node_of("waits");
    let took = since.elapsed();
    println!(
        "a gated pod was bound {} ms after a report",
        took.as_millis()
    );
    assert!(took < SOON, "{took:?}");
    only.settle(&stage);

    // What cordons off or taints a node keeps gates closed, and its end opens them.
    let mut fresh = Machine::join(&stage, "fresh", &[1]);
    let node = "/api/v1/nodes/fresh";
    let cordon = |is: bool| {
        let patch = json!({"spec": {"unschedulable": is}});
        assert_eq!(stage.plane.ask("PATCH", node, &patch).status, 200);
    };
    cordon(true);
    fresh.report(&stage);
    stage.create(&gated("cordoned", 1));
    until(|| {
        let events = stage.events("cordoned").into_iter();
        events
            .into_iter()
            .find(|event| event.contains("cordoned off"))
    });
    let since = Instant::now();
    cordon(false);
    assert_eq!(stage.node_of("cordoned"), "fresh");
    println!(
        "a gated pod was bound {} ms after its node was uncordoned",
        since.elapsed().as_millis()
    );
    fresh.settle(&stage);
}

pub(super) fn the_last_devices_are_promised_once() {
    let stage = stage();
    let mut machines: Vec<Machine> = ["n1", "n2", "n3"]
        .into_iter()
        .map(|name| Machine::reporting(&stage, name, &[1, 1]))
        .collect();
    // All at once, each for all that a zone has: nobody reports meanwhile.
    let names: Vec<String> = (0..8).map(|n| format!("p{n}")).collect();
    for name in &names {
        stage.plane.ask("POST", PODS, &gated(name, 1)).is_created();
    }
    let bound = || {
        let bound = names
            .iter()
            .filter(|name| stage.pod(name)["spec"]["nodeName"].is_string());
        bound.count()
    };
    let since = Instant::now();
    until(|| (bound() == 6).then_some(()));
    println!(
        "six pods took {} ms for six devices",
        since.elapsed().as_millis()
    );
    // No kubelet refuses any of them.
    for machine in &mut machines {
        machine.settle(&stage);
    }
    std::thread::sleep(A_WHILE);
    assert_eq!(bound(), 6);
    let waiting: Vec<&String> = names
        .iter()
        .filter(|name| stage.pod(name)["spec"]["nodeName"].is_null())
        .collect();
    for name in &waiting {
        assert_eq!(stage.pod(name)["spec"]["schedulingGates"][0]["name"], GATE);
    }
}

/// The webhook leads by the Lease of the manifests, and lifts gates and wakes pods at the same time.
pub(super) fn one_leads() {
    let mut stage = Stage::with(&["--scheduling-gates".into()]);
    let mut only = Machine::reporting(&stage, "only", &[1]);
    stage.create(&gated("waits", 2));
    until(|| {
        let mut events = stage.events("waits").into_iter();
        events.find(|event| event.starts_with("WaitingForDevices"))
    });
    // A scheduler with the extender, so that both are tried: the gate, and waking up.
    stage.start_scheduler(&stage.extender());
    stage.create(&gated("goes", 1));
    runs_on(&stage, &mut only, "goes");
    stage.create(&pod("woken", 1));
    stage.refusal("woken");
    stage.delete("goes");
    std::thread::sleep(A_WHILE);
    only.settle(&stage);
    runs_on(&stage, &mut only, "woken");
    let retried = &stage.pod("woken")["metadata"]["annotations"]["polypod.dev/retried-at"];
    assert!(retried.is_string(), "{}", stage.pod("woken")["metadata"]);
    let lease = "/apis/coordination.k8s.io/v1/namespaces/polypod-system/leases/polypod-scheduling";
    let holder = |stage: &Stage| {
        let lease = stage.plane.ask("GET", lease, &Value::Null).body;
        text(&lease["spec"]["holderIdentity"])
    };
    assert_ne!(holder(&stage), "");
    // It is given up for the next leader.
    stage.stop_webhook();
    assert_eq!(holder(&stage), "");
}
