//! The trace that `docs/traces.md` shows: spans as a collector got them, and the plugin's lines of the same trace.

use std::{collections::BTreeSet, fs, sync::mpsc};

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, any_value},
    trace::v1::Span,
};
use serde_json::{Map, Value, json};

use super::page;
use crate::{
    fixture::{collector::Collector, delegates, node::Node, runtime::conf},
    observability::{TRACEPARENT, agent},
};

/// With it the page gets the run, and is not compared.
const UPDATE: &str = "UPDATE_DOCS";

/// A run is shown by the blocks of these languages, one JSON object a line.
const SPANS: &str = "```json,spans\n";
const LINES: &str = "```json,lines\n";
const END: &str = "```\n";

/// The page shows what is traced today; times and ids differ.
pub(super) fn is_of_a_run_of_today() {
    let file = page::folder().join("traces.md");
    let (spans, lines) = run();
    let page = fs::read_to_string(&file).expect("the page is there");
    if std::env::var_os(UPDATE).is_some() {
        let page = with_block(&page, SPANS, &spans);
        fs::write(&file, with_block(&page, LINES, &lines)).expect("the page can be written");
        return;
    }
    let again = "UPDATE_DOCS=1 cargo test --workspace --test tests -- book::the_trace";
    let shown = block(&page, SPANS);
    assert_eq!(shapes(&shown), shapes(&spans), "{again}");
    let keys = [
        "level",
        "message",
        "command",
        "network",
        "interface",
        "traceId",
    ];
    let lasting = |lines: &[Value]| -> Vec<Value> {
        let of_line = |line: &Value| keys.iter().map(|key| line[*key].clone()).collect();
        lines.iter().map(of_line).collect()
    };
    assert_eq!(lasting(&block(&page, LINES)), lasting(&lines), "{again}");
}

/// A delegate that tells which trace it is executed in.
const TELLS_ITS_TRACE: &str = r#"
cat > /dev/null
echo "$TRACEPARENT" >> "$node/traces"
[ "$CNI_COMMAND" = ADD ] && printf '{"cniVersion":"1.0.0","interfaces":[{"name":"%s","sandbox":"%s"}]}' "$CNI_IFNAME" "$CNI_NETNS"
exit 0
"#;

/// Attaches a pod in a trace: the spans that came, and the plugin's lines.
fn run() -> (Vec<Value>, Vec<Value>) {
    let (tell, told) = mpsc::channel();
    Node::run(move |node| {
        let collector = Collector::start();
        let endpoint = format!("http://{}", collector.address);
        let (daemon, _kubelet, mut sandbox) = agent(
            node,
            &["--health-listen", "off", "--otlp-endpoint", &endpoint],
        );
        daemon.ready("serving unix://");
        delegates::install(node, "probe", TELLS_ITS_TRACE);
        let cluster = json!({"cniVersion": "1.0.0", "name": "cluster", "type": "probe"});
        let mut conf = conf(node, &json!({"delegates": [cluster]}));
        conf["bridgeSocket"] = json!(node.path("run/bridge.sock"));
        conf["logFile"] = json!(node.path("polypod.log"));
        conf["logLevel"] = json!("verbose");
        sandbox.variables = vec![("TRACEPARENT", TRACEPARENT.to_owned())];
        sandbox.add(&conf);
        let spans = collector.spans_with(&["question", "lookup", "devices", "report"]);
        assert!(daemon.stop());
        let traces = fs::read_to_string(node.path("traces")).expect("delegates were executed");
        assert_eq!(
            traces,
            format!("{TRACEPARENT}\n").repeat(2),
            "each delegate is in the trace"
        );
        let mut spans: Vec<Span> = spans.into_iter().map(|(_, span)| span).collect();
        spans.sort_by_key(|span| span.start_time_unix_nano);
        let log = fs::read_to_string(node.path("polypod.log")).expect("the plugin logs");
        // Folders of this machine are nobody's business.
        let log = log.replace(&node.path("").display().to_string(), "/");
        let lines = log
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line is JSON"));
        let lines: Vec<Value> = lines.collect();
        let spans: Vec<Value> = spans.iter().map(printed).collect();
        tell.send((spans, lines)).expect("it is waited for");
    });
    told.recv().expect("it was told")
}

/// A span in the words of OTLP's JSON.
fn printed(span: &Span) -> Value {
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let attributes: Map<String, Value> = span
        .attributes
        .iter()
        // Where in the source the span is made, and by which thread.
        .filter(|attribute| !attribute.key.contains('.') && attribute.key != "target")
        .filter(|attribute| !["busy_ns", "idle_ns"].contains(&attribute.key.as_str()))
        .map(|attribute| (attribute.key.clone(), value(attribute.value.as_ref())))
        .collect();
    json!({
        "traceId": hex(&span.trace_id),
        "spanId": hex(&span.span_id),
        "parentSpanId": hex(&span.parent_span_id),
        "name": span.name,
        "startTimeUnixNano": span.start_time_unix_nano,
        "endTimeUnixNano": span.end_time_unix_nano,
        "attributes": attributes,
    })
}

fn value(value: Option<&AnyValue>) -> Value {
    match value.and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => json!(text),
        Some(any_value::Value::IntValue(number)) => json!(number),
        Some(any_value::Value::BoolValue(flag)) => json!(flag),
        _ => Value::Null,
    }
}

/// What lasts of spans: the trace, the name, the parent's name or id, and the names of the attributes.
fn shapes(spans: &[Value]) -> BTreeSet<(String, String, String, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let parent = |id: &Value| {
        let parent = spans.iter().find(|span| span["spanId"] == *id);
        text(parent.map_or(id, |parent| &parent["name"]))
    };
    spans
        .iter()
        .map(|span| {
            let attributes = span["attributes"].as_object();
            let names = attributes.map(|names| names.keys().cloned().collect());
            (
                text(&span["traceId"]),
                text(&span["name"]),
                parent(&span["parentSpanId"]),
                names.unwrap_or_default(),
            )
        })
        .collect()
}

/// What is between the fence and its end.
fn between<'a>(page: &'a str, fence: &str) -> (&'a str, &'a str, &'a str) {
    let (before, rest) = page.split_once(fence).expect("the page has the block");
    let (inside, after) = rest.split_once(END).expect("the block has an end");
    (before, inside, after)
}

fn block(page: &str, fence: &str) -> Vec<Value> {
    let (_, inside, _) = between(page, fence);
    let lines = inside.lines();
    lines
        .map(|line| serde_json::from_str(line).expect("the page shows JSON"))
        .collect()
}

fn with_block(page: &str, fence: &str, lines: &[Value]) -> String {
    let (before, _, after) = between(page, fence);
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    format!("{before}{fence}{lines}{END}{after}")
}
