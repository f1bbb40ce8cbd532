//! Answers of the API server with their headers, which a client of Kubernetes keeps to itself.

use std::time::{Duration, SystemTime};

use kube::{Client, client::Body};
use serde_json::Value;
use ureq::http::{HeaderMap, Request, header::DATE};

use super::clock::Reading;
use crate::cluster::{Cause, Unseen};

/// More than this of an answer nobody reads.
const LONGEST: usize = 64 * 1024;

/// So many characters of what is no Status are told.
const BEGINNING: usize = 300;

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    /// The HTTP status.
    pub(super) code: u16,
    /// The text, as far as it is one.
    pub(super) text: String,
    /// What it warned of (RFC 7234, `Warning: 299 - "text"`).
    pub(super) warnings: Vec<String>,
    /// The API server's clock.
    pub(super) clock: Option<Reading>,
}

impl Answer {
    /// The text as an object; nothing where it is none.
    pub(super) fn object(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The message of a Status, or how the text begins: what stands in between may answer with a page.
    pub(super) fn message(&self) -> String {
        match self.object()["message"].as_str() {
            Some(message) => message.to_owned(),
            None => self.text.chars().take(BEGINNING).collect(),
        }
    }
}

/// Asks, and waits no longer than `limit`.
///
/// # Errors
/// There was no answer.
pub(super) async fn ask(
    client: &Client,
    limit: Duration,
    method: &str,
    path: &str,
    object: Option<&Value>,
) -> Result<Answer, Unseen> {
    let asked = SystemTime::now();
    let unseen = |cause, why: String, what_to_do: &str| Unseen {
        what: path.to_owned(),
        cause,
        why,
        what_to_do: what_to_do.to_owned(),
    };
    let body = object.map(|object| object.to_string().into_bytes());
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(Body::from(body.unwrap_or_default()))
        .map_err(|error| unseen(Cause::Failed, error.to_string(), "name other namespaces"))?;
    let answer = async {
        let answer = client.send(request).await?;
        let answered = SystemTime::now();
        let (parts, body) = answer.into_parts();
        let bytes = body.collect_bytes().await?;
        let bytes = bytes.get(..LONGEST).unwrap_or(&bytes);
        let header = |name| {
            let all = parts.headers.get_all(name).iter();
            all.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        Ok::<_, kube::Error>(Answer {
            code: parts.status.as_u16(),
            text: String::from_utf8_lossy(bytes).into_owned(),
            warnings: header("warning").collect(),
            clock: said(&parts.headers).map(|said| Reading {
                asked,
                answered,
                said,
            }),
        })
    };
    match tokio::time::timeout(limit, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(unseen(
            Cause::Unreachable,
            format!("the API server does not answer: {error}"),
            "see that the cluster is up and the way to it open",
        )),
        Err(_) => Err(unseen(
            Cause::TimedOut,
            format!("no answer in {}", humantime::format_duration(limit)),
            "try again with a longer --request-timeout",
        )),
    }
}

/// The header Date.
fn said(headers: &HeaderMap) -> Option<SystemTime> {
    let date = headers.get(DATE)?.to_str().ok()?;
    httpdate::parse_http_date(date).ok()
}
