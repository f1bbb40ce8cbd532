use kube::runtime::watcher::Event as Watch;
use serde_json::json;

use super::*;

fn watched(object: Value) -> Watched {
    serde_json::from_value(object).unwrap()
}

/// A pod that was bound at this second of a minute.
fn pod(uid: &str, bound: Option<u32>) -> Watched {
    let conditions = bound.map(|second| {
        let at = format!("2026-01-01T00:00:{second:02}Z");
        json!([{"type": "Initialized"}, {"type": "PodScheduled", "lastTransitionTime": at}])
    });
    watched(json!({
        "metadata": {"uid": uid, "name": uid, "namespace": "default", "managedFields": [{"manager": "x"}]},
        "spec": {"nodeName": bound.map(|_| "n1"), "containers": [
            {"name": "a", "resources": {"limits": {"intel.com/sriov": "1"}}},
        ]},
        "status": {"phase": "Pending", "conditions": conditions},
    }))
}

fn node(name: &str) -> Watched {
    watched(json!({"metadata": {"name": name}, "status": {"allocatable": {"cpu": "4"}}}))
}

/// The events in short.
fn told(events: Vec<Event>) -> Vec<String> {
    let one = |event| match event {
        Event::NodeSeen { name, .. } => format!("node {name}"),
        Event::NodeGone { name } => format!("no node {name}"),
        Event::Reported { node, .. } => format!("report {node}"),
        Event::ReportGone { node, source } => format!("no report {node} {source:?}"),
        Event::PodSeen(pod) => format!("pod {}", pod.demand.uid),
        Event::PodGone { uid } => format!("no pod {uid}"),
        Event::Tick => "tick".to_owned(),
    };
    events.into_iter().map(one).collect()
}

fn take(feed: &mut Feed, events: Vec<Watch<Watched>>) -> Vec<String> {
    let events = events.iter().flat_map(|event| feed.take(event));
    told(events.collect())
}

#[test]
fn what_went_while_nobody_looked_is_gone() {
    let mut feed = Feed::new(Kind::Nodes);
    let list = |nodes: &[&str]| {
        let nodes = nodes.iter().map(|name| Watch::InitApply(node(name)));
        let mut events = vec![Watch::Init];
        events.extend(nodes);
        events.push(Watch::InitDone);
        events
    };
    assert_eq!(take(&mut feed, list(&["a", "b"])), ["node a", "node b"]);
    let event = vec![Watch::Apply(node("c"))];
    assert_eq!(take(&mut feed, event), ["node c"]);
    let mut relisted = take(&mut feed, list(&["c", "d"]));
    relisted.sort_unstable();
    assert_eq!(relisted, ["no node a", "no node b", "node c", "node d"]);
    let event = vec![Watch::Delete(node("c"))];
    assert_eq!(take(&mut feed, event), ["no node c"]);
    assert_eq!(told(feed.without()), ["no node d"]);
    assert_eq!(told(feed.without()), [""; 0]);
}

#[test]
fn what_half_a_list_told_of_is_gone_if_the_next_one_does_not_have_it() {
    let mut feed = Feed::new(Kind::Nodes);
    let half = vec![Watch::Init, Watch::InitApply(node("a"))];
    assert_eq!(take(&mut feed, half), ["node a"]);
    assert!(feed.knows_any());
    let list = vec![Watch::Init, Watch::InitApply(node("b")), Watch::InitDone];
    assert_eq!(take(&mut feed, list), ["node b", "no node a"]);
    let half = vec![Watch::Init, Watch::InitApply(node("c"))];
    assert_eq!(take(&mut feed, half), ["node c"]);
    let mut gone = told(feed.without());
    gone.sort_unstable();
    assert_eq!(gone, ["no node b", "no node c"]);
    assert!(!feed.knows_any());
}

