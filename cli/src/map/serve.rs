//! The page's server: on loopback alone, for requests that were meant for it.

use std::{convert::Infallible, future::Future, net::Ipv4Addr, time::Duration};

use anyhow::{Context as _, Result};
use axum::{
    Router,
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{
        IntoResponse, Response, Sse,
        sse::{Event, KeepAlive},
    },
    routing::get,
};
use futures::{Stream, stream};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
};

use super::{page, snapshot::Snapshot};

/// How often a page that is told nothing is told that somebody is there.
const ALIVE: Duration = Duration::from_secs(10);

type Snapshots = watch::Receiver<Snapshot>;

/// What is served, and on which port.
#[derive(Clone, Debug)]
struct Served {
    snapshots: Snapshots,
    port: u16,
}

/// Serves the map until SIGINT or SIGTERM, while `follow` keeps it true. Prints its address on standard output.
pub(super) async fn until_interrupted(
    port: u16,
    snapshots: Snapshots,
    follow: impl Future<Output = ()>,
) -> Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .with_context(|| {
            format!("cannot listen on 127.0.0.1:{port}; leave --port out for a free one")
        })?;
    let port = listener.local_addr()?.port();
    println!("the map is on http://127.0.0.1:{port}/ until Ctrl-C");
    let served = axum::serve(listener, router(snapshots, port));
    let follow = async {
        follow.await;
        // Whoever has nothing more to tell leaves what there is.
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = async { served.await } => ended.context("the map cannot be served any more"),
        () = follow => Ok(()),
        _ = interrupt.recv() => Ok(()),
        _ = terminate.recv() => Ok(()),
    }
}

fn router(snapshots: Snapshots, port: u16) -> Router {
    let served = Served { snapshots, port };
    Router::new()
        .route("/", get(page))
        .route("/events/{since}", get(events))
        .layer(middleware::map_response(guarded))
        .layer(middleware::from_fn_with_state(served.clone(), meant_for_us))
        .with_state(served)
}

/// Refuses requests under another name: a page of elsewhere whose name somebody points at 127.0.0.1 would read the cluster.
async fn meant_for_us(State(served): State<Served>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok());
    if host.is_some_and(|host| is_ours(host, served.port)) {
        return next.run(request).await;
    }
    let port = served.port;
    let words = format!("this is http://127.0.0.1:{port}/ and nothing else\n");
    (StatusCode::MISDIRECTED_REQUEST, words).into_response()
}

/// Whether a Host names this server.
fn is_ours(host: &str, port: u16) -> bool {
    let Some((name, told)) = host.rsplit_once(':') else {
        // A browser leaves port 80 out.
        return port == 80 && matches!(host, "127.0.0.1" | "localhost");
    };
    matches!(name, "127.0.0.1" | "localhost") && told == port.to_string()
}

async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

async fn page(State(served): State<Served>) -> Response {
    let snapshot = served.snapshots.borrow().clone();
    let policy = format!("{}; frame-ancestors 'none'", page::policy(true));
    match snapshot.page(true) {
        Ok(html) => (
            [
                (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
                (header::CONTENT_SECURITY_POLICY, policy),
            ],
            html,
        )
            .into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Tells a page that shows a version what is new: everything at first, unless nothing is; then changes.
async fn events(
    State(served): State<Served>,
    Path(since): Path<u64>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    // A browser that connects again says by itself what it was told last.
    let last = headers.get("last-event-id");
    let last = last.and_then(|last| last.to_str().ok()?.parse().ok());
    let mut snapshots = served.snapshots;
    let shown = Some(snapshots.borrow_and_update().clone());
    let shown = shown.filter(|snapshot| snapshot.version == last.unwrap_or(since));
    if shown.is_none() {
        snapshots.mark_changed();
    }
    let told = stream::unfold((snapshots, shown), |(mut snapshots, shown)| async move {
        snapshots.changed().await.ok()?;
        let snapshot = snapshots.borrow_and_update().clone();
        // Objects are texts, numbers and lists of them, and what is drawn of them as well.
        let json = snapshot.told(shown.as_ref()).ok()?;
        let event = Event::default().id(snapshot.version.to_string()).data(json);
        Some((Ok(event), (snapshots, Some(snapshot))))
    });
    Sse::new(told).keep_alive(KeepAlive::new().interval(ALIVE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_its_own_name_is_answered() {
        for (host, port, wanted) in [
            ("127.0.0.1:8080", 8080, true),
            ("localhost:8080", 8080, true),
            ("127.0.0.1:8081", 8080, false),
            ("attacker.example:8080", 8080, false),
            ("127.0.0.1.attacker.example:8080", 8080, false),
            ("localhost", 80, true),
            ("localhost", 8080, false),
            ("", 8080, false),
            ("[::1]:8080", 8080, false),
        ] {
            assert_eq!(is_ours(host, port), wanted, "{host}");
        }
    }
}
