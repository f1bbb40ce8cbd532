//! The trace that `docs/traces.md` shows: spans as a collector got them of webhook and agent, and the plugin's
//! lines of the same trace.

use std::{fs, sync::mpsc};

use opentelemetry_proto::tonic::{
    common::v1::{AnyValue, any_value},
    trace::v1::Span,
};
use serde_json::{Map, Value, json};

use super::page;
use crate::{
    fixture::{collector::Collector, node::Node},
    observability::TRACEPARENT,
    traced_admission::hex,
    traced_sandbox::{self, only},
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
    let keys = ["level", "message", "command", "network", "interface"];
    let lasting = |lines: &[Value]| -> Vec<Value> {
        let of_line = |line: &Value| keys.iter().map(|key| line[*key].clone()).collect();
        lines.iter().map(of_line).collect()
    };
    assert_eq!(lasting(&block(&page, LINES)), lasting(&lines), "{again}");
}

/// Has a pod admitted and attached while the runtime is in a trace of its own: the spans that came, and the plugin's lines.
fn run() -> (Vec<Value>, Vec<Value>) {
    let (tell, told) = mpsc::channel();
    Node::run(move |node| {
        let collector = Collector::start();
        let endpoint = format!("http://{}", collector.address);
        let (pod, admission) = traced_sandbox::admitted(node, &endpoint);
        let arguments = ["--otlp-endpoint", endpoint.as_str()];
        let attached = traced_sandbox::attach(node, pod, &arguments, Some(TRACEPARENT));
        let mut sent = collector.spans_with(&traced_sandbox::OF_A_SANDBOX);
        sent.sort_by_key(|(_, span)| span.start_time_unix_nano);
        let spans: Vec<Span> = sent.iter().map(|(_, span)| span.clone()).collect();
        let add = only(&spans, "ADD");
        assert_eq!(hex(&add.parent_span_id), admission.parent_id());
        let [link] = add.links.as_slice() else {
            panic!("{add:?}");
        };
        let linked = format!("00-{}-{}-01", hex(&link.trace_id), hex(&link.span_id));
        assert_eq!(linked, TRACEPARENT, "the runtime's");
        traced_sandbox::is_one_trace(&spans, &attached, add);
        // Folders of this machine are nobody's business.
        let log = attached
            .log
            .replace(&node.path("").display().to_string(), "/");
        let lines = log
            .lines()
            .map(|line| serde_json::from_str(line).expect("a line is JSON"));
        let lines: Vec<Value> = lines.collect();
        let spans: Vec<Value> = sent.iter().map(printed).collect();
        tell.send((spans, lines)).expect("it is waited for");
    });
    told.recv().expect("it was told")
}

/// A span in the words of OTLP's JSON, with who sent it.
fn printed((service, span): &(String, Span)) -> Value {
    let service = ["polypod-webhook", "polypod-device-bridge"]
        .into_iter()
        .find(|name| service.contains(name));
    let attributes: Map<String, Value> = span
        .attributes
        .iter()
        // Where in the source the span is made, and by which thread.
        .filter(|attribute| !attribute.key.contains('.') && attribute.key != "target")
        .filter(|attribute| !["busy_ns", "idle_ns"].contains(&attribute.key.as_str()))
        .map(|attribute| (attribute.key.clone(), value(attribute.value.as_ref())))
        .collect();
    let mut printed = json!({
        "service.name": service,
        "traceId": hex(&span.trace_id),
        "spanId": hex(&span.span_id),
        "parentSpanId": hex(&span.parent_span_id),
        "name": span.name,
        "startTimeUnixNano": span.start_time_unix_nano,
        "endTimeUnixNano": span.end_time_unix_nano,
        "attributes": attributes,
    });
    if !span.links.is_empty() {
        let links = span.links.iter();
        printed["links"] = links
            .map(|link| json!({"traceId": hex(&link.trace_id), "spanId": hex(&link.span_id)}))
            .collect();
    }
    printed
}

fn value(value: Option<&AnyValue>) -> Value {
    match value.and_then(|value| value.value.as_ref()) {
        Some(any_value::Value::StringValue(text)) => json!(text),
        Some(any_value::Value::IntValue(number)) => json!(number),
        Some(any_value::Value::BoolValue(flag)) => json!(flag),
        _ => Value::Null,
    }
}

/// What lasts of spans: who sent it, the name, the parent's name, what it is linked to, and the names of the attributes.
fn shapes(spans: &[Value]) -> Vec<(String, String, String, Value, Vec<String>)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let parent = |id: &Value| {
        let parent = spans.iter().find(|span| span["spanId"] == *id);
        text(parent.map_or(id, |parent| &parent["name"]))
    };
    let mut shapes: Vec<_> = spans
        .iter()
        .map(|span| {
            let attributes = span["attributes"].as_object();
            let names = attributes.map(|names| names.keys().cloned().collect());
            (
                text(&span["service.name"]),
                text(&span["name"]),
                parent(&span["parentSpanId"]),
                span["links"].clone(),
                names.unwrap_or_default(),
            )
        })
        .collect();
    shapes.sort_by_key(|shape| format!("{shape:?}"));
    shapes
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
