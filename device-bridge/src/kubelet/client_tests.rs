//! The client against the real service on a real socket.

use std::sync::{Mutex, atomic::Ordering};

use futures::future::join_all;
use spec::cni::code;
use tonic::Status;

use super::*;
use crate::{
    allocation::Allocation,
    fixture::{bare_question, pod_resources},
    kubelet::fake::{self, Behaviour, FakeKubelet},
    proto::{ContainerDevices, NumaNode, TopologyInfo},
};

fn pod() -> PodRef {
    bare_question().pod
}

fn two_devices() -> Vec<PodResources> {
    let other = PodResources {
        name: "p".to_owned(),
        namespace: "other".to_owned(),
        containers: Vec::new(),
    };
    let devices: &[(&str, &[&str])] = &[("r", &["b"]), ("s", &["x"]), ("r", &["a"])];
    vec![other, pod_resources(&[("app", devices)])]
}

async fn ids(client: &PodResourcesClient) -> Vec<String> {
    let found = client.pod(&pod()).await.unwrap();
    let allocation = Allocation::of(&found[0]);
    let devices = allocation.devices("r").iter();
    devices.map(|device| device.id.clone()).collect()
}

#[tokio::test]
async fn get_whatever_the_order_of_entries() {
    let folder = tempfile::tempdir().unwrap();
    let kubelet = FakeKubelet::start(folder.path(), Behaviour::of(two_devices()));
    let client = kubelet.client();
    for _ in 0..4 {
        assert_eq!(ids(&client).await, ["a", "b"]);
    }
    assert_eq!(kubelet.behaviour.gets.load(Ordering::Relaxed), 4);
    assert_eq!(kubelet.behaviour.lists.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn list_where_get_is_missing() {
    for status in [
        Status::unimplemented("unknown method Get for service v1.PodResourcesLister"),
        Status::unknown("PodResources API Get method disabled"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let behaviour = Behaviour {
            get: Some(status),
            ..Behaviour::of(two_devices())
        };
        let kubelet = FakeKubelet::start(folder.path(), behaviour);
        let client = kubelet.client();
        for _ in 0..3 {
            assert_eq!(ids(&client).await, ["a", "b"]);
        }
        assert_eq!(kubelet.behaviour.gets.load(Ordering::Relaxed), 1);
        assert_eq!(kubelet.behaviour.lists.load(Ordering::Relaxed), 3);
    }
}

#[tokio::test]
async fn a_pod_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let kubelet = FakeKubelet::start(folder.path(), Behaviour::default());
    let client = kubelet.client();
    assert_eq!(client.pod(&pod()).await.unwrap(), []);
    assert_eq!(kubelet.behaviour.lists.load(Ordering::Relaxed), 0);
    kubelet.kill();
    let listed = Behaviour {
        get: Some(Status::unimplemented("")),
        ..Behaviour::default()
    };
    let _kubelet = FakeKubelet::start(folder.path(), listed);
    assert_eq!(client.pod(&pod()).await.unwrap(), []);
}

#[tokio::test]
async fn more_than_four_mebibytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut pods = two_devices();
    let entry = ContainerDevices {
        resource_name: "example.com/x".to_owned(),
        device_ids: vec!["0000:03:02.1".to_owned()],
        topology: None,
    };
    pods[1].containers[0].devices.extend(vec![entry; 200_000]);
    let kubelet = FakeKubelet::start(folder.path(), Behaviour::of(pods));
    let client = kubelet.client();
    assert_eq!(ids(&client).await, ["a", "b"]);
}

#[tokio::test]
async fn passing_conditions_are_waited_out() {
    let folder = tempfile::tempdir().unwrap();
    let behaviour = Behaviour {
        next: Mutex::new(vec![
            Status::unavailable("the kubelet is starting"),
            Status::resource_exhausted("rejected by rate limit"),
        ]),
        ..Behaviour::of(two_devices())
    };
    let kubelet = FakeKubelet::start(folder.path(), behaviour);
    let client = kubelet.client();
    assert_eq!(ids(&client).await, ["a", "b"]);
    assert_eq!(kubelet.behaviour.gets.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn other_errors_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let behaviour = Behaviour {
        get: Some(Status::internal("checkpoint is corrupted")),
        list: Some(Status::internal("checkpoint is corrupted")),
        ..Behaviour::of(two_devices())
    };
    let kubelet = FakeKubelet::start(folder.path(), behaviour);
    let client = kubelet.client();
    let failure = client.pod(&pod()).await.unwrap_err().failure(&pod());
    assert_eq!(failure.code, code::IO_FAILURE);
    for part in ["default/p", "List", "checkpoint is corrupted"] {
        assert!(failure.message.contains(part), "{failure}");
    }
    // The pod, the pod that cannot exist, and the whole node: nothing twice.
    assert_eq!(kubelet.behaviour.calls(), 3);
}

#[tokio::test]
async fn waiting_has_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let behaviour = Behaviour {
        get: Some(Status::resource_exhausted("rejected by rate limit")),
        ..Behaviour::of(two_devices())
    };
    let kubelet = FakeKubelet::start(folder.path(), behaviour);
    let client = kubelet.client();
    let begun = std::time::Instant::now();
    let failure = client.pod(&pod()).await.unwrap_err().failure(&pod());
    assert!(begun.elapsed() < Duration::from_secs(4));
    assert_eq!(failure.code, code::TRY_AGAIN_LATER);
}

#[tokio::test]
async fn a_kubelet_that_restarts_has_another_socket() {
    let folder = tempfile::tempdir().unwrap();
    let kubelet = FakeKubelet::start(folder.path(), Behaviour::of(two_devices()));
    let client = kubelet.client();
    assert_eq!(ids(&client).await, ["a", "b"]);
    kubelet.kill();
    // Its dead socket refuses connections until the next one takes its place: within the patience.
    let (found, _kubelet) = tokio::join!(ids(&client), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        FakeKubelet::start(folder.path(), Behaviour::of(two_devices()))
    });
    assert_eq!(found, ["a", "b"]);
}

