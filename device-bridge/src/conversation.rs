//! One connection: requests of a plugin in, replies out.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use spec::{
    bridge::{Failure, PodRef, Reply, Report, Request, decode},
    cni::code,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy, sink},
    net::UnixStream,
    sync::{Semaphore, SemaphorePermit, oneshot, watch},
    time::timeout,
};

use crate::{
    frames::{ReadError, read_header, read_json, write_reply},
    outbox::Outbox,
    respond::{Responder, Response, verb},
    server::Limits,
    turns::{Full, Turns},
};

/// How long, and how many bytes, a client that sent garbage may still send: closed at once, it would see a broken pipe
/// instead of its error.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: u64 = 8 << 20;

/// A permit of [`Context::memory`] is for so many bytes.
const GRAIN: usize = 1024;

/// What all connections share.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) responder: Arc<Responder>,
    pub(crate) outbox: Outbox,
    pub(crate) turns: Turns,
    /// Bytes of requests that may be held at once: a request is read when there is room for it, and waits in its client's
    /// memory so long.
    memory: Arc<Semaphore>,
    pub(crate) limits: Limits,
    pub(crate) stopping: watch::Receiver<bool>,
}

impl Context {
    pub(crate) fn new(
        responder: Arc<Responder>,
        outbox: Outbox,
        limits: Limits,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let waiting = responder.metrics.waiting().clone();
        Self {
            responder,
            outbox,
            turns: Turns::new(limits.requests, limits.waiting, waiting),
            memory: Arc::new(Semaphore::new(limits.memory / GRAIN)),
            limits,
            stopping,
        }
    }
}

/// A request, and the room that it takes until it is replied to.
struct Held<'a> {
    request: Request,
    _room: SemaphorePermit<'a>,
}

/// Requests and replies in turn, until the client ends or sends what is no request.
pub(crate) async fn converse(mut stream: UnixStream, mut context: Context) {
    let limits = context.limits;
    loop {
        let header = tokio::select! {
            header = timeout(limits.idle, read_header(&mut stream)) => header,
            _ = context.stopping.wait_for(|stopping| *stopping) => return,
        };
        let read = match header {
            Err(_) | Ok(Ok(None)) => return,
            Ok(Ok(Some(wanted))) => read_request(&mut stream, wanted, &context).await,
            Ok(Err(error)) => Err(Unread::Wrong(error)),
        };
        let held = match read {
            Ok(held) => held,
            Err(Unread::Slow) => return,
            Err(Unread::NoRoom(failure)) => return close(stream, failure, limits).await,
            Err(Unread::Wrong(error)) => {
                tracing::warn!(%error, "A request is not understood");
                return close(stream, Failure::from(&error), limits).await;
            }
        };
        let reply = reply(&context, held.request).await;
        let written = timeout(limits.idle, write_reply(&mut stream, &reply)).await;
        if !matches!(written, Ok(Ok(()))) {
            tracing::warn!("A client did not read its reply");
            return;
        }
    }
}

/// Why there is no request.
enum Unread {
    /// The client takes too long.
    Slow,
    /// Others take up all the room.
    NoRoom(Failure),
    /// It sends something else.
    Wrong(ReadError),
}

/// Reads a request when there is room for it.
async fn read_request<'a>(
    stream: &mut UnixStream,
    wanted: usize,
    context: &'a Context,
) -> Result<Held<'a>, Unread> {
    let limits = context.limits;
    // A frame has an end, and so the number of its permits fits.
    let permits = u32::try_from(wanted / GRAIN + 1).unwrap_or(u32::MAX);
    let room = timeout(limits.deadline, context.memory.acquire_many(permits)).await;
    let Ok(Ok(room)) = room else {
        tracing::warn!(bytes = wanted, "There was no room for a request");
        return Err(Unread::NoRoom(Failure {
            code: code::TRY_AGAIN_LATER,
            message: format!(
                "polypod-device-bridge had no room for a request of {wanted} bytes within {} seconds",
                limits.deadline.as_secs()
            ),
        }));
    };
    let json = timeout(limits.idle, read_json(stream, wanted)).await;
    let json = json.map_err(|_| Unread::Slow)?.map_err(Unread::Wrong)?;
    let request = decode(&json).map_err(|error| Unread::Wrong(error.into()))?;
    Ok(Held {
        request,
        _room: room,
    })
}

