//! The agent's socket: requests of plugins in, replies out.
//!
//! Nothing a client sends or leaves out ends the agent or keeps another client waiting for longer than the deadline.

use std::{sync::Arc, time::Duration};

use spec::{
    bridge::{Failure, MAX_FRAME},
    cni::code,
};
use tokio::{
    net::UnixStream,
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    conversation::{Context, close, converse},
    outbox::Outbox,
    respond::Responder,
    socket::Socket,
};

/// What a server allows itself and its clients.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at the same time; others wait in the socket's queue.
    pub connections: usize,
    /// Requests that are worked on at the same time; others wait for their turn.
    pub requests: usize,
    /// Requests that wait for their turn; others are told to come again.
    pub waiting: usize,
    /// Bytes of requests that are held at the same time; others are not read yet.
    pub memory: usize,
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
            connections: 2048,
            requests: 64,
            waiting: 4096,
            memory: 2 * MAX_FRAME,
            deadline,
            idle: Duration::from_secs(30),
            grace: Duration::from_secs(4),
        }
    }
}

/// Pause after a failed accept: out of file descriptors, the next one would fail at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop`, then removes the socket and lets running requests end.
pub async fn serve(
    socket: Socket,
    responder: Arc<Responder>,
    outbox: Outbox,
    limits: Limits,
    stop: impl Future<Output = ()>,
) {
    let (stopping, is_stopping) = watch::channel(false);
    let context = Context::new(responder, outbox, limits, is_stopping);
    let mut connections = JoinSet::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = socket.accept(), if connections.len() < limits.connections => match accepted {
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

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
