use api::node_inventory::Inventory;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;

use super::*;
use crate::fake_api_server::{FakeApiServer, refusal};

const NODE: &str = "GET /api/v1/nodes/n1";
const INVENTORY: &str = "/apis/polypod.dev/v1alpha1/nodeinventories/n1";
const TOPOLOGY: &str = "/apis/topology.node.k8s.io/v1alpha2/noderesourcetopologies/n1";

fn publisher(api: &FakeApiServer) -> (Publisher, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::new());
    let destination = Destination::Cluster(api.client());
    let publisher = Publisher::new(destination, "n1".to_owned(), Arc::clone(&metrics));
    (publisher, metrics)
}

fn metadata() -> ObjectMeta {
    ObjectMeta {
        name: Some("n1".to_owned()),
        ..ObjectMeta::default()
    }
}

fn an_inventory() -> NodeInventory {
    NodeInventory {
        api_version: NodeInventory::API_VERSION.to_owned(),
        kind: NodeInventory::KIND.to_owned(),
        metadata: metadata(),
        epoch: 7,
        sequence: 1,
        inventory: Inventory::default(),
        ..NodeInventory::default()
    }
}

fn a_topology() -> NodeResourceTopology {
    NodeResourceTopology {
        api_version: NodeResourceTopology::API_VERSION.to_owned(),
        kind: NodeResourceTopology::KIND.to_owned(),
        metadata: metadata(),
        ..NodeResourceTopology::default()
    }
}

async fn inventory(publisher: &mut Publisher) -> Result<Outcome, PublishError> {
    let printed = publisher.print(&an_inventory(), 0)?;
    publisher.inventory(printed).await
}

async fn topology(publisher: &mut Publisher) -> Result<(), PublishError> {
    let printed = publisher.print(&a_topology(), 0)?;
    publisher.topology(printed).await
}

fn written(uid: &str) -> Value {
    json!({"metadata": {"name": "n1", "uid": uid}, "zones": []})
}

#[tokio::test]
async fn what_was_published_before() {
    let api = FakeApiServer::default();
    let (publisher, _) = publisher(&api);
    let error = publisher.find(true).await.unwrap_err().to_string();
    assert!(error.contains("no such node; check --node-name"), "{error}");

    api.answer(NODE, 403, refusal(403, "forbidden"));
    assert_eq!(publisher.find(true).await.unwrap(), Found::default());

    let api = FakeApiServer::default();
    let (publisher, _) = self::publisher(&api);
    api.answer(NODE, 200, json!({"metadata": {"name": "n1", "uid": "u"}}));
    api.answer(
        &format!("GET {INVENTORY}"),
        200,
        json!({"apiVersion": "polypod.dev/v1alpha1", "kind": "NodeInventory", "metadata": {"name": "n1"},
            "epoch": 1_700_000_000_000_000_001_u64, "zones": "of another version"}),
    );
    let found = Found {
        epoch: Some(1_700_000_000_000_000_001),
        node_uid: Some("u".to_owned()),
    };
    assert_eq!(publisher.find(true).await.unwrap(), found);

    // Without knowing it, a report could be taken for an older one.
    let api = FakeApiServer::default();
    let (publisher, _) = self::publisher(&api);
    api.answer(NODE, 200, json!({"metadata": {"name": "n1", "uid": "u"}}));
    api.answer(&format!("GET {INVENTORY}"), 503, refusal(503, "busy"));
    let error = publisher.find(true).await.unwrap_err().to_string();
    assert!(error.contains("read NodeInventory n1"), "{error}");
    let found = publisher.find(false).await.unwrap();
    assert_eq!((found.epoch, found.node_uid.as_deref()), (None, Some("u")));
}

