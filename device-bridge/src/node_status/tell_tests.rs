use api::node_inventory::{READY, SERVING};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::*;
use crate::{
    fake_api_server::{FakeApiServer, refusal},
    topology::KubeletFault,
};

const READ: &str = "GET /apis/polypod.dev/v1alpha1/nodeinventories/n1";
const WRITE: &str = "PATCH /apis/polypod.dev/v1alpha1/nodeinventories/n1/status";
const LONG_AGO: &str = "2020-01-02T03:04:05Z";

/// An agent that serves, installs nothing, and whose kubelet answers.
struct Agent {
    api: FakeApiServer,
    readiness: Arc<Readiness>,
    told: watch::Sender<Told>,
    metrics: Arc<Metrics>,
}

impl Agent {
    fn new() -> Self {
        let agent = Self {
            api: FakeApiServer::default(),
            readiness: Arc::default(),
            told: watch::Sender::default(),
            metrics: Arc::new(Metrics::new()),
        };
        agent.readiness.synced();
        agent.readiness.serving();
        agent.kubelet(Ok(()));
        agent
    }

    fn kubelet(&self, answer: Result<(), &str>) {
        let answer = answer.map_err(|message| KubeletFault {
            reason: "NoAnswer",
            message: message.to_owned(),
        });
        self.told.send_modify(|told| told.kubelet = Some(answer));
    }

    fn published(&self, uid: &str) {
        let uid = Some(uid.to_owned());
        self.told.send_modify(|told| told.inventory = uid);
    }

    /// The object is there and takes a status.
    fn has_object(&self, status: &Value) {
        self.api.answer(READ, 200, object("u1", status));
        self.api.answer(WRITE, 200, object("u1", &Value::Null));
    }

    fn start(&self) -> JoinHandle<()> {
        let parts = Parts {
            object: Object::new(self.api.client(), "n1".to_owned()),
            readiness: Arc::clone(&self.readiness),
            told: self.told.subscribe(),
            metrics: Arc::clone(&self.metrics),
        };
        tokio::spawn(tell(parts))
    }

    fn written(&self) -> Vec<NodeInventoryStatus> {
        let asked = self.api.asked().into_iter();
        asked
            .filter(|(request, _)| request == WRITE)
            .map(|(_, body)| serde_json::from_value(body["status"].clone()).unwrap())
            .collect()
    }

    fn reads(&self) -> usize {
        let requests = self.api.requests();
        requests.iter().filter(|request| *request == READ).count()
    }
}

fn object(uid: &str, status: &Value) -> Value {
    json!({"apiVersion": "polypod.dev/v1alpha1", "kind": "NodeInventory", "metadata": {"name": "n1", "uid": uid},
        "zones": "of another version", "status": status})
}

fn condition(kind: &str, status: &str) -> Value {
    json!({"type": kind, "status": status, "reason": "R", "message": "", "lastTransitionTime": LONG_AGO})
}

fn status_of<'a>(status: &'a NodeInventoryStatus, kind: &str) -> (&'a str, bool) {
    let condition = status.condition(kind).unwrap();
    let since = condition.last_transition_time.0.to_string();
    (&condition.status, since == LONG_AGO)
}