#[tokio::test]
async fn a_connection_that_breaks_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("kubelet.sock");
    let dying = tokio::net::UnixListener::bind(&socket).unwrap();
    let client = fake::client(&socket);
    let (found, _kubelet) = tokio::join!(ids(&client), async {
        let (mut stream, _) = dying.accept().await.unwrap();
        let mut preface = [0; 24];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut preface)
            .await
            .unwrap();
        drop((stream, dying));
        FakeKubelet::start(folder.path(), Behaviour::of(two_devices()))
    });
    assert_eq!(found, ["a", "b"]);
}

#[tokio::test]
async fn no_socket() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("kubelet.sock");
    let client = fake::client(&socket);
    let begun = std::time::Instant::now();
    let failure = client.pod(&pod()).await.unwrap_err().failure(&pod());
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(failure.code, code::IO_FAILURE);
    for part in [
        socket.to_str().unwrap(),
        "--pod-resources-socket",
        "default/p",
    ] {
        assert!(failure.message.contains(part), "{failure}");
    }
}

#[tokio::test]
async fn the_whole_node() {
    let folder = tempfile::tempdir().unwrap();
    let devices = two_devices().remove(1).containers.remove(0).devices;
    let behaviour = Behaviour {
        next: Mutex::new(vec![Status::resource_exhausted("rejected by rate limit")]),
        allocatable: AllocatableResourcesResponse {
            devices,
            ..AllocatableResourcesResponse::default()
        },
        ..Behaviour::of(two_devices())
    };
    let kubelet = FakeKubelet::start(folder.path(), behaviour);
    let client = kubelet.client();
    let mut devices = Vec::new();
    let rest = client.allocatable(|entry| devices.push(entry)).await;
    let allocatable = AllocatableResourcesResponse {
        devices,
        ..rest.unwrap()
    };
    assert_eq!(allocatable, kubelet.behaviour.allocatable);
    let pods = client.list().await.unwrap();
    assert_eq!(Allocation::of(&pods[1]).devices("r").len(), 2);
    kubelet.kill();
    let error = client.list().await.unwrap_err();
    assert!(
        matches!(error, PodResourcesError::Connect { .. }),
        "{error}"
    );
}

fn named(name: &str) -> PodRef {
    PodRef {
        name: name.parse().unwrap(),
        ..pod()
    }
}

fn pods(count: usize) -> Vec<PodResources> {
    let pods = (0..count).map(|index| {
        let devices = [format!("0000:03:02.{index}"), format!("0000:03:03.{index}")];
        let devices: &[(&str, &[&str])] = &[
            ("r", &[&devices[1]]),
            ("r", &[&devices[0]]),
            ("r", &[&devices[1]]),
        ];
        PodResources {
            name: format!("p{index}"),
            ..pod_resources(&[("app", devices)])
        }
    });
    pods.collect()
}

