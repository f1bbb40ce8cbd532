//! What leaves the process, by an exporter that keeps it.

use std::{
    future::ready,
    sync::{Arc, Mutex},
    time::Duration,
};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};

use super::{super::ids::Ids, *};
use crate::fixture::bare_question;

#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Kept {
    fn export(&self, batch: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        self.0.lock().unwrap().extend(batch);
        ready(Ok(()))
    }
}

fn sending() -> (Sending, Kept) {
    let kept = Kept::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(kept.clone())
        .with_id_generator(Ids::default())
        .build();
    (Sending::new(provider.tracer("test")), kept)
}

const POD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const RUNTIME: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn above(pod: Option<&str>, runtime: Option<&str>) -> Above {
    let context = |text: Option<&str>| text.map(|text| text.parse().unwrap());
    Above {
        pod: context(pod),
        runtime: context(runtime),
    }
}

#[test]
fn what_was_named_is_sent_as_it_was_named() {
    for (pod, runtime) in [
        (Some(POD), Some(RUNTIME)),
        (None, Some(RUNTIME)),
        (None, None),
    ] {
        let (sending, kept) = sending();
        let above = above(pod, runtime);
        let add = sending.name_add(&above).unwrap();
        assert!(add.is_sampled());
        let begun = SystemTime::UNIX_EPOCH + Duration::from_secs(5);
        let times = (begun, begun + Duration::from_secs(1));
        sending.send([PastSpan::refused(&add, &above, &bare_question(), times, 11)]);
        let spans = kept.0.lock().unwrap();
        let [span] = spans.as_slice() else {
            panic!("{spans:?}");
        };
        assert_eq!(::telemetry::told(&span.span_context), Some(add.clone()));
        let parent = above
            .parent()
            .map_or("0000000000000000", TraceContext::parent_id);
        assert_eq!(span.parent_span_id.to_string(), parent);
        if let Some(parent) = above.parent() {
            assert_eq!(add.trace_id(), parent.trace_id());
        }
        let links = span.links.iter();
        let links: Vec<_> = links
            .map(|link| ::telemetry::told(&link.span_context))
            .collect();
        assert_eq!(links.len(), usize::from(pod.is_some()));
        assert!(links.iter().all(|link| link.as_ref() == above.link()));
        assert_eq!((span.start_time, span.end_time), times);
        assert_eq!(span.status, Status::error("CNI error 11"));
    }
}

#[test]
fn what_is_not_recorded_is_followed() {
    let not = POD.replace("-01", "-00");
    let (sending, kept) = sending();
    for above in [above(Some(&not), Some(RUNTIME)), above(None, Some(&not))] {
        let add = sending.name_add(&above).unwrap();
        assert!(!add.is_sampled(), "{add}");
        let now = SystemTime::now();
        sending.send([PastSpan::refused(
            &add,
            &above,
            &bare_question(),
            (now, now),
            11,
        )]);
    }
    assert_eq!(kept.0.lock().unwrap().len(), 0);
}
