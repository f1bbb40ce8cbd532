//! The client against the real service on a real socket.

use std::sync::{Mutex, atomic::Ordering};

use spec::cni::code;

use super::*;
use crate::{
    allocation::Allocation,
    fixture::{bare_question, pod_resources},
    kubelet::fake::{Behaviour, FakeKubelet},
    proto::ContainerDevices,
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
    let found = client.pod(&pod()).await.unwrap().unwrap();
    let allocation = Allocation::of(&found);
    let devices = allocation.devices("r").iter();
    devices.map(|device| device.id.clone()).collect()
}

#[tokio::test]
async fn get_whatever_the_order_of_entries() {
    let folder = tempfile::tempdir().unwrap();
    let kubelet = FakeKubelet::start(folder.path(), Behaviour::of(two_devices()));
    let client = PodResourcesClient::new(kubelet.socket.clone());
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
        let client = PodResourcesClient::new(kubelet.socket.clone());
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
    let client = PodResourcesClient::new(kubelet.socket.clone());
    assert_eq!(client.pod(&pod()).await.unwrap(), None);
    assert_eq!(kubelet.behaviour.lists.load(Ordering::Relaxed), 0);
    kubelet.kill().await;
    let listed = Behaviour {
        get: Some(Status::unimplemented("")),
        ..Behaviour::default()
    };
    let _kubelet = FakeKubelet::start(folder.path(), listed);
    assert_eq!(client.pod(&pod()).await.unwrap(), None);
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
    let client = PodResourcesClient::new(kubelet.socket.clone());
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
    let client = PodResourcesClient::new(kubelet.socket.clone());
    assert_eq!(ids(&client).await, ["a", "b"]);
    assert_eq!(kubelet.behaviour.gets.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn other_errors_are_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let behaviour = Behaviour {
        get: Some(Status::internal("checkpoint is corrupted")),
        ..Behaviour::of(two_devices())
    };
    let kubelet = FakeKubelet::start(folder.path(), behaviour);
    let client = PodResourcesClient::new(kubelet.socket.clone());
    let failure = client.pod(&pod()).await.unwrap_err().failure(&pod());
    assert_eq!(failure.code, code::IO_FAILURE);
    for part in ["default/p", "Get", "checkpoint is corrupted"] {
        assert!(failure.message.contains(part), "{failure}");
    }
    assert_eq!(kubelet.behaviour.gets.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn waiting_has_an_end() {
    let folder = tempfile::tempdir().unwrap();
    let behaviour = Behaviour {
        get: Some(Status::resource_exhausted("rejected by rate limit")),
        ..Behaviour::of(two_devices())
    };
    let kubelet = FakeKubelet::start(folder.path(), behaviour);
    let client = PodResourcesClient::new(kubelet.socket.clone());
    let begun = std::time::Instant::now();
    let failure = client.pod(&pod()).await.unwrap_err().failure(&pod());
    assert!(begun.elapsed() < Duration::from_secs(4));
    assert_eq!(failure.code, code::TRY_AGAIN_LATER);
}

#[tokio::test]
async fn a_kubelet_that_restarts_has_another_socket() {
    let folder = tempfile::tempdir().unwrap();
    let kubelet = FakeKubelet::start(folder.path(), Behaviour::of(two_devices()));
    let client = PodResourcesClient::new(kubelet.socket.clone());
    assert_eq!(ids(&client).await, ["a", "b"]);
    kubelet.kill().await;
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
    let client = PodResourcesClient::new(socket);
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
    let client = PodResourcesClient::new(socket.clone());
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
    let client = PodResourcesClient::new(kubelet.socket.clone());
    let allocatable = client.allocatable().await.unwrap();
    assert_eq!(allocatable, kubelet.behaviour.allocatable);
    let pods = client.list().await.unwrap();
    assert_eq!(Allocation::of(&pods[1]).devices("r").len(), 2);
    kubelet.kill().await;
    let error = client.list().await.unwrap_err();
    assert!(
        matches!(error, PodResourcesError::Connect { .. }),
        "{error}"
    );
}
