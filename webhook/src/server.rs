//! The TLS port: `/mutate` and `/validate`.
//!
//! HTTP in, HTTP out, and everything that can be wrong with a request before it is a question.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Instant};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::post,
};
use futures::FutureExt;
use kube::Client;
use tracing::{debug, error, warn};

use crate::{
    answer::Answer,
    body::{BodyError, Room},
    configured::Configured,
    deadline,
    decide::Undecided,
    deliberate::deliberate,
    hook::Hook,
    live::Unread,
    live_namespace::UnreadNamespace,
    logged,
    metrics::{Metrics, Reason},
    permissions::{Permissions, Unanswered},
    readiness::Readiness,
    review::{self, ReviewError},
    store::Store,
    traces::{ReviewTrace, Traces},
};

/// What every request needs.
#[derive(Clone)]
pub struct Webhook {
    /// What is known of the cluster.
    pub store: Arc<Store>,
    /// The administrator's decisions.
    pub configured: Arc<Configured>,
    /// Everything counted.
    pub metrics: Arc<Metrics>,
    /// Whether more requests should be sent here.
    pub readiness: Arc<Readiness>,
    /// What was asked lately about the use of networks.
    pub permissions: Arc<Permissions>,
    /// The API server, for networks and permissions that are not known here yet; none where networks come from files.
    pub api_server: Option<Client>,
    /// Where traces go, if anywhere.
    pub traces: Traces,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Webhook")
            .field("configured", &self.configured)
            .finish_non_exhaustive()
    }
}

/// The routes.
pub fn router(webhook: Webhook) -> Router {
    router_within(Room::default(), webhook)
}

/// The routes, where bodies have this room.
fn router_within(room: Room, webhook: Webhook) -> Router {
    let to = |hook| {
        let room = room.clone();
        post(
            async move |State(webhook): State<Webhook>, headers: HeaderMap, body: Body| {
                serve(hook, &webhook, &room, &headers, body).await
            },
        )
    };
    // A body that is slow to come holds up nobody but itself: deciding takes microseconds, and there is no queue for it.
    let bounded = |hook| {
        to(hook)
            .layer(middleware::from_fn(deadline::enforce))
            .layer(middleware::from_fn_with_state(
                (hook, webhook.clone()),
                attended,
            ))
    };
    Router::new()
        .route("/mutate", bounded(Hook::Mutate))
        .route("/validate", bounded(Hook::Validate))
        .with_state(webhook)
}

/// Sees to it that a request is counted and measured however it ends.
async fn attended(
    State((hook, webhook)): State<(Hook, Webhook)>,
    request: axum::extract::Request,
    next: middleware::Next,
) -> Response {
    let begin = Instant::now();
    let metrics = &webhook.metrics;
    let _in_flight = metrics.begin(hook);
    let version = request.version();
    // What a request may leave behind half done is the request's own; all that is shared is behind locks.
    let mut response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => {
            metrics.count_failed(hook, Reason::Panic);
            // The panic's own words may quote the pod; the hook of panics logs them, at debug.
            error!(
                hook = hook.as_str(),
                "Review ended by a panic, a defect of this webhook"
            );
            let text = "answering the review failed by a defect of this webhook\n";
            (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
        }
    };
    metrics.observe(hook, begin.elapsed());
    if response.status() == StatusCode::GATEWAY_TIMEOUT {
        metrics.count_failed(hook, Reason::Timeout);
        warn!(hook = hook.as_str(), "Review not answered in time");
    }
    webhook.readiness.part(version, &mut response);
    response
}

/// Why a request gets no AdmissionReview back. The API server logs the text and asks its `failurePolicy`.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the content type is {0:?}; send application/json")]
    ContentType(String),
    #[error(transparent)]
    Body(#[from] BodyError),
    #[error(transparent)]
    Review(#[from] ReviewError),
    #[error(transparent)]
    Undecided(#[from] Undecided),
    #[error(transparent)]
    Unread(#[from] Unread),
    #[error(transparent)]
    UnreadNamespace(#[from] UnreadNamespace),
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
    #[error("writing the answer: {0}")]
    Answer(#[from] serde_json::Error),
}

impl Failure {
    const fn status(&self) -> StatusCode {
        match self {
            Self::ContentType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Body(BodyError::TooLarge { .. }) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body(BodyError::Broken(_))
            | Self::Review(_)
            | Self::Undecided(Undecided::Unreadable { .. } | Undecided::Namespace(_)) => {
                StatusCode::BAD_REQUEST
            }
            Self::Body(BodyError::NoRoom)
            | Self::Undecided(Undecided::NotSynced)
            | Self::Unread(_)
            | Self::UnreadNamespace(_)
            | Self::Unanswered(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Undecided(Undecided::Refusal(_)) | Self::Answer(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    const fn reason(&self) -> Reason {
        match self {
            Self::Body(BodyError::TooLarge { .. }) => Reason::TooLarge,
            Self::Body(BodyError::NoRoom) => Reason::NoRoom,
            Self::ContentType(_)
            | Self::Body(BodyError::Broken(_))
            | Self::Review(_)
            | Self::Undecided(Undecided::Unreadable { .. } | Undecided::Namespace(_)) => {
                Reason::BadRequest
            }
            Self::Undecided(Undecided::NotSynced) => Reason::NotSynced,
            Self::Unread(_) | Self::UnreadNamespace(_) | Self::Unanswered(_) => Reason::ApiServer,
            Self::Undecided(Undecided::Refusal(_)) | Self::Answer(_) => Reason::Defect,
        }
    }
}

async fn serve(
    hook: Hook,
    webhook: &Webhook,
    room: &Room,
    headers: &HeaderMap,
    body: Body,
) -> Response {
    let mut trace = webhook.traces.review(headers);
    let answer = match room.read(body).await {
        // Until there is an answer, whoever waits for room waits for this body, too.
        Ok(body) => answer(hook, webhook, headers, body.as_ref(), &mut trace).await,
        Err(error) => Err(error.into()),
    };
    answer.unwrap_or_else(|failure| {
        let (status, reason) = (failure.status(), failure.reason());
        webhook.metrics.count_failed(hook, reason);
        trace.failed(hook, reason);
        // The failure itself may quote the object; the API server is told it.
        let (hook, reason) = (hook.as_str(), reason.as_str());
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            error!(hook, reason, "Review failed by a defect of this webhook");
        } else {
            warn!(hook, reason, "Review not answered");
        }
        debug!(hook, reason, error = %failure, "Review not answered, in full");
        (status, format!("{failure}\n")).into_response()
    })
}

async fn answer(
    hook: Hook,
    webhook: &Webhook,
    headers: &HeaderMap,
    body: &[u8],
    trace: &mut ReviewTrace<'_>,
) -> Result<Response, Failure> {
    trace.parse();
    check_content_type(headers)?;
    let request = review::parse(body)?;
    let policy = webhook.configured.current();
    let decision = deliberate::<Failure>(hook, webhook, &request, &policy, trace).await?;
    trace.decided(&decision);
    let answer = serde_json::to_vec(&Answer::new(&request, &decision)?)?;
    let is_dry_run = request.dry_run.unwrap_or(false);
    webhook.metrics.count(hook, &decision, is_dry_run);
    logged::decided(hook, &request, &decision);
    Ok(([(header::CONTENT_TYPE, "application/json")], answer).into_response())
}

/// `application/json`, with or without parameters such as a charset.
fn check_content_type(headers: &HeaderMap) -> Result<(), Failure> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()))
        .unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        Ok(())
    } else {
        Err(Failure::ContentType(content_type.into_owned()))
    }
}

#[cfg(test)]
mod tests;
