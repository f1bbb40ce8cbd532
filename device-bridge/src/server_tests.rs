//! The agent as the plugin meets it: a real socket, real frames, a real kubelet service behind it.

use std::{
    io,
    path::PathBuf,
    sync::{Arc, atomic::Ordering},
};

use serde_json::json;
use spec::{
    bridge::{AddedInterface, Answer, HEADER, Question, Reply, Report, Request, decode, encode},
    network::NetworkStatus,
};
use tempfile::TempDir;
use tokio::{io::AsyncWriteExt, net::UnixStream, sync::oneshot, task::JoinHandle};
use tonic::Status;

use super::*;
use crate::{
    claims::ClaimSource,
    devices::Devices,
    fixture::{bare_question, network, pod, pod_resources, question},
    frames::{read_header, read_json},
    kubelet::fake::{Behaviour, FakeKubelet},
    lookup::Lookup,
    outbox::outbox,
    publish::Publisher,
    spool::Spool,
    store::Store,
};

/// A served agent with its kubelet. The pod has two devices and asks for two.
struct Agent {
    folder: TempDir,
    socket: PathBuf,
    kubelet: FakeKubelet,
    stop: oneshot::Sender<()>,
    server: JoinHandle<()>,
    publishing: JoinHandle<()>,
}

impl Agent {
    fn start(limits: Limits, change: impl FnOnce(&mut Behaviour)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let devices: &[(&str, &[&str])] =
            &[("intel.com/sriov", &["b"]), ("intel.com/sriov", &["a"])];
        let mut behaviour = Behaviour::of(vec![pod_resources(&[("app", devices)])]);
        change(&mut behaviour);
        let kubelet = FakeKubelet::start(folder.path(), behaviour);
        let store = Store::default();
        let sriov = json!({"type": "sriov"});
        store.apply_network(network(
            "default/sriov-a",
            Some("intel.com/sriov"),
            Some(&sriov),
        ));
        store.apply_pod(pod("u1", "sriov-a,sriov-a"));
        let responder = Responder {
            lookup: Lookup::in_files(Arc::new(store)),
            devices: Devices::new(
                kubelet.client(),
                folder.path().join("kubelet_internal_checkpoint"),
                ClaimSource::Files(Arc::default()),
            ),
            metrics: Arc::default(),
            topology: None,
        };
        let socket = folder.path().join("run/bridge.sock");
        let (outbox, publishing) = outbox(
            Publisher::Folder(folder.path().join("status")),
            Some(Spool::beside(&socket)),
            None,
            Arc::default(),
        );
        let (stop, stopped) = oneshot::channel();
        let listening = Socket::listen(&socket).unwrap();
        let server = tokio::spawn(serve(
            listening,
            Arc::new(responder),
            outbox,
            limits,
            async move {
                let _dropped = stopped.await;
            },
        ));
        Self {
            folder,
            socket,
            kubelet,
            stop,
            server,
            publishing: tokio::spawn(publishing),
        }
    }

    fn usual() -> Self {
        Self::start(Limits::new(Duration::from_secs(10)), |_| {})
    }

    async fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.socket).await.unwrap()
    }

    async fn ask(&self, request: &Request) -> Reply {
        let mut stream = self.connect().await;
        send(&mut stream, &encode(request).unwrap()).await;
        receive(&mut stream).await.unwrap()
    }

    async fn stop(self) -> TempDir {
        self.stop.send(()).unwrap();
        self.server.await.unwrap();
        self.publishing.await.unwrap();
        self.folder
    }
}

async fn send(stream: &mut UnixStream, bytes: &[u8]) {
    stream.write_all(bytes).await.unwrap();
}

async fn receive(stream: &mut UnixStream) -> Option<Reply> {
    let wanted = read_header(stream).await.unwrap()?;
    let json = read_json(stream, wanted).await.unwrap();
    Some(decode(&json).unwrap())
}

fn devices(reply: Reply) -> Vec<String> {
    let Reply::Answer(answer) = reply else {
        panic!("no answer: {reply:?}");
    };
    let devices = answer.networks.into_iter();
    devices
        .map(|attachment| attachment.device.unwrap().id.to_string())
        .collect()
}

fn failure(reply: Option<Reply>) -> Failure {
    match reply {
        Some(Reply::Failure(failure)) => failure,
        other => panic!("no failure: {other:?}"),
    }
}

#[tokio::test]
async fn several_requests_in_sequence() {
    let agent = Agent::usual();
    let mut stream = agent.connect().await;
    for question in [
        bare_question(),
        question("sriov-a,sriov-a"),
        bare_question(),
    ] {
        let frame = encode(&Request::Question(question)).unwrap();
        send(&mut stream, &frame).await;
        let reply = receive(&mut stream).await.unwrap();
        assert_eq!(devices(reply), ["a", "b"]);
    }
}