/// The clock is the test's own: it goes on when nothing else can.
async fn after(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn written_when_it_changes_and_with_the_time_that_is_there() {
    let agent = Agent::new();
    agent.has_object(
        &json!({"conditions": [condition(READY, "True"), condition(SERVING, "False")]}),
    );
    let telling = agent.start();
    after(300).await;
    let written = agent.written();
    assert_eq!(written.len(), 1, "{written:?}");
    assert_eq!(status_of(&written[0], READY), ("True", true));
    assert_eq!(status_of(&written[0], SERVING), ("True", false));

    agent.kubelet(Err("silent"));
    after(300).await;
    agent.kubelet(Err("silent"));
    after(300).await;
    let written = agent.written();
    assert_eq!(written.len(), 2, "{written:?}");
    assert_eq!(status_of(&written[1], READY), ("False", false));
    assert_eq!(
        written[1].condition(SERVING),
        written[0].condition(SERVING),
        "what stays has its time"
    );
    assert_eq!(agent.reads(), 1, "it is known what is there");

    // Over before it was told.
    agent.kubelet(Ok(()));
    agent.kubelet(Err("silent"));
    after(300).await;
    assert_eq!(agent.written().len(), 2);

    agent.readiness.stopping();
    telling.await.unwrap();
    let written = agent.written();
    assert_eq!(status_of(&written[2], SERVING), ("False", false));
    let text = agent.metrics.render().unwrap();
    let line = r#"polypod_bridge_published_total{what="node-status",outcome="ok"} 3"#;
    assert!(text.contains(line), "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_flaps_is_written_seldom() {
    let agent = Agent::new();
    agent.has_object(&Value::Null);
    let telling = agent.start();
    for turn in 0..600 {
        agent.kubelet(if turn % 2 == 0 { Ok(()) } else { Err("silent") });
        tokio::time::sleep(Duration::from_millis(1500)).await;
    }
    let count = agent.written().len();
    assert!((10..=91).contains(&count), "{count} writes in 15 minutes");
    telling.abort();
}

#[tokio::test(start_paused = true)]
async fn it_waits_for_the_first_look_but_not_without_end() {
    let agent = Agent::new();
    agent.has_object(&Value::Null);
    agent.told.send_modify(|told| told.kubelet = None);
    let telling = agent.start();
    after(9).await;
    assert_eq!(agent.written(), []);
    after(9).await;
    assert_eq!(status_of(&agent.written()[0], READY).0, "Unknown");
    telling.abort();
}

#[tokio::test(start_paused = true)]
async fn the_object_comes_with_the_first_report() {
    let agent = Agent::new();
    agent.api.answer(READ, 404, refusal(404, "not found"));
    let telling = agent.start();
    after(1000).await;
    assert_eq!(agent.written(), []);
    assert!(agent.reads() < 10, "{}", agent.reads());
    agent.has_object(&Value::Null);
    agent.api.answer(READ, 200, object("u1", &Value::Null));
    // The answer that was given again and again is given once more.
    let before = agent.reads();
    agent.published("u1");
    after(30).await;
    assert!(agent.reads() > before);
    assert_eq!(agent.written().len(), 1);
    telling.abort();
}

#[tokio::test(start_paused = true)]
async fn an_object_that_was_made_anew_is_told_again() {
    let agent = Agent::new();
    agent.has_object(&Value::Null);
    let telling = agent.start();
    agent.published("u1");
    after(60).await;
    assert_eq!((agent.reads(), agent.written().len()), (1, 1));
    agent.published("u2");
    after(60).await;
    let written = agent.written();
    assert_eq!((agent.reads(), written.len()), (2, 2));
    assert_eq!(written[0], written[1], "the agent is what it was");
    telling.abort();
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_asks_ever_less_often_and_goes_on() {
    for code in [403, 404, 422, 500] {
        let agent = Agent::new();
        agent.api.answer(READ, 200, object("u1", &Value::Null));
        agent.api.answer(WRITE, code, refusal(code, "no"));
        let telling = agent.start();
        after(3600).await;
        let count = agent.written().len();
        assert!((2..40).contains(&count), "{code}: {count} in an hour");
        // Changes do not make it ask more.
        for turn in 0..60 {
            agent.kubelet(if turn % 2 == 0 { Ok(()) } else { Err("silent") });
            after(10).await;
        }
        let more = agent.written().len() - count;
        assert!(more <= 6, "{code}: {more} in ten minutes");
        assert!(!telling.is_finished());
        let text = agent.metrics.render().unwrap();
        assert!(
            text.contains(r#"what="node-status",outcome="error""#),
            "{text}"
        );
        agent.readiness.stopping();
        telling.await.unwrap();
    }
}

/// Somebody has edited the status: the API server refuses another time for the same status, and what is there is read.
#[tokio::test(start_paused = true)]
async fn what_somebody_else_wrote_is_read_before_it_is_tried_again() {
    let agent = Agent::new();
    agent.api.answer(READ, 200, object("u1", &Value::Null));
    let edited = json!({"conditions": [condition(READY, "False")]});
    agent.api.answer(READ, 200, object("u1", &edited));
    agent.api.answer(WRITE, 200, object("u1", &Value::Null));
    agent.api.answer(
        WRITE,
        422,
        refusal(422, "a condition keeps its lastTransitionTime"),
    );
    agent.api.answer(WRITE, 200, object("u1", &Value::Null));
    let telling = agent.start();
    after(60).await;
    agent.kubelet(Err("silent"));
    after(60).await;
    let written = agent.written();
    assert_eq!((agent.reads(), written.len()), (2, 3), "{written:?}");
    assert_eq!(status_of(&written[1], READY), ("False", false));
    assert_eq!(status_of(&written[2], READY), ("False", true));
    telling.abort();
}

/// Whoever stops the agent does not wait for an API server that is silent.
#[tokio::test(start_paused = true)]
async fn the_last_word_is_short() {
    let service = tower::service_fn(|_: tonic::codegen::http::Request<kube::client::Body>| {
        std::future::pending::<
            Result<tonic::codegen::http::Response<kube::client::Body>, std::convert::Infallible>,
        >()
    });
    let agent = Agent::new();
    let parts = Parts {
        object: Object::new(Client::new(service, "default"), "n1".to_owned()),
        readiness: Arc::clone(&agent.readiness),
        told: agent.told.subscribe(),
        metrics: Arc::clone(&agent.metrics),
    };
    let telling = tokio::spawn(tell(parts));
    after(3).await;
    let begin = Instant::now();
    agent.readiness.stopping();
    telling.await.unwrap();
    assert!(begin.elapsed() <= LAST_WORD * 2, "{:?}", begin.elapsed());
}

#[test]
fn where_nothing_is_published_nothing_is_told() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    let client = FakeApiServer::default().client();
    let settings = |inventory: bool, node: Option<&str>| Settings {
        node: node.map(str::to_owned),
        inventory,
        node_resource_topology: true,
        heartbeat: Duration::from_secs(60),
        fingerprint: crate::topology::fingerprint::Method::default(),
        kubelet_config: None,
        policy: None,
        scope: None,
        sysfs_root: "/sys".into(),
        device_info_dir: "/d".into(),
    };
    let named = settings(true, Some("n1"));
    assert!(Parts::object(&named, None, Some(&client)).is_some());
    assert!(Parts::object(&named, Some(Path::new("/f")), Some(&client)).is_none());
    assert!(Parts::object(&named, None, None).is_none());
    assert!(Parts::object(&settings(false, Some("n1")), None, Some(&client)).is_none());
    assert!(Parts::object(&settings(true, None), None, Some(&client)).is_none());
}
