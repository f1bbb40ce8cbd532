//! The HTTP side: paths, methods, bodies, and who may connect. Source: multus-cni `pkg/server/server.go`.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, FromRequest as _, Request, State},
    http::{Method, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::any,
};
use tokio::{
    net::UnixStream,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{request::Endpoint, service::Service};
use crate::{http_connection::converse, socket::Socket};

/// The longest body: a configuration with all the annotations that a pod can have is shorter, in base64 too.
const LONGEST_BODY: usize = 1 << 20;

/// How long a client may take to send it.
const PATIENCE: Duration = Duration::from_secs(30);

/// Connections at the same time; others wait to be accepted.
const CONNECTIONS: usize = 512;

/// How long requests are still taken once the process is asked to end: multus-shim sends a DEL as long as `/healthz` is
/// answered.
const GRACE: Duration = Duration::from_secs(3);

/// How long requests that are being answered then may take to end.
const LAST: Duration = Duration::from_secs(1);

/// How often it is looked whether they have.
const LOOK: Duration = Duration::from_millis(20);

/// Pause after a failed accept: out of file descriptors, the next one would fail at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The routes.
pub fn router(service: Arc<Service>) -> Router {
    Router::new()
        .route("/cni", any(cni))
        .route("/delegate", any(delegate))
        .route("/healthz", any(healthz))
        .route("/readyz", any(readyz))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(service)
}

/// Serves until a while after `stop`, then lets running requests end, and gives them up at last: what they executed goes on
/// by itself, and is written down.
pub async fn serve(socket: Socket, service: Arc<Service>, stop: impl Future<Output = ()>) {
    let router = router(Arc::clone(&service));
    let mut connections = JoinSet::new();
    let until = async {
        stop.await;
        sleep(GRACE).await;
    };
    tokio::pin!(until);
    loop {
        tokio::select! {
            () = &mut until => break,
            accepted = socket.accept(), if connections.len() < CONNECTIONS => match accepted {
                Ok(stream) => { connections.spawn(welcome(stream, &socket, &router)); }
                Err(error) => {
                    tracing::error!(%error, "Accepting a connection failed");
                    sleep(ACCEPT_PAUSE).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
    drop(socket);
    let all_ended = async {
        while service.requests() > 0 {
            sleep(LOOK).await;
        }
    };
    if timeout(LAST, all_ended).await.is_err() {
        let requests = service.requests();
        tracing::warn!(
            requests,
            "Hot-plug requests are given up; the plugin goes on"
        );
    }
}

/// Not async, so that the connection does not borrow the socket.
fn welcome(
    stream: UnixStream,
    socket: &Socket,
    router: &Router,
) -> impl Future<Output = ()> + Send + use<> {
    let refusal = match stream.peer_cred() {
        Ok(peer) if socket.may_ask(peer.uid()) => None,
        Ok(peer) => Some(format!(
            "user {} may not ask polypod-device-bridge; only root may\n",
            peer.uid()
        )),
        Err(error) => Some(format!("it cannot be told who asks: {error}\n")),
    };
    let router = match refusal {
        None => router.clone(),
        Some(refusal) => {
            tracing::warn!(refusal = refusal.trim_end(), "A client is turned away");
            Router::new().fallback(move || async { (StatusCode::FORBIDDEN, refusal) })
        }
    };
    converse(stream, router)
}

async fn cni(State(service): State<Arc<Service>>, request: Request) -> Response {
    answer(&service, Endpoint::Cni, request).await
}

async fn delegate(State(service): State<Arc<Service>>, request: Request) -> Response {
    answer(&service, Endpoint::Delegate, request).await
}

async fn answer(service: &Arc<Service>, endpoint: Endpoint, request: Request) -> Response {
    if request.method() != Method::POST {
        return not_allowed();
    }
    let body = match timeout(PATIENCE, Bytes::from_request(request, &())).await {
        Ok(Ok(body)) => body,
        Ok(Err(rejection)) => return rejection.into_response(),
        Err(_) => return (StatusCode::REQUEST_TIMEOUT, "the body did not come\n").into_response(),
    };
    let reply = service.answer(endpoint, &body).await;
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = if reply.is_json {
        "application/json"
    } else {
        "text/plain; charset=utf-8"
    };
    (status, [(header::CONTENT_TYPE, kind)], reply.body).into_response()
}

async fn healthz(request: Request) -> Response {
    health(request.method(), StatusCode::OK)
}

async fn readyz(State(service): State<Arc<Service>>, request: Request) -> Response {
    let status = if service.is_ready() {
        StatusCode::OK
    } else {
        StatusCode::INTERNAL_SERVER_ERROR
    };
    health(request.method(), status)
}

fn health(method: &Method, status: StatusCode) -> Response {
    if method == Method::GET || method == Method::POST {
        let kind = [(header::CONTENT_TYPE, "application/json")];
        (status, kind, Body::empty()).into_response()
    } else {
        not_allowed()
    }
}

fn not_allowed() -> Response {
    (StatusCode::METHOD_NOT_ALLOWED, "Method not allowed\n").into_response()
}

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