#[tokio::test]
async fn many_clients_at_once() {
    let agent = Agent::start(
        Limits {
            requests: 4,
            ..Limits::new(Duration::from_secs(10))
        },
        |_| {},
    );
    let request = Request::Question(bare_question());
    let replies = futures::future::join_all((0..100).map(|_| agent.ask(&request))).await;
    for reply in replies {
        assert_eq!(devices(reply), ["a", "b"]);
    }
    // Who waits for the same pod shares a call.
    assert!(agent.kubelet.behaviour.calls() <= 100);
}

#[tokio::test]
async fn what_is_no_request_gets_a_failure_and_the_end() {
    let agent = Agent::usual();
    let mut other_version = encode(&Request::Question(bare_question())).unwrap();
    let at = HEADER + r#"{"protocol":"#.len();
    other_version[at] = b'9';
    let cases: [(&[u8], &str); 5] = [
        (b"\0\0\0\x02[]", "no message"),
        (b"\0\0\0\x05{\"a\":", "no message"),
        (b"GET / HTTP/1.1\r\n\r\n", "more than the"),
        (b"\xff\xff\xff\xff", "more than the"),
        (&other_version, "version 9"),
    ];
    for (bytes, wanted) in cases {
        let mut stream = agent.connect().await;
        send(&mut stream, bytes).await;
        let failure = failure(receive(&mut stream).await);
        assert!(failure.message.contains(wanted), "{failure}");
        assert!(receive(&mut stream).await.is_none());
    }
    let mut half = agent.connect().await;
    send(&mut half, b"\0\0\0\x10{").await;
    half.shutdown().await.unwrap();
    let failure = failure(receive(&mut half).await);
    assert!(failure.message.contains("after 1 of 16 bytes"), "{failure}");
    let request = Request::Question(bare_question());
    assert_eq!(devices(agent.ask(&request).await), ["a", "b"]);
}

#[tokio::test]
async fn who_sends_nothing_keeps_nobody_waiting() {
    let limits = Limits {
        requests: 1,
        idle: Duration::from_millis(300),
        ..Limits::new(Duration::from_secs(10))
    };
    let agent = Agent::start(limits, |_| {});
    let mut silent = agent.connect().await;
    let request = Request::Question(bare_question());
    assert_eq!(devices(agent.ask(&request).await), ["a", "b"]);
    assert!(receive(&mut silent).await.is_none());
}

#[tokio::test]
async fn a_request_has_a_deadline() {
    let limits = Limits::new(Duration::from_millis(200));
    let agent = Agent::start(limits, |behaviour| {
        behaviour.get = Some(Status::unavailable(""));
    });
    let reply = agent.ask(&Request::Question(bare_question())).await;
    let failure = failure(Some(reply));
    assert_eq!(failure.code, code::TRY_AGAIN_LATER);
    assert!(failure.message.contains("found no answer"), "{failure}");
}

#[tokio::test]
async fn a_refusal_is_a_reply() {
    let agent = Agent::usual();
    let reply = agent
        .ask(&Request::Question(question("sriov-a,missing")))
        .await;
    let failure = failure(Some(reply));
    assert_eq!(failure.code, code::UNMET_REQUEST);
    assert!(failure.message.contains("default/p"), "{failure}");
    let nothing = agent.ask(&Request::Question(question(""))).await;
    let Reply::Answer(mut nothing) = nothing else {
        panic!("{nothing:?}");
    };
    let stages = std::mem::take(&mut nothing.stages);
    let stages: Vec<&str> = stages.iter().map(|stage| &*stage.name).collect();
    assert_eq!(stages, ["lookup", "devices"]);
    assert_eq!(nothing, Answer::default());
}

#[tokio::test]
async fn a_report_is_taken_and_published() {
    let agent = Agent::usual();
    let bare = bare_question();
    let status = NetworkStatus {
        name: "default/sriov-a".to_owned(),
        ..NetworkStatus::default()
    };
    let mut pod = bare.pod;
    // Then it is that of the known pod.
    pod.uid = None;
    let report = Request::Report(Report {
        pod,
        container_id: bare.container_id,
        statuses: vec![status],
        added: vec![AddedInterface {
            network: "default/sriov-a".to_owned(),
            interface: "net1".to_owned(),
            addresses: Vec::new(),
        }],
        times: None,
        wait_ms: None,
        traceparent: None,
        add: None,
        parent: None,
    });
    assert_eq!(agent.ask(&report).await, Reply::Taken);
    let missing = agent.ask(&Request::Question(question("missing"))).await;
    assert!(matches!(missing, Reply::Failure(_)));
    let folder = agent.stop().await;
    let text = std::fs::read_to_string(folder.path().join("status/default_p.json")).unwrap();
    assert!(text.contains("default/sriov-a"), "{text}");
    let text =
        std::fs::read_to_string(folder.path().join("status/default_p.events.jsonl")).unwrap();
    let wanted = [
        "Add net1 [] from default/sriov-a",
        "NoNetworkFound",
        "\"uid\":\"u1\"",
    ];
    for wanted in wanted {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
}

#[tokio::test]
async fn running_requests_end_before_the_agent() {
    let agent = Agent::start(Limits::new(Duration::from_secs(10)), |behaviour| {
        let busy = vec![Status::unavailable(""); 3];
        *behaviour.next.lock().unwrap() = busy;
    });
    let mut idle = agent.connect().await;
    let mut running = agent.connect().await;
    let frame = encode(&Request::Question(bare_question())).unwrap();
    send(&mut running, &frame).await;
    while agent.kubelet.behaviour.gets.load(Ordering::Relaxed) == 0 {
        tokio::task::yield_now().await;
    }
    let socket = agent.socket.clone();
    let (_folder, reply) = tokio::join!(agent.stop(), receive(&mut running));
    assert_eq!(devices(reply.unwrap()), ["a", "b"]);
    assert!(receive(&mut idle).await.is_none());
    let refused = UnixStream::connect(&socket).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::NotFound);
}

