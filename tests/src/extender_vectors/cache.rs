//! What is remembered between questions, and what is not: pods come and go, and reports are late. The engine is told all of
//! it as the webhook's watches would tell it.

use std::time::Duration;

use scheduler::{
    align::Scratch,
    engine::{Engine, Event, Outcome},
    moment::Moment,
    policy::Policy,
};
use serde_json::{Value, json};

use super::objects::{node, pod, topology};

const SINGLE: &str = "single-numa-node";

#[derive(Default)]
struct Cluster {
    engine: Engine,
    seconds: u64,
}

impl Cluster {
    fn knowing(objects: &[Value]) -> Self {
        let mut cluster = Self {
            engine: Engine::new(Policy::default()),
            seconds: 0,
        };
        for object in objects {
            cluster.learns(object);
        }
        cluster
    }

    fn now(&self) -> Moment {
        Moment::after(Duration::from_secs(self.seconds))
    }

    fn learns(&mut self, object: &Value) -> Vec<Outcome> {
        self.seconds += 1;
        let text = |field: &str| object[field].as_str().unwrap_or_default();
        let event = Event::of_object(text("apiVersion"), text("kind"), object, "default");
        let event = event
            .expect("it can be read")
            .expect("it is of a kind that matters");
        self.engine.apply(event, self.now())
    }

    fn binds(&mut self, pod: &Value, node: &str) {
        let mut pod = pod.clone();
        pod["spec"]["nodeName"] = json!(node);
        self.learns(&pod);
    }

    fn loses(&mut self, pod: &Value) -> Vec<Outcome> {
        let uid = pod["metadata"]["uid"].as_str().expect("it has one").into();
        self.engine.apply(Event::PodGone { uid }, self.now())
    }

    fn fits(&self, pod: &Value, node: &str) -> bool {
        let Ok(Some(Event::PodSeen(facts))) = Event::of_object("v1", "Pod", pod, "default") else {
            panic!("{pod}");
        };
        let question = self.engine.question(&facts.demand, self.now());
        question.filter(node, &mut Scratch::default()).is_ok()
    }
}

fn large() -> [Value; 2] {
    let zones = &[("node-0", "cpu=30 mem=60Gi"), ("node-1", "cpu=30 mem=62Gi")];
    [
        node("n1", "cpu=60 mem=122Gi"),
        topology("n1", SINGLE, "container", zones),
    ]
}

fn with_nics(policy: &str) -> Value {
    topology(
        "n1",
        policy,
        "container",
        &[
            ("node-0", "cpu=8 mem=8Gi nic=3"),
            ("node-1", "cpu=8 mem=8Gi nic=3"),
        ],
    )
}

pub(super) fn what_is_remembered() {
    one_pod_is_in_one_zone();
    what_a_pod_had_is_free_when_it_is_gone();
    the_last_device_is_given_once();
    a_policy_that_changes_takes_effect();
    a_node_that_reports_late_is_used_from_then_on();
    a_sidecar_is_counted();
}

/// The peer takes a pod from every zone until the next report, and has the second one wait.
fn one_pod_is_in_one_zone() {
    let mut cluster = Cluster::knowing(&large());
    for uid in ["u1", "u2"] {
        let pod = pod(uid, &["cpu=16 mem=24Gi"]);
        assert!(cluster.fits(&pod, "n1"), "{uid}");
        cluster.binds(&pod, "n1");
    }
    // Now there are 14 CPUs in either.
    assert!(!cluster.fits(&pod("u3", &["cpu=16 mem=24Gi"]), "n1"));
    assert!(cluster.fits(&pod("u3", &["cpu=14 mem=24Gi"]), "n1"));
}

/// The peer forgets nothing before the next report, and has the pod that is made again wait.
fn what_a_pod_had_is_free_when_it_is_gone() {
    let mut cluster = Cluster::knowing(&large());
    let first = pod("u1", &["cpu=30 mem=60Gi", "cpu=30 mem=60Gi"]);
    cluster.binds(&first, "n1");
    let again = pod("u3", &["cpu=30 mem=60Gi"]);
    assert!(!cluster.fits(&again, "n1"));
    let outcomes = cluster.loses(&first);
    let is_freed = outcomes
        .iter()
        .any(|outcome| matches!(outcome, Outcome::Freed { node, .. } if **node == *"n1"));
    assert!(is_freed, "whoever waits is told: {outcomes:?}");
    assert!(cluster.fits(&again, "n1"));
}

fn the_last_device_is_given_once() {
    let zones = &[("node-0", "cpu=8 mem=8Gi nic=3")];
    let objects = [
        node("n1", "cpu=8 mem=8Gi nic=3"),
        topology("n1", SINGLE, "container", zones),
    ];
    let mut cluster = Cluster::knowing(&objects);
    let (first, second) = (pod("u1", &["nic=2"]), pod("u2", &["nic=2"]));
    assert!(cluster.fits(&first, "n1"));
    cluster.binds(&first, "n1");
    assert!(!cluster.fits(&second, "n1"));
    assert!(cluster.fits(&pod("u3", &["nic=1"]), "n1"));
}

fn a_policy_that_changes_takes_effect() {
    let objects = [node("n1", "cpu=16 mem=16Gi nic=6"), with_nics("none")];
    let mut cluster = Cluster::knowing(&objects);
    let pod = pod("u1", &["nic=4"]);
    assert!(cluster.fits(&pod, "n1"));
    cluster.learns(&with_nics(SINGLE));
    assert!(!cluster.fits(&pod, "n1"));
    cluster.learns(&with_nics("best-effort"));
    assert!(cluster.fits(&pod, "n1"));
    cluster.learns(&with_nics("restricted"));
    assert!(
        cluster.fits(&pod, "n1"),
        "two zones are the fewest that have four"
    );
}

/// The peer lets every pod pass on a node that has not reported, and never hears of its first report.
fn a_node_that_reports_late_is_used_from_then_on() {
    let mut cluster = Cluster::knowing(&[
        node("n1", "cpu=16 mem=16Gi nic=6"),
        node("n2", "cpu=16 mem=16Gi"),
    ]);
    let (fitting, large) = (pod("u1", &["nic=3"]), pod("u2", &["nic=4"]));
    assert!(!cluster.fits(&fitting, "n1"));
    assert!(cluster.fits(&pod("u3", &["cpu=2 mem=2Gi"]), "n2"));
    cluster.learns(&with_nics(SINGLE));
    assert!(cluster.fits(&fitting, "n1"));
    assert!(!cluster.fits(&large, "n1"));
}

/// The peer does not take away what a sidecar keeps.
fn a_sidecar_is_counted() {
    let objects = [node("n1", "cpu=16 mem=16Gi nic=6"), with_nics(SINGLE)];
    let mut cluster = Cluster::knowing(&objects);
    let with_sidecar = pod(
        "u1",
        &["sidecar cpu=1 mem=1Gi nic=2", "cpu=1 mem=1Gi nic=3"],
    );
    assert!(cluster.fits(&with_sidecar, "n1"));
    cluster.binds(&with_sidecar, "n1");
    assert!(!cluster.fits(&pod("u2", &["nic=2"]), "n1"));
    assert!(cluster.fits(&pod("u3", &["nic=1"]), "n1"));
}
