//! The TLS port: `/mutate` and `/validate`.
//!
//! HTTP in, HTTP out, and everything that can be wrong with a request before it is a question.

use std::{sync::Arc, time::Instant};

use axum::{
    Router,
    body::Bytes,
    extract::{
        DefaultBodyLimit, State,
        rejection::{BytesRejection, FailedToBufferBody},
    },
    http::{HeaderMap, StatusCode, header},
    middleware,
    response::{IntoResponse, Response},
    routing::post,
};
use kube::Client;
use tracing::{debug, error, info, warn};

use crate::{
    answer::{Answer, shortened},
    configured::Configured,
    deadline,
    decide::{Decision, Undecided},
    deliberate::deliberate,
    hook::Hook,
    live::Unread,
    metrics::{Metrics, Outcome},
    permissions::{Permissions, Unanswered},
    review::{self, Request, ReviewError},
    store::Store,
};

/// The largest body that is read. API servers take objects of 3 MiB, and a review of a change holds two of them.
pub const BODY_LIMIT: usize = 8 << 20;

/// What every request needs.
#[derive(Clone)]
pub struct Webhook {
    /// What is known of the cluster.
    pub store: Arc<Store>,
    /// The administrator's decisions.
    pub configured: Arc<Configured>,
    /// Everything counted.
    pub metrics: Arc<Metrics>,
    /// What was asked lately about the use of networks.
    pub permissions: Arc<Permissions>,
    /// The API server, for networks and permissions that are not known here yet; none where networks come from files.
    pub api_server: Option<Client>,
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
    let to = |hook| {
        post(
            async move |State(webhook): State<Webhook>,
                        headers: HeaderMap,
                        body: Result<Bytes, BytesRejection>| {
                serve(hook, &webhook, &headers, body).await
            },
        )
    };
    let timed = |hook| middleware::from_fn_with_state((hook, Arc::clone(&webhook.metrics)), timed);
    // A body that is slow to come holds up nobody but itself: deciding takes microseconds, and there is no queue for it.
    let bounded = |hook| {
        to(hook)
            .layer(middleware::from_fn(deadline::enforce))
            .layer(timed(hook))
    };
    Router::new()
        .route("/mutate", bounded(Hook::Mutate))
        .route("/validate", bounded(Hook::Validate))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .with_state(webhook)
}

async fn timed(
    State((hook, metrics)): State<(Hook, Arc<Metrics>)>,
    request: axum::extract::Request,
    next: middleware::Next,
) -> Response {
    let begin = Instant::now();
    let response = next.run(request).await;
    metrics.observe(hook, begin.elapsed());
    if response.status() == StatusCode::GATEWAY_TIMEOUT {
        metrics.count(hook, Outcome::Failed);
        warn!(hook = hook.as_str(), "Review not answered in time");
    }
    response
}

/// Why a request gets no AdmissionReview back. The API server logs the text and asks its `failurePolicy`.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the content type is {0:?}; send application/json")]
    ContentType(String),
    #[error("the request's body is larger than {} MiB, which is the limit of this webhook", BODY_LIMIT >> 20)]
    TooLarge,
    #[error("reading the request's body: {0}")]
    Body(BytesRejection),
    #[error(transparent)]
    Review(#[from] ReviewError),
    #[error(transparent)]
    Undecided(#[from] Undecided),
    #[error(transparent)]
    Unread(#[from] Unread),
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
    #[error("writing the answer: {0}")]
    Answer(#[from] serde_json::Error),
}

impl Failure {
    const fn status(&self) -> StatusCode {
        match self {
            Self::ContentType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Body(_)
            | Self::Review(_)
            | Self::Undecided(Undecided::Unreadable { .. } | Undecided::Namespace(_)) => {
                StatusCode::BAD_REQUEST
            }
            Self::Undecided(Undecided::NotSynced) | Self::Unread(_) | Self::Unanswered(_) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Undecided(Undecided::Refusal(_)) | Self::Answer(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }
}

async fn serve(
    hook: Hook,
    webhook: &Webhook,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let answer = match body {
        Ok(body) => answer(hook, webhook, headers, &body).await,
        Err(BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_))) => {
            Err(Failure::TooLarge)
        }
        Err(other) => Err(Failure::Body(other)),
    };
    answer.unwrap_or_else(|failure| {
        webhook.metrics.count(hook, Outcome::Failed);
        let status = failure.status();
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            error!(hook = hook.as_str(), error = %failure, "Review failed by a defect of this webhook");
        } else {
            warn!(hook = hook.as_str(), error = %failure, "Review not answered");
        }
        (status, format!("{failure}\n")).into_response()
    })
}

async fn answer(
    hook: Hook,
    webhook: &Webhook,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Response, Failure> {
    check_content_type(headers)?;
    let request = review::parse(body)?;
    let policy = webhook.configured.current();
    let decision = deliberate::<Failure>(hook, webhook, &request, &policy).await?;
    let answer = serde_json::to_vec(&Answer::new(&request.uid, &decision)?)?;
    webhook.metrics.count(hook, Outcome::from(&decision));
    log(hook, &request, &decision);
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

fn log(hook: Hook, request: &Request<'_>, decision: &Decision) {
    let hook = hook.as_str();
    let uid = request.uid.as_ref();
    let kind = request.kind.kind.as_ref();
    let operation = request.operation.as_ref();
    let namespace = request.namespace.as_deref();
    let name = request.name.as_deref();
    let outcome = Outcome::from(decision).as_str();
    match decision {
        Decision::Denied(denial) => {
            let denial = shortened(denial.to_string());
            info!(
                hook,
                uid,
                kind,
                operation,
                namespace,
                name,
                decision = outcome,
                denial,
                "Review answered"
            );
        }
        Decision::Allowed(plan) | Decision::Patched { plan, .. } if !plan.networks.is_empty() => {
            let networks = plan.networks.len();
            info!(
                hook,
                uid,
                kind,
                operation,
                namespace,
                name,
                decision = outcome,
                networks,
                "Review answered"
            );
        }
        Decision::Allowed(_) | Decision::Patched { .. } => {
            debug!(
                hook,
                uid,
                kind,
                operation,
                namespace,
                name,
                decision = outcome,
                "Review answered"
            );
        }
    }
}

#[cfg(test)]
mod tests;
