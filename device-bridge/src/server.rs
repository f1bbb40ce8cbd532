//! The agent's socket: requests of plugins in, replies out.
//!
//! Nothing a client sends or leaves out ends the agent or keeps another client waiting for longer than the deadline.

use std::{sync::Arc, time::Duration};

use spec::{
    bridge::{Failure, Reply, Request, decode},
    cni::code,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy, sink},
    net::UnixStream,
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    frames::{ReadError, read_frame, write_reply},
    outbox::Outbox,
    respond::{Responder, Response},
    socket::Socket,
};

/// What a server allows itself and its clients.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Requests that are worked on at the same time; others wait.
    pub requests: usize,
    /// From a request to its reply, waiting included.
    pub deadline: Duration,
    /// How long a client may take to send a request, or to read a reply.
    pub idle: Duration,
    /// How long running requests may go on after the stop.
    pub grace: Duration,
}

impl Limits {
    /// The daemon's, with this deadline.
    #[must_use]
    pub const fn new(deadline: Duration) -> Self {
        Self {
            requests: 64,
            deadline,
            idle: Duration::from_secs(30),
            grace: Duration::from_secs(4),
        }
    }
}

/// Pause after a failed accept: out of file descriptors, the next one would fail at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long, and how many bytes, a client that sent garbage may still send: closed at once, it would see a broken pipe
/// instead of its error.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_BYTES: u64 = 8 << 20;

#[derive(Clone)]
struct Context {
    responder: Arc<Responder>,
    outbox: Outbox,
    requests: Arc<Semaphore>,
    limits: Limits,
    stopping: watch::Receiver<bool>,
}

/// Serves until `stop`, then removes the socket and lets running requests end.
pub async fn serve(
    socket: Socket,
    responder: Arc<Responder>,
    outbox: Outbox,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let (stopping, is_stopping) = watch::channel(false);
    let context = Context {
        responder,
        outbox,
        requests: Arc::new(Semaphore::new(limits.requests)),
        limits,
        stopping: is_stopping,
    };
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = socket.accept() => match accepted {
                Ok(stream) => { connections.spawn(welcome(stream, &socket, context.clone())); }
                Err(error) => {
                    tracing::error!(%error, "Accepting a connection failed");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(ended) = connections.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "A connection ended in a panic");
                }
            }
        }
    }
    drop(socket);
    stopping.send_replace(true);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if timeout(limits.grace, all_ended).await.is_err() {
        tracing::warn!(requests = connections.len(), "Requests are given up");
    }
}

/// Turns away who may not ask. Not async, so that the connection does not borrow the socket.
fn welcome(
    stream: UnixStream,
    socket: &Socket,
    context: Context,
) -> impl Future<Output = ()> + Send + use<> {
    let refusal = match stream.peer_cred() {
        Ok(peer) if socket.may_ask(peer.uid()) => None,
        Ok(peer) => Some(format!(
            "user {} may not ask polypod-device-bridge; only root may",
            peer.uid()
        )),
        Err(error) => Some(format!("it cannot be told who asks: {error}")),
    };
    async move {
        match refusal {
            None => converse(stream, context).await,
            Some(message) => {
                tracing::warn!(refusal = message, "A client is turned away");
                let code = code::INVALID_ENVIRONMENT;
                close(stream, Failure { code, message }, context.limits).await;
            }
        }
    }
}

/// Requests and replies in turn, until the client ends or sends what is no request.
async fn converse(mut stream: UnixStream, mut context: Context) {
    let limits = context.limits;
    loop {
        let read = tokio::select! {
            read = timeout(limits.idle, read_frame(&mut stream)) => read,
            _ = context.stopping.wait_for(|stopping| *stopping) => return,
        };
        let request = match read {
            Err(_) | Ok(Ok(None)) => return,
            Ok(Err(error)) => Err(error),
            Ok(Ok(Some(json))) => decode::<Request>(&json).map_err(ReadError::from),
        };
        let request = match request {
            Ok(request) => request,
            Err(error) => {
                tracing::warn!(%error, "A request is not understood");
                return close(stream, Failure::from(&error), limits).await;
            }
        };
        let Response {
            reply,
            publish,
            events,
        } = respond(&context, request).await;
        let written = timeout(limits.idle, write_reply(&mut stream, &reply)).await;
        // The sandbox is there, whether or not the plugin still listens.
        if let Some(report) = publish {
            context.outbox.reports.put(report);
        }
        context.outbox.events.put(events);
        if !matches!(written, Ok(Ok(()))) {
            tracing::warn!("A client did not read its reply");
            return;
        }
    }
}

async fn respond(context: &Context, request: Request) -> Response {
    let deadline = context.limits.deadline;
    let responding = async {
        let _permit = context.requests.acquire().await;
        context.responder.respond(request).await
    };
    timeout(deadline, responding).await.unwrap_or_else(|_| {
        tracing::error!(?deadline, "A request was not answered in time");
        Failure {
            code: code::TRY_AGAIN_LATER,
            message: format!(
                "polypod-device-bridge found no answer within {} seconds; its log says what it waited for",
                deadline.as_secs()
            ),
        }
        .into()
    })
}

async fn close(mut stream: UnixStream, failure: Failure, limits: Limits) {
    let reply = Reply::Failure(failure);
    let written = timeout(limits.idle, write_reply(&mut stream, &reply)).await;
    if matches!(written, Ok(Ok(()))) && stream.shutdown().await.is_ok() {
        let rest = &mut stream.take(LINGER_BYTES);
        // Whatever comes, and however it ends, is of no interest any more.
        let _ended = timeout(LINGER, copy(rest, &mut sink())).await;
    }
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
