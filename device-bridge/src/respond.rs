//! One request, one reply: the same for the daemon and for the one-shot process.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use spec::bridge::{Answer, Failure, Question, Reply, Report, Request, Stage};
use tracing::Instrument;

use crate::{
    answer::resolve, devices::Devices, lookup::Lookup, metrics::Metrics, pod_event::PodEvent,
    refusal::Refusal, selected::select, span::question_span, stage::stage, topology::Topology,
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
                self.reply(&question).instrument(span).await
            }
            Request::Report(report) => {
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

    async fn reply(&self, question: &Question) -> Response {
        match self.answer(question).await {
            Ok(answer) => {
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
                refusal.into()
            }
        }
    }

    async fn answer(&self, question: &Question) -> Result<Answer, Refusal> {
        let timed = &*self.metrics;
        let begun = Instant::now();
        let (pod, networks) = stage(timed, QUESTION, "lookup", async {
            let pod = self.lookup.pod(question).await?;
            let selected = select(question, pod.as_deref())?;
            let networks = self.lookup.networks(&selected).await?;
            Ok::<_, Refusal>((pod, networks))
        })
        .await?;
        let looked_up = begun.elapsed();
        let resolved = resolve(question, pod.as_deref(), &networks)?;
        let resolved_after = begun.elapsed();
        let assigning = self.devices.assign(question, resolved, &self.lookup);
        let answer = stage(timed, QUESTION, "devices", assigning).await?;
        Ok(Answer {
            stages: vec![
                part("lookup", Duration::ZERO, looked_up),
                part("devices", resolved_after, begun.elapsed()),
            ],
            ..answer
        })
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
