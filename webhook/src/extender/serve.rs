//! The extender's part of the TLS port: `/scheduler/filter` and `/scheduler/prioritize`, and beside them `/scheduler/explain`.

use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::post,
};
use futures::FutureExt;
use scheduler::extender::ExtenderFilterResult;
use tracing::{debug, error, warn};

use super::{
    clients::{self, Clients},
    counts::Failure,
    explain,
    reply::{self, Ask, Unanswered},
    scheduling::Scheduling,
    verb::Verb,
};
use crate::{
    body::{BodyError, Room},
    deadline,
    readiness::Readiness,
    traces::Traces,
};

/// The largest body that is read: that of a scheduler that sends 5,000 nodes as whole objects.
pub const BODY_LIMIT: usize = 64 << 20;

/// How long kube-scheduler waits without a `httpTimeout` of its own.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Bodies from here on are read on a thread of their own: others should not wait for a tenth of a second.
const LONG: usize = 1 << 20;

/// What every question needs.
#[derive(Clone, Debug)]
pub struct Extender {
    /// What is known.
    pub scheduling: Arc<Scheduling>,
    /// Whether more requests should be sent here.
    pub readiness: Arc<Readiness>,
    /// Who may ask; everybody where there is none.
    pub clients: Option<Arc<Clients>>,
    /// Where traces go, if anywhere.
    pub traces: Traces,
}

/// The routes.
pub fn router(extender: Extender) -> Router {
    // Two of the largest at once; names alone are a megabyte at most.
    let room = Room::new(2 * BODY_LIMIT, 32 << 10, Duration::from_secs(2)).up_to(BODY_LIMIT);
    let to = |ask: Ask| {
        let room = room.clone();
        post(async move |State(extender): State<Extender>, body: Body| {
            serve(ask, &extender, &room, body).await
        })
        .layer(middleware::from_fn(async |request: Request, next: Next| {
            deadline::enforce_within(PATIENCE, request, next).await
        }))
        .layer(middleware::from_fn_with_state(
            extender.clients.clone(),
            clients::admitted,
        ))
        .layer(middleware::from_fn_with_state(
            (ask.verb(), extender.clone()),
            attended,
        ))
    };
    let explanations = explain::router(&extender);
    Router::new()
        .route("/scheduler/filter", to(Ask::Filter))
        .route("/scheduler/prioritize", to(Ask::Prioritize))
        .with_state(extender)
        .merge(explanations)
}

/// Sees to it that a question is counted and measured however it ends.
pub(super) async fn attended(
    State((verb, extender)): State<(Verb, Extender)>,
    request: Request,
    next: Next,
) -> Response {
    let begin = Instant::now();
    let version = request.version();
    let counts = &extender.scheduling.counts;
    // What a question may leave behind half done is its own; all that is shared is behind locks, and only read.
    let mut response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => defect(verb, &extender),
    };
    counts.observe(verb, begin.elapsed());
    let failure = match response.status() {
        StatusCode::GATEWAY_TIMEOUT => Some(Failure::Timeout),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(Failure::Client),
        _ => None,
    };
    if let Some(failure) = failure {
        counts.fail(verb, failure);
        let (verb, reason) = (verb.as_str(), failure.as_str());
        warn!(verb, reason, "Question not answered");
    }
    extender.readiness.part(version, &mut response);
    response
}

pub(super) fn defect(verb: Verb, extender: &Extender) -> Response {
    extender.scheduling.counts.fail(verb, Failure::Defect);
    // The panic's own words may quote the pod; the hook of panics logs them, at debug.
    error!(
        verb = verb.as_str(),
        "Question ended by a panic, a defect of this extender"
    );
    let text = "answering the question failed by a defect of this extender\n";
    (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
}

async fn serve(ask: Ask, extender: &Extender, room: &Room, body: Body) -> Response {
    let verb = ask.verb();
    let body = match room.read(body).await {
        Ok(body) => body,
        Err(error) => {
            let (status, failure) = match error {
                BodyError::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, Failure::TooLarge),
                BodyError::NoRoom => (StatusCode::SERVICE_UNAVAILABLE, Failure::NoRoom),
                BodyError::Broken(_) => (StatusCode::BAD_REQUEST, Failure::BadRequest),
            };
            failed(verb, extender, failure, &error.to_string());
            return (status, format!("{error}\n")).into_response();
        }
    };
    // Until there is an answer, whoever waits for room waits for this body, too.
    let (scheduling, traces) = (&extender.scheduling, &extender.traces);
    let answer = if body.as_ref().len() < LONG {
        reply::to(ask, scheduling, traces, body.as_ref())
    } else {
        let (scheduling, traces) = (Arc::clone(scheduling), traces.clone());
        let reply = move || reply::to(ask, &scheduling, &traces, body.as_ref());
        match tokio::task::spawn_blocking(reply).await {
            Ok(answer) => answer,
            Err(_) => return defect(verb, extender),
        }
    };
    match answer {
        Ok(answer) => json(answer),
        Err(unanswered) => refuse(verb, extender, &unanswered),
    }
}

/// kube-scheduler reads no word of an answer that is not 200. The filter verb has a place for an error, which ends the
/// pod's attempt and is told in its events; the prioritize verb has none.
fn refuse(verb: Verb, extender: &Extender, unanswered: &Unanswered) -> Response {
    let error = unanswered.to_string();
    failed(verb, extender, unanswered.failure(), &error);
    let status = match unanswered {
        Unanswered::Answer(_) => StatusCode::INTERNAL_SERVER_ERROR,
        Unanswered::NotSynced(_) => StatusCode::SERVICE_UNAVAILABLE,
        Unanswered::Args(_) | Unanswered::Demand(_) => StatusCode::BAD_REQUEST,
    };
    match (
        verb,
        serde_json::to_vec(&ExtenderFilterResult::error(&error)),
    ) {
        (Verb::Filter, Ok(answer)) => json(answer),
        _ => (status, format!("{error}\n")).into_response(),
    }
}

/// The error may quote the pod: the scheduler is told it, and the log at debug alone.
pub(super) fn failed(verb: Verb, extender: &Extender, failure: Failure, error: &str) {
    extender.scheduling.counts.fail(verb, failure);
    let (verb, reason) = (verb.as_str(), failure.as_str());
    match failure {
        Failure::Defect => error!(verb, reason, "Question failed by a defect of this extender"),
        _ => warn!(verb, reason, "Question not answered"),
    }
    debug!(verb, reason, error, "Question not answered, in full");
}

pub(super) fn json(answer: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], answer).into_response()
}

#[cfg(test)]
mod tests;
