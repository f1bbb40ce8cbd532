//! The webhook's traces: over TLS, as an API server asks, to a collector.

use std::{
    ffi::OsStr,
    path::Path,
    time::{Duration, Instant},
};

use opentelemetry_proto::tonic::{common::v1::any_value, trace::v1::Span};
use serde_json::{Value, json};
use spec::{TraceContext, network::TRACEPARENT};

use crate::{
    fixture::{
        binaries::{path, workspace},
        collector::Collector,
        daemon::Daemon,
        https::{client, patch, review},
    },
    scenario::Scenario,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "traced_admission::a_pod_gets_the_span_of_its_admission",
            needs: &[],
            body: a_pod_gets_the_span_of_its_admission,
        },
        Scenario {
            name: "traced_admission::without_an_endpoint_there_is_no_trace",
            needs: &[],
            body: without_an_endpoint_there_is_no_trace,
        },
        Scenario {
            name: "traced_admission::an_endpoint_that_is_none_is_refused",
            needs: &[],
            body: an_endpoint_that_is_none_is_refused,
        },
    ]
}

/// What API servers that trace say.
const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A webhook over TLS, and who asks it.
pub(crate) struct Webhook {
    daemon: Daemon,
    client: ureq::Agent,
    url: String,
    _folder: tempfile::TempDir,
}

fn start(more: &[&str]) -> Webhook {
    start_with(&workspace().join("manifests/examples"), more)
}

/// A webhook that knows these objects.
pub(crate) fn start_with(objects: &Path, more: &[&str]) -> Webhook {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let ca = folder.path().join("ca.crt");
    let mut arguments: Vec<&OsStr> = vec![
        "--objects".as_ref(),
        objects.as_os_str(),
        "--cert-out".as_ref(),
        ca.as_os_str(),
    ];
    let usual = [
        "--listen",
        "127.0.0.1:0",
        "--health-listen",
        "127.0.0.1:0",
        "--shutdown-delay",
        "0s",
    ];
    arguments.extend(usual.iter().chain(more).map(OsStr::new));
    let daemon = Daemon::start("polypod-webhook", &arguments);
    let url = format!("https://{}", daemon.ready("serving https://"));
    Webhook {
        daemon,
        client: client(&ca),
        url,
        _folder: folder,
    }
}

impl Webhook {
    /// The response to a review of this pod.
    fn asks(&self, path: &str, caller: Option<&str>, pod: &Value) -> Value {
        let url = format!("{}{path}?timeout=10s", self.url);
        let mut request = self
            .client
            .post(&url)
            .header("content-type", "application/json");
        if let Some(caller) = caller {
            request = request.header("traceparent", caller);
        }
        let review = review("Pod", pod).to_string();
        let mut answer = request.send(review).expect("the webhook answers");
        assert_eq!(answer.status().as_u16(), 200);
        let text = answer.body_mut().read_to_string().expect("it is text");
        let mut answer: Value = serde_json::from_str(&text).expect("it is JSON");
        answer["response"].take()
    }

    /// Has it end, with its last spans sent.
    pub(crate) fn stop(self) {
        assert!(self.daemon.stop(), "it ends well");
    }

    /// The pod as the mutating hook leaves it.
    pub(crate) fn admits(&self, caller: Option<&str>, mut pod: Value) -> Value {
        let response = self.asks("/mutate", caller, &pod);
        assert_eq!(response["allowed"], true, "{response}");
        let operations: json_patch::Patch =
            serde_json::from_value(json!(patch(&response))).expect("it is a patch");
        json_patch::patch(&mut pod, &operations).expect("the patch fits");
        pod
    }
}

fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "annotations": {"k8s.v1.cni.cncf.io/networks": "sriov-net-a"}},
        "spec": {"containers": [{"name": "app", "image": "busybox"}]},
    })
}

/// The span that a pod has in its annotation.
pub(crate) fn annotation(pod: &Value) -> Option<TraceContext> {
    let text = pod["metadata"]["annotations"][TRACEPARENT].as_str()?;
    Some(text.parse().expect("it is a traceparent"))
}

/// The collector's spans, once there are so many of the name `admission`.
fn spans_of(collector: &Collector, reviews: usize) -> Vec<Span> {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let spans = collector.spans_with(&["admission"]);
        let admissions = spans.iter().filter(|(_, span)| span.name == "admission");
        if admissions.count() == reviews {
            let is_ours = |(service, _): &(String, Span)| service.contains("polypod-webhook");
            assert!(spans.iter().all(is_ours), "{spans:?}");
            return spans.into_iter().map(|(_, span)| span).collect();
        }
        assert!(Instant::now() < until, "{spans:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn text(span: &Span, key: &str) -> Option<String> {
    let attribute = span.attributes.iter().find(|found| found.key == key)?;
    match attribute.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => Some(text.clone()),
        _ => None,
    }
}

