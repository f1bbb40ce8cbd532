use std::time::Duration;

use clap::Parser as _;
use kube::runtime::watcher::Event as Watch;
use scheduler::{engine::Event, policy::Policy};
use serde_json::{Value, json};
use spec::network::{CHOSEN_NODES, RETRIED_AT, SCHEDULING_GATE};

use super::{
    plan::{GatesPlan, LeasePlace},
    round::round,
    state::State,
    *,
};
use crate::{
    args::Args,
    config::Config,
    extender::watched::Watched,
    fake_api_server::{FakeApiServer, refusal},
};

mod held;

const EVENTS: &str = "POST /apis/events.k8s.io/v1/namespaces/ns/events";

fn patch_of(pod: &str) -> String {
    format!("PATCH /api/v1/namespaces/ns/pods/{pod}")
}

/// A leader without watches: the tests bring what they would.
struct Stage {
    api: FakeApiServer,
    helper: Helper,
    state: State,
    sequence: u64,
}

impl Stage {
    fn new(wakes: bool, hold: Option<Duration>) -> Self {
        let api = FakeApiServer::default();
        let plan = WaitingPlan {
            wakes,
            gates: hold.map(|hold| GatesPlan { nodes: 8, hold }),
            lease: None,
        };
        let scheduling = Arc::new(Scheduling::awaiting(&[], Policy::default()));
        let state = State::new(plan.gates, scheduling.now());
        let helper = Helper::new(plan, api.client(), scheduling);
        Self {
            api,
            helper,
            state,
            sequence: 0,
        }
    }

    /// A node with so many devices, of which so many are free, is as the API server has it now.
    fn node(&mut self, name: &str, devices: u64, free: u64) {
        self.sequence += 1;
        let ids: Vec<String> = (0..devices).map(|n| format!("0000:01:00.{n}")).collect();
        let held: Vec<&String> = ids.iter().take((devices - free) as usize).collect();
        let amounts = json!([{"name": "intel.com/sriov", "capacity": devices, "allocatable": devices, "available": free}]);
        let group = |ids: Value| json!([{"resource": "intel.com/sriov", "zones": [0], "ids": ids}]);
        let allocations = match held.is_empty() {
            true => json!([]),
            false => {
                json!([{"podUID": "holder", "namespace": "ns", "name": "holder", "containers": [{"name": "c", "devices": group(json!(held))}]}])
            }
        };
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
            "status": {"allocatable": {"cpu": "8", "intel.com/sriov": devices.to_string()}}});
        let report = json!({"apiVersion": "polypod.dev/v1alpha1", "kind": "NodeInventory", "metadata": {"name": name},
            "epoch": 1, "sequence": self.sequence, "observedAt": "2026-01-01T00:00:00Z",
            "topologyManager": {"policy": "single-numa-node", "scope": "container"},
            "zones": [{"id": 0, "resources": amounts}], "resources": amounts,
            "devices": group(json!(ids)), "allocations": allocations});
        let mut outcomes = self.helper.scheduling.outcomes();
        for (version, kind, object) in [
            ("v1", "Node", &node),
            ("polypod.dev/v1alpha1", "NodeInventory", &report),
        ] {
            let event = Event::of_object(version, kind, object, "").unwrap();
            self.helper.scheduling.learn(event);
        }
        let now = self.helper.scheduling.now();
        self.state.take_node(Watch::Apply(watched(&node)), now);
        while let Ok(outcomes) = outcomes.try_recv() {
            self.helper.scheduling.read(|engine, now| {
                self.state.take_outcomes(&outcomes, engine, now);
            });
        }
    }

    fn pod(&mut self, pod: &Value) {
        let now = self.helper.scheduling.now();
        self.state.take_pod(Watch::Apply(watched(pod)), now);
    }

    async fn round(&mut self) {
        round(&self.helper, &mut self.state).await;
    }

    /// What was written in one round, by what was asked.
    async fn written(&mut self) -> Vec<(String, Value)> {
        let before = self.api.asked().len();
        self.round().await;
        self.api.asked().split_off(before)
    }

    fn takes_patches_of(&self, pod: &str) {
        let object = json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": {"name": pod}});
        self.api.answer(&patch_of(pod), 200, object);
    }
}

fn watched(object: &Value) -> Watched {
    serde_json::from_value(object.clone()).unwrap()
}

fn pod(name: &str, devices: u32) -> Value {
    json!({"metadata": {"name": name, "namespace": "ns", "uid": format!("{name}-uid"), "resourceVersion": "7", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"containers": [{"name": "c", "resources": {"limits": {"intel.com/sriov": devices}}}]}})
}

fn gated(name: &str, devices: u32) -> Value {
    let mut pod = pod(name, devices);
    pod["spec"]["schedulingGates"] = json!([{"name": SCHEDULING_GATE}]);
    pod
}

