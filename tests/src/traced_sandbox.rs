//! The trace of a sandbox: from the pod's admission to each delegate, over the programs' own wires.

use std::{ffi::OsStr, fs};

use opentelemetry_proto::tonic::trace::v1::{Span, status::StatusCode};
use serde_json::{Value, json};
use spec::TraceContext;

use crate::{
    fixture::{
        bridge::{network, pod, write_objects},
        collector::Collector,
        delegates,
        hotplug::Hotplug,
        needs::SCRIPTS,
        node::Node,
        runtime::{Sandbox, conf},
    },
    observability::{TRACEPARENT, agent_of},
    scenario::Scenario,
    traced_admission::{annotation, hex, start_with},
};

pub(crate) fn scenarios() -> Vec<Scenario> {
    vec![
        Scenario {
            name: "traced_sandbox::below_the_pods_admission",
            needs: SCRIPTS,
            body: below_the_pods_admission,
        },
        Scenario {
            name: "traced_sandbox::below_the_runtimes_span",
            needs: SCRIPTS,
            body: below_the_runtimes_span,
        },
        Scenario {
            name: "traced_sandbox::of_nobody_it_is_the_first",
            needs: SCRIPTS,
            body: of_nobody_it_is_the_first,
        },
        Scenario {
            name: "traced_sandbox::what_is_not_sent_is_not_told",
            needs: SCRIPTS,
            body: what_is_not_sent_is_not_told,
        },
        Scenario {
            name: "traced_sandbox::an_add_that_fails",
            needs: SCRIPTS,
            body: an_add_that_fails,
        },
        Scenario {
            name: "traced_sandbox::what_is_plugged_into_a_running_pod",
            needs: SCRIPTS,
            body: what_is_plugged_into_a_running_pod,
        },
    ]
}

/// What the runtime says besides its `TRACEPARENT`.
const TRACESTATE: &str = "vendor=00f067aa0ba902b7";

/// A delegate that tells which trace it is executed in. It fails ADD where the file `fails` names it.
const TELLS_ITS_TRACE: &str = r#"
cat > /dev/null
echo "$CNI_COMMAND $CNI_IFNAME ${0##*/} ${TRACEPARENT-none} ${TRACESTATE-none}" >> "$node/traces"
[ "$CNI_COMMAND" = ADD ] || exit 0
if grep -qsx "${0##*/}" "$node/fails"; then echo '{"code":11,"msg":"no such VF"}'; exit 1; fi
printf '{"cniVersion":"1.0.0","interfaces":[{"name":"%s","sandbox":"%s"}]}' "$CNI_IFNAME" "$CNI_NETNS"
"#;

/// The spans of a sandbox whose ADD gets through.
pub(crate) const OF_A_SANDBOX: [&str; 13] = [
    "ADD",
    "configuration",
    "readiness",
    "question",
    "lookup",
    "devices",
    "plan",
    "attach",
    "attachment",
    "bridge",
    "sriov",
    "tuning",
    "report",
];

/// What a delegate was executed with.
#[derive(Debug)]
pub(crate) struct Told {
    command: String,
    interface: String,
    plugin: String,
    traceparent: String,
    tracestate: String,
}

/// What came of attaching a pod.
pub(crate) struct Attached {
    /// Whether it was attached.
    success: bool,
    pub(crate) told: Vec<Told>,
    /// The plugin's log.
    pub(crate) log: String,
}

/// Pod p1 of a network that needs a device and is a chain.
pub(crate) fn objects(mut pod: Value) -> [Value; 2] {
    let chain = json!({"cniVersion": "1.0.0", "plugins": [{"type": "sriov"}, {"type": "tuning"}]});
    pod["metadata"]["uid"] = json!("uid-p1");
    [network("net-a", Some("intel.com/sriov"), &chain), pod]
}