#[tokio::test]
async fn a_node_that_starts_all_its_pods() {
    const PODS: usize = 500;
    let folder = tempfile::tempdir().unwrap();
    let behaviour = Behaviour {
        limited: true,
        ..Behaviour::of(pods(PODS))
    };
    let kubelet = FakeKubelet::start(folder.path(), behaviour);
    let client = kubelet.client();
    let all = (0..PODS).map(async |index| {
        let found = client.pod(&named(&format!("p{index}"))).await.unwrap();
        let allocation = Allocation::of(&found[0]);
        let devices = allocation.devices("r").iter();
        let ids: Vec<&str> = devices.map(|device| device.id.as_str()).collect();
        assert_eq!(
            ids,
            [format!("0000:03:02.{index}"), format!("0000:03:03.{index}")]
        );
    });
    join_all(all).await;
    let calls = kubelet.behaviour.calls();
    assert!(calls <= 5, "{calls} calls");
    assert_eq!(kubelet.behaviour.connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_restart_while_many_wait() {
    let folder = tempfile::tempdir().unwrap();
    let behaviour = Behaviour {
        slow: Duration::from_millis(50),
        ..Behaviour::of(pods(40))
    };
    let kubelet = FakeKubelet::start(folder.path(), behaviour);
    let client = kubelet.client();
    let all = join_all((0..40).map(async |index| {
        let found = client.pod(&named(&format!("p{index}"))).await.unwrap();
        assert_eq!(found[0].name, format!("p{index}"));
    }));
    let (_, kubelet) = tokio::join!(all, async {
        sleep(Duration::from_millis(10)).await;
        kubelet.kill();
        sleep(Duration::from_millis(200)).await;
        FakeKubelet::start(
            folder.path(),
            Behaviour {
                get: Some(Status::unknown("PodResources API Get method disabled")),
                ..Behaviour::of(pods(40))
            },
        )
    });
    let calls = kubelet.behaviour.calls();
    assert!(calls <= 5, "{calls} calls");
}

#[tokio::test]
async fn an_answer_is_never_older_than_its_question() {
    let folder = tempfile::tempdir().unwrap();
    let behaviour = Behaviour {
        slow: Duration::from_millis(100),
        ..Behaviour::of(two_devices())
    };
    let kubelet = FakeKubelet::start(folder.path(), behaviour);
    let client = kubelet.client();
    // Two who wait share a call; who comes when it has begun waits for the next one.
    tokio::join!(ids(&client), ids(&client), async {
        sleep(Duration::from_millis(50)).await;
        assert_eq!(kubelet.behaviour.calls(), 1);
        tokio::join!(ids(&client), ids(&client));
    });
    assert_eq!(kubelet.behaviour.calls(), 2);
}

#[tokio::test]
async fn who_gives_up_takes_no_call_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let behaviour = Behaviour {
        slow: Duration::from_millis(100),
        ..Behaviour::of(two_devices())
    };
    let kubelet = FakeKubelet::start(folder.path(), behaviour);
    let client = kubelet.client();
    let impatient = tokio::time::timeout(Duration::from_millis(20), ids(&client));
    let (impatient, found) = tokio::join!(impatient, ids(&client));
    assert!(impatient.is_err());
    assert_eq!(found, ["a", "b"]);
    assert_eq!(kubelet.behaviour.calls(), 1);
}

#[tokio::test]
async fn an_unheard_of_error_is_made_sure_of() {
    let folder = tempfile::tempdir().unwrap();
    let behaviour = Behaviour {
        get: Some(Status::unknown("no, thank you")),
        ..Behaviour::of(two_devices())
    };
    let kubelet = FakeKubelet::start(folder.path(), behaviour);
    let client = kubelet.client();
    assert_eq!(ids(&client).await, ["a", "b"]);
    assert_eq!(ids(&client).await, ["a", "b"]);
    assert_eq!(kubelet.behaviour.gets.load(Ordering::Relaxed), 2);
    assert_eq!(kubelet.behaviour.lists.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_connection_that_died_costs_one_more_try() {
    let folder = tempfile::tempdir().unwrap();
    let kubelet = FakeKubelet::start(folder.path(), Behaviour::of(two_devices()));
    let metrics = Arc::new(Metrics::new());
    let settings = fake::settings(&kubelet.socket);
    let client = PodResourcesClient::new(kubelet.socket.clone(), &settings, Arc::clone(&metrics));
    assert_eq!(ids(&client).await, ["a", "b"]);
    kubelet.kill();
    let kubelet = FakeKubelet::start(folder.path(), Behaviour::of(two_devices()));
    assert_eq!(ids(&client).await, ["a", "b"]);
    assert_eq!(kubelet.behaviour.calls(), 1);
    let text = metrics.render().unwrap();
    let ok = r#"polypod_bridge_kubelet_calls_total{method="Get",outcome="ok"} 2"#;
    assert!(text.contains(ok), "{text}");
}

#[tokio::test]
async fn a_restarted_kubelet_gets_time_to_know_its_pods() {
    let folder = tempfile::tempdir().unwrap();
    let kubelet = FakeKubelet::start(folder.path(), Behaviour::default());
    let client = kubelet.client();
    assert_eq!(client.pod(&pod()).await.unwrap(), []);
    assert_eq!(kubelet.behaviour.calls(), 1);
    kubelet.kill();
    let behaviour = Behaviour {
        pods_from: Some(std::time::Instant::now() + Duration::from_millis(200)),
        ..Behaviour::of(two_devices())
    };
    let _kubelet = FakeKubelet::start(folder.path(), behaviour);
    assert_eq!(ids(&client).await, ["a", "b"]);
}

#[tokio::test]
async fn a_socket_that_vanished_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let kubelet = FakeKubelet::start(folder.path(), Behaviour::of(two_devices()));
    let client = kubelet.client();
    assert_eq!(ids(&client).await, ["a", "b"]);
    std::fs::remove_file(&kubelet.socket).unwrap();
    let (found, _kubelet) = tokio::join!(ids(&client), async {
        sleep(Duration::from_millis(200)).await;
        FakeKubelet::start(folder.path(), Behaviour::of(two_devices()))
    });
    assert_eq!(found, ["a", "b"]);
}

#[tokio::test]
async fn a_pod_and_its_predecessor() {
    let folder = tempfile::tempdir().unwrap();
    let mut twice = two_devices();
    twice.extend(two_devices());
    let behaviour = Behaviour {
        get: Some(Status::unimplemented("")),
        ..Behaviour::of(twice)
    };
    let kubelet = FakeKubelet::start(folder.path(), behaviour);
    let client = kubelet.client();
    assert_eq!(client.pod(&pod()).await.unwrap().len(), 2);
    let holdings = client.holdings().await.unwrap().holdings;
    assert_eq!(holdings.0.len(), 4);
    let held = holdings.0.iter().find(|holding| holding.is_of(&pod()));
    let devices = [("r", "a"), ("r", "b"), ("s", "x")];
    let devices = devices.map(|(resource, id)| (resource.to_owned(), id.to_owned()));
    assert_eq!(held.unwrap().devices, devices);
}

/// Pods as an old kubelet tells them: several ids in an entry, once for each NUMA node, and much that nobody asks for.
fn heavy_pods(count: usize) -> Vec<PodResources> {
    let mut pods = pods(count);
    let padding = ContainerDevices {
        resource_name: "example.com/x".to_owned(),
        device_ids: (0..20).map(|id| format!("0000:41:00.{id}")).collect(),
        topology: None,
    };
    for pod in &mut pods {
        let container = &mut pod.containers[0];
        let ids = container.devices.drain(..2);
        let device_ids: Vec<String> = ids.flat_map(|entry| entry.device_ids).collect();
        let entry = |id| ContainerDevices {
            resource_name: "r".to_owned(),
            device_ids: device_ids.clone(),
            topology: Some(TopologyInfo {
                nodes: vec![NumaNode { id }],
            }),
        };
        container.devices = vec![entry(1), entry(0)];
        container.devices.extend(vec![padding.clone(); 56]);
    }
    pods
}

#[tokio::test]
async fn megabytes_a_limit_and_a_restart_while_all_wait() {
    const PODS: usize = 300;
    let folder = tempfile::tempdir().unwrap();
    let wayward = || Behaviour {
        limited: true,
        get: Some(Status::unknown("PodResources API Get method disabled")),
        ..Behaviour::of(heavy_pods(PODS))
    };
    let size: usize = wayward()
        .pods
        .lock()
        .unwrap()
        .iter()
        .map(prost::Message::encoded_len)
        .sum();
    assert!(size > 5_000_000, "{size}");
    let kubelet = FakeKubelet::start(folder.path(), wayward());
    let client = kubelet.client();
    let all = join_all((0..PODS).map(async |index| {
        let found = client.pod(&named(&format!("p{index}"))).await.unwrap();
        let allocation = Allocation::of(&found[0]);
        let devices = allocation.devices("r").iter();
        let told: Vec<(&str, usize)> = devices
            .map(|device| (device.id.as_str(), device.numa.len()))
            .collect();
        let wanted = [format!("0000:03:02.{index}"), format!("0000:03:03.{index}")];
        assert_eq!(told, [(wanted[0].as_str(), 2), (wanted[1].as_str(), 2)]);
    }));
    let before = Arc::clone(&kubelet.behaviour);
    let (_, kubelet) = tokio::join!(all, async {
        // Its first List is under way.
        while before.calls() == 0 {
            sleep(Duration::from_millis(1)).await;
        }
        kubelet.kill();
        FakeKubelet::start(folder.path(), wayward())
    });
    let calls = before.calls() + kubelet.behaviour.calls();
    assert!(calls <= 10, "{calls} calls");
}
