//! One request, one reply: the same for the daemon and for the one-shot process.

use spec::bridge::{Answer, Failure, Question, Reply, Report, Request};
use tracing::Instrument;

use crate::{
    allocation::Allocation,
    answer::{assign, resolve},
    lookup::Lookup,
    pod_resources::PodResourcesClient,
    selected::select,
};

/// What replies are made of.
#[derive(Debug)]
pub struct Responder {
    /// Pods and networks.
    pub lookup: Lookup,
    /// The kubelet.
    pub pod_resources: PodResourcesClient,
}

/// A reply, and what is to be done once it is given.
#[derive(Debug)]
pub struct Response {
    /// The reply.
    pub reply: Reply,
    /// A report to be published. The plugin does not wait for it.
    pub publish: Option<Report>,
}

impl From<Failure> for Response {
    fn from(failure: Failure) -> Self {
        Self {
            reply: Reply::Failure(failure),
            publish: None,
        }
    }
}

impl Responder {
    /// Replies to a request.
    pub async fn respond(&self, request: Request) -> Response {
        match request {
            Request::Question(question) => {
                let span = tracing::info_span!(
                    "question",
                    namespace = %question.pod.namespace,
                    name = %question.pod.name,
                    uid = question.pod.uid,
                    container_id = %question.container_id,
                );
                let reply = self.reply(&question).instrument(span).await;
                Response {
                    reply,
                    publish: None,
                }
            }
            Request::Report(report) => Response {
                reply: Reply::Taken,
                publish: Some(report),
            },
        }
    }

    async fn reply(&self, question: &Question) -> Reply {
        match self.answer(question).await {
            Ok(answer) => {
                log(&answer);
                Reply::Answer(answer)
            }
            Err(failure) => {
                tracing::warn!(code = failure.code, failure = failure.message, "Refused");
                Reply::Failure(failure)
            }
        }
    }

    async fn answer(&self, question: &Question) -> Result<Answer, Failure> {
        let pod = self.lookup.pod(question).await?;
        let selected = select(question, pod.as_deref())?;
        let networks = self.lookup.networks(&selected).await?;
        let resolved = resolve(question, pod.as_deref(), &networks)?;
        let allocation = if resolved.needs_devices() {
            match self.pod_resources.pod(&question.pod).await {
                Ok(Some(pod)) => Allocation::of(&pod),
                Ok(None) => Allocation::of_unknown_pod(),
                Err(error) => return Err(error.failure(&question.pod)),
            }
        } else {
            Allocation::default()
        };
        assign(resolved, &allocation)
    }
}

fn log(answer: &Answer) {
    for attachment in answer
        .cluster_network
        .as_deref()
        .into_iter()
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