/// Attaches `pod`: the agent has these arguments, and the runtime this span.
pub(crate) fn attach(node: &Node, pod: Value, more: &[&str], runtime: Option<&str>) -> Attached {
    for plugin in ["bridge", "sriov", "tuning"] {
        delegates::install(node, plugin, TELLS_ITS_TRACE);
    }
    let usual = ["--health-listen", "off"];
    let (daemon, _kubelet, mut sandbox) = agent_of(node, &objects(pod), &[&usual, more].concat());
    daemon.ready("serving unix://");
    let cluster = json!({"cniVersion": "1.0.0", "name": "cluster", "type": "bridge"});
    let mut conf = conf(node, &json!({"delegates": [cluster]}));
    conf["bridgeSocket"] = json!(node.path("run/bridge.sock"));
    conf["logFile"] = json!(node.path("polypod.log"));
    conf["logLevel"] = json!("verbose");
    // What is reported is sent by then.
    conf["statusTimeout"] = json!(60);
    if let Some(runtime) = runtime {
        let state = ("TRACESTATE", TRACESTATE.to_owned());
        sandbox.variables = vec![("TRACEPARENT", runtime.to_owned()), state];
    }
    let ran = sandbox.run("ADD", &conf);
    assert!(daemon.stop(), "it ends well, with its spans sent");
    let traces = fs::read_to_string(node.path("traces")).unwrap_or_default();
    Attached {
        success: ran.success,
        told: traces.lines().map(told).collect(),
        log: fs::read_to_string(node.path("polypod.log")).unwrap_or_default(),
    }
}

fn told(line: &str) -> Told {
    let words: Vec<&str> = line.split(' ').collect();
    let [command, interface, plugin, traceparent, tracestate] = words.as_slice() else {
        panic!("{line}");
    };
    Told {
        command: (*command).to_owned(),
        interface: (*interface).to_owned(),
        plugin: (*plugin).to_owned(),
        traceparent: (*traceparent).to_owned(),
        tracestate: (*tracestate).to_owned(),
    }
}

