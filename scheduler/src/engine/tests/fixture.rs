//! Clusters in few words.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    align::Scratch,
    demand::PodDemand,
    engine::{Engine, Event, Outcome, PodFacts, Standing},
    moment::Moment,
    placement::Refusal,
    policy::Policy,
    report::{Sequence, Source},
};

/// The device that is asked for most.
pub(super) const NIC: &str = "a.b/nic";

pub(super) fn at(seconds: u64) -> Moment {
    Moment::after(Duration::from_secs(seconds))
}

/// A pod, described.
#[derive(Clone, Debug)]
pub(super) struct Described {
    uid: String,
    name: String,
    namespace: &'static str,
    node: String,
    owner: Option<String>,
    requests: Vec<Value>,
    phase: &'static str,
    reason: &'static str,
}

/// A pod of this UID and name that asks for so many devices.
pub(super) fn pod(uid: &str, devices: u32) -> Described {
    Described {
        uid: uid.to_owned(),
        name: format!("pod-{uid}"),
        namespace: "ns",
        node: String::new(),
        owner: None,
        requests: vec![json!({NIC: devices})],
        phase: "Pending",
        reason: "",
    }
}

impl Described {
    pub(super) fn on(mut self, node: &str) -> Self {
        node.clone_into(&mut self.node);
        self
    }

    pub(super) fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    pub(super) fn of_namespace(mut self, namespace: &'static str) -> Self {
        self.namespace = namespace;
        self
    }

    pub(super) fn owned_by(mut self, owner: &str) -> Self {
        self.owner = Some(owner.to_owned());
        self
    }

    /// It asks for this, which is its limit too.
    pub(super) fn asking(mut self, requests: Value) -> Self {
        self.requests = vec![requests];
        self
    }

    pub(super) fn started(mut self) -> Self {
        self.phase = "Running";
        self
    }

    pub(super) fn ended(mut self) -> Self {
        self.phase = "Succeeded";
        self
    }

    pub(super) fn refused(mut self) -> Self {
        (self.phase, self.reason) = ("Failed", "TopologyAffinityError");
        self
    }

    fn object(&self) -> Value {
        let containers: Vec<Value> = self
            .requests
            .iter()
            .enumerate()
            .map(|(at, requests)| {
                json!({"name": format!("c{at}"), "resources": {"requests": requests, "limits": requests}})
            })
            .collect();
        let owner = |uid: &String| json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "set", "uid": uid, "controller": true}]);
        json!({
            "metadata": {"uid": self.uid, "name": self.name, "namespace": self.namespace, "ownerReferences": self.owner.as_ref().map_or(json!([]), owner)},
            "spec": {"nodeName": self.node, "containers": containers},
            "status": {"phase": self.phase, "reason": self.reason},
        })
    }

    pub(super) fn demand(&self) -> PodDemand {
        PodDemand::of(&serde_json::from_value(self.object()).unwrap()).unwrap()
    }

    pub(super) fn seen(&self) -> Event {
        Event::of_object("v1", "Pod", &self.object(), "ns")
            .unwrap()
            .unwrap()
    }

    pub(super) fn facts(&self) -> PodFacts {
        match self.seen() {
            Event::PodSeen(facts) => *facts,
            other => panic!("{other:?}"),
        }
    }
}

pub(super) fn node(name: &str, allocatable: Value) -> Event {
    let node = json!({"metadata": {"name": name}, "status": {"allocatable": allocatable}});
    Event::of_node(&node).unwrap()
}

pub(super) fn pod_gone(uid: &str) -> Event {
    Event::PodGone { uid: uid.into() }
}

pub(super) fn inventory_gone(node: &str) -> Event {
    Event::ReportGone {
        node: node.into(),
        source: Source::Inventory(Sequence::default()),
    }
}

/// A NodeInventory of `n1` with the zones 0 and 1, four devices each, `0a` to `0d` behind the function `f0` and `1a` to
/// `1d` behind `f1`, held by pods: UID, name and ids.
pub(super) fn inventory(sequence: u64, held: &[(&str, &[&str])]) -> Value {
    let group = |zone: u32, ids: &[&str]| json!({"resource": NIC, "zones": [zone], "physicalFunction": format!("f{zone}"), "ids": ids});
    let holders = held.iter().map(|(uid, ids)| {
        let of = |zone: char| -> Vec<&str> {
            let ids = ids.iter().filter(|id| id.starts_with(zone));
            ids.copied().collect()
        };
        let groups = [(0, '0'), (1, '1')].map(|(zone, start)| group(zone, &of(start)));
        json!({"podUID": uid, "namespace": "ns", "name": format!("pod-{uid}"),
            "containers": [{"name": "c0", "devices": groups}]})
    });
    json!({
        "metadata": {"name": "n1"}, "epoch": 1, "sequence": sequence,
        "topologyManager": {"policy": "single-numa-node", "scope": "container"},
        "zones": [{"id": 0}, {"id": 1}],
        "physicalFunctions": [{"address": "f0"}, {"address": "f1"}],
        "devices": [group(0, &["0a", "0b", "0c", "0d"]), group(1, &["1a", "1b", "1c", "1d"])],
        "allocations": holders.collect::<Vec<_>>(),
    })
}