#[test]
fn pods_of_a_list_come_as_they_were_bound() {
    let mut feed = Feed::new(Kind::Pods);
    let events = vec![
        Watch::Init,
        Watch::InitApply(pod("late", Some(30))),
        Watch::InitApply(pod("early", Some(2))),
        Watch::InitApply(pod("pending", None)),
        Watch::InitApply(pod("later", Some(31))),
    ];
    assert!(
        take(&mut feed, events).is_empty(),
        "not before all are there"
    );
    let done = take(&mut feed, vec![Watch::InitDone]);
    assert_eq!(done, ["pod pending", "pod early", "pod late", "pod later"]);
    let gone = take(&mut feed, vec![Watch::Delete(pod("late", Some(30)))]);
    assert_eq!(gone, ["no pod late"]);
    let again = vec![Watch::Init, Watch::InitApply(pod("early", Some(2)))];
    assert!(take(&mut feed, again).is_empty());
    let mut done = take(&mut feed, vec![Watch::InitDone]);
    done.sort_unstable();
    assert_eq!(done, ["no pod later", "no pod pending", "pod early"]);
}

#[test]
fn of_pods_that_no_kubelet_could_refuse_and_of_those_that_are_over_nothing_is_kept() {
    let mut feed = Feed::new(Kind::Pods);
    let plain = |uid| {
        let mut pod = pod(uid, Some(1));
        pod.object["spec"]["containers"] = json!([{"name": "a"}]);
        pod
    };
    let over = |uid, reason: &str| {
        let mut pod = pod(uid, Some(1));
        pod.object["status"] = json!({"phase": "Failed", "reason": reason});
        pod
    };
    let list = vec![
        Watch::Init,
        Watch::InitApply(plain("plain")),
        Watch::InitApply(over("over", "Evicted")),
        Watch::InitApply(pod("counted", Some(1))),
        Watch::InitApply(pod("ends", Some(2))),
    ];
    assert!(take(&mut feed, list).is_empty());
    assert_eq!((feed.listed.len(), feed.pods.len()), (2, 2));
    let done = take(&mut feed, vec![Watch::InitDone]);
    assert_eq!(done, ["pod counted", "pod ends"]);
    let seen = vec![Watch::Apply(plain("later"))];
    assert_eq!(
        take(&mut feed, seen),
        ["pod later"],
        "it may have been offered a node"
    );
    assert_eq!(feed.known.len(), 2);
    let relist = vec![
        Watch::Init,
        Watch::InitApply(plain("counted")),
        Watch::InitApply(over("ends", "Evicted")),
        Watch::InitApply(over("refused", "TopologyAffinityError")),
        Watch::InitDone,
    ];
    let mut relisted = take(&mut feed, relist);
    relisted.sort_unstable();
    assert_eq!(relisted, ["no pod counted", "pod ends", "pod refused"]);
}

#[test]
fn what_cannot_be_read_stops_nobody_and_is_not_gone() {
    let mut feed = Feed::new(Kind::Topologies);
    let topology =
        |name: &str, zones: Value| watched(json!({"metadata": {"name": name}, "zones": zones}));
    let zone = json!([{"name": "node-0", "type": "Node"}]);
    let events = vec![
        Watch::Init,
        Watch::InitApply(topology("a", zone)),
        Watch::InitApply(topology("b", json!("none"))),
        Watch::InitDone,
        Watch::Apply(topology("a", json!(5))),
    ];
    assert_eq!(take(&mut feed, events), ["report a"]);
    let relist = vec![
        Watch::Init,
        Watch::InitApply(topology("a", json!(5))),
        Watch::InitDone,
    ];
    let relisted = take(&mut feed, relist);
    assert_eq!(relisted, ["no report b Topology"], "a is still there");
    assert_eq!(told(feed.without()), ["no report a Topology"]);
    let mut feed = Feed::new(Kind::Pods);
    let mut uncountable = pod("p", None);
    uncountable.object["spec"]["containers"][0]["resources"] =
        json!({"requests": {"intel.com/sriov": "-1"}});
    assert!(take(&mut feed, vec![Watch::Apply(uncountable)]).is_empty());
    assert_eq!(
        take(&mut feed, vec![Watch::Apply(pod("q", None))]),
        ["pod q"]
    );
}

#[test]
fn a_watched_object_is_any() {
    let pod = pod("p", None);
    assert_eq!(pod.object["metadata"].get("managedFields"), None);
    assert_eq!(pod.metadata.uid.as_deref(), Some("p"));
    assert!(serde_json::from_value::<Watched>(json!({"kind": "Node"})).is_err());
}