/// All spans are in one trace, which is in the plugin's log, and each delegate was executed in the span that the agent sent of it.
pub(crate) fn is_one_trace(spans: &[Span], attached: &Attached, add: &Span) {
    let trace = hex(&add.trace_id);
    for span in spans {
        assert_eq!(hex(&span.trace_id), trace, "{}", span.name);
    }
    let below = |parent: &Span, name: &str| {
        let of_parent = spans
            .iter()
            .filter(|span| span.parent_span_id == parent.span_id);
        let found: Vec<&Span> = of_parent.filter(|span| span.name == name).collect();
        found
    };
    for stage in ["configuration", "readiness", "question", "plan", "report"] {
        assert_eq!(below(add, stage).len(), 1, "{stage}");
    }
    for stage in ["lookup", "devices"] {
        assert_eq!(below(below(add, "question")[0], stage).len(), 1, "{stage}");
    }
    let attach = below(add, "attach")[0];
    let mut delegates = Vec::new();
    for attachment in below(attach, "attachment") {
        let interface = text(attachment, "interface");
        let of_it = spans
            .iter()
            .filter(|span| span.parent_span_id == attachment.span_id);
        delegates.extend(of_it.map(|span| {
            let traceparent = format!("00-{trace}-{}-01", hex(&span.span_id));
            (interface.clone(), span.name.clone(), traceparent)
        }));
        assert!(attachment.start_time_unix_nano >= attach.start_time_unix_nano);
        assert!(attachment.end_time_unix_nano <= attach.end_time_unix_nano);
    }
    delegates.sort();
    let told = attached.told.iter().filter(|told| told.command == "ADD");
    let mut told: Vec<_> = told
        .map(|told| {
            (
                told.interface.clone(),
                told.plugin.clone(),
                told.traceparent.clone(),
            )
        })
        .collect();
    told.sort();
    assert_eq!(told.len(), 3, "{:?}", attached.told);
    assert_eq!(delegates, told);
    let of_trace = |line: &str| line.contains(&format!(r#""traceId":"{trace}""#));
    let added = |line: &&str| line.contains("attachment added");
    assert_eq!(attached.log.lines().filter(added).count(), 2);
    assert!(
        attached.log.lines().filter(added).all(of_trace),
        "{}",
        attached.log
    );
}

fn text(span: &Span, key: &str) -> String {
    use opentelemetry_proto::tonic::common::v1::any_value::Value::StringValue;
    let attribute = span.attributes.iter().find(|found| found.key == key);
    let value = attribute.and_then(|found| found.value.as_ref()?.value.as_ref());
    match value {
        Some(StringValue(text)) => text.clone(),
        other => panic!("{key} of {}: {other:?}", span.name),
    }
}

/// The only span of a name.
pub(crate) fn only<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    let found: Vec<&Span> = spans.iter().filter(|span| span.name == name).collect();
    let [span] = found.as_slice() else {
        panic!("{} spans {name}", found.len());
    };
    span
}

/// The spans that a collector got, once there is one of each of these names.
pub(crate) fn collected(collector: &Collector, names: &[&str]) -> Vec<Span> {
    let spans = collector.spans_with(names).into_iter();
    spans.map(|(_, span)| span).collect()
}

/// The pod as the webhook admits it, which sends to this endpoint, and its span.
pub(crate) fn admitted(node: &Node, endpoint: &str) -> (Value, TraceContext) {
    write_objects(node, &objects(pod("p1", "net-a"))[..1]);
    let arguments = ["--otlp-endpoint", endpoint, "--log-level", "error"];
    let webhook = start_with(&node.path("objects.yaml"), &arguments);
    let admitted = webhook.admits(None, pod("p1", "net-a"));
    webhook.stop();
    let span = annotation(&admitted).expect("the pod is told");
    (admitted, span)
}

fn below_the_pods_admission() {
    Node::run(|node| {
        let collector = Collector::start();
        let endpoint = format!("http://{}", collector.address);
        let (pod, admission) = admitted(node, &endpoint);
        let attached = attach(node, pod, &["--otlp-endpoint", &endpoint], None);
        assert!(attached.success);
        let spans = collected(&collector, &OF_A_SANDBOX);
        let add = only(&spans, "ADD");
        assert_eq!(add.parent_span_id, only(&spans, "admission").span_id);
        assert_eq!(hex(&add.parent_span_id), admission.parent_id());
        assert_eq!(add.links, [], "the runtime is in no trace");
        is_one_trace(&spans, &attached, add);
    });
}

fn below_the_runtimes_span() {
    Node::run(|node| {
        let collector = Collector::start();
        let endpoint = format!("http://{}", collector.address);
        // What is no trace context is passed over.
        let mut pod = pod("p1", "net-a");
        pod["metadata"]["annotations"]["polypod.dev/traceparent"] = json!("00-0af7-b7-01");
        let arguments = ["--otlp-endpoint", endpoint.as_str()];
        let attached = attach(node, pod, &arguments, Some(TRACEPARENT));
        assert!(attached.success);
        let spans = collected(&collector, &OF_A_SANDBOX);
        let add = only(&spans, "ADD");
        let runtime: TraceContext = TRACEPARENT.parse().expect("it is a traceparent");
        assert_eq!(hex(&add.trace_id), runtime.trace_id());
        assert_eq!(hex(&add.parent_span_id), runtime.parent_id());
        is_one_trace(&spans, &attached, add);
        let keeps_state = |told: &Told| told.tracestate == TRACESTATE;
        assert!(attached.told.iter().all(keeps_state), "{:?}", attached.told);
    });
}

fn of_nobody_it_is_the_first() {
    Node::run(|node| {
        let collector = Collector::start();
        let endpoint = format!("http://{}", collector.address);
        let arguments = ["--otlp-endpoint", endpoint.as_str()];
        let attached = attach(node, pod("p1", "net-a"), &arguments, None);
        assert!(attached.success);
        let spans = collected(&collector, &OF_A_SANDBOX);
        let add = only(&spans, "ADD");
        assert!(add.parent_span_id.is_empty());
        is_one_trace(&spans, &attached, add);
    });
}

/// Without an endpoint, and in a trace that nobody records, delegates are told what the runtime says, and nothing else.
fn what_is_not_sent_is_not_told() {
    for is_sent in [false, true] {
        Node::run(move |node| {
            let collector = Collector::start();
            let endpoint = format!("http://{}", collector.address);
            let arguments = ["--otlp-endpoint", endpoint.as_str()];
            let arguments = if is_sent { &arguments[..] } else { &[] };
            let flags = if is_sent { "-00" } else { "-01" };
            let mut pod = pod("p1", "net-a");
            let annotation = TRACEPARENT.replace("0af", "1af").replace("-01", flags);
            pod["metadata"]["annotations"]["polypod.dev/traceparent"] = json!(annotation);
            let attached = attach(node, pod, arguments, Some(TRACEPARENT));
            assert!(attached.success);
            assert_eq!(attached.told.len(), 3);
            let is_untouched =
                |told: &Told| told.traceparent == TRACEPARENT && told.tracestate == TRACESTATE;
            assert!(
                attached.told.iter().all(is_untouched),
                "{:?}",
                attached.told
            );
            assert!(attached.log.contains("0af7651916cd43dd8448eb211c80319c"));
            // The agent has ended, and with it whatever it would have sent.
            assert_eq!(collector.spans_with(&[]).len(), 0);
        });
    }
}

fn an_add_that_fails() {
    // A delegate fails: nobody tells the agent, and what is undone is in the trace all the same.
    Node::run(|node| {
        let collector = Collector::start();
        let endpoint = format!("http://{}", collector.address);
        fs::write(node.path("fails"), "tuning\n").expect("the node's folder can be written");
        let arguments = ["--otlp-endpoint", endpoint.as_str()];
        let attached = attach(node, pod("p1", "net-a"), &arguments, Some(TRACEPARENT));
        assert!(!attached.success);
        let spans = collected(&collector, &["question", "lookup", "devices"]);
        assert!(spans.iter().all(|span| span.name != "ADD"), "{spans:?}");
        let add = hex(&only(&spans, "question").parent_span_id);
        let undone = attached.told.iter().filter(|told| told.command == "DEL");
        let undone: Vec<_> = undone.map(|told| told.traceparent.clone()).collect();
        assert_eq!(undone.len(), 3, "{:?}", attached.told);
        assert!(
            undone.iter().all(|traceparent| traceparent.contains(&add)),
            "{undone:?}"
        );
    });
    // The agent refuses: it knows that there will be no report.
    Node::run(|node| {
        let collector = Collector::start();
        let endpoint = format!("http://{}", collector.address);
        let arguments = ["--otlp-endpoint", endpoint.as_str()];
        let attached = attach(node, pod("p1", "missing"), &arguments, Some(TRACEPARENT));
        assert!(!attached.success);
        let spans = collected(&collector, &["ADD", "question", "lookup"]);
        let add = only(&spans, "ADD");
        let status = add.status.as_ref().expect("it has one");
        assert_eq!(status.code(), StatusCode::Error);
        assert!(status.message.starts_with("CNI error"), "{status:?}");
        assert_eq!(hex(&add.parent_span_id), "b7ad6b7169203331");
        assert_eq!(only(&spans, "question").parent_span_id, add.span_id);
    });
}

fn what_is_plugged_into_a_running_pod() {
    Node::run(|node| {
        let collector = Collector::start();
        let endpoint = format!("http://{}", collector.address);
        delegates::install(node, "bridge", TELLS_ITS_TRACE);
        delegates::install(node, "macvlan", TELLS_ITS_TRACE);
        let cluster = json!({"cniVersion": "1.0.0", "name": "cluster", "type": "bridge"});
        let conf = conf(node, &json!({"delegates": [cluster]}));
        let sandbox = Sandbox::new(node, "p1");
        sandbox.add(&conf);
        let mut pod = pod("p1", "net-a");
        pod["metadata"]["annotations"]["polypod.dev/traceparent"] = json!(TRACEPARENT);
        let overlay = json!({"cniDir": node.path("state"), "binDir": node.path("bin")});
        let arguments = ["--otlp-endpoint", endpoint.as_str()].map(OsStr::new);
        let mut agent = Hotplug::with(node, &objects(pod), &overlay, &arguments);
        let network = json!({"cniVersion": "1.0.0", "name": "plugged", "type": "macvlan"});
        agent.plug(&sandbox.by_interface("net1"), &network, &Value::Null);
        agent.stop();
        let spans = collected(&collector, &["hotplug"]);
        let span = only(&spans, "hotplug");
        let admission: TraceContext = TRACEPARENT.parse().expect("it is a traceparent");
        assert_eq!(hex(&span.trace_id), admission.trace_id());
        assert_eq!(hex(&span.parent_span_id), admission.parent_id());
        let traces = fs::read_to_string(node.path("traces")).expect("delegates were executed");
        let own = format!("00-{}-{}-01", hex(&span.trace_id), hex(&span.span_id));
        let plugged = format!("ADD net1 macvlan {own} none");
        assert_eq!(traces.lines().last(), Some(plugged.as_str()));
    });
}