#[tokio::test]
async fn one_pods_requests_are_answered_in_order() {
    let agent = Agent::start(Limits::new(Duration::from_secs(10)), |behaviour| {
        *behaviour.next.lock().unwrap() = vec![Status::unavailable(""); 2];
    });
    let slow = Request::Question(bare_question());
    // Needs no device and would be answered at once.
    let quick = Request::Question(question("missing"));
    let gets = || agent.kubelet.behaviour.gets.load(Ordering::Relaxed);
    let second = async {
        while gets() == 0 {
            tokio::task::yield_now().await;
        }
        let reply = agent.ask(&quick).await;
        (reply, gets())
    };
    let (first, (second, gets_before_second)) = tokio::join!(agent.ask(&slow), second);
    assert_eq!(devices(first), ["a", "b"]);
    assert!(matches!(second, Reply::Failure(_)));
    assert_eq!(gets_before_second, gets());
    assert!(gets() > 2);
}

#[tokio::test]
async fn nobody_works_for_longer_than_the_plugin_waits() {
    let agent = Agent::start(Limits::new(Duration::from_secs(10)), |behaviour| {
        behaviour.get = Some(Status::unavailable(""));
    });
    let request = Request::Question(Question {
        within_ms: Some(100),
        ..bare_question()
    });
    let failure = failure(Some(agent.ask(&request).await));
    assert!(failure.message.contains("within 0.1 seconds"), "{failure}");
}

#[tokio::test]
async fn who_comes_when_too_many_wait_is_told_so() {
    let limits = Limits {
        requests: 1,
        waiting: 1,
        ..Limits::new(Duration::from_secs(10))
    };
    let agent = Agent::start(limits, |behaviour| {
        *behaviour.next.lock().unwrap() = vec![Status::unavailable(""); 3];
    });
    let request = Request::Question(bare_question());
    let replies = futures::future::join_all((0..4).map(|_| agent.ask(&request))).await;
    let refused = |reply: &&Reply| matches!(reply, Reply::Failure(failure) if failure.message.contains("1 requests wait"));
    assert_eq!(replies.iter().filter(refused).count(), 2);
}

#[tokio::test]
async fn a_request_is_not_read_before_there_is_room_for_it() {
    let limits = Limits {
        memory: 2048,
        idle: Duration::from_millis(300),
        ..Limits::new(Duration::from_secs(10))
    };
    let agent = Agent::start(limits, |_| {});
    let mut half = agent.connect().await;
    send(&mut half, &[&1500u32.to_be_bytes()[..], b"{"].concat()).await;
    // Waits until the half one is given up.
    let request = Request::Question(bare_question());
    assert_eq!(devices(agent.ask(&request).await), ["a", "b"]);
    assert!(receive(&mut half).await.is_none());
}

#[tokio::test]
async fn a_report_that_is_waited_for() {
    let agent = Agent::usual();
    let waited = Report {
        wait_ms: Some(5000),
        ..crate::fixture::report("default/sriov-a")
    };
    assert_eq!(agent.ask(&Request::Report(waited)).await, Reply::Taken);
    let written = agent.folder.path().join("status/default_p.json");
    assert!(written.exists());
    // In the place of the file is a folder now.
    std::fs::remove_file(&written).unwrap();
    std::fs::create_dir_all(written.join("x")).unwrap();
    let waited = Report {
        wait_ms: Some(50),
        ..crate::fixture::report("default/sriov-a")
    };
    let failure = failure(Some(agent.ask(&Request::Report(waited)).await));
    assert!(
        failure.message.contains("not published after 50 ms"),
        "{failure}"
    );
    assert!(
        agent
            .folder
            .path()
            .join("run/reports/default_p.json")
            .exists()
    );
}
