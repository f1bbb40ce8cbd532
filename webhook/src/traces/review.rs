//! The trace of one review: the span `admission`, and below it one for each stage.

use std::time::SystemTime;

use admission::{Fault, Rule};
use opentelemetry::{
    Context, KeyValue,
    trace::{Span as _, SpanBuilder, SpanKind, Status, TraceContextExt as _},
};
use opentelemetry_sdk::trace::SdkTracer;
use spec::TraceContext;

use super::below;
use crate::{
    asked::Asked,
    decide::Decision,
    hook::Hook,
    metrics::{Outcome, Reason},
    review::Request,
};

/// The trace of one review, until it is dropped; nothing where none is sent.
#[derive(Debug)]
pub struct ReviewTrace<'t>(Option<Traced<'t>>);

/// A stage of it, until it is dropped.
#[derive(Debug)]
#[must_use]
pub struct Stage<'t> {
    of: Option<(&'t Traced<'t>, SystemTime)>,
    name: &'static str,
}

#[derive(Debug)]
struct Traced<'t> {
    tracer: &'t SdkTracer,
    begun: SystemTime,
    /// Since when the body is there.
    parsing: SystemTime,
    /// The caller's span.
    caller: Option<TraceContext>,
    /// The span of the review, once it is known whose child it is: that may stand in the pod.
    span: Option<Context>,
}

impl<'t> ReviewTrace<'t> {
    pub(super) fn new(
        tracer: Option<&'t SdkTracer>,
        caller: impl FnOnce() -> Option<TraceContext>,
    ) -> Self {
        Self(tracer.map(|tracer| {
            let begun = SystemTime::now();
            Traced {
                tracer,
                begun,
                parsing: begun,
                caller: caller(),
                span: None,
            }
        }))
    }

    /// The body is there, and is read.
    pub(crate) fn parse(&mut self) {
        if let Some(traced) = &mut self.0 {
            traced.parsing = SystemTime::now();
        }
    }

    /// It was read.
    pub(crate) fn parsed(&mut self, hook: Hook, request: &Request<'_>, asked: &Asked<'_>) {
        let Some(traced) = &mut self.0 else {
            return;
        };
        let parent = traced.caller.take().or_else(|| asked.traceparent());
        traced.begin(parent.as_ref(), attributes(hook, request));
        drop(Stage {
            of: Some((traced, traced.parsing)),
            name: "parse",
        });
    }

    /// The span that others may become children of; none where it is not sent.
    #[must_use]
    pub fn span(&self) -> Option<TraceContext> {
        let context = self.0.as_ref()?.span.as_ref()?;
        telemetry::told(context.span().span_context())
    }

    /// A stage that begins now.
    pub(crate) fn stage(&self, name: &'static str) -> Stage<'_> {
        let of = self.0.as_ref();
        let of = of.map(|traced| (traced, SystemTime::now()));
        Stage { of, name }
    }

    /// Awaits what may have to be read for the decision, which says whether it was: only then it is a stage.
    pub(crate) async fn lookup<E>(
        &self,
        work: impl Future<Output = Result<bool, E>>,
    ) -> Result<bool, E> {
        let mut stage = self.stage("lookup");
        let read = work.await;
        if let Ok(false) = read {
            stage.of = None;
        }
        read
    }

    /// Tells the decision.
    pub(crate) fn decided(&self, decision: &Decision) {
        let Some(context) = self.0.as_ref().and_then(|traced| traced.span.as_ref()) else {
            return;
        };
        let span = context.span();
        let outcome = Outcome::from(decision).as_str();
        span.set_attribute(KeyValue::new("decision", outcome));
        let rules = rules(decision);
        if !rules.is_empty() {
            span.set_attribute(KeyValue::new("rules", rules.join(",")));
        }
    }

    /// Tells that there is no decision; why in full may quote the object.
    pub(crate) fn failed(&mut self, hook: Hook, reason: Reason) {
        let Some(traced) = &mut self.0 else {
            return;
        };
        if traced.span.is_none() {
            let parent = traced.caller.take();
            traced.begin(parent.as_ref(), vec![KeyValue::new("hook", hook.as_str())]);
        }
        if let Some(context) = &traced.span {
            context.span().set_status(Status::error(reason.as_str()));
        }
    }
}

impl Traced<'_> {
    fn begin(&mut self, parent: Option<&TraceContext>, attributes: Vec<KeyValue>) {
        let builder = SpanBuilder::from_name("admission")
            .with_kind(SpanKind::Server)
            .with_start_time(self.begun)
            .with_attributes(attributes);
        let span = builder.start_with_context(self.tracer, &below(parent));
        self.span = Some(Context::new().with_span(span));
    }
}

impl Drop for Stage<'_> {
    fn drop(&mut self) {
        let Some((traced, begun)) = self.of else {
            return;
        };
        if let Some(context) = &traced.span {
            let builder = SpanBuilder::from_name(self.name).with_start_time(begun);
            builder.start_with_context(traced.tracer, context).end();
        }
    }
}

fn attributes(hook: Hook, request: &Request<'_>) -> Vec<KeyValue> {
    let kind = request.kind.kind.as_ref();
    let mut attributes = vec![
        KeyValue::new("hook", hook.as_str()),
        KeyValue::new("review_uid", request.uid.to_string()),
        KeyValue::new("kind", kind.to_owned()),
        KeyValue::new("operation", request.operation.to_string()),
        KeyValue::new("dry_run", request.dry_run.unwrap_or(false)),
    ];
    let name = match kind {
        "Pod" => "pod",
        "NetworkAttachmentDefinition" => "network",
        _ => "name",
    };
    let namespace = request.namespace.as_deref().unwrap_or_default();
    let texts = [
        ("namespace", namespace.to_owned()),
        (name, request.display_name()),
    ];
    let texts = texts.into_iter().filter(|(_, text)| !text.is_empty());
    attributes.extend(texts.map(|(key, text)| KeyValue::new(key, text)));
    attributes
}

/// The rules that are broken, each once: those that deny, else those that were let pass.
fn rules(decision: &Decision) -> Vec<&'static str> {
    let rules: Vec<Rule> = match decision {
        Decision::Denied(denial) => denial.faults().iter().map(Fault::rule).collect(),
        Decision::Allowed(plan) | Decision::Patched { plan, .. } => {
            plan.findings.iter().map(|finding| finding.rule).collect()
        }
    };
    let mut names: Vec<&'static str> = Vec::new();
    for rule in rules {
        if !names.contains(&rule.as_str()) {
            names.push(rule.as_str());
        }
    }
    names
}