/// Has a request answered, and puts what is to be written into the outbox: the sandbox is there, whether or not the plugin
/// still listens.
async fn reply(context: &Context, request: Request) -> Reply {
    let Response {
        reply,
        publish,
        events,
    } = respond(context, request).await;
    context.outbox.events.put(events);
    match publish {
        None => reply,
        Some(report) => {
            let (pod, wait) = (report.pod.clone(), wait(&report));
            let published = context.outbox.reports.put(report);
            match wait {
                None => reply,
                Some(wait) => published_in_time(&pod, published, wait)
                    .await
                    .unwrap_or(reply),
            }
        }
    }
}

fn wait(report: &Report) -> Option<Duration> {
    report
        .wait_ms
        .map(|wait| Duration::from_millis(wait.into()))
}

/// What is replied where network-status is not published in time.
async fn published_in_time(
    pod: &PodRef,
    published: oneshot::Receiver<()>,
    wait: Duration,
) -> Option<Reply> {
    let message = match timeout(wait, published).await {
        Ok(Ok(())) => return None,
        Ok(Err(_)) => {
            format!("network-status of pod {pod} is not published: a newer one took its place")
        }
        Err(_) => format!(
            "network-status of pod {pod} is not published after {} ms; it is tried on, and the log of polypod-device-bridge says what stands in the way",
            wait.as_millis()
        ),
    };
    let code = code::TRY_AGAIN_LATER;
    Some(Reply::Failure(Failure { code, message }))
}

async fn respond(context: &Context, request: Request) -> Response {
    let metrics = &context.responder.metrics;
    let verb = verb(&request);
    let begun = Instant::now();
    let (outcome, response) = in_time(context, request).await;
    metrics.count_request(verb, outcome);
    metrics.observe(verb, "all", begun.elapsed());
    response
}

/// What came of a request, in a word for metrics, and its response.
async fn in_time(context: &Context, request: Request) -> (&'static str, Response) {
    let (pod, within) = match &request {
        Request::Question(question) => (&question.pod, question.within_ms),
        Request::Report(report) => (&report.pod, None),
    };
    let within = within.map(|within| Duration::from_millis(within.into()));
    let deadline = context.limits.deadline.min(within.unwrap_or(Duration::MAX));
    let key = (pod.namespace.clone(), pod.name.clone());
    let responding = async {
        match context.turns.take(key).await {
            Ok(_turn) => {
                let response = context.responder.respond(request).await;
                (outcome(&response.reply), response)
            }
            Err(Full) => {
                let message = format!(
                    "{} requests wait for polypod-device-bridge already",
                    context.limits.waiting
                );
                ("turned_away", again(message))
            }
        }
    };
    timeout(deadline, responding).await.unwrap_or_else(|_| {
        tracing::error!(?deadline, "A request was not answered in time");
        let message = format!(
            "polypod-device-bridge found no answer within {:.1} seconds; its log says what it waited for",
            deadline.as_secs_f64()
        );
        ("timeout", again(message))
    })
}

const fn outcome(reply: &Reply) -> &'static str {
    match reply {
        Reply::Answer(_) => "answered",
        Reply::Failure(_) => "refused",
        Reply::Taken => "taken",
    }
}

fn again(message: String) -> Response {
    let code = code::TRY_AGAIN_LATER;
    Failure { code, message }.into()
}

/// Tells a client why it gets no answer, and ends.
pub(crate) async fn close(mut stream: UnixStream, failure: Failure, limits: Limits) {
    let reply = Reply::Failure(failure);
    let written = timeout(limits.idle, write_reply(&mut stream, &reply)).await;
    if matches!(written, Ok(Ok(()))) && stream.shutdown().await.is_ok() {
        let rest = &mut stream.take(LINGER_BYTES);
        // Whatever comes, and however it ends, is of no interest any more.
        let _ended = timeout(LINGER, copy(rest, &mut sink())).await;
    }
}
