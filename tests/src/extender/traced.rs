//! What schedulers ask is in the trace of the pod's admission, and begins none of its own.

use std::collections::BTreeSet;

use serde_json::json;
use spec::network::TRACEPARENT;

use super::{
    ALL,
    server::{Extender, node, pod},
};
use crate::{fixture::collector::Collector, traced_admission::hex};

/// As the webhook writes it into a pod.
const ADMISSION: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

pub(super) fn questions_are_in_the_trace_of_the_pod() {
    let collector = Collector::start();
    let endpoint = format!("http://{}", collector.address);
    let nodes = [
        node("n1", &[0, 2]),
        node("n2", &[1, 1]),
        node("n3", &[0, 0]),
    ];
    let extender = Extender::of(
        &nodes.concat(),
        &["--otlp-endpoint".as_ref(), endpoint.as_ref()],
    );
    let mut traced = pod("traced", 2);
    traced["metadata"]["annotations"] = json!({TRACEPARENT: ADMISSION});
    let mut unreadable = pod("unreadable", 2);
    unreadable["metadata"]["annotations"] = json!({TRACEPARENT: "00-zz"});
    for asked in [&pod("untraced", 2), &unreadable, &traced] {
        let args = json!({"Pod": asked, "NodeNames": ALL});
        assert_eq!(extender.ask("filter", &args)["NodeNames"], json!(["n1"]));
        extender.ask("prioritize", &args);
    }
    let spans = collector.spans_with(&["filter", "prioritize"]);
    let found: BTreeSet<(String, String, String)> = spans
        .iter()
        .map(|(_, span)| {
            let trace = hex(&span.trace_id);
            (span.name.clone(), trace, hex(&span.parent_span_id))
        })
        .collect();
    let wanted = ["filter", "prioritize"].map(|name| {
        let trace = "0af7651916cd43dd8448eb211c80319c".to_owned();
        (name.to_owned(), trace, "b7ad6b7169203331".to_owned())
    });
    assert_eq!(found, BTreeSet::from(wanted));
    assert_eq!(spans.len(), 2, "a pod without a trace is asked about, too");
    for (_, span) in &spans {
        let said: BTreeSet<(&str, String)> = span
            .attributes
            .iter()
            .filter(|attribute| ["pod", "nodes"].contains(&attribute.key.as_str()))
            .map(|attribute| (&*attribute.key, format!("{:?}", attribute.value)))
            .collect();
        let said = format!("{said:?}");
        assert!(
            said.contains("traced") && said.contains("IntValue(3)"),
            "{said}"
        );
    }
}
