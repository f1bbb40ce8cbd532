use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use super::*;
use crate::{
    fake_api_server::FakeApiServer,
    fake_sysfs::{Card, FakeSysfs},
    fixture::pod,
    kubelet::fake::{Behaviour, FakeKubelet},
    proto::{
        AllocatableResourcesResponse, ContainerDevices, ContainerResources, NumaNode, PodResources,
        TopologyInfo,
    },
    topology::fingerprint::Method,
};

const INVENTORY: &str = "/apis/polypod.dev/v1alpha1/nodeinventories/n1";
const TOPOLOGY: &str = "/apis/topology.node.k8s.io/v1alpha2/noderesourcetopologies/n1";

/// A node with a card of two virtual functions in zone 0, of which pod default/p holds the first.
struct Node {
    folder: TempDir,
    kubelet: FakeKubelet,
    store: Arc<Store>,
    metrics: Arc<Metrics>,
}

fn device(id: &str) -> ContainerDevices {
    ContainerDevices {
        resource_name: "intel.com/sriov".to_owned(),
        device_ids: vec![id.to_owned()],
        topology: Some(TopologyInfo {
            nodes: vec![NumaNode { id: 0 }],
        }),
    }
}

impl Node {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tree = FakeSysfs::new(&folder.path().join("sys"));
        tree.zones(&[(0, "0-3", 4096, 0)]);
        tree.card(Card {
            at: "pci0000:00/0000:03:00.0",
            zone: 0,
            total: 8,
            functions: &["0000:03:00.2", "0000:03:00.3"],
            interface: "ens1f0",
            driver: "mlx5_core",
        });
        let holder = PodResources {
            name: "p".to_owned(),
            namespace: "default".to_owned(),
            containers: vec![ContainerResources {
                name: "app".to_owned(),
                devices: vec![device("0000:03:00.2")],
                ..ContainerResources::default()
            }],
        };
        let behaviour = Behaviour {
            allocatable: AllocatableResourcesResponse {
                devices: vec![device("0000:03:00.2"), device("0000:03:00.3")],
                ..AllocatableResourcesResponse::default()
            },
            ..Behaviour::of(vec![holder])
        };
        std::fs::create_dir(folder.path().join("kubelet")).unwrap();
        Self {
            kubelet: FakeKubelet::start(&folder.path().join("kubelet"), behaviour),
            store: Arc::default(),
            metrics: Arc::new(Metrics::new()),
            folder,
        }
    }

    fn checkpoint(&self) -> PathBuf {
        self.folder.path().join("checkpoint")
    }

    fn parts(&self, destination: Option<Destination>) -> Parts {
        Parts {
            kubelet: self.kubelet.client(),
            store: Arc::clone(&self.store),
            destination,
            checkpoint: self.checkpoint(),
            metrics: Arc::clone(&self.metrics),
            settings: Settings {
                node: Some("n1".to_owned()),
                inventory: true,
                node_resource_topology: true,
                heartbeat: Duration::from_secs(60),
                fingerprint: Method::default(),
                kubelet_config: None,
                policy: None,
                scope: None,
                sysfs_root: self.folder.path().join("sys"),
                device_info_dir: self.folder.path().join("devinfo"),
            },
            told: watch::Sender::default(),
        }
    }

    fn published(&self) -> Destination {
        Destination::Folder(self.folder.path().join("published"))
    }

    fn start_publishing(&self) -> (Topology, JoinHandle<()>) {
        let (handle, work) = topology(self.parts(Some(self.published())));
        (handle, tokio::spawn(work))
    }

    /// The inventory, once it is as `wanted`.
    async fn inventory(&self, wanted: impl Fn(&NodeInventory) -> bool) -> NodeInventory {
        let path = self.folder.path().join("published/n1.inventory.json");
        let until = Instant::now() + Duration::from_secs(30);
        loop {
            let found: Option<NodeInventory> = fs::read_to_string(&path)
                .ok()
                .and_then(|text| serde_json::from_str(&text).ok());
            if let Some(found) = &found
                && wanted(found)
            {
                return found.clone();
            }
            assert!(Instant::now() < until, "{found:?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn uid(inventory: &NodeInventory) -> Option<&str> {
    inventory.inventory.allocations[0].pod_uid.as_deref()
}

#[tokio::test]
async fn published_at_once_on_change_and_after_a_restart() {
    let node = Node::start();
    let (topology, work) = node.start_publishing();
    let first = node.inventory(|_| true).await;
    assert_eq!(first.sequence, 1);
    assert_eq!(uid(&first), None);
    let pf = &first.inventory.physical_functions[0];
    let amount = &pf.resources[0];
    assert_eq!(
        (pf.address.as_str(), amount.capacity, amount.available),
        ("0000:03:00.0", 2, 1)
    );
    let text = node.metrics.render().unwrap();
    for line in [
        r#"polypod_bridge_devices{resource="intel.com/sriov",state="allocated"} 1"#,
        r#"polypod_bridge_devices{resource="intel.com/sriov",state="free"} 1"#,
        r#"polypod_bridge_zone_devices{resource="intel.com/sriov",zone="0",state="allocatable"} 2"#,
        r#"polypod_bridge_zone_devices{resource="intel.com/sriov",zone="0",state="free"} 1"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }

    // Nothing is new: no report. Then the pod is heard of.
    topology.poke();
    node.store.reset_pods([pod("u1", "a")]);
    topology.poke();
    let second = node.inventory(|found| uid(found).is_some()).await;
    assert_eq!((uid(&second), second.sequence), (Some("u1"), 2));
    assert_eq!(second.epoch, first.epoch);

    // Without a word the agent finds out that the pod is another one of the name.
    node.store.reset_pods([pod("u2", "a")]);
    let third = node.inventory(|found| uid(found) == Some("u2")).await;
    assert_eq!(third.sequence, 3);

    work.abort();
    let (_topology, again) = node.start_publishing();
    let fourth = node.inventory(|found| found.epoch > first.epoch).await;
    assert_eq!(fourth.sequence, 1);
    assert_eq!(fourth.inventory, third.inventory);
    again.abort();
}

#[tokio::test]
async fn the_kubelets_checkpoint_tells_of_changes() {
    let node = Node::start();
    let (_topology, work) = node.start_publishing();
    node.inventory(|_| true).await;
    let lists = || {
        let lists = &node.kubelet.behaviour.lists;
        lists.load(std::sync::atomic::Ordering::Relaxed)
    };
    assert_eq!(lists(), 1);
    fs::write(node.checkpoint(), "{}").unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while lists() < 2 {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    work.abort();
}

#[tokio::test]
async fn to_the_api_server() {
    let node = Node::start();
    node.store.reset_pods([pod("u1", "a")]);
    let api = FakeApiServer::default();
    let object =
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "uid": "node-uid"}});
    api.answer("GET /api/v1/nodes/n1", 200, object);
    api.answer(
        &format!("GET {INVENTORY}"),
        200,
        json!({"apiVersion": "polypod.dev/v1alpha1", "kind": "NodeInventory", "metadata": {"name": "n1"}, "epoch": i64::MAX - 1}),
    );
    api.answer(
        &format!("PATCH {INVENTORY}"),
        200,
        json!({"metadata": {"name": "n1", "uid": "i"}}),
    );
    let (_topology, work) = topology(node.parts(Some(Destination::Cluster(api.client()))));
    let work = tokio::spawn(work);
    let until = Instant::now() + Duration::from_secs(30);
    let patched = loop {
        let patched: BTreeMap<String, Value> = api
            .asked()
            .into_iter()
            .filter(|(request, _)| request.starts_with("PATCH"))
            .collect();
        if patched.len() == 2 {
            break patched;
        }
        assert!(Instant::now() < until, "{patched:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    work.abort();
    let inventory = &patched[&format!("PATCH {INVENTORY}")];
    assert_eq!(inventory["epoch"], i64::MAX);
    assert_eq!(inventory["allocations"][0]["podUID"], "u1");
    let topology = &patched[&format!("PATCH {TOPOLOGY}")];
    for object in [inventory, topology] {
        let owner = &object["metadata"]["ownerReferences"][0];
        assert_eq!(
            (&owner["kind"], &owner["uid"]),
            (&json!("Node"), &json!("node-uid"))
        );
    }
    assert_eq!(topology["zones"][0]["name"], "node-0");
}

#[tokio::test]
async fn nowhere_to_publish_is_nothing_to_ask() {
    let node = Node::start();
    let (handle, work) = topology(node.parts(None));
    handle.poke();
    work.await;
    let mut parts = node.parts(Some(node.published()));
    parts.settings.node = None;
    topology(parts).1.await;
    let mut parts = node.parts(Some(node.published()));
    parts.settings.inventory = false;
    parts.settings.node_resource_topology = false;
    topology(parts).1.await;
    let lists = &node.kubelet.behaviour.lists;
    assert_eq!(lists.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[tokio::test]
async fn a_kubelet_that_is_away_is_asked_again() {
    let node = Node::start();
    std::fs::rename(&node.kubelet.socket, node.folder.path().join("away")).unwrap();
    let parts = node.parts(Some(node.published()));
    let follower_told = parts.told.subscribe();
    let mut follower = Follower::new(parts).unwrap();
    let problem = follower.look().await.unwrap_err();
    assert!(
        problem.contains("cannot learn the node's devices"),
        "{problem}"
    );
    let told = || follower_told.borrow().kubelet.clone();
    let fault = told().unwrap().unwrap_err();
    assert_eq!(fault.reason, "SocketMissing", "{fault:?}");
    std::fs::rename(node.folder.path().join("away"), &node.kubelet.socket).unwrap();
    assert_eq!(follower.look().await, Ok(Looked::Published));
    assert_eq!(told(), Some(Ok(())));
    assert_eq!(follower.look().await, Ok(Looked::Unchanged));
    follower.settings.heartbeat = Duration::ZERO;
    assert_eq!(follower.look().await, Ok(Looked::Published));
    // The failed look used no number up; the heartbeat did.
    assert_eq!(node.inventory(|_| true).await.sequence, 2);
}

/// Who may not write the one object writes the other one once, and not with every attempt.
#[tokio::test]
async fn an_object_that_is_refused_is_tried_again_alone() {
    let node = Node::start();
    let api = FakeApiServer::default();
    let object =
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1", "uid": "node-uid"}});
    api.answer("GET /api/v1/nodes/n1", 200, object);
    let written = json!({"metadata": {"name": "n1", "uid": "i"}});
    api.answer(&format!("PATCH {INVENTORY}"), 200, written.clone());
    let forbidden = crate::fake_api_server::refusal(403, "forbidden");
    api.answer(&format!("PATCH {TOPOLOGY}"), 403, forbidden.clone());
    api.answer(&format!("PATCH {TOPOLOGY}"), 403, forbidden);
    api.answer(&format!("PATCH {TOPOLOGY}"), 200, written);
    let parts = node.parts(Some(Destination::Cluster(api.client())));
    let mut follower = Follower::new(parts).unwrap();
    for _ in 0..2 {
        let problem = follower.look().await.unwrap_err();
        assert!(problem.contains("NodeResourceTopology"), "{problem}");
    }
    assert_eq!(follower.look().await, Ok(Looked::Published));
    assert_eq!(follower.look().await, Ok(Looked::Unchanged));
    let count = |path: &str| {
        let asked = api.requests();
        let wanted = format!("PATCH {path}");
        asked.iter().filter(|request| **request == wanted).count()
    };
    assert_eq!((count(INVENTORY), count(TOPOLOGY)), (1, 3));
}

/// A kubelet that is started anew lists its pods by and by.
#[tokio::test]
async fn what_runs_is_not_told_free_after_a_restart_of_the_kubelet() {
    let mut node = Node::start();
    node.store.reset_pods([pod("u1", "a")]);
    let mut follower = Follower::new(node.parts(Some(node.published()))).unwrap();
    assert_eq!(follower.look().await, Ok(Looked::Published));
    let behaviour = Behaviour {
        allocatable: node.kubelet.behaviour.allocatable.clone(),
        ..Behaviour::of(Vec::new())
    };
    let folder = node.folder.path().join("kubelet");
    node.kubelet = FakeKubelet::start(&folder, behaviour);
    let problem = follower.look().await.unwrap_err();
    assert!(
        problem.contains("does not list pod default/p yet"),
        "{problem}"
    );
    let found = node.inventory(|_| true).await;
    assert_eq!((uid(&found), found.sequence), (Some("u1"), 1));
    // One that the API server has no more is gone.
    node.store.reset_pods([]);
    assert_eq!(follower.look().await, Ok(Looked::Published));
    let found = node.inventory(|found| found.sequence == 2).await;
    assert!(found.inventory.allocations.is_empty());
}

#[tokio::test(start_paused = true)]
async fn requests_that_wait_go_first() {
    let node = Node::start();
    let follower = Follower::new(node.parts(Some(node.published()))).unwrap();
    let took = async || {
        let begin = Instant::now();
        follower.let_others_go_first().await;
        begin.elapsed()
    };
    assert_eq!(took().await, Duration::ZERO);
    node.metrics.waiting().set(1);
    assert!(took().await >= OTHERS_FIRST);
    let metrics = Arc::clone(&node.metrics);
    tokio::spawn(async move {
        sleep(Duration::from_secs(3)).await;
        metrics.waiting().set(0);
    });
    let took = took().await;
    assert!(
        took >= Duration::from_secs(3) && took < OTHERS_FIRST,
        "{took:?}"
    );
}
