//! How long a request may take: what the API server says in `?timeout=`, and no longer than this webhook wants.

use std::time::Duration;

use axum::{
    extract::Request,
    http::StatusCode,
    middleware::Next,
    response::{IntoResponse, Response},
};

/// Without a word of the API server. Kubernetes's own default for a webhook.
const LONGEST: Duration = Duration::from_secs(10);

/// Answers 504 when the rest of the request takes too long: a body that does not come, or a queue of other requests.
pub async fn enforce(request: Request, next: Next) -> Response {
    let limit = of_query(request.uri().query().unwrap_or_default());
    within("review", limit, request, next).await
}

/// The same for a scheduler's question. The caller, who does not say so, waits for `patience`.
pub async fn enforce_within(patience: Duration, request: Request, next: Next) -> Response {
    within("question", of_patience(patience), request, next).await
}

async fn within(what: &str, limit: Duration, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let text = format!("the {what} was not answered within {limit:?}\n");
            (StatusCode::GATEWAY_TIMEOUT, text).into_response()
        }
    }
}

/// Nine tenths of what the caller waits, so that it hears why; what is left is for the way back.
fn of_patience(asked: Duration) -> Duration {
    (asked - asked / 10).min(LONGEST)
}

fn of_query(query: &str) -> Duration {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("timeout="))
        .and_then(duration)
        .map_or(LONGEST, of_patience)
}

/// A Go duration of one unit, which is all that API servers write.
fn duration(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let number: u64 = text[..end].parse().ok()?;
    match &text[end..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        _ => None,
    }
    .filter(|duration| !duration.is_zero() && *duration <= Duration::from_secs(3600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries() {
        for (query, milliseconds) in [
            ("", 10_000),
            ("timeout=10s", 9_000),
            ("timeout=30s", 10_000),
            ("timeout=2s", 1_800),
            ("dryRun=All&timeout=500ms", 450),
            ("timeout=1m", 10_000),
            ("timeout=", 10_000),
            ("timeout=0s", 10_000),
            ("timeout=5", 10_000),
            ("timeout=-5s", 10_000),
            ("timeout=99999999999999999999s", 10_000),
            ("timeout=18446744073709551615m", 10_000),
        ] {
            let wanted = Duration::from_millis(milliseconds);
            assert_eq!(of_query(query), wanted, "{query}");
        }
    }
}