pub(super) fn reported(inventory: &Value) -> Event {
    Event::of_object("polypod.dev/v1alpha1", "NodeInventory", inventory, "ns")
        .unwrap()
        .unwrap()
}

/// A NodeResourceTopology: `[[resource, available], ...]` by zone; all is allocatable.
pub(super) fn topology(node: &str, policy: &str, zones: &[&[(&str, &str)]]) -> Event {
    let zones = zones.iter().enumerate().map(|(id, resources)| {
        let resources = resources.iter().map(|(name, amount)| {
            json!({"name": name, "capacity": "1Ti", "allocatable": "1Ti", "available": amount})
        });
        json!({"name": format!("node-{id}"), "type": "Node", "resources": resources.collect::<Vec<_>>()})
    });
    let object = json!({
        "metadata": {"name": node},
        "zones": zones.collect::<Vec<_>>(),
        "attributes": [{"name": "topologyManagerPolicy", "value": policy}],
    });
    Event::of_object(
        "topology.node.k8s.io/v1alpha2",
        "NodeResourceTopology",
        &object,
        "ns",
    )
    .unwrap()
    .unwrap()
}

/// An engine and what it is told, a second apart.
#[derive(Debug, Default)]
pub(super) struct Cluster {
    pub(super) engine: Engine,
    pub(super) now: u64,
}

impl Cluster {
    pub(super) fn new(policy: Policy) -> Self {
        Self {
            engine: Engine::new(policy),
            now: 0,
        }
    }

    /// The node `n1` as [`inventory`] has it, with nobody on it.
    pub(super) fn of_one() -> Self {
        let mut cluster = Self::default();
        cluster.learn(node("n1", json!({NIC: "8"})));
        cluster.learn(reported(&inventory(1, &[])));
        cluster
    }

    pub(super) fn learn(&mut self, event: Event) -> Vec<Outcome> {
        self.now += 1;
        self.engine.apply(event, at(self.now))
    }

    /// So many seconds pass, and the engine is told.
    pub(super) fn wait(&mut self, seconds: u64) -> Vec<Outcome> {
        self.now += seconds;
        self.engine.apply(Event::Tick, at(self.now))
    }

    /// What is free of a resource on a node: in all, and by cell.
    pub(super) fn free_of(&self, node: &str, resource: &str) -> (i64, Vec<i64>) {
        let node = self.engine.node(node).unwrap();
        let id = self.engine.resources().get(resource).unwrap();
        let stock = node.stock(id).unwrap();
        let cells = node.cells(stock).iter().map(|cell| cell.free);
        (stock.free, cells.collect())
    }

    pub(super) fn free(&self) -> (i64, Vec<i64>) {
        self.free_of("n1", NIC)
    }

    pub(super) fn filter(&self, pod: &Described, node: &str) -> Result<(), Refusal> {
        let demand = pod.demand();
        let question = self.engine.question(&demand, at(self.now));
        question.filter(node, &mut Scratch::default())
    }

    /// How pods are counted on `n1`.
    pub(super) fn standings(&self) -> Vec<(String, Option<Standing>)> {
        let account = self.engine.account("n1").unwrap();
        let holdings = account.holdings().into_iter();
        holdings
            .map(|holding| (holding.uid.unwrap_or("?").to_owned(), holding.standing))
            .collect()
    }
}

/// The resources that were freed, or nothing if none were.
pub(super) fn freed(cluster: &Cluster, outcomes: &[Outcome]) -> Option<Vec<String>> {
    let resources = cluster.engine.resources();
    match outcomes {
        [] => None,
        [Outcome::Freed { resources: ids, .. }] => Some(
            ids.iter()
                .map(|id| resources.name(*id).to_owned())
                .collect(),
        ),
        others => panic!("{others:?}"),
    }
}

/// The reason for which an event was ignored.
pub(super) fn ignored(outcomes: &[Outcome]) -> &str {
    match outcomes {
        [Outcome::Ignored { reason }] => reason,
        others => panic!("{others:?}"),
    }
}
