//! One trace from the API server's request through the webhook to the pod: a real kube-apiserver that traces.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use spec::{TraceContext, network::TRACEPARENT};

use super::manifests::installed::Installed;
use crate::{
    fixture::{collector::Collector, control_plane::free_ports},
    traced_admission::hex,
};

pub(super) fn an_api_server_that_traces() {
    let collector = Collector::start();
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let tracing = folder.path().join("tracing.json");
    let configuration = json!({
        "apiVersion": "apiserver.config.k8s.io/v1beta1", "kind": "TracingConfiguration",
        "endpoint": collector.address.to_string(), "samplingRatePerMillion": 1_000_000,
    });
    std::fs::write(&tracing, configuration.to_string()).expect("the folder is ours");
    let installed = Installed::start(&[&format!("--tracing-config-file={}", tracing.display())]);
    let [port] = free_ports();
    let webhook = installed.webhook(&[
        &format!("--listen=127.0.0.1:{port}"),
        &format!("--otlp-endpoint=http://{}", collector.address),
    ]);
    webhook.ready("serving ");
    installed.register(port);
    installed.wait_for_registration();

    let network = json!({
        "apiVersion": "k8s.cni.cncf.io/v1", "kind": "NetworkAttachmentDefinition",
        "metadata": {"name": "traced", "namespace": "default"},
        "spec": {"config": r#"{"cniVersion":"1.0.0","type":"macvlan"}"#},
    });
    installed.apply(&network);
    // API servers read registrations by watching; until this one has, nobody is asked.
    let until = Instant::now() + Duration::from_secs(60);
    let told = loop {
        let pod = json!({
            "metadata": {"generateName": "p-", "annotations": {"k8s.v1.cni.cncf.io/networks": "traced"}},
            "spec": {"containers": [{"name": "app", "image": "busybox"}]},
        });
        let reply = installed
            .plane
            .ask("POST", "/api/v1/namespaces/default/pods", &pod);
        if let Some(text) = reply.body["metadata"]["annotations"][TRACEPARENT].as_str() {
            break text.parse::<TraceContext>().expect("it is a traceparent");
        }
        assert!(Instant::now() < until, "{}", reply.body);
        std::thread::sleep(Duration::from_millis(200));
    };
    // Whoever is called sends before who calls.
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let spans = collector.spans_with(&["admission"]);
        let with_id = |id: &str| spans.iter().find(|(_, span)| hex(&span.span_id) == id);
        let caller = with_id(told.parent_id()).and_then(|(service, span)| {
            assert!(service.contains("polypod-webhook"), "{service}");
            assert_eq!(hex(&span.trace_id), told.trace_id());
            with_id(&hex(&span.parent_span_id))
        });
        if let Some((service, span)) = caller {
            assert!(service.contains("apiserver"), "{service}");
            assert_eq!(hex(&span.trace_id), told.trace_id());
            break;
        }
        let seen: Vec<Value> = spans
            .iter()
            .map(|(service, span)| json!([service, span.name]))
            .collect();
        assert!(
            Instant::now() < until,
            "the webhook's span has no parent: {seen:?}"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
}
