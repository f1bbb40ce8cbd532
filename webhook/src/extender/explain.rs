//! `/scheduler/explain`: why a pod is where it is, or nowhere.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    http::{StatusCode, Uri},
    middleware,
    response::{IntoResponse, Response},
    routing::get,
};
use scheduler::explain::{View, explain};

use super::{
    clients,
    scheduling::Scheduling,
    serve::{Extender, json},
};

/// The route.
pub(super) fn router(extender: &Extender) -> Router {
    let admitted = middleware::from_fn_with_state(extender.clients.clone(), clients::admitted);
    Router::new()
        .route("/scheduler/explain", get(answer).layer(admitted))
        .with_state(Arc::clone(&extender.scheduling))
}

async fn answer(State(scheduling): State<Arc<Scheduling>>, uri: Uri) -> Response {
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
        return (StatusCode::BAD_REQUEST, text).into_response();
    };
    if let Some(kind) = scheduling.awaited() {
        let text = format!("the {kind} are not known yet; ask again\n");
        return (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    }
    let demands = scheduling.demands.of(namespace, pod);
    let explanation = scheduling.read(|engine, now| {
        // Of several of a name the one that waits is asked about.
        let is_bound = |uid: &str| engine.node_of(uid).is_some();
        let demand = demands.iter().min_by_key(|demand| is_bound(&demand.uid))?;
        let tentative = scheduling.tentative();
        let view = View {
            node: value("node"),
            tentative: Some(&tentative),
            ..View::default()
        };
        Some(explain(engine, demand, now, &view))
    });
    let Some(explanation) = explanation else {
        let text = format!(
            "the pod {namespace}/{pod} is not known here; or it demands no devices and nothing that is aligned, and fits wherever kube-scheduler finds room\n"
        );
        return (StatusCode::NOT_FOUND, text).into_response();
    };
    match serde_json::to_vec(&explanation) {
        Ok(text) => json(text),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}
