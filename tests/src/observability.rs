//! What operators see of the node agent: health, metrics, traces.

use std::{
    ffi::OsStr,
    path::PathBuf,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    fixture::{
        bridge::{network, pod, write_objects},
        collector::{Collector, MuteCollector},
        daemon::Daemon,
        delegates,
        kubelet::Kubelet,
        needs::SCRIPTS,
        node::Node,
        runtime::{Sandbox, conf},
    },
    scenario::Scenario,
    traced_admission::hex,
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "observability::health_and_metrics_of_the_agent",
            needs: SCRIPTS,
            body: health_and_metrics_of_the_agent,
        },
        Scenario {
            name: "observability::spans_are_joined_to_the_plugins_trace",
            needs: SCRIPTS,
            body: spans_are_joined_to_the_plugins_trace,
        },
        Scenario {
            name: "observability::a_collector_that_does_not_answer_holds_nobody_up",
            needs: SCRIPTS,
            body: a_collector_that_does_not_answer_holds_nobody_up,
        },
    ]
}

/// The trace of a runtime, and its span.
pub(crate) const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// The agent of a node whose pod p1 has a device of a network, and that pod's sandbox.
pub(crate) fn agent(node: &Node, more: &[&str]) -> (Daemon, Kubelet, Sandbox) {
    delegates::install(node, "probe", delegates::PROBE);
    let sriov = json!({"cniVersion": "1.0.0", "type": "probe"});
    let objects = [
        network("net-a", Some("intel.com/sriov"), &sriov),
        pod("p1", "net-a"),
    ];
    agent_of(node, &objects, more)
}

/// The same with these objects.
pub(crate) fn agent_of(
    node: &Node,
    objects: &[Value],
    more: &[&str],
) -> (Daemon, Kubelet, Sandbox) {
    write_objects(node, objects);
    let kubelet = Kubelet::start(&node.path("kubelet.sock"), true);
    kubelet.allocate("p1", &[("app", "intel.com/sriov", &["0000:03:02.1"])]);
    let paths: [PathBuf; 4] =
        ["objects.yaml", "run/bridge.sock", "kubelet.sock", "status"].map(|name| node.path(name));
    let mut arguments: Vec<&OsStr> = vec!["serve".as_ref()];
    let names = [
        "--objects",
        "--bridge-socket",
        "--pod-resources-socket",
        "--publish-to",
    ];
    for (name, path) in names.iter().zip(&paths) {
        arguments.extend([name.as_ref(), path.as_os_str()]);
    }
    arguments.extend(more.iter().map(OsStr::new));
    let daemon = Daemon::start("polypod-device-bridge", &arguments);
    (daemon, kubelet, Sandbox::new(node, "p1"))
}

fn attach(node: &Node, sandbox: &mut Sandbox) -> Value {
    let mut conf = conf(
        node,
        &json!({"delegates": [{"cniVersion": "1.0.0", "name": "c", "type": "probe"}]}),
    );
    conf["bridgeSocket"] = json!(node.path("run/bridge.sock"));
    sandbox.variables = vec![("TRACEPARENT", TRACEPARENT.to_owned())];
    sandbox.add(&conf);
    conf
}

fn get(url: &str) -> (u16, String) {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let mut response = agent.get(url).call().expect("the agent listens there");
    let status = response.status().as_u16();
    let text = response.body_mut().read_to_string().expect("it is text");
    (status, text)
}

fn health_and_metrics_of_the_agent() {
    drop(metrics_of_an_agent());
}

