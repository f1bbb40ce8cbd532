//! One request, one reply: the same for the daemon and for the one-shot process.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use spec::{
    TraceContext,
    bridge::{Answer, Failure, Question, Reply, Report, Request, Stage},
};
use tracing::Instrument;

use crate::{
    answer::resolve,
    devices::Devices,
    lookup::Lookup,
    metrics::Metrics,
    pod_event::PodEvent,
    pod_facts::PodFacts,
    refusal::Refusal,
    selected::select,
    span::{put_into, question_span},
    stage::{Begun, stage},
    telemetry::{self, Above, PastSpan, Sending},
    topology::Topology,
};

/// What replies are made of.
#[derive(Debug)]
pub struct Responder {
    /// Pods and networks.
    pub lookup: Lookup,
    /// The devices that the kubelet allocated.
    pub devices: Devices,
    /// Where it is counted.
    pub metrics: Arc<Metrics>,
    /// What is told that devices have found their pods.
    pub topology: Option<Topology>,
}

/// A reply, and what is to be done once it is given.
#[derive(Debug)]
pub struct Response {
    /// The reply.
    pub reply: Reply,
    /// A report to be published. The plugin does not wait for it.
    pub publish: Option<Report>,
    /// Events to be written. Nobody waits for them.
    pub events: Vec<PodEvent>,
}

impl From<Failure> for Response {
    fn from(failure: Failure) -> Self {
        Refusal::from(failure).into()
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        let Refusal { failure, event } = refusal;
        Self {
            reply: Reply::Failure(failure),
            publish: None,
            events: event.into_iter().map(|event| *event).collect(),
        }
    }
}

impl Responder {
    /// Replies to a request.
    pub async fn respond(&self, request: Request) -> Response {
        match request {
            Request::Question(question) => {
                let span = question_span(&question);
                let begun = Begun::now();
                // The span is not entered before it is known what it is a child of, which may stand in the pod.
                let pod = self.lookup.pod(&question).await;
                let traced = Traced::begin(&question, pod.as_ref().ok().and_then(Option::as_deref));
                let parent = traced.as_ref().map(|traced| &traced.add);
                put_into(&span, parent.or(question.traceparent.as_ref()));
                self.reply(&question, pod, traced.as_ref(), begun)
                    .instrument(span)
                    .await
            }
            Request::Report(mut report) => {
                self.trace(&mut report);
                let mut events = PodEvent::added(&report);
                for event in &mut events {
                    self.lookup.complete(&mut event.pod);
                }
                Response {
                    reply: Reply::Taken,
                    publish: Some(report),
                    events,
                }
            }
        }
    }

    /// Sends the spans of an ADD that got through. Of one that is in no trace of ours the report is all there is, below what the
    /// pod tells.
    fn trace(&self, report: &mut Report) {
        let Some(sending) = telemetry::sending() else {
            return;
        };
        if report.add.is_none() {
            let known = self.lookup.known_pod(&report.pod);
            report.parent = known.and_then(|known| known.traceparent.clone());
        }
        sending.send(PastSpan::of_add(report));
    }

    async fn reply(
        &self,
        question: &Question,
        pod: Result<Option<Arc<PodFacts>>, Failure>,
        traced: Option<&Traced>,
        begun: Begun,
    ) -> Response {
        match self.answer(question, pod, begun).await {
            Ok(mut answer) => {
                if let Some(traced) = traced {
                    traced.tell(&mut answer);
                }
                log(&answer);
                if let Some(topology) = &self.topology {
                    topology.poke();
                }
                Response {
                    reply: Reply::Answer(answer),
                    publish: None,
                    events: Vec::new(),
                }
            }
            Err(refusal) => {
                let Failure { code, message } = &refusal.failure;
                tracing::warn!(code, failure = message, "Refused");
                if let Some(traced) = traced {
                    traced.refused(question, begun, *code);
                }
                refusal.into()
            }
        }
    }

    async fn answer(
        &self,
        question: &Question,
        pod: Result<Option<Arc<PodFacts>>, Failure>,
        begun: Begun,
    ) -> Result<Answer, Refusal> {
        let timed = &*self.metrics;
        let (pod, networks) = stage(timed, QUESTION, "lookup", begun, async {
            let pod = pod?;
            let selected = select(question, pod.as_deref())?;
            let networks = self.lookup.networks(&selected).await?;
            Ok::<_, Refusal>((pod, networks))
        })
        .await?;
        let looked_up = begun.elapsed();
        let resolved = resolve(question, pod.as_deref(), &networks)?;
        let resolved_after = begun.elapsed();
        let assigning = self.devices.assign(question, resolved, &self.lookup);
        let answer = stage(timed, QUESTION, "devices", Begun::now(), assigning).await?;
        Ok(Answer {
            stages: vec![
                part("lookup", Duration::ZERO, looked_up),
                part("devices", resolved_after, begun.elapsed()),
            ],
            ..answer
        })
    }
}

/// The span `ADD` that a question is about, where spans are sent.
struct Traced {
    sending: &'static Sending,
    above: Above,
    add: TraceContext,
}

impl Traced {
    fn begin(question: &Question, pod: Option<&PodFacts>) -> Option<Self> {
        let sending = telemetry::sending()?;
        let above = Above::of_question(question, pod);
        let add = sending.name_add(&above)?;
        Some(Self {
            sending,
            above,
            add,
        })
    }

    /// Tells the plugin of it, if it will be sent.
    fn tell(&self, answer: &mut Answer) {
        if self.add.is_sampled() {
            answer.traceparent = Some(self.add.clone());
            answer.parent.clone_from(&self.above.pod);
        }
    }

    /// Nobody will report what became of the sandbox.
    fn refused(&self, question: &Question, begun: Begun, code: u32) {
        let times = (begun.at, SystemTime::now());
        let span = PastSpan::refused(&self.add, &self.above, question, times, code);
        self.sending.send([span]);
    }
}

/// From and until when, counted from the beginning.
fn part(name: &str, from: Duration, until: Duration) -> Stage {
    let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    Stage {
        name: name.to_owned(),
        after_us: micros(from),
        took_us: micros(until.saturating_sub(from)),
        parts: Vec::new(),
    }
}

const QUESTION: &str = "question";

/// The label of a request.
pub(crate) const fn verb(request: &Request) -> &'static str {
    match request {
        Request::Question(_) => QUESTION,
        Request::Report(_) => "report",
    }
}

fn log(answer: &Answer) {
    for attachment in answer
        .cluster_network
        .as_deref()
        .into_iter()
        .chain(answer.default_networks.iter().flatten())
        .chain(&answer.networks)
    {
        tracing::info!(
            network = attachment.name,
            interface = attachment.interface.as_ref().map(AsRef::<str>::as_ref),
            device = attachment.device.as_ref().map(|device| device.id.as_str()),
            resource = attachment
                .device
                .as_ref()
                .map(|device| device.resource.as_str()),
            "Attachment"
        );
    }
    tracing::info!(networks = answer.networks.len(), "Answered");
}