#[tokio::test]
async fn applied_whole_and_by_name() {
    let api = FakeApiServer::default();
    let (mut publisher, metrics) = publisher(&api);
    api.answer(&format!("PATCH {INVENTORY}"), 200, written("a"));
    api.answer(&format!("PATCH {INVENTORY}"), 200, written("b"));
    api.answer(&format!("PATCH {TOPOLOGY}"), 200, written("t"));
    let outcome = inventory(&mut publisher).await.unwrap();
    assert_eq!(outcome, Outcome::Done);
    topology(&mut publisher).await.unwrap();
    let asked = api.asked();
    assert_eq!(asked[0].0, format!("PATCH {INVENTORY}"));
    assert_eq!(asked[0].1["epoch"], 7);
    assert_eq!(asked[0].1["apiVersion"], "polypod.dev/v1alpha1");
    assert_eq!(asked[1].1["kind"], "NodeResourceTopology");
    // Another UID: somebody has removed it meanwhile.
    let outcome = inventory(&mut publisher).await.unwrap();
    assert_eq!(outcome, Outcome::Remade);
    let outcome = inventory(&mut publisher).await.unwrap();
    assert_eq!(outcome, Outcome::Done);
    let text = metrics.render().unwrap();
    let line = r#"polypod_bridge_published_total{what="node-inventory",outcome="ok"} 3"#;
    assert!(text.contains(line), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_is_missing_is_asked_for_seldom() {
    let api = FakeApiServer::default();
    let (mut publisher, metrics) = publisher(&api);
    for _ in 0..3 {
        topology(&mut publisher).await.unwrap();
    }
    assert_eq!(api.requests().len(), 1);
    tokio::time::advance(SELDOM).await;
    api.answer(&format!("PATCH {TOPOLOGY}"), 200, written("t"));
    for _ in 0..3 {
        topology(&mut publisher).await.unwrap();
    }
    assert_eq!(api.requests().len(), 4);
    let text = metrics.render().unwrap();
    for line in [
        r#"{what="node-resource-topology",outcome="unknown_kind"} 1"#,
        r#"{what="node-resource-topology",outcome="ok"} 3"#,
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
}

/// Two agents that write one object would undo each other's work for ever.
#[tokio::test]
async fn another_agents_object_is_left_to_it() {
    let api = FakeApiServer::default();
    let (mut publisher, metrics) = publisher(&api);
    let conflict = refusal(409, "conflict with \"rte\": .zones");
    api.answer(&format!("PATCH {TOPOLOGY}"), 409, conflict);
    for _ in 0..3 {
        topology(&mut publisher).await.unwrap();
    }
    assert_eq!(api.requests().len(), 1);
    let text = metrics.render().unwrap();
    assert!(text.contains(r#"outcome="conflict"} 1"#), "{text}");
}

#[tokio::test]
async fn what_may_pass_is_an_error() {
    let api = FakeApiServer::default();
    let (mut publisher, _) = publisher(&api);
    api.answer(
        &format!("PATCH {INVENTORY}"),
        403,
        refusal(403, "forbidden"),
    );
    let error = inventory(&mut publisher).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("apply NodeInventory n1"), "{text}");
    assert!(text.contains("check the role"), "{text}");
    api.answer(&format!("PATCH {INVENTORY}"), 200, written("a"));
    assert!(inventory(&mut publisher).await.is_err());
    assert!(inventory(&mut publisher).await.is_ok());
}

#[tokio::test]
async fn files() {
    let folder = tempfile::tempdir().unwrap();
    let destination = Destination::Folder(folder.path().join("new"));
    let metrics = Arc::new(Metrics::new());
    let mut publisher = Publisher::new(destination, "n1".to_owned(), metrics);
    assert_eq!(publisher.find(true).await.unwrap(), Found::default());
    inventory(&mut publisher).await.unwrap();
    topology(&mut publisher).await.unwrap();
    assert_eq!(publisher.find(true).await.unwrap().epoch, Some(7));
    let text = fs::read_to_string(folder.path().join("new/n1.topology.json")).unwrap();
    let object: NodeResourceTopology = serde_json::from_str(&text).unwrap();
    assert_eq!(object, a_topology());
    assert!(text.ends_with("}\n") && text.lines().count() > 3, "{text}");

    let file = tempfile::NamedTempFile::new().unwrap();
    let destination = Destination::Folder(file.path().to_owned());
    let mut publisher = Publisher::new(destination, "n1".to_owned(), Arc::default());
    let error = inventory(&mut publisher).await.unwrap_err();
    assert!(error.to_string().contains("n1.inventory.json"), "{error}");
}