fn refused(name: &str) -> Value {
    let mut pod = pod(name, 1);
    pod["status"] = json!({"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]});
    pod
}

const HOLD: Option<Duration> = Some(Duration::from_secs(60));

#[tokio::test]
async fn a_gate_is_lifted_in_one_patch() {
    let mut stage = Stage::new(false, HOLD);
    stage.node("n1", 2, 1);
    stage.node("n2", 2, 2);
    stage.takes_patches_of("p");
    stage.pod(&gated("p", 2));
    let written = stage.written().await;
    let named = json!({"key": "metadata.name", "operator": "In", "values": ["n2"]});
    let required = json!({"nodeSelectorTerms": [{"matchFields": [named]}]});
    let wanted = json!({
        "metadata": {"uid": "p-uid", "resourceVersion": "7", "annotations": {CHOSEN_NODES: "n2"}},
        "spec": {"schedulingGates": null, "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}},
    });
    assert_eq!(written, [(patch_of("p"), wanted)]);
    assert_eq!(stage.written().await, [], "once");
}

#[tokio::test]
async fn the_last_device_is_promised_once() {
    let mut stage = Stage::new(false, HOLD);
    stage.node("n1", 1, 1);
    stage.takes_patches_of("a");
    stage.takes_patches_of("b");
    stage.api.answer(EVENTS, 201, json!({"metadata": {}}));
    stage.pod(&gated("a", 1));
    stage.pod(&gated("b", 1));
    let written = stage.written().await;
    let asked: Vec<&str> = written.iter().map(|(asked, _)| asked.as_str()).collect();
    assert_eq!(asked, [patch_of("a").as_str(), EVENTS]);
    let event = &written[1].1;
    assert_eq!(event["regarding"]["name"], "b");
    insta::assert_snapshot!(
        event["note"].as_str().unwrap(),
        @"0/1 nodes have devices for the pod: 1 promised to pods on their way; the pod is looked at again as soon as devices are released"
    );
    // It is bound, and has ended: what it was promised is free again, and nobody has to tell.
    let now = stage.helper.scheduling.now();
    stage
        .state
        .take_pod(Watch::Delete(watched(&pod("a", 1))), now);
    assert_eq!(stage.written().await, []);
    tokio::time::sleep(Duration::from_millis(2100)).await;
    let written = stage.written().await;
    assert_eq!(written[0].0, patch_of("b"));
}

#[tokio::test]
async fn a_gate_opens_when_devices_are_released() {
    let mut stage = Stage::new(false, HOLD);
    stage.node("n1", 1, 0);
    stage.takes_patches_of("p");
    stage.api.answer(EVENTS, 201, json!({"metadata": {}}));
    stage.pod(&gated("p", 1));
    assert_eq!(stage.written().await[0].0, EVENTS);
    assert_eq!(stage.written().await, [], "nothing new");
    stage.node("n1", 1, 1);
    assert_eq!(stage.written().await[0].0, patch_of("p"));
}

#[tokio::test]
async fn what_another_leader_promised_is_kept() {
    let mut stage = Stage::new(false, HOLD);
    stage.node("n1", 1, 1);
    stage.api.answer(EVENTS, 201, json!({"metadata": {}}));
    let mut on_its_way = pod("a", 1);
    on_its_way["metadata"]["annotations"] = json!({CHOSEN_NODES: "n1"});
    let now = stage.helper.scheduling.now();
    for event in [
        Watch::Init,
        Watch::InitApply(watched(&on_its_way)),
        Watch::InitApply(watched(&gated("b", 1))),
        Watch::InitDone,
    ] {
        stage.state.take_pod(event, now);
    }
    assert_eq!(stage.written().await[0].0, EVENTS, "b waits");
    assert_eq!(stage.state.promises.len(), 1);
}

#[tokio::test]
async fn whoever_cannot_go_anywhere_any_more_is_told() {
    let mut stage = Stage::new(false, Some(Duration::from_millis(10)));
    stage.node("n1", 1, 1);
    stage.takes_patches_of("p");
    stage.api.answer(EVENTS, 201, json!({"metadata": {}}));
    stage.pod(&gated("p", 1));
    assert_eq!(stage.written().await[0].0, patch_of("p"));
    stage.pod(&pod("p", 1));
    stage.node("n1", 1, 0);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let written = stage.written().await;
    assert_eq!(written[0].1["reason"], "ChosenNodesUnfit");
    insta::assert_snapshot!(written[0].1["note"].as_str().unwrap(), @"none of the nodes that were chosen for the pod (n1) can take it any more, and what a pod was let go with cannot be taken back; delete it, so that whoever made it makes another one");
    assert_eq!(stage.helper.counts.stranded.get(), 1);
    assert_eq!(stage.written().await, []);
}

#[tokio::test]
async fn a_refused_pod_is_tried_again_when_something_is_released() {
    let mut stage = Stage::new(true, None);
    stage.node("n1", 1, 0);
    stage.takes_patches_of("p");
    stage.pod(&refused("p"));
    assert_eq!(stage.written().await, [], "it would be refused again");
    stage.node("n1", 1, 1);
    let written = stage.written().await;
    assert_eq!(written[0].0, patch_of("p"));
    let metadata = written[0].1["metadata"].as_object().unwrap();
    assert_eq!(metadata["uid"], "p-uid");
    let annotations = metadata["annotations"].as_object().unwrap();
    assert_eq!(annotations.keys().collect::<Vec<_>>(), [RETRIED_AT]);
    assert_eq!(
        (metadata.len(), written[0].1.as_object().unwrap().len()),
        (2, 1)
    );
    // Its own write comes back, and more is released: it has its second first.
    stage.pod(&refused("p"));
    stage.node("n1", 2, 1);
    stage.node("n1", 2, 2);
    assert_eq!(stage.written().await, []);
    tokio::time::sleep(Duration::from_millis(1050)).await;
    assert_eq!(stage.written().await[0].0, patch_of("p"));
}

#[tokio::test]
async fn writes_that_fail_are_tried_again() {
    let mut stage = Stage::new(true, None);
    stage.node("n1", 1, 1);
    stage.api.answer(&patch_of("p"), 500, refusal(500, "no"));
    stage
        .api
        .answer(&patch_of("p"), 409, refusal(409, "changed"));
    stage.takes_patches_of("p");
    stage.pod(&refused("p"));
    let mut writes = 0;
    for _ in 0..80 {
        writes += stage.written().await.len();
        tokio::time::sleep(Duration::from_millis(100)).await;
        if writes == 3 {
            break;
        }
    }
    assert_eq!(writes, 3);
    // One that is gone is forgotten when the watch says so.
    let now = stage.helper.scheduling.now();
    stage
        .state
        .take_pod(Watch::Delete(watched(&refused("p"))), now);
    assert_eq!(stage.state.waiting.next(), None);
}

#[tokio::test]
async fn without_a_word_nobody_is_touched() {
    let mut stage = Stage::new(true, None);
    stage.node("n1", 1, 1);
    stage.pod(&gated("gated", 1));
    stage.pod(&pod("fresh", 1));
    assert_eq!(stage.written().await, []);
    let mut stage = Stage::new(false, HOLD);
    stage.node("n1", 1, 1);
    stage.pod(&refused("refused"));
    assert_eq!(stage.written().await, []);
}

fn plan(arguments: &[&str]) -> Result<Option<WaitingPlan>, String> {
    let arguments = [&["polypod-webhook"], arguments].concat();
    let args = Args::try_parse_from(arguments).map_err(|error| error.to_string())?;
    let config = Config::try_from(args).map_err(|error| error.to_string())?;
    Ok(config.waiting)
}

#[test]
fn arguments() {
    assert_eq!(plan(&[]).unwrap(), None);
    let wakes = plan(&["--scheduler-extender"]).unwrap().unwrap();
    assert!(wakes.wakes && wakes.gates.is_none());
    let extender = ["--scheduler-extender", "--scheduler-wake-up", "false"];
    assert_eq!(plan(&extender).unwrap(), None);
    assert_eq!(
        plan(&["--scheduler-extender", "--objects", "a"]).unwrap(),
        None
    );
    let gates = plan(&[
        "--scheduling-gates",
        "--scheduling-gates-nodes",
        "3",
        "--scheduling-gates-hold",
        "30s",
        "--scheduling-lease",
        "net/gates",
    ]);
    let gates = gates.unwrap().unwrap();
    let (nodes, hold) = (3, Duration::from_secs(30));
    assert_eq!(gates.gates, Some(GatesPlan { nodes, hold }));
    assert!(!gates.wakes);
    let (namespace, name) = ("net".to_owned(), "gates".to_owned());
    assert_eq!(gates.lease, Some(LeasePlace { namespace, name }));
    for (bad, words) in [
        (
            ["--scheduling-gates", "--scheduling-lease=gates"],
            "--scheduling-lease",
        ),
        (
            ["--scheduling-gates", "--scheduling-lease=A/b"],
            "--scheduling-lease",
        ),
        (
            ["--scheduling-gates", "--scheduling-gates-nodes=0"],
            "1..=64",
        ),
        (["--scheduling-gates", "--objects=a"], "--objects"),
    ] {
        let error = plan(&bad).unwrap_err();
        assert!(error.contains(words), "{bad:?}: {error}");
    }
}
