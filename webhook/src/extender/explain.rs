//! `/scheduler/explain`: why a pod is where it is, or nowhere.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, Uri},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use scheduler::explain::{View, explain};

use super::{
    clients,
    counts::Failure,
    scheduling::Scheduling,
    serve::{Extender, PATIENCE, attended, defect, failed, json},
    verb::Verb,
};
use crate::deadline;

/// The route.
pub(super) fn router(extender: &Extender) -> Router {
    let within = middleware::from_fn(async |request: Request, next: Next| {
        deadline::enforce_within(PATIENCE, request, next).await
    });
    let admitted = middleware::from_fn_with_state(extender.clients.clone(), clients::admitted);
    let attended = middleware::from_fn_with_state((Verb::Explain, extender.clone()), attended);
    let answer = get(answer).layer(within).layer(admitted).layer(attended);
    Router::new()
        .route("/scheduler/explain", answer)
        .with_state(extender.clone())
}

async fn answer(State(extender): State<Extender>, uri: Uri) -> Response {
    let query = uri.query().unwrap_or_default();
    // Names of objects have no character that would have to be escaped.
    let value = |key: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let mut values = pairs.filter(|(found, _)| *found == key);
        values
            .next()
            .map(|(_, value)| value)
            .filter(|value| !value.is_empty())
    };
    let (Some(namespace), Some(pod)) = (value("namespace"), value("pod")) else {
        let text = "say of which pod: /scheduler/explain?namespace=NAMESPACE&pod=POD, and &node=NODE for one node alone\n";
        failed(Verb::Explain, &extender, Failure::BadRequest, text.trim());
        return (StatusCode::BAD_REQUEST, text).into_response();
    };
    if let Some(kind) = extender.scheduling.awaited() {
        let text = format!("the {kind} are not known yet; ask again\n");
        failed(Verb::Explain, &extender, Failure::NotSynced, text.trim());
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    }
    let scheduling = Arc::clone(&extender.scheduling);
    let [namespace, pod] = [namespace, pod].map(Box::<str>::from);
    let node = value("node").map(Box::<str>::from);
    let not_known = format!(
        "the pod {namespace}/{pod} is not known here; or it demands no devices and nothing that is aligned, and fits wherever kube-scheduler finds room\n"
    );
    // It looks at all nodes, each at length: others are answered meanwhile.
    let explained = move || explained(&scheduling, &namespace, &pod, node.as_deref());
    match tokio::task::spawn_blocking(explained).await {
        Ok(Some(Ok(text))) => json(text),
        Ok(None) => (StatusCode::NOT_FOUND, not_known).into_response(),
        Ok(Some(Err(_))) | Err(_) => defect(Verb::Explain, &extender),
    }
}

/// The explanation as JSON; nothing where the pod is not known.
fn explained(
    scheduling: &Scheduling,
    namespace: &str,
    pod: &str,
    node: Option<&str>,
) -> Option<Result<Vec<u8>, serde_json::Error>> {
    let demands = scheduling.demands.of(namespace, pod);
    let tentative = scheduling.tentative().clone();
    let explanation = scheduling.read(|engine, now| {
        // Of several of a name the one that waits is asked about.
        let is_bound = |uid: &str| engine.node_of(uid).is_some();
        let demand = demands.iter().min_by_key(|demand| is_bound(&demand.uid))?;
        let view = View {
            node,
            tentative: Some(&tentative),
            ..View::default()
        };
        Some(explain(engine, demand, now, &view))
    });
    explanation.map(|explanation| serde_json::to_vec(&explanation))
}
