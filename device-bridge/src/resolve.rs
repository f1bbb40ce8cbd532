//! `resolve`: one request on standard input, one reply on standard output, for nodes without the daemon.
//!
//! Whatever goes wrong, the reply says it: the plugin shows a reply to the pod's owner, and a log line to nobody.

use std::{
    io::{self, Read, Write},
    sync::Arc,
    time::Duration,
};

use futures::future::join_all;
use spec::{
    bridge::{Failure, HEADER, Report, Request, decode, frame_length},
    cni::code,
};
use tokio::time::timeout;
use tracing::Instrument;

use crate::{
    claims::ClaimSource,
    client,
    config::{AskedObjects, Resolve},
    devices::Devices,
    frames::{ReadError, reply_frame},
    kubelet::PodResourcesClient,
    live::Live,
    lookup::Lookup,
    metrics::Metrics,
    objects,
    publish::{PublishError, Publisher},
    respond::{Responder, Response},
    serve::publisher,
    span::report_span,
};

/// How long publishing may take. The plugin ends a report after five seconds.
const PUBLISHING: Duration = Duration::from_secs(4);

/// How long writing Events may take: a refused pod is not held up longer for them.
const TELLING: Duration = Duration::from_secs(2);

/// Why the request was not carried out to its end, although it was replied to if that was possible.
#[derive(Debug, thiserror::Error)]
pub enum ResolveError {
    /// The reply could not be written.
    #[error("cannot write the reply: {0}")]
    Reply(#[source] io::Error),
    /// Network-status is not published.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// Publishing took too long.
    #[error("network-status was not published within {} seconds", PUBLISHING.as_secs())]
    Slow,
}

/// Reads the request. Blocks, and so is called where nothing else waits.
///
/// # Errors
/// There is no whole request; the failure is the reply.
pub fn read_request(input: &mut impl Read) -> Result<Request, Failure> {
    read(input).map_err(|error| Failure::from(&error))
}

fn read(input: &mut impl Read) -> Result<Request, ReadError> {
    let header = exactly(input, HEADER)?;
    let header: [u8; HEADER] = header
        .try_into()
        .expect("exactly gives as many bytes as it was asked for");
    let json = exactly(input, frame_length(header)?)?;
    Ok(decode(&json)?)
}

fn exactly(input: &mut impl Read, wanted: usize) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(wanted).unwrap_or(u64::MAX);
    let found = input.take(limit).read_to_end(&mut bytes)?;
    if found < wanted {
        return Err(ReadError::Ended { found, wanted });
    }
    Ok(bytes)
}

/// Replies to `request` on `output`, then publishes what it reports and writes its Events.
///
/// # Errors
/// The reply could not be written, or network-status not published.
pub async fn run(
    config: Resolve,
    request: Result<Request, Failure>,
    output: &mut impl Write,
) -> Result<(), ResolveError> {
    let (response, publisher) = match request {
        Ok(request) => respond(config, request).await,
        Err(failure) => (failure.into(), Publisher::Log),
    };
    let Response {
        reply,
        publish,
        events,
    } = response;
    output
        .write_all(&reply_frame(&reply))
        .and_then(|()| output.flush())
        .map_err(ResolveError::Reply)?;
    let telling = async {
        let all = join_all(events.into_iter().map(|event| publisher.tell(event)));
        if timeout(TELLING, all).await.is_err() {
            tracing::warn!("Events are given up");
        }
    };
    let (published, ()) = tokio::join!(publish_in_time(&publisher, publish.as_ref()), telling);
    published
}

async fn publish_in_time(
    publisher: &Publisher,
    report: Option<&Report>,
) -> Result<(), ResolveError> {
    let Some(report) = report else {
        return Ok(());
    };
    let publishing = publisher.publish(report, || true);
    timeout(PUBLISHING, publishing.instrument(report_span(report)))
        .await
        .map_err(|_| ResolveError::Slow)?
        .map_err(ResolveError::Publish)
}

async fn respond(config: Resolve, request: Request) -> (Response, Publisher) {
    let deadline = config.request_timeout;
    let responding = async {
        match set_up(config).await {
            Ok((responder, publisher)) => (responder.respond(request).await, publisher),
            Err(message) => (invalid(message), Publisher::Log),
        }
    };
    timeout(deadline, responding).await.unwrap_or_else(|_| {
        let failure = Failure {
            code: code::TRY_AGAIN_LATER,
            message: format!(
                "polypod-device-bridge found no answer within {} seconds; check that the API server can be reached from this node",
                deadline.as_secs()
            ),
        };
        (failure.into(), Publisher::Log)
    })
}

fn invalid(message: String) -> Response {
    Failure {
        code: code::INVALID_CONF,
        message,
    }
    .into()
}

async fn set_up(config: Resolve) -> Result<(Responder, Publisher), String> {
    let Resolve {
        objects,
        pod_resources_socket,
        kubelet,
        publish_to,
        request_timeout: _,
    } = config;
    let (lookup, claims, client) = match objects {
        AskedObjects::Files(paths) => {
            let (store, claims) = objects::read(&paths).map_err(|error| error.to_string())?;
            let claims = ClaimSource::Files(Arc::new(claims));
            (Lookup::in_files(Arc::new(store)), claims, None)
        }
        AskedObjects::Live { kubeconfig } => {
            let client = client::connect(kubeconfig.as_deref())
                .await
                .map_err(|error| error.to_string())?;
            let claims = ClaimSource::Live(client.clone());
            (
                Lookup::live(Live::new(client.clone())),
                claims,
                Some(client),
            )
        }
    };
    let metrics: Arc<Metrics> = Arc::default();
    let pod_resources =
        PodResourcesClient::new(pod_resources_socket, &kubelet, Arc::clone(&metrics));
    let responder = Responder {
        lookup,
        devices: Devices::new(pod_resources, kubelet.checkpoint, claims),
        metrics,
        topology: None,
    };
    Ok((responder, publisher(publish_to.as_deref(), client)))
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