fn a_pod_gets_the_span_of_its_admission() {
    let collector = Collector::start();
    let endpoint = format!("http://{}", collector.address);
    let webhook = start(&["--otlp-endpoint", &endpoint, "--log-level", "error"]);
    let called = webhook.admits(Some(CALLER), pod("called"));
    let alone = webhook.admits(None, pod("alone"));
    // As the API server asks when another webhook has changed the pod, and then the validating hook.
    assert_eq!(webhook.admits(Some(CALLER), called.clone()), called);
    assert_eq!(webhook.admits(None, alone.clone()), alone);
    let validated = webhook.asks("/validate", None, &alone);
    assert_eq!(validated["allowed"], true, "{validated}");
    // Nobody is told of this one.
    let quiet = webhook.admits(Some(&CALLER.replace("-01", "-00")), pod("quiet"));
    assert_eq!(annotation(&quiet), None);
    let spans = spans_of(&collector, 5);
    webhook.stop();

    let with_id = |id: &str| {
        let mut found = spans.iter().filter(|span| hex(&span.span_id) == id);
        found.next().unwrap_or_else(|| panic!("no span {id}"))
    };
    let caller: TraceContext = CALLER.parse().expect("it is a traceparent");
    for (name, pod, parent) in [
        ("called", &called, caller.parent_id()),
        ("alone", &alone, ""),
    ] {
        let told = annotation(pod).expect("the pod is told");
        let span = with_id(told.parent_id());
        assert_eq!(span.name, "admission", "{name}");
        assert_eq!(hex(&span.trace_id), told.trace_id(), "{name}");
        assert_eq!(hex(&span.parent_span_id), parent, "{name}");
        for (key, value) in [
            ("pod", name),
            ("namespace", "default"),
            ("operation", "CREATE"),
            ("hook", "mutate"),
            ("decision", "patched"),
            ("review_uid", "705ab4f5-6393-11e8-b7cc-42010a800002"),
        ] {
            assert_eq!(text(span, key).as_deref(), Some(value), "{name}");
        }
        for stage in ["parse", "decide"] {
            let mut stages = spans.iter().filter(|found| found.name == stage);
            let its = stages.find(|found| found.parent_span_id == span.span_id);
            let its = its.unwrap_or_else(|| panic!("no {stage} of {name}"));
            assert_eq!(its.trace_id, span.trace_id, "{name}");
        }
        let mut of_trace = spans.iter().filter(|found| found.trace_id == span.trace_id);
        assert!(of_trace.all(|found| found.start_time_unix_nano <= found.end_time_unix_nano));
    }
    assert_eq!(
        annotation(&called).map(|told| told.trace_id().to_owned()),
        Some(caller.trace_id().to_owned())
    );
    let below = annotation(&alone).expect("the pod is told");
    let hooks = spans
        .iter()
        .filter(|span| span.name == "admission" && hex(&span.parent_span_id) == below.parent_id());
    let mut hooks: Vec<_> = hooks.filter_map(|span| text(span, "hook")).collect();
    hooks.sort();
    assert_eq!(hooks, ["mutate", "validate"], "children of the first");
}

fn without_an_endpoint_there_is_no_trace() {
    let webhook = start(&[]);
    for caller in [None, Some(CALLER)] {
        let admitted = webhook.admits(caller, pod("p"));
        assert_eq!(annotation(&admitted), None);
        let devices = &admitted["spec"]["containers"][0]["resources"]["limits"];
        assert_eq!(devices["intel.com/sriov"], "1", "{admitted}");
    }
    webhook.stop();
}

fn an_endpoint_that_is_none_is_refused() {
    for (endpoint, reason) in [
        ("https://127.0.0.1:4317", "does not begin with http://"),
        ("127.0.0.1:4317", "does not begin with http://"),
    ] {
        let refused = std::process::Command::new(path("polypod-webhook"))
            .args(["--objects", "/", "--otlp-endpoint", endpoint])
            .output()
            .expect("polypod-webhook can be executed");
        assert_eq!(refused.status.code(), Some(2));
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(told.contains(endpoint) && told.contains(reason), "{told}");
    }
}
