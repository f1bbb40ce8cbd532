//! API servers that are not as they should be.

use scheduler::{engine::Engine, policy::Policy};
use serde_json::{Value, json};

use super::*;
use crate::fake_api_server::{FakeApiServer, refusal};

const LIST: &str = "GET /apis/topology.node.k8s.io/v1alpha2/noderesourcetopologies";

fn topologies(names: &[&str]) -> Value {
    let zones = json!([{"name": "node-0", "type": "Node", "resources": [
        {"name": "intel.com/sriov", "capacity": "2", "allocatable": "2", "available": "2"},
    ]}]);
    let items = names.iter().map(|name| {
        json!({
            "apiVersion": "topology.node.k8s.io/v1alpha2", "kind": "NodeResourceTopology",
            "metadata": {"name": name, "uid": name, "resourceVersion": "1"}, "zones": zones,
        })
    });
    json!({
        "apiVersion": "topology.node.k8s.io/v1alpha2", "kind": "NodeResourceTopologyList",
        "metadata": {"resourceVersion": "1"}, "items": items.collect::<Vec<_>>(),
    })
}

/// How many nodes report after reports were watched for so long.
async fn reported(api: &FakeApiServer, scheduling: &Arc<Scheduling>, seconds: u64) -> usize {
    let watched = reports(Kind::Topologies, api.client(), Arc::clone(scheduling));
    let ended = tokio::time::timeout(Duration::from_secs(seconds), watched).await;
    assert!(ended.is_err(), "it never ends");
    scheduling.read(Engine::census).topologies
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_listed_any_more_stays_and_what_is_not_there_any_more_goes() {
    for (status, left) in [(403, 2), (404, 0)] {
        let api = FakeApiServer::default();
        // The watch has the same path as the list: it is told that its version is too old, and lists again.
        api.answer(LIST, 200, topologies(&["a", "b"]));
        let too_old = json!({"type": "ERROR", "object": refusal(410, "too old")});
        api.answer(LIST, 200, too_old);
        api.answer(LIST, status, refusal(status, "not now"));
        let scheduling = Arc::new(Scheduling::awaiting(&Kind::ALL, Policy::default()));
        assert_eq!(reported(&api, &scheduling, 120).await, left, "{status}");
        assert!(scheduling.is_listed(Kind::Topologies));
        assert!(api.requests().len() > 3, "{:?}", api.requests());
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_never_be_listed_is_not_waited_for() {
    let api = FakeApiServer::default();
    api.answer(LIST, 403, refusal(403, "forbidden"));
    let scheduling = Arc::new(Scheduling::awaiting(&Kind::ALL, Policy::default()));
    assert_eq!(reported(&api, &scheduling, 1).await, 0);
    assert!(scheduling.is_listed(Kind::Topologies));
}

#[tokio::test(start_paused = true)]
async fn topologies_that_cannot_be_listed_are_waited_for_for_a_while() {
    let scheduling = Scheduling::awaiting(&Kind::ALL, Policy::default());
    let look = async |seconds| {
        let waited = wait_no_longer(&scheduling);
        assert!(timeout(Duration::from_secs(seconds), waited).await.is_err());
        scheduling.awaited()
    };
    assert_eq!(look(1000).await, Some(Kind::Nodes));
    for kind in [Kind::Nodes, Kind::Pods, Kind::Inventories] {
        scheduling.listed(kind);
    }
    assert_eq!(look(59).await, Some(Kind::Topologies));
    assert_eq!(look(61).await, None);
    assert!(
        !scheduling.is_listed(Kind::Topologies),
        "it is told as it is"
    );
}
