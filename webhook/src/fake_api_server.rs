//! An API server for tests: single objects by path, and a record of what was asked. No socket is needed, because a
//! client is a service.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::http::{Request, Response, StatusCode};
use kube::{Client, client::Body};
use serde_json::{Value, json};

/// What the fake has, and what it was asked.
#[derive(Clone, Debug, Default)]
pub(crate) struct FakeApiServer {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Answers by method and path, such as `GET /api/v1/namespaces/default/pods/p`. Several are given one after another,
    /// the last again and again.
    answers: BTreeMap<String, Vec<(u16, Value)>>,
    asked: Vec<(String, Value)>,
    hangs: bool,
    delay: Duration,
}

impl FakeApiServer {
    /// Answers `request` so, after what was given for it before.
    pub(crate) fn answer(&self, request: &str, status: u16, body: Value) {
        let mut state = self.state.lock().unwrap();
        let answers = state.answers.entry(request.to_owned()).or_default();
        answers.push((status, body));
    }

    /// Never answers anything again.
    pub(crate) fn hang(&self) {
        self.state.lock().unwrap().hangs = true;
    }

    /// Takes so long for each answer from here on.
    pub(crate) fn delay(&self, delay: Duration) {
        self.state.lock().unwrap().delay = delay;
    }

    /// The requests so far, with the JSON they carried.
    pub(crate) fn asked(&self) -> Vec<(String, Value)> {
        self.state.lock().unwrap().asked.clone()
    }

    /// The requests so far, without what they carried.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.asked()
            .into_iter()
            .map(|(request, _)| request)
            .collect()
    }

    /// A client of it.
    pub(crate) fn client(&self) -> Client {
        let fake = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let fake = fake.clone();
            async move { Ok::<_, Infallible>(fake.respond(request).await) }
        });
        Client::new(service, "default")
    }

    async fn respond(&self, request: Request<Body>) -> Response<Body> {
        let key = format!("{} {}", request.method(), request.uri().path());
        let (hangs, delay) = {
            let state = self.state.lock().unwrap();
            (state.hangs, state.delay)
        };
        if hangs {
            std::future::pending::<()>().await;
        }
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let body = request.into_body().collect_bytes().await.unwrap();
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let mut state = self.state.lock().unwrap();
        state.asked.push((key.clone(), body));
        let (status, body) = match state.answers.get_mut(&key) {
            None => (404, refusal(404, "not found")),
            Some(answers) if answers.len() > 1 => answers.remove(0),
            Some(answers) => answers[0].clone(),
        };
        let mut response = Response::new(Body::from(body.to_string().into_bytes()));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response
    }
}

/// A `Status` as the API server gives it with an error.
pub(crate) fn refusal(code: u16, message: &str) -> Value {
    let reason = if code == 404 { "NotFound" } else { "" };
    json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message, "reason": reason})
}
