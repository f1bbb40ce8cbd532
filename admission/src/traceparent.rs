//! The annotation by which a pod's admission and what becomes of the pod are one trace.
//!
//! Another webhook that changes a pod has the API server ask once more (`reinvocationPolicy`), another replica perhaps, with
//! another uid. The span of the first call, which the pod then has, is to stay: it is told from one that the pod's author
//! wrote by its id, which every replica knows again.

use api::pod::Pod;
use spec::{TraceContext, network::TRACEPARENT};

use crate::{Plan, inject};

/// How much of an id is a check of the rest.
const CHECK_BITS: u32 = 16;

/// The id of a webhook's span, made of a random number; never zero, which is none.
#[must_use]
pub const fn span_id(random: u64) -> u64 {
    let rest = random >> CHECK_BITS;
    (rest << CHECK_BITS) | check(rest)
}

/// What the last bits of an id are to be; one for zero. The constant is 2⁶⁴ by the golden ratio (Knuth, 6.4): its product
/// with a number depends on all bits of it in the highest ones.
const fn check(rest: u64) -> u64 {
    (rest.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - CHECK_BITS)) ^ 1
}

/// Whether `context` is a span of a webhook. Of the ids of others one in 65,536 is taken for one.
#[must_use]
fn is_of_a_webhook(context: &TraceContext) -> bool {
    u64::from_str_radix(context.parent_id(), 16).is_ok_and(|id| span_id(id) == id)
}

/// The span that `pod` came with, of which its admission becomes a child; none where the annotation is no `traceparent`,
/// as a trace is no reason to refuse a pod.
#[must_use]
pub fn traceparent(pod: &Pod) -> Option<TraceContext> {
    pod.metadata.annotations.get(TRACEPARENT)?.parse().ok()
}

impl Plan {
    /// Writes `span`, the one of this decision, into the annotation of `pod`, the pod that the plan was made for, if that
    /// gets networks or devices. A webhook's span of the same trace stays: it is of an earlier call about this pod.
    pub fn join_trace(&mut self, pod: &Pod, span: &TraceContext) {
        let gets_something = !self.networks.is_empty() || !self.additions.is_empty();
        if !gets_something || inject::is_wanted(pod) == Ok(false) {
            return;
        }
        let is_there = traceparent(pod).is_some_and(|there| {
            is_of_a_webhook(&there) && there.trace_id() == span.trace_id() && there.is_sampled()
        });
        if !is_there {
            self.annotations
                .insert(TRACEPARENT.to_owned(), span.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use spec::network::NetworkRef;

    use super::*;
    use crate::NetworkVersion;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

    fn context(trace: &str, id: u64) -> TraceContext {
        format!("00-{trace}-{id:016x}-01").parse().unwrap()
    }

    fn pod(annotations: &Value) -> Pod {
        serde_json::from_value(json!({
            "metadata": {"name": "p", "annotations": annotations},
            "spec": {"containers": [{"name": "app"}]},
        }))
        .unwrap()
    }

    fn with_network() -> Plan {
        Plan {
            networks: vec![NetworkVersion {
                network: NetworkRef {
                    namespace: "default".parse().unwrap(),
                    name: "net-a".parse().unwrap(),
                },
                resource_version: String::new(),
            }],
            ..Plan::default()
        }
    }

    /// What the plan writes for a pod with these annotations, by a call with this span.
    fn written(annotations: &Value, span: &TraceContext) -> Option<String> {
        let mut plan = with_network();
        plan.join_trace(&pod(annotations), span);
        plan.annotations.remove(TRACEPARENT)
    }

    #[test]
    fn ids_are_known_again() {
        for random in [0, 1, 0xffff, 0x1_0000, 0xb7ad_6b71_6920_3331, u64::MAX] {
            let id = span_id(random);
            assert_ne!(id, 0);
            assert_eq!(id >> CHECK_BITS, random >> CHECK_BITS, "the rest is random");
            assert!(is_of_a_webhook(&context(TRACE, id)), "{id:x}");
            assert!(!is_of_a_webhook(&context(TRACE, id ^ 2)), "{id:x}");
        }
        assert!(!is_of_a_webhook(&context(TRACE, 0xb7ad_6b71_6920_3331)));
    }

    #[test]
    fn the_span_is_written_once() {
        let (first, second) = (span_id(1 << 40), span_id(7 << 50));
        let span = context(TRACE, first);
        let others = context(TRACE, 0xb7ad_6b71_6920_3331);
        let another_trace = context(&TRACE.replace('0', "1"), second);
        for (what, there, is_written) in [
            ("nothing", json!({}), true),
            ("what is none", json!({TRACEPARENT: "x"}), true),
            ("its author's", json!({TRACEPARENT: others.as_str()}), true),
            (
                "a webhook's of another trace",
                json!({TRACEPARENT: another_trace.as_str()}),
                true,
            ),
            (
                "an earlier call's",
                json!({TRACEPARENT: context(TRACE, second).as_str()}),
                false,
            ),
        ] {
            let written = written(&there, &span);
            let expected = is_written.then(|| span.to_string());
            assert_eq!(written, expected, "the pod has {what}");
        }
        let again = json!({TRACEPARENT: written(&json!({TRACEPARENT: others.as_str()}), &span)});
        assert_eq!(written(&again, &context(TRACE, second)), None);
    }

    #[test]
    fn only_pods_that_get_something_are_written_on() {
        let span = context(TRACE, span_id(1 << 40));
        let mut nothing = Plan::default();
        nothing.join_trace(&pod(&json!({})), &span);
        assert_eq!(nothing, Plan::default());
        let let_alone = json!({spec::network::INJECT: "false"});
        assert_eq!(written(&let_alone, &span), None);
    }

    #[test]
    fn the_annotation_is_replaced() {
        let pod = pod(&json!({TRACEPARENT: "x", "other": "stays"}));
        let span = context(TRACE, span_id(1 << 40));
        let mut plan = with_network();
        plan.join_trace(&pod, &span);
        let mut object = json!({"metadata": {"annotations": {TRACEPARENT: "x", "other": "stays"}}});
        json_patch::patch(&mut object, &plan.patch(&pod)).unwrap();
        assert_eq!(
            object["metadata"]["annotations"],
            json!({TRACEPARENT: span.as_str(), "other": "stays"})
        );
    }
}