/// What the agent exposes after a pod was attached.
pub(crate) fn metrics_of_an_agent() -> String {
    let (tell, told) = std::sync::mpsc::channel();
    Node::run(move |node| {
        let (daemon, _kubelet, mut sandbox) = agent(node, &["--health-listen", "127.0.0.1:0"]);
        let address = daemon.ready("health ");
        daemon.ready("serving unix://");
        assert_eq!(get(&format!("{address}/healthz")).0, 200);
        assert_eq!(get(&format!("{address}/readyz")), (200, "ok\n".to_owned()));
        attach(node, &mut sandbox);
        let until = Instant::now() + Duration::from_secs(60);
        // The report is published after the plugin is gone.
        let text = loop {
            let (status, text) = get(&format!("{address}/metrics"));
            assert_eq!(status, 200);
            let published =
                r#"polypod_bridge_published_total{what="network-status",outcome="ok"} 1"#;
            if text.contains(published) {
                break text;
            }
            assert!(Instant::now() < until, "{text}");
        };
        for line in [
            r#"polypod_bridge_requests_total{verb="question",outcome="answered"} 1"#,
            r#"polypod_bridge_requests_total{verb="report",outcome="taken"} 1"#,
            r#"polypod_bridge_request_duration_seconds_count{verb="question",stage="lookup"} 1"#,
            r#"polypod_bridge_request_duration_seconds_count{verb="question",stage="devices"} 1"#,
            r#"polypod_bridge_request_duration_seconds_count{verb="question",stage="all"} 1"#,
            "polypod_bridge_requests_waiting 0",
            r#"polypod_bridge_cached_objects{kind="networks"} 1"#,
            r#"polypod_bridge_cached_objects{kind="pods"} 1"#,
            r#"polypod_bridge_published_total{what="network-status",outcome="ok"} 1"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(daemon.stop());
        tell.send(text).expect("it is waited for");
    });
    told.recv().expect("it was told")
}

fn spans_are_joined_to_the_plugins_trace() {
    Node::run(|node| {
        let collector = Collector::start();
        let endpoint = format!("http://{}", collector.address);
        let (daemon, _kubelet, mut sandbox) = agent(
            node,
            &[
                "--health-listen",
                "off",
                "--otlp-endpoint",
                &endpoint,
                "--log-level",
                "error",
            ],
        );
        daemon.ready("serving unix://");
        attach(node, &mut sandbox);
        // The report is published after the plugin is gone.
        let spans = collector.spans_with(&["ADD", "question", "lookup", "devices", "report"]);
        assert!(daemon.stop());
        let named = |name: &str| {
            let mut found = spans.iter().filter(|(_, span)| span.name == name);
            found
                .next()
                .unwrap_or_else(|| panic!("no span {name}"))
                .clone()
        };
        let (service, question) = named("question");
        assert!(service.contains("polypod-device-bridge"), "{service}");
        let (_, add) = named("ADD");
        assert_eq!(hex(&add.trace_id), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(hex(&add.parent_span_id), "b7ad6b7169203331");
        assert_eq!(add.links, [], "the runtime's is its parent");
        for name in ["question", "report"] {
            let (_, span) = named(name);
            assert_eq!(span.trace_id, add.trace_id, "{name}");
            assert_eq!(span.parent_span_id, add.span_id, "{name}");
        }
        for name in ["lookup", "devices"] {
            let (_, span) = named(name);
            assert_eq!(span.trace_id, question.trace_id, "{name}");
            assert_eq!(span.parent_span_id, question.span_id, "{name}");
        }
    });
}

/// A batch has five seconds (docs/observability.md): whoever waited for one would be held up as long.
const BATCH: Duration = Duration::from_secs(5);

fn a_collector_that_does_not_answer_holds_nobody_up() {
    const PODS: u32 = 12;
    Node::run(|node| {
        let collector = MuteCollector::start();
        let endpoint = format!("http://{}", collector.address);
        let (daemon, _kubelet, mut sandbox) = agent(
            node,
            &["--health-listen", "off", "--otlp-endpoint", &endpoint],
        );
        daemon.ready("serving unix://");
        let conf = attach(node, &mut sandbox);
        let _held = collector.somebody_speaks();
        sandbox.del(&conf);
        let mut attaching = Duration::ZERO;
        for _ in 0..PODS {
            let begin = Instant::now();
            attach(node, &mut sandbox);
            attaching += begin.elapsed();
            sandbox.del(&conf);
        }
        assert!(attaching < PODS * BATCH / 2, "{attaching:?}");
        // There are spans still to be sent, which have half a second.
        let begin = Instant::now();
        assert!(daemon.stop(), "it ends well");
        assert!(begin.elapsed() < BATCH, "{:?}", begin.elapsed());
    });
}
